"""The kernel's numbers, held against the system's own headers where those are installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from _hermetic.enforce.kernel.linux import abi, tables

HEADERS = {
    # aarch64 takes its numbers from the generic table.
    abi.AARCH64: ["/usr/include/asm-generic/unistd.h"],
    abi.X86_64: ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
}
ROWS = (
    *(tables.FORBIDDEN, tables.ABSENT, tables.METADATA, tables.CHANGES),
    *(tables.QUEUES, tables.OBJECTS, tables.ATTRIBUTES, tables.WATCHES),
    *(tables.STARTS, tables.NETWORK, tables.MAPPINGS, tables.ARGUED),
)
SINGLE = {
    "seccomp": abi.SECCOMP,
    "prctl": abi.PRCTL,
    "capget": abi.CAPGET,
    "capset": abi.CAPSET,
    "openat": abi.OPENAT,
    "socket": abi.SOCKET,
    "prlimit64": abi.PRLIMIT,
    "getppid": abi.GETPPID,
    "execve": abi.EXECVE,
    "fchmod": abi.FCHMOD,
    "setxattr": abi.SETXATTR,
    "fchownat": abi.FCHOWNAT,
    "utimensat": abi.UTIMENSAT,
    "setfsuid": abi.SETFSUID,
    "setfsgid": abi.SETFSGID,
    "setgroups": abi.SETGROUPS,
    "mmap": abi.MMAP,
    "mprotect": abi.MPROTECT,
    "connect": abi.CONNECT,
    "bind": abi.BIND,
    "listen": abi.LISTEN,
    "timerfd_create": abi.TIMERFD_CREATE,
    "timerfd_settime": abi.TIMERFD_SETTIME,
    "ppoll": abi.PPOLL,
    "epoll_create1": abi.EPOLL_CREATE1,
    "epoll_ctl": abi.EPOLL_CTL,
    "epoll_pwait": abi.EPOLL_PWAIT,
    "pidfd_open": abi.PIDFD_OPEN,
    "pidfd_getfd": abi.PIDFD_GETFD,
    "process_vm_readv": abi.PROCESS_VM_READV,
    "landlock_create_ruleset": (abi.LANDLOCK_CREATE,) * 2,
    "landlock_add_rule": (abi.LANDLOCK_ADD,) * 2,
    "landlock_restrict_self": (abi.LANDLOCK_RESTRICT,) * 2,
}


def header(machine):
    for name in HEADERS[machine]:
        if Path(name).exists():
            text = Path(name).read_text()
            found = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", text)}
            if found:
                return found
    pytest.skip("the headers are not installed")


@pytest.mark.parametrize("machine", HEADERS, ids=["aarch64", "x86_64"])
def test_numbers_are_the_headers(machine):
    known = header(machine)
    numbers = [(row[0], row[1 + machine]) for rows in ROWS for row in rows]
    numbers += [(name, pair[machine]) for name, pair in SINGLE.items()]
    compared = 0
    for name, number in numbers:
        if name in known:  # an older header does not know newer calls
            assert number == known[name], name
            compared += 1
    assert compared > 80


def test_no_number_means_two_things():
    for machine in abi.MACHINES.values():
        for rows in ROWS:
            found = tables.numbers(rows, machine)
            assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("version", "files", "ports", "scopes"),
    [
        (0, 0, 0, 0),
        (1, 0x1FFF, 0, 0),
        (2, 0x3FFF, 0, 0),
        (3, 0x7FFF, 0, 0),
        (4, 0x7FFF, 3, 0),
        (5, 0xFFFF, 3, 0),
        (6, 0xFFFF, 3, 3),
        (7, 0xFFFF, 3, 3),
        (9, 0xFFFF, 3, 3),
    ],
)
def test_what_each_abi_of_landlock_knows(version, files, ports, scopes):
    """Sums of linux/landlock.h; frozen numbers, so that a newer kernel does not change what a plan means."""
    assert abi.known(version) == (files, ports, scopes)
