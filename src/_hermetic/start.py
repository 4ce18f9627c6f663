"""Putting policies in force for the whole process.

Such a policy is bound: hook, stand-ins and decisions are constants of code
objects, and nothing in the process lifts it. For a while: ``blocks``.
"""

from __future__ import annotations

import sys

from . import events
from .asking import ask_entry, questions_of
from .callers import CALLER_DEPTH
from .capabilities import load_module
from .compiled import (
    DOORS,
    PATCHED,
    STARTING,
    Compiled,
    handed_on,
    keeper,
    lister,
    new_probe,
    probe_entry,
    settled,
    starts_processes,
)
from .enforce import audit, fresh, patches, session
from .enforce.bind import CAN_BIND, FIXED_CODE, HIDDEN, IMPORT_SYSTEM_FILE, FunctionType, bind, new_memo
from .enforce.judge import examine_undisturbed, free_undisturbed
from .enforce.lasting import LATER, answering, answers
from .errors import BootstrapError
from .extract import exact_text
from .model import PRIVATE, PUBLIC
from .policy import Policy, carry
from .pristine import IS_FREE_THREADED, now

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .enforce.judge import Entry

# CPython versions whose audit events are classified (tests/surface/audit_events).
CLASSIFIED = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))


def version_warning() -> str | None:
    """One line when this Python's audit events were never classified, else None."""
    if sys.version_info[:2] in CLASSIFIED and CAN_BIND:
        return None
    build = " without the GIL" if IS_FREE_THREADED else ""
    return (
        f"hermetic: the audit events of {sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}{build} "
        "have not been classified yet; some calls may not be seen"
    )


def start_policies(
    policies: tuple[Policy, ...],
    strict: bool = False,
    reports: tuple[int, int] | None = None,
    waiting: frozenset[str] = frozenset(),
    meanwhile: Callable[[], None] | None = None,
    kernel: tuple[tuple[str, ...], bool] = ((), False),
    prepared: dict[tuple[int, str], Any] | None = None,
    since: int = 0,
) -> None:
    """Put policies in force for the rest of this process, by conjunction. BootstrapError when that cannot be done.

    strict, reports: see ``Options``. waiting: families that are put in force when ``meanwhile`` has been called.
    kernel: the families that it holds, and whether nothing may run that it does not hold. prepared: rules that are
    ready, by policy and family. since: when the first guards of the run were started, 0 for now. Children are the
    business of one policy, which knows them all.
    """
    began = now()
    policies = tuple([settled(policy) for policy in policies])
    # One that forbids making code comes last: after it no more can be bound.
    order = sorted(policies, key=makes_no_code)
    guardian = None
    if all(starts_processes(policy) for policy in policies):
        # The first, so that the others' hooks know its stand-ins.
        guardian = next(policy for policy in order if not policy.report_only or policy is order[-1])
    prepared = {} if prepared is None else prepared
    children = None
    if guardian is not None:
        children = childrens_context(policies, (strict, reports, *kernel, since or began), prepared)
    # Two threads that start policies do so one after the other, and none while a block's are half in place.
    with session.lock:
        if session.WITHIN:
            raise BootstrapError("a policy for the whole process cannot begin amid of entering or leaving a block")
        for policy in order:
            given = (children, policies) if policy is guardian else (None, ())
            start_process(part(policy, waiting, False) if waiting else policy, *given, policy, prepared)
    leave_fork_servers()
    if meanwhile is not None:
        meanwhile()
    with session.lock:
        for policy in order if waiting else ():
            if not waiting.isdisjoint(policy.rules):
                start_process(part(policy, waiting, True), None, (), policy, prepared)


def leave_fork_servers() -> None:
    """Have no more workers forked by servers that were started before. A run has none, and loads nothing for them."""
    if "multiprocessing.forkserver" in sys.modules:
        from .enforce.forkservers import leave  # with blocks, it is there

        leave()


