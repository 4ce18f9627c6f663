"""What the system tells of the one who asks: its memory, its process, and with which rights it does what it does."""

from __future__ import annotations

from errno import EFAULT

from ....pristine import close_fd, native, open_fd

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import TypeAlias

    # (user, group, further groups, capabilities)
    Rights: TypeAlias = tuple[int, int, tuple[int, ...], int]

FREE_PORTS, USUAL = "/proc/sys/net/ipv4/ip_unprivileged_port_start", 1024
BIND_ANY = 10  # linux/capability.h: CAP_NET_BIND_SERVICE


def read_by_file(thread: int, address: int, length: int) -> bytes:
    """The same by the file that a process's memory is."""
    memory = open_fd(f"/proc/{thread}/mem", native.O_RDONLY | native.O_CLOEXEC)
    try:
        data = native.pread(memory, length, address)
    finally:
        close_fd(memory)
    if len(data) != length:
        raise OSError(EFAULT, "an address that cannot be read")
    return data


def leader_of(thread: int) -> int:
    """The process that a thread belongs to."""
    descriptor = open_fd(f"/proc/{thread}/status", native.O_RDONLY | native.O_CLOEXEC)
    try:
        # By its line: the one before it is the thread's name, which is the program's to choose; and a line's end in
        # there is written in another way.
        return int(native.read(descriptor, 1000).split(b"\nTgid:")[1].split()[0])
    finally:
        close_fd(descriptor)


def rights_of(thread: int) -> Rights:
    """With which rights a thread opens and changes files, in the kernel's words on it."""
    descriptor = open_fd(f"/proc/{thread}/status", native.O_RDONLY | native.O_CLOEXEC)
    try:
        lines = native.read(descriptor, 8192).split(b"\n")
    finally:
        close_fd(descriptor)
    words = {line.split()[0]: line.split()[1:] for line in lines if line}
    groups = tuple([int(word) for word in words[b"Groups:"]])
    # The last of four is the one that counts for files.
    return int(words[b"Uid:"][3]), int(words[b"Gid:"][3]), groups, int(words[b"CapEff:"][0], 16)


def may_bind(thread: int, port: int) -> bool:
    """Whether a thread may listen on a port: who judges has rights that the program may have given up."""
    return port == 0 or port >= first_free_port() or bool(rights_of(thread)[3] >> BIND_ANY & 1)


def first_free_port() -> int:
    """The first port that takes no rights."""
    try:
        descriptor = open_fd(FREE_PORTS, native.O_RDONLY | native.O_CLOEXEC)
    except OSError:
        return USUAL
    try:
        return int(native.read(descriptor, 16))
    finally:
        close_fd(descriptor)
