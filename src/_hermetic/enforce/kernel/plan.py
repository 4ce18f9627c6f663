"""From a policy to what a kernel shall hold, and from there to what this kernel can: pure.

A plan says what is taken away and what is given back. ``Plan.within`` weakens it to what
a kernel supports and names each gap, so that best effort is a value one can print and
test without any kernel.
"""

from __future__ import annotations

from ...capabilities.confinement import (
    BEYOND,
    LEFT,
    MAY_IMPORT_BELOW,
    MAY_LOAD,
    MAY_READ_BELOW,
    MAY_USE_LOOPBACK,
    MAY_USE_NAME,
    MAY_WRITE_BELOW,
    NO_MEMORY,
    NO_NATIVE,
    NO_NETWORK,
    NO_READS,
    NO_STARTS,
    NO_WRITES,
    PARTLY,
    TAKEN,
)
from ...model import Value

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from ...capabilities.confinement import KernelRule

    # (capability, whether anything of it is still held, what is not)
    Gap: TypeAlias = tuple[str, bool, str]

# How the network is held: every socket refused; each use judged by a supervisor; what needs no judgement refused.
CLOSED, JUDGED, ROUGHLY = "closed", "judged", "roughly"
# How modes, owners, times and attributes are, where some folder may be written: left to the guards, or asked about.
LEFT_TO_GUARDS, ASKED = "left to the guards", "asked"
# How much of a capability is held, and what the reports call it.
HELD, IN_PART, GUARD_ONLY = "enforced and verified", "enforced in part", "guard only"
BEYOND_KERNELS = "guard only: no kernel can see it"
# Landlock's ABI that brought what is asked below.
MOVES, TRUNCATES, PORTS, SCOPES, EVERY_THREAD = 2, 3, 4, 6, 8


class Support(Value):
    """What a kernel offers this process.

    landlock: its ABI, 0 for none; no_landlock: why. filters: whether a filter of system calls can be put on;
    no_filters: why not. supervisor: whether system calls can be judged by another process; no_supervisor: why not.
    no_fetching: why that process gets no descriptor of the program's, so that every socket is made by it; empty where
    it gets them. above: whether that process must be above the program, which is then a child of the one that was
    started. threads: whether others are running.
    """

    __slots__ = (
        *("landlock", "no_landlock", "filters", "no_filters"),
        *("supervisor", "no_supervisor", "no_fetching", "above", "threads"),
    )
    DEFAULTS = {
        "landlock": 0,
        "no_landlock": "no Landlock in this kernel",
        "filters": False,
        "no_filters": "no system call filters on this system",
        "supervisor": False,
        "no_supervisor": "nobody judges addresses",
        "no_fetching": "",
        "above": False,
        "threads": False,
    }

    landlock: int
    no_landlock: str
    filters: bool
    no_filters: str
    supervisor: bool
    no_supervisor: str
    no_fetching: str
    above: bool
    threads: bool


