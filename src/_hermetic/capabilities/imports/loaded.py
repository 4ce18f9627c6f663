"""Modules that are loaded already, out of reach while a policy denies importing them."""

from __future__ import annotations

import sys
from _weakref import ref

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

_MODULE = type(sys)
# The absences in force. Weak: a policy for the whole process is never undone, so nothing may keep what it took.
_in_force: list[ref[Absence]] = []


class Absence:
    """What one policy took out of ``sys.modules``; calling it puts that back, unless another policy wants it out."""

    __slots__ = ("__weakref__", "taken", "wants")

    def __init__(self, wants: Callable[[str], bool]) -> None:
        self.wants = wants
        # (name, module, parent that had it as an attribute or None), parents before their submodules
        self.taken: list[tuple[str, Any, Any]] = []

    def take(self, tops: frozenset[str]) -> None:
        """Take out of ``sys.modules``, and of their parents, the modules whose names are wanted. tops: the top-level
        names of all that is wanted, for a program may have loaded thousands, and each question costs a microsecond."""
        near = [name for name in sys.modules if type(name) is str and name.partition(".")[0] in tops]
        for name in [name for name in near if self.wants(name)]:
            module = sys.modules.pop(name)
            above, _, child = name.rpartition(".")
            parent = sys.modules.get(above) or next((m for n, m, _ in self.taken if n == above), None)
            # A module with another name of its own, as os.path has, is more than this import to its parent.
            holds = is_named(module, name) and isinstance(parent, _MODULE) and names_in(parent).get(child) is module
            if holds:
                delattr(parent, child)
            self.taken.append((name, module, parent if holds else None))

    def __call__(self) -> None:
        _in_force[:] = [other for other in _in_force if other() not in (None, self)]
        others = [other() for other in _in_force]
        for name, module, parent in self.taken:
            heir = next((other for other in others if other is not None and other.wants(name)), None)
            if heir is not None:
                heir.taken.append((name, module, parent))
                continue
            sys.modules[name] = module
            if parent is not None:
                setattr(parent, name.rpartition(".")[2], module)
        self.taken = []

    def stay(self) -> None:
        """Take from the blocks that are entered now what they would put back when they are left."""
        for other in [other() for other in _in_force]:
            if other is not None:
                other.taken = [taken for taken in other.taken if not self.wants(taken[0])]


def take_away(wants: Callable[[str], bool], heads: Collection[str]) -> Absence:
    """Take away the loaded modules whose names are wanted; the result puts them back.

    heads: the wanted modules that have no wanted parent. Where none of them is loaded, none below
    is, and entering a block need not look at every module there is.
    """
    made = Absence(wants)
    _in_force.append(ref(made))
    if not sys.modules.keys().isdisjoint(heads):
        made.take(frozenset([head.partition(".")[0] for head in heads]))
    return made


def names_in(module: Any) -> dict[str, Any]:
    """A module's namespace, without waking a lazy one."""
    found: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return found


def is_named(module: Any, name: str) -> bool:
    return isinstance(module, _MODULE) and names_in(module).get("__name__") == name
