"""Linux: a process confines itself and all it starts, in one order that works.

Capabilities of root go first, then no new privileges, Landlock, seccomp; then a
self-test in the confined process sees each denial before it is reported.
"""

from __future__ import annotations

import os
import sys
from errno import EACCES, EPERM

from ....capabilities.confinement import (
    ALLOW_NOTHING,
    NO_MEMORY,
    NO_NATIVE,
    NO_NETWORK,
    NO_READS,
    NO_STARTS,
    NO_WRITES,
)
from ....paths import is_below
from ....pristine import close_fd, native
from ..plan import (
    ASKED,
    CLOSED,
    JUDGED,
    PORTS,
    ROUGHLY,
    Plan,
    Support,
    leaves_datagrams,
    open_folders,
)
from ..receipts import Receipt, receipt, stepped_down
from . import abi, filters, landlock
from .syscalls import Calls

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ..plan import Gap

    # (path, words, variables as NAME=value)
    Command: TypeAlias = tuple[bytes, list[bytes], list[bytes]]

# A kernel that can do all that is asked of any.
EVERYTHING = Support(landlock=99, filters=True, supervisor=True)
# For tests: a kernel that knows no more than this ABI of Landlock, or none (0).
TEST_ABI = "HERMETIC_TEST_ABI"
# The same: one that has nobody judge; or that lets nobody have another's descriptors ("made"), nobody look into another
# but who is above it ("above").
TEST_SUPERVISOR, MADE, ABOVE = "HERMETIC_TEST_SUPERVISOR", "made", "above"
# What root gives up (linux/capability.h): DAC_READ_SEARCH, NET_ADMIN, NET_RAW, SYS_MODULE, SYS_RAWIO, SYS_PTRACE,
# SYS_ADMIN, SYS_BOOT, MKNOD, PERFMON, BPF. With the others, files of other users stay what they were.
DROPPED = (2, 12, 13, 16, 17, 19, 21, 22, 27, 38, 39)
CAPABILITY_VERSION = 0x20080522
ROOT_NOTE = "root without its capabilities to read past permissions, trace, mount, load modules and the like"
EVERYTHING_NOTE = "root without any capability: files of other users are theirs again"
ONLY_ABOVE = "Yama lets only those look into a program who started it"
NO_ROOM = "; who judges has ended, if limits (ulimit -v, -u, -n) leave no room for another process and its threads"
NO_CTYPES = "this interpreter has no ctypes, by which system calls are made"
WATCHED = "names of files elsewhere, as something happens to them (inotify; not under --kernel=require)"
OTHERS_MEMORY = "memory of the user's other processes, where Yama does not keep it (Landlock does, from ABI 2 on)"
SEEN_IN_PROC = "what the system tells of other processes in /proc, as their command lines; children have it there, too"
PRIVILEGE_NOTE = "no program gains privileges: sudo and ping do not work"
MEMORY_NOTE = "under a seal no file is made in / itself, and none in /proc is written"
PROC_FILE = b"/proc/self/comm\0"  # a file that any process may write about itself
MEMORY_FILE = b"/proc/self/mem\0"
HERE, O_WRONLY, O_DIRECTORY = -100, 1, {abi.X86_64: 0o200000, abi.AARCH64: 0o40000}
AF_PACKET, SOCK_RAW, AF_INET, SOCK_STREAM, SOCK_CLOEXEC, CODE = 17, 3, 2, 1, 0o2000000, 4
# A cloud's metadata service, port 80, as C writes an address.
NEVER_ALLOWED = b"\x02\0\0\x50" + bytes([169, 254, 169, 254]) + bytes(8)


