"""The resolver of a judged run: answers for the names that the rules allow, and remembers their addresses.

A name is judged before anything is asked on the network, so that no question carries
anything out. Whoever asks speaks DNS to what it takes for a UDP socket. An address is
reachable for as long as its last answer is young: programs look names up again, and the
address may be somebody else's by then.
"""

from __future__ import annotations

from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    SO_PEERCRED,
    SOCK_CLOEXEC,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    gaierror,
    getaddrinfo,
    inet_ntop,
    inet_pton,
    socket,
)
from _thread import allocate_lock, start_new_thread
from time import monotonic, sleep

from ....pristine import close_fd, getpid, native, open_fd

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

HEAD = 12
LONGEST_QUESTION, LONGEST_NAME = 4096, 253
ANSWERED, NO_ERROR, FORMAT_ERROR, FAILED, NO_SUCH_NAME = 0x8180, 0, 1, 2, 3
A, AAAA, INTERNET_CLASS = 1, 28, 1
FAMILIES = {A: AF_INET, AAAA: AF_INET6}
SAME_NAME = b"\xc0\x0c"
# How long an answer may be kept by whoever gets it; how long its addresses can be connected to, which is longer than
# trying some of them one after another takes; and how many are remembered at a time.
SECONDS, KEPT, MOST = 60, 300, 4096
WAITING, AWHILE = 64, 0.05
HOSTS = "/etc/hosts"


class Resolver:
    """Answers the questions of one run. network: the family; rules: its prepared rules, which learn the addresses."""

    def __init__(self, network: Any, rules: Any) -> None:
        self.begin(network, rules)
        self.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
        self.listener.bind("")  # the kernel chooses an abstract name
        self.listener.listen(WAITING)
        self.learn_hosts()
        start_new_thread(self.serve, ())

    def begin(self, network: Any, rules: Any) -> None:
        self.network, self.rules = network, rules
        self.lock = allocate_lock()
        # (address, name) -> until when, the first to end first; and all names of an address, also those without an end.
        self.learnt: dict[tuple[bytes, str], float] = {}
        self.names: dict[bytes, set[str]] = {}

    def join(self, sock: socket) -> int:
        """Connect a socket of the program to this resolver."""
        return sock.connect_ex(self.listener.getsockname())

    def serve(self) -> None:
        while True:
            try:
                self.welcome()
            except (OSError, RuntimeError):
                # So many ask that there are no more descriptors, or threads: others are answered when these leave.
                sleep(AWHILE)

    def welcome(self) -> None:
        """The next one who asks."""
        descriptor, _ = self.listener._accept()  # type: ignore[attr-defined]  # what socket.socket is made over
        asker = socket(fileno=descriptor)
        # Connections are made by us, on behalf of the program; nobody else is answered.
        peer = int.from_bytes(asker.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[:4], "little")
        if peer == getpid():
            start_new_thread(self.converse, (asker,))
        else:
            asker.close()

    def converse(self, asker: socket) -> None:
        """Until the other end is closed."""
        try:
            while question := asker.recv(LONGEST_QUESTION):
                asker.send(self.reply(question))
        except OSError:
            pass
        finally:
            asker.close()

    def reply(self, question: bytes) -> bytes:
        """The answer to one question."""
        if len(question) < HEAD:
            return question
        name, end = asked_name(question)
        if name is None:
            return question[:2] + head(FORMAT_ERROR, 0, 0)
        kind = int.from_bytes(question[end : end + 2], "big")
        asked = question[HEAD : end + 4]
        found = self.look_up(name, kind)
        if isinstance(found, int):
            return question[:2] + head(found, 1, 0) + asked
        records = [
            SAME_NAME
            + b"".join([n.to_bytes(2, "big") for n in (kind, INTERNET_CLASS)])
            + SECONDS.to_bytes(4, "big")
            + len(packed).to_bytes(2, "big")
            + packed
            for packed in found
        ]
        return question[:2] + head(NO_ERROR, 1, len(records)) + asked + b"".join(records)

    def look_up(self, name: str, kind: int) -> list[bytes] | int:
        """Packed addresses of an allowed name, or what is wrong."""
        try:
            host = self.network.clean_host(name)
        except ValueError:
            return FORMAT_ERROR
        if not self.network.may_ask(self.rules, host):
            return NO_SUCH_NAME
        family = FAMILIES.get(kind)
        if family is None:
            return []
        try:
            # Bytes: for a text Python would load its own tables of letters, from wherever the program wrote them.
            answers = getaddrinfo(host.encode("ascii"), None, family)
        except gaierror as error:
            return NO_SUCH_NAME if error.errno in (-2, -5) else FAILED
        found = list(dict.fromkeys(packed_of(answer) for answer in answers))
        with self.lock:
            self.network.remember(self.rules, (host,), None, answers)
            for packed in found:
                self.names.setdefault(packed, set()).add(host)
                self.learnt.pop((packed, host), None)
                self.learnt[packed, host] = monotonic() + KEPT
            while len(self.learnt) > MOST:
                self.forget(next(iter(self.learnt)))
        return found

    def forget_old(self) -> None:
        """What was answered too long ago."""
        now = monotonic()
        with self.lock:
            while self.learnt:
                first = next(iter(self.learnt))
                if self.learnt[first] > now:
                    break
                self.forget(first)

    def forget(self, answer: tuple[bytes, str]) -> None:
        """One answer; what others said of the same address stays."""
        packed, host = answer
        del self.learnt[answer]
        self.names[packed].discard(host)
        self.network.forget(self.rules, packed)
        for other in self.names[packed]:
            text = inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)
            self.network.remember(self.rules, (other,), None, text)
        if not self.names[packed]:
            del self.names[packed]

    def learn_hosts(self) -> None:
        """Names that the machine's own table answers are never asked for."""
        for name in names_in_hosts():
            try:
                host = self.network.clean_host(name)
                if self.network.may_ask(self.rules, host):
                    answers = getaddrinfo(host.encode("ascii"), None)
                    self.network.remember(self.rules, (host,), None, answers)
                    for answer in answers:
                        self.names.setdefault(packed_of(answer), set()).add(host)
            except (ValueError, OSError):
                continue


def packed_of(answer: Any) -> bytes:
    """The address of one answer of getaddrinfo."""
    return inet_pton(answer[0], str(answer[4][0]).partition("%")[0])


def names_in_hosts() -> list[str]:
    """The names of /etc/hosts."""
    try:
        descriptor = open_fd(HOSTS, native.O_RDONLY | native.O_CLOEXEC)
    except OSError:
        return []
    try:
        text = native.read(descriptor, 1 << 20).decode("ascii", "replace")
    finally:
        close_fd(descriptor)
    return [name for line in text.split("\n") for name in line.partition("#")[0].split()[1:]]


def asked_name(question: bytes) -> tuple[str | None, int]:
    """(the name that a question is about, where it ends); None for what is no single question."""
    if question[4:6] != b"\0\1":
        return None, 0
    labels: list[str] = []
    at = HEAD
    while at < len(question):
        length = question[at]
        at += 1
        if not length:
            name = ".".join(labels)
            return (name if name and len(name) <= LONGEST_NAME and at + 4 <= len(question) else None), at
        if length > 63:
            return None, at
        label = question[at : at + length]
        if not label.isascii() or b"." in label:
            return None, at
        labels.append(label.decode("ascii"))
        at += length
    return None, at


def head(code: int, questions: int, answers: int) -> bytes:
    """What follows the number of a message."""
    words = (ANSWERED | code, questions, answers, 0, 0)
    return b"".join([word.to_bytes(2, "big") for word in words])
