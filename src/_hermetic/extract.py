"""Reading call arguments without trusting them.

A ``str`` subclass may say one thing to a guard and hold another for C; a buffer
may change between two looks. What comes out of here is an exact ``str`` or
``int`` with the content C will see, or an exception, which the engine takes as
"denied, target unknown".

Nothing here, and nothing that decides, calls into the program: no ``__fspath__``,
no ``__eq__``, not even ``isinstance`` (it asks ``__class__``). Code of the program
that runs inside a guard can reach the guard's frames, and since 3.13 write their locals.
"""

from __future__ import annotations

from .pristine import ENCODING, ENCODING_ERRORS, native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any


TEXT, BYTES, TEXT_OR_BYTES, NUMBER, TUPLE, SEQUENCE = (str,), (bytes,), (str, bytes), (int,), (tuple,), (list, tuple)


# A handle on a file, which can be neither read nor written (Linux).
O_PATH = getattr(native, "O_PATH", 0)
HANDLE = O_PATH | getattr(native, "O_CLOEXEC", 0)
# Flags of open(2) that make an opening more than a read.
WRITE_BITS = native.O_WRONLY | native.O_RDWR | native.O_CREAT | native.O_TRUNC | native.O_APPEND
WRITE_BITS |= getattr(native, "O_TEMPORARY", 0)  # Windows: deletes the file when it is closed


def opens_to_write(args: tuple[Any, ...]) -> bool:
    """Whether the event open(path, mode, flags) announces more than a read.

    C's ``fopen`` is announced with flags 0 and says what it does in the mode.
    """
    _, mode, flags = args
    if type(flags) is not int or flags & WRITE_BITS:
        return True
    return mode is not None and not flags and not READ_LETTERS.issuperset(exact_text(mode))


READ_LETTERS = frozenset("rbteU")


def is_a(value: object, kinds: tuple[type, ...]) -> bool:
    """isinstance by the real type; ``__class__`` is not asked."""
    return issubclass(type(value), kinds)


def has_mark(value: object, name: str) -> bool:
    """Whether one of the real classes of this has the name among its own; attributes are not asked."""
    for one in _classes_of(type(value)):
        if is_named(one, name):
            return True
    return False


def is_named(one: type, name: str) -> bool:
    """Whether a class has the name among its own. Not looked up: a key of the program's may have its hash, and would be
    compared.
    """
    return name in [key for key in _names_of(one) if type(key) is str]


def kept_by_c(value: object, name: str) -> list[int]:
    """The numbers that the real classes of this keep of it under a name, in memory of C's: among them C's own class,
    which no other one hides. What else is in a slot of that name is the program's, and would be compared as well.
    """
    found = [_names_of(one)[name] for one in _classes_of(type(value)) if is_named(one, name)]
    kept = [member.__get__(value) for member in found if type(member) is MEMBER]
    return [number for number in kept if type(number) is int]


MEMBER = type(native.stat_result.__dict__["st_mode"])
_classes_of, _names_of = type.__dict__["__mro__"].__get__, type.__dict__["__dict__"].__get__


def exact_text(value: object) -> str:
    """The characters that C sees in a str or bytes, subclasses included. TypeError for anything else."""
    if type(value) is str:
        return value
    if is_a(value, TEXT):
        return str.__getitem__(value, slice(None))  # type: ignore[index]  # a str, as was just seen
    if is_a(value, BYTES):
        return bytes.decode(value, ENCODING, ENCODING_ERRORS)  # type: ignore[arg-type]  # bytes, as was just seen
    raise TypeError("text expected")


def settled_text(value: Any) -> Any:
    """Exact text in place of a subclass's that leaves to str what C asks it for, as a member of an enum does; all else
    as it is.
    """
    if type(value) is str or not is_a(value, TEXT):
        return value
    for one in _classes_of(type(value)):
        if one is str:
            break
        if is_named(one, "encode") or is_named(one, "__getattribute__"):
            return value
    return str.__getitem__(value, slice(None))


def exact_path(value: object) -> str | int:
    """A path as C will read it: text, or an int for a descriptor.

    A PathLike is an error: audit events carry what its ``__fspath__`` answered, and
    stand-ins ask it once and hand the answer on to C.
    """
    if is_a(value, NUMBER):
        return int.__index__(value)  # type: ignore[arg-type]  # an int, as was just seen
    return exact_text(value)


def opens_nothing(args: tuple[Any, ...]) -> bool:
    """Whether the event open(path, mode, flags) announces a file object for a descriptor. TypeError for a number that C
    takes for a path, and asks its ``__fspath__``: FileIO one too large for a descriptor, and ``fopen``, whose flags are
    0, any.
    """
    path, _, flags = args
    if type(path) is int:
        return True
    if not is_a(path, NUMBER):
        return False
    if type(flags) is int and flags and 0 <= int.__index__(path) <= MOST_DESCRIPTORS:
        return True
    raise TypeError("a path that may change is not read")


MOST_DESCRIPTORS = 2**31 - 1


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


def plain_names(kwargs: dict[str, Any]) -> None:
    """TypeError for a keyword of another class than str: with a hash of its own no look-up by its name finds it, and C,
    which compares the letters, finds it.
    """
    for name in kwargs:
        if type(name) is not str:
            raise TypeError("keywords are exactly str")


def always(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
    """For calls that are the act, whatever their arguments."""
    return ""


def never(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
    """For calls that are no act themselves, and rows that only remember or replace."""


def newly_set(args: tuple[Any, ...], known: tuple[tuple[str, Any], ...]) -> str | None:
    """Which of these variables os.putenv(name, value) sets. known: (name, what it was at the start), which may be put
    back.
    """
    name = exact_text(args[0])
    for one, value in known:
        if name == one:
            return None if value is not None and args[1] == value else name
    return None


def at_start(names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    """These variables as C has them now, for ``newly_set``."""
    given = getattr(native, "environ", {})
    return tuple([(name, given.get(name.encode())) for name in names])


def tcl(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str | None:
    """import(name, ...) of Tcl, which has sockets and an exec of its own that nobody announces."""
    return "Tcl" if exact_text(args[0]).rpartition(".")[2] == "_tkinter" else None


def tcl_made(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
    """_tkinter.create(...): the same, where its module was loaded before."""
    return "Tcl"


# Where libuuid is called, which connects to a socket and opens a file that nobody announces.
UUIDS = ("_uuid:generate_time_safe", "uuid:_generate_time_safe")
