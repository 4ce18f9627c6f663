"""A child that is no Python, without the kernel layer: said once, refused where a promise was made."""

from __future__ import annotations

import json
import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")

WARNING = "is not a Python program, and no kernel layer holds it to"
TWICE = "import subprocess\nfor _ in range(2): subprocess.run(['true'])\nsubprocess.run(['ls', '.'], stdout=subprocess.DEVNULL)\n"


def test_it_is_said_once(isolated):
    done = isolated.script("--kernel=off --no-network --deny-import colorsys", TWICE)
    assert done.code == 0
    (line,) = done.errors
    assert line.startswith("hermetic: warning: /")
    assert line.endswith(f"/true {WARNING} --no-network --deny-import")


@pytest.mark.parametrize("options", ["--block-native", "--deny-import colorsys --block-native"])
def test_options_of_imports_are_named_one_by_one(isolated, options):
    (line,) = isolated.script(f"--kernel=off {options}", TWICE).errors
    assert line.endswith(f"/true {WARNING} {options.replace(' colorsys', '')}")


def test_it_is_said_once_for_children_too(isolated):
    isolated.write("child.py", TWICE)
    done = isolated.script(
        "--kernel=off --no-network", f"{TWICE}\nimport sys\nsubprocess.run([sys.executable, 'child.py'])"
    )
    assert len(done.errors) == 1, done.stderr


def test_a_question_for_the_systems_name_is_not_the_one_of_which_it_is_said(isolated):
    """platform starts uname; whoever starts another program after it is told of that one."""
    asks = "import platform, subprocess\nplatform.processor()\n"
    assert isolated.script("--kernel=off --no-network", asks).stderr == ""
    (line,) = isolated.script("--kernel=off --no-network", asks + TWICE).errors
    assert line.endswith(f"/true {WARNING} --no-network")


LISTER = "/sbin/ldconfig"
has_lister = pytest.mark.skipif(not os.path.exists(LISTER), reason=f"no {LISTER}")


@has_lister
def test_a_look_for_a_library_is_not_the_one_of_which_it_is_said(isolated):
    """trio asks ctypes.util for a library, as anyio and httpx by way of it, and that has ldconfig list them all."""
    asks = "import ctypes.util, subprocess\nassert ctypes.util.find_library('c')\n"
    assert isolated.script("--kernel=off --no-network", asks).stderr == ""
    (line,) = isolated.script("--kernel=off --no-network", asks + TWICE).errors
    assert line.endswith(f"/true {WARNING} --no-network")


@has_lister
@pytest.mark.parametrize("words", ["'-p', '-C', 'no-such-cache'", "'-V'", "'-N', '-X'"])
def test_of_a_lister_that_is_asked_for_more_it_is_said(isolated, words):
    code = f"import subprocess\nsubprocess.run(['{LISTER}', {words}], stdout=-3, stderr=-3)"
    (line,) = isolated.script("--kernel=off --no-network", code).errors
    assert f"/ldconfig {WARNING} --no-network" in line


@pytest.mark.parametrize(
    "start",
    [
        "['uname'], env={'PATH': os.getcwd()}",
        "['./uname']",
        "['sh', '-c', ''], executable=shutil.which('uname')",
    ],
)
def test_of_another_program_by_that_name_it_is_said(isolated, start):
    isolated.write("uname", "#!/bin/sh\n", 0o755)
    code = f"import os, shutil, subprocess\nsubprocess.run({start}, stdout=-3, stderr=-3)"
    (line,) = isolated.script("--kernel=off --no-network", code).errors
    assert line.endswith(f"/uname {WARNING} --no-network")


def test_a_block_says_so_too(isolated):
    code = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True):\n    import subprocess\n"
    done = isolated.code(
        code + "    subprocess.run(['true'])\n    subprocess.run(['true'])\nsubprocess.run(['true'])\n"
    )
    assert len(done.errors) == 1
    assert WARNING in done.stderr


@pytest.mark.parametrize("options", ["", "--no-subprocess --report-only", "--trace"])
def test_nothing_is_said_where_nothing_is_held(isolated, options):
    assert not [line for line in isolated.script(options, TWICE).errors if "warning" in line]


STARTS = {
    "run": "subprocess.run(['true'])",
    "shell": "subprocess.run('true', shell=True)",
    "system": "os.system('true')",
    "posix_spawn": "os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {})",
    "execv": "os.execv('/bin/sh', ['sh', '-c', 'true'])",
    "execlp": "os.execlp('true', 'true')",
}
CALLS = {"run": "subprocess.Popen", "shell": "subprocess.Popen", "system": "os.system", "posix_spawn": "os.posix_spawn"}


@pytest.mark.parametrize("option", ["seal", "strict"])
@pytest.mark.parametrize("name", STARTS)
def test_it_is_refused_where_a_promise_was_made(isolated, name, option):
    done = isolated.script(
        f"--kernel=off --no-network --{option}", f"import os, subprocess\n{STARTS[name]}\nprint('started')"
    )
    assert (done.code, done.stdout) == (2, "")
    assert f"hermetic: blocked action: subprocess disabled: {CALLS.get(name, 'os.exec')}" in done.stderr
    assert f"  blocked by: --{option}" in done.stderr
    assert f"  to allow it: running without --{option}: only Python programs can be held to what" in done.stderr


