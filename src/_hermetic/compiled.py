"""A policy made ready to be entered: what its rows ask of the hook and of the stand-ins."""

from __future__ import annotations

from . import HELD_IN_PART
from .capabilities import load_family, load_module
from .enforce import patches, session
from .enforce.bind import bind
from .enforce.doors import load_door
from .enforce.judge import UNREADABLE
from .model import BlockMemory
from .policy import carry
from .pristine import native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .enforce.judge import Entry, Watcher
    from .model import Family
    from .policy import Policy

PROBE = "hermetic.probe"
# How the keys of entries begin that stand-ins ask for; the others are events.
PATCHED, STARTING = DOORS = "patch ", "start "


def of_no_process(strict: bool, reports: tuple[int, int] | None = None) -> tuple[Any, ...]:
    """What the stand-ins that start children know of the whole process, where it has no policy of its own.

    Its policies as bytes, (strict, where children report, the families that the kernel holds, whether it has to hold
    all, since when there are guards, the families of its policies), what its environment families keep, the loader
    variables of its start, its lists of programs.
    """
    return (), (strict, reports, (), False, 0, ()), (), None, ()


# Of a block.
BLOCK_CHILDREN = of_no_process(False)


def starts_processes(policy: Policy) -> bool:
    """Whether a program may start processes, as far as this policy is concerned."""
    return policy.report_only or "subprocess" not in policy.rules or gives_programs(policy)


def gives_programs(policy: Policy) -> bool:
    """Whether it takes processes away and gives some programs back."""
    return "subprocess" in policy.rules and bool(policy.rules["subprocess"][0])


def lister(policy: Policy) -> tuple[Any, Any] | None:
    """The list that a start must agree with: (its rules, how it is held); None where there is none."""
    return (policy.rules["subprocess"], modes(policy)) if gives_programs(policy) else None


def modes(policy: Policy, watcher: Watcher | None = None) -> tuple[bool, bool, tuple[Any, ...], Watcher | None]:
    """How a policy is held: whether each refusal is traced, whether it only reports, where its rules were written, and
    who watches.
    """
    return policy.trace, policy.report_only, policy.origins, watcher


def refuser(policy: Policy, children: tuple[Any, ...]) -> str:
    """The option that refuses children which nothing holds, or an empty text."""
    if policy.sealed:
        return "seal"
    return "strict" if children[1][0] else "kernel=require" if children[1][3] else ""


def taken_options(policy: Policy, held: tuple[str, ...] = (), partly: bool = False) -> tuple[str, ...]:
    """The options that took something away which the kernel does not hold. partly: only those that it holds in part."""
    found: list[str] = []
    for guard, _, option in UNREADABLE:
        if guard in policy.rules and guard not in held and (not partly or HELD_IN_PART + guard in held):
            # A family that can be restricted by halves says by which.
            told: Any = getattr(load_module(guard), "taken_options", None)
            found += (option,) if told is None else told(policy.rules[guard])
    return tuple(found)


def childrens_rules(policies: tuple[Policy, ...], process: tuple[Any, ...]) -> tuple[Any, ...]:
    """What decides of children under all of these policies: see capabilities/processes/children.py. Those that only
    report have a say where all do.
    """
    holding = [policy for policy in policies if not policy.report_only]
    held = process[1][2]
    refusing = ""
    taken: dict[str, None] = {}
    unheld: dict[str, None] = {}
    wholly: dict[str, None] = {}
    for policy in holding or policies:
        missing, partly = taken_options(policy, held), taken_options(policy, held, True)
        taken.update(dict.fromkeys(taken_options(policy)))
        unheld.update(dict.fromkeys(missing))
        wholly.update(dict.fromkeys([option for option in missing if option not in partly]))
        if missing:
            refusing = refusing or refuser(policy, process)
    held_in_part = tuple([option for option in unheld if option not in wholly])
    return refusing, tuple(taken), not holding, tuple(unheld), held_in_part, process


def keeper(policy: Policy) -> tuple[Any, ...] | None:
    """The rules by which this policy's children keep variables (``variables.is_kept``); None for all."""
    return None if policy.report_only else policy.rules.get("environment")


def ready(policy: Policy, guard: str, prepared: dict[tuple[int, str], Any], whole: Policy | None = None) -> Any:
    """A family's rules, prepared once. whole: the policy that this one is a part of."""
    key = id(whole or policy), guard
    if key not in prepared:
        prepare = load_family(guard).prepare
        prepared[key] = policy.rules[guard] if prepare is None else prepare(policy.rules[guard])
    return prepared[key]


def handed_on(policy: Policy, prepared: dict[tuple[int, str], Any], whole: Policy | None = None) -> Policy:
    """The policy as children get it: what a family found here holds for them, too."""
    rules = dict(policy.rules)
    for guard, given in policy.rules.items():
        hand: Any = getattr(load_module(guard), "handed_on", None)
        if hand is not None:
            rules[guard] = hand(given, ready(policy, guard, prepared, whole))
    return policy.but(rules=rules)


def settled(policy: Policy) -> Policy:
    """The policy with what is looked for once, where it is first held: packages whose native code it gives back.

    Children get it as it is then. Whoever could write these packages could load anything.
    """
    rules = policy.rules.get("imports")
    if rules is None:
        return policy
    imports: Any = load_module("imports")
    found, paths = imports.settled(rules)
    if found is rules:
        return policy
    files: Any = load_module("filesystem")
    both = {"imports": found, "filesystem": files.protecting(policy.rules.get("filesystem"), paths)}
    return policy.but(rules={**policy.rules, **both})


