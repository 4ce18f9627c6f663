"""What has to be known at the end of a run and happens elsewhere: in threads, in ``os._exit``, in children."""

from __future__ import annotations

import os
import sys

from .. import events
from ..enforce.doors import dress
from ..enforce.session import CHILDREN as CHILDREN
from ..errors import PolicyViolation
from ..pristine import IS_WINDOWS, close_fd, file_inode, fstat, getpid, native, read_fd
from . import status

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..programs.target import Options

# The end of the pipe where the process that began a strict run reads.
_heard: list[int] = []


def open_pipe(options: Options) -> tuple[int, int] | None:
    """Where the children of a strict or watched run report, for ``Options.reports``: its pipe, or a new one."""
    if IS_WINDOWS:
        return None  # descriptors are not inherited by their numbers
    if options.child:
        if options.reports is None:
            return None
        try:
            is_ours = file_inode(fstat(options.reports[0])) == options.reports[1]
        except OSError:
            is_ours = False
        if not is_ours:
            return None
        events.remember(options.reports[0])
        return options.reports
    told = new_pipe()
    native.set_inheritable(told, True)
    return told, file_inode(fstat(told))


def new_pipe() -> int:
    """The end to write to of a pipe that this process reads, from now on."""
    heard, told = native.pipe()
    for descriptor in (heard, told):
        native.set_blocking(descriptor, False)
        events.remember(descriptor)
    _heard.append(heard)
    events.BEGAN[0] = getpid()
    return told


def go_on() -> None:
    """The program may go on in a child of the process that was started: it is the one whose end counts."""
    status.MAIN[0] = getpid()
    if _heard:
        events.BEGAN[0] = getpid()
        events.HEARD[:] = (_heard[0], file_inode(fstat(_heard[0])), getpid())
    else:
        events.HEARD.clear()


def take_over(heard: tuple[int, ...]) -> None:
    """Go on reading where this process did before exec. heard: see ``Options``; another process's means nothing."""
    try:
        if len(heard) <= events.HEARER or heard[events.HEARER] != getpid():
            return
        if file_inode(fstat(heard[0])) != heard[1]:
            return
        native.set_inheritable(heard[0], False)
    except OSError:
        return
    events.remember(heard[0])
    _heard.append(heard[0])


def heard() -> list[int]:
    """The descriptor by which this process reads what is reported, if it does."""
    return _heard[:]


def written() -> bytes:
    """All that was reported since. A fork of the process that began this run takes nothing of it along."""
    data = b""
    try:
        while _heard and getpid() == events.BEGAN[0] and events.is_ours(_heard[0]):
            piece = read_fd(_heard[0], events.PIECE)
            if not piece:
                break
            data += piece
    except OSError:
        pass  # nothing more was written
    return data


def seen_by_kernel(strict: bool) -> list[tuple[Any, ...]]:
    """What the supervisor refused that no guard saw, as records; a strict run has it in its log."""
    return [] if strict else events.reported(written())


def open_own() -> int:
    """The same for somebody who gets this end and is no child; -1 where no descriptor is to be had for that."""
    try:
        return new_pipe()
    except OSError:
        return -1


def let_go(told: int) -> None:
    """Somebody else writes to this end from now on, or nobody does: then there is nothing to read either."""
    if told < 0:
        return
    close_fd(told)
    try:
        if not read_fd(_heard[0], events.PIECE):
            close_fd(_heard.pop())
    except BlockingIOError:
        pass


def hear() -> bytes:
    """Add what children were refused to this process's own log; returns all that they wrote."""
    data = written()
    found = []
    for fields in events.reported(data):
        act = events.act_of(fields)
        if act in events.HANDED:
            events.HANDED.remove(act)  # its own, of before an exec that failed
        else:
            found.append(fields)
    if found:
        if events.COUNT[0] != getpid():
            events.start_log(getpid())
        for fields in found:
            events.keep(fields)
        events.COUNT[1] += len(found)
    return data


def note_fork() -> None:
    """A forked child is under the policies of its parent, as it is."""
    CHILDREN[0] = True


def listen() -> tuple[int, int] | None:
    """Hear the children of this process, for whoever watches it; the end they write to, or None where there is none."""
    from ..programs.target import Options  # a run has it already

    if not _heard:
        end = open_pipe(Options())
        if end is None:
            return None
        os.register_at_fork(after_in_parent=note_fork)
        events.REPORTS.append(end[0])
    return events.REPORTS[0], file_inode(fstat(events.REPORTS[0]))


def prepare(strict: bool, only: bool, child: bool) -> None:
    """Remember stderr, and see to it that threads and ``os._exit`` are counted. only: whether nothing is blocked."""
    events.open_trace()
    import _thread

    # These outlive what this module knows: the interpreter reports what finalizers raise until its very end.
    blocked, unhandled = PolicyViolation, status.UNHANDLED
    original = _thread._excepthook  # what threading takes as its default

    def thread_hook(args: Any) -> None:
        if isinstance(args.exc_value, blocked):
            unhandled.append(args.exc_value)
        original(args)

    _thread._excepthook = thread_hook
    unraisable = sys.unraisablehook

    def unraisable_hook(args: Any) -> None:
        # What ends a thread that was started without threading comes here.
        if isinstance(args.exc_value, blocked) and "thread" in (args.err_msg or ""):
            unhandled.append(args.exc_value)
        unraisable(args)

    sys.unraisablehook = unraisable_hook
    leave = native._exit
    status.MAIN[0] = getpid()

    def exit_now(status_code: int) -> None:
        if getpid() != status.MAIN[0]:
            leave(status_code)
        if only:
            status.say(status.watched(child))
            leave(status_code)
        if strict:
            hear()
        record = status.culprit(None, status_code, strict)
        if record is not None:
            status.say(status.explain(record, events.COUNT[1]))
        else:
            status.say(status.coped_hint(status_code))
            if status_code:
                status.say(status.kernel_hint(None, seen_by_kernel(strict)))
        leave(status.BLOCKED if record is not None else status_code)

    dress(exit_now, leave)
    os._exit = native._exit = exit_now  # type: ignore[assignment]  # it does not return either
