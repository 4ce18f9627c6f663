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