def key_of(guard: str, name: str) -> str:
    """What a stand-in for this name asks the judge by. To start a child and to be refused one are two questions."""
    return (STARTING if guard == "children" else PATCHED) + name


class Compiled:
    """A policy ready to be entered: its entries by event, and the stand-ins it needs.

    beside: the policies that start with this one, itself among them, where children are its business.
    """

    __slots__ = ("carried", "described", "table", "families", "surface", "patched", "entries", "rules", "modes")

    def __init__(
        self,
        policy: Policy,
        children: tuple[Any, ...] | None = BLOCK_CHILDREN,
        whole: Policy | None = None,
        prepared: dict[tuple[int, str], Any] | None = None,
        watcher: Watcher | None = None,
        beside: tuple[Policy, ...] = (),
    ) -> None:
        if whole is None:
            policy = settled(policy)
        self.rules: dict[str, tuple[Any, ...]] = {"integrity": (policy.sealed, watcher is not None)}
        self.families: dict[str, Family] = {}
        self.described = policy.described()
        prepared = {} if prepared is None else prepared
        for guard in policy.rules:
            self.rules[guard] = ready(policy, guard, prepared, whole)
            self.families[guard] = load_family(guard)
        # No bytes where children are not to be guarded.
        given = (None, None) if children is None else (carry(handed_on(policy, prepared, whole)), keeper(policy))
        self.carried = (*given, lister(policy), self)
        self.families["integrity"] = load_family("integrity")
        if children is not None and starts_processes(policy):
            # Last: what children inherit is what the other families leave.
            self.families["children"] = load_family("children")
            # Children are told of all that was taken away, also where some of it is put in force later, or by a policy
            # that is put in force beside this one.
            self.rules["children"] = childrens_rules(beside or (whole or policy,), children)
        self.modes = modes(policy, watcher)
        # The rows that these rules need, and (guard, name) of everything they replace.
        self.surface = {
            guard: [row for row in family.surface if row.when is None or row.when(self.rules[guard])]
            for guard, family in self.families.items()
        }
        # Loaded before anything holds: a guard would refuse the import system the bytecode it writes.
        for rows in self.surface.values():
            for row in rows:
                if row.door:
                    load_door(row.door)
        self.patched = frozenset(
            (guard, name) for guard, rows in self.surface.items() for row in rows for name in row.patch
        )
        self.entries = [entry for guard in self.families for entry in self._entries(guard)]
        self.table: session.Table = {}
        for entry in self.entries:
            self.table[entry[0]] = (*self.table.get(entry[0], ()), entry)

    def _entries(self, guard: str) -> list[Entry]:
        family, rules = self.families[guard], self.rules[guard]
        entries = []
        for row in self.surface[guard]:
            keys = [(event, row.call or event) for event in row.audit]
            keys += [(key_of(guard, name), row.call or name.replace(":", ".")) for name in row.patch]
            for key, call in keys:
                entries.append(
                    (
                        key,
                        row.capability.partition(".")[0],
                        row.capability,
                        call,
                        row.read,
                        family.decide,
                        rules,
                        self.modes,
                        row.after,
                        row.free,
                    )
                )
        return entries

    def engage(self, for_good: bool = False) -> list[Any]:
        """Do what no row can express; returns what undoes it. A policy that only reports changes nothing.

        for_good: nobody will undo it, and no block that is left later may either.
        """
        if self.modes[1]:
            return []
        undo = []
        for guard, family in self.families.items():
            step = None if family.engage is None else family.engage(self.rules[guard])
            if step is not None:
                undo.append(step)
                if for_good and family.stay is not None:
                    family.stay(step)
        return undo

    def bound_entries(self, memo: dict[Any, Any]) -> list[Entry]:
        """The entries with their functions bound."""
        return [
            (
                *entry[:4],
                bind(entry[4], {}, memo),
                bind(entry[5], {}, memo),
                tuple([None if type(rule) is BlockMemory else rule for rule in entry[6]]),
                (*entry[7][:3], None),
                bind(entry[8], {}, memo),
                bind(entry[9], {}, memo),
            )
            for entry in self.entries
        ]

    def settings(
        self,
        wanted: frozenset[tuple[str, str]],
        judge: Any,
        after: Any,
        memo: dict[Any, Any],
        whole_process: bool,
        judges: dict[str, Any],
    ) -> list[tuple[str, patches.Setting]]:
        """What each of the wanted names is replaced from. judges: those of some stand-ins alone, by key."""
        sealed = self.rules["integrity"][0]
        found = []
        for guard, rows in self.surface.items():
            for row in rows:
                for name in row.patch:
                    if (guard, name) in wanted:
                        key = key_of(guard, name)
                        own = judges.get(key, judge)
                        rules = self.rules[guard]
                        setting = patches.Setting(key, row, own, after, memo, whole_process, rules, sealed)
                        found.append((name, setting))
        return found


def new_probe() -> str:
    """The name of a private event of one hook's own: the hook of an earlier policy, which may be another copy of this
    core's, must not answer for it."""
    return f"{PROBE}.{native.urandom(8).hex()}"


def probe_entry(probe: str) -> Entry:
    """An entry that refuses this event, whose name is its argument, to prove that the hook is there."""
    return (probe, "interpreter", PROBE, PROBE, read_probe, decide_probe, (), (False, False, (), None), None, None)


def read_probe(args: tuple[Any, ...], kwargs: Any) -> Any:
    return args[0]


def decide_probe(rules: tuple[Any, ...], capability: str, target: Any, call: str) -> tuple[str, None, str, str]:
    return (target, None, PROBE, "")
