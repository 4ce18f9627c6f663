"""What becomes of each system call: the tables that filters are made from, one for each thing that is held.

All of them are in force at once, and the strictest answer counts, whether they are one
filter or several. Pure: ``filters`` finds them made, or has them made here.
"""

from __future__ import annotations

from errno import EACCES, ENOPROTOOPT, ENOSYS, EOPNOTSUPP, EPERM, EPROTONOSUPPORT

from ..plan import TRUNCATES
from . import abi, tables
from .bpf import ALLOW, EVERY_BIT, NOTIFY, assemble, high, low, refused

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from .bpf import Body, Question

    Table: TypeAlias = dict[int, Body]
    # rows of calls that share a body; bodies by the names of calls
    Made: TypeAlias = tuple[tuple[tuple[Iterable[tuple[str, int, int]], int], ...], dict[str, Body]]

NOT_ALLOWED, NO_ACCESS, UNKNOWN_CALL = refused(EPERM), refused(EACCES), refused(ENOSYS)
NOTHING_DONE = refused(0)

# --- flags ---

NEW_NAMESPACES, ITS_CLONE, CLONE_THREAD = 0x7E020080, 0x7E020000, 0x10000
PERSONALITIES = (0, 0xFFFFFFFF)
TERMINAL_INPUT = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
FAULTS = 0xAA00  # USERFAULTFD_IOC_NEW: the forbidden call by a device
# TCP_ZEROCOPY_RECEIVE: what is received is written to an address, by a call that Python announces to nobody.
RECEIVED_BY_ADDRESS = (6, 35)
# What changes a file by a descriptor that only reads, or makes and removes folders by one of a folder.
FILE_ATTRIBUTES = (
    *(0x40086602, 0x40046602, 0x401C5820),  # FS_IOC_SETFLAGS in two sizes, FS_IOC_FSSETXATTR
    *(0x40087602, 0x40047602, 0x40086604, 0x40046604),  # FS_IOC_SETVERSION, and ext4's own
    *(0x800C6613, 0x40806685),  # FS_IOC_SET_ENCRYPTION_POLICY, FS_IOC_ENABLE_VERITY
    *(0x40047211, 0x4004F50D),  # FAT_IOCTL_SET_ATTRIBUTES (the mode, too), F2FS_IOC_SET_PIN_FILE
    # btrfs: snapshots and subvolumes made, removed, and their flags; with the names of newer kernels.
    *(0x50009401, 0x5000940E, 0x5000940F, 0x50009417, 0x50009418, 0x5000943F, 0x4008941A, 0xC0C89425),
)
SET_MEMORY_MAP, NEW_LISTENER = 35, 8
UNIX, INTERNET, INTERNET6 = 1, 2, 10
STREAM, DATAGRAM, SEQUENCED, KIND = 1, 2, 5, 0xF
TCP, UDP, NETLINK = 6, 17, 16
FAST_OPEN = 0x20000000
ERRORS_OF = ((0, 11), (41, 25))  # IP_RECVERR, IPV6_RECVERR: C's resolver insists on them
# IP_OPTIONS; IPV6_RTHDR, its older name, and all options at once; labels of flows that may bear one: packets go to the
# first stop of a route.
ROUTES = ((0, 4), (41, 57), (41, 5), (41, 6), (41, 32))
# SO_BINDTODEVICE, SO_BINDTOIFINDEX, SO_MARK, IP_UNICAST_IF, IPV6_UNICAST_IF: they leave by another interface.
DEVICES = ((1, 25), (1, 62), (1, 36), (0, 50), (41, 76))
# IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_MSFILTER; IPV6_JOIN_GROUP, IPV6_JOIN_ANYCAST; MCAST_JOIN_GROUP,
# MCAST_JOIN_SOURCE_GROUP, MCAST_MSFILTER: the system tells the network of the group, also for a socket of TCP.
JOINS = ((0, 35), (0, 39), (0, 41), (41, 20), (41, 27), *((level, name) for level in (0, 41) for name in (42, 46, 48)))
# NETLINK_ADD_MEMBERSHIP: what a socket hears of others with whom it never spoke; see ``judge.Judge.bind``.
HEARS = ((270, 1),)
MAY_EXECUTE, MAY_WRITE, ANONYMOUS, SHARED_EXECUTE = 4, 2, 0x20, 0o100000
O_ACCMODE, O_TRUNC, O_CREAT, O_TEMPORARY = 3, 0o1000, 0o100, 0o20000000


