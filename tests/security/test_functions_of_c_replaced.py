"""A program replaces the functions that the guards would ask: ``posix.stat`` by one that lies, ``marshal.dumps`` by one
that writes another policy. What a guard calls, it has from before (tests/architecture/test_nothing_is_looked_up_late.py).
"""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="posix_spawn")

LIES = """
import marshal, posix, subprocess, sys
CODE = "import socket\\nmine = socket.socket()\\nmine.bind(('127.0.0.1', 0))\\n"
CODE += "try: socket.socket().connect(mine.getsockname())\\nexcept ConnectionRefusedError: print('free')\\n"
CODE += "except Exception as error: print('held', type(error).__name__)\\n"
def lie(*args, **kwargs):
    raise OSError(2, "no")
def nothing(*args, **kwargs):
    return b""
import os
start, wait = posix.posix_spawn, posix.waitpid
names = ("stat", "lstat", "fstat", "access", "read", "open", "close", "readlink", "getcwd", "fspath", "listdir", "dup")
for module, name in [*[(posix, name) for name in names], (marshal, "dumps"), (marshal, "loads")]:
    function = getattr(module, name)
    for replaced in (lie, nothing):
        setattr(module, name, replaced)
        try:
            wait(start(sys.executable, [sys.executable, "-S", "-c", CODE], {}), 0)
        except Exception as error:
            print(name, "was refused")
        finally:
            setattr(module, name, function)
print("all were tried")
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
def test_no_replaced_function_frees_a_child(isolated, options):
    done = isolated.script([*options.split(), "--kernel=off"], LIES, env={"PYTHONDONTWRITEBYTECODE": None})
    assert "free" not in done.stdout, done
    assert "held" in done.stdout, done
    assert done.stdout.splitlines()[-1] == "all were tried", done


SIGNALS = """
import os, posix, signal
posix.waitid = lambda *words: None
posix.getpgid = lambda group: group
try:
    os.kill(os.getppid(), signal.SIGCONT)
    print("free")
except Exception as error:
    print(type(error).__name__)
try:
    os.killpg(os.getppid(), signal.SIGCONT)
    print("free")
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("options", ["--no-subprocess --allow-run env", "--no-subprocess --allow-run env --seal"])
def test_no_replaced_function_makes_a_stranger_a_child(isolated, options):
    done = isolated.script([*options.split(), "--kernel=off"], SIGNALS)
    assert done.stdout.splitlines() == ["PolicyViolation", "PolicyViolation"], done
