"""What a program that takes a process over has to know of the one that began the run there: where children report."""

from __future__ import annotations

from ...events import COUNT, HANDED, HEARD, HEARER, LOG, REPORTS, report
from ...pristine import getpid, native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

set_inheritable: Any = getattr(native, "set_inheritable", None)


def succeed(start: Any, execve: Any, arguments: tuple[Any, ...]) -> Any:
    """exec: what follows in this process hears the children, the kernel layer and what was refused until now.

    Whoever shares nothing with this process but its descriptors, as its forks, hears nothing.
    """
    if len(HEARD) <= HEARER or HEARD[HEARER] != getpid():
        return start(execve, arguments, {})
    if REPORTS and COUNT[0] == HEARD[HEARER]:
        for fields in LOG[:]:
            act = fields[1], fields[2]
            if act not in HANDED:  # by an exec that failed
                HANDED.add(act)
                report(fields, "blocked")
    set_inheritable(HEARD[0], True)
    try:
        return start(execve, arguments, {})
    finally:
        set_inheritable(HEARD[0], False)