def ask(half: int, value: int, then: Body, mask: int = EVERY_BIT) -> Question:
    """If these bits of an argument are this value."""
    return half, mask, value, True, then


def unless(half: int, value: int, then: Body, mask: int = EVERY_BIT) -> Question:
    """If they are not."""
    return half, mask, value, False, then


def table_for(key: str, machine: int, landlock: int = TRUNCATES, gate: int | None = None) -> Table:
    """One of TABLES. landlock: the ABI that is in force too; gate: where the path of the one program lies that may
    still be started.
    """
    table: Table = {}
    plain, named = TABLES[key](landlock, gate)
    for rows, body in plain:
        put(table, tables.numbers(rows, machine), body)
    for name, what in named.items():
        number = abi.PRLIMIT[machine] if name == "prlimit64" else tables.number(name, machine)
        put(table, [number], what)
    return table


def put(table: Table, numbers: Iterable[int], body: Body) -> None:
    for number in numbers:
        if number != tables.NONE:
            table[number] = body


def hardening(landlock: int, gate: int | None) -> Made:
    """What comes with every plan: ways around any of the rules."""
    received: Body = ((ask(low(2), RECEIVED_BY_ADDRESS[1], refused(ENOPROTOOPT)),), ALLOW)
    named: dict[str, Body] = {
        "unshare": ((unless(low(0), 0, NOT_ALLOWED, NEW_NAMESPACES),), ALLOW),
        "clone": ((unless(low(0), 0, NOT_ALLOWED, ITS_CLONE),), ALLOW),
        # Its arguments lie in memory; C libraries, Go and Rust then use clone.
        "clone3": UNKNOWN_CALL,
        "personality": (tuple([ask(low(0), value, ALLOW) for value in PERSONALITIES]), NOT_ALLOWED),
        "ioctl": (tuple([ask(low(1), number, NOT_ALLOWED) for number in (*TERMINAL_INPUT, FAULTS)]), ALLOW),
        "getsockopt": ((ask(low(1), RECEIVED_BY_ADDRESS[0], received),), ALLOW),
        "prctl": ((ask(low(0), SET_MEMORY_MAP, NOT_ALLOWED),), ALLOW),
        "seccomp": ((unless(low(1), 0, NOT_ALLOWED, NEW_LISTENER),), ALLOW),
    }
    return ((tables.FORBIDDEN, NOT_ALLOWED), (tables.ABSENT, UNKNOWN_CALL)), named


def starts(landlock: int, gate: int | None) -> Made:
    """Threads are no processes. A limit of no time, set for another process, is a signal by another name."""
    through: Body = NOT_ALLOWED
    if gate is not None:
        # Once that program runs, the place is gone, and it cannot know where it was.
        half = ask(high(0), gate >> 32, ALLOW)
        through = (ask(low(0), gate & EVERY_BIT, ((half,), NOT_ALLOWED)),), NOT_ALLOWED
    limits = (ask(low(0), 0, ALLOW), unless(low(2), 0, NOT_ALLOWED), unless(high(2), 0, NOT_ALLOWED))
    return (), {
        "execve": through,
        "execveat": NOT_ALLOWED,
        "fork": NOT_ALLOWED,
        "vfork": NOT_ALLOWED,
        "clone3": UNKNOWN_CALL,
        "clone": ((ask(low(0), 0, NOT_ALLOWED, CLONE_THREAD),), ALLOW),
        "prlimit64": (limits, ALLOW),
    }


