"""Where modules come from while hermetic starts: nowhere the program could have put them.

An ``argparse.py`` in the working directory would otherwise run before the guards.
"""

from __future__ import annotations

import os
import sys

# What the interpreter put in front of sys.path for hermetic itself, and what was set aside.
_original: list[str] = []


def adds_first_entry() -> bool:
    """Whether this interpreter put the script's folder or the working directory first on sys.path."""
    return not (sys.flags.isolated or getattr(sys.flags, "safe_path", False))


def set_aside() -> None:
    """Take the first entry and PYTHONPATH off sys.path until ``give_back``."""
    if _original:
        return
    _original.extend(sys.path)
    rest = sys.path[1:] if adds_first_entry() else sys.path[:]
    if not sys.flags.ignore_environment:
        theirs = {os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p}
        rest = [entry for entry in rest if os.path.abspath(entry or ".") not in theirs]
    sys.path[:] = rest


def give_back(first: str | None) -> None:
    """Make sys.path what the target would see in a plain run: ``first`` (or nothing) and then the interpreter's own."""
    rest = _original[1:] if adds_first_entry() else _original[:]
    if first is not None and adds_first_entry():
        rest.insert(0, first)
    sys.path[:] = rest
    _original.clear()
