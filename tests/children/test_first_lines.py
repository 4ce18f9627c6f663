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


SHOWS = "import json, os, sys; print(json.dumps([sys.argv, sys.executable, dict(os.environ)]))\n"
SETS = "#!/usr/bin/env -S ONE=1 TWO=two=2 PYTHONWARNINGS=error LD_PRELOAD=/x.so {python} -B\n"


def test_what_the_line_sets_is_what_the_child_finds(isolated):
    """But for what has code run in it, which a program may not set in any other way either."""
    isolated.write("tool", SETS.format(python=sys.executable) + SHOWS, mode=0o755)
    code = "import os, subprocess\nsubprocess.run(['./tool', 'a'], env={'TWO': 'x', 'PATH': os.environ['PATH']})\n"
    done = isolated.script("--no-network --seal", code)
    argv, executable, found = done.data
    assert (argv, executable) == (["./tool", "a"], sys.executable)
    assert (found["ONE"], found["TWO"]) == ("1", "two=2")
    assert not {"PYTHONWARNINGS", "LD_PRELOAD"} & set(found)


def test_the_path_that_a_line_sets_finds_its_interpreter(isolated):
    (isolated.folder / "bin").mkdir()
    (isolated.folder / "bin/own-python").symlink_to(sys.executable)
    isolated.write("tool", f"#!/usr/bin/env -S PATH={isolated.folder}/bin own-python -I\n" + CHILD, mode=0o755)
    done = isolated.script("--no-network --seal", "import subprocess\nsubprocess.run(['./tool'])\n")
    assert done.stdout == "held\n", done


def test_under_no_environment_a_line_sets_nothing_else(isolated):
    isolated.write(
        "tool", SETS.format(python=sys.executable) + SHOWS.replace("dict(os.environ)", "os.getenv('ONE')"), mode=0o755
    )
    code = "import subprocess\nsubprocess.run(['./tool', 'a'])\n"
    assert "environment disabled: ONE" in isolated.script("--no-environment", code).stderr


ENV_WORDS = {
    "python": ["{python}", "-c", CHILD],
    "isolated": ["{python}", "-I", "-c", CHILD],
    "by name": ["python", "-IS", "-c", CHILD],
    "empty": ["-i", "{python}", "-I", "-c", CHILD],
    "empty, by dash": ["-", "A=1", "{python}", "-c", CHILD],
    "without one": ["-u", "HOME", "{python}", "-I", "-c", CHILD],
    "without one, long": ["--unset=HOME", "--", "{python}", "-I", "-c", CHILD],
    "with a path": ["-i", "PATH={folder}/bin", "own-python", "-I", "-c", CHILD],
    "twice": ["A=1", "/usr/bin/env", "B=2", "{python}", "-E", "-c", CHILD],
    "a script": ["-i", "./script"],
}


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
def test_what_env_starts_is_guarded(isolated, options):
    (isolated.folder / "bin").mkdir()
    (isolated.folder / "bin/own-python").symlink_to(sys.executable)
    isolated.write("script", f"#!{sys.executable} -I\n" + CHILD, mode=0o755)
    starts = {
        name: [word.replace("{python}", sys.executable).replace("{folder}", str(isolated.folder)) for word in words]
        for name, words in ENV_WORDS.items()
    }
    code = f"import json, subprocess\nfound = {{}}\nfor name, words in {starts!r}.items():\n"
    code += "    done = subprocess.run(['env', *words], capture_output=True, text=True)\n"
    code += "    found[name] = done.stdout + done.stderr\nprint(json.dumps(found))\n"
    found = isolated.script(options, code).data
    assert {name: said for name, said in found.items() if said != "held\n"} == {}


def test_variables_are_those_that_env_leaves(isolated):
    show = "import json, os; print(json.dumps([os.environ.get(n) for n in ('ONE', 'GONE', 'KEPT', 'PYTHONSTARTUP')]))"
    code = f"""
    import os, subprocess, sys
    given = {{**os.environ, "GONE": "1", "KEPT": "2"}}
    for words in (["-u", "GONE", "ONE=1", "PYTHONSTARTUP=x"], ["-i", "ONE=2"]):
        subprocess.run(["env", *words, sys.executable, "-c", {show!r}], env=given)
    """
    done = isolated.script("--no-network --seal", code)
    assert done.stdout.splitlines() == ['["1", null, "2", null]', '["2", null, null, null]'], done


@pytest.mark.parametrize(
    "words",
    [["-v", "{python}", "-c", "1"], ["-C", "/", "{python}", "-c", "1"], ["true"], [], ["A=1"], ["no-such-program"]],
)
def test_what_only_env_can_read_is_a_program_that_is_not_python(isolated, words):
    words = [word.replace("{python}", sys.executable) for word in words]
    code = f"import subprocess\nsubprocess.run(['env', *{words!r}])\n"
    assert "subprocess disabled: subprocess.Popen" in isolated.script("--no-network --seal --kernel=off", code).stderr
    assert "/env is not a Python program" in isolated.script("--no-network --kernel=off", code).stderr


def test_an_interpreter_without_a_folder_is_looked_for_where_the_child_begins(isolated):
    # As the system does it, and along no PATH.
    (isolated.folder / "below").mkdir()
    (isolated.folder / "below" / "py").symlink_to(sys.executable)
    isolated.write(
        "below/script", "#!py -I\nimport os\ntry: os.chdir('/')\nexcept RuntimeError as e: print(e)\n", 0o755
    )
    code = "import subprocess; print(subprocess.run(['./script'], cwd='below', capture_output=True, text=True).stdout)"
    done = isolated.script("--no-interpreter-mutation", code)
    assert done.stdout.strip() == "interpreter mutation disabled: os.chdir", done
