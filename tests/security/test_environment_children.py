"""Children get a short fixed list and nothing else, whatever starts them."""

from __future__ import annotations

import sys

import pytest
from state_attempts import SECRET, told

KEPT = {"PATH", "LANG", "TZ", "TMPDIR"}
# By these a Python program that such a child starts finds the guards.
CARRIERS = {"PYTHONPATH", "HERMETIC_POLICY"}
GIVEN = {
    "CANARY": SECRET,
    "TZ": "UTC",
    "LC_TIME": "C",
    "AWS_KEY": SECRET,
    "PYTHONHASHSEED": "0",
    "LD_LIBRARY_PATH": "/nowhere",
}

CHILDREN = """
import subprocess
def names(text): return sorted({line.partition("=")[0] for line in text.splitlines()} - {"_", "PWD", "SHLVL", "OLDPWD"})
found = {
    "run": names(subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout),
    "handed_on": names(subprocess.run(["/usr/bin/env"], env=os.environ, capture_output=True, text=True).stdout),
    "shell": names(os.popen("/usr/bin/env").read()),
    "system": os.system("/usr/bin/env > system.txt") or names(open("system.txt").read()),
}
child = os.fork()
if not child:
    os.dup2(os.open("forked.txt", os.O_CREAT | os.O_WRONLY, 0o600), 1)
    os.execv("/usr/bin/env", ["env"])
os.waitpid(child, 0)
found["forked"] = names(open("forked.txt").read())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")
def test_under_the_command_line(isolated):
    found = told(isolated, ["--no-environment"], CHILDREN + "print(json.dumps(found))", env=GIVEN)
    for names in found.values():
        assert set(names) - {name for name in names if name.startswith("LC_")} == KEPT | CARRIERS
        assert "LC_TIME" in names


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")
def test_in_a_block_and_after_it(isolated):
    code = f"""
    import json, os
    from hermetic import hermetic_blocker
    with hermetic_blocker(block_environment=True):
        exec({CHILDREN!r})
    after = names(os.popen("/usr/bin/env").read())
    assert dict(os.environ)["CANARY"] == {SECRET!r}
    print(json.dumps([found, after]))
    """
    done = isolated.passes(code, env=GIVEN)
    found, after = done.data
    for names in found.values():
        assert not {"CANARY", "AWS_KEY", "HOME"} & set(names)
        assert {*KEPT, "LC_TIME"} <= set(names)
    assert {"CANARY", "AWS_KEY", "HOME"} <= set(after)


@pytest.mark.skipif(sys.platform != "linux", reason="procfs")
def test_the_process_itself_has_forgotten(isolated):
    """C code and /proc agree with what the program is told."""
    code = """
import ctypes
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
libc.open.argtypes = [ctypes.c_char_p, ctypes.c_int]
number, buffer = libc.open(b"/proc/self/environ", 0), ctypes.create_string_buffer(1 << 16)
size = libc.read(number, buffer, 1 << 16)
print(json.dumps([
    libc.getenv(b"CANARY"), libc.getenv(b"PYTHONHASHSEED"), libc.getenv(b"LD_LIBRARY_PATH"), b"canary" in buffer.raw[:size],
    libc.getenv(b"TZ").decode(),
]))
"""
    assert told(isolated, ["--no-environment"], code, env=GIVEN) == [None, None, None, False, "UTC"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
@pytest.mark.parametrize("fork", ["os.fork()", "os.forkpty()[0]"])
def test_a_blocks_children_have_forgotten_too(isolated, fork):
    """What C has of it is taken away when the first child starts, and given back when the block is left."""
    code = f"""
    import ctypes, os
    from hermetic import hermetic_blocker
    known, out = ctypes.CDLL(None).getenv, os.dup(1)
    known.restype = ctypes.c_char_p
    def ask(): os.write(out, f"{{known(b'CANARY')}} {{known(b'TZ')}}\\n".encode())
    with hermetic_blocker(block_environment=True):
        child = {fork}
        if not child:
            ask()
            os._exit(0)
        os.waitpid(child, 0)
    ask()
    """
    done = isolated.passes(code, env={"CANARY": "here", "TZ": "UTC"})
    assert done.stdout == "None b'UTC'\nb'here' b'UTC'\n"


def test_environment_ignoring_interpreters_stay_scrubbed(isolated):
    done = isolated.cli(
        "--no-environment", "--", "python", "-I", "-c", "import os; print(os.popen('echo $CANARY').read())", env=GIVEN
    )
    assert (done.code, done.stdout.strip()) == (0, "")
