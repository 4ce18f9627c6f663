"""Where modules come from while hermetic starts: nowhere the program could have put them.

An ``argparse.py`` in the working directory would otherwise run before the guards.
The collector rests meanwhile: all that start-up makes is there to stay.
"""

from __future__ import annotations

import gc
import os
import sys

# What the interpreter put in front of sys.path for hermetic itself, and what was set aside.
_original: list[str] = []
# What the target will have first on sys.path.
_first: list[str] = []
# The file that is going to run, where whoever starts hermetic named it.
_program: list[str] = []
# [all of it], from ``expect`` to ``give_back``.
_destined: list[list[str]] = []
# [sys.pycache_prefix of the target], while it has to wait.
_cache: list[str | None] = []
# Not empty while the collector rests, for the target to find it as it was.
_resting: list[bool] = []


def adds_first_entry() -> bool:
    """Whether this interpreter put the script's folder or the working directory first on sys.path."""
    return not (sys.flags.isolated or getattr(sys.flags, "safe_path", False))


def set_aside() -> None:
    """Take the first entry and PYTHONPATH off sys.path until ``give_back``."""
    if _original:
        return
    if gc.isenabled():
        gc.disable()
        _resting.append(True)
    _original.extend(sys.path)
    rest = sys.path[1:] if adds_first_entry() else sys.path[:]
    if not sys.flags.ignore_environment:
        theirs = {os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p}
        rest = [entry for entry in rest if os.path.abspath(entry or ".") not in theirs]
    sys.path[:] = rest


def whole() -> list[str]:
    """``sys.path`` without its first entry, also while parts of it are set aside."""
    before = _original or sys.path
    return before[1:] if adds_first_entry() else before[:]


def put_before(folders: list[str]) -> None:
    """Make sys.path what it would be with these folders on PYTHONPATH, but for its first entry."""
    sys.path[:] = [*folders, *whole()]


def keep_whole(library: list[str]) -> None:
    """Note this sys.path as the interpreter's own, or as start-up files made it, and set it aside for these folders."""
    _original[:] = [*_original[:1], *sys.path] if adds_first_entry() else sys.path
    sys.path[:] = library


def lend() -> None:
    """Let start-up files find what they would find, and change it."""
    if sys.path != whole():
        sys.path[:] = whole()
    bring_cache()


def expect_cache(folder: str | None) -> None:
    """Say where the target will have its bytecode. Until then that of the core is not from there."""
    _cache[:] = [folder]


def bytecode_folder() -> str | None:
    """``sys.pycache_prefix`` as the target will see it, or sees it."""
    return _cache[0] if _cache else sys.pycache_prefix


def bring_cache() -> None:
    """Let bytecode come from where it would in a plain run."""
    if _cache:
        folder = _cache.pop()
        if sys.pycache_prefix != folder:
            sys.pycache_prefix = folder


def is_set_aside() -> bool:
    """Whether this process is still hermetic's own: nothing of the target has run, and no thread was started."""
    return bool(_original)


def expect(first: str | None, whole: tuple[str, ...] | None = None, program: str = "") -> None:
    """Say before the guards hold what ``give_back`` will put first, or all that it will make of the path; and which
    file is the program, empty where another program has chosen it.
    """
    _first[:] = [first] if first is not None else []
    _program[:] = [program] if program else []
    _destined[:] = [given_back(first) if whole is None else list(whole)]


def program() -> list[str]:
    """The file that is going to run, if it may be read for that."""
    return _program[:]


def coming() -> list[str]:
    """What the target will see on ``sys.path``, also while parts of it are set aside; not what hermetic itself saw
    first there.
    """
    return [*_first, *(whole() if _original else ()), *sys.path]


def destined() -> list[str]:
    """Exactly what ``sys.path`` will be for the target, or is for a program that guards itself."""
    return _destined[0] if _destined else sys.path[:]


def given_back(first: str | None) -> list[str]:
    """What the target would see in a plain run: ``first`` (or nothing) and then the interpreter's own."""
    # Nothing was set aside when a program calls hermetic's main itself.
    rest = whole()
    if first is not None and adds_first_entry():
        rest.insert(0, first)
    return rest


def give_back(first: str | None) -> None:
    """Make sys.path what the target would see in a plain run."""
    rest = _destined.pop() if _destined else given_back(first)
    bring_cache()
    # Guards that keep sys.path from being changed have begun with this content.
    if sys.path != rest:
        sys.path[:] = rest
    _original.clear()
    if _resting:
        _resting.clear()
        # What is there now lives as long as the process. Frozen, it costs the program's collections nothing, nor the
        # interpreter's last ones, which would take longer than the guards took to start.
        gc.freeze()
        gc.enable()
