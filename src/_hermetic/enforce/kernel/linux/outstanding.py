"""Connections that others have still to answer: with a thread for each, the program could make us take any memory.

A socket that waits for its connection is made not to wait while it is asked to connect. It is asked again when
something has become of it, and the kernel then says what it would have said to who had waited. Where it has set a
limit to that (SO_SNDTIMEO), a clock tells when it is over.
"""

from __future__ import annotations

from _socket import SOL_SOCKET, socket
from _thread import allocate_lock
from errno import EACCES, EALREADY, EINPROGRESS
from time import monotonic

from ....pristine import file_inode, fstat, get_ident, native
from . import abi
from .clock import Clock

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .judge import Judge

# linux/eventpoll.h
ADD, REMOVE, CHANGE, CLOSES = 1, 2, 3, 0o2000000
READABLE, WRITABLE_ONCE = (1).to_bytes(4, "little"), (4 | 1 << 30).to_bytes(4, "little")
MANY = 64
LIMITED, LIMIT = 21, 16  # asm-generic/socket.h: SO_SNDTIMEO; how long the record of a time is
NEVER = float("inf")
LATER, AWHILE = -1, 1.0


class Outstanding:
    """Those that are waited for. descriptor: can be read when something has become of one; -1 where there is none."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.calls, self.machine = judge, judge.calls, judge.machine
        # By our descriptor: the notice's beginning, the address, until when it is waited for, and what is said then.
        self.waiting: dict[int, tuple[bytes, Any, float, int]] = {}
        self.next = 0.0
        self.clock, self.lock = Clock(self.calls, self.machine), allocate_lock()
        # What is found, and the descriptor; one machine leaves no gap between them.
        self.gap = bytes(0 if self.machine == abi.X86_64 else 4)
        try:
            self.descriptor = self.calls(abi.EPOLL_CREATE1[self.machine], CLOSES)
        except OSError:
            self.descriptor = -1
        self.watch(ADD, self.clock.descriptor, READABLE)

    def connect(self, name: bytes, thread: int, sock: socket, place: Any) -> int:
        """The error; LATER where it is answered once it is known, and the descriptor is ours until then."""
        number = sock.fileno()
        native.set_blocking(number, False)
        try:
            first = error = sock.connect_ex(place)
            if error == EINPROGRESS:
                error = sock.connect_ex(place)  # this machine has answered meanwhile
        finally:
            native.set_blocking(number, True)
        if error not in (EINPROGRESS, EALREADY):
            return error
        limit = limit_of(sock)
        self.waiting[number] = name + thread.to_bytes(4, "little"), place, monotonic() + limit, first
        if not self.watch(ADD, number):
            sock.detach()
            if limit != NEVER:
                self.set_clock()
            return LATER
        del self.waiting[number]
        self.judge.hand_on()
        error = sock.connect_ex(place)
        return first if error == EALREADY else error

    def set_clock(self) -> None:
        """Have it ring when the first of the limits is over; and not at all where there is none."""
        with self.lock:
            first = min([NEVER, *[until for *_, until, _ in list(self.waiting.values())]])
            self.clock.ring_in(None if first == NEVER else first - monotonic())

    def watch(self, how: int, number: int, what: bytes = WRITABLE_ONCE) -> int:
        """Look out for what becomes of a socket, or no more; the error."""
        event = what + self.gap + number.to_bytes(8, "little")
        return self.calls.fails(abi.EPOLL_CTL[self.machine], self.descriptor, how, number, event)

    def look(self) -> None:
        """Answer where something has become of a connection."""
        size = 12 + len(self.gap)
        records = bytes(MANY * size)
        try:
            found = self.calls(abi.EPOLL_PWAIT[self.machine], self.descriptor, records, MANY, 0, None, 0)
        except OSError:
            return  # interrupted
        for at in range(0, found * size, size):
            number = int.from_bytes(records[at + size - 8 : at + size], "little")
            if number in self.waiting:
                self.end(number)
            elif number == self.clock.descriptor:
                self.end_late()

    def end_late(self) -> None:
        """Answer for the connections whose limit is over."""
        self.clock.stop_ringing()
        now = monotonic()
        for number, (*_, until, first) in list(self.waiting.items()):
            if until <= now:
                self.end(number, first)
        self.set_clock()

    def forget_gone(self) -> None:
        """Now and then, let go of the sockets of those who were interrupted, or have ended."""
        if monotonic() < self.next:
            return
        self.next = monotonic() + AWHILE
        for number, (asked, *_) in list(self.waiting.items()):
            if not self.judge.is_valid(asked[:8]):
                self.end(number)

    def end(self, number: int, late: int = 0) -> None:
        """Answer for a connection that is made, or is not to be; or there is nobody to answer any more.

        late: what is said of one that is neither, where nobody waits for it any longer.
        """
        asked, place, *_ = self.waiting[number]
        busy = self.judge.interrupted.busy
        me = get_ident()
        busy[me] = asked
        try:
            self.answer(number, asked[:8], place, late)
        finally:
            del busy[me]

    def answer(self, number: int, name: bytes, place: Any, late: int) -> None:
        """The same, for who has asked by this name, and for this address."""
        sock, error = socket(-1, -1, 0, number), LATER
        if self.judge.is_valid(name):
            try:
                error = asked_again(sock, place)
            except Exception:  # noqa: BLE001  # whatever goes wrong is a refusal
                error = EACCES
            if error in (EINPROGRESS, EALREADY) and late:
                error = late
            elif error in (EINPROGRESS, EALREADY) and not self.watch(CHANGE, number):
                sock.detach()
                return
        del self.waiting[number]
        # The kernel goes on looking out for a socket that the program has, too.
        self.watch(REMOVE, number)
        self.judge.is_done(sock, error)
        known = file_inode(fstat(number))
        sock.close()
        if error != LATER and not self.judge.send(name, error, 0):
            self.judge.interrupted.keep(abi.CONNECT[self.machine], known, error)


def limit_of(sock: socket) -> float:
    """For how many seconds a socket waits for its connection."""
    record = sock.getsockopt(SOL_SOCKET, LIMITED, LIMIT)
    if not any(record):
        return NEVER
    return int.from_bytes(record[:8], "little") + int.from_bytes(record[8:], "little") / 1_000_000


def asked_again(sock: socket, place: Any) -> int:
    """What has become of connecting; never waits. The program may have made its socket wait for nothing meanwhile."""
    number = sock.fileno()
    waits = native.get_blocking(number)
    native.set_blocking(number, False)
    try:
        return sock.connect_ex(place)
    finally:
        native.set_blocking(number, waits)
