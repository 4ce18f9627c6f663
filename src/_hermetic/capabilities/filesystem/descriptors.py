"""Descriptors, and the names below /dev and /proc by which an open one can be opened again.

Opening such a name is no new access as long as it asks for no more than the
descriptor has: ``/dev/stdout``, process substitution and ``/proc/self/fd/3``.
"""

from __future__ import annotations

import sys as _sys
from errno import EBADF, ELOOP

from ...extract import BYTES, NUMBER, O_PATH, TEXT, is_a
from ...paths import REMOVED, absolute, resolve_by, same_file
from ...pristine import ENCODING, ENCODING_ERRORS, IS_WINDOWS, NULL_DEVICE, fspath, native, readlink

try:
    from fcntl import F_GETFL as F_GETFL
    from fcntl import fcntl as ask_descriptor
except ImportError:  # Windows has neither these calls nor these names
    F_GETFL, ask_descriptor = 0, None  # type: ignore[assignment,misc]  # as above

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

O_RDONLY, O_WRONLY, O_RDWR, O_TRUNC = native.O_RDONLY, native.O_WRONLY, native.O_RDWR, native.O_TRUNC
ACCESS = O_WRONLY | O_RDWR
# The command of macOS's fcntl that tells a descriptor's path.
F_GETPATH = 50 if _sys.platform == "darwin" else 0

DESCRIPTORS = "/proc/self/fd/"
FOLDERS = frozenset({"/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"})
STANDARD = (("/dev/stdin", 0), ("/dev/stdout", 1), ("/dev/stderr", 2))
# What is written there is nowhere. By their plain names only: a link may be changed after it was looked at.
DEVICES = frozenset({NULL_DEVICE} if IS_WINDOWS else {NULL_DEVICE, "/dev/full", "/dev/zero", "/dev/tty"})
# How every name of a descriptor begins: one slice and one look-up rule out all other paths.
BEGINNINGS = frozenset({"/dev/", "/proc"})
BEGINNINGS_IN_BYTES = frozenset({b"/dev/", b"/proc"})  # apart: under -bb a set of both is an error


def path_text(value: object) -> str:
    """A path as text, decoded as C would encode it; TypeError for a PathLike, which may change its answer."""
    if type(value) is str:
        return value
    if is_a(value, TEXT):
        return str.__getitem__(value, slice(None))  # type: ignore[index]  # a str, as was just seen
    if is_a(value, BYTES):
        return bytes.decode(value, ENCODING, ENCODING_ERRORS)  # type: ignore[arg-type]  # bytes, as was just seen
    raise TypeError("a path that may change is not read")


def fixed_path(value: Any) -> str | bytes:
    """A path that answers the same to everybody: a PathLike is asked, once. Raises what it raises."""
    value = fspath(value)
    if is_a(value, TEXT):
        return str.__getitem__(value, slice(None))
    return bytes.__getitem__(value, slice(None))


def shown_path(value: object, folder: int) -> str:
    """How a path is named in a message: absolute, its links not followed. folder: a dir_fd, or -1."""
    if is_a(value, NUMBER):
        number = int.__index__(value)  # type: ignore[arg-type]  # an int, as was just seen
        return path_of(number) or f"descriptor {number}"
    if value is None:
        value = "."
    text = path_text(value)
    try:
        if folder >= 0 and text[:1] != "/":
            text = f"{path_of(folder)}/{text}"
        return absolute(text)
    except OSError:  # a working directory that is gone
        return text


def real_path(path: object, folder: int | None, ways: list[str]) -> str:
    """The path with every link followed, from a directory's descriptor if one is given. OSError, TypeError.

    ways: as for ``resolve_by``.
    """
    text = "." if path is None else path_text(path)
    if folder is not None and text[:1] != "/":
        text = f"{folder_of(folder)}/{text}"
    return resolve_by(text, ways)


def read_place(path: object, folder: int | None, ways: list[str]) -> str:
    """The same of what is to be opened. Where links go round it is the place of one of them: if that is allowed, C says
    that they do.
    """
    try:
        return real_path(path, folder, ways)
    except OSError as error:
        if error.errno != ELOOP:
            raise
        return str(error.filename)


def folder_of(number: int) -> str:
    """The real path of a folder's descriptor. OSError where nobody can tell: what begins there lies somewhere else."""
    name = path_of(number)
    if name[:1] != "/":
        raise OSError(EBADF, "no folder's descriptor", number)
    if name.endswith(REMOVED):
        same_file(DESCRIPTORS + str(number), name)
    return name


def path_of(number: int) -> str:
    """The real path of an open descriptor; empty when the system does not tell."""
    try:
        if F_GETPATH:
            return ask_descriptor(number, F_GETPATH, b"\0" * 1024).rstrip(b"\0").decode(ENCODING, ENCODING_ERRORS)
        return readlink(DESCRIPTORS + str(number))
    except OSError:
        return ""


def named_descriptor(path: object) -> int | None:
    """The descriptor of this process that a path names by its text, or None."""
    text = path_text(path)
    if text[:5] not in BEGINNINGS:
        return None
    for name, number in STANDARD:
        if text == name:
            return number
    folder, _, last = text.rpartition("/")
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        return None
    return int(last) if folder in FOLDERS or folder == own_process() + "/fd" else None


def names_open(path: str, flags: int) -> bool:
    """Whether a path names a descriptor of this process, and opening it again gives nothing that it does not have.

    The descriptor first: of what our stand-ins hold, nothing can be opened again.
    """
    last = path.rpartition("/")[2]
    if path[:6] == "/proc/" and last.isdigit() and len(last) < 10 and not may_reopen(int(last), flags):
        return False
    number = named_descriptor(path)
    return number is not None and may_reopen(number, flags)


def own_process() -> str:
    """``/proc/PID`` of this process, as procfs numbers it; ``/proc`` where there is none."""
    try:
        return "/proc/" + readlink("/proc/self")
    except OSError:
        return "/proc"


def may_reopen(number: int, flags: int) -> bool:
    """Whether opening a descriptor again with these flags gives nothing that it does not have."""
    try:
        have = ask_descriptor(number, F_GETFL)
    except OSError:
        return False
    if have & O_PATH:
        return False
    have &= ACCESS
    if have == O_RDWR:
        return True
    wanted = flags & ACCESS
    if wanted == O_RDONLY and not flags & O_TRUNC:
        return have == O_RDONLY
    return have == O_WRONLY and wanted != O_RDWR
