"""seccomp: which system calls a process and all its children may make, and with which arguments.

``table_for`` works out from a plan what becomes of each call, as a value; only
``install`` touches the kernel.
"""

from __future__ import annotations

from errno import EACCES, EFAULT, ENOSYS, EOPNOTSUPP, EPERM, EPROTONOSUPPORT

from ....capabilities.confinement import NO_NATIVE, NO_NETWORK, NO_STARTS, NO_WRITES
from ..plan import CLOSED, JUDGED, ROUGHLY, TRUNCATES, leaves_datagrams
from . import abi
from .bpf import ALLOW, EVERY_BIT, NOTIFY, assemble, high, low, refused
from .syscalls import address_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..plan import Plan
    from .bpf import Body, Question
    from .syscalls import Calls

    Table = dict[int, Body]

NOT_ALLOWED, NO_ACCESS, UNKNOWN_CALL = refused(EPERM), refused(EACCES), refused(ENOSYS)
NOTHING_DONE = refused(0)

# --- flags ---

NEW_NAMESPACES, ITS_CLONE, CLONE_THREAD = 0x7E020080, 0x7E020000, 0x10000
PERSONALITIES = (0, 0xFFFFFFFF)
TERMINAL_INPUT = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
FILE_ATTRIBUTES = (0x40086602, 0x40046602, 0x401C5820)  # FS_IOC_SETFLAGS in two sizes, FS_IOC_FSSETXATTR
SET_MEMORY_MAP, NEW_LISTENER = 35, 8
UNIX, INTERNET, INTERNET6 = 1, 2, 10
STREAM, DATAGRAM, SEQUENCED, KIND = 1, 2, 5, 0xF
TCP, UDP, NETLINK = 6, 17, 16
FAST_OPEN = 0x20000000
ERRORS_OF = ((0, 11), (41, 25))  # IP_RECVERR, IPV6_RECVERR: C's resolver insists on them
MAY_EXECUTE, MAY_WRITE, ANONYMOUS, SHARED_EXECUTE = 4, 2, 0x20, 0o100000
O_ACCMODE, O_TRUNC, O_CREAT, O_TEMPORARY = 3, 0o1000, 0o100, 0o20000000


def ask(half: int, value: int, then: Body, mask: int = EVERY_BIT) -> Question:
    """If these bits of an argument are this value."""
    return half, mask, value, True, then


def unless(half: int, value: int, then: Body, mask: int = EVERY_BIT) -> Question:
    """If they are not."""
    return half, mask, value, False, then


def table_for(plan: Plan, machine: int, landlock: int, own: int, gate: int | None = None) -> Table:
    """What becomes of each call. landlock: the ABI that is in force too; own: the id of this process.

    gate: where the path of the one program lies that may still be started.
    """
    table: Table = {}
    put(table, abi.numbers(abi.FORBIDDEN, machine), NOT_ALLOWED)
    put(table, abi.numbers(abi.ABSENT, machine), UNKNOWN_CALL)
    named: dict[str, Body] = {}
    named.update(hardening(plan))
    if NO_STARTS in plan.taken:
        named.update(starts(gate))
        table[abi.PRLIMIT[machine]] = limits(own)
    if NO_WRITES in plan.taken:
        if not plan.write:
            put(table, abi.numbers(abi.METADATA, machine), NOT_ALLOWED)
        if not landlock:
            put(table, abi.numbers(abi.CHANGES, machine), NO_ACCESS)
        named.update(openings(landlock))
        if landlock < TRUNCATES:
            put(table, abi.numbers([row for row in abi.CHANGES if row[0] == "truncate"], machine), NO_ACCESS)
    if NO_NETWORK in plan.taken:
        named.update(NETWORK[plan.network](plan))
    if NO_NATIVE in plan.taken:
        named.update(mappings(plan))
    for name, body in named.items():
        put(table, [abi.number(name, machine)], body)
    return table


def put(table: Table, numbers: Iterable[int], body: Body) -> None:
    for number in numbers:
        if number != abi.NONE:
            table[number] = body


