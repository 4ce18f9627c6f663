"""filelock#703: audit hooks still run when the interpreter ends, and module globals have become None by then."""

from __future__ import annotations

import pytest

# Objects that die last: in the module of the interpreter itself, in a cycle, in a builtin, and after the exit handlers.
LAST = """
import atexit, builtins, io, os, socket, sys, threading, weakref
class Last:
    def __init__(self, word): self.word = word
    def __del__(self, say=os.write, word=str.encode):
        try:
            ACT
        except BaseException as error:
            say(1, word("refused " + self.word + "\\n"))
        else:
            say(1, word("escaped " + self.word + "\\n"))
sys.last = Last("sys")
builtins.last = Last("builtins")
threading.last = Last("threading")
cycle = Last("cycle"); cycle.itself = cycle
class Holder: last = Last("class")
atexit.register(Last("atexit").__del__)
weakref.finalize(Holder, Last("finalize").__del__)
"""
ACTS = {
    "--no-subprocess": "SYSTEM('echo escaped')",
    "--fs-readonly": "OPEN('made.txt', 'w')",
    "--no-network": "SOCKET().connect(('127.0.0.1', 9))",
}
CAPTURED = {"SYSTEM": "os.system", "OPEN": "io.open", "SOCKET": "socket.socket"}


@pytest.mark.parametrize("seal", ["", " --seal"])
@pytest.mark.parametrize("option", ACTS)
def test_what_dies_last_is_held(isolated, option, seal):
    act = ACTS[option]
    # Captured as a default argument: by then names in modules may be gone.
    for name, value in CAPTURED.items():
        if name in act:
            act = act.replace(name, "act")
            head = f"def __del__(self, act={value}, "
            break
    code = LAST.replace("ACT", act).replace("def __del__(self, ", head)
    done = isolated.script(option + seal, code)
    lines = done.stdout.splitlines()
    assert "escaped" not in done.stdout, done
    assert len(lines) >= 6 and {line.split()[0] for line in lines} == {"refused"}, done
    assert not (isolated.folder / "made.txt").exists()


def test_without_hermetic_they_would_act(isolated):
    code = LAST.replace("ACT", "act('echo acted')").replace("def __del__(self, ", "def __del__(self, act=os.system, ")
    assert isolated.code(code).stdout.count("acted") >= 6


# What the interpreter keeps for itself and lets go of after its audit hooks. Builtins are gone by then, too.
LATER = """
import _socket, codecs, os, warnings
class Later:
    def __init__(self, word): self.word = word
    def __call__(self, *args): return None
    def __del__(self, say=os.write, word=str.encode):
        say(1, word("dies " + self.word + "\\n"))
        ACT
        say(1, word("escaped " + self.word + "\\n"))
codecs.register_error("later", Later("errors"))
codecs.register(Later("search"))
os.register_at_fork(before=Later("before"), after_in_child=Later("child"), after_in_parent=Later("parent"))
warnings.filters.append(Later("filters"))
"""
# By then only what C does by itself works.
LATER_ACTS = {
    "--no-subprocess": ("os.system", "act('echo escaped')"),
    "--fs-readonly": ("os.open", "act('made.txt', 0o101, 0o600)"),
    "--no-network": ("_socket.socket(2, 2).sendto", "act(b'x', ('127.0.0.1', 9))"),
}
BLOCKS = {
    "--no-subprocess": "block_subprocess=True",
    "--fs-readonly": "fs_readonly=True",
    "--no-network": "block_network=True",
}


def later(option: str) -> str:
    captured, act = LATER_ACTS[option]
    return LATER.replace("ACT", act).replace("def __del__(self, ", f"def __del__(self, act={captured}, ")


def is_held(done, folder):
    lines = done.stdout.splitlines()
    assert done.code == 0 and "escaped" not in done.stdout, done
    assert len(lines) >= 6 and {line.split()[0] for line in lines} == {"dies"}, done
    assert not (folder / "made.txt").exists()


@pytest.mark.parametrize("seal", ["", " --seal"])
@pytest.mark.parametrize("option", LATER_ACTS)
def test_what_outlives_the_hooks_is_held(isolated, option, seal):
    is_held(isolated.script("--kernel=off " + option + seal, later(option)), isolated.folder)


@pytest.mark.parametrize("option", LATER_ACTS)
def test_what_outlives_the_hooks_of_several_policies_is_held(isolated, option):
    """The first hook that comes back lets the others do so."""
    head = (
        "from hermetic import hermetic_blocker\n"
        "hermetic_blocker(block_environment=True, sealed=True).__enter__()\n"
        f"hermetic_blocker({BLOCKS[option]}, sealed=True).__enter__()\n"
        "hermetic_blocker(deny_imports=['wave'], sealed=True).__enter__()\n"
    )
    is_held(isolated.script("--kernel=off --deny-import=chunk", head + later(option)), isolated.folder)


@pytest.mark.parametrize("option", LATER_ACTS)
def test_without_hermetic_they_would_act_later_still(isolated, option):
    assert isolated.code(later(option)).stdout.count("escaped") >= 6
