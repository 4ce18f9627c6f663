"""Who is asking: frames read by the guards, innermost first.

The names of files and functions can be forged by a program that may compile
code, so an exemption that rests on them must be harmless when it is forged, or
must belong to the family that forbids compiling.
"""

from __future__ import annotations

import os as _os

from .extract import exact_text
from .model import PRIVATE
from .pristine import get_frame

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType, TracebackType
    from typing import Any

_SEP = _os.sep
STDLIB = _os.path.dirname(_os.path.abspath(_os.__file__)) + _SEP
THIRD_PARTY = (STDLIB + "site-packages" + _SEP, STDLIB + "dist-packages" + _SEP)
CORE = _os.path.dirname(_os.path.abspath(__file__)) + _SEP
FACES = _os.path.join(_os.path.dirname(CORE[:-1]), "hermetic") + _SEP
FROZEN = "<frozen "
# What runs the program, and was itself started by what is hermetic's only: a console script has no name of ours.
RUN = CORE + "running" + _SEP + "run.py"

# From a reader, the frames above it are: examine, the judge, the hook or stand-in, and the caller.
CALLER_DEPTH = 4
# What bind() puts in place of this name: whether no frame of ours is in the way.
FRAMES_HIDDEN = False


def is_stdlib_file(filename: str) -> bool:
    """Whether code compiled under this file name belongs to the standard library."""
    if filename.startswith(FROZEN):
        return True
    return filename.startswith(STDLIB) and not filename.startswith(THIRD_PARTY)


def is_ours(filename: str) -> bool:
    """Whether it belongs to hermetic itself."""
    return filename.startswith(CORE) or filename.startswith(FACES)


def asker(frame: FrameType | None) -> tuple[str, str] | None:
    """(module name, function name) of a frame, as exact text; None when there is no frame or no name."""
    if frame is None:
        return None
    module = dict.get(frame.f_globals, "__name__")
    return (module, exact_text(frame.f_code.co_name)) if type(module) is str else None


def calling_frame(depth: int) -> FrameType | None:
    """The frame that made the guarded call, or None when C made it without one.

    depth counts from the caller of this function; see CALLER_DEPTH. Where frames are hidden
    at most the hook's is in the way.
    """
    try:
        if not FRAMES_HIDDEN:
            return get_frame(depth + 1)
        frame = get_frame(1)
        return frame.f_back if frame.f_globals is PRIVATE else frame
    except ValueError:
        return None


def runs_one_of(frame: FrameType | None, codes: Iterable[Any]) -> bool:
    """Whether a frame runs one of these code objects, told by nothing that anybody could give itself."""
    if frame is not None:
        for code in codes:
            if frame.f_code is code:
                return True
    return False


def program_place(depth: int) -> tuple[str, int, str] | None:
    """(file, line, function) of the innermost frame that is the program's own, or of the innermost at all."""
    frame = calling_frame(depth + 1)
    first = None
    while frame is not None:
        code = frame.f_code
        name = exact_text(code.co_filename)
        if name == RUN:
            break
        if not is_ours(name):
            here = (name, frame.f_lineno or 0, exact_text(code.co_name))
            if not is_stdlib_file(name):
                return here
            if first is None:
                first = here
        frame = frame.f_back
    return first


def trimmed(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without hermetic's own frames at its start and end."""
    while traceback is not None and is_ours(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next
    last, walk = None, traceback
    while walk is not None:
        if not is_ours(walk.tb_frame.f_code.co_filename):
            last = walk
        walk = walk.tb_next
    if last is not None:
        last.tb_next = None
    return traceback
