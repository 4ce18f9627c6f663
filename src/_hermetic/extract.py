"""Reading call arguments without trusting them.

A ``str`` subclass may say one thing to a guard and hold another for C; a buffer
may change between two looks. What comes out of here is an exact ``str`` or
``int`` with the content C will see, or an exception, which the engine takes as
"denied, target unknown".
"""

from __future__ import annotations


from .pristine import fspath

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any


def exact_text(value: object) -> str:
    """The characters that C sees in a str or bytes, subclasses included. TypeError for anything else."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__getitem__(value, slice(None))
    if isinstance(value, bytes):
        return bytes.decode(value, "utf-8", "surrogateescape")
    raise TypeError("text expected")


def exact_path(value: object) -> str | int:
    """A path as C will read it: text, or an int for a descriptor.

    A PathLike is asked here and again by C, and may change its answer between
    the two; callers that must not be lied to hand this value on instead.
    """
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, (str, bytes)):
        return exact_text(value)
    if isinstance(value, bytearray):
        raise TypeError("a path that may change is not read")
    return exact_text(fspath(value))


def printable(text: str) -> str:
    """For messages and traces: control characters and lone surrogates as escapes."""
    if str.isprintable(text):
        return text
    return "".join([c if str.isprintable(c) else str(ascii(c))[1:-1] for c in text])


def argument(args: tuple[Any, ...], kwargs: dict[str, Any] | None, index: int, name: str, default: Any) -> Any:
    """One argument of a patched call, given by position or by name."""
    if len(args) > index:
        return args[index]
    if kwargs:
        return kwargs.get(name, default)
    return default


def always(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
    """For calls that are the act, whatever their arguments."""
    return ""


def first_text(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
    """The first argument as text; ``?`` when it is something else (it is a label, not a decision)."""
    if args and isinstance(args[0], (str, bytes)):
        return exact_text(args[0])
    return "?"

