"""Who judges the network for a confined process: a process beside it, which acts on its behalf.

``connect``, ``bind``, ``listen`` and making a UDP socket are held by the kernel until this
process has answered. It reads the address once, judges its own copy, and uses that copy
on a duplicate of the socket: what another thread changes meanwhile changes nothing. Reading
and writing on a connected socket never come here. If it dies, these calls fail.
"""

from __future__ import annotations

import sys
from _socket import AF_INET, AF_INET6, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_SEQPACKET, inet_ntop, socket, socketpair
from _thread import allocate_lock, start_new_thread
from errno import EACCES, EAFNOSUPPORT, EFAULT, EINVAL, ENETUNREACH
from fcntl import ioctl

from .... import events
from ....capabilities import load_module
from ....pristine import close_fd, fstat, getpid, native, open_fd, write_fd
from . import abi
from .syscalls import address_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .syscalls import Calls

    # (where refusals are traced, where they are reported); -1 for nowhere
    Witnesses: TypeAlias = tuple[int, int]

# linux/seccomp.h: requests to the listener, and the sizes of what they carry.
RECEIVE, SEND, IS_VALID, ADD, SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103, 0x40082104
NOTICE, ANSWER = 80, 24
GO_ON, IN_PLACE, ANSWERED_TOO, SAME_PROCESSOR = 1, 1, 2, 1
GET_SIZES = 3
DUMPABLE = 4  # prctl
COMMON = b"hermetic reads this, to see whether it can"
LONGEST_ADDRESS = 128
KIND, NONBLOCKING = 0xF, 0o4000
DOMAIN_PORT = 53
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104  # what a socket that was never bound listens on
O_PATH = 0o10000000
HUNG_UP = 16


def available(calls: Calls, machine: int) -> str:
    """Why no process can judge system calls here, or an empty text. Nothing is put on."""
    sizes = bytes(6)
    if calls.fails(abi.SECCOMP[machine], GET_SIZES, 0, sizes):
        return "this kernel has nobody judge system calls"
    if sizes[:4] != NOTICE.to_bytes(2, "little") + ANSWER.to_bytes(2, "little"):
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
    calls(abi.PRCTL[machine], DUMPABLE, 0, 0, 0, 0)
    events.TRACE[:], events.REPORTS[:] = [witnesses[0]], [number for number in witnesses[1:] if number >= 0]
    judge = Judge(calls, machine, witnesses[0] >= 0)
    judge.learn(rules)
    _, ancillary, _, _ = end.recvmsg(1, 100)
    judge.listener = int.from_bytes(ancillary[0][2], sys.byteorder)
    try:
        ioctl(judge.listener, SET_FLAGS, SAME_PROCESSOR.to_bytes(8, "little"))
    except OSError:
        pass  # before 6.6; it is only faster
    judge.spare += 2
    for _ in range(2):
        start_new_thread(judge.serve, ())
    end.close()
    wait_for_the_end(judge.listener)
    native._exit(0)


def quiet(kept: tuple[int, ...]) -> None:
    """Keep nothing of the program's open that is not needed: who reads its output must see its end."""
    null = open_fd("/dev/null", native.O_RDWR | native.O_CLOEXEC)
    for number in (0, 1, 2):
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


