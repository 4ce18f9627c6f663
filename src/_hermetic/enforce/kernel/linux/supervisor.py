"""Who judges the network for a confined process: a process beside it, which acts on its behalf (``judge``).

It is started before the rules are on and ends with the last process that has them. If it
dies before, what it would judge fails.
"""

from __future__ import annotations

import sys
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM, socket, socketpair
from _thread import allocate_lock, get_ident, start_new_thread
from fcntl import ioctl

from .... import events
from ....pristine import close_fd, getpid, native, open_fd
from . import abi

# Here, because the program would wait for the process beside it to load it, which takes longer.
from .judge import Judge

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .syscalls import Calls

    # (where refusals are traced, where they are reported); -1 for nowhere
    Witnesses: TypeAlias = tuple[int, int]

# linux/seccomp.h
GET_SIZES = 3
DUMPABLE = 4  # prctl
HERE = "/proc/self/mem"
# poll: what is found, where, and how long the record of a descriptor is.
READABLE, HUNG_UP, FOUND, WAITED = 1, 16, 6, 8
RECEIVE = 0xC0502100
MONOTONIC = 1
# How long one thread may be busy before another listens; and how many are kept waiting for their turn.
IN_A_WHILE = bytes(24) + (5_000_000).to_bytes(8, "little")
WAITING = 2
SYS_PTRACE = 19  # linux/capability.h
# Whose business it is to look into a process: any other's of its user, those only that started it, or what it started
# from; nobody's.
ANYBODYS, PARENTS, NOBODYS = 0, 1, 2


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
    scope = contents("/proc/sys/kernel/yama/ptrace_scope")[:1]
    if scope in (b"1", b"2"):
        words = contents("/proc/self/status").split(b"CapEff:")[1].split()
        if int(words[0], 16) >> SYS_PTRACE & 1:
            return ANYBODYS  # the program gives this up, and the supervisor does not
    return {b"": ANYBODYS, b"0": ANYBODYS, b"1": PARENTS}.get(scope, NOBODYS)


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


class Cases:
    """What is judged, and how.

    network: the family's rules, none where it is not judged. makes: whether sockets are made here, because no
    descriptor of the program's can be had; datagrams: whether those that send datagrams are what they were. writable:
    below which folders modes, owners, times and attributes may change; None where nobody asks.
    """

    __slots__ = ("network", "makes", "datagrams", "writable")

    def __init__(
        self, network: tuple[Any, ...], makes: bool, datagrams: bool, writable: tuple[str, ...] | None
    ) -> None:
        self.network, self.makes, self.datagrams, self.writable = network, makes, datagrams, writable


class Supervisor:
    """The program's end: what the supervisor is given the listener by, and whom to wait for, 0 for nobody."""

    __slots__ = ("end", "middle")

    def __init__(self, end: socket, middle: int) -> None:
        self.end, self.middle = end, middle


def begin(calls: Calls, machine: int, cases: Cases, witnesses: Witnesses) -> Supervisor:
    """Start the supervisor, which gets ready meanwhile. OSError when there can be no process.

    It is nobody's child, so that no program waits for it, and in no process group that gets signals. witnesses:
    descriptors where it tells what it refuses.
    """
    ours, theirs = private_pair()
    middle = native.fork()
    if middle == 0:
        try:
            native.setsid()
            if native.fork() == 0:
                ours.close()
                supervise(calls, machine, cases, theirs, witnesses)
        finally:
            native._exit(1)
    theirs.close()
    return Supervisor(ours, middle)


def private_pair() -> tuple[socket, socket]:
    """Two ends that lead nowhere else; of the one kind that guards know, should this be a run inside of a run."""
    # Without socket.socket around them: these are what the module `socket` is made over.
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)


def hand_over(supervisor: Supervisor, listener: int) -> None:
    """Give the supervisor what it listens on. Who asks it before it is ready is answered then."""
    supervisor.end.sendmsg([b"l"], [(1, 1, listener.to_bytes(4, sys.byteorder))])
    close_fd(listener)
    give_up(supervisor)


def give_up(supervisor: Supervisor) -> None:
    """Say no more to it: without anything to listen on, it ends."""
    supervisor.end.close()
    try:
        if supervisor.middle:
            native.waitpid(supervisor.middle, 0)
    except ChildProcessError:
        pass  # who started this program ignores SIGCHLD, and so does it: nothing is left of a child


# --- the process itself ---


def supervise(calls: Calls, machine: int, cases: Cases, end: socket, witnesses: Witnesses) -> None:
    """The life of the supervisor; ends with the last process that it judges for."""
    quiet((end.fileno(), *witnesses))
    listening = prepared(calls, machine, cases, end, witnesses)
    if listening is not None:
        listening.until_the_end()
        native._exit(0)