def childrens_context(
    policies: tuple[Policy, ...], options: tuple[Any, ...], prepared: dict[tuple[int, str], Any]
) -> tuple[Any, ...]:
    """What those who start children know of these policies; as ``of_no_process`` without one."""
    held = tuple([carry(handed_on(policy, prepared)) for policy in policies])
    keeps = tuple([keep for keep in map(keeper, policies) if keep is not None])
    lists = tuple([listed for listed in map(lister, policies) if listed is not None])
    known = load_module("children").loader_variables(inherited())
    families = tuple(dict.fromkeys([guard for policy in policies for guard in policy.rules]))
    return held, (*options, families), keeps, known, lists


def refuse_if_late() -> None:
    """BootstrapError when a policy in force forbids making code: no more can be bound, and its hook lets none in."""
    if FIXED_CODE:
        raise BootstrapError(
            "a policy of this process forbids making code (--no-code-exec), and no other can follow it for the whole "
            "process: give both at once, or use hermetic_blocker"
        )


def part(policy: Policy, guards: frozenset[str], these: bool) -> Policy:
    """A policy with the rules of these families only, or of all others."""
    return policy.but(rules={guard: rules for guard, rules in policy.rules.items() if (guard in guards) is these})


def makes_no_code(policy: Policy) -> bool:
    return "code_exec" in policy.rules


def start_process(
    policy: Policy,
    children: tuple[Any, ...] | None = None,
    beside: tuple[Policy, ...] = (),
    whole: Policy | None = None,
    prepared: dict[tuple[int, str], Any] | None = None,
) -> None:
    """Put one policy in force for the rest of this process.

    children: see BLOCK_CHILDREN; None for none of it. beside: those of which it knows. whole: the policy that this one
    is a part of. prepared: see ``start_policies``.
    """
    if policy.sealed and version_warning() is not None:
        raise BootstrapError("--seal needs a Python version whose audit events are classified")
    refuse_if_late()
    if policy.trace or policy.report_only:
        events.open_trace()
    number = 0 if children is None else how_many()
    compiled = Compiled(policy, children, whole, prepared, beside=beside)
    memo = memo_for(policy)
    probe = new_probe()
    entries = [*compiled.bound_entries(memo), probe_entry(probe)]
    if policy.sealed:
        entries = [(*entry[:9], undisturbed(entry[9], memo)) for entry in entries]
    replaced = compiled.patched
    if number:
        # There are stand-ins that start children; they ask this policy by its hook.
        replaced = frozenset([pair for pair in replaced if pair[0] != "children"])
        entries = [(LATER + entry[0], *entry[1:]) if entry[0].startswith(STARTING) else entry for entry in entries]
    asked = [] if policy.report_only else questions_of(entries[:-1], memo)
    question = ask_entry(audit.make_judge(asked, memo), compiled.described, memo)
    settings = settings_of(policy, compiled, replaced, entries, memo)
    changes, pending, apply = stand_ins(settings, memo, False)
    stash = None if policy.report_only else fresh.make_builtins()
    loaders = loader_changes(apply, memo, stash)
    known = [*with_stand_ins(entries, compiled.entries, memo), question]
    if children is not None:
        known.append(bound_answer(answering(number, children, compiled.rules["children"][:5]), memo))
    add_hook(policy, known, probe, memo)
    if children is not None and how_many() != number + 1:
        raise BootstrapError("an audit hook of this process answers in place of hermetic's: children would not be held")
    for change in (*changes, *loaders):
        patches.put(*change)
    for _, name, original, _ in changes:
        if name == "execve":  # what C calls below a stand-in has no frame of its own, and passes for the stand-in's
            patches.forget(original)
    for journal in session.JOURNALS.values():  # of the blocks around
        journal.give_up({(id(change[0]), change[1]) for change in changes})
    patches.install_now(pending, apply, dict(zip(*stash)) if stash else {})
    compiled.engage(for_good=True)
    REPLACED[0] |= {pair for pair in replaced if pair[0] == "children"}
    if "children" in compiled.families:
        load_module("children").STARTING[:] = session.starting_codes()  # for blocks that were entered before
    if "code_exec" in policy.rules and not policy.report_only:
        FIXED_CODE.append(True)


