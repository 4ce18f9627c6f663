"""Calls that were made for the program, and whose answer it did not hear: a signal came before it.

A handler that asks for it (``SA_RESTART``), and being stopped, have the kernel make the same
call again: then it comes here a second time, and the system says of the socket what is true of it
by now. The program hears what it would have heard the first time. The second may be here before the first is done with,
where another thread of ours makes that one: it waits for it.
"""

from __future__ import annotations

from errno import EALREADY, EBADF, EINPROGRESS, EINVAL, EISCONN, ENOTSOCK
from time import monotonic, sleep

from ....pristine import get_ident, readlink
from . import abi

SOCKET = b"socket:["
MOST = 1024
# How many seconds a second call waits for the first, which may itself wait for somebody; and between two looks.
AWHILE, MOMENT = 1.0, 0.001


class Interrupted:
    """What nobody heard, of one run."""

    __slots__ = ("answers", "busy", "repeated")

    def __init__(self, machine: int) -> None:
        connect, bind = abi.CONNECT[machine], abi.BIND[machine]
        # What is said to one more of such calls, and what can have been said to the one before.
        self.repeated = {
            (connect, EISCONN): (0, EINPROGRESS),
            (connect, EALREADY): (EINPROGRESS,),
            (bind, EINVAL): (0,),
        }
        # By the call and the socket's own number.
        self.answers: dict[tuple[int, int], int] = {}
        # By our threads: the notice of the call that each of them makes, as far as its beginning.
        self.busy: dict[int, bytes] = {}

    def to_say(self, call: int, thread: int, descriptor: int, error: int) -> int:
        """The answer to a call of this thread, as what is known of an earlier one makes it."""
        if (call, error) not in self.repeated:
            return error
        self.let_finish()
        return self.said(call, number_or_none(thread, descriptor), error) if self.answers else error

    def let_finish(self) -> None:
        """Wait while another thread of ours makes an earlier call for who asked for this one: nobody will hear that."""
        number, thread = asked_by(self.busy[get_ident()])
        until = monotonic() + AWHILE
        # The kernel numbers notices upwards.
        while any(asks == thread and made < number for made, asks in map(asked_by, list(self.busy.values()))):
            if monotonic() > until:
                return
            sleep(MOMENT)

    def keep(self, call: int, number: int, error: int) -> None:
        """Nobody heard this of that socket."""
        if number >= 0 and error in (0, EINPROGRESS):
            if len(self.answers) >= MOST:
                self.answers.clear()  # a program need not ask again
            self.answers[call, number] = error

    def said(self, call: int, number: int, error: int) -> int:
        """The error, or what nobody heard of the same call. Nothing is done by that: the first one was judged."""
        before = self.answers.get((call, number), -1)
        if before not in self.repeated.get((call, error), ()):
            return error  # as where the second one was interrupted before anything was done
        self.answers.pop((call, number), None)
        return before


def asked_by(notice: bytes) -> tuple[int, bytes]:
    """(its number, the thread) of a notice."""
    return int.from_bytes(notice[:8], "little"), notice[8:12]


def number_of(thread: int, descriptor: int) -> int:
    """The number of the socket that a descriptor of a program leads to. OSError if it leads to none."""
    try:
        link = readlink(b"/proc/%d/fd/%d" % (thread, descriptor))
    except FileNotFoundError:
        raise OSError(EBADF, "not open") from None
    if not link.startswith(SOCKET):
        raise OSError(ENOTSOCK, "not a socket")
    return int(link[len(SOCKET) : -1])


def number_or_none(thread: int, descriptor: int) -> int:
    """The same; -1 where that is no socket, or its process has ended."""
    try:
        return number_of(thread, descriptor)
    except OSError:
        return -1
