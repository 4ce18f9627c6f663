"""The places of ours that make syntax trees and code at a program's request, known to the guard by their frames.

CPython announces a compilation without its flags, so the guard cannot see whether a
tree or code is wanted: the functions here can only make the harmless kind, and the
guard lets their frames pass. The program must not borrow such a frame:

- A callback that C runs inside it (a weak reference's, a signal handler that is a C
  function) has no frame of its own. So a frame is good for one event: it holds an
  iterator with one item, made last of all, which the guard takes and nobody rewinds.
- A trace function writes locals, and since 3.13 so does whoever holds the frame. So
  everything is made exact by C functions on the way to the call, and none of those
  asks the program for anything.
"""

from __future__ import annotations

from os import sep

from ...callers import CORE
from ...model import PRIVATE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

FILE = (lambda: None).__code__.co_filename
BINDER = f"{CORE}enforce{sep}bind.py"
# In the memo of a policy that only reports: stand-ins are still bound when their module comes.
GOES_ON = False
# In the constants of the bound twins and of nothing that a program could make.
MARK = (object(),)
ONLY_AST, ITERABLE_COROUTINE = 0x400, 0x100

_compile, _turns, _next = compile, enumerate, next
_CODE, _FUNCTION = type((lambda: None).__code__), type(lambda: None)
_replace = _CODE.replace
_exact_text, _exact_bytes, _ALL = str.__getitem__, bytes.__getitem__, slice(None)
_exact, _either = int.__index__, int.__or__


def parse_text(source: str, filename: str, mode: str, flags: int, optimize: int, version: int) -> Any:
    """A syntax tree, never code. TypeError for arguments of other types."""
    return _compile(
        _exact_text(source, _ALL),
        _exact_text(filename, _ALL),
        _exact_text(mode, _ALL),
        _either(_exact(flags), ONLY_AST),
        True,
        _exact(optimize),
        _feature_version=(_exact(version), turns := _turns(MARK))[0],  # noqa: F841  # read by the guard
    )


def parse_bytes(source: bytes, filename: str, mode: str, flags: int, optimize: int, version: int) -> Any:
    """The same, from bytes, whose first lines may name their encoding."""
    return _compile(
        _exact_bytes(source, _ALL),
        _exact_text(filename, _ALL),
        _exact_text(mode, _ALL),
        _either(_exact(flags), ONLY_AST),
        True,
        _exact(optimize),
        _feature_version=(_exact(version), turns := _turns(MARK))[0],  # noqa: F841  # read by the guard
    )


def compile_annotation(source: str) -> Any:
    """What typing keeps of a forward reference, in a block: it may be evaluated once the block is left."""
    return _compile(
        _exact_text(source, _ALL),
        "<string>",
        "eval",
        0,
        (True, turns := _turns(MARK))[0],  # noqa: F841  # read by the guard
    )


def mark_coroutine(function: Any) -> None:
    """What ``types.coroutine`` does: one flag more on the code of a generator function."""
    if type(function) is not _FUNCTION:
        raise TypeError("functions only")
    code = function.__code__
    flags = code.co_flags | ITERABLE_COROUTINE
    turns = _turns(MARK)  # noqa: F841  # read by the guard
    function.__code__ = _replace(code, co_flags=flags)


def for_whole_process() -> bool:
    """Whether who calls this is bound, as everything that decides for a whole process is."""
    return parse_text.__globals__ is PRIVATE


def binds(code: CodeType) -> bool:
    """Whether an inner block starts, or a stand-in is made late: where code is refused for a whole process nothing of
    ours replaces any (enforce/bind.py).
    """
    return code.co_filename == BINDER and (GOES_ON or not for_whole_process())


def is_step(code: CodeType, name: str) -> bool:
    """Whether this is the code of one of the functions above; for a whole process, of the bound twin."""
    if code.co_name != name or code.co_filename != FILE:
        return False
    if not for_whole_process():
        return True
    for constant in code.co_consts:
        if constant is MARK:
            return True
    return False


def takes_turn(frame: FrameType) -> bool:
    """Whether this frame's one event is still to come; it is taken."""
    if not for_whole_process():
        return True  # several policies may ask about one event
    turns = frame.f_locals.get("turns")
    return type(turns) is _turns and _next(turns, None) is not None
