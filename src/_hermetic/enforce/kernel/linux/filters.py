"""seccomp: which system calls a process and all its children may make, and with which arguments.

A plan asks for several tables, one for each thing that is held. What can be joined is
one filter: each one more costs every call that any of them has a question about. The
usual ones are kept ready made, by machine (``tools/freeze_filters.py``).
"""

from __future__ import annotations

from errno import EFAULT, ENOSYS, EPERM

from ....capabilities.confinement import NO_NATIVE, NO_NETWORK, NO_READS, NO_STARTS, NO_WRITES
from ..plan import ASKED, JUDGED, TRUNCATES, leaves_datagrams
from . import abi
from .syscalls import address_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from ..plan import Plan
    from .syscalls import Calls

SET_FILTER, EVERY_THREAD, WITH_LISTENER, NO_NEW_PRIVILEGES = 1, 1, 8, 38
# What is judged; whether sockets are made by who judges, and whether datagrams stay what they are.
JUDGING = {
    (False, False): "judged",
    (False, True): "judged but datagrams",
    (True, False): "made",
    (True, True): "made but datagrams",
}
METADATA, AND = "asked", " and "


def judged_key(plan: Plan, makes: bool) -> str:
    """The key of the one filter that somebody judges by, or an empty text. Only one can be listened to.

    makes: whether who judges makes the sockets.
    """
    keys = []
    if NO_NETWORK in plan.taken and plan.network == JUDGED:
        keys.append(JUDGING[makes, leaves_datagrams(plan)])
    if NO_WRITES in plan.taken and plan.write and plan.metadata == ASKED:
        keys.append(METADATA)
    return AND.join(keys)


def keys_for(plan: Plan, landlock: int, makes: bool = False, gated: bool = False) -> list[str]:
    """The filters that a plan asks for: keys of ``seccomp.TABLES``, joined by AND where they are one filter.

    The one that is judged comes first: the others let nobody else listen. gated: whether one program may be started.
    """
    judged = judged_key(plan, makes)
    keys = [judged] if judged else []
    if NO_NETWORK in plan.taken and plan.network != JUDGED:
        keys.append(plan.network)
    keys.append("hardening")
    if NO_STARTS in plan.taken and not gated:
        keys.append("starts")
    if NO_WRITES in plan.taken and not plan.write:
        keys.append("metadata")
    found = [AND.join(keys)]
    if NO_STARTS in plan.taken and gated:
        found.append("starts")
    if NO_WRITES in plan.taken and landlock < TRUNCATES:
        found.append("openings")
    if NO_WRITES in plan.taken and plan.whole:
        found.append("objects")
    if NO_READS in plan.taken and "/" not in plan.read:
        found.append("reads and watches" if plan.whole else "reads")
    if NO_NATIVE in plan.taken:
        found.append("no code" if plan.whole else "no new code")
    return found


def program(key: str, machine: int, landlock: int, gate: int | None) -> bytes:
    """One filter: ready made, or made now where it depends on this run."""
    ready = ready_made(machine)
    if key in ready and (gate is None or key != "starts"):
        return ready[key]
    from .seccomp import program_for  # most runs do without it

    return program_for(key.split(AND), machine, landlock, gate)


def ready_made(machine: int) -> dict[str, bytes]:
    """Filters by their keys. Only those of one machine are ever loaded."""
    if machine == abi.X86_64:
        from .frozen_x86_64 import PROGRAMS
    else:
        from .frozen_aarch64 import PROGRAMS
    return PROGRAMS


def missing(calls: Calls, machine: int) -> str:
    """Why no filter can be put on, or an empty text."""
    error = calls.fails(abi.SECCOMP[machine], SET_FILTER, 0, None)
    if error == EFAULT:
        return ""
    return "seccomp is not in this kernel" if error == ENOSYS else "seccomp is refused here, by a container perhaps"


def gain_nothing(calls: Calls, machine: int) -> None:
    """From now on no program that is started gains privileges: sudo and ping do not work. Needed for the rest."""
    calls(abi.PRCTL[machine], NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def install(calls: Calls, filter_program: bytes, machine: int, flags: int = EVERY_THREAD) -> int:
    """Put a filter on; returns what the kernel did (a listener's descriptor). OSError if it is not on."""
    record = int.to_bytes(len(filter_program) // 8, 8, "little") + int.to_bytes(address_of(filter_program), 8, "little")
    result = calls(abi.SECCOMP[machine], SET_FILTER, flags, record)
    if flags == EVERY_THREAD and result > 0:
        # The id of a thread that has a filter of its own; nothing was put on.
        raise OSError(EPERM, f"thread {result} has a filter of its own")
    return result
