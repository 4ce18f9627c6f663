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
    from _hermetic.enforce.kernel.linux import supervisor

    monkeypatch.setattr(supervisor, "start_new_thread", lambda *arguments: started.append(1))
    judge = SimpleNamespace(begin=lambda listener, hand_on: None, machine=0, calls=lambda *arguments: timer)
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


def test_sockets_of_those_who_are_gone_are_let_go(isolated):
    """Interrupted or ended in the middle of a connection: nothing of it is kept, and nobody is answered."""
    isolated.passes("""
        import errno, os, select, socket
        from types import SimpleNamespace
        from _hermetic.enforce.kernel.linux import abi, outstanding
        from _hermetic.enforce.kernel.linux.syscalls import Calls

        here, sent = {b"there", b"gone"}, []
        waiting = outstanding.Outstanding(SimpleNamespace(
            calls=Calls(), machine=abi.MACHINES[os.uname().machine], is_valid=lambda name: name in here,
            is_done=lambda sock, error: None, send=lambda *words: sent.append(words) is None))
        full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
        crowd = [socket.socket() for _ in range(3)]
        for sock in crowd:
            sock.setblocking(False); sock.connect_ex(full.getsockname())
        numbers = []
        for name in (b"there", b"gone"):
            sock = socket.socket(); numbers.append(sock.fileno())
            assert waiting.connect(name, sock, full.getsockname()) == outstanding.LATER
        assert list(waiting.waiting) == numbers
        here.remove(b"gone")
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
        assert (waiting.waiting, sent) == ({}, [(b"there", errno.ECONNREFUSED, 0)]), sent
    """)