def test_the_violation_tells_what_it_is(isolated):
    code = """
    import json, subprocess
    from hermetic import PolicyViolation
    try:
        subprocess.run(["/bin/echo", "secret"])
    except PolicyViolation as error:
        print(json.dumps([str(error), error.guard, error.target, error.reason]))
    """
    done = isolated.script("--kernel=off --no-network --seal --trace", code)
    assert json.loads(done.stdout) == ["subprocess disabled: subprocess.Popen", "subprocess", "/bin/echo", "seal"]
    assert "[hermetic] blocked subprocess.Popen name=/bin/echo reason=seal" in done.errors
    assert "secret" not in done.stderr


def test_who_only_asks_finds_the_program_missing(isolated):
    code = "import platform, uuid\nprint(bool(platform.platform()), bool(uuid.getnode()), platform.processor() is not None)"
    done = isolated.script("--kernel=off --no-network --seal", code)
    assert (done.code, done.stdout) == (0, "True True True\n"), done.stderr


def test_a_python_that_cannot_be_guarded_does_not_run(isolated):
    isolated.write("python2", "#!/bin/sh\nexit 0\n", mode=0o755)
    done = isolated.script(
        "--kernel=off --no-network --seal", "import subprocess\nsubprocess.run(['./python2', '-c', 'x'])"
    )
    assert done.code == 2  # named like one, and a shell script


SHIM = '#!/bin/sh\nexec {python} "$@"\n'


@pytest.mark.parametrize("flags", ["", "-I", "-E", "-S", "-BIu"])
@pytest.mark.parametrize("form", ["command", "first line", "env in the first line"])
def test_a_script_by_the_name_of_python_starts_no_unguarded_one(isolated, flags, form):
    """A version manager's shim: its Python finds the guards in its variables, or is not started."""
    shim = isolated.write("bin/python3", SHIM.format(python=sys.executable), mode=0o755)
    lines = {"first line": f"#!{shim} {flags}", "env in the first line": f"#!/usr/bin/env -S python3 {flags}"}
    isolated.write("tool", f"{lines.get(form, '')}\nimport colorsys\nprint('free')\n", mode=0o755)
    words = ["python3", *flags.split(), "tool"] if form == "command" else ["./tool"]
    code = f"import os, subprocess\nos.environ['PATH'] = {str(shim.parent)!r} + ':' + os.environ['PATH']\nsubprocess.run({words!r})"
    done = isolated.script("--deny-import colorsys", code)
    assert "free" not in done.stdout
    if flags:
        assert "blocked action: subprocess disabled: subprocess.Popen" in done.stderr
        assert "to allow it: naming the interpreter itself instead of a script called python3, or no -" in done.stderr
    else:
        assert "blocked action: import blocked: colorsys" in done.stderr


@pytest.mark.parametrize("words", ["'-Z', '-c', 'print(1)'", "'-c'", "'--unheard-of'"])
def test_a_command_line_that_cannot_be_read_is_refused(isolated, words):
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, {words}])"
    done = isolated.script("--kernel=off --no-network", code)
    assert (done.code, done.stdout) == (2, "")
    assert "blocked action: subprocess disabled: subprocess.Popen" in done.stderr
    assert "to allow it: a command line that hermetic can read: python " in done.stderr


@pytest.mark.parametrize("option", ["--version", "-V", "--help"])
def test_options_that_only_inform_do(isolated, option):
    code = f"import subprocess, sys\nprint(subprocess.run([sys.executable, {option!r}], capture_output=True, text=True).stdout)"
    assert isolated.script("--kernel=off --no-network", code).stdout == isolated.code(code).stdout


KEPT = """
from os import execv, posix_spawn, system
from posix import posix_spawnp
import os, subprocess, sys
from hermetic import PolicyViolation, hermetic_blocker
words = [sys.executable, "-c", "print('free')"]
acts = {
    "system": lambda: system("echo free"),
    "posix_spawn": lambda: posix_spawn(words[0], words, {}),
    "posix_spawnp": lambda: posix_spawnp(words[0], words, {}),
    "execv": lambda: execv(words[0], words),
}
with hermetic_blocker(block_network=True):
    for name, act in acts.items():
        try:
            act()
        except PolicyViolation as error:
            print(name, error, error.remedy)
"""


def test_references_from_before_a_block_start_nothing(isolated):
    lines = isolated.passes(KEPT).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["system", "posix_spawn", "posix_spawnp", "execv"]
    assert all("the same call by its module's name" in line for line in lines)


@pytest.mark.parametrize("words", ["'-c', 'print(6 * 7)'", "'-'", "'-Ic', 'print(6 * 7)'"])
@pytest.mark.parametrize("shell", ["", "'/bin/sh', '-c', '\"$0\" \"$@\"', "])
def test_code_as_text_is_no_way_around_no_code_exec(isolated, words, shell):
    code = f"import subprocess, sys\nprint(subprocess.run([{shell}sys.executable, {words}], input='print(6 * 7)', text=True).returncode)"
    done = isolated.script("--no-code-exec", code)
    if shell and "-I" in words:
        assert done.stdout == "42\n0\n"  # what ignores its variables behind a shell is out of reach
    else:
        assert done.stdout == "2\n", done.stderr
        assert "blocked action: dynamic code execution disabled: exec" in done.stderr


def test_programs_in_files_run_under_no_code_exec(isolated):
    isolated.write("child.py", "print(6 * 7)")
    code = (
        "import subprocess, sys\nfor words in (['child.py'], ['-m', 'child']): subprocess.run([sys.executable, *words])"
    )
    assert isolated.script("--no-code-exec", code).stdout == "42\n42\n"
