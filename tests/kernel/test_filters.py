"""The assembled filters do what their table says, on both machines; nothing here needs a kernel."""

from __future__ import annotations

import itertools
import random

import pytest
from simulator import halves, interesting, run, said

from _hermetic.capabilities.confinement import NO_NATIVE, NO_NETWORK, NO_READS, NO_STARTS, NO_WRITES
from _hermetic.enforce.kernel.linux import abi, seccomp
from _hermetic.enforce.kernel.linux.bpf import ALLOW, KILL, NOTIFY, assemble, listing, refused
from _hermetic.enforce.kernel.plan import CLOSED, JUDGED, ROUGHLY, Plan

EVERYTHING = frozenset({NO_NETWORK, NO_STARTS, NO_WRITES, NO_READS, NO_NATIVE})
PLANS = {
    "hardening": Plan(taken=frozenset()),
    "starts": Plan(taken=frozenset({NO_STARTS})),
    "writes": Plan(taken=frozenset({NO_WRITES})),
    "writes but below": Plan(taken=frozenset({NO_WRITES}), write=("/tmp",)),
    "closed": Plan(taken=frozenset({NO_NETWORK}), network=CLOSED),
    "judged": Plan(taken=frozenset({NO_NETWORK}), network=JUDGED),
    "judged, with loopback": Plan(taken=frozenset({NO_NETWORK}), network=JUDGED, localhost=True),
    "roughly": Plan(taken=frozenset({NO_NETWORK}), network=ROUGHLY),
    "roughly, with names": Plan(taken=frozenset({NO_NETWORK}), network=ROUGHLY, names=("example.com",)),
    "everything": Plan(taken=EVERYTHING, network=CLOSED, whole=True),
    "everything, with judgement": Plan(taken=EVERYTHING, network=JUDGED),
}
MACHINES = {"x86_64": abi.X86_64, "aarch64": abi.AARCH64}
HIGHEST = 600


def table_of(plan, machine, landlock=7):
    return seccomp.table_for(plan, machine, landlock, 4242)


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
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_filter_does_what_the_table_says(plan, machine, landlock):
    table = table_of(plan, machine, landlock)
    program = assemble(table, machine)
    longest = 0
    for number, arguments in calls_worth_trying(table, 1):
        action, steps = run(program, abi.AUDIT_ARCH[machine], number, arguments)
        assert action == said(table.get(number, ALLOW), arguments), (number, arguments)
        longest = max(longest, steps)
    assert longest < 50
    assert len(program) // 8 <= 4096  # the kernel's limit


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_other_calling_conventions_do_not_pass(plan, machine):
    program = assemble(table_of(plan, machine), machine)
    for foreign in (0x40000003, 0x40000028, 0xC0000015, abi.AUDIT_ARCH[1 - machine]):
        assert run(program, foreign, 1, (0,) * 6)[0] == KILL
    x32 = run(program, abi.AUDIT_ARCH[machine], 0x40000000 + 1, (0,) * 6)[0]
    assert x32 == (refused(38) if machine == abi.X86_64 else ALLOW)


def test_jumps_that_are_too_far_for_a_comparison_are_made_in_two_steps():
    table = {number: refused(number % 7 + 1) for number in range(0, 3000, 2)}
    program = assemble(table, abi.X86_64)
    for number in range(3100):
        assert run(program, abi.AUDIT_ARCH[0], number, (0,) * 6)[0] == table.get(number, ALLOW)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_a_plan_that_takes_more_away_never_allows_more(machine):
    small, large = table_of(PLANS["writes"], machine), table_of(PLANS["everything"], machine)
    for number, arguments in calls_worth_trying({**small, **large}, 2):
        if said(large.get(number, ALLOW), arguments) == ALLOW:
            assert said(small.get(number, ALLOW), arguments) == ALLOW, number


def number(name, machine=0):
    return abi.number(name, machine)


