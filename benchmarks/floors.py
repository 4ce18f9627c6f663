"""What the system itself takes for an act, with nothing of hermetic: the least that a guard made this way can cost.

A floor is no target. It stands below a row and says how much of it nobody can save: the system calls of an opening by
a handle, a filter that allows everything, the calls by which a process confines itself.
"""

from __future__ import annotations

import os

HANDLE = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)
# What x86_64 and aarch64 number alike (asm/unistd_64.h, asm-generic/unistd.h), and what they do not.
CREATE_RULESET, RESTRICT_SELF = 444, 446
SECCOMP = {"x86_64": 317, "aarch64": 277}
PRCTL = {"x86_64": 157, "aarch64": 167}
NO_NEW_PRIVILEGES, SET_MODE_FILTER = 38, 1  # linux/prctl.h, linux/seccomp.h
# A ruleset that handles starting programs (linux/landlock.h); and one instruction, return SECCOMP_RET_ALLOW.
STARTS = (1).to_bytes(8, "little")
ALLOW = b"\x06\0\0\0" + (0x7FFF0000).to_bytes(4, "little")


def by_handle(path: str, *words: object):
    """open + close by a handle: of what lies there, looked at before it is opened."""
    readlink, dup, close, open_fd = os.readlink, os.dup, os.close, os.open
    names = [f"/proc/self/fd/{number}" for number in range(64)]

    def opens():
        first = open_fd(path, HANDLE)
        handle = dup(first)
        close(first)
        readlink(names[handle])
        try:
            return open(names[handle], *words, encoding="utf-8")
        finally:
            close(handle)

    return opens


class Calls:
    """System calls by their numbers, by the part of ctypes that is C."""

    def __init__(self) -> None:
        import _ctypes

        prototype = type("Function", (_ctypes.CFuncPtr,), {"_flags_": 1})
        self.make = prototype(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall"))
        self.machine = os.uname().machine

    def __call__(self, number: int, *words: object) -> int:
        result: int = self.make(number, *words)
        if result == -1:
            raise RuntimeError(f"system call {number} failed")
        return result

    def allow_everything(self) -> None:
        """Put on the shortest filter there is."""
        self(PRCTL[self.machine], NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        where = id(ALLOW) + bytes.__basicsize__ - 1
        program = (1).to_bytes(8, "little") + where.to_bytes(8, "little")
        self(SECCOMP[self.machine], SET_MODE_FILTER, 0, program)

    def confine(self) -> None:
        """The least that a process confines itself by: a ruleset without a rule, and a filter."""
        rules = self(CREATE_RULESET, STARTS, len(STARTS), 0)
        self.allow_everything()
        self(RESTRICT_SELF, rules, 0)
        os.close(rules)


def confine() -> None:
    """A process that confines itself."""
    Calls().confine()


def confine_beside() -> None:
    """The same with another process beside it, which has made its own calls ready and ends with it."""
    waits, ends = os.pipe()
    if os.fork():
        return confine()
    os.close(ends)
    Calls()
    os.read(waits, 1)
    os._exit(0)
