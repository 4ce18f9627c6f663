"""A process beside the program, which judges for it: whether there can be one, how it is started and told."""

from __future__ import annotations

import marshal
import sys
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM, socket, socketpair

from ....pristine import close_fd, getpid, native, open_fd
from . import abi

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from .syscalls import Calls

GET_SIZES = 3  # linux/seccomp.h
HERE, YAMA = "/proc/self/mem", "/proc/sys/kernel/yama/ptrace_scope"
SYS_PTRACE = 19  # linux/capability.h
# Whose business it is to look into a process: any other's of its user, those only that started it, or what it started
# from; nobody's.
ANYBODYS, PARENTS, NOBODYS = 0, 1, 2
LENGTH, RIGHTS, MOST = 8, 1, 8  # of a message's head; socket.SCM_RIGHTS; descriptors of a message


def available(calls: Calls, machine: int, traces: int) -> tuple[str, str]:
    """(why no process can judge system calls here, why it gets no descriptor of the program's); empty where it can.

    traces: see ``traces_allowed``. Nothing is put on. Tried on this process: a container refuses that by the call.
    """
    sizes = bytes(6)
    if calls.fails(abi.SECCOMP[machine], GET_SIZES, 0, sizes):
        return "this kernel has nobody judge system calls", ""
    if sizes[:4] != abi.NOTICE.to_bytes(2, "little") + abi.ANSWER.to_bytes(2, "little"):
        return "this kernel describes system calls in another way", ""
    try:
        close_fd(open_fd(HERE, native.O_RDONLY | native.O_CLOEXEC))
    except OSError as error:
        return f"looking into the program is refused here ({error.strerror})", ""
    if traces == NOBODYS:
        return "Yama lets no process look into the program", ""
    process = -1
    try:
        process = calls(abi.PIDFD_OPEN[machine], getpid(), 0)
        close_fd(calls(abi.PIDFD_GETFD[machine], process, process, 0))
    except OSError as error:
        return "", f"taking descriptors of the program is refused here ({error.strerror})"
    finally:
        if process >= 0:
            close_fd(process)
    return "", ""


def traces_allowed() -> int:
    """Who may look into the program, as Yama has it."""
    scope = contents(YAMA)[:1]
    if scope in (b"1", b"2"):
        words = contents("/proc/self/status").split(b"CapEff:")[1].split()
        if int(words[0], 16) >> SYS_PTRACE & 1:
            return ANYBODYS  # the program gives this up, and the supervisor does not
    return {b"": ANYBODYS, b"0": ANYBODYS, b"1": PARENTS}.get(scope, NOBODYS)


class Supervisor:
    """The program's end: what the supervisor is told what to do by, and whom to wait for, 0 for nobody."""

    __slots__ = ("end", "middle")

    def __init__(self, end: socket, middle: int) -> None:
        self.end, self.middle = end, middle

    def tell(self, what: Any, descriptors: Iterable[int] = ()) -> None:
        """Plain values, and descriptors with them; it hears them when it is ready. OSError when it is gone."""
        data = marshal.dumps(what)
        numbers = b"".join([number.to_bytes(4, sys.byteorder) for number in descriptors])
        try:
            self.end.sendmsg([len(data).to_bytes(LENGTH, "little")], [(1, RIGHTS, numbers)] if numbers else [])
            self.end.sendall(data)
        except OSError:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Say no more to it: without anything to listen on, it ends."""
        self.end.close()
        try:
            if self.middle:
                native.waitpid(self.middle, 0)
        except ChildProcessError:
            pass  # who started this program ignores SIGCHLD, and so does it: nothing is left of a child


def told(end: socket) -> tuple[Any, list[int]]:
    """What the supervisor is told next, and the descriptors that come with it; None at the end."""
    head, ancillary, _, _ = end.recvmsg(LENGTH, 24 + 4 * MOST)
    if len(head) < LENGTH:
        return None, []
    missing, data = int.from_bytes(head, "little"), b""
    while missing > len(data):
        piece = end.recv(missing - len(data))
        if not piece:
            return None, []
        data += piece
    numbers = ancillary[0][2] if ancillary else b""
    found = [int.from_bytes(numbers[at : at + 4], sys.byteorder) for at in range(0, len(numbers), 4)]
    return marshal.loads(data), found


def start(life: Callable[[socket], NoReturn]) -> Supervisor:
    """Start a process that lives so, with its end. OSError when there can be none.

    It is nobody's child, so that no program waits for it, and in no process group that gets signals.
    """
    ours, theirs = private_pair()
    middle = native.fork()
    if middle == 0:
        try:
            native.setsid()
            if native.fork() == 0:
                ours.close()
                quiet((theirs.fileno(),))
                life(theirs)
        finally:
            native._exit(1)
    theirs.close()
    return Supervisor(ours, middle)


def private_pair() -> tuple[socket, socket]:
    """Two ends that lead nowhere else; of the one kind that guards know, should this be a run inside of a run."""
    # Without socket.socket around them: these are what the module `socket` is made over.
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)


def contents(path: str) -> bytes:
    """What a small file of the kernel's says; nothing where there is none."""
    try:
        descriptor = open_fd(path, native.O_RDONLY | native.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return native.read(descriptor, 8192)
    finally:
        close_fd(descriptor)


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