class Plan(Value):
    """What a kernel shall hold.

    taken: capabilities (``confinement.TAKEN``); beyond: those that no kernel can hold. write, read, modules: below
    which paths may be written, read, and read because modules lie there. localhost, names: what of the network is
    given back. network, metadata: see above. around: which paths that may be written are no folder that is there, so
    that they take the one around them; empty for none. loads: packages whose native code is given back. limits: what
    the rules themselves leave to the guards, as gaps. whole: whether nothing is left open for convenience, as where no
    guard holds. drops: whether root gives up all that it can do beyond others.
    """

    __slots__ = (
        *("taken", "beyond", "write", "read", "modules", "localhost", "names", "network", "metadata"),
        *("around", "loads", "limits", "whole", "drops"),
    )
    DEFAULTS = {
        "beyond": (),
        "write": (),
        "read": (),
        "modules": (),
        "localhost": False,
        "names": (),
        "network": JUDGED,
        "metadata": ASKED,
        "around": "",
        "loads": (),
        "limits": (),
        "whole": False,
        "drops": False,
    }

    taken: frozenset[str]
    beyond: tuple[str, ...]
    write: tuple[str, ...]
    read: tuple[str, ...]
    modules: tuple[str, ...]
    localhost: bool
    names: tuple[str, ...]
    network: str
    metadata: str
    around: str
    loads: tuple[str, ...]
    limits: tuple[Gap, ...]
    whole: bool
    drops: bool

    def within(self, support: Support) -> tuple[Plan, tuple[Gap, ...]]:
        """This plan as far as a kernel can hold it, and what it cannot. Never more than the plan asks for."""
        gaps: list[Gap] = []
        for capability in TAKEN:
            if capability in self.taken:
                gaps += [gap for gap in self.limits if gap[0] == capability]
                gaps += LIMITS[capability](self, support)
        lost = {capability for capability, held, _ in gaps if not held}
        plan = self.but(
            taken=self.taken - lost,
            network=network_of(self, support) if NO_NETWORK in self.taken - lost else self.network,
            metadata=metadata_of(self, support),
        )
        return plan, tuple(gaps)

    def needs_judge(self) -> bool:
        """Whether anything that this plan asks for takes somebody who judges."""
        return NO_NETWORK in self.taken or (NO_WRITES in self.taken and bool(self.write) and self.whole)

    def is_judged(self) -> bool:
        """Whether somebody judges, under this plan as a kernel can hold it."""
        network = NO_NETWORK in self.taken and self.network == JUDGED
        return network or (NO_WRITES in self.taken and bool(self.write) and self.metadata == ASKED)


# Whether anything of a capability is still held.
HOW_FAR = ((False, LEFT), (True, PARTLY))


def plan_for(rules: Iterable[KernelRule], whole: bool, drops: bool = False) -> Plan:
    """The plan that these rules ask for."""
    found: dict[str, list[str]] = {}
    for what, where in rules:
        found.setdefault(what, []).append(where)
    return Plan(
        taken=frozenset(found).intersection(TAKEN),
        beyond=tuple([what for what in BEYOND if what in found]),
        write=tuple(found.get(MAY_WRITE_BELOW, ())),
        read=tuple(dict.fromkeys(found.get(MAY_READ_BELOW, ()))),
        modules=tuple(found.get(MAY_IMPORT_BELOW, ())),
        localhost=MAY_USE_LOOPBACK in found,
        names=tuple(found.get(MAY_USE_NAME, ())),
        loads=tuple(found.get(MAY_LOAD, ())),
        limits=tuple(
            [(name, held, why) for name in TAKEN for held, how in HOW_FAR for why in found.get(how + name, ())]
        ),
        whole=whole,
        drops=drops,
    )


# --- what this kernel cannot hold, one function for each capability ---


def network_of(plan: Plan, support: Support) -> str:
    """How the network can be held."""
    if support.supervisor:
        return JUDGED
    return CLOSED if plan.whole and not (plan.localhost or plan.names) else ROUGHLY


def metadata_of(plan: Plan, support: Support) -> str:
    """How modes, owners, times and attributes are held: a process more is started for them only where all is held."""
    if support.supervisor and plan.needs_judge():
        return ASKED
    return LEFT_TO_GUARDS


def network_limits(plan: Plan, support: Support) -> list[Gap]:
    if not support.filters:
        return [(NO_NETWORK, False, support.no_filters)]
    how = network_of(plan, support)
    if how == JUDGED and leaves_datagrams(plan):
        return [(NO_NETWORK, True, "UDP and Unix datagrams, which nobody can judge; --kernel=require does without")]
    if how != ROUGHLY:
        return []
    if plan.localhost or plan.names:
        return [(NO_NETWORK, True, f"which addresses are reached ({support.no_supervisor})")]
    nobody = support.no_supervisor
    gaps = [(NO_NETWORK, True, f"UDP, Unix sockets by their path, and listening on every interface ({nobody})")]
    if not has_landlock(support, PORTS):
        gaps.append((NO_NETWORK, True, "TCP connections"))
    return gaps


