"""Code of the program that runs while a start is under way finds nothing in the frames by which it starts unguarded.

A preexec_fn is called by C from within the stand-in, a signal handler when it pleases, a trace function at each call.
"""

from __future__ import annotations

import pytest
from starts import CHILD

from _hermetic.enforce.bind import HIDDEN, new_memo

pytestmark = pytest.mark.skipif(HIDDEN not in new_memo(), reason="this interpreter shows every frame")

START = """
import os, signal, subprocess, sys, types
CHILD = {child!r}
WORDS = [sys.executable, "-I", "-c", CHILD]
def attempt(start):
    # fork_exec itself: the last words differ between versions.
    for last in ([-1, None, None, None, -1, None, False], [None, None, None, -1, None]):
        reader, writer = os.pipe()
        try:
            child = start([os.fsencode(word) for word in WORDS], [os.fsencode(sys.executable)], True, (writer,), None,
                          None, -1, -1, -1, -1, -1, -1, reader, writer, False, False, *last)
            os.waitpid(child, 0)
        except Exception:
            continue
def frames(frame):
    while frame is not None:
        yield frame
        frame = frame.f_back
def pre():
    for frame in frames(sys._getframe()):
        look(frame)
def run(*how):
    return subprocess.run([sys.executable, "-c", CHILD], preexec_fn=pre if how else None)
"""
ORIGINALS = """
def functions(things):
    for thing in things:
        if type(thing) in (list, tuple):
            yield from functions(thing)
        elif type(thing) is type(len) and thing.__name__ == "fork_exec":
            yield thing
def look(frame):
    for start in functions([frame.f_code.co_consts, list(frame.f_locals.values())]):
        attempt(start)
"""
TWINS = """
import _posixsubprocess
def look(frame):
    code = frame.f_code
    if code.co_name != "start_in_c":
        return
    def again(*args): pass
    def set_code(): again.__code__ = code
    for make in (lambda: types.FunctionType(code, {}), lambda: (set_code(), again)[1]):
        try:
            twin = make()
        except Exception:
            continue
        attempt(lambda *words: twin(_posixsubprocess.fork_exec, words, {}))
"""
WRITTEN = """
class Words(dict):
    def __iter__(self): return iter((sys.executable, WORDS, {}))
    def keys(self): return []
def trace(frame, event, arg):
    if frame.f_code.co_name in ("start_in_c", "open_program"):
        for name in list(frame.f_locals):
            frame.f_locals[name] = Words()
    return trace
sys.settrace(trace)
child = os.posix_spawn(sys.executable, [sys.executable, "-c", CHILD], {})
sys.settrace(None)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
@pytest.mark.parametrize("attack", [ORIGINALS, TWINS], ids=["originals", "twins"])
def test_preexec_function_finds_no_way(isolated, attack, options):
    done = isolated.script(options, START.format(child=CHILD) + attack + "run(True)\n")
    assert set(done.stdout.split()) == {"held"}, done.stderr


def test_signal_handler_finds_no_original(isolated):
    attack = """
looking = False
def handler(number, frame):
    global looking
    if not looking:  # a look takes longer than the next signal, on a busy machine for ever
        looking = True
        for one in frames(frame):
            look(one)
        looking = False
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for _ in range(8):
    run()
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    done = isolated.script("--no-network --seal", START.format(child=CHILD) + ORIGINALS + attack)
    assert done.stdout.split() == ["held"] * 8, done.stderr


def test_trace_function_writes_nothing_that_is_read(isolated):
    done = isolated.script("--no-network --seal", START.format(child=CHILD) + WRITTEN)
    assert done.stdout == "held\n", done.stderr


@pytest.mark.parametrize("where", ["guarded", "block"])
def test_tracing_disturbs_nothing(isolated, where):
    """Up to 3.12 to look at a frame's variables is to write them."""
    act = """
import _decimal, sqlite3, subprocess, sys
def act():
    for name in ("_decimal", "decimal"):
        del sys.modules[name]
    import decimal
    sqlite3.connect(":memory:").execute("select 1").fetchall()
    subprocess.run([sys.executable, "-c", "print('ran')"], check=True)
def trace(frame, event, arg):
    frame.f_locals
    return trace
"""
    traced = "sys.settrace(trace)\nact()\nsys.settrace(None)\n"
    if where == "guarded":
        done = isolated.script("--no-network --fs-readonly", "import decimal\n" + act + traced)
    else:
        indented = "".join(f"    {line}\n" for line in traced.splitlines())
        head = "import decimal\nfrom hermetic import hermetic_blocker\n" + act
        done = isolated.code(head + f"with hermetic_blocker(block_network=True, fs_readonly=True):\n{indented}")
    assert (done.code, done.stdout) == (0, "ran\n"), done.stderr
