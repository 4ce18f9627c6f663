"""Fixtures that outlive a test: which one acts, who asks for it, and what it belongs to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.fixtures import FixtureDef, pytest_fixture_setup

from hermetic.integrations.pytest_words import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

# Where fixtures are set up and torn down, and how each calls the fixture; what fixtures of each scope belong to.
SET_UP, TEAR_DOWN = pytest_fixture_setup.__code__, FixtureDef.finish.__code__
SHARED: dict[str, Any] = {"class": pytest.Class, "module": pytest.Module, "package": pytest.Package}
SESSION = "session"
MARKS = "pytestmark"  # where pytest keeps those of a function, a class or a module


def acting() -> Any:
    """The fixture that is being set up or torn down on this thread's stack; None where none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        # By identity: the code of a guard, which has lists among its constants, cannot be looked up.
        if frame.f_code is SET_UP or frame.f_code is TEAR_DOWN:
            return frame.f_locals["fixturedef" if frame.f_code is SET_UP else "self"]
        frame = frame.f_back
    return None


def owner_of(fixturedef: Any, item: pytest.Item) -> str:
    """What a fixture belongs to, if tests share it; empty for what is the test's own."""
    if fixturedef.scope == SESSION:
        return SESSION
    kind = SHARED.get(fixturedef.scope)
    node = None if kind is None else item.getparent(kind)
    return "" if node is None else node.nodeid


def automatic_names(item: pytest.Item) -> set[str]:
    """The fixtures that nobody asks for by name."""
    return set(item.session._fixturemanager._getautousenames(item))


def reached(info: Any, named: Iterable[tuple[str, Any]]) -> Iterator[tuple[Any, Any]]:
    """(fixture, who) of every fixture that these names lead to. named: (name, who asks for it)."""
    rest = list(named)
    seen: set[tuple[str, int]] = set()
    while rest:
        name, who = rest.pop()
        if (name, id(who)) in seen:
            continue
        seen.add((name, id(who)))
        for fixturedef in info.name2fixturedefs.get(name, ()):
            rest += [(wanted, who) for wanted in fixturedef.argnames]
            yield fixturedef, who


def place_of_marks(fixturedef: Any, item: pytest.Item | None) -> str:
    """Where a marker has to stand that gives something back to a fixture: "class", "module", "run" for nowhere, and
    empty for a fixture that the test asks for, which its own marker widens."""
    info = getattr(item, "_fixtureinfo", None)
    if item is None or info is None or fixturedef is None or fixturedef.scope == "function":
        return ""
    automatic = automatic_names(item)
    if any(
        found is fixturedef for found, _ in reached(info, [(n, None) for n in info.initialnames if n not in automatic])
    ):
        return ""
    if fixturedef.scope not in ("class", "module"):
        return "run"
    return "module" if item.getparent(SHARED[fixturedef.scope]) is None else str(fixturedef.scope)


def farthest_first(node: Any) -> list[pytest.Mark]:
    """The marks of a node that ask for a policy, those of base classes before those of derived ones.

    Of one object pytest has the nearest first: the lowest of several decorators, the first of a list.
    """
    marks = [mark for mark in node.own_markers if mark.name == PREFIX]
    thing = getattr(node, "obj", None)
    for holder in (thing.__mro__ if isinstance(thing, type) else (thing,)) if len(marks) > 1 else ():
        own = written_at(holder)
        places = [place for place, mark in enumerate(marks) if any(mark is one for one in own)]
        for place, mark in zip(places, [marks[place] for place in reversed(places)], strict=True):
            marks[place] = mark
    return marks


def written_at(holder: Any) -> list[Any]:
    """The marks of a function, a module, or of a class alone."""
    found = vars(holder).get(MARKS, ()) if isinstance(holder, type) else getattr(holder, MARKS, ())
    return [getattr(mark, "mark", mark) for mark in (found if isinstance(found, (list, tuple)) else (found,))]