def probe(calls: Calls | None = None, judges: bool = True, waits: bool = False) -> Support:
    """What this kernel offers this process. Nothing is put on. judges: whether to ask for somebody who does; waits: see
    ``confine``.
    """
    machine = abi.MACHINES.get(os.uname().machine) if sys.maxsize > 1 << 32 else None
    if machine is None:
        return without(f"no table of system calls for {os.uname().machine}")
    try:
        calls = Calls() if calls is None else calls
    except ImportError:
        return without(NO_CTYPES)
    version, reason = landlock.version_of(calls)
    wanted = os.environ.get(TEST_ABI)
    if wanted is not None and wanted.isdecimal() and int(wanted) < version:
        version, reason = int(wanted), f"{TEST_ABI}={wanted}"
    why = filters.missing(calls, machine)
    threads = len(native.listdir("/proc/self/task")) > 1
    found = Support(landlock=version, no_landlock=reason, filters=not why, no_filters=why, threads=threads)
    if not judges or why:
        return found
    if threads:
        return found.but(no_supervisor="threads that were running before")
    from . import beside  # loaded only when it is used

    emulated = os.environ.get(TEST_SUPERVISOR, "").split()
    traces = beside.PARENTS if ABOVE in emulated else beside.traces_allowed()
    nobody, no_fetching = beside.available(calls, machine, traces)
    above = traces == beside.PARENTS
    if MADE in emulated:
        no_fetching = f"{TEST_SUPERVISOR}={MADE}"
    if not {MADE, ABOVE}.issuperset(emulated):
        nobody = f"{TEST_SUPERVISOR}={' '.join(emulated)}"
    if above and not waits:
        nobody = nobody or ONLY_ABOVE
    return found.but(supervisor=not nobody, no_supervisor=nobody, no_fetching=no_fetching, above=above)


def without(reason: str) -> Support:
    """Nothing, and why."""
    return Support(no_landlock=reason, no_filters=reason, no_supervisor=reason)


def confine(
    asked: Plan,
    accept: Callable[[Receipt], None],
    command: Command | None = None,
    network: tuple[Any, ...] = ALLOW_NOTHING,
    witnesses: tuple[int, int] = (-1, -1),
    waits: bool = False,
) -> Receipt:
    """Hold what can be held of a plan, for the rest of this process.

    accept: is shown what is going to be held, and may raise before anything is. command: what to replace this process
    by then. network: the family's rules, for whoever judges by them; witnesses: descriptors where that one traces and
    reports what it refuses. waits: whether this process may stay behind and wait for a child that returns from here
    instead, where only who is above a program may look into it. OSError when the kernel refuses what it offered,
    or does not start the command.
    """
    asked = landlock.with_places(landlock.with_unmade(asked))
    calls, support = system_calls(asked)
    try:
        if calls is not None:
            support = probe(calls, asked.needs_judge(), waits)
        gate: int | None = None
        notes: tuple[str, ...] = ()
        while True:
            plan, gaps, judge, support = fitted(calls, asked, support, network, witnesses)
            lost = stepped_down(asked, support, EVERYTHING) if gaps else ""
            planned = receipt(asked, plan, gaps, mechanisms(plan, support), left_open(plan, support), lost)
            accept(planned)
            if calls is None or not plan.taken:
                return planned
            if command is not None and gate is None:
                gate = calls.hidden(abi.MMAP[machine()], command[0] + b"\0")
            try:
                notes = hold(calls, plan, support, gate, judge)
            except Unheard as refused:
                # Nothing is on yet: the rest does without somebody who judges.
                support = support.but(supervisor=False, no_supervisor=refused.why)
            else:
                break
        if command is not None and gate is not None:
            calls.execute(abi.EXECVE[machine()], gate, *command[1:])
        return planned.but(notes=notes)
    finally:
        if asked.needs_judge():
            from .ahead import put_away

            put_away()
        if calls is not None:
            calls.put_away(NO_NATIVE in asked.taken)


def fitted(
    calls: Calls | None, asked: Plan, support: Support, network: tuple[Any, ...], witnesses: tuple[int, int]
) -> tuple[Plan, tuple[Gap, ...], Any, Support]:
    """(the plan as far as this kernel can hold it, what it cannot, who judges or None, what there is)."""
    plan, gaps = asked.within(support)
    if calls is None or not plan.is_judged():
        return plan, gaps, None, support
    judge, support = with_judge(calls, plan, support, network, witnesses)
    return *asked.within(support), judge, support


def system_calls(asked: Plan) -> tuple[Calls | None, Support]:
    """(what makes them, what there is as long as nobody has looked); no calls where nothing is asked of a kernel, or
    nothing makes any.
    """
    if not asked.within(EVERYTHING)[0].taken:
        return None, EVERYTHING  # ctypes is not even loaded
    try:
        return Calls(), EVERYTHING
    except ImportError:
        return None, without(NO_CTYPES)


