"""Runs attacks on --no-code-exec: each gets a payload as text, and must not get it to run.

Not a test module: the tests of this family share it.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

# What a payload prints is not in its text, so nothing that merely shows the text counts as an escape.
PREAMBLE = """
import sys
SOURCE = open("payload.txt").read().strip()
BYTES = SOURCE.encode()
REFUSED = []
def attack(function):
    "Run one attempt; what it returns is called or executed by nobody."
    try:
        function()
    except BaseException as error:
        REFUSED.append(type(error).__name__)
"""
PAYLOAD = 'print("ESC" + "APED", flush=True)'


def attempt(isolated: Any, code: str, options: str = "--no-code-exec") -> Any:
    """Run an attack under the command line; it must come to its end without its payload having run."""
    isolated.write("payload.txt", PAYLOAD + "\n")
    done = isolated.script(options, PREAMBLE + textwrap.dedent(code) + '\nprint("END", flush=True)\n')
    assert "ESCAPED" not in done.stdout + done.stderr, done
    assert "END" in done.stdout, done
    return done


def works_unguarded(isolated: Any, code: str) -> None:
    """The same attack without a policy reaches its aim; otherwise it proves nothing."""
    isolated.write("payload.txt", PAYLOAD + "\n")
    isolated.write("target.py", PREAMBLE + textwrap.dedent(code))
    done = isolated.python("target.py")
    assert "ESCAPED" in done.stdout + done.stderr, done


def both(isolated: Any, code: str) -> Any:
    """It works without hermetic, and not with it."""
    works_unguarded(isolated, code)
    return attempt(isolated, code)


def lines(done: Any) -> Any:
    """The last JSON line of an outcome."""
    return json.loads(done.stdout.strip().splitlines()[-1])
