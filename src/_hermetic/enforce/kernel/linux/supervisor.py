"""Who judges the network for a confined process: a process beside it, which acts on its behalf (``judge``).

It is started before the rules are on and ends with the last process that has them. If it
dies before, what it would judge fails.
"""

from __future__ import annotations

import sys
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET, socket, socketpair

from .... import events
from ....pristine import close_fd, getpid, native, open_fd
from . import abi
from .syscalls import address_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .syscalls import Calls

    # (where refusals are traced, where they are reported); -1 for nowhere
    Witnesses: TypeAlias = tuple[int, int]

# linux/seccomp.h
GET_SIZES = 3
DUMPABLE = 4  # prctl
COMMON = b"hermetic reads this, to see whether it can"
HUNG_UP = 16


def available(calls: Calls, machine: int) -> str:
    """Why no process can judge system calls here, or an empty text. Nothing is put on."""
    sizes = bytes(6)
    if calls.fails(abi.SECCOMP[machine], GET_SIZES, 0, sizes):
        return "this kernel has nobody judge system calls"
    if sizes[:4] != abi.NOTICE.to_bytes(2, "little") + abi.ANSWER.to_bytes(2, "little"):
        return "this kernel describes system calls in another way"
    why = unreadable(calls, machine)
    if why:
        return why
    try:
        with_yama = open_fd("/proc/sys/kernel/yama/ptrace_scope", native.O_RDONLY)
    except OSError:
        return ""
    try:
        return "" if native.read(with_yama, 1) == b"0" else "Yama lets no process beside the program look into it"
    finally:
        close_fd(with_yama)


def unreadable(calls: Calls, machine: int) -> str:
    """Why processes cannot look into one another here, tried on this one: a container refuses that by the call."""
    here, there = bytes(len(COMMON)), address_of(COMMON)
    size = len(COMMON).to_bytes(8, "little")
    process = -1
    try:
        into, out_of = (address.to_bytes(8, "little") + size for address in (address_of(here), there))
        calls(abi.PROCESS_VM_READV[machine], getpid(), into, 1, out_of, 1, 0)
        process = calls(abi.PIDFD_OPEN[machine], getpid(), 0)
        close_fd(calls(abi.PIDFD_GETFD[machine], process, process, 0))
    except OSError as error:
        return f"looking into the program is refused here ({error.strerror})"
    finally:
        if process >= 0:
            close_fd(process)
    return ""


class Supervisor:
    """The program's end: what the supervisor is given the listener by, and whom to wait for."""

    __slots__ = ("end", "middle")

    def __init__(self, end: socket, middle: int) -> None:
        self.end, self.middle = end, middle


def begin(calls: Calls, machine: int, rules: tuple[Any, ...], witnesses: Witnesses) -> Supervisor:
    """Start the supervisor, which gets ready meanwhile. OSError when there can be no process.

    It is nobody's child, so that no program waits for it, and in no process group that gets signals. witnesses:
    descriptors where it tells what it refuses.
    """
    # Without socket.socket around them: these are what the module `socket` is made over.
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    middle = native.fork()
    if middle == 0:
        try:
            native.setsid()
            if native.fork() == 0:
                ours.close()
                supervise(calls, machine, rules, theirs, witnesses)
        finally:
            native._exit(1)
    theirs.close()
    return Supervisor(ours, middle)


def hand_over(supervisor: Supervisor, listener: int) -> None:
    """Give the supervisor what it listens on. Who asks it before it is ready is answered then."""
    supervisor.end.sendmsg([b"l"], [(1, 1, listener.to_bytes(4, sys.byteorder))])
    close_fd(listener)
    supervisor.end.close()
    try:
        native.waitpid(supervisor.middle, 0)
    except ChildProcessError:
        pass  # who started this program ignores SIGCHLD, and so does it: nothing is left of a child


# --- the process itself ---


def supervise(calls: Calls, machine: int, rules: tuple[Any, ...], end: socket, witnesses: Witnesses) -> None:
    """The life of the supervisor; ends with the last process that it judges for."""
    quiet((end.fileno(), *witnesses))
    from .judge import Judge  # the program itself does without it

    calls(abi.PRCTL[machine], DUMPABLE, 0, 0, 0, 0)
    events.TRACE[:], events.REPORTS[:] = [witnesses[0]], [number for number in witnesses[1:] if number >= 0]
    judge = Judge(calls, machine, witnesses[0] >= 0)
    judge.learn(rules)
    _, ancillary, _, _ = end.recvmsg(1, 100)
    judge.begin(int.from_bytes(ancillary[0][2], sys.byteorder))
    end.close()
    wait_for_the_end(judge.listener)
    native._exit(0)


def quiet(kept: tuple[int, ...]) -> None:
    """Keep nothing of the program's open that is not needed: who reads its output must see its end."""
    null = open_fd("/dev/null", native.O_RDWR | native.O_CLOEXEC)
    for number in (0, 1, 2):
        if number not in (null, *kept):  # where the program's own were closed, ours may be among these
            native.dup2(null, number, inheritable=False)
    for name in native.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            try:
                close_fd(int(name))
            except OSError:
                pass  # the listing's own


def wait_for_the_end(listener: int) -> None:
    """Until no process has the filter any more."""
    from select import poll

    waiting = poll()
    waiting.register(listener, 0)
    while not any(events & HUNG_UP for _, events in waiting.poll()):
        pass