class Unheard(Exception):
    """Nobody may listen to this process's system calls: another filter does, or forbids it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def machine() -> int:
    """This machine, as the tables number it."""
    return abi.MACHINES[os.uname().machine]


def with_judge(
    calls: Calls, plan: Plan, support: Support, network: tuple[Any, ...], witnesses: tuple[int, int]
) -> tuple[Any, Support]:
    """(who judges from now on, what there is); without one where nobody can."""
    begin: Callable[..., Any]
    if support.above:
        from .above import begin
    else:
        from .ahead import begin
    rules = network if NO_NETWORK in plan.taken else ()
    writable = plan.write if NO_WRITES in plan.taken and plan.metadata == ASKED else None
    # See ``supervisor.prepared``.
    cases = (rules, bool(support.no_fetching), leaves_datagrams(plan), writable)
    try:
        judge = begin(calls, machine())
        judge.tell((*cases, *[number >= 0 for number in witnesses]), [number for number in witnesses if number >= 0])
        return judge, support
    except OSError as error:
        why = f"the supervisor could not be started ({error.strerror})"
        return None, support.but(supervisor=False, no_supervisor=why)


def hold(calls: Calls, plan: Plan, support: Support, gate: int | None, judge: Any) -> tuple[str, ...]:
    """Put a plan that fits this kernel on, and see that it holds; returns what was given up for it."""
    here = machine()
    if NO_NATIVE in plan.taken and plan.whole:
        map_own_libraries(calls)
    notes = [PRIVILEGE_NOTE]
    if os.geteuid() == 0:
        drop_capabilities(calls, here, plan.drops)
        notes.append(EVERYTHING_NOTE if plan.drops else ROOT_NOTE)
    if landlock.holds_memory_alone(plan):
        notes.append(MEMORY_NOTE)
    put_on(calls, plan, support, here, gate, judge)
    failing = sorted(
        [capability for capability in plan.taken if not TESTS[capability](calls, plan, here, support.filters)]
    )
    if failing:
        why = "" if judge is None else NO_ROOM
        raise OSError(EPERM, f"the kernel took the rules and does not hold {', '.join(failing)}{why}")
    return tuple(notes)


def put_on(calls: Calls, plan: Plan, support: Support, machine: int, gate: int | None, judge: Any) -> None:
    """The filter that is judged, Landlock, then the other filters."""
    filters.gain_nothing(calls, machine)
    version = support.landlock if not support.threads else 0
    makes = bool(support.no_fetching)
    keys = filters.keys_for(plan, version, makes, gate is not None) if support.filters else []
    # Made before files cannot be read any more: what makes them may have to be loaded.
    programs = [filters.program(key, machine, version, gate) for key in keys]
    if programs and filters.judged_key(plan, makes):
        listen(calls, programs.pop(0), machine, judge)
    taken = landlock.handled(plan, version, gate is None)
    if landlock.keeps_memory_apart(plan):
        memory = plan.but(taken=frozenset([NO_MEMORY]))
        landlock.restrict(calls, landlock.handled(memory, version), landlock.grants(memory))
    if any(taken):
        landlock.restrict(calls, taken, landlock.grants(plan, landlock.open_for_writing(), gate is None))
    for program in programs:
        filters.install(calls, program, machine)


def listen(calls: Calls, program: bytes, machine: int, judge: Any) -> None:
    """Put on the filter that is judged. Unheard when that is refused, as inside of a run that has one."""
    try:
        listener = filters.install(calls, program, machine, filters.WITH_LISTENER)
    except OSError as error:
        judge.give_up()
        raise Unheard(f"nobody may listen to its system calls ({error.strerror})") from error
    judge.tell((), (listener,))
    close_fd(listener)
    judge.give_up()


def drop_capabilities(calls: Calls, machine: int, everything: bool) -> None:
    """Root gives up what gets around the rules, or all."""
    head = int.to_bytes(CAPABILITY_VERSION, 8, "little")
    # Effective, permitted and inheritable ones, 32 at a time.
    data = bytes(24)
    calls(abi.CAPGET[machine], head, data)
    kept = 0 if everything else ~sum(1 << number for number in DROPPED)
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 24, 4)]
    fewer = [word & (kept >> (32 * (at // 3)) & 0xFFFFFFFF) for at, word in enumerate(words)]
    if fewer != words:
        calls(abi.CAPSET[machine], head, b"".join([int.to_bytes(word, 4, "little") for word in fewer]))


def map_own_libraries(calls: Calls) -> None:
    """Have the interpreter's own extension modules in memory: later no library can be mapped."""
    for folder in sys.path:
        if folder.endswith("lib-dynload"):
            for name in native.listdir(folder):
                if name.endswith(".so"):
                    try:
                        calls.map_library(f"{folder}/{name}")
                    except OSError:
                        pass  # a library of the system's is not installed; importing it would fail as well


