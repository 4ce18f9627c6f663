"""A signal handler that raises while a guard looks at a file, so that the guard takes it for "nothing is there"."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="procfs")

STORM = """
import _thread, os, signal, sys, threading, time
armed = stop = False
def handler(number, frame):
    global armed
    if armed:
        armed = False  # once for each attempt: never where the attempt's own end is being handled
        raise OSError(2, "theirs")
HOW
def storm():
    while not stop:
        _thread.interrupt_main(NUMBER)
        time.sleep(0)
sys.setswitchinterval(1e-5)
thread = threading.Thread(target=storm, daemon=True)
thread.start()
os.symlink("/proc/self/mem", "link")
got = theirs = 0
for _ in range(20000):
    try:
        try:
            armed = True
            number = os.open("link", os.O_RDWR)
            armed = False
            got += 1
            os.close(number)
        except BaseException as error:
            armed = False
            theirs += isinstance(error, OSError) and "theirs" in str(error)
    except OSError:
        armed = False  # it came when the attempt's own end was about to be handled
stop = True
thread.join()
print(got, theirs > 0)
"""
HANDLERS = {
    "a function": ("signal.signal(signal.SIGINT, handler)", "signal.SIGINT"),
    "by the module of C": ("import _signal; _signal.signal(2, handler)", "signal.SIGINT"),
    "of C": (
        "import functools\ndef arm(number):\n    global armed\n    if armed:\n        armed = False\n        os.fstat(9999)\n"
        "    return 0\n"
        "signal.signal(signal.SIGUSR1, functools.partial(max, key=arm))\nhandler = None",
        "signal.SIGUSR1",
    ),
}


@pytest.mark.parametrize("how", HANDLERS)
def test_what_a_handler_raises_is_no_answer(isolated, how):
    setting, number = HANDLERS[how]
    code = STORM.replace("HOW", setting).replace("NUMBER", number)
    if how == "of C":
        code = code.replace('"theirs" in str(error)', "error.errno == 9")
    done = isolated.script("--seal --no-network --kernel=off", code, timeout=100)
    assert done.stdout == "0 True\n", done


# The guards' own note of who is looking, and what a stand-in has of C.
TAKEN_OUT = "    from _hermetic.enforce.judge import BUSY; BUSY.discard(_thread.get_ident())\n"
RAW = "for f in signal._signal.signal.__func__.__code__.co_consts:\n    if type(f) in (list, tuple):\n        f[0](2, handler)\n"


@pytest.mark.parametrize("way", ["a full path", "out of the note", "by the code of the stand-in"])
def test_nor_by_another_way(isolated, way):
    code = STORM.replace("HOW", "signal.signal(signal.SIGINT, handler)").replace("NUMBER", "signal.SIGINT")
    if way == "a full path":
        code = code.replace('os.open("link", os.O_RDWR)', 'open(os.path.abspath("link"), "r+b").fileno()')
    elif way == "out of the note":
        code = code.replace("    if armed:\n", TAKEN_OUT + "    if armed:\n")
    elif sys.version_info < (3, 11):
        pytest.skip("from 3.11 on (docs/explanation/sealing.md)")
    else:
        code = code.replace("def storm", RAW + "def storm")
    done = isolated.script("--seal --no-network --kernel=off", code, timeout=100)
    assert done.stdout == "0 True\n", done


def test_handlers_are_what_the_program_gave(isolated):
    code = """
        import asyncio, signal, time
        def handler(number, frame):
            raise TimeoutError("mine")
        assert signal.signal(signal.SIGALRM, handler) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGALRM) is handler
        interrupts = signal.getsignal(signal.SIGINT)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            time.sleep(60)
        except TimeoutError as error:
            assert str(error) == "mine" and error.__context__ is None
        assert signal.signal(signal.SIGALRM, signal.SIG_IGN) is handler
        assert signal.signal(signal.SIGALRM, signal.SIG_DFL) is signal.SIG_IGN
        for wrong in ((), (signal.SIGALRM,), (signal.SIGALRM, 7.5), ("x", handler), (9999, handler)):
            try:
                signal.signal(*wrong)
                raise AssertionError(wrong)
            except (TypeError, ValueError):
                pass
        assert asyncio.run(asyncio.sleep(0, 7)) == 7
        print(signal.getsignal(signal.SIGINT) is interrupts, type(interrupts).__name__ != "method")
    """
    done = isolated.script("--seal --no-network", code)
    assert (done.code, done.stdout) == (0, "True True\n"), done


def test_handlers_that_were_set_before_the_seal(isolated):
    isolated.passes("""
        import os, signal
        import hermetic
        def handler(number, frame):
            heard.append(number)
        heard = []
        signal.signal(signal.SIGUSR1, handler)
        with hermetic.hermetic_blocker(block_network=True, sealed=True):
            pass
        assert signal.getsignal(signal.SIGUSR1) is handler
        os.kill(os.getpid(), signal.SIGUSR1)
        assert heard == [signal.SIGUSR1]
    """)