def hardening(plan: Plan) -> dict[str, Body]:
    """What comes with every plan: ways around any of the rules."""
    requests = TERMINAL_INPUT + (FILE_ATTRIBUTES if NO_WRITES in plan.taken and not plan.write else ())
    return {
        "unshare": ((unless(low(0), 0, NOT_ALLOWED, NEW_NAMESPACES),), ALLOW),
        "clone": ((unless(low(0), 0, NOT_ALLOWED, ITS_CLONE),), ALLOW),
        # Its arguments lie in memory; C libraries, Go and Rust then use clone.
        "clone3": UNKNOWN_CALL,
        "personality": (tuple([ask(low(0), value, ALLOW) for value in PERSONALITIES]), NOT_ALLOWED),
        "ioctl": (tuple([ask(low(1), request, NOT_ALLOWED) for request in requests]), ALLOW),
        "prctl": ((ask(low(0), SET_MEMORY_MAP, NOT_ALLOWED),), ALLOW),
        "seccomp": ((unless(low(1), 0, NOT_ALLOWED, NEW_LISTENER),), ALLOW),
    }


def starts(gate: int | None) -> dict[str, Body]:
    """Threads are no processes. gate: see ``table_for``."""
    through: Body = NOT_ALLOWED
    if gate is not None:
        # Once that program runs, the place is gone, and it cannot know where it was.
        half = ask(high(0), gate >> 32, ALLOW)
        through = (ask(low(0), gate & EVERY_BIT, ((half,), NOT_ALLOWED)),), NOT_ALLOWED
    return {
        "execve": through,
        "execveat": NOT_ALLOWED,
        "fork": NOT_ALLOWED,
        "vfork": NOT_ALLOWED,
        "clone": (
            (unless(low(0), 0, NOT_ALLOWED, ITS_CLONE), ask(low(0), 0, NOT_ALLOWED, CLONE_THREAD)),
            ALLOW,
        ),
    }


def limits(own: int) -> Body:
    """prlimit: a limit of no time is a signal by another name. Asking is none."""
    return (
        (
            ask(low(0), 0, ALLOW),
            ask(low(0), own, ALLOW),
            unless(low(2), 0, NOT_ALLOWED),
            unless(high(2), 0, NOT_ALLOWED),
        ),
        ALLOW,
    )


def openings(landlock: int) -> dict[str, Body]:
    """What opening can do that Landlock of this age does not see."""
    if landlock >= TRUNCATES:
        return {}
    if landlock:
        found = {}
        for name, flags in (("open", low(1)), ("openat", low(2))):
            cut: Body = ((ask(flags, O_TRUNC, NO_ACCESS, O_TRUNC),), ALLOW)
            found[name] = (ask(flags, 0, cut, O_ACCMODE),), ALLOW
    else:
        writes = O_ACCMODE | O_CREAT | O_TRUNC | O_TEMPORARY
        found = {
            name: ((unless(flags, 0, NO_ACCESS, writes),), ALLOW)
            for name, flags in (("open", low(1)), ("openat", low(2)))
        }
    return {**found, "openat2": UNKNOWN_CALL}


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


def closed(plan: Plan) -> dict[str, Body]:
    """No socket at all, but pairs that lead nowhere else."""
    sent = sending()
    sent["sendto"] = (
        (
            unless(low(4), 0, NOT_ALLOWED),
            unless(high(4), 0, NOT_ALLOWED),
            unless(low(3), 0, refused(EOPNOTSUPP), FAST_OPEN),
        ),
        ALLOW,
    )
    refusals = dict.fromkeys(("socket", "connect", "bind", "listen"), NOT_ALLOWED)
    return {**sent, **refusals, "socketpair": PAIRS}


def roughly(plan: Plan) -> dict[str, Body]:
    """The families and kinds of socket that programs use; where they lead is not seen."""
    kinds: Body = ((ask(low(1), STREAM, ONLY_TCP, KIND), ask(low(1), DATAGRAM, ONLY_UDP, KIND)), NOT_ALLOWED)
    families = [ask(low(0), UNIX, ALLOW), ask(low(0), INTERNET, kinds), ask(low(0), INTERNET6, kinds)]
    if plan.names or plan.localhost:
        families.append(ask(low(0), NETLINK, ALLOW))  # C looks there which kinds of address the machine has
    return {**sending(), "socket": (tuple(families), NOT_ALLOWED)}


