"""Who judges answers whatever happens to it: without a kernel."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")


def listening(monkeypatch, started, timer=-1):
    """Threads that take turns, without any kernel."""
    from _hermetic.enforce.kernel.linux import interrupted, supervisor

    monkeypatch.setattr(supervisor, "start_new_thread", lambda *arguments: started.append(1))
    judge = SimpleNamespace(begin=lambda listener, hand_on: None, machine=0, calls=lambda *arguments: timer)
    judge.interrupted = interrupted.Interrupted(0)
    return supervisor.Listening(judge, -1)


def test_who_is_busy_for_long_has_another_thread_listen_once(monkeypatch):
    started = []
    threads = listening(monkeypatch, started)
    assert threads.takes_turn(threading.get_ident())
    threads.hand_on()
    threads.hand_on()
    assert (len(started), threads.first, threads.turn.locked()) == (2, 0, False)


def test_who_cannot_have_another_thread_listens_again_itself(monkeypatch):
    """The program may use up what its user may have of processes; nobody waits for ever."""
    from _hermetic.enforce.kernel.linux import supervisor

    def refused(*arguments):
        raise RuntimeError("can't start new thread")

    threads = listening(monkeypatch, [])
    me = threading.get_ident()
    assert threads.takes_turn(me)
    monkeypatch.setattr(supervisor, "start_new_thread", refused)
    threads.hand_on()
    assert threads.takes_turn(me) and threads.first == me


def test_who_is_busy_with_the_same_at_a_second_look_has_another_listen(monkeypatch):
    started = []
    reading, writing = os.pipe()
    threads = listening(monkeypatch, started, reading)
    threads.watch = lambda: started.append("watch")
    me = threading.get_ident()
    assert threads.takes_turn(me)
    del started[:]
    seen = b""
    for busy_with in (b"first", b"second", b"second"):
        threads.busy[me] = busy_with
        os.write(writing, bytes(8))
        seen = threads.looked(seen)
    os.close(reading)
    os.close(writing)
    assert (started, threads.first) == (["watch", "watch", 1], 0)


def test_a_thread_that_ends_in_its_turn_hands_it_on(monkeypatch):
    from _hermetic.enforce.kernel.linux import supervisor

    def fails(notice):
        raise MemoryError

    started, left = [], []
    threads = listening(monkeypatch, started)
    threads.judge.answer, threads.judge.leave = fails, lambda: left.append(1)
    threads.watched = True
    monkeypatch.setattr(supervisor, "ioctl", lambda *arguments: 0)
    with pytest.raises(MemoryError):
        threads.serve()
    assert (len(started), left, threads.first, threads.turn.locked()) == (2, [1], 0, False)


def test_no_more_threads_wait_for_their_turn_than_are_needed(monkeypatch):
    from _hermetic.enforce.kernel.linux import supervisor

    threads = listening(monkeypatch, [])
    threads.waiting = supervisor.WAITING
    assert not threads.takes_turn(threading.get_ident())


@pytest.mark.parametrize(
    "error", [socket.gaierror(-9, "another family"), OSError("no number"), ValueError(), RuntimeError()], ids=repr
)
def test_whatever_goes_wrong_is_answered(error):
    from _hermetic.enforce.kernel.linux import interrupted, judge

    def fails(*arguments):
        raise error

    said = []
    asked = judge.Judge.__new__(judge.Judge)
    asked.answers = {42: fails}
    asked.interrupted = interrupted.Interrupted(0)
    asked.send = lambda name, number, flags: said.append((number, flags)) is None
    asked.answer(bytes(16) + (42).to_bytes(4, "little") + bytes(60))
    assert said == [(13, 0)]


@pytest.mark.parametrize(
    ("call", "before", "error", "expected"),
    [
        ("connect", 0, errno.EISCONN, 0),
        ("connect", errno.EINPROGRESS, errno.EALREADY, errno.EINPROGRESS),
        ("connect", errno.EINPROGRESS, errno.EISCONN, errno.EINPROGRESS),
        ("bind", 0, errno.EINVAL, 0),
        # What was refused stays refused, and what is about something else is said.
        ("connect", errno.EACCES, errno.EISCONN, errno.EISCONN),
        ("connect", 0, errno.EINVAL, errno.EINVAL),
        ("connect", 0, errno.EACCES, errno.EACCES),
        ("bind", 0, errno.EACCES, errno.EACCES),
    ],
)
def test_what_nobody_heard_is_said_when_it_is_asked_again(call, before, error, expected):
    from _hermetic.enforce.kernel.linux import abi, interrupted

    number = {"connect": abi.CONNECT, "bind": abi.BIND}[call][0]
    unheard = interrupted.Interrupted(0)
    unheard.keep(number, 7, before)
    assert unheard.said(number, 8, error) == error  # another socket
    assert unheard.said(number, 7, errno.EBADF) == errno.EBADF  # interrupted once more, before anything was done
    assert [unheard.said(number, 7, error) for _ in range(2)] == [expected, error]  # once


def head(number, thread):
    """How a notice begins."""
    return number.to_bytes(8, "little") + thread.to_bytes(4, "little")


def test_a_call_that_is_made_again_waits_for_the_one_that_another_thread_still_makes(monkeypatch):
    """On a busy machine who made the first has not found out yet that nobody heard of it."""
    from _hermetic.enforce.kernel.linux import abi, interrupted

    connect, me, other = abi.CONNECT[0], threading.get_native_id(), -1
    unheard, waited = interrupted.Interrupted(0), []

    def until_the_first_is_made(seconds):
        waited.append(seconds)
        unheard.keep(connect, os.fstat(sock.fileno()).st_ino, 0)
        del unheard.busy[other]

    def say(number, thread, error):
        unheard.busy[threading.get_ident()] = head(number, thread)
        return unheard.to_say(connect, me, sock.fileno(), error), len(waited)

    monkeypatch.setattr(interrupted, "sleep", until_the_first_is_made)
    with socket.socket() as sock:
        unheard.busy[other] = head(2, me)
        assert say(3, me, errno.EACCES) == (errno.EACCES, 0)  # has nothing to do with it
        assert say(3, me + 1, errno.EISCONN) == (errno.EISCONN, 0)  # another thread of the program's
        assert say(1, me, errno.EISCONN) == (errno.EISCONN, 0)  # was asked before: that one waits for this
        assert say(3, me, errno.EISCONN) == (0, 1)
        assert say(4, me, errno.EISCONN) == (errno.EISCONN, 1)  # nobody makes one any more


def test_only_what_a_socket_could_not_hear_is_kept(monkeypatch):
    from _hermetic.enforce.kernel.linux import abi, interrupted

    connect, unheard = abi.CONNECT[0], interrupted.Interrupted(0)
    unheard.keep(connect, -1, 0)  # its process has ended, or it is none
    unheard.keep(connect, 7, errno.EACCES)
    assert unheard.answers == {}
    monkeypatch.setattr(interrupted, "MOST", 2)
    for number in (0, 1):
        unheard.keep(connect, number, errno.EINPROGRESS)
    assert len(unheard.answers) == 2
    unheard.keep(connect, 2, errno.EINPROGRESS)
    assert unheard.answers == {(connect, 2): errno.EINPROGRESS}, "a program may have any number of sockets"


def test_what_is_no_socket_has_no_number_of_one():
    from _hermetic.enforce.kernel.linux import interrupted

    me = os.getpid()
    reading, writing = os.pipe()
    with open(os.devnull) as file:
        os.close(writing)
        for descriptor, expected in (
            (reading, errno.ENOTSOCK),
            (file.fileno(), errno.ENOTSOCK),
            (writing, errno.EBADF),
        ):
            with pytest.raises(OSError) as raised:
                interrupted.number_of(me, descriptor)
            assert raised.value.errno == expected
            assert interrupted.number_or_none(me, descriptor) == -1
    os.close(reading)
    with socket.socket() as sock:
        assert interrupted.number_or_none(me, sock.fileno()) == os.fstat(sock.fileno()).st_ino


def test_a_call_that_is_made_again_does_not_wait_for_ever(monkeypatch):
    from _hermetic.enforce.kernel.linux import abi, interrupted

    monkeypatch.setattr(interrupted, "AWHILE", 0.05)
    unheard = interrupted.Interrupted(0)
    unheard.busy.update({-1: head(1, 7), threading.get_ident(): head(2, 7)})
    assert unheard.to_say(abi.CONNECT[0], 7, 0, errno.EISCONN) == errno.EISCONN


def internet(family, host, port, scope=0):
    """An address as C writes it."""
    number = socket.inet_pton(family, host)
    start = int(family).to_bytes(2, "little") + port.to_bytes(2, "big")
    if family == socket.AF_INET:
        return start + number + bytes(8)
    return start + bytes(4) + number + scope.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("written", "needed"),
    [
        ((socket.AF_INET, "10.1.2.3", 0x1234), 16),
        # The kernel takes these without the last field, too.
        ((socket.AF_INET6, "fe80::1:2", 0x1234), 24),
    ],
    ids=["IPv4", "IPv6"],
)
def test_an_address_is_read_as_the_kernel_reads_it(written, needed):
    from _hermetic.enforce.kernel.linux.judge import spoken

    whole = internet(*written)
    for length in range(2, len(whole) + 1):
        assert spoken(whole[:length]) == (written if length >= needed else None)
    assert spoken(whole + bytes(100)) == written
    other = {socket.AF_INET: socket.AF_INET6, socket.AF_INET6: socket.AF_UNIX}[written[0]]
    assert spoken(int(other).to_bytes(2, "little") + whole[2:16]) is None


@pytest.mark.parametrize(
    ("family", "kind", "address", "expected"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, internet(socket.AF_INET, "10.0.0.1", 5), ("10.0.0.1", 5)),
        (socket.AF_INET, socket.SOCK_DGRAM, internet(socket.AF_INET, "10.0.0.1", 5), ("10.0.0.1", 5)),
        (socket.AF_INET6, socket.SOCK_STREAM, internet(socket.AF_INET6, "fe80::1", 5, 3), ("fe80::1", 5, 0, 3)),
        (socket.AF_INET6, socket.SOCK_STREAM, internet(socket.AF_INET6, "fe80::1", 5, 3)[:24], ("fe80::1", 5, 0, 0)),
        (socket.AF_INET6, socket.SOCK_DGRAM, internet(socket.AF_INET, "10.0.0.1", 5), ("::ffff:10.0.0.1", 5)),
        (socket.AF_INET6, socket.SOCK_STREAM, internet(socket.AF_INET, "10.0.0.1", 5), None),
        (socket.AF_INET, socket.SOCK_DGRAM, internet(socket.AF_INET6, "::ffff:10.0.0.1", 5), None),
        (socket.AF_INET, socket.SOCK_STREAM, internet(socket.AF_INET6, "::1", 5), None),
    ],
)
def test_what_was_judged_is_where_the_socket_goes(family, kind, address, expected):
    from _hermetic.enforce.kernel.linux.judge import place_for, spoken

    # As a socket tells its kind, with its other marks.
    sock = SimpleNamespace(family=family, type=kind | socket.SOCK_NONBLOCK)
    assert place_for(sock, spoken(address), address) == expected


def judging(**parts):
    """One who judges, without what it judges by."""
    from _hermetic.enforce.kernel.linux import judge

    made = judge.Judge.__new__(judge.Judge)
    for name, part in {"resolver": None, "tested": True, "rules": (), "lock": threading.Lock(), **parts}.items():
        setattr(made, name, part)
    return made


def test_an_address_of_no_possible_length_is_not_read():
    asked = judging(read=lambda thread, address, length: (thread, address, length))
    for length in (2, 128, (1 << 32) + 16):
        assert asked.address(7, [3, 4096, length]) == (7, 4096, length & 0xFFFFFFFF)
    for length in (0, 1, 129, 0xFFFFFFFF, 1 << 32):
        with pytest.raises(OSError) as refused:
            asked.address(7, [3, 4096, length])
        assert refused.value.errno == errno.EINVAL


def test_every_refusal_is_told_but_the_self_tests(monkeypatch):
    from _hermetic.enforce.kernel.linux import judge

    told = []
    monkeypatch.setattr(judge, "tell", told.append)
    network = SimpleNamespace(GUARD="network", decide=lambda rules, capability, target, call: rules)
    asked = judging(network=network, tested=False, rules=None)
    target = (socket.AF_INET, "10.0.0.1", 5, "connect")
    assert asked.is_refused("network.connect", target) is False
    asked.rules = ("message", "10.0.0.1", "no-network", "remedy")
    assert asked.is_refused("network.connect", target) is True
    assert told == []
    assert asked.is_refused("network.connect", target) is True
    assert told == [("network", "message", "no-network", "remedy", "connect", None, "10.0.0.1", "")]


def test_what_a_program_binds_and_forgets_is_forgotten_in_its_order(monkeypatch):
    from _hermetic.enforce.kernel.linux import judge

    monkeypatch.setattr(judge, "MOST_BOUND", 2)
    path = int(socket.AF_UNIX).to_bytes(2, "little") + b"/x"
    asked = judging(bound={}, address=lambda thread, words: path)
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for sock in sockets:
        asked.socket_of = lambda name, thread, number, sock=sock: sock.dup()
        assert asked.bind(b"", 7, [3, 0, 4]) == (0, judge.GO_ON)
    assert list(asked.bound) == [os.fstat(sock.fileno()).st_ino for sock in sockets[1:]]
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_UNIX, internet(socket.AF_INET, "127.0.0.1", 80)),
        (socket.AF_INET6, internet(socket.AF_INET, "127.0.0.1", 80)),
        (socket.AF_INET, internet(socket.AF_INET6, "::1", 80)),
        (socket.AF_INET, b"\0\0" + internet(socket.AF_INET, "0.0.0.0", 80)[2:]),
        (socket.AF_NETLINK, int(socket.AF_NETLINK).to_bytes(2, "little") + bytes(6) + b"\1\0\0\0"),
        (socket.AF_NETLINK, int(socket.AF_NETLINK).to_bytes(2, "little") + bytes(2)),
    ],
)
def test_nothing_is_bound_to_an_address_that_the_socket_has_not(family, address):
    never = SimpleNamespace(BIND="network.bind", decide=lambda *arguments: None)  # all would be allowed
    bound, closed = [], []
    sock = SimpleNamespace(family=family, bind=bound.append, close=lambda: closed.append(1), type=socket.SOCK_STREAM)
    asked = judging(network=never, bound={}, address=lambda *arguments: address, socket_of=lambda *arguments: sock)
    error, flags = asked.bind(b"", 7, [3, 0, len(address)])
    assert (error in (errno.EACCES, errno.EAFNOSUPPORT), flags, bound, closed) == (True, 0, [], [1])


def test_sockets_of_those_who_are_gone_are_let_go(isolated):
    """Interrupted or ended in the middle of a connection: nothing of it is kept, and nobody is answered."""
    isolated.passes("""
        import errno, os, select, socket
        from types import SimpleNamespace
        from _hermetic.enforce.kernel.linux import abi, interrupted, outstanding
        from _hermetic.enforce.kernel.linux.syscalls import Calls

        here, sent = {b"is there", b"has gone"}, []
        waiting = outstanding.Outstanding(SimpleNamespace(
            calls=Calls(), machine=abi.MACHINES[os.uname().machine], is_valid=lambda name: name in here,
            is_done=lambda sock, error: None, interrupted=interrupted.Interrupted(0), send=lambda *words: sent.append(words) is None))
        full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
        crowd = [socket.socket() for _ in range(3)]
        for sock in crowd:
            sock.setblocking(False); sock.connect_ex(full.getsockname())
        numbers = []
        for name in (b"is there", b"has gone"):
            sock = socket.socket(); numbers.append(sock.fileno())
            assert waiting.connect(name, 1, sock, full.getsockname()) == outstanding.LATER
        assert list(waiting.waiting) == numbers
        here.remove(b"has gone")
        waiting.forget_gone()
        assert list(waiting.waiting) == numbers[:1]
        try:
            os.fstat(numbers[1]); raise AssertionError("still open")
        except OSError as error:
            assert error.errno == errno.EBADF
        full.close()
        poll = select.poll(); poll.register(waiting.descriptor, select.POLLIN)
        assert poll.poll(20000)
        waiting.look()
        assert (waiting.waiting, sent) == ({}, [(b"is there", errno.ECONNREFUSED, 0)]), sent
    """)