class Judge:
    """Answers what the kernel asks."""

    def __init__(self, calls: Calls, machine: int, traces: bool) -> None:
        self.calls, self.machine, self.traces = calls, machine, traces
        self.network: Any = None
        self.rules: Any = ()
        self.listener = -1
        self.spare = 0
        self.tested = False
        self.lock = allocate_lock()
        # What this run listens on: devices and numbers of files, and abstract names.
        self.own: set[object] = set()
        self.answers = {
            abi.CONNECT[machine]: self.connect,
            abi.BIND[machine]: self.bind,
            abi.LISTEN[machine]: self.listen,
            abi.SOCKET[machine]: self.make,
        }
        self.resolver: Any = None

    def learn(self, rules: tuple[Any, ...]) -> None:
        """By what to judge."""
        self.network = load_module("network")
        self.rules = self.network.prepare(rules)
        if self.network.allows_names(self.rules):
            from .names import Resolver

            self.resolver = Resolver(self.network, self.rules)

    # --- the conversation ---

    def serve(self) -> None:
        """One thread: receive, answer."""
        notice = bytearray(NOTICE)
        while True:
            notice[:] = bytes(NOTICE)
            try:
                ioctl(self.listener, RECEIVE, notice, True)
            except OSError:
                continue  # whoever asked was interrupted
            self.take()
            try:
                self.answer(bytes(notice))
            finally:
                with self.lock:
                    self.spare += 1

    def take(self) -> None:
        """Another thread listens while this one is busy, perhaps for as long as a connection takes."""
        with self.lock:
            self.spare -= 1
            start = self.spare == 0
            if start:
                self.spare += 1
        if start:
            start_new_thread(self.serve, ())

    def answer(self, notice: bytes) -> None:
        """Fails closed: what goes wrong here is a refusal."""
        name = notice[:8]
        thread, number = int.from_bytes(notice[8:12], "little"), int.from_bytes(notice[16:20], "little")
        words = [int.from_bytes(notice[at : at + 8], "little") for at in range(32, 80, 8)]
        try:
            error, flags = self.answers[number](name, thread, words)
        except OSError as failed:
            error, flags = failed.errno or EACCES, 0
        except Exception:  # noqa: BLE001  # as above
            error, flags = EACCES, 0
        if error >= 0:
            self.send(name, error, flags)

    def send(self, name: bytes, error: int, flags: int) -> None:
        record = name + bytes(8) + int.to_bytes(-error, 4, "little", signed=True) + int.to_bytes(flags, 4, "little")
        try:
            ioctl(self.listener, SEND, record)
        except OSError:
            pass  # whoever asked is gone

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
        here = address_of(data).to_bytes(8, "little") + length.to_bytes(8, "little")
        there = address.to_bytes(8, "little") + length.to_bytes(8, "little")
        if self.calls(abi.PROCESS_VM_READV[self.machine], thread, here, 1, there, 1, 0) != length:
            raise OSError(EFAULT, "an address that cannot be read")
        return data

    def duplicate(self, thread: int, number: int) -> int:
        """One of its descriptors, as ours."""
        try:
            process = self.calls(abi.PIDFD_OPEN[self.machine], thread, 0)
        except OSError:
            process = self.calls(abi.PIDFD_OPEN[self.machine], leader_of(thread), 0)
        try:
            return self.calls(abi.PIDFD_GETFD[self.machine], process, number, 0)
        finally:
            close_fd(process)

    def socket_of(self, name: bytes, thread: int, number: int) -> socket:
        """A duplicate of the socket that was meant."""
        found = socket(fileno=self.duplicate(thread, number))
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
            if sock.family == AF_UNIX:
                return self.connect_unix(sock, thread, address), 0
            meant = spoken(address)
            if meant is None:
                return EAFNOSUPPORT, 0
            if meant[2] == DOMAIN_PORT and self.resolver is not None and sock.type & KIND == SOCK_DGRAM:
                return self.put_resolver(name, sock, words[0] & 0x7FFFFFFF)
            if self.is_refused(self.network.CONNECT, (*meant, "connect")):
                return EACCES, 0
            return sock.connect_ex(meant[1:] if meant[0] == AF_INET else (*meant[1:], 0, scope_of(address))), 0
        finally:
            sock.close()

    def connect_unix(self, sock: socket, thread: int, address: bytes) -> int:
        """A Unix socket: one that this run listens on; or what stands for a UDP socket."""
        family = int.from_bytes(address[:2], "little")
        if family != AF_UNIX:
            if sock.type & KIND != SOCK_SEQPACKET or self.resolver is None:
                return EACCES
            meant = spoken(address)
            return self.resolver.join(sock) if meant is not None and meant[2] == DOMAIN_PORT else ENETUNREACH
        path = address[2:]
        if path[:1] == b"\0":
            return sock.connect_ex(path) if path in self.own else EACCES
        path = path.partition(b"\0")[0]
        where = path if path[:1] == b"/" else b"/proc/%d/cwd/%s" % (thread, path)
        handle = open_fd(where, O_PATH | native.O_CLOEXEC)
        try:
            found = fstat(handle)
            if (found.st_dev, found.st_ino) not in self.own:
                return EACCES
            return sock.connect_ex(b"/proc/self/fd/%d" % handle)
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
                return (0, GO_ON) if int.from_bytes(address[:2], "little") == AF_UNIX else (EACCES, 0)
            meant = spoken(address)
            if meant is None:
                return EAFNOSUPPORT, 0
            if self.is_refused(self.network.BIND, (*meant, "bind")):
                return EACCES, 0
            sock.bind(meant[1:] if meant[0] == AF_INET else (*meant[1:], 0, scope_of(address)))
            return 0, 0
        finally:
            sock.close()

    def listen(self, name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
        """listen(socket, length): on what was bound; a socket that was not is on every interface."""
        sock = self.socket_of(name, thread, words[0] & 0x7FFFFFFF)
        try:
            if sock.family == AF_UNIX:
                sock.listen(words[1] & 0x7FFFFFFF)
                self.remember(sock)
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
        found = self.network.decide(self.rules, capability, target, target[3])
        if found is None:
            return False
        message, host, reason, remedy = found
        if self.tested and self.traces:
            line = events.trace_line("blocked", target[3], self.network.GUARD, host, reason)
            write_fd(events.TRACE[0], line.encode("utf-8", "backslashreplace") + b"\n")
        if self.tested and events.REPORTS:
            events.report((self.network.GUARD, message, reason, remedy, target[3], None, host, ""), "blocked")
        self.tested = True  # the first refusal is the one that the self-test asks for
        return True

    def address(self, thread: int, words: list[int]) -> bytes:
        """The address as it is now; from here on, ours. Whose it was is asked once the socket is there, too."""
        length = words[2] & 0xFFFFFFFF
        if not 2 <= length <= LONGEST_ADDRESS:
            raise OSError(EINVAL, "an address of another length")
        return self.read(thread, words[1], length)

    def remember(self, sock: socket) -> None:
        """A Unix socket that this run listens on: by its file, as the kernel knows it, or its abstract name."""
        name: Any = sock.getsockname()
        if isinstance(name, bytes) and name[:1] == b"\0":
            self.own.add(name)
            return
        from .diagnosis import file_of

        found = file_of(fstat(sock.fileno()).st_ino)
        if found is not None:
            self.own.add(found)


def leader_of(thread: int) -> int:
    """The process that a thread belongs to."""
    descriptor = open_fd(f"/proc/{thread}/status", native.O_RDONLY)
    try:
        return int(native.read(descriptor, 1000).split(b"Tgid:")[1].split()[0])
    finally:
        close_fd(descriptor)


def spoken(address: bytes) -> tuple[int, str, int] | None:
    """(family, host, port) of an internet address; None for another."""
    family = int.from_bytes(address[:2], "little")
    port = int.from_bytes(address[2:4], "big")
    if family == AF_INET and len(address) >= 16:
        return family, inet_ntop(AF_INET, address[4:8]), port
    if family == AF_INET6 and len(address) >= 24:
        return family, inet_ntop(AF_INET6, address[8:24]), port
    return None


def scope_of(address: bytes) -> int:
    return int.from_bytes(address[24:28], "little")
