"""Sockets that a run has from whoever started it: those of a guarded parent are its to use, all others are closed."""

from __future__ import annotations

import os

from ..pristine import IS_WINDOWS, NULL_DEVICE, S_IFMT, S_IFSOCK, close_fd, dup, file_mode, fstat, native, open_fd


def adopt() -> None:
    """A server's reloader or worker takes over the socket that its parent listens on."""
    from ..capabilities.network import sockets  # its family is loaded

    sockets.ADOPTS = True


def close(keep: tuple[int, ...]) -> None:
    """Close sockets inherited from the parent: writing to a connected one raises no event.

    Of the standard ones, those by which each message may go to another place become nothing.
    """
    if IS_WINDOWS:
        return  # sockets are not inherited as descriptors there
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in native.listdir(folder):
        number = int(name)
        try:
            if number in keep or file_mode(fstat(number)) & S_IFMT != S_IFSOCK:
                continue
            if number > 2:
                close_fd(number)
            elif may_be_aimed(number):
                null = open_fd(NULL_DEVICE, native.O_RDWR)
                native.dup2(null, number)
                close_fd(null)
        except OSError:
            pass


def may_be_aimed(number: int) -> bool:
    """Whether a socket sends wherever a message says, as those for datagrams do."""
    from _socket import SOCK_STREAM, socket  # hardly any run has such a standard input

    copy = socket(fileno=dup(number))
    try:
        return copy.type & 0xF not in (SOCK_STREAM, 5)  # SOCK_SEQPACKET, which not every system has
    finally:
        copy.close()
