"""Two configurations of the network as one: nothing that either denies, and all that both allow where it can be said."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from _hermetic.capabilities import network as net
from _hermetic.capabilities.network import addresses as adr
from hermetic import BlockConfig
from hermetic.blocker import values_of
from hermetic.request import policy_from
from hermetic.values import check

NETWORK = ("block_network", "allow_localhost", "allow_domains", "allow_hosts", "deny_hosts", "deny_private_network")


def config(**values):
    return BlockConfig(block_network=True, **values)


def hosts(merged):
    return merged.allow_localhost, sorted(merged.allow_domains), sorted(merged.allow_hosts)


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        ({"allow_domains": ["a.org"]}, {"allow_hosts": ["x.a.org:443"]}, (False, [], ["x.a.org:443"])),
        ({"allow_domains": ["a.org"]}, {"allow_hosts": ["*.a.org"]}, (False, [], ["*.a.org"])),
        ({"allow_domains": ["x.a.org"]}, {"allow_hosts": ["*.a.org"]}, (False, ["x.a.org"], [])),
        ({"allow_domains": ["x.a.org"]}, {"allow_hosts": ["*.a.org:80"]}, (False, [], ["*.x.a.org:80", "x.a.org:80"])),
        ({"allow_domains": ["a.org"]}, {"allow_domains": ["b.A.org."]}, (False, ["b.a.org"], [])),
        ({"allow_domains": ["a.org"]}, {"allow_hosts": ["b.org"]}, (False, [], [])),
        ({"allow_hosts": ["*.a.org:1-100"]}, {"allow_hosts": ["*.b.a.org:50-200"]}, (False, [], ["*.b.a.org:50-100"])),
        ({"allow_hosts": ["a.org:80"]}, {"allow_hosts": ["a.org:443"]}, (False, [], [])),
        ({"allow_hosts": ["10.0.0.0/8"]}, {"allow_hosts": ["10.1.0.0/16:22"]}, (False, [], ["10.1.0.0/16:22"])),
        ({"allow_hosts": ["10.0.0.0/8"]}, {"allow_domains": ["10.1.1.1"]}, (False, [], ["10.1.1.1"])),
        ({"allow_localhost": True}, {"allow_hosts": ["127.0.0.1:80"]}, (False, [], ["127.0.0.1:80"])),
        ({"allow_localhost": True}, {"allow_hosts": ["127.0.0.1:53"]}, (False, [], [])),
        ({"allow_localhost": True}, {"allow_hosts": ["127.0.0.1:50-60"]}, (False, [], ["127.0.0.1:50-52", "127.0.0.1:54-60"])),
        ({"allow_localhost": True}, {"allow_hosts": ["localhost"]}, (False, [], ["127.0.0.1", "::1", "localhost"])),
        ({"allow_localhost": True}, {"allow_hosts": ["a.org"]}, (False, [], [])),
        ({"allow_localhost": True}, {"allow_localhost": True, "allow_hosts": ["a.org"]}, (True, [], [])),
        ({"allow_hosts": ["fd00::/8"]}, {"allow_hosts": ["[fd00::1]:80"]}, (False, [], ["[fd00::1]:80"])),
    ],
)  # fmt: skip
def test_allowances_of_different_settings_meet(one, two, both):
    for merged in (config(**one) | config(**two), config(**two) | config(**one)):
        assert hosts(merged) == both


def test_denials_are_joined():
    merged = config(deny_hosts=["a.org"]) | BlockConfig(deny_hosts=["b.org"], deny_private_network=True)
    assert (list(merged.deny_hosts), merged.deny_private_network) == (["a.org", "b.org"], True)


def test_exceptions_to_private_addresses_need_both():
    private = BlockConfig(deny_private_network=True, allow_hosts=["10.0.0.5"])
    assert hosts(private | config(allow_hosts=["10.0.0.0/8", "a.org"])) == (False, [], ["10.0.0.5", "a.org"])
    assert hosts(private | config(allow_hosts=["192.0.2.0/24"])) == (False, [], ["192.0.2.0/24"])
    assert hosts(private | BlockConfig(deny_private_network=True, allow_hosts=["10.0.0.0/8:80"])) == (
        False,
        [],
        ["10.0.0.5:80"],
    )
    assert hosts(private | BlockConfig(fs_readonly=True)) == (False, [], ["10.0.0.5"])


def test_unix_sockets_are_kept_where_both_give_them_back():
    merged = config(allow_unix_sockets=["/a", "/b"]) | config(allow_unix_sockets=["/b", "/c"])
    assert list(merged.allow_unix_sockets) == ["/b"]


# --- held against the decision ---

PLACES = ["a.org", "*.a.org", "b.a.org", "*.b.a.org", "localhost", "127.0.0.1", "127.0.0.0/8", "::1", "0.0.0.0/0", "10.0.0.0/8",
          "10.0.0.5", "10.0.0.4/31", "192.0.2.0/24", "172.0.0.0/8", "::/0", "fd00::/8", "2001:db8::/32", "0.0.0.0"]  # fmt: skip
SPANS = st.sampled_from(["", "", ":80", ":53", ":1-100", ":50-443"])
ENTRIES = st.builds(lambda p, s: (f"[{p}]" if s and ":" in p else p) + s, st.sampled_from(PLACES), SPANS)
TRIED = [
    (host, port)
    for host in ("a.org", "b.a.org", "c.b.a.org", "x.org", "localhost", "127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "10.0.0.5",
                 "10.0.0.4", "10.9.9.9", "192.0.2.9", "172.16.0.1", "172.32.0.1", "8.8.8.8", "2001:db8::9", "fd00::9", "2400::1")
    for port in (22, 53, 80, 443)
]  # fmt: skip


@st.composite
def configs(draw):
    values = {
        "block_network": draw(st.booleans()),
        "deny_private_network": draw(st.booleans()),
        "deny_hosts": draw(st.lists(ENTRIES, max_size=1)),
    }
    if values["block_network"]:
        values["allow_localhost"] = draw(st.booleans())
        values["allow_domains"] = draw(
            st.lists(st.sampled_from(["a.org", "*.b.a.org", "10.0.0.5", "127.0.0.1", "org"]), max_size=2)
        )
    if values["block_network"] or values["deny_private_network"]:
        values["allow_hosts"] = draw(st.lists(ENTRIES, max_size=3))
        if not values["block_network"]:
            values["allow_hosts"] = [e for e in values["allow_hosts"] if not any(n in e for n in ("org", "localhost"))]
    return BlockConfig(**values)


def allowed(config):
    """The tried destinations, by name and number, that a configuration allows."""
    values = values_of(config)
    check(values, {key: key for key in values})
    policy = policy_from(values)
    if "network" not in policy.rules:
        return set(TRIED)
    rules = net.prepare(policy.rules["network"])
    return {
        (h, p)
        for h, p in TRIED
        if net.decide(rules, net.CONNECT, (10 if ":" in h else 2, h, p, "connect", True), "") is None
    }


@given(configs(), configs())
@settings(max_examples=400)
def test_merging_allows_what_both_allow_and_nothing_else(one, two):
    merged, both = allowed(one | two), allowed(one) & allowed(two)
    # One may mean 127.0.0.1 by that name and the other ::1: then nobody is reached, and the name is refused.
    name = {(host, port) for host, port in both - merged if host == "localhost"}
    assert merged == both - name


@given(configs(), configs())
@settings(max_examples=100)
def test_merging_hosts_does_not_depend_on_the_order(one, two):
    assert allowed(one | two) == allowed(two | one)


@given(
    configs(),
    configs(),
    st.sampled_from(["10.0.0.5", "192.0.2.9", "8.8.8.8", "fd00::9"]),
    st.sampled_from(["a.org", "b.a.org"]),
)
@settings(max_examples=200)
def test_merging_learns_no_address_that_one_side_would_not(one, two, address, name):
    merged = [policy_from(values_of(config)).rules.get("network") for config in (one, two, one | two)]
    assume(all(rules is not None for rules in merged))
    merged = [net.prepare(rules) for rules in merged]
    # Where the merged policy refuses a look-up it does not happen, and neither side learns by it.
    happens = [net.decide(rules, net.RESOLVE, name, "") is None for rules in merged]
    assert not happens[2] or (happens[0] and happens[1])

    def reached(rules):
        if happens[2]:
            net.remember(rules, (name,), None, [(0, 0, 0, "", (address, 0))])
        family = 10 if ":" in address else 2
        return {
            port for _, port in TRIED if net.decide(rules, net.CONNECT, (family, address, port, "connect"), "") is None
        }

    assert adr.packed_address(address) is not None
    first, second, both = (reached(rules) for rules in merged)
    assert both <= first
    assert both <= second
