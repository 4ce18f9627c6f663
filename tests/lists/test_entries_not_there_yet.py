"""An entry for what is not there yet gives back making exactly that, a file or a folder, and what will lie inside."""

from __future__ import annotations

import pytest
from path_attempts import PLACES, tried

OPTIONS = ["--fs-readonly", "--allow-write=new", "--allow-write=link/made", "--allow-write=no/folder"]
LISTS = {"fs_readonly": True, "allow_write": ["new", "link/made", "no/folder"]}
ACTS = (
    ("os.mkdir('newer')", "fs-readonly"),
    ("open('new.txt', 'w')", "fs-readonly"),
    ("os.mkdir('NEW')", "fs-readonly"),
    ("os.mkdir('new')", "done"),
    ("open('new/file', 'w').write('x')", "done"),
    ("os.makedirs('new/below/deep')", "done"),
    ("os.rename('new', 'newer')", "fs-readonly"),
    ("os.rename('new/file', 'file')", "fs-readonly"),
    ("__import__('shutil').rmtree('new')", "done"),
    ("open('new', 'x').write('x')", "done"),
    ("os.remove('new')", "done"),
    # A link may lie there; where it leads counts.
    ("os.symlink('real', 'new')", "done"),
    ("open('new/file', 'w')", "fs-readonly"),
    ("os.mkdir('new/made')", "done"),
    ("open('link/made/file', 'w')", "done"),
    ("open('real/made/file', 'a')", "done"),
    ("os.mkdir('link/other')", "fs-readonly"),
    # The folders around it are not given back.
    ("os.mkdir('no')", "fs-readonly"),
    ("os.makedirs('no/folder')", "fs-readonly"),
    ("os.symlink('real', 'no')", "fs-readonly"),
)


@pytest.mark.parametrize("place", [*PLACES, "kernel"])
def test_exactly_that_is_given_back(isolated, place):
    (isolated.folder / "real").mkdir()
    (isolated.folder / "link").symlink_to("real")
    options = [*OPTIONS, "--kernel=auto"] if place == "kernel" else OPTIONS
    found = tried(isolated, place, [act for act, _ in ACTS], options, LISTS)
    assert dict(zip([act for act, _ in ACTS], found, strict=True)) == dict(ACTS)


def test_a_link_that_comes_into_its_way_gives_nothing_elsewhere(isolated):
    (isolated.folder / "real").mkdir()
    before = "os.rename('way/in', 'way/out'); os.symlink('../real', 'way/in')"
    (isolated.folder / "way/in").mkdir(parents=True)
    options = ["--fs-readonly", "--allow-write=way/in/new", "--allow-write=way"]
    assert tried(isolated, "process", ["open('way/in/new', 'w')"], options, before=before) == ["fs-readonly"]


PYTEST = ("--", "pytest", "-q", "-p", "no:randomly", "-p", "no:hermetic", "test_one.py")
CACHE = ".pytest_cache/v/cache/nodeids"


@pytest.mark.parametrize("kernel", ["off", "auto", "require"])
def test_pytest_keeps_its_cache_in_a_folder_that_is_there(isolated, kernel):
    isolated.write("test_one.py", "def test_one(): pass")
    (isolated.folder / ".pytest_cache").mkdir()
    options = (f"--kernel={kernel}", "--fs-readonly", "--private-tmp", "--allow-write=.pytest_cache")
    done = isolated.cli(*options, *PYTEST)
    if kernel == "require" and done.code == 1:
        pytest.skip("this kernel does not hold all of it")
    assert (done.code, "warning" in done.stdout) == (0, False), done
    assert (isolated.folder / CACHE).exists()


def test_pytest_makes_its_cache_in_a_folder_of_its_own(isolated):
    isolated.write("test_one.py", "def test_one(): pass")
    done = isolated.cli("--fs-readonly", "--allow-write=.cache", *PYTEST, "-o", "cache_dir=.cache/pytest")
    assert (done.code, "warning" in done.stdout) == (0, False), done
    assert (isolated.folder / ".cache/pytest/.gitignore").exists()


def test_what_is_made_beside_is_refused_with_what_would_help(isolated):
    isolated.write("test_one.py", "def test_one(): pass")
    done = isolated.cli("--strict", "--fs-readonly", "--allow-write=.pytest_cache", *PYTEST)
    assert done.code == 2
    act = "import tempfile; tempfile.mkdtemp(dir='.')"
    done = isolated.cli("--fs-readonly", "--allow-write=.pytest_cache", "--", "python", "-c", act)
    place = isolated.folder.resolve()
    assert done.errors[-1] == f"  to allow it: --allow-write {place}, or making {place}/.pytest_cache before the start"
