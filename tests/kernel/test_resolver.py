"""The resolver of a judged run: for which names it answers, and for how long."""

from __future__ import annotations

import os
import socket
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")


def test_the_resolver_answers_for_allowed_names_alone(monkeypatch):
    from _hermetic.capabilities import network
    from _hermetic.enforce.kernel.linux import names

    asked = []

    def look_up(host, port, family):
        asked.append(host)
        if host == b"none.example.com":
            raise socket.gaierror(-2, "unknown")
        if host == b"local.example.com":
            return [(family, 1, 6, "", ("127.0.0.1", 0))]
        return [(family, 1, 6, "", ("192.0.2.7", 0) if family == socket.AF_INET else ("2001:db8::7", 0, 0, 0))]

    monkeypatch.setattr(names, "getaddrinfo", look_up)
    from _hermetic.capabilities.network.rules import LEARNT

    rules = network.prepare(network.make_rules(allow_domains=["example.com"]))
    resolver = names.Resolver.__new__(names.Resolver)
    resolver.begin(network, rules)

    def question(name, kind=1):
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        return b"\x12\x34\x01\x00\x00\x01" + bytes(6) + labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1"

    def answer(name, kind=1):
        found = resolver.reply(question(name, kind))
        assert found[:2] == b"\x12\x34"
        return found[3] & 15, int.from_bytes(found[6:8], "big"), found

    assert answer("api.example.com")[:2] == (0, 1)
    assert answer("api.example.com")[2].endswith(bytes([192, 0, 2, 7]))
    assert answer("API.Example.com.".rstrip("."), 28)[:2] == (0, 1)
    assert answer("example.com", 16)[:2] == (0, 0)
    assert answer("none.example.com")[:2] == (3, 0)
    before = list(asked)
    for name in ("secret.attacker.net", "example.com.attacker.net", "xexample.com", "metadata.google.internal"):
        assert answer(name)[:2] == (3, 0)
    assert asked == before  # no question left for these
    assert bytes([192, 0, 2, 7]) in rules[LEARNT]
    answer("local.example.com")
    assert bytes([127, 0, 0, 1]) not in rules[2]
    for broken in (
        b"",
        b"x",
        question("a.b")[:14],
        b"\x12\x34" + bytes(2) + b"\0\2" + bytes(20),
        question("a\x00b.example.com"),
        question("x\\.example.com"),
        question("ex\\097mple.example.com"),
    ):
        assert resolver.reply(broken)[:2] == broken[:2]
    assert asked[-1] == b"local.example.com"


def test_so_many_who_ask_that_nothing_is_left_are_not_the_end_of_it(monkeypatch):
    """No more descriptors, then no more threads: who asks later is answered."""
    from _hermetic.enforce.kernel.linux import names

    turns = iter([OSError(24, "too many open files"), 100, 101, KeyboardInterrupt()])
    started = []

    class Listener:
        def _accept(self):
            turn = next(turns)
            if isinstance(turn, BaseException):
                raise turn
            return turn, None

    class Asker:
        def __init__(self, fileno):
            self.fileno = fileno

        def getsockopt(self, *_):
            return os.getpid().to_bytes(4, "little") + bytes(8)

    def starting(converse, arguments):
        started.append(arguments[0].fileno)
        if len(started) == 1:
            raise RuntimeError("can't start new thread")

    resolver = names.Resolver.__new__(names.Resolver)
    resolver.listener = Listener()
    monkeypatch.setattr(names, "socket", Asker)
    monkeypatch.setattr(names, "start_new_thread", starting)
    with pytest.raises(KeyboardInterrupt):
        resolver.serve()
    assert started == [100, 101]


def test_a_question_without_a_name_or_without_its_end_is_none():
    from _hermetic.enforce.kernel.linux.names import asked_name

    head = b"\x12\x34\x01\x00\x00\x01" + bytes(6)
    assert asked_name(head + b"\1a\0" + b"\0\1\0\1") == ("a", 15)
    for broken in (b"\0" + b"\0\1\0\1", b"\1a\0" + b"\0\1\0", b"\1a", (b"\77" + b"a" * 63) * 4 + b"\0\0\1\0\1"):
        assert asked_name(head + broken)[0] is None, broken


def test_addresses_are_forgotten_when_their_last_answer_is_old(monkeypatch):
    from _hermetic.capabilities import network
    from _hermetic.capabilities.network.rules import LEARNT
    from _hermetic.enforce.kernel.linux import judge, names

    now = [1000.0]
    zone = {"a.example.com": ["192.0.2.1", "192.0.2.2"], "b.example.com": ["192.0.2.2"]}
    monkeypatch.setattr(names, "monotonic", lambda: now[0])
    monkeypatch.setattr(judge, "tell", lambda refusal: None)  # nothing happens here that anybody should hear of
    monkeypatch.setattr(
        names, "getaddrinfo", lambda host, *_: [(socket.AF_INET, 1, 6, "", (text, 0)) for text in zone[host.decode()]]
    )
    monkeypatch.setattr(names, "names_in_hosts", lambda: ["static.example.com"])
    monkeypatch.setitem(zone, "static.example.com", ["192.0.2.3"])
    rules = network.prepare(network.make_rules(allow_domains=["example.com"]))
    resolver = names.Resolver.__new__(names.Resolver)
    resolver.begin(network, rules)
    resolver.learn_hosts()
    asker = judge.Judge.__new__(judge.Judge)
    asker.network, asker.rules, asker.resolver, asker.tested = network, rules, resolver, False

    def reachable():
        return [
            n
            for n in (1, 2, 3)
            if not asker.is_refused(network.CONNECT, (socket.AF_INET, f"192.0.2.{n}", 443, "connect"))
        ]

    assert reachable() == [3]
    resolver.look_up("a.example.com", 1)
    assert reachable() == [1, 2, 3]
    now[0] += names.KEPT - 1
    resolver.look_up("b.example.com", 1)
    assert reachable() == [1, 2, 3]
    now[0] += 1
    assert reachable() == [2, 3]  # b's answer is young
    now[0] += names.KEPT
    assert reachable() == [3]
    # A program that reconnects looks up again.
    resolver.look_up("a.example.com", 1)
    assert reachable() == [1, 2, 3]
    monkeypatch.setattr(names, "MOST", 10)
    for number in range(50):
        zone["many.example.com"] = [f"198.51.100.{number}"]
        resolver.look_up("many.example.com", 1)
    assert len(resolver.learnt) == 10 and len(rules[LEARNT]) == 11  # and the machine's own


@pytest.mark.usefixtures("supervised")
def test_a_name_that_is_allowed_is_asked_by_the_supervisor(isolated, judged):
    """glibc's own resolver, in a program that knows nothing of it: no answer is better than one for another name."""
    code = """
import socket
for name in ("allowed.invalid", "denied.invalid"):
    try:
        socket.getaddrinfo(name, 80)
    except socket.gaierror as error:
        print(name, "unknown")
    except Exception as error:
        print(name, type(error).__name__)
"""
    done = isolated.script("--no-network --allow-domain allowed.invalid", code, timeout=90)
    assert done.stdout == "allowed.invalid unknown\ndenied.invalid PolicyViolation\n", done.stderr
