"""Calls that were made for the program, and whose answer it did not hear: a signal came before it.

A handler that asks for it (``SA_RESTART``), and being stopped, have the kernel make the same
call again: then it comes here a second time, and the system says of the socket what is true of it
by now. The program hears what it would have heard the first time.
"""

from __future__ import annotations

from errno import EALREADY, EBADF, EINPROGRESS, EINVAL, EISCONN, ENOTSOCK

from ....pristine import readlink
from . import abi

SOCKET = b"socket:["
MOST = 1024


class Interrupted:
    """What nobody heard, of one run."""

    __slots__ = ("answers", "repeated")

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


def number_of(thread: int, descriptor: int) -> int:
    """The number of the socket that a descriptor of a program leads to. OSError if it leads to none."""
    try:
        link = readlink(b"/proc/%d/fd/%d" % (thread, descriptor))
    except FileNotFoundError:
        raise OSError(EBADF, "not open") from None
    if not link.startswith(SOCKET):
        raise OSError(ENOTSOCK, "not a socket")
    return int(link[len(SOCKET) : -1])
