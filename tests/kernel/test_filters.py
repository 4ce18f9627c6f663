"""The assembled filters do what their table says, on both machines; nothing here needs a kernel."""

from __future__ import annotations

import itertools
import random

import pytest

from _hermetic.capabilities.confinement import NO_NATIVE, NO_NETWORK, NO_READS, NO_STARTS, NO_WRITES
from _hermetic.enforce.kernel.linux import abi, filters, tables
from _hermetic.enforce.kernel.linux.bpf import ALLOW, KILL, NOTIFY, assemble, listing, refused
from _hermetic.enforce.kernel.linux.seccomp import TABLES, program_for, table_for
from _hermetic.enforce.kernel.plan import CLOSED, JUDGED, LEFT_TO_GUARDS, ROUGHLY, Plan

from .simulator import halves, interesting, run, said

MACHINES = {"x86_64": abi.X86_64, "aarch64": abi.AARCH64}
HIGHEST = 600


def calls_worth_trying(table, seed):
    """Numbers with arguments: every number once, and those with questions by every value that makes a difference."""
    dice = random.Random(seed)
    for number in range(HIGHEST):
        yield number, tuple(dice.getrandbits(64) for _ in range(6))
        body = table.get(number, ALLOW)
        asked = sorted(halves(body))
        values = sorted(interesting(body))
        for chosen in itertools.islice(itertools.product(values, repeat=len(asked)), 400):
            arguments = [0] * 6
            for half, value in zip(asked, chosen, strict=True):
                arguments[half // 2] |= value << (32 * (half % 2))
            yield number, tuple(arguments)


@pytest.mark.parametrize("landlock", [0, 2, 7])
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("key", TABLES)
def test_the_filter_does_what_the_table_says(key, machine, landlock):
    for gate in (None, 0x2A5B_1234_5678):
        table = table_for(key, machine, landlock, gate)
        program = assemble(table, machine)
        longest = 0
        for number, arguments in calls_worth_trying(table, 1):
            action, steps = run(program, tables.AUDIT_ARCH[machine], number, arguments)
            assert action == said(table.get(number, ALLOW), arguments), (number, arguments)
            longest = max(longest, steps)
        assert longest < 50
        assert len(program) // 8 <= 4096  # the kernel's limit


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_ready_made_filters_are_what_the_tables_say(machine):
    ready = filters.ready_made(machine)
    assert len(ready) == 21
    for key, program in ready.items():
        assert program == program_for(key.split(filters.AND), machine, 7, None)


def refuses_more(one, other):
    """The kernel's order: an error, then asking, then allowing."""
    order = {ALLOW: 2, NOTIFY: 1}
    return one if order.get(one, 0) <= order.get(other, 0) else other


JOINED = [
    *filters.ready_made(abi.X86_64),
    *("made and asked and hardening and starts", "asked and hardening", "closed and hardening and starts and metadata"),
    "judged but datagrams and asked and hardening",
]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("key", JOINED)
def test_several_tables_in_one_filter_refuse_what_each_of_them_does(key, machine):
    made = [table_for(part, machine) for part in key.split(filters.AND)]
    program = filters.program(key, machine, 7, None)
    for table in made:
        for number in table:
            for _, arguments in itertools.islice(calls_worth_trying({number: table[number]}, 2), number, number + 60):
                expected = ALLOW
                for other in made:
                    expected = refuses_more(said(other.get(number, ALLOW), arguments), expected)
                assert run(program, tables.AUDIT_ARCH[machine], number, arguments)[0] == expected, (number, arguments)


def test_tables_that_cannot_be_joined_are_not():
    for one, other in (("closed", "judged"), ("asked", "metadata"), ("no code", "no new code")):
        with pytest.raises(ValueError):
            program_for((one, other), abi.X86_64, 7, None)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("key", TABLES)
def test_other_calling_conventions_do_not_pass(key, machine):
    program = program_for((key,), machine, 7, None)
    for foreign in (0x40000003, 0x40000028, 0xC0000015, tables.AUDIT_ARCH[1 - machine]):
        assert run(program, foreign, 1, (0,) * 6)[0] == KILL
    x32 = run(program, tables.AUDIT_ARCH[machine], 0x40000000 + 1, (0,) * 6)[0]
    assert x32 == (refused(38) if machine == abi.X86_64 else ALLOW)


def test_jumps_that_are_too_far_for_a_comparison_are_made_in_two_steps():
    table = {number: refused(number % 7 + 1) for number in range(0, 3000, 2)}
    program = assemble(table, abi.X86_64)
    for number in range(3100):
        assert run(program, tables.AUDIT_ARCH[0], number, (0,) * 6)[0] == table.get(number, ALLOW)


@pytest.mark.parametrize(
    ("fields", "landlock", "expected"),
    [
        ({"taken": ()}, 7, ["hardening"]),
        ({"taken": (NO_STARTS,)}, 7, ["hardening and starts"]),
        ({"taken": (NO_WRITES,)}, 7, ["hardening and metadata"]),
        ({"taken": (NO_WRITES,), "write": ("/tmp",), "metadata": LEFT_TO_GUARDS}, 7, ["hardening"]),
        ({"taken": (NO_WRITES,), "write": ("/tmp",)}, 7, ["asked and hardening"]),
        ({"taken": (NO_WRITES, NO_NETWORK), "write": ("/tmp",)}, 7, ["judged and asked and hardening"]),
        ({"taken": (NO_WRITES,), "whole": True}, 7, ["hardening and metadata", "objects"]),
        ({"taken": (NO_WRITES,)}, 2, ["hardening and metadata", "openings"]),
        ({"taken": (NO_NETWORK,), "network": CLOSED}, 7, ["closed and hardening"]),
        ({"taken": (NO_NETWORK,), "network": ROUGHLY}, 7, ["roughly and hardening"]),
        ({"taken": (NO_NETWORK,), "network": JUDGED}, 7, ["judged and hardening"]),
        ({"taken": (NO_NETWORK,), "network": JUDGED, "names": ("a.b",)}, 7, ["judged and hardening"]),
        ({"taken": (NO_NETWORK,), "localhost": True}, 7, ["judged but datagrams and hardening"]),
        ({"taken": (NO_NETWORK,), "localhost": True, "whole": True}, 7, ["judged and hardening"]),
        ({"taken": (NO_READS,), "read": ("/srv",)}, 7, ["hardening", "reads"]),
        ({"taken": (NO_READS,), "read": ("/srv",), "whole": True}, 7, ["hardening", "reads and watches"]),
        ({"taken": (NO_READS,), "read": ("/",)}, 7, ["hardening"]),
        ({"taken": (NO_STARTS, NO_NATIVE)}, 7, ["hardening and starts", "no new code"]),
        ({"taken": (NO_STARTS, NO_NATIVE), "whole": True}, 7, ["hardening and starts", "no code"]),
        ({"taken": (NO_STARTS, NO_WRITES, NO_NETWORK)}, 7, ["judged and hardening and starts and metadata"]),
    ],
)
def test_the_filters_of_a_plan(fields, landlock, expected):
    plan = Plan(**{**fields, "taken": frozenset(fields["taken"])})
    assert filters.keys_for(plan, landlock) == expected
    # Where who judges makes the sockets, these have other filters.
    made = [key.replace("judged", "made") for key in expected]
    assert filters.keys_for(plan, landlock, True) == made


def test_where_one_program_may_start_that_is_a_filter_of_its_own():
    plan = Plan(taken=frozenset((NO_STARTS, NO_WRITES)))
    assert filters.keys_for(plan, 7, gated=True) == ["hardening and metadata", "starts"]
    assert filters.program("starts", abi.X86_64, 7, 1 << 40) == program_for(("starts",), abi.X86_64, 7, 1 << 40)


def number(name, machine=0):
    return tables.number(name, machine)


def ends(key, name, *arguments, machine=0, landlock=7, gate=None):
    words = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    return said(table_for(key, machine, landlock, gate).get(number(name, machine), ALLOW), words)


EPERM, EACCES, ENOSYS, EPROTO, EOPNOTSUPP = map(refused, (1, 13, 38, 93, 95))
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG = 1, 2, 10, 16, 17, 40, 38
STREAM, DGRAM, RAW, SEQPACKET, CLOEXEC = 1, 2, 3, 5, 0o2000000
THREAD = 0x10000 | 0x100 | 0x200 | 0x400 | 0x800  # what pthread_create asks clone for, in part
NETWORK_CASES = [
    # plan, call, arguments, what becomes of it
    ("closed", "socket", (AF_INET, STREAM, 0), EPERM),
    ("closed", "socket", (AF_UNIX, STREAM, 0), EPERM),
    ("closed", "socketpair", (AF_UNIX, STREAM | CLOEXEC, 0), ALLOW),
    ("closed", "socketpair", (AF_UNIX, SEQPACKET, 0), ALLOW),
    ("closed", "socketpair", (AF_UNIX, DGRAM, 0), EPERM),
    ("closed", "sendto", (3, 1, 1, 0, 0, 0), ALLOW),
    ("closed", "sendto", (3, 1, 1, 0, 1 << 40, 16), EPERM),
    ("closed", "sendto", (3, 1, 1, 0x20000000, 0, 0), EOPNOTSUPP),
    ("closed", "sendmsg", (3, 1, 0x20000000), EOPNOTSUPP),
    ("closed", "sendmmsg", (3, 1, 1, 0x20000000), EOPNOTSUPP),
    ("closed", "listen", (3, 1), EPERM),
    ("made", "socket", (AF_INET, STREAM | CLOEXEC, 6), NOTIFY),
    ("made", "socket", (AF_INET6, STREAM, 262), EPROTO),
    ("made", "socket", (AF_INET, DGRAM, 17), NOTIFY),
    ("made", "socket", (AF_INET, DGRAM, 1), EPROTO),
    ("made", "socket", (AF_INET, RAW, 1), EPERM),
    ("made", "socket", (AF_UNIX, STREAM, 0), NOTIFY),
    ("made", "socket", (AF_UNIX, DGRAM, 0), EPERM),
    ("made", "socket", (AF_NETLINK, RAW, 0), EOPNOTSUPP),
    ("made", "socket", (AF_VSOCK, STREAM, 0), EPERM),
    ("made", "sendto", (3, 1, 1, 0x20000000, 0, 0), EOPNOTSUPP),
    ("made", "connect", (3, 1, 16), NOTIFY),
    ("made but datagrams", "socket", (AF_UNIX, DGRAM, 0), NOTIFY),
    ("made but datagrams", "socket", (AF_NETLINK, RAW, 0), NOTIFY),
    ("made but datagrams", "socket", (AF_PACKET, RAW, 0), EPERM),
    ("roughly", "socket", (AF_INET, STREAM | CLOEXEC, 6), ALLOW),
    ("roughly", "socket", (AF_INET, STREAM, 262), EPROTO),
    ("roughly", "socket", (AF_INET6, STREAM, 132), EPROTO),
    ("roughly", "socket", (AF_INET, DGRAM, 0), ALLOW),
    ("roughly", "socket", (AF_INET, DGRAM, 1), EPROTO),
    ("roughly", "socket", (AF_INET, RAW, 1), EPERM),
    ("roughly", "socket", (AF_PACKET, DGRAM, 0), EPERM),
    ("roughly", "socket", (AF_VSOCK, STREAM, 0), EPERM),
    ("roughly", "socket", (AF_ALG, SEQPACKET, 0), EPERM),
    ("roughly", "socket", (AF_NETLINK, RAW, 0), ALLOW),
    ("judged", "socket", (AF_INET, DGRAM, 0), NOTIFY),
    ("judged", "socket", (AF_INET6, DGRAM | CLOEXEC, 17), NOTIFY),
    ("judged", "socket", (AF_INET, DGRAM, 1), EPROTO),
    ("judged", "socket", (AF_INET6, DGRAM, 136), EPROTO),
    ("judged", "socket", (AF_INET, STREAM, 0), ALLOW),
    ("judged", "socket", (AF_INET, STREAM, 262), EPROTO),
    ("judged", "socket", (AF_UNIX, DGRAM, 0), EPERM),
    ("judged", "socket", (AF_UNIX, STREAM, 0), ALLOW),
    ("judged", "socket", (AF_NETLINK, RAW, 0), EOPNOTSUPP),
    ("judged but datagrams", "socket", (AF_INET, DGRAM, 0), ALLOW),
    ("judged but datagrams", "socket", (AF_INET, DGRAM, 136), EPROTO),
    ("judged but datagrams", "socket", (AF_PACKET, DGRAM, 0), EPERM),
    ("judged", "connect", (3, 1, 16), NOTIFY),
    ("judged", "listen", (3, 1), NOTIFY),
    ("judged", "setsockopt", (3, 0, 11), refused(0)),
    ("judged", "setsockopt", (3, 41, 25), refused(0)),
    ("judged", "setsockopt", (3, 6, 1), ALLOW),
    ("judged", "setsockopt", (3, 0, 4), refused(1)),
    ("made", "setsockopt", (3, 41, 57), refused(1)),
    ("judged but datagrams", "setsockopt", (3 | 1 << 32, 41 | 1 << 32, 5 | 1 << 32), refused(1)),
    ("judged", "setsockopt", (3, 41, 6), refused(1)),
    ("judged", "setsockopt", (3, 41, 4), ALLOW),
]
OTHER_CASES = [
    ("starts", "execve", (), EPERM),
    ("starts", "execveat", (), EPERM),
    ("starts", "fork", (), EPERM),
    ("starts", "clone", (17,), EPERM),
    ("starts", "clone", (THREAD,), ALLOW),
    ("starts", "clone3", (), ENOSYS),
    ("hardening", "clone", (17,), ALLOW),
    ("hardening", "clone", (17 | 0x10000000,), EPERM),
    ("hardening", "unshare", (0x10000000,), EPERM),
    ("hardening", "unshare", (0x400,), ALLOW),
    ("hardening", "personality", (0xFFFFFFFF,), ALLOW),
    ("hardening", "personality", (0x0040000,), EPERM),
    ("hardening", "ioctl", (0, 0x5412), EPERM),
    ("hardening", "ioctl", (0, 0x5412 | 1 << 32), EPERM),
    ("hardening", "ioctl", (0, 0xAA00), EPERM),
    ("hardening", "getsockopt", (3, 6, 35), refused(92)),
    ("hardening", "getsockopt", (3, 6 | 1 << 32, 35 | 1 << 32), refused(92)),
    ("hardening", "getsockopt", (3, 6, 11), ALLOW),
    ("hardening", "getsockopt", (3, 1, 35), ALLOW),
    ("hardening", "ioctl", (0, 0x5401), ALLOW),
    ("hardening", "ioctl", (0, 0x40086602), ALLOW),
    ("metadata", "ioctl", (3, 0x40086602), EPERM),
    ("hardening", "prctl", (35,), EPERM),
    ("hardening", "prctl", (38,), ALLOW),
    ("hardening", "seccomp", (1, 8), EPERM),
    ("hardening", "seccomp", (1, 0), ALLOW),
    ("no code", "mmap", (0, 4096, 5, 2), EACCES),
    ("no code", "mmap", (0, 4096, 3, 0x22), ALLOW),
    ("no new code", "mmap", (0, 4096, 5, 2, 3), ALLOW),
    ("no new code", "mmap", (0, 4096, 5, 0x22), EACCES),
    ("no new code", "mmap", (0, 4096, 7, 2, 3), EACCES),
    ("no code", "mprotect", (0, 4096, 5), EACCES),
    ("no code", "mprotect", (0, 4096, 1), ALLOW),
    ("no code", "shmat", (1, 0, 0o100000), EACCES),
]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize(("key", "name", "arguments", "becomes"), NETWORK_CASES + OTHER_CASES)
def test_what_becomes_of_a_call(key, name, arguments, becomes, machine):
    if number(name, machine) == tables.NONE:
        pytest.skip("this machine does not have the call")
    assert ends(key, name, *arguments, machine=machine) == becomes


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_below_abi_3_truncation_is_the_filters(machine):
    for landlock, becomes in ((1, EACCES), (2, EACCES)):
        assert ends("openings", "openat", -100, 1, 0o1000, machine=machine, landlock=landlock) == becomes
        assert ends("openings", "openat", -100, 1, 0o1001, machine=machine, landlock=landlock) == ALLOW
        table = table_for("openings", machine, landlock)
        truncate = {row[0]: row[1 + machine] for row in tables.CHANGES}["truncate"]
        assert table.get(truncate, ALLOW) == becomes


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("flags", [1, 2, 0o100, 0o1000, 0o20000000, 0o101])
def test_without_landlock_opening_to_write_is_the_filters(flags, machine):
    assert ends("openings", "openat", -100, 1, flags, machine=machine, landlock=0) == EACCES
    assert ends("openings", "openat", -100, 1, 0o2200000, machine=machine, landlock=0) == ALLOW
    table = table_for("openings", machine, 0)
    for row in tables.CHANGES:
        assert row[1 + machine] == tables.NONE or table[row[1 + machine]] == EACCES


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_limits_of_others_are_not_set(machine):
    body = table_for("starts", machine)[abi.PRLIMIT[machine]]
    assert said(body, (0, 1, 1 << 40, 0, 0, 0)) == ALLOW
    assert said(body, (4243, 1, 0, 1, 0, 0)) == ALLOW
    assert said(body, (4243, 1, 1 << 40, 0, 0, 0)) == EPERM


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_gate_lets_one_path_through(machine):
    gate = 0x2A5B_1234_5678
    for place, becomes in (
        (gate, ALLOW),
        (gate + 1, EPERM),
        (gate & 0xFFFFFFFF, EPERM),
        (gate + (1 << 32), EPERM),
        (0, EPERM),
    ):
        assert ends("starts", "execve", place, machine=machine, gate=gate) == becomes
    assert ends("starts", "execveat", 0, gate, machine=machine, gate=gate) == EPERM


def test_a_filter_can_be_read():
    lines = listing(assemble({1: refused(1), 2: NOTIFY}, abi.X86_64))
    assert lines[0] == "0: load word at 4"
    assert any(line.endswith("errno 1") for line in lines)
    assert any(line.endswith("ask") for line in lines)
    assert any(line.endswith("allow") for line in lines)