def ends(plan, name, *arguments, machine=0, landlock=7):
    words = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    return said(table_of(plan, machine, landlock).get(number(name, machine), ALLOW), words)


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
    ("roughly", "socket", (AF_INET, STREAM | CLOEXEC, 6), ALLOW),
    ("roughly", "socket", (AF_INET, STREAM, 262), EPROTO),
    ("roughly", "socket", (AF_INET6, STREAM, 132), EPROTO),
    ("roughly", "socket", (AF_INET, DGRAM, 0), ALLOW),
    ("roughly", "socket", (AF_INET, DGRAM, 1), EPROTO),
    ("roughly", "socket", (AF_INET, RAW, 1), EPERM),
    ("roughly", "socket", (AF_PACKET, DGRAM, 0), EPERM),
    ("roughly", "socket", (AF_VSOCK, STREAM, 0), EPERM),
    ("roughly", "socket", (AF_ALG, SEQPACKET, 0), EPERM),
    ("roughly", "socket", (AF_NETLINK, RAW, 0), EPERM),
    ("roughly, with names", "socket", (AF_NETLINK, RAW, 0), ALLOW),
    ("judged", "socket", (AF_INET, DGRAM, 0), NOTIFY),
    ("judged", "socket", (AF_INET, STREAM, 0), ALLOW),
    ("judged", "socket", (AF_INET, STREAM, 262), EPROTO),
    ("judged", "socket", (AF_UNIX, DGRAM, 0), EPERM),
    ("judged", "socket", (AF_UNIX, STREAM, 0), ALLOW),
    ("judged", "socket", (AF_NETLINK, RAW, 0), EPERM),
    ("judged, with loopback", "socket", (AF_INET, DGRAM, 0), ALLOW),
    ("judged, with loopback", "socket", (AF_INET, DGRAM, 136), EPROTO),
    ("judged, with loopback", "socket", (AF_PACKET, DGRAM, 0), EPERM),
    ("judged", "connect", (3, 1, 16), NOTIFY),
    ("judged", "listen", (3, 1), NOTIFY),
    ("judged", "setsockopt", (3, 0, 11), refused(0)),
    ("judged", "setsockopt", (3, 41, 25), refused(0)),
    ("judged", "setsockopt", (3, 6, 1), ALLOW),
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
    ("hardening", "ioctl", (0, 0x5401), ALLOW),
    ("hardening", "ioctl", (0, 0x40086602), ALLOW),
    ("writes", "ioctl", (3, 0x40086602), EPERM),
    ("hardening", "prctl", (35,), EPERM),
    ("hardening", "prctl", (38,), ALLOW),
    ("hardening", "seccomp", (1, 8), EPERM),
    ("hardening", "seccomp", (1, 0), ALLOW),
    ("everything", "mmap", (0, 4096, 5, 2), EACCES),
    ("everything", "mmap", (0, 4096, 3, 0x22), ALLOW),
    ("everything, with judgement", "mmap", (0, 4096, 5, 2, 3), ALLOW),
    ("everything, with judgement", "mmap", (0, 4096, 5, 0x22), EACCES),
    ("everything, with judgement", "mmap", (0, 4096, 7, 2, 3), EACCES),
    ("everything", "mprotect", (0, 4096, 5), EACCES),
    ("everything", "mprotect", (0, 4096, 1), ALLOW),
    ("everything", "shmat", (1, 0, 0o100000), EACCES),
]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize(("plan", "name", "arguments", "becomes"), NETWORK_CASES + OTHER_CASES)
def test_what_becomes_of_a_call(plan, name, arguments, becomes, machine):
    if number(name, machine) == abi.NONE:
        pytest.skip("this machine does not have the call")
    assert ends(PLANS[plan], name, *arguments, machine=machine) == becomes


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_below_abi_3_truncation_is_the_filters(machine):
    for landlock, becomes in ((1, EACCES), (2, EACCES), (3, ALLOW), (7, ALLOW)):
        assert ends(PLANS["writes"], "openat", -100, 1, 0o1000, machine=machine, landlock=landlock) == becomes
        assert ends(PLANS["writes"], "openat", -100, 1, 0o1001, machine=machine, landlock=landlock) == ALLOW
        table = table_of(PLANS["writes"], machine, landlock)
        truncate = {row[0]: row[1 + machine] for row in abi.CHANGES}["truncate"]
        assert table.get(truncate, ALLOW) == becomes


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("flags", [1, 2, 0o100, 0o1000, 0o20000000, 0o101])
def test_without_landlock_opening_to_write_is_the_filters(flags, machine):
    assert ends(PLANS["everything"], "openat", -100, 1, flags, machine=machine, landlock=0) == EACCES
    assert ends(PLANS["everything"], "openat", -100, 1, 0o2200000, machine=machine, landlock=0) == ALLOW
    table = table_of(PLANS["everything"], machine, 0)
    for row in abi.CHANGES:
        assert row[1 + machine] == abi.NONE or table[row[1 + machine]] == EACCES


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_limits_of_others_are_not_set(machine):
    body = table_of(PLANS["starts"], machine)[abi.PRLIMIT[machine]]
    assert said(body, (0, 1, 1 << 40, 0, 0, 0)) == ALLOW
    assert said(body, (4242, 1, 1 << 40, 0, 0, 0)) == ALLOW
    assert said(body, (4243, 1, 0, 1, 0, 0)) == ALLOW
    assert said(body, (4243, 1, 1 << 40, 0, 0, 0)) == EPERM


def test_a_filter_can_be_read():
    lines = listing(assemble({1: refused(1), 2: NOTIFY}, abi.X86_64))
    assert lines[0] == "0: load word at 4"
    assert any(line.endswith("errno 1") for line in lines)
    assert any(line.endswith("ask") for line in lines)
    assert any(line.endswith("allow") for line in lines)
