"""What a block has replaced: put back when the last one is left, and in place again when the next is entered.

A module's names are compared and set all at once, in C: every block that is entered comes by here.
"""

from __future__ import annotations

import os
import sys
from _operator import is_, setitem

from .patches import ABLE, INHERITED

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from .patches import Change

MODULE, GET = type(os), dict.get


class Journal:
    """Changes in the order in which they were made; modules that are loaded later add theirs.

    refresh: what families want to be called when their changes are in place again.
    """

    __slots__ = ("_grouped", "_steps", "changes", "is_whole", "refresh")

    def __init__(self, changes: list[Change], refresh: tuple[Callable[[], None], ...] = ()) -> None:
        self.changes, self.refresh = changes, refresh
        self.is_whole = True
        self._steps: list[Attribute | Names] = []
        self._grouped = 0

    def steps(self) -> list[Attribute | Names]:
        """The same, with all names of modules in one step."""
        if self._grouped != len(self.changes):
            self._grouped = len(self.changes)
            self._steps = steps_of(self.changes)
        return self._steps

    def redo(self) -> bool:
        """Apply all of it again if everything is as it was before; False when it must be made anew."""
        if not self.is_whole:
            return False
        steps = self.steps()
        for done, step in enumerate(steps):
            # Looked at only when its turn comes: two families may each replace what the other has left there.
            if not step.redo():
                for earlier in reversed(steps[:done]):
                    earlier.undo()
                return False
        return True

    def undo(self) -> None:
        """Put back what was there, newest first, where it is still ours."""
        for step in reversed(self.steps()):
            step.undo()

    def give_up(self, places: Collection[tuple[int, str]]) -> None:
        """Leave these for good to a policy for the whole process, which has replaced them as well: some stand-ins are
        the same object for both, and would be taken for the block's. places: (id of the holder, attribute)."""
        kept = [change for change in self.changes if (id(change[0]), change[1]) not in places]
        if len(kept) != len(self.changes):
            # In place: modules that are loaded later are noted here.
            self.changes[:], self.is_whole, self._grouped = kept, False, -1


class Attribute:
    """One attribute of anything."""

    __slots__ = ("change",)

    def __init__(self, change: Change) -> None:
        self.change = change

    def redo(self) -> bool:
        holder, name, old, new = self.change
        if name in holder.__dict__ if old is INHERITED else getattr(holder, name, None) is not old:
            return False
        setattr(holder, name, new)
        return True

    def undo(self) -> None:
        holder, name, old, new = self.change
        if getattr(holder, name, None) is not new:
            return
        if old is INHERITED:
            delattr(holder, name)
        else:
            setattr(holder, name, old)
            if holder is os:
                for able in ABLE:
                    able.discard(new)


class Names:
    """Names of modules, in whose classes nothing has a say about them: all are compared and set without a loop."""

    __slots__ = ("_able", "_changes", "_names", "_new", "_old", "_spaces")

    def __init__(self, changes: list[Change]) -> None:
        self._changes = [Attribute(change) for change in changes]
        # What was replaced twice was the first and is the last.
        places = {(id(holder), name): holder.__dict__ for holder, name, _, _ in changes}
        before = {(id(holder), name): old for holder, name, old, _ in reversed(changes)}
        after = {(id(holder), name): new for holder, name, _, new in changes}
        self._spaces, self._names = tuple(places.values()), tuple([name for _, name in places])
        self._old, self._new = tuple([before[at] for at in places]), tuple([after[at] for at in places])
        # What the library knows of them, see ``patches.is_able``.
        made = [change[3] for change in changes if change[0] is os]
        self._able = [(able, [one for one in made if is_in(one, able)]) for able in ABLE]

    def redo(self) -> bool:
        if not all(map(is_, map(GET, self._spaces, self._names), self._old)):
            return False
        any(map(setitem, self._spaces, self._names, self._new))
        for able, made in self._able:
            able.update(made)
        return True

    def undo(self) -> None:
        if not all(map(is_, map(GET, self._spaces, self._names), self._new)):
            for change in reversed(self._changes):
                change.undo()
            return
        any(map(setitem, self._spaces, self._names, self._old))
        for able, made in self._able:
            able.difference_update(made)


def is_in(thing: Any, those: set[Any]) -> bool:
    try:
        return thing in those
    except TypeError:
        return False  # somebody's own, which no set can hold


def steps_of(changes: list[Change]) -> list[Attribute | Names]:
    """Changes as steps that have the same effect. Names of modules depend on nothing but one another."""
    entries = [change for change in changes if is_entry(change)]
    others: list[Attribute | Names] = [Attribute(change) for change in changes if not is_entry(change)]
    return [*others, Names(entries)] if entries else others


def is_entry(change: Change) -> bool:
    """Whether this changes a module's namespace and nothing else."""
    holder, name, old, _ = change
    return (type(holder) is MODULE or holder is sys) and name != "__class__" and old is not INHERITED
