"""Layer 2: the audit hooks. They cannot be removed, and they see captured references and C-level twins."""

from __future__ import annotations

import gc
import sys
from _weakref import ref

from ..errors import BootstrapError, PolicyViolation
from ..events import COUNT, LOG, REPORTS
from ..extract import O_PATH, WRITE_BITS, opens_to_write
from ..pristine import NULL_DEVICE
from .bind import bind
from .judge import Interrupted, examine, refusal
from .session import (
    OPEN,
    OPEN_FOR_ALL,
    OPEN_TO_READ,
    OPEN_TO_WRITE,
    flags_of_interest,
    session_judge,
    unasked_flags,
    watched,
    with_openings,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .judge import Entry

    # (event, `free` of its only row or None, that row's rules, its entries)
    Slot: TypeAlias = tuple[str, Any, Any, tuple[Entry, ...]]
    # (`free` or None, its rules, the entries that it answers for)
    Group: TypeAlias = tuple[Any, Any, tuple[Entry, ...]]

# Stand-ins for what bind() puts in place of these names.
GUARDED: frozenset[str] = frozenset()
INTEREST = -1
UNASKED = 0
ANSWER: Any = None
HERE = None
SLOTS: Any = ()
MASK = 0
TO_READ: tuple[Group, ...] = ()
TO_WRITE: tuple[Group, ...] = ()
HANDLE: tuple[Group, ...] = ()
HANDLE_TO_WRITE: tuple[Group, ...] = ()
FREE: Any = None
RULES: Any = None
ENTRIES: tuple[Entry, ...] = ()
ADD, COLLECTS, COLLECT, DO_NOT_COLLECT = sys.addaudithook, gc.isenabled, gc.enable, gc.disable


def session_hook(event: str, args: tuple[Any, ...]) -> None:
    """For ordinary blocks: asks whatever policies are in force now."""
    state = watched[0]
    if not state:
        return
    names, interest, unasked = state
    # Openings are announced most, and C makes the event's name anew each time: comparing it needs no hash.
    if event == OPEN:
        flags = args[2]
        if type(flags) is int and flags and (flags == unasked or not flags & interest):
            return
    if event in names:
        if event == OPEN:
            path, _, flags = args
            if type(path) is str and path == NULL_DEVICE:
                return
            if type(flags) is not int or not flags or flags & WRITE_BITS:
                found = session_judge(OPEN_TO_WRITE, args, None) if opens_to_write(args) else None
                if found is not None:
                    raise refusal(found)
            if OPEN_TO_READ in names and not flags & O_PATH:
                found = session_judge(OPEN_TO_READ, args, None)
                if found is not None:
                    raise refusal(found)
            if OPEN_FOR_ALL not in names:
                return
        found = session_judge(event, args, None)
        if found is not None:
            raise refusal(found)


def sealed_hook(event: str, args: tuple[Any, ...]) -> None:
    """For a whole process: everything it uses is a constant of its code.

    Where frames are hidden, this one is to be seen from the call on: a C function that is called back while the
    guard decides (as a signal handler, say) must not be taken for what the frame below the guard's calls.
    """
    # Openings are announced most, and C makes the event's name anew each time: comparing it needs no hash.
    if event == OPEN:
        flags = args[2]
        if type(flags) is int and flags and (flags == UNASKED or not flags & INTEREST):
            return
    elif event not in GUARDED:
        return
    ANSWER(event, args, HERE)


def sealed_answer(event: str, args: tuple[Any, ...], here: None) -> None:  # noqa: PLR0912  # a call here is paid by every event
    """Asks the entries of a guarded event. A judge of its own: each call that the hook makes is paid by every event."""
    if event == OPEN:
        path, _, flags = args
        # No family has a word to say to it, and our stand-ins open it in place of a path.
        if type(path) is str and path == NULL_DEVICE:
            return
        if type(flags) is not int:
            groups = TO_WRITE
        elif (not flags or flags & WRITE_BITS) and opens_to_write(args):
            groups = HANDLE_TO_WRITE if flags & O_PATH else TO_WRITE
        else:
            groups = HANDLE if flags & O_PATH else TO_READ
        for free, rules, entries in groups:
            try:
                if free is not None and free(rules, args):
                    continue
            except Exception:  # noqa: BLE001  # an argument may raise anything at all; then it is looked at more closely
                pass
            except Interrupted as interrupted:  # by a signal handler, under a seal
                raise interrupted.error from None
            for entry in entries:
                found = examine(entry, args, None)
                if found is not None:
                    raise refusal(found)
        return
    for name, free, rules, entries in SLOTS[hash(event) & MASK]:  # noqa: B007  # the last ones are what was found
        if name == event:
            break
    else:
        return
    try:
        if free is not None and free(rules, args):
            return
    except Exception:  # noqa: BLE001  # as above
        pass
    except Interrupted as interrupted:
        raise interrupted.error from None
    for entry in entries:
        found = examine(entry, args, None)
        if found is not None:
            raise refusal(found)


def sealed_judge(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The first violation among the entries of this event, for the stand-ins.

    SLOTS is a hash table made of tuples: a dict would be mutable by whoever finds it.
    """
    for name, _, _, entries in SLOTS[hash(event) & MASK]:
        if name == event:
            for entry in entries:
                found = examine(entry, args, kwargs)
                if found is not None:
                    return found
    return None


def sealed_judge_of_one(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The same for the one stand-in whose row can tell what is free."""
    try:
        if FREE(RULES, args):
            return None
    except Exception:  # noqa: BLE001  # as above
        pass
    except Interrupted as interrupted:
        raise interrupted.error from None
    for entry in ENTRIES:
        found = examine(entry, args, kwargs)
        if found is not None:
            return found
    return None


def add_hook(hook: Any, probe: str, end: Any = None) -> None:
    """Add an audit hook and prove that it is there. end: called when the interpreter has dropped it.

    An earlier hook that raises RuntimeError makes ``sys.addaudithook`` do nothing
    and say nothing, so a private event must come back as a violation. That is no act of the program's.
    """
    log, count, reports = LOG[:], COUNT[:], REPORTS[:]
    REPORTS.clear()
    sys.addaudithook(hook)
    try:
        sys.audit(probe, probe)
    except PolicyViolation as answer:
        # Its frames hold everything that was there before the guards, and a cycle would keep them.
        answer.__traceback__ = None
        if answer.message == probe:
            if end is not None:
                hook.end = ref(hook, end)
            return
    finally:
        LOG[:], COUNT[:], REPORTS[:] = log, count, reports
    raise BootstrapError("the audit hook could not be added: an earlier audit hook of this process refused it")


def refuse_everything(gone: Any) -> None:
    """Called by a reference to a hook that is gone: the reference takes its place. It takes no arguments, so that
    whatever is announced fails.

    The interpreter drops its hooks at the end, and after them what it was given to keep (error handlers of codecs,
    functions for forks, filters of warnings), which may have finalizers. By then no code can judge: 3.12 crashes when
    the last hook it calls is a function of Python's. Nothing may run before the reference is there: up to 3.11 making
    a list can start the collector.
    """
    collects = COLLECTS()
    DO_NOT_COLLECT()
    ADD(gone)
    if collects:
        COLLECT()


def make_judge(entries: list[Entry], memo: dict[Any, Any]) -> Any:
    """The judge, bound to these entries for the rest of the process."""
    slots = slots_of(by_event(entries))
    return bind(sealed_judge, {"SLOTS": slots, "MASK": len(slots) - 1}, memo)


def make_quick_judges(entries: list[Entry], memo: dict[Any, Any]) -> dict[str, Any]:
    """A judge of its own for each of these stand-ins' keys, all of which can tell what is free."""
    return {
        key: bind(sealed_judge_of_one, {"FREE": free, "RULES": rules, "ENTRIES": found}, memo)
        for key, free, rules, found in by_event(entries)
        if free is not None
    }


def make_hook(entries: list[Entry], memo: dict[Any, Any]) -> Any:
    """The hook, bound in the same way."""
    table = by_event(entries)
    known = {name: found for name, _, _, found in table}
    slots = slots_of(table)
    reading, writing, every = known.get(OPEN_TO_READ, ()), known.get(OPEN_TO_WRITE, ()), known.get(OPEN, ())
    names = {
        "SLOTS": slots,
        "MASK": len(slots) - 1,
        "TO_READ": grouped((*reading, *every)),
        "TO_WRITE": grouped((*writing, *reading, *every)),
        "HANDLE": grouped(every),
        "HANDLE_TO_WRITE": grouped((*writing, *every)),
    }
    answer = bind(sealed_answer, names, memo)
    guarded = with_openings(frozenset(known))
    flags = {"INTEREST": flags_of_interest(guarded), "UNASKED": unasked_flags(guarded)}
    return bind(sealed_hook, {"GUARDED": guarded, "ANSWER": answer, **flags}, memo)


def by_event(entries: list[Entry]) -> list[Slot]:
    """The entries of each event, in their order; ``free`` and its rules where there is one entry that has them."""
    table: dict[str, tuple[Entry, ...]] = {}
    for entry in entries:
        table[entry[0]] = (*table.get(entry[0], ()), entry)
    return [
        (event, found[0][9], found[0][6], found) if len(found) == 1 else (event, None, None, found)
        for event, found in table.items()
    ]


def grouped(entries: tuple[Entry, ...]) -> tuple[Group, ...]:
    """The entries in their order, those together that stand beside one another and have one `free`: it looks once."""
    groups: list[Group] = []
    for entry in entries:
        free, rules = entry[9], entry[6]
        if groups and free is not None and groups[-1][0] is free and groups[-1][1] == rules:
            groups[-1] = free, rules, (*groups[-1][2], entry)
        else:
            groups.append((free, rules, (entry,)))
    return tuple(groups)


def slots_of(table: list[Slot]) -> tuple[tuple[Slot, ...], ...]:
    """Distribute events over the slots of an immutable hash table, whose size is a power of two."""
    slots: list[list[Slot]] = [[] for _ in range(128)]
    for slot in table:
        slots[hash(slot[0]) & 127].append(slot)
    return tuple(map(tuple, slots))
