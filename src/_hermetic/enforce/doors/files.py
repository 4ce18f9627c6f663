"""Stand-ins for ``open`` and ``os.open`` under a root: what is judged is what is then read.

A path is opened to a handle first, which can neither read nor write and does not
touch what it stands for: no fifo blocks, no tape rewinds. The handle is opened
again by its name below /proc, and the audit hook judges where that leads. A link
that is swapped meanwhile changes nothing. ``open`` gets the result by an opener
and the null device as its path, so that the event it raises itself costs nothing.
"""

from __future__ import annotations

import _io
from _operator import index
from types import MethodType

from ...descriptors import BEGINNINGS, F_GETPATH, fixed_path, named_descriptor, own_process, path_of, path_text
from ...extract import NUMBER, O_PATH, WRITE_BITS, argument, is_a
from ...filecalls import NULL_DEVICE
from ...pristine import close_fd, getcwd, getpid, native, open_fd

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
ORIGINAL: Any = None
OPENER: Any = None
OPEN_HELD: Callable[[Any, int, int | None], int] = None  # type: ignore[assignment]  # bound to one

FILE, TEXT_FILE, METHOD = _io.FileIO, _io.TextIOWrapper, MethodType
O_NOFOLLOW, O_DIRECTORY = getattr(native, "O_NOFOLLOW", 0), getattr(native, "O_DIRECTORY", 0)
HANDLE = O_PATH | getattr(native, "O_CLOEXEC", 0)
KEPT = O_NOFOLLOW | O_DIRECTORY
READ_FLAGS = native.O_RDONLY | getattr(native, "O_CLOEXEC", 0)
READ_MODES, ENCODINGS = frozenset({"r", "rt", "rb"}), frozenset({"utf-8", "utf8", "UTF-8", "ascii", "latin-1"})
NEW_FILE = 0o666
NAMES = ("path", "flags", "mode", "dir_fd")


def open_below(setting: Setting, original: Any) -> Any:
    """For ``builtins.open``, ``io.open`` and ``_io.open``, which are one object."""
    held = held_opener(setting)
    if held is None:
        return None
    key = ("open_below", id(original))
    if key not in setting.memo:
        opener = setting.bind(open_for, OPEN_HELD=held)
        function = setting.bind(open_checked, ORIGINAL=original, OPENER=opener, OPEN_HELD=held)
        setting.memo[key] = dressed(function, original)
    return setting.memo[key]


def os_open_below(setting: Setting, original: Any) -> Any:
    """For ``os.open`` and ``posix.open``."""
    held = held_opener(setting)
    if held is None:
        return None
    key = ("os_open_below", id(original))
    if key not in setting.memo:
        setting.memo[key] = dressed(setting.bind(os_open_checked, ORIGINAL=original, OPEN_HELD=held), original)
    return setting.memo[key]


def held_opener(setting: Setting) -> Any:
    """How a path is opened so that what was opened can be judged; None where the system has no way."""
    if F_GETPATH:
        return setting.bind(open_then_ask)
    # Not /proc/self, which costs a link more, twice. They are the same unless this is another namespace's /proc.
    return setting.bind(open_held) if O_PATH and own_process() == f"/proc/{getpid()}" else None


def dressed(function: Any, original: Any) -> Any:
    """The function as a method of the original's module: like a builtin, it does not bind in a class body."""
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(function, name, getattr(original, name, None))
    return MethodType(function, getattr(original, "__self__", None) or KEY)


def is_descriptor(path: Any) -> bool:
    """Whether it names a descriptor that is open already; the hook knows what may be done with those."""
    return path[:5] in BEGINNINGS and named_descriptor(path) is not None


