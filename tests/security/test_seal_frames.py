"""Code of the program that runs inside a decision finds no frame of the guards.

A signal handler, a collector's callback, a finalizer, another thread and a trace function can each be timed to run
while a guard decides. From its frames they read what a policy remembers and, since 3.13, write the answer.
"""

from __future__ import annotations

import sys

import pytest

from _hermetic.enforce.bind import HIDDEN, new_memo

hidden_only = pytest.mark.skipif(HIDDEN not in new_memo(), reason="this interpreter shows every frame")

# What every attack tries whenever it is given the chance.
ATTACK = """
import gc, os, signal, sys, threading, time, weakref

OURS = {"answer", "args", "capability", "denial", "entry", "error", "found", "rules", "target"}
GIVEN = {"args", "event", "here"}  # what an event says, which everybody may know
seen, chances = set(), [0]

def look(frame):
    chances[0] += 1
    while frame is not None:
        held = frame.f_locals
        if "__name__" not in frame.f_globals:
            seen.update(OURS.intersection(held) - GIVEN)
            for name in ("found", "denial", "event", "here"):
                if name in held:
                    held[name] = None
        frame = frame.f_back

def attempt():
    for _ in range(ROUNDS):
        try:
            ACT
        except RuntimeError:
            continue
        print("permitted")

def end():
    assert chances[0], "the attack was given no chance"
    print("seen", sorted(seen))
"""

CHANCES = {
    "signal": """
        signal.signal(signal.SIGALRM, lambda number, frame: look(frame))
        signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
        attempt()
        signal.setitimer(signal.ITIMER_REAL, 0)
    """,
    "collector": """
        gc.callbacks.append(lambda phase, info: look(sys._getframe()))
        gc.set_threshold(1)
        attempt()
        gc.callbacks.clear()
    """,
    "finalizer": """
        class Dying:
            def __init__(self): self.me = self
            def __del__(self):
                look(sys._getframe())
                if going: Dying()
        going = True
        gc.set_threshold(1)
        Dying()
        attempt()
        going = False
    """,
    "weak reference": """
        class Dying: pass
        def renew(reference):
            look(sys._getframe())
            if going:
                dying = Dying()
                dying.me = dying
                kept[:] = [weakref.ref(dying, renew)]
        kept, going = [], True
        gc.set_threshold(1)
        renew(None)
        attempt()
        going = False
    """,
    "thread": """
        def watch():
            while going:
                try:
                    for frame in sys._current_frames().values(): look(frame)
                except RuntimeError: look(None)
        sys.setswitchinterval(1e-6)
        going = True
        thread = threading.Thread(target=watch)
        thread.start()
        attempt()
        going = False
        thread.join()
    """,
}

# An act that CPython announces, and one that has a stand-in.
ACTS = {"event": "os.remove('kept.txt')", "stand-in": "os.environ['SECRET']"}


@hidden_only
@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("chance", CHANCES)
def test_no_frame_of_a_decision_is_found(isolated, chance, act, seal):
    isolated.write("kept.txt", "kept")
    source = ATTACK.replace("ACT", ACTS[act]).replace("ROUNDS", "1500")
    lines = [line[8:] for line in CHANCES[chance].splitlines()]
    done = isolated.script(
        ["--no-subprocess", "--fs-readonly", "--no-environment", *seal], source + "\n".join([*lines, "end()", ""])
    )
    assert done.stdout == "seen []\n", done.stderr
    assert (isolated.folder / "kept.txt").exists()


TRACERS = {
    "sys.settrace": "sys.settrace(trace)",
    "sys.monitoring": """
import types
watch = sys.monitoring
watch.use_tool_id(3, "attack")
for name in ("PY_START", "LINE", "CALL", "PY_RETURN"):
    def called(code, *rest):
        names.update(code.co_varnames)
    watch.register_callback(3, getattr(watch.events, name), called)
watch.set_events(3, watch.events.PY_START | watch.events.LINE | watch.events.CALL | watch.events.PY_RETURN)
""",
}


@hidden_only
@pytest.mark.parametrize("tracer", TRACERS)
def test_stand_ins_are_not_traced(isolated, tracer):
    """The hook is never traced; a stand-in is a function like others."""
    if tracer == "sys.monitoring" and sys.version_info < (3, 12):
        pytest.skip("new in 3.12")
    source = f"""
import os, sys
names = set()
def trace(frame, event, arg):
    names.update(frame.f_locals)
    for name in ("found", "denial"):
        if name in frame.f_locals: frame.f_locals[name] = None
    return trace
{TRACERS[tracer]}
try:
    os.environ["SECRET"]
except RuntimeError as error:
    text = str(error)
else:
    text = "permitted"
sys.settrace(None)
print(text, sorted(names & {{"found", "denial", "entry", "rules"}}))
"""
    assert isolated.script("--no-environment", source).stdout == "environment disabled: SECRET []\n"


@pytest.mark.parametrize(
    "tracer",
    [
        pytest.param("sys.settrace(look)", marks=pytest.mark.skipif(sys.version_info >= (3, 11), reason="held above")),
        "sys.setprofile(look)",
        pytest.param(
            "sys.monitoring.register_callback(3, sys.monitoring.events.RAISE, look)",
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="new in 3.12"),
        ),
    ],
)
def test_a_seal_takes_away_what_sees_hidden_code(isolated, tracer):
    source = f"""
import os, sys
found = []
def look(frame, event, arg):
    if type(frame) is type(sys._getframe()):
        found.extend({{"found", "denial", "rules"}}.intersection(frame.f_locals))
    return look
if hasattr(sys, "monitoring"):
    sys.monitoring.use_tool_id(3, "attack")
try:
    {tracer}
except RuntimeError as error:
    print(error)
try:
    os.environ["SECRET"]
except RuntimeError as error:
    print(error)
print(found)
"""
    lines = isolated.script("--no-environment --seal", source).stdout.splitlines()
    assert lines == ["interpreter mutation disabled: tracing", "environment disabled: SECRET", "[]"]


@hidden_only
@pytest.mark.parametrize("act", ACTS)
def test_tracebacks_lead_into_no_decision(isolated, act):
    """An exception that is not the guards' own, raised at every depth."""
    source = f"""
import os, sys
found = set()
def fall(depth):
    if depth:
        return fall(depth - 1)
    {ACTS[act]}
def look(error):
    trace = error.__traceback__
    while trace is not None:
        if "__name__" not in trace.tb_frame.f_globals:
            found.update(trace.tb_frame.f_locals)
        trace = trace.tb_next
sys.setrecursionlimit(400)
kinds = set()
for depth in range(300, 400):
    try:
        fall(depth)
    except Exception as error:
        kinds.add(type(error).__name__)
        while error is not None:
            look(error)
            error = error.__context__
sys.setrecursionlimit(1000)
print("RecursionError" in kinds, len(kinds) > 1, sorted(found - {{"event", "args"}}))
"""
    done = isolated.script("--fs-readonly --no-environment", source)
    assert done.stdout == "True True []\n", done.stderr