def metadata(landlock: int, gate: int | None) -> Made:
    """Modes, owners, times, attributes; message queues."""
    requests = tuple([ask(low(1), request, NOT_ALLOWED) for request in FILE_ATTRIBUTES])
    return ((tables.METADATA, NOT_ALLOWED), (tables.QUEUES, NO_ACCESS)), {"ioctl": (requests, ALLOW)}


# Flags of files are refused all the same; and programs have older ways for these.
NEWEST = ("setxattrat", "removexattrat", "file_setattr")


def asked(landlock: int, gate: int | None) -> Made:
    """The same, where some folder may be written: who judges looks where the file lies."""
    rows = [row for row in tables.METADATA if row[0] not in NEWEST]
    newest = [row for row in tables.METADATA if row[0] in NEWEST]
    requests = tuple([ask(low(1), request, NOT_ALLOWED) for request in FILE_ATTRIBUTES])
    refused_too = (newest, UNKNOWN_CALL), (tables.QUEUES, NO_ACCESS)
    return ((rows, NOTIFY), *refused_too), {"ioctl": (requests, ALLOW)}


def reads(landlock: int, gate: int | None) -> Made:
    """What Landlock lets everybody read of files that cannot be opened. Programs know file systems without these."""
    return ((tables.ATTRIBUTES, refused(EOPNOTSUPP)),), {}


def watches(landlock: int, gate: int | None) -> Made:
    """Hearing of what happens in folders, as where nothing is left open for convenience: programs then look again."""
    return ((tables.WATCHES, NO_ACCESS),), {}


def objects(landlock: int, gate: int | None) -> Made:
    """System V's shared memory, semaphores and message queues, as where nothing is left open for convenience."""
    return ((tables.OBJECTS, NO_ACCESS),), {}


def openings(landlock: int, gate: int | None) -> Made:
    """What changing files can do that Landlock of this age does not see, or all of it where there is none."""
    if landlock:
        changes = [row for row in tables.CHANGES if row[0] == "truncate"]
        cut: Body = ((ask(low(1), O_TRUNC, NO_ACCESS, O_TRUNC),), ALLOW)
        cut_at: Body = ((ask(low(2), O_TRUNC, NO_ACCESS, O_TRUNC),), ALLOW)
        opened: Body = ((ask(low(1), 0, cut, O_ACCMODE),), ALLOW)
        opened_at: Body = ((ask(low(2), 0, cut_at, O_ACCMODE),), ALLOW)
    else:
        changes = list(tables.CHANGES)
        writes = O_ACCMODE | O_CREAT | O_TRUNC | O_TEMPORARY
        opened = ((unless(low(1), 0, NO_ACCESS, writes),), ALLOW)
        opened_at = ((unless(low(2), 0, NO_ACCESS, writes),), ALLOW)
    return ((changes, NO_ACCESS),), {"open": opened, "openat": opened_at, "openat2": UNKNOWN_CALL}


def sending() -> dict[str, Body]:
    """TCP Fast Open connects by sending."""
    return {
        name: ((unless(low(at), 0, refused(EOPNOTSUPP), FAST_OPEN),), ALLOW)
        for name, at in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3))
    }


# A datagram end could be aimed at any Unix socket by its path.
PAIRS: Body = (
    (
        unless(low(0), UNIX, NOT_ALLOWED),
        ask(low(1), STREAM, ALLOW, KIND),
        ask(low(1), SEQUENCED, ALLOW, KIND),
    ),
    NOT_ALLOWED,
)
# Others than TCP itself are not seen by Landlock: MPTCP connects past it.
ONLY_TCP: Body = ((ask(low(2), 0, ALLOW), ask(low(2), TCP, ALLOW)), refused(EPROTONOSUPPORT))
ONLY_UDP: Body = ((ask(low(2), 0, ALLOW), ask(low(2), UDP, ALLOW)), refused(EPROTONOSUPPORT))
UDP_ASKED: Body = ((ask(low(2), 0, NOTIFY), ask(low(2), UDP, NOTIFY)), refused(EPROTONOSUPPORT))
# Who lists the machine's interfaces copes with this error; libzmq ends the program at any other.
NO_NETLINK: tuple[Question, ...] = (ask(low(0), NETLINK, refused(EOPNOTSUPP)),)


