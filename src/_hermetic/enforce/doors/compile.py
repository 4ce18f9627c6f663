"""Stand-ins for ``compile`` and ``types.coroutine``: what is harmless about them goes on, the rest meets the hook."""

from __future__ import annotations

import gc
import sys

from ...callers import STDLIB
from ...capabilities.code_exec.creation import ONLY_AST, compile_annotation, mark_coroutine, parse_bytes, parse_text
from ...extract import TEXT, argument, exact_text, is_a
from ...pristine import fspath, get_frame

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
ORIGINAL: Any = None
ANNOTATION: Any = None

_BUILTIN, _FUNCTION, _CODE = type(len), type(lambda: None), type((lambda: None).__code__)
# Who compiles forward references: (file, function), up to 3.13 and since.
_REFERENCES = frozenset({(STDLIB + "typing.py", "__init__"), (STDLIB + "annotationlib.py", "__forward_code__")})
_BUFFERS = (bytes, bytearray, memoryview)
_OPTIMIZED_AST = 0x8000
_FUTURE = 0x1FE0000  # the __future__ features, which compile takes over from its caller
_GENERATOR, _COROUTINES = 0x20, 0x180
COLLECTS_ANYWHERE = sys.version_info < (3, 12)
COLLECTS, COLLECT, DO_NOT_COLLECT = gc.isenabled, gc.enable, gc.disable
# What a forward reference holds for a whole process, where nothing will ever evaluate it.
_NOTHING = (lambda: None).__code__


def compile_door(setting: Setting, original: Any) -> Any:
    """``builtins.compile``. One stand-in serves every policy."""
    if type(original) is not _BUILTIN:
        return None
    annotation = inert_annotation if setting.whole_process else compile_annotation
    made = setting.bind(compile_code, ORIGINAL=original, ANNOTATION=setting.bind(annotation))
    made.__name__ = made.__qualname__ = "compile"
    made.__module__, made.__doc__ = "builtins", original.__doc__
    return made


def compile_code(*args: Any, **kwargs: Any) -> Any:
    """Trees are made; code is made by the original, which CPython announces and the hook refuses."""
    if len(args) > 6:
        return ORIGINAL(*args, **kwargs)
    caller = get_frame(1).f_code
    flags = int.__index__(argument(args, kwargs, 3, "flags", 0))
    if not argument(args, kwargs, 4, "dont_inherit", False):
        flags |= caller.co_flags & _FUTURE
    if flags & ONLY_AST:
        return syntax_tree(args, kwargs, flags)
    source = argument(args, kwargs, 0, "source", None)
    if (caller.co_filename, caller.co_name) in _REFERENCES and is_a(source, TEXT):
        return ANNOTATION(exact_text(source))
    rest = {"flags": flags, "dont_inherit": True, "optimize": argument(args, kwargs, 5, "optimize", -1)}
    return ORIGINAL(*args[:3], **{**kwargs, **rest})


def syntax_tree(args: tuple[Any, ...], kwargs: dict[str, Any], flags: int) -> Any:
    """What ``ast.parse`` asks for. Everything the program passed is read here, before the call that is let pass."""
    source = argument(args, kwargs, 0, "source", None)
    filename = argument(args, kwargs, 1, "filename", None)
    mode = argument(args, kwargs, 2, "mode", None)
    if is_tree(source) and not flags & _OPTIMIZED_AST:
        return source
    if filename is None or not is_a(mode, TEXT):
        return ORIGINAL(*args, **kwargs)  # a TypeError, in its own words
    rest = (
        exact_text(fspath(filename)),
        exact_text(mode),
        flags,
        int.__index__(argument(args, kwargs, 5, "optimize", -1)),
        int.__index__(kwargs.get("_feature_version", -1)),
    )
    if is_a(source, TEXT):
        return undisturbed(parse_text, (exact_text(source), *rest))
    if is_a(source, _BUFFERS):
        return undisturbed(parse_bytes, (bytes(source), *rest))
    return ORIGINAL(*args, **kwargs)  # as above


def is_tree(value: Any) -> bool:
    """Whether it looks like a syntax tree; it is only given back."""
    for cls in type(value).__mro__:
        if cls.__name__ == "AST":
            return True
    return False


def inert_annotation(source: str) -> CodeType:
    """A forward reference must be an expression, and that is all it will be."""
    undisturbed(parse_text, (source, "<string>", "eval", 0, -1, -1))
    return _NOTHING


def undisturbed(make: Any, words: tuple[Any, ...]) -> Any:
    """What this place of ours makes. Up to 3.11 the collector may run wherever C allocates, so also between the moment
    when such a frame is good for an event and that event; and what it calls back is called from that frame.
    """
    collects = COLLECTS_ANYWHERE and COLLECTS()
    if not collects:
        return make(*words)
    DO_NOT_COLLECT()
    try:
        return make(*words)
    finally:
        COLLECT()


def coroutine_door(setting: Setting, original: Any) -> Any:
    """``types.coroutine``, which marks a generator function by replacing its code."""
    made = setting.bind(coroutine, ORIGINAL=original)
    made.__module__, made.__doc__ = "types", original.__doc__
    return made


def coroutine(func: Any) -> Any:
    if type(func) is _FUNCTION:
        flags = func.__code__.co_flags
        if flags & _GENERATOR and not flags & _COROUTINES:
            undisturbed(mark_coroutine, (func,))
            return func
    return ORIGINAL(func)
