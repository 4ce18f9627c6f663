"""Judging on behalf of a confined process: ``connect``, ``bind``, ``listen`` and making a UDP socket.

The kernel holds these calls until they are answered here. The address is read once; this copy is judged, and used on a
duplicate of the socket, so that what another thread changes meanwhile changes nothing. Reading and
writing on a connected socket never come here.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_SEQPACKET, inet_ntop, socket
from _thread import allocate_lock
from errno import EACCES, EAFNOSUPPORT, EFAULT, EINVAL, ENETUNREACH, ENOSYS, EPERM
from fcntl import ioctl

from .... import events
from ....capabilities import load_module
from ....pristine import close_fd, file_device, file_inode, fstat, get_ident, native, open_fd
from . import abi
from .asker import leader_of, may_bind, read_by_file
from .interrupted import Interrupted, number_or_none
from .outstanding import Outstanding
from .syscalls import address_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .diagnosis import Own
    from .syscalls import Calls

    # (name of the notice, thread, arguments) -> (error, flags)
    Answer: TypeAlias = Callable[[bytes, int, list[int]], tuple[int, int]]

# linux/seccomp.h: requests to the listener.
SEND, IS_VALID, ADD, SET_FLAGS = 0xC0182101, 0x40082102, 0x40182103, 0x40082104
GO_ON, IN_PLACE, ANSWERED_TOO, SAME_PROCESSOR = 1, 1, 2, 1
NO_ERROR = bytes(16)  # the value returned, the error, flags
LONGEST_ADDRESS = 128
KIND, NONBLOCKING = 0xF, 0o4000
DOMAIN_PORT = 53
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104  # what a socket that was never bound listens on
O_PATH = 0o10000000
MOST_BOUND = 1024  # Unix sockets that nobody has asked for yet
CHOSEN = AF_NETLINK.to_bytes(2, "little") + bytes(10)  # the address of a netlink socket that the kernel chooses
NO_FAMILY, NOBODY = b"\0\0", bytes(16)  # AF_UNSPEC
INTERNET = (AF_INET, AF_INET6)
OPEN_FILES, OF_THREADS = 7, 0o200  # sys/resource.h; linux/pidfd.h, PIDFD_THREAD


def nobody() -> None:
    """Before there is anything to listen on, nobody else has to."""


class Judge:
    """Answers what the kernel asks."""

    def __init__(self, calls: Calls, machine: int, datagrams: bool) -> None:
        self.calls, self.machine, self.datagrams = calls, machine, datagrams
        self.network: Any = None
        self.rules: Any = ()
        self.listener = -1
        self.hand_on: Callable[[], None] = nobody
        self.tested, self.opens = False, OF_THREADS
        # What each thread asked last, which asks again more often than not, and by what it can be had.
        self.processes: dict[int, tuple[int, int]] = {}
        self.lock = allocate_lock()
        # What this run listens on: devices and numbers of files, and abstract names; by the number of the socket.
        self.own: Own = {}
        # Numbers of the Unix sockets that were to be bound since somebody last asked for one.
        self.bound: dict[int, None] = {}
        self.answers: dict[int, Answer] = {
            abi.CONNECT[machine]: self.connect,
            abi.BIND[machine]: self.bind,
            abi.LISTEN[machine]: self.listen,
            abi.SOCKET[machine]: self.make,
        }
        self.resolver: Any = None
        self.interrupted = Interrupted(machine)
        self.outstanding = Outstanding(self)

    def learn(self, rules: tuple[Any, ...]) -> None:
        """By what to judge."""
        self.network = load_module("network")
        self.rules = self.network.prepare(rules)
        if self.network.allows_names(self.rules):
            from .names import Resolver

            self.resolver = Resolver(self.network, self.rules)

    # --- the conversation ---

    def begin(self, listener: int, hand_on: Callable[[], None]) -> None:
        """Answer what comes from this listener. hand_on: has another thread listen, as long as this one is busy."""
        self.listener, self.hand_on = listener, hand_on
        self.allow_many()
        try:
            ioctl(listener, SET_FLAGS, SAME_PROCESSOR)  # by its value, unlike the others
        except OSError:
            pass  # before 6.6; it is only faster

    def allow_many(self) -> None:
        """Have as many descriptors as this process may at most: every process of the program has as many."""
        limits = bytes(16)
        self.calls(abi.PRLIMIT[self.machine], 0, OPEN_FILES, None, limits)
        self.calls.fails(abi.PRLIMIT[self.machine], 0, OPEN_FILES, limits[8:] * 2, None)

    def answer(self, notice: bytes) -> None:
        """Make the call that was asked for, and say how it ended. Fails closed: what goes wrong here is a refusal."""
        name = notice[:8]
        words = memoryview(notice).cast("Q").tolist()
        call, thread, number = words[2] & 0xFFFFFFFF, words[1] & 0xFFFFFFFF, words[4] & 0x7FFFFFFF
        try:
            error, flags = self.answers[call](name, thread, words[4:])
        except OSError as failed:
            # The errors of looking names up are negative, and no answer at all.
            error, flags = max(failed.errno or 0, 0) or EACCES, 0
        except Exception:  # noqa: BLE001  # as above
            error, flags = EACCES, 0
        if error < 0:
            return
        if error:
            error = self.interrupted.to_say(call, thread, number, error)
        if not self.send(name, error, flags):
            self.interrupted.keep(call, number_or_none(thread, number), error)

    def send(self, name: bytes, error: int, flags: int) -> bool:
        """Whether anybody was there to hear it."""
        record = name + NO_ERROR
        if error or flags:
            record = name + bytes(8) + int.to_bytes(-error, 4, "little", signed=True) + int.to_bytes(flags, 4, "little")
        try:
            ioctl(self.listener, SEND, record)
        except OSError:
            return False  # whoever asked is gone, or does something else
        return True

    def is_valid(self, name: bytes) -> bool:
        """Whether the one who asked is still the one who has this number."""
        try:
            ioctl(self.listener, IS_VALID, name)
        except OSError:
            return False
        return True

    # --- looking into the program ---

    def read(self, thread: int, address: int, length: int) -> bytes:
        """Memory of the one who asked."""
        data = bytes(length)
        size = length.to_bytes(8, "little")
        here, there = address_of(data).to_bytes(8, "little") + size, address.to_bytes(8, "little") + size
        try:
            done = self.calls.with_small(abi.PROCESS_VM_READV[self.machine], thread, here, 1, there, 1, None)
        except OSError as error:
            if error.errno not in (EPERM, ENOSYS):
                raise
            return read_by_file(thread, address, length)  # a container refuses the call, or so it says to everybody
        if done != length:
            raise OSError(EFAULT, "an address that cannot be read")
        return data

    def duplicate(self, thread: int, number: int) -> int:
        """One of its descriptors, as ours."""
        known, process = self.processes.get(get_ident(), (0, -1))
        if known == thread:
            # While this process is there nobody else has its number.
            try:
                return self.taken(process, number)
            except ProcessLookupError:
                pass
        self.leave()
        try:
            process = self.calls(abi.PIDFD_OPEN[self.machine], thread, self.opens)
        except OSError as error:
            if error.errno == EINVAL and self.opens:
                self.opens = 0  # before 6.9
                return self.duplicate(thread, number)
            return self.duplicate_of_leader(thread, number)  # threads share their descriptors, with few exceptions
        self.processes[get_ident()] = thread, process
        return self.taken(process, number)

    def taken(self, process: int, number: int) -> int:
        """A descriptor of a process that is held."""
        return self.calls.with_small(abi.PIDFD_GETFD[self.machine], process, number, 0)

    def leave(self) -> None:
        """This thread asks for nothing any more."""
        _, process = self.processes.pop(get_ident(), (0, -1))
        if process >= 0:
            close_fd(process)

    def duplicate_of_leader(self, thread: int, number: int) -> int:
        """The same of the process that a thread belongs to; which thread has this number may change any time."""
        process = self.calls(abi.PIDFD_OPEN[self.machine], leader_of(thread), 0)
        try:
            return self.taken(process, number)
        finally:
            close_fd(process)

    def socket_of(self, name: bytes, thread: int, number: int) -> socket:
        """A duplicate of the socket that was meant."""
        found = socket(-1, -1, 0, self.duplicate(thread, number))  # nobody asks for its protocol
        if not self.is_valid(name):
            found.close()
            raise OSError(EACCES, "gone")
        return found

    # --- the four calls ---

    def connect(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """(error, flags): connect(socket, address, length)."""
        address = self.address(thread, words)
        sock = self.socket_of(name, thread, words[0] & 0x7FFFFFFF)
        try:
            if address[:2] == NO_FAMILY and (sock.family in INTERNET or sock.type & KIND == SOCK_DGRAM):
                # Takes its peer from it. C's resolver does so between two addresses, and takes success for granted.
                return self.calls.fails(abi.CONNECT[self.machine], sock.fileno(), NOBODY, len(NOBODY)), 0
            if sock.family == AF_UNIX:
                return self.connect_unix(sock, thread, address), 0
            meant = spoken(address)
            if meant is None:
                return EAFNOSUPPORT, 0
            if meant[2] == DOMAIN_PORT and self.resolver is not None and sock.type & KIND == SOCK_DGRAM:
                return self.put_resolver(name, sock, words[0] & 0x7FFFFFFF)
            place = place_for(sock, meant, address)
            if place is None:
                return EAFNOSUPPORT, 0
            if self.is_refused(self.network.CONNECT, (*meant, "connect")):
                return EACCES, 0
            if sock.type & KIND == SOCK_DGRAM or not native.get_blocking(sock.fileno()):
                return sock.connect_ex(place), 0
            return self.outstanding.connect(name, thread, sock, place), 0
        finally:
            sock.close()

    def is_done(self, sock: socket, error: int) -> None:
        """A connection that was waited for has an answer, or nobody to answer."""

    def connect_unix(self, sock: socket, thread: int, address: bytes) -> int:
        """A Unix socket: one that this run listens on; or what stands for a UDP socket."""
        family = int.from_bytes(address[:2], "little")
        if family != AF_UNIX:
            if sock.type & KIND != SOCK_SEQPACKET or self.resolver is None:
                return EACCES
            meant = spoken(address)
            return self.resolver.join(sock) if meant is not None and meant[2] == DOMAIN_PORT else ENETUNREACH
        from .diagnosis import connect_own, learn

        with self.lock:
            learn(self.own, self.bound)
        path = address[2:]
        if path[:1] == b"\0":
            return connect_own(self.own, sock, path, path)
        path = path.partition(b"\0")[0]
        where = path if path[:1] == b"/" else b"/proc/%d/cwd/%s" % (thread, path)
        handle = open_fd(where, O_PATH | native.O_CLOEXEC)
        try:
            found = fstat(handle)
            return connect_own(self.own, sock, (file_device(found), file_inode(found)), b"/proc/self/fd/%d" % handle)
        finally:
            close_fd(handle)

    def put_resolver(self, name: bytes, sock: socket, number: int) -> tuple[int, int]:
        """A real UDP socket that asks for names: a connection to the resolver takes its place."""
        waits = 0 if native.get_blocking(sock.fileno()) else NONBLOCKING
        stand_in = socket(AF_UNIX, SOCK_SEQPACKET | waits)
        try:
            error: int = self.resolver.join(stand_in)
            if not error:
                closes = 0 if native.get_inheritable(sock.fileno()) else SOCK_CLOEXEC
                self.add(name, IN_PLACE, stand_in, number, closes)
            return error, 0
        finally:
            stand_in.close()

    def add(self, name: bytes, how: int, sock: socket, number: int, flags: int) -> None:
        """Give the one who asked a descriptor."""
        words = (how, sock.fileno(), number, flags)
        ioctl(self.listener, ADD, name + b"".join([word.to_bytes(4, "little") for word in words]))

    def bind(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """bind(socket, address, length): to loopback; Landlock judges the files of Unix sockets."""
        address = self.address(thread, words)
        sock = self.socket_of(name, thread, words[0] & 0x7FFFFFFF)
        try:
            if sock.family == AF_UNIX:
                if int.from_bytes(address[:2], "little") != AF_UNIX:
                    return EACCES, 0
                with self.lock:
                    while len(self.bound) >= MOST_BOUND:
                        del self.bound[next(iter(self.bound))]
                    self.bound[file_inode(fstat(sock.fileno()))] = None
                return 0, GO_ON
            if sock.family == AF_NETLINK:
                # C lists the machine's interfaces so. Only what sending alone would do: no groups, to hear of others.
                if address != CHOSEN:
                    return EACCES, 0
                sock.bind((0, 0))
                return 0, 0
            meant = spoken(address)
            if meant is None or meant[0] != sock.family:
                return EAFNOSUPPORT, 0
            if self.is_refused(self.network.BIND, (*meant, "bind")):
                return EACCES, 0
            if not may_bind(thread, meant[2]):
                return EACCES, 0
            sock.bind(place_for(sock, meant, address))
            return 0, 0
        finally:
            sock.close()

    def listen(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """listen(socket, length): on what was bound; a socket that was not is on every interface."""
        sock = self.socket_of(name, thread, words[0] & 0x7FFFFFFF)
        try:
            if sock.family == AF_UNIX:
                from .diagnosis import remember

                sock.listen(words[1] & 0x7FFFFFFF)
                with self.lock:
                    remember(self.own, file_inode(fstat(sock.fileno())))
                return 0, 0
            host, port, *_ = sock.getsockname()
            target = (sock.family, host, port, "bind")
            if self.is_refused(self.network.BIND, target if port else (target[0], EVERY_INTERFACE, 0, "bind")):
                return EACCES, 0
            sock.listen(words[1] & 0x7FFFFFFF)
            return 0, 0
        finally:
            sock.close()

    def make(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """socket(family, SOCK_DGRAM, protocol): a stand-in that leads nowhere, but to the resolver."""
        flags = words[1] & 0xFFFFFFFF & ~KIND
        stand_in = socket(AF_UNIX, SOCK_SEQPACKET | (flags & NONBLOCKING))
        try:
            self.add(name, ANSWERED_TOO, stand_in, 0, flags & SOCK_CLOEXEC)
        finally:
            stand_in.close()
        return -1, 0  # answered already

    # --- parts of these ---

    def is_refused(self, capability: str, target: tuple[int, str, int, str]) -> bool:
        """Ask the family, and tell who wants to know of a refusal."""
        if self.resolver is not None:
            self.resolver.forget_old()
        found = self.network.decide(self.rules, capability, target, target[3])
        if found is None:
            return False
        message, host, reason, remedy = found
        if self.tested:
            tell((self.network.GUARD, message, reason, remedy, target[3], None, host, ""))
        self.tested = True  # the first refusal is the one that the self-test asks for
        return True

    def address(self, thread: int, words: list[int]) -> bytes:
        """The address as it is now; from here on, ours. Whose it was is asked once the socket is there, too."""
        length = words[2] & 0xFFFFFFFF
        if not 2 <= length <= LONGEST_ADDRESS:
            raise OSError(EINVAL, "an address of another length")
        return self.read(thread, words[1], length)


def tell(refusal: tuple[Any, ...]) -> None:
    """Trace and report what no guard has seen, where somebody wants to know. refusal: see ``events.LOG``."""
    guard, _, reason, _, call, _, target, _ = refusal
    if events.TRACE and events.TRACE[0] >= 0:
        events.trace("blocked", call, guard, target, reason)
    if events.REPORTS and events.keep(refusal) <= events.REPORTED:
        events.report(refusal, "blocked")


def spoken(address: bytes) -> tuple[int, str, int] | None:
    """(family, host, port) of an internet address; None for another."""
    family = int.from_bytes(address[:2], "little")
    port = int.from_bytes(address[2:4], "big")
    if family == AF_INET and len(address) >= 16:
        return family, inet_ntop(AF_INET, address[4:8]), port
    if family == AF_INET6 and len(address) >= 24:
        return family, inet_ntop(AF_INET6, address[8:24]), port
    return None


def place_for(sock: socket, meant: tuple[int, str, int], address: bytes) -> Any:
    """An address as this socket takes it; None for one of another family, which the kernel would not take either."""
    family, host, port = meant
    if family != sock.family:
        # Datagrams of one socket may go to either: C's own resolver tries them so.
        return (f"::ffff:{host}", port) if family == AF_INET and sock.type & KIND == SOCK_DGRAM else None
    return (host, port) if family == AF_INET else (host, port, 0, int.from_bytes(address[24:28], "little"))
