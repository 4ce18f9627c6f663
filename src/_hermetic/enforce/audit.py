"""Layer 2: the audit hooks. They cannot be removed, and they see captured references and C-level twins."""

from __future__ import annotations

import sys

from ..errors import BootstrapError, PolicyViolation
from ..extract import O_PATH, WRITE_BITS, opens_to_write
from .bind import HIDDEN, bind
from .judge import examine, refusal
from .session import OPEN, OPEN_FOR_ALL, OPEN_TO_READ, OPEN_TO_WRITE, session_judge, watched, with_openings

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .judge import Entry

# Stand-ins for what bind() puts in place of these names.
GUARDED: frozenset[str] = frozenset()
SLOTS: tuple[tuple[Entry, ...], ...] = ()
MASK = 0
FOR_ALL = False
JUDGE: Any = None
READS: Any = None
READERS: tuple[Entry, ...] = ()
ANSWER: Any = None
READS_ARE_FREE = False
HERE = None


def session_hook(event: str, args: tuple[Any, ...]) -> None:
    """For ordinary blocks: asks whatever policies are in force now."""
    names = watched[0]
    # C makes the event's name anew each time, and a look-up would hash it: an idle hook does without.
    if names and event in names:
        if event == OPEN:
            flags = args[2]
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


def sealed_hook(event: str, args: tuple[Any, ...], *here: None) -> None:
    """For a whole process: everything it uses is a constant of its code."""
    if event in GUARDED:
        if event == OPEN:
            flags = args[2]
            if type(flags) is not int or not flags or flags & WRITE_BITS:
                found = JUDGE(OPEN_TO_WRITE, args, None) if opens_to_write(args) else None
                if found is not None:
                    raise refusal(found)
            if READS is not None and not flags & O_PATH:
                found = READS(OPEN_TO_READ, args, None)
                if found is not None:
                    raise refusal(found)
            if not FOR_ALL:
                return
        found = JUDGE(event, args, None)
        if found is not None:
            raise refusal(found)


def shown_hook(event: str, args: tuple[Any, ...]) -> None:
    """The same where frames are hidden. This one is to be seen, from the call on.

    A C function that is called back while the guard decides (as a signal handler, say) must not be taken for
    what the frame below the guard's calls.
    """
    if event in GUARDED:
        if event == OPEN and READS_ARE_FREE:
            flags = args[2]
            if type(flags) is int and flags and not flags & WRITE_BITS:
                return
        ANSWER(event, args, HERE)


def sealed_judge(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The first violation among the entries of this event.

    SLOTS is a hash table made of tuples: a dict would be mutable by whoever finds it.
    """
    for entry in SLOTS[hash(event) & MASK]:
        if entry[0] == event:
            found = examine(entry, args, kwargs)
            if found is not None:
                return found
    return None


def sealed_reads(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The same for OPEN_TO_READ, the event that is asked most."""
    for entry in READERS:
        found = examine(entry, args, kwargs)
        if found is not None:
            return found
    return None


def slots_of(entries: list[Entry]) -> tuple[tuple[tuple[Entry, ...], ...], int]:
    """Distribute entries over the slots of an immutable hash table."""
    mask = 127
    table: list[list[Entry]] = [[] for _ in range(mask + 1)]
    for entry in entries:
        table[hash(entry[0]) & mask].append(entry)
    return tuple(map(tuple, table)), mask


def add_hook(hook: Any, probe: str) -> None:
    """Add an audit hook and prove that it is there.

    An earlier hook that raises RuntimeError makes ``sys.addaudithook`` do nothing
    and say nothing, so a private event must come back as a violation.
    """
    sys.addaudithook(hook)
    try:
        sys.audit(probe)
    except PolicyViolation as answer:
        # Its frames hold everything that was there before the guards, and a cycle would keep them.
        answer.__traceback__ = None
        if answer.message == probe:
            return
    raise BootstrapError("the audit hook could not be added: an earlier audit hook of this process refused it")


def make_judge(entries: list[Entry], memo: dict[Any, Any]) -> Any:
    """The judge, bound to these entries for the rest of the process."""
    slots, mask = slots_of(entries)
    return bind(sealed_judge, {"SLOTS": slots, "MASK": mask}, memo)


def make_hook(entries: list[Entry], memo: dict[Any, Any]) -> Any:
    """The hook, with a judge of its own."""
    judge = make_judge(entries, memo)
    guarded = with_openings(frozenset(entry[0] for entry in entries))
    readers = tuple(entry for entry in entries if entry[0] == OPEN_TO_READ)
    reads = bind(sealed_reads, {"READERS": readers}, memo) if readers else None
    names = {"GUARDED": guarded, "JUDGE": judge, "READS": reads, "FOR_ALL": OPEN_FOR_ALL in guarded}
    hook = bind(sealed_hook, names, memo)
    if HIDDEN not in memo:
        return hook
    free = reads is None and OPEN_FOR_ALL not in guarded
    return bind(shown_hook, {"GUARDED": guarded, "ANSWER": hook, "READS_ARE_FREE": free}, memo)
