"""What a row calls free is what reading and deciding would let through, whatever the rules and the arguments."""

from __future__ import annotations

import socket
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import FAMILIES, load_family
from _hermetic.capabilities import network as net
from _hermetic.enforce.doors import names

FREE = [
    pytest.param(family, row, id=" ".join((*row.audit, *row.patch)))
    for family in map(load_family, FAMILIES)
    for row in family.surface
    if row.free is not None
]
RULES = [
    net.prepare(net.make_rules(localhost, domains))
    for localhost in (False, True)
    for domains in ((), ("example.com",), ("localhost",), ("127.0.0.1", "::1"))
]
SOCKETS = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
SOCKETS += [socket.socket(socket.AF_UNIX)] if hasattr(socket, "AF_UNIX") else []


class Text(str):
    """What C asks to encode itself."""


class Pair(tuple):
    """What may answer otherwise when it is asked again."""


HOSTS = st.sampled_from(
    ["127.0.0.1", "localhost", "::1", "127.1", "example.com", "192.0.2.1", "LOCALHOST", "localhost.", "", "\0"]
    + [b"127.0.0.1", b"localhost", b"::1", b"example.com", Text("localhost"), Text("127.0.0.1"), None, 2130706433, ()]
)
PORTS = st.sampled_from([0, 80, 53, 853, 5353, -1, True, "80", "53", None, 80.5])
ADDRESSES = st.one_of(
    st.tuples(HOSTS, PORTS),
    st.tuples(HOSTS, PORTS).map(Pair),
    st.tuples(HOSTS, PORTS).map(list),
    st.tuples(HOSTS),
    st.tuples(HOSTS, PORTS, st.just(0), st.just(0)),
    st.sampled_from(["127.0.0.1", b"/tmp/x", (), None]),
)
NUMBERS = st.sampled_from([*range(-2, 45), int(socket.SOCK_STREAM) | 0o4000, None, "1", 1.0])
ARGUMENTS = st.one_of(
    st.tuples(st.sampled_from([*SOCKETS, None]), ADDRESSES),
    st.tuples(st.sampled_from(SOCKETS), NUMBERS, NUMBERS, NUMBERS),
    st.tuples(HOSTS, PORTS, NUMBERS, NUMBERS, NUMBERS),
    st.tuples(ADDRESSES),
    st.tuples(ADDRESSES, PORTS),
    st.just(()),
)


def is_free(row, rules, args):
    """As the judges ask."""
    try:
        return row.free(rules, args)
    except Exception:
        return False


@pytest.mark.parametrize("family, row", FREE)
@given(rules=st.sampled_from(RULES), args=ARGUMENTS)
def test_a_free_call_is_never_one_that_would_be_refused(family, row, rules, args):
    if is_free(row, rules, args):
        for call in (*row.audit, *row.patch):
            target = row.read(args, None)
            assert target is None or family.decide(rules, row.capability, target, call) is None


@pytest.mark.parametrize(
    "event, args",
    [
        ("socket.connect", (SOCKETS[0], ("127.0.0.1", 80))),
        ("socket.sendto", (SOCKETS[1], ("::1", 80, 0, 0))),
        ("socket.getaddrinfo", (b"127.0.0.1", 80, 0, 0, 0)),
        ("socket.__new__", (SOCKETS[0], int(socket.AF_INET), int(socket.SOCK_STREAM), 0)),
        ("socket:create_connection", (("localhost", 80),)),
        ("socket:socket.bind", (SOCKETS[0], ("127.0.0.1", 80))),
    ],
)
def test_the_calls_of_every_day_are_free(event, args):
    rows = [row for row in net.SURFACE if event in (*row.audit, *row.patch) and row.free is not None]
    assert [is_free(row, net.prepare(net.make_rules(True)), args) for row in rows] == [True]


@given(args=st.one_of(st.tuples(st.sampled_from(SOCKETS), ADDRESSES), ARGUMENTS))
def test_an_address_that_is_passed_unasked_is_no_name(args):
    asked = []
    ways = {"JUDGE": lambda *_: None, "KEY": "", "PASS": lambda *_: "passed", "ASK": lambda *_: asked.append(1)}
    door = FunctionType(names.check_names_then_ask.__code__, {**vars(names), **ways})
    passed = door(*args) == "passed"
    assert passed is not bool(asked)
    if passed:
        assert net.sockets.named(args, len(args) - 1, "connect") is None


def test_a_loopback_address_is_passed_unasked():
    asked = FunctionType(names.check_names_then_ask.__code__, {**vars(names), "PASS": lambda *args: args})
    assert asked(SOCKETS[0], ("127.0.0.1", 80)) == ((SOCKETS[0], ("127.0.0.1", 80)), {})


STRANGE = """
EVENTS = {"socket.connect": [(), (1,), (1, 2), (None, ("127.0.0.1", 80))], "socket.getaddrinfo": [(), (1,)],
          "socket.__new__": [(), (1,), (1, "a", "b", 0), (1, 2, 1, 0, 0)]}
for event, calls in EVENTS.items():
    for args in calls:
        try:
            sys.audit(event, *args)
        except RuntimeError as error:
            assert "network disabled" in str(error), error
            continue
        raise AssertionError((event, args))
print("refused")
"""


def test_arguments_that_no_event_of_c_has_are_refused_as_unreadable(isolated):
    block = "import hermetic, sys\nhermetic.hermetic_blocker(block_network=True, allow_localhost=True).__enter__()\n"
    assert isolated.code(block + STRANGE).stdout == "refused\n"
    done = isolated.script("--no-network --allow-localhost", "import sys\n" + STRANGE)
    assert done.stdout == "refused\n", done.stderr