def leaves_datagrams(plan: Plan) -> bool:
    """Whether datagram sockets stay what they are: programs use them on loopback, and where they lead nobody sees."""
    return plan.localhost and not plan.whole


def start_limits(plan: Plan, support: Support) -> list[Gap]:
    if not support.filters:
        return [(NO_STARTS, False, support.no_filters)]
    if not has_landlock(support, SCOPES):
        return [(NO_STARTS, True, "signals to other processes of the same user")]
    return []


NOT_WITHOUT = "--kernel=require and --no-network have them judged"


def write_limits(plan: Plan, support: Support) -> list[Gap]:
    if not has_landlock(support, 1):
        # A filter can refuse every way to open for writing, and then /dev/null as well.
        if support.filters and plan.whole and not plan.write:
            return []
        return [(NO_WRITES, False, without_landlock(support))]
    gaps = []
    if not support.filters:
        gaps.append(
            (NO_WRITES, True, f"modes, owners, times and attributes of files, message queues ({support.no_filters})")
        )
        if support.landlock < TRUNCATES:
            gaps.append((NO_WRITES, True, "truncating files"))
    elif plan.write and metadata_of(plan, support) != ASKED:
        why = support.no_supervisor if plan.needs_judge() else NOT_WITHOUT
        gaps.append(
            (NO_WRITES, True, f"modes, owners, times and attributes of files elsewhere, message queues ({why})")
        )
    if plan.around:
        gaps.append(
            (NO_WRITES, True, f"the folder around a single file, or around a path that is not there yet: {plan.around}")
        )
    return gaps


def read_limits(plan: Plan, support: Support) -> list[Gap]:
    if not has_landlock(support, 1):
        return [(NO_READS, False, without_landlock(support))]
    if not support.filters:
        return [(NO_READS, True, f"attributes of files ({support.no_filters})")]
    return []


def native_limits(plan: Plan, support: Support) -> list[Gap]:
    if not support.filters:
        return [(NO_NATIVE, False, support.no_filters)]
    if plan.loads:
        return [(NO_NATIVE, False, "a kernel cannot tell one package's code from another's")]
    if NO_STARTS not in plan.taken:
        return [(NO_NATIVE, False, "other programs are native code: it takes --no-subprocess as well")]
    if not plan.whole:
        return [(NO_NATIVE, True, "code that lies in a file, on the disk or in memory")]
    return []


def memory_limits(plan: Plan, support: Support) -> list[Gap]:
    if not has_landlock(support, 1):
        return [(NO_MEMORY, False, without_landlock(support))]
    if not has_landlock(support, MOVES) and not plan.whole and NO_WRITES not in plan.taken:
        return [(NO_MEMORY, False, "Landlock of ABI 1 would forbid moving files from folder to folder")]
    return []


LIMITS = {
    NO_NETWORK: network_limits,
    NO_STARTS: start_limits,
    NO_WRITES: write_limits,
    NO_READS: read_limits,
    NO_NATIVE: native_limits,
    NO_MEMORY: memory_limits,
}


def has_landlock(support: Support, abi: int) -> bool:
    """Whether Landlock of at least this ABI can hold the whole process."""
    return support.landlock >= abi and not (support.threads and support.landlock < EVERY_THREAD)


def without_landlock(support: Support) -> str:
    if support.landlock and support.threads:
        return "threads that were running before; Landlock holds them from ABI 8 on"
    return support.no_landlock


def open_folders(plan: Plan) -> tuple[str, ...]:
    """Folders of modules outside of what may be read anyway."""
    found = []
    for folder in plan.modules:
        for path in plan.read:
            if folder == path or path == "/" or folder.startswith(path + "/"):
                break
        else:
            found.append(folder)
    return tuple(found)
