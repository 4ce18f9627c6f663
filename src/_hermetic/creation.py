"""The places of ours that make syntax trees and code at a program's request, known to the guard by their frames.

CPython announces a compilation without its flags, so the guard cannot see whether a
tree or code is wanted: the functions here can only make the harmless kind, and the
guard lets their frames pass. A callback of the program that C runs inside such a
frame (a weak reference's, a signal handler that is a C function) must not pass too.
So a frame is good for one event: it holds an iterator with one item, which the guard
takes, and C offers no way to rewind it. Arguments are of exact types by then: nothing
in the calls below asks the program for anything.
"""

from __future__ import annotations

from .model import PRIVATE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

FILE = (lambda: None).__code__.co_filename
# In the constants of the bound twins and of nothing that a program could make.
MARK = (object(),)
ONLY_AST, ITERABLE_COROUTINE = 0x400, 0x100

_compile, _turns, _next = compile, enumerate, next
_CODE, _FUNCTION = type((lambda: None).__code__), type(lambda: None)
_replace = _CODE.replace
_either = int.__or__


def parse_only(source: Any, filename: str, mode: str, flags: int, optimize: int, version: int) -> Any:
    """A syntax tree, never code. TypeError for arguments of other types, which could call the program."""
    tree = _either(flags, ONLY_AST)
    if type(filename) is not str or type(mode) is not str or type(optimize) is not int or type(version) is not int:
        raise TypeError("exact types only")
    if type(source) is not str and type(source) is not bytes:
        raise TypeError("text only")
    turns = _turns(MARK)  # noqa: F841  # read by the guard
    return _compile(source, filename, mode, tree, True, optimize, _feature_version=version)


def compile_annotation(source: str) -> Any:
    """What typing keeps of a forward reference, in a block: it may be evaluated once the block is left."""
    if type(source) is not str:
        raise TypeError("text only")
    turns = _turns(MARK)  # noqa: F841  # read by the guard
    return _compile(source, "<string>", "eval", 0, True)


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
    return parse_only.__globals__ is PRIVATE


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
