"""Who judges the network for a confined process: a process beside it, which acts on its behalf (``judge``).

It is started before the rules are on (``beside``) and ends with the last process that has them. If it
dies before, what it would judge fails.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock, get_ident, start_new_thread
from errno import EINTR
from fcntl import ioctl

from .... import events
from ....pristine import native
from . import abi
from .beside import told
from .clock import Clock
from .judge import Judge
from .syscalls import Calls

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from _socket import socket
    from typing import NoReturn

DUMPABLE = 4  # prctl
# poll: what is found, where, and how long the record of a descriptor is.
READABLE, HUNG_UP, FOUND, WAITED = 1, 16, 6, 8
RECEIVE = 0xC0502100
# How many seconds one thread may be busy before another listens; and how many are kept waiting for their turn.
A_WHILE = 0.005
WAITING = 2
# How long nobody looks whether those who wait for a connection are still there.
A_SECOND = (1).to_bytes(8, "little") + bytes(8)


def supervise(end: socket) -> NoReturn:
    """The life of the supervisor; ends with the last process that it judges for."""
    listening = prepared(end)
    if listening is not None:
        listening.until_the_end()
    native._exit(0)


def prepared(end: socket) -> Listening | None:
    """Who judges, at work; None when there is nothing to judge."""
    calls, machine = Calls(), abi.MACHINES[native.uname().machine]
    calls(abi.PRCTL[machine], DUMPABLE, 0, 0, 0, 0)
    asked, witnesses = told(end)
    if asked is None:
        return None
    network, makes, datagrams, writable, traces, reports = asked
    for descriptor in witnesses:
        events.remember(descriptor)
    events.TRACE[:] = witnesses[:traces]
    events.REPORTS[:] = witnesses[traces : traces + reports]
    kind: type[Judge] = Judge
    if makes:
        from .maker import Maker

        kind = Maker
    judge = kind(calls, machine, datagrams)
    if network:
        judge.learn(network)
    if writable is not None:
        from .metadata import Metadata

        judge.answers.update(Metadata(judge, writable).answers())
    from . import diagnosis  # noqa: F401  # for who judges, in a while

    # Who is judged may write where modules lie, and here nothing holds them: from now on none is loaded.
    sys.meta_path.clear()
    _, listener = told(end)
    end.close()
    return Listening(judge, listener[0]) if listener else None


class Listening:
    """Threads that listen in turn, one at a time: were there two, each notice would wake another, and both would wait
    for Python's lock. Who is busy for long has another one listen meanwhile.
    """

    def __init__(self, judge: Judge, listener: int) -> None:
        self.judge, self.listener = judge, listener
        # Held for whoever listens, who is called first; and what each thread is busy with, from the notice on.
        self.turn, self.lock = allocate_lock(), allocate_lock()
        self.first, self.waiting = 0, 0
        self.busy = judge.interrupted.busy
        self.watched = False
        self.clock = Clock(judge.calls, judge.machine)
        judge.begin(listener, self.hand_on)
        start_new_thread(self.serve, ())

    def serve(self) -> None:
        """One thread."""
        try:
            self.answer_in_turn(get_ident())
        finally:
            self.busy.pop(get_ident(), None)
            self.hand_on()
            self.judge.leave()

    def answer_in_turn(self, me: int) -> None:
        """Receive and answer, for as long as this thread is needed."""
        notice = bytearray(abi.NOTICE)
        while self.takes_turn(me):
            while self.first == me:
                notice[:] = bytes(abi.NOTICE)
                try:
                    ioctl(self.listener, RECEIVE, notice, True)
                except OSError:
                    continue  # whoever asked was interrupted
                copy = bytes(notice)
                self.busy[me] = copy
                if not self.watched:
                    self.watch()
                self.judge.answer(copy)
                del self.busy[me]

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

    def watch(self) -> None:
        """Look in a while at who is busy then."""
        self.watched = True
        if self.clock.ring_in(A_WHILE):
            self.watched = False
            self.hand_on()

    def until_the_end(self) -> None:
        """Until no process has the filter any more, or nobody can be waited for: then what was judged fails."""
        calls, machine, outstanding = self.judge.calls, self.judge.machine, self.judge.outstanding
        seen, ended = b"", False
        while not ended:
            # Without the module select: it takes a while to load. One that is negative is not waited for.
            waited = waited_for(self.listener, 0) + waited_for(self.clock.descriptor, READABLE)
            waited += waited_for(outstanding.descriptor, READABLE)
            limit = A_SECOND if outstanding.waiting else None
            # The program may set limits for us, by which nobody waits for so many: who asked again would never end.
            if calls.fails(abi.PPOLL[machine], waited, 3, limit, None, 0) not in (0, EINTR):
                return
            ended = bool(waited[FOUND] & HUNG_UP)
            if waited[WAITED + FOUND] & READABLE:
                seen = self.looked(seen)
            if waited[2 * WAITED + FOUND] & READABLE:
                outstanding.look()
            if outstanding.waiting:
                outstanding.forget_gone()

    def looked(self, seen: bytes) -> bytes:
        """What the one who listens is busy with; who still is with the same has another one listen."""
        self.clock.stop_ringing()
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
