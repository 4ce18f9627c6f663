"""Unix sockets: the run's own, and the places that were given back.

A socket is the run's own when the run bound it, whatever its name is.

What was bound is remembered by device and inode, which a link or a move does not
carry over to somebody else's socket; and by the socket's own number, because a file that
is removed leaves its inode to the next one. Forked processes are the same run, and share
their memory of it: multiprocessing's managers listen in a child for the parent.
"""

from __future__ import annotations

import _socket

from ...extract import exact_text
from ...paths import absolute, resolve
from ...pristine import (
    IS_LINUX,
    S_IFMT,
    S_IFSOCK,
    close_fd,
    file_device,
    file_inode,
    file_links,
    file_mode,
    fstat,
    getpid,
    lstat,
    native,
    open_fd,
    read_fd,
)
from .rules import OWN, SHARED, SOCKETS
from .sockets import AF_UNIX, _family_of, _name_of, unix_name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

try:
    import mmap as _mmap
except ImportError:  # a build without it: managers do not work under --no-network there
    _mmap = None  # type: ignore[assignment]  # as above

HAS_FORK = hasattr(native, "fork") and hasattr(_socket, "AF_UNIX") and _mmap is not None
IDENTITY, ENTRY = 16, 24  # bytes: device and inode; the same and the socket's number
SLOTS = 1024
# The Unix sockets of this machine, one a line; the seventh field is a socket's number, and its name comes behind.
TABLE, NUMBER_AT, READING, PIECE = "/proc/self/net/unix", 6, native.O_RDONLY | getattr(native, "O_CLOEXEC", 0), 65536
LOOKS = 5
# Where C's syslog() sends to, without a socket of the program's; elsewhere it takes other ways.
LOG_PLACE = "/dev/log" if IS_LINUX else ""


def shared_record() -> Any:
    """Memory that forked processes have in common, without a descriptor or a name; None where nobody forks."""
    return _mmap.mmap(-1, SLOTS * ENTRY) if HAS_FORK else None


_find: Any = _mmap.mmap.find if HAS_FORK else None
_number: Any = _socket.socket.fileno


def unix_identity(name: str) -> bytes | str:
    """What a Unix socket is, apart from its name: device and inode of the file; abstract ones are their name."""
    if name[:1] == "@":
        return "abstract " + name
    try:
        found = lstat(name)
    except OSError:
        return ""
    if file_mode(found) & S_IFMT != S_IFSOCK:
        return ""
    return int.to_bytes(file_device(found), 8, "little") + int.to_bytes(file_inode(found), 8, "little")


def is_free(name: str) -> bool:
    """Whether nothing lies at the place of a socket."""
    if name[:1] == "@":
        return False
    try:
        lstat(name)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        pass  # nobody can tell
    return False


def own_numbers(rules: tuple[Any, ...], name: str) -> list[int]:
    """The sockets that were bound to what a name leads to, by this process or one of its forks."""
    identity = unix_identity(name)
    found = [rules[OWN][identity]] if identity in rules[OWN] else []
    if type(identity) is bytes and rules[SHARED] is not None:
        place = _find(rules[SHARED], identity, 0)
        while place >= 0:
            if place % ENTRY == 0:
                found.append(int.from_bytes(rules[SHARED][place + IDENTITY : place + ENTRY], "little"))
            place = _find(rules[SHARED], identity, place + 1)
    return found


def is_open(numbers: list[int]) -> bool:
    """Whether one of these sockets is still open: as long as it is, nobody else's has its file or its name.

    Elsewhere than on Linux there is no such table, and files do not take over the numbers of others.
    """
    if not numbers or not IS_LINUX:
        return bool(numbers)
    wanted = [b"%d" % number for number in numbers]
    # A socket that another process closes meanwhile can hide one that is open, as the system goes through them.
    for _ in range(LOOKS):
        if is_listed(wanted):
            return True
    return False


def is_listed(wanted: list[bytes]) -> bool:
    """Whether the table has a socket of one of these numbers."""
    table = open_fd(TABLE, READING)
    try:
        rest = b""
        while data := read_fd(table, PIECE):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                fields = line.split(None, NUMBER_AT + 1)
                if len(fields) > NUMBER_AT and fields[NUMBER_AT] in wanted:
                    return True
    finally:
        close_fd(table)
    return False


def remember_bound(rules: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """A Unix socket was bound, by this process: its file is remembered, not its name, which others can be given."""
    if len(args) < 2 or _family_of(args[0]) != AF_UNIX:
        return
    # The address itself, or the name that the kernel chose for an empty one.
    identity = unix_identity(unix_name(exact_text(args[1]) or _name_of(args[0])))
    if not identity:
        return
    number = file_inode(fstat(_number(args[0])))
    rules[OWN][identity] = number
    if type(identity) is bytes and rules[SHARED] is not None:
        # Without a lock: an entry that another process writes over is a socket that is refused, never one too many.
        start = (getpid() * 31 + len(rules[OWN])) % SLOTS * ENTRY
        rules[SHARED][start : start + ENTRY] = identity + int.to_bytes(number, 8, "little")


# Between the place as it was given and the place it led to at the start; no path has one.
SEPARATOR = "\0"


def socket_place(text: str) -> str:
    """An entry as it travels: the place as given and the one it leads to now; ``@name`` for an abstract one.

    ValueError for what is no place of a socket. It need not be there yet.
    """
    if not text or SEPARATOR in text or text[-1] == "/" or text == "@":
        raise ValueError(f"{text!r} is not the place of a Unix socket")
    if text[:5] == "unix:":
        raise ValueError(f"{text!r} is not the place of a Unix socket; write its path alone, or ./{text}")
    if text[0] == "@":
        return text
    try:
        given = absolute(text)
        return given + SEPARATOR + resolve(given)
    except OSError as error:
        raise ValueError(f"{text!r} leads nowhere: {error.strerror}") from None


def is_given(rules: tuple[Any, ...], name: str) -> bool:
    """Whether a socket lies at a place that was given back, reached by that very way.

    Not the one that was there at the start: a server that is started again makes a new one.
    """
    if name[:1] == "@":
        return name in rules[SOCKETS]
    try:
        asked = absolute(name)
        now = resolve(name)
    except (OSError, ValueError):
        return False
    try:
        found = lstat(now)
    except FileNotFoundError:
        found = None  # which the program is told, instead of what it has already
    except (OSError, ValueError):
        return False
    # A second name of somebody else's socket is not the socket of this place.
    if found is not None and (file_mode(found) & S_IFMT != S_IFSOCK or file_links(found) != 1):
        return False
    return asked + SEPARATOR + now in rules[SOCKETS]


def places(entries: frozenset[str]) -> frozenset[str]:
    """The ways to the sockets of these entries: as given, and straight to where that led."""
    straight = [
        led_to + SEPARATOR + led_to for _, _, led_to in [entry.partition(SEPARATOR) for entry in entries] if led_to
    ]
    return entries.union(straight)