def open_checked(owner: Any, *args: Any, **kwargs: Any) -> Any:
    if args:
        path, rest = args[0], args[1:]
    elif "file" in kwargs:
        path, rest = kwargs.pop("file"), ()
    else:
        return ORIGINAL(**kwargs)
    if type(path) is not str:
        if is_a(path, NUMBER):
            return ORIGINAL(path, *rest, **kwargs)
        path = fixed_path(path)
    if path[:5] in BEGINNINGS and is_descriptor(path):
        return ORIGINAL(path, *rest, **kwargs)
    if (not kwargs and not rest) or is_plain_read(rest, kwargs):
        number = OPEN_HELD(path, READ_FLAGS, None)
        try:
            made = ORIGINAL(number, *rest, **kwargs)
        except OSError as error:  # a folder: nobody took the descriptor
            close_fd(number)
            error.filename = path
            raise
    elif len(rest) > 6 or "opener" in kwargs:
        # The hook judges the path before the call; an opener of the program's is judged by what it opens, too.
        return ORIGINAL(path, *rest, **kwargs)
    else:
        try:
            made = ORIGINAL(NULL_DEVICE, *rest, opener=METHOD(OPENER, path), **kwargs)
        except OSError as error:
            if error.filename == NULL_DEVICE:
                error.filename = path
            raise
    kind = type(made)
    raw = made.buffer.raw if kind is TEXT_FILE else made if kind is FILE else made.raw
    raw.name = path
    return made


def is_plain_read(rest: Any, kwargs: dict[str, Any]) -> bool:
    """Whether these arguments can fail in no way but by what the path names: then no opener is needed."""
    if rest and (len(rest) > 1 or type(rest[0]) is not str or rest[0] not in READ_MODES):
        return False
    if not kwargs:
        return True
    encoding = kwargs.get("encoding")
    return len(kwargs) == 1 and type(encoding) is str and encoding in ENCODINGS and (not rest or rest[0] != "rb")


def open_for(path: Any, name: str, flags: int) -> int:
    """The opener, a method of the path. name: the null device."""
    return open_fd(path, flags, NEW_FILE) if flags & WRITE_BITS else OPEN_HELD(path, flags, None)


def os_open_checked(owner: Any, *args: Any, **kwargs: Any) -> int:
    if len(args) > 3 or not set(kwargs) <= set(NAMES[len(args) :]):
        return ORIGINAL(*args, **kwargs)  # type: ignore[no-any-return]  # a TypeError
    path, flags = argument(args, kwargs, 0, "path", None), argument(args, kwargs, 1, "flags", None)
    folder = kwargs.get("dir_fd")
    path = path if type(path) is str else fixed_path(path)
    flags = index(flags)
    folder = folder if folder is None else index(folder)
    if flags & (WRITE_BITS | O_PATH) or is_descriptor(path):
        number: int = ORIGINAL(path, flags, argument(args, kwargs, 2, "mode", 0o777), dir_fd=folder)
        return number
    return OPEN_HELD(path, flags, folder)


def open_held(path: Any, flags: int, folder: int | None) -> int:
    """Linux: by a handle."""
    try:
        if folder is None:
            handle = open_fd(path, HANDLE | flags & KEPT)
        else:
            handle = open_fd(path, HANDLE | flags & KEPT, dir_fd=folder)
    except OSError:
        found = JUDGE(KEY, (path, folder), None)
        if found is not None:
            raise found from None
        raise
    name = f"/proc/{getpid()}/fd/{handle}"
    try:
        return open_fd(name, flags & ~O_NOFOLLOW)
    except OSError as error:
        if error.filename == name:
            error.filename = path
        raise
    finally:
        close_fd(handle)


def open_then_ask(path: Any, flags: int, folder: int | None) -> int:
    """macOS: what was opened tells its path. The hook has judged the name before."""
    text = path_text(path)
    if text[:1] != "/":
        text = f"{getcwd() if folder is None else path_of(folder)}/{text}"
    number = open_fd(text, flags)
    found = JUDGE(KEY, (path_of(number), None), None)
    if found is not None:
        close_fd(number)
        raise found
    return number
