"""Who judges answers whatever happens to it: without a kernel."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")


def test_who_cannot_have_another_thread_answers_by_those_it_has(monkeypatch):
    """The program may use up what its user may have of processes; nobody waits for ever."""
    from _hermetic.enforce.kernel.linux import judge

    def refused(*arguments):
        raise RuntimeError("can't start new thread")

    asked = judge.Judge.__new__(judge.Judge)
    asked.lock, asked.spare = threading.Lock(), 1
    monkeypatch.setattr(judge, "start_new_thread", refused)
    asked.take()
    assert asked.spare == 0


@pytest.mark.parametrize(
    "error", [socket.gaierror(-9, "another family"), OSError("no number"), ValueError(), RuntimeError()], ids=repr
)
def test_whatever_goes_wrong_is_answered(error):
    from _hermetic.enforce.kernel.linux import judge

    def fails(*arguments):
        raise error

    said = []
    asked = judge.Judge.__new__(judge.Judge)
    asked.answers = {42: fails}
    asked.send = lambda name, number, flags: said.append((number, flags))
    asked.answer(bytes(16) + (42).to_bytes(4, "little") + bytes(60))
    assert said == [(13, 0)]
