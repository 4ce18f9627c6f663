"""Acts that no guard sees, by the C library itself; each says by which error it failed, or 0."""

from __future__ import annotations

import asyncio
import ctypes
import encodings.idna
import errno
import fcntl
import json
import multiprocessing.synchronize
import os
import resource
import select
import signal
import socket
import struct
import tempfile
import threading

import _hermetic.enforce.kernel.backend
import _hermetic.enforce.kernel.linux.backend
import _hermetic.enforce.kernel.linux.diagnosis
import _hermetic.enforce.kernel.linux.judge
import _hermetic.enforce.kernel.linux.maker
import _hermetic.enforce.kernel.linux.metadata
import _hermetic.enforce.kernel.linux.names
import _hermetic.enforce.kernel.linux.seccomp
import _hermetic.enforce.kernel.linux.supervisor
from _hermetic.capabilities import network
from _hermetic.enforce.kernel.linux import tables

C = ctypes.CDLL(None, use_errno=True)
C.syscall.restype = ctypes.c_long
MACHINE = os.uname().machine


def number(name: str) -> int:
    machine = _hermetic.enforce.kernel.linux.backend.abi.MACHINES[MACHINE]
    beside = (tables.ATTRIBUTES, tables.WATCHES)
    for rows in (tables.FORBIDDEN, tables.ABSENT, tables.METADATA, tables.QUEUES, tables.OBJECTS, *beside):
        for row in rows:
            if row[0] == name:
                return row[1 + machine]
    return tables.number(name, machine)


def error_of(act) -> str:
    """The name of the error by which an act of Python's fails; "" when it does not."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""


def call(name: str, *arguments) -> str:
    """The same of a system call."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    if C.syscall(number(name), *words) != -1:
        return ""
    return errno.errorcode[ctypes.get_errno()]


def say(**found) -> None:
    print(json.dumps(found))


def address(host: str, port: int) -> bytes:
    """A sockaddr_in."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def connect_by_c(descriptor: int, host: str, port: int) -> str:
    return call("connect", descriptor, address(host, port), 16)


asyncio.run(asyncio.sleep(0))
__all__ = [name for name in dir() if not name.startswith("_")]
# Loaded for those who use them under another user.
LOADED = (
    asyncio,
    encodings.idna,
    fcntl,
    multiprocessing.synchronize,
    network,
    resource,
    select,
    signal,
    tempfile,
    threading,
)
