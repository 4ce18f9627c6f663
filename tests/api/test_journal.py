"""What blocks replace is put back and put in place again, also where somebody else has replaced some of it."""

from __future__ import annotations

import types

import pytest

from _hermetic.enforce.journal import Journal
from _hermetic.enforce.patches import INHERITED


class Base:
    def method(self):
        return "original"


class Derived(Base):
    pass


@pytest.fixture
def changes():
    one, other = types.ModuleType("one"), types.ModuleType("other")
    vars(one).update(a="a", b="b")
    vars(other).update(a="A")
    found = [
        (one, "a", "a", "a1"),
        (Derived, "method", INHERITED, lambda self: "new"),
        (other, "a", "A", "A1"),
        (one, "a", "a1", "a2"),  # two families replace it
        (one, "b", "b", "b1"),
    ]
    yield found
    vars(Derived).get("method") and delattr(Derived, "method")


def state(changes):
    one, other = changes[0][0], changes[2][0]
    return one.a, one.b, other.a, Derived().method()


BEFORE, AFTER = ("a", "b", "A", "original"), ("a2", "b1", "A1", "new")


def test_there_and_back_as_often_as_you_like(changes):
    journal = Journal(changes)
    for _ in range(3):
        assert journal.redo()
        assert state(changes) == AFTER
        journal.undo()
        assert state(changes) == BEFORE
        assert "method" not in vars(Derived)


def test_what_somebody_else_has_put_there_meanwhile_stays(changes):
    journal = Journal(changes)
    journal.redo()
    changes[0][0].a = "theirs"
    journal.undo()
    assert state(changes) == ("theirs", *BEFORE[1:])
    assert not journal.redo()
    assert state(changes) == ("theirs", *BEFORE[1:]), "all or nothing"


def test_what_is_equal_is_not_the_same(changes):
    class Equal:
        __hash__ = None

        def __eq__(self, other):
            return True

    journal = Journal(changes)
    changes[4][0].b = theirs = Equal()
    assert not journal.redo()
    assert changes[4][0].b is theirs


def test_a_class_that_is_changed_meanwhile(changes):
    journal = Journal(changes)
    Derived.method = theirs = lambda self: "theirs"
    assert not journal.redo()
    assert vars(Derived)["method"] is theirs
    assert state(changes)[:3] == BEFORE[:3]


def test_a_module_that_is_loaded_later_adds_its_names(changes):
    journal = Journal(changes)
    assert journal.redo()
    late = types.ModuleType("late")
    late.a = "made"
    changes.append((late, "a", "original", "made"))
    journal.undo()
    assert late.a == "original"
    assert journal.redo() and late.a == "made"
