"""What holds for every list of hosts."""

from __future__ import annotations

import ipaddress

from hypothesis import example, given, settings
from hypothesis import strategies as st
from network_acts import answer, connect, resolve, rules

from _hermetic.capabilities.network import addresses as adr
from _hermetic.capabilities.network.entries import parse
from _hermetic.capabilities.network.rules import EVERY_PORT, HIGHEST_PORT, entry_for, joined, without

HOSTS = st.sampled_from(
    ["a.org", "b.a.org", "c.b.a.org", "d.net", "localhost", "127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "10.0.0.1", "10.1.2.3",
     "192.0.2.7", "192.0.2.8", "::ffff:10.0.0.1", "fd00::1", "2001:db8::7", "169.254.169.254", "8.8.8.8", "fe80::1"]
)  # fmt: skip
SPANS = st.sampled_from(["", "", ":80", ":443", ":53", ":1-100", ":50-500", ":100-65535"])
PLACES = st.sampled_from(
    ["a.org", "*.a.org", "b.a.org", "*.b.a.org", "d.net", "*.org", "localhost", "127.0.0.1", "127.0.0.0/8", "10.0.0.0/8", "10.0.0.1",
     "10.0.0.0/31", "192.0.2.0/24", "0.0.0.0/0", "::1", "fd00::/8", "2001:db8::7", "::/0", "0.0.0.0", "169.254.0.0/16", "fe80::/10"]
)  # fmt: skip
ENTRIES = st.builds(lambda p, s: (f"[{p}]" if s and ":" in p else p) + s, PLACES, SPANS)
LISTS = st.lists(ENTRIES, max_size=4)
TRIES = st.tuples(HOSTS, st.sampled_from([22, 53, 80, 100, 443, 8000]))
ANSWERS = st.lists(
    st.tuples(st.sampled_from(["a.org", "b.a.org", "d.net"]), HOSTS.filter(lambda h: adr.packed_address(h))), max_size=3
)


def allowed(mine, attempt, answers=()):
    """Whether a connection by name or number is allowed, once names were looked up."""
    for name, address in answers:
        if resolve(mine, name) is None:
            answer(mine, name, address)
    host, port = attempt
    return connect(mine, host, port) is None


def answered(mine, answers):
    """The look-ups that are answered: who may not ask learns nothing, and has to know the address by itself."""
    return [(name, address) for name, address in answers if resolve(mine, name) is None]


def lists_of(allow, deny, domains=(), **switches):
    if not switches.get("block", True):
        allow = [entry for entry in allow if parse(entry)[0] == "range"]
    return rules(allow_hosts=allow, deny_hosts=deny, allow_domains=domains, **switches)


SWITCHES = st.fixed_dictionaries(
    {"block": st.booleans(), "allow_localhost": st.booleans(), "deny_private_network": st.booleans()}
)


@given(LISTS, LISTS, ENTRIES, TRIES, ANSWERS, SWITCHES)
@example([], ["a.org:443"], "a.org", ("127.0.0.1", 443), [("a.org", "127.0.0.1")], {"block": False, "allow_localhost": False, "deny_private_network": False})  # fmt: skip
@settings(max_examples=300)
def test_one_more_denied_entry_never_allows_more(allow, deny, more, attempt, answers, switches):
    fewer = lists_of(allow, [*deny, more], ["d.net"], **switches)
    answers = answered(fewer, answers)
    if allowed(fewer, attempt, answers):
        assert allowed(lists_of(allow, deny, ["d.net"], **switches), attempt, answers)


@given(LISTS, LISTS, ENTRIES, TRIES, ANSWERS, SWITCHES)
@settings(max_examples=300)
def test_one_more_allowed_entry_never_denies_more(allow, deny, more, attempt, answers, switches):
    fewer = lists_of(allow, deny, **switches)
    answers = answered(fewer, answers)
    if allowed(fewer, attempt, answers):
        assert allowed(lists_of([*allow, more], deny, **switches), attempt, answers)


@given(LISTS, LISTS, TRIES, ANSWERS, SWITCHES, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_order_never_matters(allow, deny, attempt, answers, switches, random):
    before = allowed(lists_of(allow, deny, **switches), attempt, answers)
    random.shuffle(allow)
    random.shuffle(deny)
    assert allowed(lists_of(allow, deny, **switches), attempt, answers) == before


@given(LISTS, TRIES)
@settings(max_examples=200)
def test_what_an_entry_denies_alone_it_denies_among_others(deny, attempt):
    alone = [entry for entry in deny if not allowed(lists_of([], [entry], block=False), attempt)]
    assert allowed(lists_of([], deny, block=False), attempt) == (not alone)


@given(LISTS, TRIES, st.integers(0, 200))
@settings(max_examples=50)
def test_tables_answer_as_a_walk_along_the_list(entries, attempt, others):
    host, port = attempt
    packed, name = adr.packed_address(host), host
    mine = lists_of([], [*entries, *(f"10.{n}.7.0/24" for n in range(10, others % 97 + 10))], block=False)

    def covers(entry):
        kind, key, ports = parse(entry)
        if ports is not None and not ports[0] <= port <= ports[1]:
            return False
        if kind != "range":
            below = kind == "below" and name.endswith("." + key)
            local = key == "localhost" and kind == "name" and packed is not None and adr.is_loopback(packed)
            return below or local or (kind == "name" and name == key)
        if packed is None:
            return False
        forms = {packed, adr.raw_address(host)} | ({b"\x7f\0\0\1"} if packed == b"\0\0\0\0" else set())
        network = ipaddress.ip_network((key[2], key[1])) if key[0] == 32 else ipaddress.IPv6Network((key[2], key[1]))
        return any(ipaddress.ip_address(form) in network for form in forms)

    assert (connect(mine, host, port) is not None) == any(map(covers, entries))


def ports_of(numbers):
    """What a table has of an entry for these ports: neighbours are one span."""
    if numbers is None:
        return EVERY_PORT
    lows = tuple(sorted(number for number in numbers if number - 1 not in numbers))
    highs = tuple(sorted(number for number in numbers if number + 1 not in numbers))
    return "", lows, highs, tuple(f"entry {low}" for low in lows)


PORTS = st.one_of(st.none(), st.sets(st.integers(0, 9)))


@given(PORTS, PORTS)
def test_ports_are_joined_and_taken_away_like_sets(one, two):
    both, rest = joined(ports_of(one), ports_of(two)), without(ports_of(one), ports_of(two))
    for port in (*range(12), HIGHEST_PORT):
        in_one, in_two = (numbers is None or port in numbers for numbers in (one, two))
        assert bool(entry_for(both, port, False)) == (in_one or in_two)
        assert bool(entry_for(rest, port, False)) == (in_one and not in_two)
    for _, lows, highs, entries in (both, rest):
        assert len(lows) == len(highs) == len(entries)
        assert all(low <= high for low, high in zip(lows, highs, strict=True))
        assert all(high < low for high, low in zip(highs, lows[1:], strict=False)), "no port is in two places"
