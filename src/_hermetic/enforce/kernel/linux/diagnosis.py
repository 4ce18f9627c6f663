"""What the kernel knows of a Unix socket: its abstract name, or the file it was bound to, whatever its name is now."""

from __future__ import annotations

from _socket import SHUT_RDWR, SO_PEERCRED, SOCK_DGRAM, SOCK_RAW, SOL_SOCKET, socket
from errno import EACCES, ECONNREFUSED

from ....pristine import getpid, native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import TypeAlias

    Place: TypeAlias = bytes | tuple[int, int]
    # What a run listens on, and by which socket.
    Own: TypeAlias = dict[Place, int]

AF_NETLINK, SOCKETS = 16, 4
BY_FAMILY, REQUEST = 20, 1
# What is asked for, and the kinds of the answers.
SHOW_NAME_AND_FILE, NAME, FILE = 3, 0, 1
EVERY_STATE = 0xFFFFFFFF
AF_UNIX = 1
HEAD, BODY, LABEL = 16, 16, 4
KIND = 0xF
MOST = 4096  # places that are remembered


def place_of(number: int) -> Place | None:
    """Where a socket is bound, by the socket's own number: its abstract name, or (device, number) of its file.

    None where there is neither, or no such socket.
    """
    words = (EVERY_STATE, number, SHOW_NAME_AND_FILE, EVERY_STATE, EVERY_STATE)
    body = bytes([AF_UNIX, 0, 0, 0]) + b"".join([word.to_bytes(4, "little") for word in words])
    head = (HEAD + len(body)).to_bytes(4, "little") + BY_FAMILY.to_bytes(2, "little") + REQUEST.to_bytes(2, "little")
    try:
        with_kernel = socket(AF_NETLINK, SOCK_RAW, SOCKETS)
    except OSError:
        return None
    try:
        with_kernel.send(head + bytes(8) + body)
        answer = with_kernel.recv(4096)
    except OSError:
        return None
    finally:
        with_kernel.close()
    if int.from_bytes(answer[4:6], "little") != BY_FAMILY:
        return None
    at = HEAD + BODY
    while at + LABEL <= len(answer):
        length, kind = int.from_bytes(answer[at : at + 2], "little"), int.from_bytes(answer[at + 2 : at + 4], "little")
        value = answer[at + LABEL : at + length]
        if kind == NAME and value[:1] == b"\0":
            return value
        if kind == FILE and len(value) >= 8:
            file, device = int.from_bytes(value[:4], "little"), int.from_bytes(value[4:8], "little")
            return native.makedev(device >> 20, device & 0xFFFFF), file
        at += max(LABEL, length + 3 & ~3)
    return None


def remember(own: Own, number: int) -> None:
    """A Unix socket of this run, by its number: one that listens, or is bound."""
    place = place_of(number)
    if place is None:
        return
    if len(own) >= MOST:
        for known in [known for known in own if place_of(own[known]) != known] or [next(iter(own))]:
            del own[known]
    own[place] = number


def learn(own: Own, bound: dict[int, None]) -> None:
    """Those that were to be bound since: they refuse whoever comes, which is heard of the run's own."""
    for number in bound:
        remember(own, number)
    bound.clear()


def connect_own(own: Own, sock: socket, place: Place, address: bytes) -> int:
    """Connect to what this run listens on; the error. A closed socket's name is free for others, and so is the number
    of its file, once that is removed: the kernel is asked where the run's own socket is now.
    """
    if place not in own:
        return EACCES
    number = own[place]
    if place_of(number) != place:
        return ECONNREFUSED
    error = sock.connect_ex(address)
    if error or is_with(sock, number, place):
        return error
    sock.shutdown(SHUT_RDWR)
    return EACCES


def is_with(sock: socket, number: int, place: Place) -> bool:
    """Whether a connection is one to this socket: a name could have changed hands just now."""
    if sock.type & KIND == SOCK_DGRAM:
        return place_of(number) == place  # it was so before, and who has left a place never has one again
    # Of the run's own sockets, this process is the one that listens.
    return int.from_bytes(sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[:4], "little") == getpid()
