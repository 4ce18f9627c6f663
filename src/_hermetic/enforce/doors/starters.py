"""How the stand-ins that start children call on: in frames by which the guards know who asks, and for exec with what
the program that takes the process over has to know of the one that began the run there.
"""

from __future__ import annotations

from ...events import COUNT, HANDED, HEARD, HEARER, LOG, REPORTS, act_of, report
from ...pristine import getpid, native
from . import METHOD

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
IN_C: Any = None
ONWARD: Any = None
HERE = None

FUNCTION = type(lambda: None)
set_inheritable: Any = getattr(native, "set_inheritable", None)


def call_on(start: Any, args: Any, kwargs: Any) -> Any:
    """Call C, or the stand-in of a policy around this one."""
    function = start.__func__ if type(start) is METHOD else start
    return (ONWARD if type(function) is FUNCTION else IN_C)(start, args, kwargs)


def start_in_c(start: Any, args: Any, kwargs: Any) -> Any:
    """The frame by which the guard knows that a stand-in calls C: to start a process, or to put its variables right.

    It begins to be seen when all that it needs is out of its variables: a preexec_fn or a signal handler finds neither
    the original in it, which may raise no event, nor words that it could still change.
    """
    return start(*(args, args := None, start := None)[0], **(kwargs, kwargs := None, HERE)[0])


def start_onward(start: Any, args: Any, kwargs: Any) -> Any:
    """The same, by which a stand-in knows that another one calls it, which has arranged all.

    Not by that of a call of C, which asks the arguments for numbers and signals: what these start is no part of it.
    """
    return start(*(args, args := None, start := None)[0], **(kwargs, kwargs := None, HERE)[0])


def before_program(function: Any) -> Any:
    """A preexec_fn, in a frame of its own: a function of C's in its place has none, and the frame below is trusted."""
    return function()


def succeed(start: Any, execve: Any, arguments: tuple[Any, ...]) -> Any:
    """exec: what follows in this process hears the children, the kernel layer and what was refused until now.

    Whoever shares nothing with this process but its descriptors, as its forks, hears nothing.
    """
    if len(HEARD) <= HEARER or HEARD[HEARER] != getpid():
        return start(execve, arguments, {})
    if REPORTS and COUNT[0] == HEARD[HEARER]:
        for fields in LOG[:]:
            act = act_of(fields)
            if act not in HANDED:  # by an exec that failed
                HANDED.add(act)
                report(fields, "blocked")
    set_inheritable(HEARD[0], True)
    try:
        return start(execve, arguments, {})
    finally:
        set_inheritable(HEARD[0], False)
