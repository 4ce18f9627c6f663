"""The interpreter family's decision, and the comparison that puts the import state back."""

from __future__ import annotations

import sys

import pytest

from _hermetic.capabilities import interpreter as family
from _hermetic.capabilities.interpreter import import_state
from _hermetic.model import BlockMemory


@pytest.fixture
def rules():
    """As in a block that has not been entered, so that nothing is put back into this process."""
    return family.prepare(family.make_rules())


def test_texts_are_the_documented_ones(rules):
    denied = family.decide(rules, family.PATHS, "sys.path", "sys.path")
    assert denied[:3] == ("interpreter mutation disabled: sys.path", "sys.path", "no-interpreter-mutation")
    assert family.decide(rules, family.TRACING, "", "sys.settrace")[:2] == (
        "interpreter mutation disabled: sys.settrace",
        "sys.settrace",
    )


def test_a_look_up_is_repaired_without_a_word(rules):
    message, _, _, _, repair = family.decide(rules, family.LOOKUP, (None,), "import")
    assert message == ""
    before = sys.path, list(sys.path)
    repair(rules, (None,))
    assert (sys.path, list(sys.path)) == before


def test_state_is_of_the_start_or_of_the_last_block(rules):
    assert family.state_of((1, None)) == 1
    assert family.state_of((1, BlockMemory())) is None
    assert family.state_of((1, BlockMemory([2, 3]))) == 3


@pytest.mark.parametrize(("path", "expected"), [
    ("a/x.pth", True), (b"x.PTH", True), ("sitecustomize.py", True), ("/x/usercustomize", True), ("sitecustomize.cpython-312.pyc", True),
    ("x.pth.txt", False), ("pth", False), ("mysitecustomize.py", False), (3, False), (None, False),
])  # fmt: skip
def test_names_of_startup_files(path, expected):
    assert (family.startup_file((path, "w", 0), None) is not None) == expected


def test_same_items_goes_by_identity():
    class Same(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            return True

    one, two = "x" * 9, "y" * 9
    assert import_state.same_items([one, two], (one, two))
    assert not import_state.same_items([one, Same("z")], (one, two))
    assert not import_state.same_items([one], (one, two))


def test_finders_are_genuine_only_for_their_own_folder(tmp_path):
    finder = sys.path_hooks[-1](str(tmp_path))
    hooks, loaders = tuple(sys.path_hooks), import_state.noted(*import_state.make_held())[7]
    assert import_state.is_genuine(finder, str(tmp_path), hooks, (), loaders)
    assert import_state.is_genuine(None, "anywhere", hooks, (), loaders)
    assert not import_state.is_genuine(finder, "/elsewhere", hooks, (), loaders)
    assert not import_state.is_genuine(object(), str(tmp_path), hooks, (), loaders)
    strange = object()
    assert import_state.is_genuine(strange, str(tmp_path), hooks, (strange,), loaders)
    finder.find_spec = None
    assert not import_state.is_genuine(finder, str(tmp_path), hooks, (), loaders)


@pytest.mark.parametrize(
    "value", [["a", "c"], ["a"], ["a", "b", "c"], ("a", "b"), ["a", type("Text", (str,), {})("b")], None]
)
def test_a_path_that_differs_is_another_whoever_sets_it(value):
    from _hermetic.capabilities.interpreter import same_text

    assert same_text(["a", "b"], ["a", "b"])
    assert not same_text(value, ["a", "b"])
