"""Policies: conjunction, and a way through JSON that loses nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import network as net
from _hermetic.policy import VERSION, Policy, first_denial, from_plain, held_by_all
from hermetic.request import policy_from
from hermetic.values import defaults

DOMAINS = st.lists(st.sampled_from(["a.org", "b.a.org", "c.com", "localhost"]), unique=True, max_size=3).map(tuple)


@st.composite
def policies(draw):
    """Policies of the network and subprocess families."""
    values = defaults()
    values["block_network"] = draw(st.booleans())
    if values["block_network"]:
        values["allow_localhost"], values["allow_domains"] = draw(st.booleans()), draw(DOMAINS)
    values["block_subprocess"] = draw(st.booleans())
    for name in ("trace", "report_only", "sealed"):
        values[name] = draw(st.booleans())
    return policy_from(values)


def in_force(policy: Policy) -> Policy:
    """With the memories that a running policy has."""
    rules = dict(policy.rules)
    if "network" in rules:
        rules["network"] = net.prepare(rules["network"])
    return Policy(rules=rules)


ACTS = st.sampled_from(
    [
        (net.RESOLVE, host, "socket.getaddrinfo")
        for host in ("a.org", "x.b.a.org", "c.com", "evil.org", "metadata", "localhost", "8.8.8.8")
    ]
    + [
        (net.CONNECT, (2, host, 80, "connect"), "socket.connect")
        for host in ("127.0.0.1", "8.8.8.8", "169.254.169.254", "localhost", "0x7f.1")
    ]
    + [("subprocess.start", "true", "os.system")]
)


@given(st.lists(policies(), max_size=3), policies(), ACTS)
def test_adding_a_policy_never_allows_more(outer, inner, act):
    outer, inner = [in_force(p) for p in outer], in_force(inner)
    alone = first_denial(outer, *act)
    both = first_denial([*outer, inner], *act)
    if alone is not None:
        assert both == alone
    assert (both is None) == (alone is None and inner.denial(*act) is None)


@given(st.lists(policies(), min_size=1, max_size=3), ACTS)
def test_order_of_policies_does_not_matter(several, act):
    several = [in_force(p) for p in several]
    assert (first_denial(several, *act) is None) == (first_denial(several[::-1], *act) is None)


@given(policies())
def test_json_round_trip_loses_nothing(policy):
    again = from_plain(json.loads(json.dumps(policy.to_plain())))
    assert again == policy
    assert hash(again) == hash(policy)
    assert again.to_plain() == policy.to_plain()


@pytest.mark.parametrize(
    "values",
    [
        {"fs_readonly": True},
        {"fs_readonly": True, "fs_root": "/"},
        {"block_environment": True},
        {"block_environment": True, "environment_unset": True},
        {"block_code_exec": True},
        {"block_native": True},
        {"deny_imports": ("a", "b.c")},
        {"block_native": True, "block_subprocess": True},
        {"block_interpreter_mutation": True},
    ],
    ids=repr,
)
def test_json_round_trip_of_each_family(values):
    policy = policy_from({**defaults(), **values})
    assert from_plain(json.loads(json.dumps(policy.to_plain()))) == policy


@pytest.mark.parametrize(
    "data",
    [
        {"version": VERSION + 1, "rules": {}, "trace": False, "report_only": False, "sealed": False},
        {"rules": {}, "trace": False, "report_only": False, "sealed": False},
        {"version": VERSION, "rules": {"telepathy": []}, "trace": False, "report_only": False, "sealed": False},
    ],
)
def test_policy_of_another_version_or_shape_is_a_value_error(data):
    with pytest.raises(ValueError, match="version|families"):
        from_plain(data)


def test_policy_without_rules_allows_everything():
    assert first_denial([Policy(rules={})], "network.connect", (2, "8.8.8.8", 1, "connect"), "") is None
    assert first_denial([], "subprocess.start", "x", "") is None


def test_policy_is_frozen():
    policy = Policy(rules={})
    with pytest.raises(AttributeError):
        policy.sealed = True
    with pytest.raises(AttributeError):
        policy.another = 1
    with pytest.raises(TypeError):
        Policy(rules={}, nonsense=1)
    with pytest.raises(TypeError):
        Policy()


PART = "in part: "


@pytest.mark.parametrize(
    ("parts", "held"),
    [
        ((), ()),
        (((("a", "b"), ("a", PART + "b")),), ("a", PART + "b")),
        (((("a",), ("a", "b", PART + "c")),), ("a",)),  # of what no policy names, nothing is said
        (((("a",), ("a",)), (("a",), ())), ()),
        (((("a",), ("a",)), (("a",), (PART + "a",))), (PART + "a",)),
        (((("a",), (PART + "a",)), (("a",), ())), ()),
        (((("a",), ("a",)), (("b",), ("b",))), ("a", "b")),
    ],
)
def test_the_kernel_holds_of_a_family_what_it_holds_for_every_policy(parts, held):
    assert held_by_all(parts) == held
    assert set(held_by_all(parts[::-1])) == set(held)
