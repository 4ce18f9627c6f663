"""Two configurations of anything but the network as one: what both allow, no more and no less."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from _hermetic.acts import questions, refusal_under
from _hermetic.compiled import Compiled, of_no_process
from hermetic import BlockConfig
from hermetic.blocker import values_of
from hermetic.request import policy_from
from hermetic.settings import BY_KEY, LIST, NARROWER, SETTINGS, SWITCH
from hermetic.values import check, defaults, is_restrictive


def allowed(config, verb, texts):
    """What of these a configuration allows."""
    values = {**defaults(), **values_of(config)}
    check(values, {key: key for key in values})
    if not is_restrictive(values):
        return set(texts)
    compiled = Compiled(policy_from(values), of_no_process(False))
    return {text for text in texts if refusal_under(compiled, questions(verb, text)) is None}


# --- every allowance there is ---

ALLOWANCES = [s.name for s in SETTINGS if s.name and s.needs and s.narrow != NARROWER]
# What of each means something wherever it is taken, and is written as it is kept.
SAMPLES = {"allow_domains": ["a.org"], "allow_hosts": ["10.0.0.5"], "allow_env": ["A"], "allow_native": ["a"]}


def restricting(name):
    """What an allowance relaxes, taken away, and all that this needs itself."""
    values = {}
    for need in BY_KEY[name].needs[:1]:
        values = {need: True if BY_KEY[need].kind == SWITCH else "/r", **restricting(need)}
    return values


@pytest.mark.parametrize("name", ALLOWANCES)
def test_an_allowance_is_kept_where_every_side_that_restricts_gives_it(name):
    given_back = SAMPLES.get(name, ["/x"]) if BY_KEY[name].kind == LIST else True
    bare = BlockConfig(**restricting(name))
    gives = BlockConfig(**restricting(name), **{name: given_back})
    other = BlockConfig(block_code_exec=True)
    kept = {"both": gives | gives, "one": gives | other, "the other": other | gives}
    for sides, merged in kept.items():
        assert getattr(merged, name) == given_back, sides
    for merged in (gives | bare, bare | gives, bare | bare, other | other):
        assert not getattr(merged, name)
    # What is no restriction of the other side's is none of its allowances either.
    assert getattr(gives | BlockConfig(), name) == given_back


# --- held against the decisions ---

VARIABLES = st.lists(st.sampled_from(["A", "AB", "A*", "AB*", "B", "B*"]), max_size=3, unique=True)
NAMES = ("A", "AB", "ABC", "AC", "B", "BB", "C")


@given(VARIABLES, VARIABLES)
def test_variables_are_those_of_both(one, two):
    sides = [BlockConfig(block_environment=True, allow_env=names) for names in (one, two)]
    found = [allowed(config, "env", NAMES) for config in (*sides, sides[0] | sides[1])]
    assert found[2] == found[0] & found[1]


@given(*[st.lists(st.sampled_from(["a", "b", "c"]), unique=True)] * 2)
def test_native_packages_are_those_of_both(one, two):
    both = BlockConfig(block_native=True, allow_native=one) | BlockConfig(block_native=True, allow_native=two)
    assert set(both.allow_native) == {*one} & {*two}


PLACES = ("in", "in/below", "in/below/deep", "in-not", "link")
LISTS = st.lists(st.sampled_from(PLACES), max_size=2, unique=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    (folder / "in/below/deep").mkdir(parents=True)
    (folder / "in-not").mkdir()
    (folder / "link").symlink_to("in/below")
    return os.path.realpath(folder)


@st.composite
def path_settings(draw):
    values = {"fs_readonly": draw(st.booleans()), "deny_read": draw(LISTS), "deny_write": draw(LISTS)}
    if values["fs_readonly"]:
        values["allow_write"] = draw(LISTS)
        root = draw(st.none() | st.sampled_from(PLACES))
        if root is not None:
            values |= {"fs_root": root, "allow_read": draw(LISTS)}
    return values


def below(tree, values):
    """A configuration of places in the tree."""
    placed = {}
    for name, value in values.items():
        is_list = isinstance(value, list)
        placed[name] = [os.path.join(tree, each) for each in value] if is_list else value
        if isinstance(value, str):
            placed[name] = os.path.join(tree, value)
    return BlockConfig(**placed)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(one=path_settings(), two=path_settings())
@example(one={"fs_readonly": True, "fs_root": "in"}, two={"fs_readonly": True, "fs_root": "link", "allow_read": ["in"]})
def test_paths_are_those_of_both(tree, one, two):
    sides = [below(tree, values) for values in (one, two)]
    try:
        merged = sides[0] | sides[1]
    except ValueError:
        assume(False)
    texts = [os.path.join(tree, place, "file") for place in PLACES]
    for verb in ("read", "write"):
        found = [allowed(config, verb, texts) for config in (*sides, merged)]
        assert found[2] == found[0] & found[1], verb
