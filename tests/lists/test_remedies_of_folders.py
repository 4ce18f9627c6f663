"""A program that writes many files is told the folder that a person would allow, and never one that others rely on."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders of Unix")
TOGETHER = "  to allow "
# As mkdocs clears its folder of the last run before it writes, and stops at the first.
WRITES = """
import os, sys
first, *others = sys.argv[1:]
for name in others:
    try:
        open(name, "w")
    except OSError:
        pass
open(first, "w")
"""


def told(isolated, names, *options):
    isolated.write("target.py", WRITES)
    return isolated.cli("--fs-readonly", *options, "--", "./target.py", *names)


def folder_told(done):
    found = [line for line in done.errors if line.startswith(TOGETHER) and " writes in one folder: " in line]
    return found[0].partition(": ")[2].removeprefix("--allow-write ") if found else None


def test_files_of_one_folder_are_allowed_together(isolated):
    (isolated.folder / "site/css").mkdir(parents=True)
    names = ["site/a", "site/b", "site/css/c", "elsewhere"]
    done = told(isolated, names)
    site = isolated.folder.resolve() / "site"
    assert done.code == 2
    assert done.errors[-2:] == [
        f"  to allow it: --allow-write {site}/a",
        f"{TOGETHER}3 writes in one folder: --allow-write {site}",
    ]
    assert told(isolated, names[:3], "--allow-write", str(site)).code == 0


def test_a_program_that_copes_and_fails_is_told_the_folder_too(isolated):
    (isolated.folder / "site").mkdir()
    for name in "abcdefg":
        (isolated.folder / "site" / name).touch()
    code = "import os\nfor name in os.listdir('site'):\n    try: open('site/' + name, 'w')\n    except OSError: pass\n"
    done = isolated.script("--fs-readonly", code + "raise SystemExit(3)")
    assert (done.code, folder_told(done)) == (3, str(isolated.folder.resolve() / "site"))


def test_what_stops_a_program_may_lie_elsewhere(isolated):
    """As of sphinx, which first asks for a temporary file."""
    (isolated.folder / "out").mkdir()
    done = told(isolated, ["elsewhere", "out/a", "out/b", "out/c"])
    assert (done.code, folder_told(done)) == (2, str(isolated.folder.resolve() / "out"))


RELIED_ON = {
    "few": ["out/a", "out/b"],
    "apart": ["one/a", "two/b", "three/c"],
    "the project": ["a", "b", "c"],
    "hooks": [".git/hooks/a", ".git/hooks/b", ".git/hooks/c"],
    "another project": ["other/a", "other/b", "other/c"],
    "an environment": ["env/a", "env/b", "env/lib/c"],
    "programs": ["env/bin/a", "env/bin/b", "env/bin/c"],
    "the machine's": ["/etc/cron.d/x/a", "/etc/cron.d/x/b", "/etc/cron.d/x/c"],
    "everybody's": ["/tmp/a", "/tmp/b", "/tmp/c"],
    "the root": ["/a", "/b", "/c"],
    "what is imported": ["modules/inner/a", "modules/inner/b", "modules/c"],
    "a home": ["~/a", "~/b", "~/c"],
    "settings": ["~/.config/x/a", "~/.config/x/b", "~/.config/x/c"],
    "caches": ["~/.cache/a/x", "~/.cache/b/x", "~/.cache/c/x"],
}


@pytest.mark.parametrize("name", RELIED_ON)
def test_what_others_rely_on_is_not_proposed(isolated, name):
    home = isolated.folder.parent / "home"
    home.mkdir()
    for folder in ("out", "one", "two", "three", ".git/hooks", "other/.git", "env/bin", "modules/inner"):
        (isolated.folder / folder).mkdir(parents=True)
    isolated.write("env/pyvenv.cfg", "")
    env = {"HOME": str(home), "PYTHONPATH": str(isolated.folder / "modules")}
    names = [place.replace("~", str(home)) for place in RELIED_ON[name]]
    isolated.write("target.py", WRITES)
    done = isolated.cli("--fs-readonly", "--", "./target.py", *names, env=env)
    assert done.code == 2, done.stderr
    assert folder_told(done) is None, done.stderr


def test_a_cache_of_a_home_is_proposed(isolated):
    folder = isolated.folder.parent / "home/.cache/tool"
    folder.mkdir(parents=True)
    isolated.write("target.py", WRITES)
    names = [str(folder / name) for name in "abc"]
    done = isolated.cli(
        "--fs-readonly", "--", "./target.py", *names, env={"HOME": str(isolated.folder.parent / "home")}
    )
    assert folder_told(done) == str(folder.resolve()), done.stderr


@pytest.mark.parametrize("act", ["open('.cache_of_it/3.12/a', 'w')", "__import__('sqlite3').connect('.cache_of_it/a')"])
def test_a_marked_cache_is_allowed_whole(isolated, act):
    """mypy keeps sixteen databases in its own: to name them is to be led from one to the next."""
    (isolated.folder / ".cache_of_it/3.12").mkdir(parents=True)
    isolated.write(".cache_of_it/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
    done = isolated.script("--fs-readonly", act)
    cache = isolated.folder.resolve() / ".cache_of_it"
    assert done.errors[-1].partition(", or ")[0] == f"  to allow it: --allow-write {cache}"
    assert isolated.script(["--fs-readonly", "--allow-write", str(cache)], act).code == 0


@pytest.mark.parametrize("marked", ["", "env/"])
def test_a_mark_at_what_is_no_cache_allows_the_file_only(isolated, marked):
    """A checkout may bring one along; uv marks the environments that it makes."""
    (isolated.folder / "env/lib").mkdir(parents=True)
    isolated.write("env/pyvenv.cfg", "")
    isolated.write(f"{marked}CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
    done = isolated.script("--fs-readonly", "open('env/lib/a', 'w')")
    assert done.errors[-1] == f"  to allow it: --allow-write {isolated.folder.resolve() / 'env/lib/a'}"


def test_the_folder_is_quoted_for_a_shell(isolated):
    os.mkdir(isolated.folder / "a b")
    done = told(isolated, ["a b/1", "a b/2", "a b/3"])
    assert folder_told(done) == f"'{isolated.folder.resolve() / 'a b'}'"