def closed(landlock: int, gate: int | None) -> Made:
    """No socket at all, but pairs that lead nowhere else."""
    named = sending()
    named["sendto"] = (
        (
            unless(low(4), 0, NOT_ALLOWED),
            unless(high(4), 0, NOT_ALLOWED),
            unless(low(3), 0, refused(EOPNOTSUPP), FAST_OPEN),
        ),
        ALLOW,
    )
    refusals = dict.fromkeys(("socket", "connect", "bind", "listen"), NOT_ALLOWED)
    return (), {**named, **refusals, "socketpair": PAIRS}


def roughly(landlock: int, gate: int | None) -> Made:
    """The families and kinds of socket that programs use; where they lead is not seen."""
    kinds: Body = ((ask(low(1), STREAM, ONLY_TCP, KIND), ask(low(1), DATAGRAM, ONLY_UDP, KIND)), NOT_ALLOWED)
    families = (
        ask(low(0), UNIX, ALLOW),
        ask(low(0), INTERNET, kinds),
        ask(low(0), INTERNET6, kinds),
        ask(low(0), NETLINK, ALLOW),  # C looks there which kinds of address the machine has
    )
    return (), {**sending(), "socket": (families, NOT_ALLOWED)}


def judged(landlock: int, gate: int | None) -> Made:
    """Connections are made by whoever judges them; no socket exists that could send without one."""
    return (), judging(UDP_ASKED, (), NO_NETLINK, JOINS)


def judged_but_datagrams(landlock: int, gate: int | None) -> Made:
    """The same, but datagrams are what they were."""
    return (), judging(ONLY_UDP, (ask(low(1), DATAGRAM, ALLOW, KIND),), (ask(low(0), NETLINK, ALLOW),))


def judging(
    datagrams: Body,
    local: tuple[Question, ...],
    others: tuple[Question, ...],
    joins: Iterable[tuple[int, int]] = (),
) -> dict[str, Body]:
    """datagrams: what becomes of UDP sockets; local: further kinds of Unix socket; others: further families; joins:
    options that join groups. Where datagrams are what they were, so are these: programs use both on loopback.
    """
    kinds: Body = ((ask(low(1), STREAM, ONLY_TCP, KIND), ask(low(1), DATAGRAM, datagrams, KIND)), NOT_ALLOWED)
    plain: Body = ((ask(low(1), STREAM, ALLOW, KIND), ask(low(1), SEQUENCED, ALLOW, KIND), *local), NOT_ALLOWED)
    families = (ask(low(0), UNIX, plain), ask(low(0), INTERNET, kinds), ask(low(0), INTERNET6, kinds), *others)
    answers = (
        *[(pair, NOTHING_DONE) for pair in ERRORS_OF],
        *[(pair, NOT_ALLOWED) for pair in (*ROUTES, *DEVICES, *HEARS, *joins)],
    )
    options = tuple([ask(low(1), level, options_of(level, answers)) for level in (0, 1, 41, 270)])
    return {
        **sending(),
        **dict.fromkeys(("connect", "bind", "listen"), NOTIFY),
        "socket": (families, NOT_ALLOWED),
        "socketpair": PAIRS,
        "setsockopt": (options, ALLOW),
    }