def prepared(calls: Calls, machine: int, cases: Cases, end: socket, witnesses: Witnesses) -> Listening | None:
    """Who judges, at work; None when there is nothing to judge."""
    calls(abi.PRCTL[machine], DUMPABLE, 0, 0, 0, 0)
    events.TRACE[:], events.REPORTS[:] = [witnesses[0]], [number for number in witnesses[1:] if number >= 0]
    kind: type[Judge] = Judge
    if cases.makes:
        from .maker import Maker

        kind = Maker
    judge = kind(calls, machine, cases.datagrams)
    if cases.network:
        judge.learn(cases.network)
    if cases.writable is not None:
        from .metadata import Metadata

        judge.answers.update(Metadata(judge, cases.writable).answers())
    from . import diagnosis  # noqa: F401  # for who judges, in a while

    # Who is judged may write where modules lie, and here nothing holds them: from now on none is loaded.
    sys.meta_path.clear()
    _, ancillary, _, _ = end.recvmsg(1, 100)
    if not ancillary:
        return None
    end.close()
    return Listening(judge, int.from_bytes(ancillary[0][2], sys.byteorder))


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


class Listening:
    """Threads that listen in turn, one at a time: were there two, each notice would wake another, and both would wait
    for Python's lock. Who is busy for long has another one listen meanwhile.
    """

    def __init__(self, judge: Judge, listener: int) -> None:
        self.judge, self.listener = judge, listener
        # Held for whoever listens, who is called first; and what each thread is busy with.
        self.turn, self.lock = allocate_lock(), allocate_lock()
        self.first, self.waiting = 0, 0
        self.busy: dict[int, bytes] = {}
        self.watched = False
        self.timer = self.made_timer()
        judge.begin(listener, self.hand_on)
        start_new_thread(self.serve, ())

    def serve(self) -> None:
        """One thread: when it is its turn, receive and answer."""
        me, notice = get_ident(), bytearray(abi.NOTICE)
        while self.takes_turn(me):
            while self.first == me:
                notice[:] = bytes(abi.NOTICE)
                try:
                    ioctl(self.listener, RECEIVE, notice, True)
                except OSError:
                    continue  # whoever asked was interrupted
                copy = bytes(notice)
                self.busy[me] = copy[:8]
                if not self.watched:
                    self.watch()
                self.judge.answer(copy)
                del self.busy[me]
        self.judge.leave()

    def takes_turn(self, me: int) -> bool:
        """Wait for it; False where enough others do."""
        with self.lock:
            if self.waiting >= WAITING:
                return False
            self.waiting += 1
        self.turn.acquire()
        with self.lock:
            self.waiting -= 1
            self.first = me
        return True

    def hand_on(self, whose: int = 0) -> None:
        """Let another thread listen. whose: the thread that did so far, where it is another than this."""
        with self.lock:
            if self.first != (whose or get_ident()):
                return
            self.first = 0
            start = not self.waiting
        self.turn.release()
        if start:
            try:
                start_new_thread(self.serve, ())
            except RuntimeError:
                pass  # the user may have no more; this one comes back

    # --- who sees that somebody listens ---

    def made_timer(self) -> int:
        """A clock that can be waited for; -1 where there is none."""
        try:
            return self.judge.calls(abi.TIMERFD_CREATE[self.judge.machine], MONOTONIC, native.O_CLOEXEC)
        except OSError:
            return -1

    def watch(self) -> None:
        """Look in a while at who is busy then."""
        self.watched = True
        if self.judge.calls.fails(abi.TIMERFD_SETTIME[self.judge.machine], self.timer, 0, IN_A_WHILE, None):
            self.watched = False
            self.hand_on()

    def until_the_end(self) -> None:
        """Until no process has the filter any more."""
        calls, machine = self.judge.calls, self.judge.machine
        seen, ended = b"", False
        while not ended:
            # Without the module select: it takes a while to load. One that is negative is not waited for.
            waited = waited_for(self.listener, 0) + waited_for(self.timer, READABLE)
            if calls.fails(abi.PPOLL[machine], waited, 2, None, None, 0):
                continue
            ended = bool(waited[FOUND] & HUNG_UP)
            if waited[WAITED + FOUND] & READABLE:
                seen = self.looked(seen)

    def looked(self, seen: bytes) -> bytes:
        """What the one who listens is busy with; who still is with the same has another one listen."""
        native.read(self.timer, 8)
        first, self.watched = self.first, False
        busy = self.busy.get(first, b"")
        if busy and busy == seen:
            self.hand_on(first)
        elif busy:
            self.watch()
        return busy


def waited_for(descriptor: int, what: int) -> bytes:
    """What poll is told of a descriptor, and where it tells what it found."""
    return descriptor.to_bytes(4, "little", signed=True) + what.to_bytes(2, "little") + bytes(2)