def memo_for(policy: Policy) -> dict[Any, Any]:
    """The memo of this policy's start, with what means something else in all that is bound for it."""
    memo = new_memo()
    if policy.report_only:
        memo["GOES_ON"] = True
    if policy.sealed:
        memo["BUSY"] = set()  # nobody else's: a handler that takes itself out of it would be an answer again
        memo["examine"] = bind(examine_undisturbed, {}, memo)
        if HIDDEN not in memo:  # 3.10, where one more frame is to be seen
            memo["CALLER_DEPTH"] = CALLER_DEPTH + 1
    return memo


def settings_of(
    policy: Policy,
    compiled: Compiled,
    replaced: frozenset[tuple[str, str]],
    entries: list[Entry],
    memo: dict[Any, Any],
) -> list[tuple[str, patches.Setting]]:
    """What the stand-ins for these names are made from: they ask these entries for the rest of the process."""
    at_doors = [entry for entry in entries if entry[0].startswith(DOORS)]
    judge = audit.make_judge(at_doors, memo)
    after = bind(after_bound, {"ENTRIES": tuple(e for e in compiled.entries if e[8] is not None)}, memo)
    asked_most = [entry for entry in at_doors if entry[9] is not None and entry[0].startswith(PATCHED)]
    judges = audit.make_quick_judges(asked_most, memo)
    return compiled.settings(replaced, judge, after, memo, not policy.report_only, judges)


def add_hook(policy: Policy, entries: list[Entry], probe: str, memo: dict[Any, Any]) -> None:
    """Add the hook that asks these entries. All of it is bound before: afterwards code may not be made any more."""
    hook = audit.make_hook(entries, memo)
    if policy.sealed:
        from .enforce import class_dicts  # most runs do without

        class_dicts.close(memo)
    end = None if policy.report_only else bind(audit.refuse_everything, {}, memo)
    audit.add_hook(hook, probe, end)


def undisturbed(free: Any, memo: dict[Any, Any]) -> Any:
    """A row's ``free`` under a seal; the same for all that share one."""
    key = "undisturbed", free
    if free is not None and key not in memo:
        memo[key] = bind(free_undisturbed, {"FREE": free}, memo)
    return memo.get(key)


def how_many() -> int:
    """How many policies, or groups of them, this process has that know of children. BootstrapError where that cannot be
    told."""
    try:
        return len(answers(0))
    except Exception as error:
        raise BootstrapError(
            f"an earlier audit hook of this process answers in place of hermetic's: {error}"
        ) from error


def bound_answer(entry: Entry, memo: dict[Any, Any]) -> Entry:
    return (*entry[:4], bind(entry[4], {}, memo), bind(entry[5], {}, memo), *entry[6:])


# The (guard, name) pairs by which the process's own policies start children: they know of blocks, too.
REPLACED: list[frozenset[tuple[str, str]]] = [frozenset()]
# Stand-in for what bind() puts in place of this name.
ENTRIES: tuple[Entry, ...] = ()
# In a memo: the code of the stand-ins by whose frames readers know who asks.
TOLD_BY_CODE = ("OPENERS", "CONNECTORS", "CLOSERS", "ADMITTED", "LINKERS", "FOLLOWERS")