def options_of(level: int, answers: Iterable[tuple[tuple[int, int], int]]) -> Body:
    """What becomes of the options of a socket, at one level."""
    return tuple([ask(low(2), pair[1], answer) for pair, answer in answers if pair[0] == level]), ALLOW


def made(landlock: int, gate: int | None) -> Made:
    """The same, where who judges gets no descriptor of the program's: it makes every socket, and keeps a duplicate."""
    return (), making((), NO_NETLINK, JOINS)


def made_but_datagrams(landlock: int, gate: int | None) -> Made:
    return (), making((ask(low(1), DATAGRAM, NOTIFY, KIND),), (ask(low(0), NETLINK, NOTIFY),))


def making(
    local: tuple[Question, ...], others: tuple[Question, ...], joins: Iterable[tuple[int, int]] = ()
) -> dict[str, Body]:
    """See ``judging``."""
    tcp: Body = ((ask(low(2), 0, NOTIFY), ask(low(2), TCP, NOTIFY)), refused(EPROTONOSUPPORT))
    kinds: Body = ((ask(low(1), STREAM, tcp, KIND), ask(low(1), DATAGRAM, UDP_ASKED, KIND)), NOT_ALLOWED)
    plain: Body = ((ask(low(1), STREAM, NOTIFY, KIND), ask(low(1), SEQUENCED, NOTIFY, KIND), *local), NOT_ALLOWED)
    families = (ask(low(0), UNIX, plain), ask(low(0), INTERNET, kinds), ask(low(0), INTERNET6, kinds), *others)
    return {**judging(NOTIFY, (), (), joins), "socket": (families, NOT_ALLOWED)}


CHANGED: Body = ((unless(low(2), 0, NO_ACCESS, MAY_EXECUTE),), ALLOW)
LOCKED: dict[str, Body] = {
    "mmap": CHANGED,
    "mprotect": CHANGED,
    "pkey_mprotect": CHANGED,
    "shmat": ((unless(low(2), 0, NO_ACCESS, SHARED_EXECUTE),), ALLOW),
}


def no_code(landlock: int, gate: int | None) -> Made:
    """No memory becomes code."""
    return (), LOCKED


def no_new_code(landlock: int, gate: int | None) -> Made:
    """The same, but libraries on the disk may be mapped."""
    unsafe: Body = ((unless(low(3), 0, NO_ACCESS, ANONYMOUS), unless(low(2), 0, NO_ACCESS, MAY_WRITE)), ALLOW)
    return (), {**LOCKED, "mmap": ((unless(low(2), 0, unsafe, MAY_EXECUTE),), ALLOW)}


TABLES: dict[str, Callable[[int, int | None], Made]] = {
    "hardening": hardening,
    "starts": starts,
    "metadata": metadata,
    "openings": openings,
    "objects": objects,
    "reads": reads,
    "watches": watches,
    "closed": closed,
    "roughly": roughly,
    "judged": judged,
    "judged but datagrams": judged_but_datagrams,
    "made": made,
    "made but datagrams": made_but_datagrams,
    "asked": asked,
    "no code": no_code,
    "no new code": no_new_code,
}


def program_for(keys: Iterable[str], machine: int, landlock: int, gate: int | None) -> bytes:
    """One filter of these tables."""
    table: Table = {}
    for key in keys:
        for number, body in table_for(key, machine, landlock, gate).items():
            table[number] = body if number not in table else both(table[number], body)
    return assemble(table, machine)


def both(one: Body, other: Body) -> Body:
    """What refuses whatever either refuses. ValueError where that takes more than asking one after the other."""
    if one == other:
        return one
    if isinstance(one, int) or isinstance(other, int) or one[1] != ALLOW or other[1] != ALLOW:
        raise ValueError("two tables name one call, and it is not only refused by them")
    if any(isinstance(question[4], tuple) or question[4] == ALLOW for question in (*one[0], *other[0])):
        raise ValueError("two tables have questions about one call that allow it")
    return (*one[0], *other[0]), ALLOW
