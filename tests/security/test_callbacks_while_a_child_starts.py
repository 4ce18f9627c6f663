"""Functions of C that the interpreter calls while a stand-in starts a child: they have no frame, and the one below them
is the stand-in's, by which a start is known to be guarded.
"""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")

PROGRAM = """
import functools, os, signal, subprocess, sys
WORDS = [sys.executable, "-c", "import sys; print('child', '_hermetic' in sys.modules, flush=True)"]
OTHER = [sys.executable, "-c", "print('other')"]
goes_on = functools.partial(os.execve, sys.executable, WORDS, {})
at_a_signal = functools.partial(min, {}, key=functools.partial(os.execve, sys.executable, WORDS))
class Listed(list):
    __call__ = staticmethod(goes_on)
class Counted(int):
    __call__ = staticmethod(goes_on)
def before():
    subprocess.run(OTHER, preexec_fn=goes_on)
def listed():
    subprocess.run(OTHER, preexec_fn=Listed())
def counted():
    subprocess.run(OTHER, preexec_fn=Counted())
def after_a_fork():
    os.register_at_fork(after_in_child=goes_on)
    subprocess.run(OTHER, preexec_fn=int)
def by_a_signal():
    signal.signal(signal.SIGCHLD, at_a_signal)
    os.system("true")
def with_what_os_can_do():
    for act in list(os.supports_fd):
        if act.__name__ == "execve":
            os.register_at_fork(after_in_child=functools.partial(act, sys.executable, WORDS, {}))
    subprocess.run(OTHER, preexec_fn=int)
"""
WAYS = ["before", "listed", "counted", "after_a_fork", "by_a_signal", "with_what_os_can_do"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", ["--no-network", "--seal --fs-readonly"])
def test_what_starts_there_is_guarded(isolated, way, options):
    if way == "by_a_signal" and "--seal" in options:
        pytest.skip("no shell under a seal")
    done = isolated.script(f"--kernel=off {options}", f"{PROGRAM}\n{way}()")
    assert done.stdout == "child True\n", done


@pytest.mark.parametrize("way", ["before", "listed", "counted"])
def test_what_starts_there_is_guarded_in_a_block(isolated, way):
    block = "from hermetic import hermetic_blocker\nhermetic_blocker(block_network=True).__enter__()\n"
    done = isolated.code(f"{block}{PROGRAM}\n{way}()")
    assert done.stdout == "child True\n", done


# What posix_spawn takes to pieces in C, which asks the program's own objects: what these call has no frame either.
ASKED = """
import functools, os, sys
CODE = "import sys; print('child', '_hermetic' in sys.modules, 'BLOCK' in sys.argv, flush=True)"
starts = functools.partial(os.posix_spawn, sys.executable, [sys.executable, "-I", "-c", CODE])
started = map(starts, [{}])
class Asked:
    __index__ = staticmethod(functools.partial(starts, {}))
    __bool__ = staticmethod(functools.partial(starts, {}))
WAYS = {
    "signals": {"setsigdef": started},
    "mask": {"setsigmask": started},
    "group": {"setpgroup": Asked()},
    "identities": {"resetids": Asked()},
    "descriptor": {"file_actions": [(os.POSIX_SPAWN_CLOSE, Asked())]},
}
def act(way):
    try:
        os.posix_spawn(sys.executable, [sys.executable, "-c", "print('other')"], {}, **WAYS[way])
    except (TypeError, ValueError, OverflowError):
        pass
    os.waitpid(-1, 0)
"""
BEFORE_IT = {
    "block": "from hermetic import hermetic_blocker\nhermetic_blocker(block_network=True).__enter__()\n",
    "lock in a block": "import hermetic\nhermetic.hermetic_blocker(block_network=True).__enter__()\nhermetic.lock(deny_imports=['colorsys'], kernel='off')\n",
}


@pytest.mark.parametrize("way", ["signals", "mask", "group", "identities", "descriptor"])
@pytest.mark.parametrize("place", ["command line", *BEFORE_IT])
def test_what_an_argument_starts_is_guarded(isolated, way, place):
    if place == "command line":
        done = isolated.script("--kernel=off --no-network", f"{ASKED}\nact({way!r})")
    else:
        done = isolated.code(f"{BEFORE_IT[place]}{ASKED}\nact({way!r})")
    assert "child True" in done.stdout, done
    assert "child False" not in done.stdout


def test_what_an_argument_starts_is_under_the_block_too(isolated):
    """Under a command line, which has its own stand-in below that of the block."""
    asks = ASKED.replace("CODE =", "CODE = 'import colorsys; print(0, flush=True)' or")
    block = "from hermetic import hermetic_blocker\nhermetic_blocker(deny_imports=['colorsys']).__enter__()\n"
    done = isolated.script("--kernel=off --no-network", f"{block}{asks}\nact('signals')")
    assert "import blocked: colorsys" in done.stderr, done
