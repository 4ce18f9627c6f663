"""Judging where no descriptor of the program's can be had, as in a container that refuses ``pidfd_getfd``.

Every socket that could be connected is made here, and given to the program; a duplicate
is kept under the number that the kernel knows the socket by, which the program's own
descriptor tells. It is let go as soon as the socket is connected or listened on: a
duplicate that stays would keep the connection open when the program closes its end.
"""

from __future__ import annotations

from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_SEQPACKET, socket
from _thread import allocate_lock, start_new_thread
from errno import EADDRINUSE, EALREADY, EBADF, EINPROGRESS, EINVAL, EISCONN
from select import EPOLLERR, EPOLLHUP, EPOLLONESHOT, EPOLLOUT, epoll

from ....pristine import file_inode, fstat, native
from .interrupted import number_of
from .judge import ANSWERED_TOO, KIND, NONBLOCKING, Judge
from .outstanding import LATER

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from .syscalls import Calls

ARRIVED = EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLONESHOT
# How many duplicates are kept before it is asked which sockets the program still has.
FEW = 256
# How many sockets are remembered that are listened on.
MANY = 4096


class Maker(Judge):
    """Answers what the kernel asks, with sockets of its own."""

    def __init__(self, calls: Calls, machine: int, datagrams: bool) -> None:
        super().__init__(calls, machine, datagrams)
        # By the number that the kernel knows a socket by.
        self.kept: dict[int, socket] = {}
        # Held while a socket is on its way to the program, where nobody finds it open.
        self.giving = allocate_lock()
        self.listening: dict[int, None] = {}
        self.most = FEW
        self.waiting = epoll()
        start_new_thread(self.let_go_later, ())

    def make(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """socket(family, kind, protocol)."""
        family, kind, protocol = (word & 0xFFFFFFFF for word in words[:3])
        flags = kind & ~KIND
        if kind & KIND == SOCK_DGRAM and family != AF_UNIX and not self.datagrams:
            made = socket(AF_UNIX, SOCK_SEQPACKET | (flags & NONBLOCKING))
        else:
            made = socket(family, kind & KIND | (flags & NONBLOCKING), protocol)
        number = file_inode(fstat(made.fileno()))
        if len(self.kept) >= self.most:
            self.forget_closed()
        with self.giving:
            with self.lock:
                self.kept[number] = made
            try:
                self.add(name, ANSWERED_TOO, made, 0, flags & SOCK_CLOEXEC)
            except OSError:
                self.let_go(number)
                raise
        return -1, 0  # answered already

    def socket_of(self, name: bytes, thread: int, number: int) -> socket:
        """A duplicate of the socket that was meant; the program's descriptor tells which one that is."""
        found = number_of(thread, number)
        with self.lock:
            kept = self.kept.get(found)
            copy = None if kept is None else socket(fileno=native.dup(kept.fileno()))
        if copy is None:
            # Those that are not kept are connected, or listened on.
            raise OSError(EINVAL if found in self.listening else EISCONN, "not a socket that waits for this")
        if not self.is_valid(name):
            copy.close()
            raise OSError(EBADF, "gone")
        return copy

    def connect(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        number = number_of(thread, words[0] & 0x7FFFFFFF)
        error, flags = super().connect(name, thread, words)
        kept = self.kept.get(number)
        if kept is None or kept.type & KIND == SOCK_DGRAM:
            return error, flags  # these are connected again and again
        if error in (0, EISCONN):
            self.let_go(number)
        elif error in (EINPROGRESS, EALREADY, LATER):
            self.let_go_when_connected(number)
        return error, flags

    def is_done(self, sock: socket, error: int) -> None:
        if error in (0, EISCONN):
            self.let_go(file_inode(fstat(sock.fileno())))

    def bind(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        try:
            return super().bind(name, thread, words)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
        self.forget_closed()  # the program may have closed the one that has the address
        return super().bind(name, thread, words)

    def listen(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        number = number_of(thread, words[0] & 0x7FFFFFFF)
        if number in self.listening:
            return 0, 0  # again, to change how many may wait; servers do
        error, flags = super().listen(name, thread, words)
        if not error:
            while len(self.listening) >= MANY:
                self.listening.pop(next(iter(self.listening)), None)
            self.listening[number] = None
            self.let_go(number)
        return error, flags

    # --- what is kept ---

    def let_go(self, number: int) -> None:
        with self.lock:
            kept = self.kept.pop(number, None)
        if kept is not None:
            try:
                self.waiting.unregister(kept.fileno())
            except OSError:
                pass  # nobody waited for it
            kept.close()

    def let_go_when_connected(self, number: int) -> None:
        with self.lock:
            kept = self.kept.get(number)
        if kept is not None:
            try:
                self.waiting.register(kept.fileno(), ARRIVED)
            except FileExistsError:
                self.waiting.modify(kept.fileno(), ARRIVED)  # it was tried before

    def let_go_later(self) -> None:
        """For as long as there is a program: what was on its way has arrived, or can be tried again."""
        while True:
            for descriptor, _ in self.waiting.poll():
                try:
                    number = file_inode(fstat(descriptor))
                    self.kept[number].getpeername()
                    self.let_go(number)
                except (OSError, KeyError):
                    pass  # not connected, or let go meanwhile

    def forget_closed(self) -> None:
        """Let go of the sockets that no process has open any more."""
        with self.giving:
            for number in set(self.kept) - open_sockets():
                self.let_go(number)
        self.most = max(FEW, 2 * len(self.kept))


def open_sockets() -> set[int]:
    """The numbers of all sockets that other processes have open, as far as they can be looked into."""
    own, found = native.getpid(), set()
    for process in native.listdir("/proc"):
        if process.isdecimal() and int(process) != own:
            try:
                descriptors = native.listdir(f"/proc/{process}/fd")
            except OSError:
                continue
            for descriptor in descriptors:
                try:
                    found.add(number_of(int(process), int(descriptor)))
                except OSError:
                    continue
    return found