def judged(plan: Plan) -> dict[str, Body]:
    """Connections are made by whoever judges them; no socket exists that could send without one."""
    datagrams = ONLY_UDP if leaves_datagrams(plan) else NOTIFY
    kinds: Body = ((ask(low(1), STREAM, ONLY_TCP, KIND), ask(low(1), DATAGRAM, datagrams, KIND)), NOT_ALLOWED)
    local = [ask(low(1), STREAM, ALLOW, KIND), ask(low(1), SEQUENCED, ALLOW, KIND)]
    if leaves_datagrams(plan):
        local.append(ask(low(1), DATAGRAM, ALLOW, KIND))
    plain: Body = (tuple(local), NOT_ALLOWED)
    families = [ask(low(0), UNIX, plain), ask(low(0), INTERNET, kinds), ask(low(0), INTERNET6, kinds)]
    options = tuple([ask(low(1), level, ((ask(low(2), option, NOTHING_DONE),), ALLOW)) for level, option in ERRORS_OF])
    asked = dict.fromkeys(("connect", "bind", "listen"), NOTIFY)
    if leaves_datagrams(plan):
        families.append(ask(low(0), NETLINK, ALLOW))
    return {
        **sending(),
        **asked,
        "socket": (tuple(families), NOT_ALLOWED),
        "socketpair": PAIRS,
        "setsockopt": (options, ALLOW),
    }


NETWORK = {CLOSED: closed, JUDGED: judged, ROUGHLY: roughly}


def mappings(plan: Plan) -> dict[str, Body]:
    """No memory becomes code. Unless everything shall be held, libraries on the disk may still be mapped."""
    if plan.whole:
        mapped: Body = ((unless(low(2), 0, NO_ACCESS, MAY_EXECUTE),), ALLOW)
    else:
        unsafe: Body = (
            (unless(low(3), 0, NO_ACCESS, ANONYMOUS), unless(low(2), 0, NO_ACCESS, MAY_WRITE)),
            ALLOW,
        )
        mapped = ((unless(low(2), 0, unsafe, MAY_EXECUTE),), ALLOW)
    changed: Body = ((unless(low(2), 0, NO_ACCESS, MAY_EXECUTE),), ALLOW)
    return {
        "mmap": mapped,
        "mprotect": changed,
        "pkey_mprotect": changed,
        "shmat": ((unless(low(2), 0, NO_ACCESS, SHARED_EXECUTE),), ALLOW),
    }


# --- the kernel ---

SET_FILTER, EVERY_THREAD, WITH_LISTENER, NO_NEW_PRIVILEGES = 1, 1, 8, 38


def missing(calls: Calls, machine: int) -> str:
    """Why no filter can be put on, or an empty text."""
    error = calls.fails(abi.SECCOMP[machine], SET_FILTER, 0, None)
    if error == EFAULT:
        return ""
    return "seccomp is not in this kernel" if error == ENOSYS else "seccomp is refused here, by a container perhaps"


def gain_nothing(calls: Calls, machine: int) -> None:
    """From now on no program that is started gains privileges: sudo and ping do not work. Needed for the rest."""
    calls(abi.PRCTL[machine], NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def install(calls: Calls, program: bytes, machine: int, flags: int = EVERY_THREAD) -> int:
    """Put a filter on every thread; returns what the kernel did (a listener's descriptor). OSError if it is not on."""
    record = int.to_bytes(len(program) // 8, 8, "little") + int.to_bytes(address_of(program), 8, "little")
    result = calls(abi.SECCOMP[machine], SET_FILTER, flags, record)
    if flags == EVERY_THREAD and result > 0:
        # The id of a thread that has a filter of its own; nothing was put on.
        raise OSError(EPERM, f"thread {result} has a filter of its own")
    return result


def program_for(plan: Plan, machine: int, landlock: int, own: int, gate: int | None) -> bytes:
    """The filter of a plan."""
    return assemble(table_for(plan, machine, landlock, own, gate), machine)
