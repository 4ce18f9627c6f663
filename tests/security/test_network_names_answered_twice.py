"""What is judged is what C connects to: a name is looked up once, by the guard, and C is given the address.

C looks a name up by itself before it announces a call, and does not say what it found: a resolver of the attacker's
(DNS rebinding) answers C with loopback, and the guard, which asks again, with an address of its own.
"""

from __future__ import annotations

import socket

import pytest

# Below the guards: what C is told, and a resolver that answers differently each time.
PROGRAM = """
import _socket, sys
told = []
def hook(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        told.append(args[1][0])
sys.addaudithook(hook)
answers = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]
genuine = _socket.getaddrinfo
def answer(host, port, *rest, **more):
    if host not in ("allowed.test", b"allowed.test"): return genuine(host, port, *rest, **more)
    return [(2, 1, 6, "", (answers.pop(0), int(port or 0)))]
_socket.getaddrinfo = answer
import socket
from hermetic import PolicyViolation, hermetic_blocker
PORT = int(sys.argv[1])
"""


def test_c_is_given_the_address_that_was_judged(isolated):
    code = """
with hermetic_blocker(block_network=True, allow_hosts=["allowed.test", "127.0.0.1"]):
    for act in (lambda: socket.socket().connect(("allowed.test", PORT)),
                lambda: socket.socket().connect(("allowed.test", PORT)),
                lambda: socket.socket(2, 2).sendto(b"x", ("allowed.test", PORT)),
                lambda: socket.socket(2, 2).sendmsg([b"x"], [], 0, ("allowed.test", PORT))):
        try:
            act()
            print("reached", told[-1])
        except PolicyViolation as blocked:
            print(blocked)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = isolated.passes(PROGRAM + code, str(server.getsockname()[1]))
    assert done.stdout.splitlines() == [
        "reached 127.0.0.1",
        "network disabled: connect(127.0.0.2)",
        "network disabled: sendto(127.0.0.3)",
        "network disabled: sendto(127.0.0.4)",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        "block_network=True, allow_hosts=['allowed.test']",
        "block_network=True, allow_domains=['allowed.test']",
        "deny_hosts=['127.0.0.0/8']",
        "deny_private_network=True",
    ],
)
def test_a_name_is_not_taken_by_the_c_class(isolated, settings):
    code = f"""
with hermetic_blocker({settings}):
    for act in (lambda: _socket.socket().connect(("localhost.localdomain", PORT)), lambda: _socket.socket().connect_ex(("localhost", PORT)),
                lambda: _socket.socket(2, 2).sendto(b"x", ("localhost", PORT))):
        try:
            act()
            print("reached")
        except PolicyViolation as blocked:
            print("refused")
        except OSError:
            print("no such name")
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = isolated.passes(PROGRAM + code, str(server.getsockname()[1])).stdout.splitlines()
    # Loopback is private to nobody but itself: it has entries of its own.
    loopback = "reached" if "private" in settings else "refused"
    assert lines[0] != "reached"
    assert lines[1:] == [loopback, loopback]


def test_an_allowed_name_that_nobody_knows_is_an_ordinary_error(isolated):
    code = """
with hermetic_blocker(block_network=True, allow_hosts=["unknown.invalid"]):
    try:
        socket.socket().connect(("unknown.invalid", PORT))
    except socket.gaierror:
        print("no such name")
"""
    assert isolated.passes(PROGRAM + code, "9").stdout == "no such name\n"
