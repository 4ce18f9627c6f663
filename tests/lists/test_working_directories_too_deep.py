"""A working directory whose path is longer than the system tells: what is named from there cannot be judged."""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where others end is not known here")

DEPTH, NAME = 25, "d" * 200
# Starts hermetic from down there; no path leads there, so nothing but steps does.
START = f"""
import json, os, subprocess, sys
for _ in range({DEPTH}):
    os.makedirs({NAME!r}, exist_ok=True)
    os.chdir({NAME!r})
open("file", "w").close()
done = subprocess.run([sys.executable, "-m", "hermetic", *sys.argv[1:]], capture_output=True, text=True)
os.remove("file")
for _ in range({DEPTH}):
    os.chdir("..")
    os.rmdir({NAME!r})
print(json.dumps([done.returncode, done.stdout, done.stderr]))
"""
TRIED = """
import os
for act in (
    lambda: open("file").close(),
    lambda: open("file", "a").close(),
    lambda: os.mkdir("made"),
    lambda: open(ABOVE + "/given", "a").close(),
):
    try:
        act()
        print("done")
    except Exception as error:
        print(getattr(error, "reason", "") or type(error).__name__, "|", getattr(error, "remedy", ""))
"""
REMEDY = " | a working directory with a shorter path, which the system tells whole"


def started(isolated, *options):
    isolated.write("start.py", START)
    code = TRIED.replace("ABOVE", repr(str(isolated.folder)))
    done = isolated.python("start.py", "--kernel=off", *options, "--", sys.executable, "-c", code)
    status, out, err = json.loads(done.stdout.splitlines()[-1])
    return status, out.splitlines(), err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fs-readonly"], ["done", "fs-readonly", "fs-readonly", "fs-readonly"]),
        (["--fs-readonly", "--allow-write={}"], ["done", "fs-readonly", "fs-readonly", "done"]),
        (["--fs-readonly={}"], ["fs-readonly", "fs-readonly", "fs-readonly", "fs-readonly"]),
        (["--deny-read={}/x"], ["fs-readonly", "deny-read", "deny-read", "done"]),
    ],
    ids=["read-only", "list", "root", "denied"],
)
def test_what_is_named_from_there_is_refused_and_all_else_goes_on(isolated, options, expected):
    isolated.write("given", "")
    status, found, said = started(isolated, *[option.format(isolated.folder) for option in options])
    assert (status, [line.partition(" |")[0] for line in found]) == (0, expected), said
    assert found[2].endswith(REMEDY)


def test_an_entry_that_is_named_from_there_is_refused_at_the_start(isolated):
    status, _, said = started(isolated, "--fs-readonly", "--allow-write=x")
    assert (status, said) == (
        1,
        "hermetic: error: --allow-write: 'x' leads nowhere: File name too long (see hermetic --help)\n",
    )


@pytest.mark.parametrize("options", ["--no-network", "--block-native"])
def test_what_restricts_no_files_works_down_there(isolated, options):
    code = f"""
        import os, shutil
        os.mkdir("top")
        top = os.open("top", os.O_RDONLY)
        os.chdir("top")
        for _ in range({DEPTH}):
            os.mkdir({NAME!r})
            os.chdir({NAME!r})
        open("x.so", "w").close()
        os.link("x.so", "w")
        os.rename("x.so", "y")
        os.symlink("y", "z")
        os.chmod("y", 0o600)
        os.remove("w")
        os.fchdir(top)
        os.chdir("..")
        shutil.rmtree("top")
        print("done")
    """
    done = isolated.script(f"{options} --kernel=off", code)
    assert done.stdout == "done\n", done
