"""A guarded program starts Python with a file that it may not read as the script: an error would show its lines."""

from __future__ import annotations

import json
import py_compile

import pytest

SECRET = "password = secret of this file"
START = """
import json, subprocess, sys
def start(path):
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
print(json.dumps([start(path) for path in sys.argv[1:]]))
"""
LISTS = {"deny-read": ["--deny-read", "secret"], "root": ["--fs-readonly=open", "--allow-read", "target.py"]}


@pytest.mark.parametrize("options", LISTS)
@pytest.mark.parametrize("seal", [[], ["--seal"]])
def test_a_script_that_may_not_be_read_shows_nothing(isolated, options, seal):
    for name in ("secret/key", "open/wrong.py", "secret/right.py"):
        isolated.write(name, "print('ran')" if "right" in name else SECRET)
    (isolated.folder / "open/link").symlink_to("../secret/key")
    isolated.write("target.py", START)
    # A module's file below the folder of the program is what Python itself reads, below a root too.
    right = ["secret/right.py"] if options == "deny-read" else []
    names = ["secret/key", "open/link", *right, "open/wrong.py"]
    done = isolated.cli(*LISTS[options], *seal, "--", "./target.py", *names)
    assert done.code == 0, done
    *refused, shown = json.loads(done.stdout)
    assert [code for code, _ in refused] == [2] * len(refused), refused
    assert not [text for _, text in refused if "secret of" in text or "ran\n" in text], refused
    assert shown[0] == 1 and SECRET in shown[1]


def test_below_a_root_what_may_be_executed_is_run(isolated):
    isolated.write("tools/tool", "#!/usr/bin/env python\nprint('ran')", mode=0o755)
    (isolated.folder / "open").mkdir()
    isolated.write("target.py", START)
    done = isolated.cli(*LISTS["root"], "--", "./target.py", "tools/tool")
    assert json.loads(done.stdout) == [[0, "ran\n"]], done


def test_the_script_of_the_command_line_is_the_users_choice(isolated):
    isolated.write("secret/target.py", "print('ran')")
    done = isolated.cli("--deny-read", "secret", "--", "secret/target.py")
    assert (done.code, done.stdout) == (0, "ran\n"), done


SWAPPED = """
import os, sys
from _hermetic.compiled import handed_on
from _hermetic.running.run import run_main
from _hermetic.programs.target import SCRIPT, Options, Target
from hermetic.request import policy_from
from hermetic.values import defaults

def swap(event, args):
    # Between any look at the name and the opening that it asks for.
    if event == "open" and args[0] == os.path.abspath("open/link" + ENDING) and os.path.lexists("other"):
        os.replace("other", "open/link" + ENDING)
sys.addaudithook(swap)
sys.path.remove("")
policy = handed_on(policy_from({**defaults(), **LISTS}), {})
target = Target(kind=SCRIPT, name="open/link" + ENDING, argv=["x"])
sys.exit(run_main(target, (policy,), Options(child=True)))
"""


@pytest.mark.parametrize("ending", [".py", ".pyc"])
@pytest.mark.parametrize("lists", [{"deny_read": ("secret",)}, {"fs_readonly": True, "fs_root": "open"}])
def test_what_was_read_is_what_is_asked_for(isolated, lists, ending):
    """A link is swapped for one that leads to what may not be read, when it is opened."""
    isolated.write("open/own.py", "print('own')")
    isolated.write("secret/key.py", "print('secret of this file')")
    for name in ("open/own.py", "secret/key.py"):
        path = isolated.folder / name
        py_compile.compile(str(path), str(path) + "c")
    (isolated.folder / f"open/link{ending}").symlink_to(f"own{ending}")
    (isolated.folder / "other").symlink_to(f"../secret/key{ending}")
    done = isolated.code(f"ENDING, LISTS = {ending!r}, {lists!r}\n{SWAPPED}")
    assert "secret of" not in done.stdout + done.stderr, done
    assert "secret/key" in done.stderr, done
