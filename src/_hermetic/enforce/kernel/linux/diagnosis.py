"""What the kernel knows of a Unix socket: the file that it was bound to, whatever its name is now."""

from __future__ import annotations

from _socket import SOCK_RAW, socket

from ....pristine import native

AF_NETLINK, SOCKETS = 16, 4
BY_FAMILY, REQUEST, SHOW_FILE, FILE = 20, 1, 2, 1
EVERY_STATE = 0xFFFFFFFF
AF_UNIX = 1
HEAD, BODY = 16, 16


def file_of(number: int) -> tuple[int, int] | None:
    """(device, number) of the file of a socket, by the socket's own number; None when there is none."""
    words = (EVERY_STATE, number, SHOW_FILE, EVERY_STATE, EVERY_STATE)
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
    while at + 4 <= len(answer):
        length, kind = int.from_bytes(answer[at : at + 2], "little"), int.from_bytes(answer[at + 2 : at + 4], "little")
        if kind == FILE and length >= 12:
            file, device = (int.from_bytes(answer[at + n : at + n + 4], "little") for n in (4, 8))
            return native.makedev(device >> 20, device & 0xFFFFF), file
        at += max(4, length + 3 & ~3)
    return None
