"""The core's front door: putting policies in force, for a block or for the whole process.

A block's policy lives in the session and is lifted when the block is left. A
process's policy is bound: hook, stand-ins and decisions are constants of code
objects, and nothing in the process lifts it.
"""

from __future__ import annotations

import sys

from . import events
from .capabilities import load_family
from .enforce import audit, patches, session
from .enforce.bind import CAN_BIND, IMPORT_SYSTEM_FILE, bind
from .errors import BootstrapError

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any
    from .enforce.judge import Entry
    from .model import Family
    from .policy import Policy

# CPython versions whose audit events are classified (tests/surface/audit_events).
CLASSIFIED = ((3, 10), (3, 11), (3, 12), (3, 13))
PROBE = "hermetic.probe"
PATCHED = "patch "


class Compiled:
    """A policy ready to be entered: its entries by event, and the stand-ins it needs."""

    __slots__ = ("table", "families", "entries", "rules", "modes")

    def __init__(self, policy: Policy) -> None:
        self.rules: dict[str, tuple[Any, ...]] = {"integrity": ()}
        self.families: dict[str, Family] = {}
        for guard, rules in policy.rules.items():
            family = load_family(guard)
            self.rules[guard] = rules if family.prepare is None else family.prepare(rules)
            self.families[guard] = family
        self.families["integrity"] = load_family("integrity")
        self.modes = (policy.trace, policy.report_only)
        self.entries = [entry for guard in self.families for entry in self._entries(guard)]
        self.table: session.Table = {}
        for entry in self.entries:
            self.table[entry[0]] = (*self.table.get(entry[0], ()), entry)

    def _entries(self, guard: str) -> list[Entry]:
        family, rules = self.families[guard], self.rules[guard]
        entries = []
        for row in family.surface:
            keys = [(event, row.call or event) for event in row.audit]
            keys += [(PATCHED + name, row.call or name.replace(":", ".")) for name in row.patch]
            for key, call in keys:
                entries.append(
                    (key, family.guard, row.capability, call, row.read, family.decide, rules, self.modes, row.after)
                )
        return entries

    def engage(self) -> list[Any]:
        """Do what no row can express; returns what undoes it."""
        undo = [f.engage(self.rules[guard]) for guard, f in self.families.items() if f.engage is not None]
        return [step for step in undo if step is not None]

    def bound_entries(self, memo: dict[Any, Any]) -> list[Entry]:
        """The entries with their functions bound."""
        return [
            (*entry[:4], bind(entry[4], {}, memo), bind(entry[5], {}, memo), *entry[6:8], bind(entry[8], {}, memo))
            for entry in self.entries
        ]

    def settings(
        self, judge: Any, after: Any, memo: dict[Any, Any], whole_process: bool
    ) -> list[tuple[str, patches.Setting]]:
        """What each patched name of each row is replaced from."""
        made = []
        for guard, family in self.families.items():
            for row in family.surface:
                for name in row.patch:
                    made.append(
                        (
                            name,
                            patches.Setting(
                                PATCHED + name, row, judge, after, memo, whole_process, self.rules[guard]
                            ),
                        )
                    )
        return made


def probe_entry() -> Entry:
    """An entry that refuses our own private event, to prove that the hook is there."""
    return (PROBE, "interpreter", PROBE, PROBE, read_probe, decide_probe, (), (False, False), None)


def read_probe(args: tuple[Any, ...], kwargs: Any) -> str:
    return PROBE


def decide_probe(rules: tuple[Any, ...], capability: str, target: Any, call: str) -> tuple[str, None, str, str]:
    return (PROBE, None, PROBE, "")


def version_warning() -> str | None:
    """One line when this Python's audit events were never classified, else None."""
    if sys.version_info[:2] in CLASSIFIED and CAN_BIND:
        return None
    return (
        f"hermetic: the audit events of {sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]} "
        "have not been classified yet; some calls may not be seen"
    )


# --- the whole process ---


