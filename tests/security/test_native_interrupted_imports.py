"""An exception that a signal handler injects into an import leaves no module behind with its functions as they were."""

from __future__ import annotations

import sys

import pytest

# (module, act of it that must be refused): one in C, one in Python.
MODULES = {
    "_posixsubprocess": "fork_exec([b'true'], [b'/bin/true'])",
    "socket": "socket().listen()",
}


@pytest.mark.skipif("_posixsubprocess" in sys.builtin_module_names, reason="linked in")
@pytest.mark.parametrize("name", MODULES)
def test_interrupted_imports_leave_nothing_unguarded(isolated, name):
    """The import is interrupted at as many of its moments as the time allows."""
    done = isolated.script(
        "--no-subprocess --no-network",
        f"""
import signal, sys, time, {name}
class Stop(BaseException): pass
def handler(number, frame):
    raise Stop
def load():
    sys.modules.pop({name!r}, None)
    import {name}
began = time.perf_counter()
for _ in range(10): load()
length = (time.perf_counter() - began) / 10
signal.signal(signal.SIGALRM, handler)
stopped, left, opened = 0, 0, []
for turn in range(1000):
    delay = max(1e-6, 1.2 * length * (turn % 500) / 500)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            load()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        stopped += 1
    module = sys.modules.get({name!r})
    if module is not None:
        left += 1
        try:
            module.{MODULES[name]}
        except Exception as error:
            if type(error).__name__ != "PolicyViolation": opened.append(repr(error))
        else:
            opened.append(turn)
print(stopped > 0, left > 0, opened)
""",
    )
    assert done.stdout == "True True []\n", done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("fails", ["_GiveupOnSendfile", "SocketIO"], ids=["before the class", "below the class"])
def test_failed_reloads_leave_nothing_unguarded(isolated, fails):
    """What stood in the module has been made anew when something fails."""
    done = isolated.script(
        "--no-network",
        f"FAILS = {fails!r}"
        """
import builtins, importlib, socket
before = socket.socket
made = builtins.__build_class__
def build(function, name, *rest, **words):
    if name == FAILS:
        raise KeyboardInterrupt
    return made(function, name, *rest, **words)
builtins.__build_class__ = build
try:
    importlib.reload(socket)
except KeyboardInterrupt:
    print("failed", socket.socket is not before)
builtins.__build_class__ = made
for act in (lambda: socket.create_connection(("192.0.2.1", 80)), lambda: socket.fromfd(0, 2, 1), lambda: socket.socketpair(2)):
    try:
        act()
    except RuntimeError as error:
        print(error)
print(socket.socket.listen.__globals__ is socket.fromfd.__globals__ if FAILS == "SocketIO" else True)
""",
    )
    assert done.stdout.splitlines() == [
        "failed True",
        "network disabled: create_connection(192.0.2.1)",
        "network disabled: fromfd",
        "network disabled: socketpair",
        "True",
    ], done.stdout + done.stderr
