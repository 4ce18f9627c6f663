"""A line of a source file, compiled by itself: a comment and a text are no code.

Python 3.11 and 3.12 parse the line that a traceback shows, to put carets below it, and announce that as they announce
``compile``. The original of that is found in the traceback of a refusal.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from security.code_exec_attack import attempt

COMMENT = """
# In here it is no code: print("ESC" + "APED", flush=True)
import gc, os, types
def compilers():
    "Every compile of C's that can be found."
    try:
        compile(b"1", "x", "exec")
    except RuntimeError as error:
        trace = error.__traceback__
    while trace is not None:
        yield from trace.tb_frame.f_code.co_consts
        trace = trace.tb_next
    try:
        yield from gc.get_objects()
    except RuntimeError:
        return
found = [one for one in compilers() if type(one) is type(len) and one.__name__ == "compile"]
print("TRIED", bool(found))
for one in [*found, compile]:
    for file in (__file__, "payload.py"):
        for kind in ("exec", "eval", "single"):
            attack(lambda: types.FunctionType(one(BYTES, file, kind), {"print": print})())
            attack(lambda: exec(one(BYTES, file, kind)))
"""


@pytest.mark.parametrize("options", ["--no-code-exec", "--kernel=off --no-code-exec --fs-readonly --seal"])
def test_no_comment_is_compiled(isolated: Any, options: str) -> None:
    isolated.write("payload.py", '# print("ESC" + "APED", flush=True)\n')
    done = attempt(isolated, COMMENT, options)
    assert "TRIED True" in done.stdout, done


def test_who_compiles_a_line_of_a_file_is_told(isolated: Any) -> None:
    done = isolated.script("--no-code-exec", "compile(b'1', __file__, 'eval')\n")
    assert "dynamic code execution disabled: compile" in done.stderr, done


CRASH = """
import sys
def ratio(x): return 1 + ratio.of(0) / (x - x)
ratio.of = float
class Late:
    def __del__(self): return len("") + [0][1]
Late()
try: ratio(1)
except ZeroDivisionError: sys.__excepthook__(*sys.exc_info())
ratio(2)
"""


@pytest.mark.parametrize("name", ["tool", "tool.py"])
@pytest.mark.parametrize(
    "option",
    [
        "--no-code-exec",
        "--report-only --no-code-exec",
        "--no-code-exec --fs-readonly=.",
        "--no-code-exec --fs-readonly=in",
    ],
)
def test_a_traceback_is_no_blocked_act(isolated: Any, name: str, option: str) -> None:
    """Also of a program whose file has not the name of a module, as what is installed as a command has none."""
    isolated.write(name, CRASH)
    isolated.write("in/file", "")
    plain = isolated.python(f"./{name}")
    done = isolated.cli("--kernel=off", *option.split(), "--", sys.executable, f"./{name}")
    assert done.code == plain.code == 1, done
    assert told(done.stderr) == told(plain.stderr), done


def told(text: str) -> list[str]:
    """What a traceback says, without carets, addresses, and what hermetic says of a run where nothing happened."""
    return [line for line in text.splitlines() if "^" not in line and "0x" not in line and " 0 acts " not in line]