def start_process(policy: Policy) -> None:
    """Put a policy in force for the rest of this process. BootstrapError when that cannot be done."""
    if policy.sealed and version_warning() is not None:
        raise BootstrapError("--seal needs a Python version whose audit events are classified")
    if policy.trace or policy.report_only:
        events.open_trace()
    compiled = Compiled(policy)
    memo: dict[Any, Any] = {}
    hook, judge = audit.make_sealed([*compiled.bound_entries(memo), probe_entry()], memo)
    after = bind(after_bound, {"ENTRIES": tuple(e for e in compiled.entries if e[8] is not None)}, memo)
    settings = compiled.settings(judge, after, memo, not policy.report_only)
    with_doors = [pair for pair in settings if pair[1].row.door]
    pending = tuple(make_pending(name, setting) for name, setting in settings if not setting.row.door)
    changes = patches.door_changes(with_doors)
    apply = bind(patches.apply_pending, {"PENDING": pending, "JOURNAL": None}, memo)
    loaders = loader_changes(apply, memo) if pending else []
    audit.add_hook(hook, PROBE)
    events.LOG.clear()
    events.COUNT[1] = 0
    patches.install_now(pending, apply)
    for holder, name, _, new in (*changes, *loaders):
        setattr(holder, name, new)
    compiled.engage()


ENTRIES: tuple[Entry, ...] = ()


def after_bound(key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """Let the process's policy remember what an allowed call returned."""
    for entry in ENTRIES:
        if entry[0] == key:
            entry[8](entry[6], args, kwargs, result)


def make_pending(name: str, setting: patches.Setting) -> patches.Pending:
    """A stand-in made before its module is loaded."""
    module, path = patches.split(name)
    made, box = patches.make_stand_in(setting)
    return module, path, made, box


def loader_changes(apply: Any, memo: dict[Any, Any]) -> list[patches.Change]:
    """The import system's doors, so that modules loaded later are patched too."""
    changes: list[patches.Change] = []
    for module, name, function in patches.LOADERS:
        holder = sys.modules[module]
        original = getattr(holder, name)
        # The interpreter trims its own import frames from tracebacks by their file name.
        made = bind(function, {"BOX": [original], "AFTER": apply}, memo, IMPORT_SYSTEM_FILE)
        changes.append((holder, name, original, made))
    return changes


# --- blocks ---

_hooked: list[bool] = []
# What undoes the engagement of each block that has any.
_engaged: list[tuple[object, list[Any]]] = []
# Installations by the families they serve, kept for the next block.
_installed: list[tuple[frozenset[str], list[patches.Change]]] = []
_journals: dict[frozenset[str], list[patches.Change]] = {}


def enter_block(token: object, compiled: Compiled) -> None:
    """Put a compiled policy in force until ``leave_block``."""
    with session.lock:
        if not _hooked:
            session.add(PROBE, {PROBE: (probe_entry(),)})
            try:
                audit.add_hook(audit.session_hook, PROBE)
            finally:
                session.remove(PROBE)
            _hooked.append(True)
        if any(compiled.modes):
            events.open_trace()
        session.add(token, compiled.table)
        try:
            install_for(compiled)
            undo = compiled.engage()
            if undo:
                _engaged.append((token, undo))
        except BaseException:
            leave_block(token)
            raise


def leave_block(token: object) -> None:
    """End what ``enter_block`` began under this token; the last one out restores everything."""
    with session.lock:
        for pair in [pair for pair in _engaged if pair[0] is token]:
            _engaged.remove(pair)
            for step in reversed(pair[1]):
                step()
        if session.remove(token):
            while _installed:
                patches.undo(_installed.pop()[1])


def install_for(compiled: Compiled) -> None:
    """Patch for the families that no earlier block has patched for."""
    have: frozenset[str] = frozenset().union(*(families for families, _ in _installed))
    wanted = frozenset(compiled.families) - have
    if not wanted:
        return
    journal = _journals.get(wanted)
    if journal is None or not patches.redo(journal):
        journal = _journals[wanted] = fresh_journal(compiled, wanted)
    _installed.append((wanted, journal))


def fresh_journal(compiled: Compiled, wanted: frozenset[str]) -> list[patches.Change]:
    """Patch for these families now, and note every change."""
    memo: dict[Any, Any] = {}
    settings = [
        pair
        for pair in compiled.settings(session.session_judge, session.session_after, memo, False)
        if pair[1].row in {row for guard in wanted for row in compiled.families[guard].surface}
    ]
    journal = patches.door_changes([pair for pair in settings if pair[1].row.door])
    pending = tuple(make_pending(name, setting) for name, setting in settings if not setting.row.door)
    apply = bind(patches.apply_pending, {"PENDING": pending, "JOURNAL": journal}, memo)
    loaders = loader_changes(apply, memo) if pending else []
    for holder, name, _, new in (*journal, *loaders):
        setattr(holder, name, new)
    journal.extend(loaders)
    patches.install_now(pending, apply)
    return journal


