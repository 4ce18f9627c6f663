"""A strict run of a program that is no Python: it counts nothing itself, so a parent waits for it and does."""

from __future__ import annotations

import os

from .. import events
from ..programs import waiting
from ..programs.target import Options
from . import reports, status

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import NoReturn


def in_child() -> tuple[int, int] | None:
    """Go on in a child, with where it and what it starts report what they are refused, see ``Options.reports``.

    This process waits for it, and ends as it did, or with 2 where something was refused. The kernel layer is there, and
    so is ``fork``.
    """
    events.open_trace()
    told = reports.open_pipe(Options())
    child = waiting.fork()
    if child:
        kept = [number for number in (events.stderr(), *reports.heard()) if number > 2]
        end(waiting.follow(child, kept))
    return told


def end(wait_status: int) -> NoReturn:
    """End as the program ended, or with 2; who dies of a signal dies of it here, too."""
    reports.hear()
    code = os.waitstatus_to_exitcode(wait_status)
    record = status.culprit(None, max(code, 0), True)
    if record is not None:
        status.say(status.explain(record, events.COUNT[1]) + status.summary("were blocked"))
        if code >= 0:
            wait_status = status.BLOCKED << 8  # as the system words that a process ended so
    waiting.end_as(wait_status)