# --- the self-test: each sees one denial ---


def sees_network(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    if plan.network == CLOSED:
        return calls.fails(abi.SOCKET[machine], AF_INET, SOCK_STREAM, 0) == EPERM
    if calls.fails(abi.SOCKET[machine], AF_PACKET, SOCK_RAW, 0) != EPERM:
        return False
    if plan.network == ROUGHLY:
        return True
    descriptor = calls(abi.SOCKET[machine], AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
    try:
        return calls.fails(abi.CONNECT[machine], descriptor, NEVER_ALLOWED, 16) == EACCES
    finally:
        close_fd(descriptor)


def sees_starts(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    return calls.fails(abi.EXECVE[machine], None, None, None) in (EPERM, EACCES)


def sees_writes(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    if is_below(f"/proc/{native.getpid()}/comm", plan.write):
        return True  # where it could be seen, all is given back
    error = calls.fails(abi.OPENAT[machine], HERE, PROC_FILE, O_WRONLY, 0)
    if error != EACCES or not filters_on:
        return error == EACCES
    if not plan.write:
        return calls.fails(abi.FCHMOD[machine], -1, 0) == EPERM
    # Such a file has no attributes at all, which is another error.
    asked = plan.metadata == ASKED
    return not asked or calls.fails(abi.SETXATTR[machine], PROC_FILE, b"user.x\0", b"x", 1, 0) == EPERM


def sees_reads(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    return "/" in plan.read or calls.fails(abi.OPENAT[machine], HERE, b"/\0", O_DIRECTORY[machine], 0) == EACCES


def sees_native(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    return calls.fails(abi.MPROTECT[machine], None, 0, CODE) == EACCES


def sees_memory(calls: Calls, plan: Plan, machine: int, filters_on: bool) -> bool:
    return calls.fails(abi.OPENAT[machine], HERE, MEMORY_FILE, O_WRONLY, 0) == EACCES


TESTS = {
    NO_NETWORK: sees_network,
    NO_STARTS: sees_starts,
    NO_WRITES: sees_writes,
    NO_READS: sees_reads,
    NO_NATIVE: sees_native,
    NO_MEMORY: sees_memory,
}


# --- what the report says ---


def mechanisms(plan: Plan, support: Support) -> dict[str, tuple[str, ...]]:
    """What holds each capability here."""
    rules = f"Landlock ABI {support.landlock}"
    both = (rules, "seccomp") if support.filters else (rules,)
    network = both if plan.network != CLOSED and support.landlock >= PORTS else ("seccomp",)
    if plan.network == JUDGED and support.no_fetching:
        network = (*network, f"sockets made for the program: {support.no_fetching}")
    if plan.network == JUDGED and support.above:
        network = (*network, f"the program as a child of who judges: {ONLY_ABOVE}")
    return {
        NO_NETWORK: network,
        NO_STARTS: both if support.landlock else ("seccomp",),
        NO_WRITES: both if support.landlock else ("seccomp",),
        NO_READS: both,
        NO_NATIVE: ("seccomp",),
        NO_MEMORY: (rules,),
    }


def left_open(plan: Plan, support: Support) -> dict[str, tuple[str, ...]]:
    """What stays open on purpose, or because this kernel has nothing against it."""
    others = () if any(landlock.handled(plan, 0 if support.threads else support.landlock)) else (OTHERS_MEMORY,)
    writes = ["devices that keep nothing, and files that were open for writing"]
    if landlock.leaves_semaphores(plan):
        writes.append(f"{landlock.SHARED_MEMORY}, for the semaphores of multiprocessing (not under --kernel=require)")
        writes.append("what processes share by System V's calls, as databases do (not under --kernel=require)")
    folders = open_folders(plan)
    reads = [f"whatever lies beside modules in {', '.join(folders)}"] if folders else []
    if not plan.whole:
        reads.append(WATCHED)
    if NO_STARTS not in plan.taken:
        reads.append(SEEN_IN_PROC)
    return {NO_NETWORK: others, NO_STARTS: others, NO_WRITES: tuple(writes), NO_READS: tuple(reads)}
