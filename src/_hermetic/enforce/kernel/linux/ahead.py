"""A supervisor that is started ahead of the guards, to load what it needs while the program loads them.

The fewer pages this process has by then, the fewer have to be copied when either of the two writes to them: that, and
loading what judges, is what a supervisor costs.
"""

from __future__ import annotations

from .beside import YAMA, Supervisor, contents, start

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from _socket import socket
    from typing import NoReturn

    from .syscalls import Calls

# The one that was started, until it is taken.
EARLY: list[Supervisor] = []


def start_early() -> int:
    """Start one that loads what it needs meanwhile; its descriptor here, -1 where it would have to be above."""
    if contents(YAMA)[:1] not in (b"", b"0"):
        return -1
    EARLY.append(start(live))
    return EARLY[0].end.fileno()


def live(end: socket) -> NoReturn:
    """The life of one that was started early."""
    from .... import load_for_judging

    load_for_judging()
    from .supervisor import supervise

    supervise(end)


def begin(calls: Calls, machine: int) -> Supervisor:
    """Who was started early, or is now. OSError when there can be nobody."""
    if EARLY:
        return EARLY.pop()
    from .supervisor import supervise  # here, because the program would wait for the other process to load it

    return start(supervise)


def put_away() -> None:
    """Nobody is needed any more who was started early and not taken."""
    while EARLY:
        EARLY.pop().give_up()
