"""The policies that blocks have put in force in this process; the core's only mutable state.

Every change replaces a tuple: a guard reads it once and sees a whole state.
Nesting is a conjunction, so entering a policy adds a table and leaving it
removes that table, in any order.
"""

from __future__ import annotations

import os as _os

from ..extract import HANDLE, O_PATH, WRITE_BITS
from ..pristine import RLock, now
from .judge import examine

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .judge import Entry

    Table: TypeAlias = dict[str, tuple[Entry, ...]]

# CPython announces every opening by one event. Rows name it OPEN, or one of the two others: the hook tells them
# apart, so that a read costs nothing where only writes are guarded. Linux's handles (O_PATH) are neither.
OPEN, OPEN_TO_WRITE, OPEN_TO_READ = "open", "open.write", "open.read"
OPEN_FOR_ALL = "open.all"  # among watched events only: some row names OPEN

# Whoever puts anything in force or takes it out has it: what is replaced is half done meanwhile.
lock = RLock()
if hasattr(_os, "register_at_fork"):
    # A fork would find it taken by another thread, for ever, and all half done.
    _os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
# Who is entering or leaving a block. A signal handler or a finalizer may come amid, in the same thread, and enter one
# itself: what is being replaced or put back is half done then, and is left alone. What it replaces is its own.
WITHIN: list[object] = []
# (token, table, (the policy as bytes, what its children keep of their variables, its list of programs, what it was
# compiled to), who watches it) of every entered block, in order.
entered: tuple[tuple[object, Table, Any, object], ...] = ()
# One element each, so that the hooks reach the current value without a module look-up of their own.
tables: list[tuple[Table, ...]] = [()]
# (the events that rows name, `flags_of_interest` and `unasked_flags` of them), or empty while no block is entered.
watched: list[Any] = [()]
# The same for the stand-ins that start children: what is entered, the variables that children inherit, and those of the
# moment when the outermost block was entered; and the code of all these stand-ins.
IN_FORCE: list[tuple[Any, ...]] = [()]
ENVIRONMENT: list[Any] = [getattr(_os.environ, "_data", {})]
BEFORE: list[Any] = [{}]
# Weak references to the mappings of variables behind the stand-ins of blocks. A policy for the whole process that
# begins in a block empties them.
BEHIND: list[Any] = []
# What blocks have replaced: by the (guard, name) pairs, for whoever replaces these next, or by the token of a block
# that was entered amid of another. Such a policy takes it over, see ``Journal.give_up``.
JOURNALS: dict[object, Any] = {}
SINCE = [0]
# The code of the frames in which stand-ins call C, and one another.
STARTERS: list[Any] = []
ONWARD: list[Any] = []
# Whether any child was started under a policy of a block.
CHILDREN = [False]
# The shells of os.system that run, by process, as C starts them with its own variables: (lock, which of them, the names
# of the variables that were changed for them).
SHELLS: dict[int, tuple[Any, set[int], set[str]]] = {}
# The code by which they look at a program.
PROBERS: list[Any] = []
# Memo of unions of watched events, by the identity of the tables.
_unions: dict[tuple[int, ...], tuple[tuple[Table, ...], Any]] = {}


def session_judge(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The first violation of this attempt under any policy in force; else the first quiet answer in its place."""
    answer = None
    for table in tables[0]:
        for entry in table.get(event, ()):
            try:
                if entry[9] is not None and entry[9](entry[6], args):
                    continue
            except Exception:  # noqa: BLE001  # an argument may raise anything; it is looked at more closely
                pass
            found = examine(entry, args, kwargs)
            if found is not None:
                if type(found) is tuple and len(found[1]) == 4:
                    watcher = entry[7][3]
                    if watcher is not None and watcher.tolerates(entry[1], found[1][0]):
                        continue
                    return found
                answer = answer or found
    return answer


def session_after(event: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """Let the policies in force remember what an allowed call returned."""
    for table in tables[0]:
        for entry in table.get(event, ()):
            if entry[8] is not None:
                entry[8](entry[6], args, kwargs, result)


def with_openings(events: frozenset[str]) -> frozenset[str]:
    """The events that rows name, as the hook needs to know them."""
    if OPEN in events:
        return events | {OPEN_FOR_ALL}
    return events if events.isdisjoint((OPEN_TO_WRITE, OPEN_TO_READ)) else events | {OPEN}


def flags_of_interest(events: frozenset[str]) -> int:
    """The bits of open(2)'s flags of which one must be set for anybody to ask about an opening."""
    return -1 if OPEN_TO_READ in events or OPEN_FOR_ALL in events else WRITE_BITS


def unasked_flags(events: frozenset[str]) -> int:
    """The flags by which a stand-in asks for a handle, where nobody asks about these: it is no read, and only rows that
    name OPEN have a word to say to it. Else, and where there are no handles, no flags that an opening is judged by.
    """
    return HANDLE if O_PATH and OPEN_FOR_ALL not in events else 0


def starting_codes() -> tuple[Any, ...]:
    """The code of every frame in which a stand-in that starts children calls on."""
    return (*STARTERS, *ONWARD)


def add(token: object, table: Table, carried: Any = (b"", None, None, None), watcher: object = None) -> None:
    """Put a table in force.

    carried: what children of this policy are given, and what it was compiled to. watcher: what it is watched by, which
    is asked after what nobody watches; of several the last one first, for they are inside each other.
    """
    global entered
    with lock:
        if not entered:
            BEFORE[0] = dict(ENVIRONMENT[0])
            SINCE[0] = now()
        made = (token, table, carried, watcher)
        while made not in entered:
            before = entered
            after = (*before, made)
            # Nothing comes amid of this; it may have before, see WITHIN.
            entered = after if entered is before else entered
        IN_FORCE[0] = entered
        # A policy that is in force already, as in recursion, changes nothing.
        for known in tables[0]:
            if known is table:
                break
        else:
            _publish()


def remove(token: object) -> None:
    """Take this token's table out of force."""
    global entered
    with lock:
        table = None
        while True:
            before = entered
            kept = []
            for entry in before:
                if entry[0] is token:
                    table = entry[1]
                else:
                    kept.append(entry)
            if len(kept) == len(before):
                break
            after = tuple(kept)
            entered = after if entered is before else entered  # as above
        IN_FORCE[0] = entered
        for entry in entered:
            if entry[1] is table:
                break
        else:
            _publish()


def _publish() -> None:
    """Let the hooks see what is entered; again, where that has changed amid of it."""
    shown = None
    while shown is not entered:
        shown = entered
        current: list[Table] = []
        watchers = {id(entry[3]): entry[3] for entry in shown if entry[3] is not None}
        for watcher in (None, *reversed(watchers.values())):
            for entry in shown:
                if entry[3] is watcher and not any(entry[1] is known for known in current):
                    current.append(entry[1])
        tables[0], watched[0] = _union(current)


def _union(current: list[Table]) -> tuple[tuple[Table, ...], Any]:
    """(the tables, what the hooks need to know of their events)."""
    key = tuple(map(id, current))
    known = _unions.get(key)
    if known is None:
        if len(_unions) > 64:
            _unions.clear()
        # The tables are kept beside the union: an id is only a name while its object lives.
        events = with_openings(frozenset().union(*current))
        known = _unions[key] = (
            tuple(current),
            (events, flags_of_interest(events), unasked_flags(events)) if events else (),
        )
    return known
