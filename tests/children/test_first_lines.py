"""A script starts what its first line says, guarded: not what the line is made to look like."""

from __future__ import annotations

import json
import sys

import pytest
from starts import CHILD

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="first lines as Linux reads them")

# How the file `script` begins, where {python} is the interpreter, {folder} the working directory and child.py the attack.
LINES = {
    "code": "#!{python} -cexec(open('child.py').read())\n",
    "code, other blanks": "#!{python} -cexec(open('child.py').read())\x0c#\n",
    "module": "#!{python} -mchild\n",
    "file": "#!{python} child.py\n",
    "isolated": "#!{python} -I\n",
    "env, code": "#!/usr/bin/env -S {python} -mchild\n",
    "env, file": "#!/usr/bin/env -S {python} child.py\n",
    "two lines, file": "#!/bin/sh\n'''exec' {python} -I child.py \"$0\" \"$@\"\n' '''\n",
    "another name": "#!{folder}/named -I\n",
    "a name with blanks": "#!{folder}/x\xa0\x0by -I\n",
    "a script": "#!{folder}/python -I\n",
    "a script of another name": "#!{folder}/inner -I\n",
    "a relative name": "#!sub/named -I\n",
}
TARGET = """
import json, os, subprocess, sys
folder, python = os.getcwd(), {python!r}
os.mkdir("sub")
for name in ("named", "x\\xa0\\x0by", "sub/named"):
    os.symlink(python, name)
for name, text in {files!r}.items():
    with open(name, "w") as file:
        file.write(text.format(python=python, folder=folder))
    os.chmod(name, 0o755)
found = {{}}
for name, line in {lines!r}.items():
    with open("script", "w") as file:
        file.write(line.format(python=python, folder=folder) + {child!r})
    os.chmod("script", 0o755)
    done = subprocess.run(["./script"], capture_output=True, text=True)
    found[name] = done.stdout or done.stderr
    done = subprocess.run(["./python", "-c", "pass"], capture_output=True, text=True)
    found["started itself"] = done.stdout or done.stderr
print(json.dumps(found))
"""
FILES = {
    "child.py": CHILD,
    "python": "#!{python} -mchild\n",
    "inner": "#!{folder}/named -I\n" + CHILD.replace("{", "{{").replace("}", "}}"),
}


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
def test_first_line_runs_nothing_unguarded(isolated, options):
    target = TARGET.format(python=sys.executable, files=FILES, lines=LINES, child=CHILD)
    done = isolated.script(options, target)
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {*LINES, "started itself"}
    assert {name: said for name, said in found.items() if said != "held\n"} == {}


def test_relative_interpreter_begins_where_the_child_does(isolated):
    isolated.write("sub/tool", "#!./named -I\n" + CHILD, mode=0o755)
    (isolated.folder / "sub/named").symlink_to(sys.executable)
    (isolated.folder / "named").symlink_to("/bin/true")
    start = "import subprocess; print(subprocess.run(['./tool'], cwd='sub', capture_output=True, text=True).stdout)"
    assert isolated.script("--no-network --seal", start).stdout == "held\n\n"


@pytest.mark.parametrize("line", ["-cprint('unguarded')", "-mchild", "child.py", "-S -I"])
def test_launched_script_runs_nothing_else(isolated, line):
    isolated.write("child.py", "print('unguarded')")
    isolated.write("tool", f"#!{sys.executable} {line}\nprint('ran')\n", mode=0o755)
    done = isolated.cli("--no-network", "--", "./tool")
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1)
    assert "the first line does not run this file" in done.stderr
