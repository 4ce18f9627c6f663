"""An exception that a signal handler injects into an import leaves no module behind with its functions as they were."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from _hermetic.enforce import fresh

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


class Stop(BaseException):
    """What a signal handler raises."""


MAKERS = {
    "create_dynamic": lambda module: fresh.create_dynamic(ModuleSpec(module.__name__, None, origin="/x.so")),
    "create_builtin": lambda module: fresh.create_builtin(ModuleSpec(module.__name__, None)),
    "exec_dynamic": fresh.exec_dynamic,
}
# What stands under the module's name before and after it is made: nothing, another one, or itself.
STANDING = [(None, None), (None, "itself"), ("another", "another"), ("another", "itself"), ("another", None)]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("earlier", "later"), STANDING)
@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_not_patched_to_the_end_is_taken_out_and_nothing_else(monkeypatch, maker, earlier, later, moment):
    """moment: the exception comes in C, or while what C made is being patched. It is what the program gets."""
    module, another = ModuleType("made"), ModuleType("made")
    known = {"itself": module, "another": another}
    loaded = {} if earlier is None else {"made": known[earlier]}

    def stop():
        raise Stop

    def make(*rest):
        loaded.pop("made", None)
        if later is not None:
            loaded["made"] = known[later]
        return stop() if moment == "before" else module

    # As bind() puts it in their place.
    monkeypatch.setattr(fresh, "LOADED", loaded)
    monkeypatch.setattr(fresh, "MADE", [(module, "made")])
    monkeypatch.setattr(fresh, "MAKE", make)
    monkeypatch.setattr(fresh, "BOX", [make])
    patched = []
    monkeypatch.setattr(
        fresh, "AFTER", lambda name, found: patched.append(name) or (len(patched) == 1 and moment == "after" and stop())
    )
    with pytest.raises(Stop):
        MAKERS[maker](module)
    assert loaded == ({"made": another} if later == "another" else {})
    assert (module, "made") in fresh.MADE
