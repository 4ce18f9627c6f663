"""What the tests of process-wide state share: a script of attempts, run in every place, and how each attempt ended."""

from __future__ import annotations

import json
from typing import Any

PLACES = ("command line", "sealed", "block")
SECRET = "canary-7c1f"

# An attempt's outcome is a violation's text, the name of another exception, or its result.
PRELUDE = """
import importlib, json, os, sys
OUTCOMES = {}
def attempt(function):
    try:
        outcome = repr(function())
    except BaseException as error:
        outcome = str(error) if hasattr(error, "guard") else type(error).__name__
    OUTCOMES[function.__name__] = outcome
    return function
"""
REPORT = "\nos.write(1, json.dumps(OUTCOMES).encode())\n"
IN_A_BLOCK = """
import sys
from hermetic import hermetic_blocker
code = compile(open("attempts.py").read(), "attempts.py", "exec")
with hermetic_blocker(**{keywords!r}):
    exec(code, vars(sys.modules["__main__"]))
"""


def outcomes(
    isolated: Any, place: str, options: str, keywords: dict[str, Any], code: str, *, prelude: str = PRELUDE, **how: Any
) -> dict[str, str]:
    """How each attempt in the code ended in this place. SECRET is in the environment, and must not come out."""
    how["env"] = {"CANARY": SECRET, **how.get("env", {})}
    text = prelude + code + REPORT
    if place == "block":
        isolated.write("attempts.py", text)
        done = isolated.code(IN_A_BLOCK.format(keywords=keywords), **how)
    else:
        words = options.split() + (["--seal"] if place == "sealed" else [])
        done = isolated.script(words, text, **how)
    assert done.stdout, f"status {done.code}\n{done.stderr}"
    assert SECRET not in done.stdout + done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(isolated: Any, words: list[str], code: str, **how: Any) -> Any:
    """What a script under these options prints as JSON; it must end with status 0."""
    done = isolated.script(words, PRELUDE + code, **how)
    assert done.code == 0, f"status {done.code}\n{done.stdout}\n{done.stderr}"
    return done.data
