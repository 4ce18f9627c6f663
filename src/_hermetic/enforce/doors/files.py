"""Stand-ins for ``open`` and ``os.open`` under a root: what is judged is what is then read.

A path is opened to a handle first, which can neither be read nor written and does
not touch what it stands for: no fifo wakes up, no tape rewinds. The handle is
opened again by its name below /proc, and the audit hook judges where that leads.
A link that is swapped meanwhile changes nothing, and no other thread ever finds a
readable descriptor of something that is then refused.
"""

from __future__ import annotations

import _io
from _operator import index
from types import MethodType

from ...capabilities.filesystem.descriptors import (
    BEGINNINGS,
    F_GETPATH,
    fixed_path,
    named_descriptor,
    own_process,
    path_of,
    path_text,
)
from ...extract import NUMBER, O_PATH, WRITE_BITS, is_a
from ...pristine import close_fd, getcwd, getpid, native, open_fd
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
ORIGINAL: Any = None

FILE, TEXT_FILE = _io.FileIO, _io.TextIOWrapper
# Every other mode goes to C at once: it writes, which the hook judges by the name, or it is none.
READ_MODES = frozenset({"r", "rt", "tr", "rb", "br"})
# What the documentation calls the default. C would ask whether the file is a terminal, and for its block size: 0.4 us,
# 5 % of a plain open, that the judging here gives back. Devices are asked.
SIZE = _io.DEFAULT_BUFFER_SIZE
O_NOFOLLOW, O_DIRECTORY = getattr(native, "O_NOFOLLOW", 0), getattr(native, "O_DIRECTORY", 0)
HANDLE = O_PATH | getattr(native, "O_CLOEXEC", 0)
KEPT = O_NOFOLLOW | O_DIRECTORY


def open_below(setting: Setting, original: Any) -> Any:
    """For ``builtins.open``, ``io.open`` and ``_io.open``, which are one object."""
    function = open_asked if F_GETPATH else open_held if has_handles() else None
    return made_for(setting, original, function, ("r", -1, None, None, None, True, None))


def os_open_below(setting: Setting, original: Any) -> Any:
    """For ``os.open`` and ``posix.open``."""
    function = os_open_asked if F_GETPATH else os_open_held if has_handles() else None
    return made_for(setting, original, function, (0o777, None))


def has_handles() -> bool:
    """Whether the system has handles, and names for them.

    Not /proc/self, which costs a link more, twice. They are the same unless this is another namespace's /proc.
    """
    return O_PATH != 0 and own_process() == f"/proc/{getpid()}"


def made_for(setting: Setting, original: Any, function: Any, defaults: tuple[Any, ...]) -> Any:
    """The stand-in, one for all names of the original; None where the system has no way.

    It is a method of the original's module: like a builtin, it does not bind in a class body. Its defaults are the
    documented ones; a program that changed them would change what it asks for, not what is judged.
    """
    if function is None:
        return None
    known = setting.memo.get(("files", id(original)))
    if known is None:
        made = setting.bind(function, defaults=defaults, ORIGINAL=original)
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            setattr(made, name, getattr(original, name, None))
        known = setting.memo["files", id(original)] = MethodType(made, getattr(original, "__self__", None) or KEY)
    return known


def is_descriptor(path: Any) -> bool:
    """Whether it names a descriptor that is open already; the hook knows what may be done with those."""
    return path[:5] in BEGINNINGS and named_descriptor(path) is not None


def settled(file: Any) -> Any:
    """A descriptor as it is, or a path that answers the same to everybody."""
    return file if is_a(file, NUMBER) else fixed_path(file)


def open_held(
    owner: Any,
    file: Any,
    mode: Any,
    buffering: Any,
    encoding: Any,
    errors: Any,
    newline: Any,
    closefd: Any,
    opener: Any,
) -> Any:
    """Linux: ``open`` by a handle. An opener of the program's is judged by what it opens, too."""
    path = file if type(file) is str else settled(file)
    plain = opener is None and type(mode) is str and mode in READ_MODES and type(path) is not int
    device = type(path) is not int and path[:5] in BEGINNINGS
    if not plain or (device and is_descriptor(path)):
        return ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
    if buffering == -1 and not device:
        buffering = SIZE
    try:
        handle = open_fd(path, HANDLE)
    except OSError:
        found = JUDGE(KEY, (path, None), None)
        if found is not None:
            raise refusal(found) from None
        raise
    name = f"/proc/{getpid()}/fd/{handle}"
    try:
        made = ORIGINAL(name, mode, buffering, encoding, errors, newline, closefd)
    except OSError as error:
        if error.filename == name:
            error.filename = path
        raise
    finally:
        close_fd(handle)
    kind = type(made)
    raw = made.buffer.raw if kind is TEXT_FILE else made if kind is FILE else made.raw
    raw.name = path
    return made


def os_open_held(owner: Any, path: Any, flags: Any, mode: Any, dir_fd: Any) -> int:
    """Linux: ``os.open`` by a handle."""
    path = path if type(path) is str else fixed_path(path)
    flags = index(flags)
    folder = dir_fd if dir_fd is None else index(dir_fd)
    if flags & (WRITE_BITS | O_PATH) or is_descriptor(path):
        return int(ORIGINAL(path, flags, mode, dir_fd=folder))
    try:
        handle = open_fd(path, HANDLE | flags & KEPT, dir_fd=folder)
    except OSError:
        found = JUDGE(KEY, (path, folder), None)
        if found is not None:
            raise refusal(found) from None
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


def open_asked(
    owner: Any,
    file: Any,
    mode: Any,
    buffering: Any,
    encoding: Any,
    errors: Any,
    newline: Any,
    closefd: Any,
    opener: Any,
) -> Any:
    """macOS: the hook has judged the name, and what was opened tells its path."""
    path = file if type(file) is str else settled(file)
    made = ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
    if type(path) is not int and type(mode) is str and mode in READ_MODES:
        found = JUDGE(KEY, (path_of(made.fileno()), None), None)
        if found is not None:
            made.close()
            raise refusal(found)
    return made


def os_open_asked(owner: Any, path: Any, flags: Any, mode: Any, dir_fd: Any) -> int:
    """macOS: the same for ``os.open``. The hook takes absolute paths only, as it is not told of folders."""
    path = path if type(path) is str else fixed_path(path)
    flags = index(flags)
    if flags & WRITE_BITS:
        return int(ORIGINAL(path, flags, mode, dir_fd=dir_fd))
    text = path_text(path)
    if text[:1] != "/":
        text = f"{getcwd() if dir_fd is None else path_of(index(dir_fd))}/{text}"
    number: int = ORIGINAL(text, flags, mode)
    found = JUDGE(KEY, (path_of(number), None), None)
    if found is not None:
        close_fd(number)
        raise refusal(found)
    return number
