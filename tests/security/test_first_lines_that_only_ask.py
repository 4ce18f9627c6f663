"""A script whose first line, or whose ``env``, only asks a Python for its version: nothing of a program would run, so it was
started as it is. What the system, a shell or a program called ``env`` makes of the words is another thing.
"""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="first lines as Linux reads them")

# How the file `script` begins, and how the code goes on, which tells that it runs. The kernel takes 255 bytes of a line.
SCRIPTS = {
    "a line longer than the kernel reads": ("#!{python} {blanks}-V\n", "print('free')\n"),
    "what a shell puts in": ("#!/bin/sh\n'''exec' {python} -V$(echo free >&2) \"$0\"\n", ""),
    "another option for the shell": ("#!/bin/sh -x\n'''exec' {python} -V free \"$0\"\n", ""),
    "a shell of the program's own": ("#!{folder}/own/sh\n'''exec' {python} -V \"$0\"\n", ""),
    "an env of the program's own": ("#!{folder}/own/env {python} -V\n", ""),
}
ATTACK = """
import os, subprocess, sys
folder, python = os.getcwd(), os.path.realpath(sys.executable)
os.makedirs("own", exist_ok=True)
for name in ("sh", "env"):
    with open("own/" + name, "w") as file:
        file.write("#!/bin/sh\\necho free\\n")
    os.chmod("own/" + name, 0o755)
with open("script", "w") as file:
    file.write({line!r}.format(python=python, folder=folder, blanks=" " * (255 - len(python))) + {code!r})
os.chmod("script", 0o755)
done = subprocess.run(["./script"], capture_output=True, text=True)
print(done.stdout + done.stderr)
"""


@pytest.mark.parametrize("options", ["--no-network --kernel=off", "--no-network --kernel=off --seal"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_seems_to_ask_runs_nothing_else(isolated, name, options):
    line, code = SCRIPTS[name]
    attack = ATTACK.format(line=line, code=code)
    assert "free" in isolated.code(attack).stdout, "without the guards, nothing would be shown"
    done = isolated.script(options, attack)
    assert "free" not in done.stdout, done
    assert done.stdout.startswith(("Python 3.", "Unknown option: -$")), done


SET = """
import subprocess, sys
done = subprocess.run(["/usr/bin/env", "LD_PRELOAD=./mine.so", "LD_SHOW_AUXV=1", "MINE=kept", sys.executable, "-V"], capture_output=True, text=True)
print(done.stdout + done.stderr)
"""


def test_variables_that_load_code_reach_no_python_that_is_only_asked(isolated):
    assert "mine.so" in isolated.code(SET).stdout
    done = isolated.script("--no-network --kernel=off --seal", SET)
    assert done.stdout.startswith("Python 3."), done
    assert "mine.so" not in done.stdout


READ_ONLY = """
import subprocess, sys
for words in (["env", "-i", sys.executable, "-V"], ["env", "MINE=1", sys.executable, "--unheard-of"]):
    done = subprocess.run(words, capture_output=True, text=True)
    print(done.returncode, done.stdout, done.stderr)
"""


def test_what_is_only_reported_starts_as_it_would(isolated):
    plain = isolated.code(READ_ONLY).stdout
    assert isolated.script("--no-network --kernel=off --report-only", READ_ONLY).stdout == plain