def after_bound(key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """Let the process's policy remember what an allowed call returned."""
    for entry in ENTRIES:
        if entry[0] == key:
            entry[8](entry[6], args, kwargs, result)


def stand_ins(
    settings: list[tuple[str, patches.Setting]], memo: dict[Any, Any], noted: bool
) -> tuple[list[patches.Change], tuple[patches.Pending, ...], Any]:
    """(what is replaced at once, what is when its module is there, the function that does so with a module).

    noted: whether that function adds what it replaces to the first.
    """
    changes = patches.door_changes([pair for pair in settings if not is_late(pair[1])])
    pending = tuple(make_pending(name, setting) for name, setting in settings if is_late(setting))
    made = tuple([row[2] for row in pending])
    if made:
        patches.STANDING.append(made)
    patched = bind(patches.is_patched, {"PENDING": pending, "STAND_INS": made}, memo)
    another = bind(patches.is_another, {"SOCKET": getattr(sys.modules.get("_socket"), "socket", None)}, memo)
    names = {"PENDING": pending, "JOURNAL": changes if noted else None, "is_patched": patched, "is_another": another}
    return changes, pending, bind(patches.apply_pending, names, memo)


def is_late(setting: patches.Setting) -> bool:
    """Whether the stand-in is made without the original."""
    return setting.row.late or not setting.row.door


def make_pending(name: str, setting: patches.Setting) -> patches.Pending:
    """A stand-in made before its module is loaded; where it is loaded, the original becomes a constant."""
    module, path = patches.split(name)
    if setting.whole_process and len(path) == 1 and not setting.row.door:
        original = getattr(sys.modules.get(module), path[0], None)
        if original is not None:
            setting.box = (original,)
            return module, path, patches.make_stand_in(setting)[0], None
    made, box = patches.make_stand_in(setting)
    return module, path, made, box


EMPTY: tuple[Any, ...] = ()
# The code of every stand-in that makes C modules: a process that is sealed inside a block has two of each.
_makers: list[Any] = []


def loader_changes(
    apply: Any, memo: dict[Any, Any], stash: tuple[tuple[str, ...], tuple[Any, ...]] | None
) -> list[patches.Change]:
    """The import system's doors, so that modules loaded later are patched too. stash: see ``fresh.make_builtins``."""
    changes: list[patches.Change] = []
    constants: dict[str, Any] = {"AFTER": apply, "MADE": []}
    if stash is not None:
        constants.update(NAMES=stash[0], STASH=stash[1])
    for module, name, function in patches.LOADERS:
        holder = sys.modules[module]
        original = getattr(holder, name)
        if stash is not None and function is fresh.create_builtin:
            function, box = fresh.hand_out_builtin, EMPTY
        else:
            box = (original,)  # nothing that could be given another function
        maker = bind(fresh.make_in_c, {}, memo, IMPORT_SYSTEM_FILE, PUBLIC)
        code = maker.__code__
        if CAN_BIND and not FIXED_CODE:
            maker = FunctionType(code, PRIVATE)
        # The interpreter trims its own import frames from tracebacks by their file name.
        made = bind(function, {**constants, "BOX": box, "MAKE": maker}, memo, IMPORT_SYSTEM_FILE, PUBLIC)
        if module == "_imp":
            _makers.append(code)
            if CAN_BIND and not FIXED_CODE:  # nobody inspects these; their originals are not to be found in their code
                made = FunctionType(made.__code__, PRIVATE, made.__name__)
        changes.append((holder, name, original, made))
    return changes


def with_stand_ins(entries: list[Entry], unbound: list[Entry], memo: dict[Any, Any]) -> list[Entry]:
    """The entries, with the stand-ins' own code told to the rows that ask who is asking.

    Of those that are announced: the judge that stand-ins call is older than they are.
    """
    starting = session.starting_codes()
    makers = (*_makers, *starting, audit.add_hook.__code__)
    told = {
        "MAKERS": makers,
        "KNOWN": (*makers, *[code for name in TOLD_BY_CODE for code in memo.get(name, ())], *session.PROBERS),
        "STARTING": starting,
        "SESSION_HOOK": audit.session_hook,
        **{name: memo.get(name, ()) for name in TOLD_BY_CODE},
        "PROBERS": tuple(session.PROBERS),
    }
    known = [
        (*entry[:4], bind(plain[4], told, memo), *entry[5:])
        if isinstance(plain[4], FunctionType) and not told.keys().isdisjoint(plain[4].__code__.co_names)
        else entry
        for entry, plain in zip(entries, unbound, strict=False)
        if not entry[0].startswith(DOORS)
    ]
    return [*known, *entries[len(unbound) :]]


def childrens_variables() -> Any:
    """The mapping from which children are given variables: names and values as C has them."""
    return session.ENVIRONMENT[0]


def inherited() -> list[tuple[str, str]]:
    """The variables that a child would inherit now."""
    return [(exact_text(name), exact_text(value)) for name, value in session.ENVIRONMENT[0].items()]
