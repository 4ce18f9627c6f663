"""The end of a run: as a plain one would end, or with 2 and an explanation."""

from __future__ import annotations

import sys

from .. import events
from ..errors import HermeticError, PolicyViolation
from . import reports, status

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from ..policy import Policy
    from ..programs.target import Options


def conclude(error: BaseException | None, policies: tuple[Policy, ...], options: Options) -> int:
    """End the run as a plain one would, or with 2 and an explanation."""
    if isinstance(error, HermeticError) and not isinstance(error, PolicyViolation):
        raise error
    if error is not None and not isinstance(error, SystemExit):
        error = print_error(error)
    join_threads()
    if policies:
        if reports_only(policies):
            status.say(status.watched(options.child))
        else:
            if options.strict:
                reports.hear()
            record = status.culprit(error, status.plain_status(error), options.strict)
            if record is not None:
                if isinstance(error, SystemExit) and error.code is not None and not isinstance(error.code, int):
                    status.say(f"{error.code}\n")
                status.say(status.explain(record, events.COUNT[1]) + status.handled(error, record))
                if options.strict:
                    status.say(status.summary("were blocked"))
                return status.BLOCKED
            status.say(status.coped_hint(status.plain_status(error)) + status.unset_hint(error))
    if error is None:
        return 0
    if options.held or status.KERNEL:
        seen = reports.seen_by_kernel(options.strict) if status.plain_status(error) else []
        status.say(status.kernel_hint(error, seen))
    if not isinstance(error, SystemExit):
        sys.excepthook = silent  # it has been printed, without hermetic's frames
    raise error


def print_error(error: BaseException) -> BaseException:
    """Show it as the interpreter would; returns what ends the run: a hook of the program's may leave instead."""
    status.trim_chain(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as left:
        left.__context__ = left.__context__ or error  # what the program failed of is found from there
        return left
    except BaseException as failed:  # noqa: BLE001  # the hook needed what is blocked, too; the status is still due
        status.trim_chain(failed)
        show("Error in sys.excepthook:\n", failed)
        show("\nOriginal exception was:\n", error)
    return error


def show(heading: str, error: BaseException) -> None:
    """As C would, without the hook."""
    status.say(heading)
    sys.__excepthook__(type(error), error, error.__traceback__)


def reports_only(policies: tuple[Policy, ...]) -> bool:
    """Whether nothing was blocked. A plain loop: a trace function of the program's can crash CPython in a generator."""
    for policy in policies:
        if not policy.report_only:
            return False
    return True


def join_threads() -> None:
    """As the interpreter does before it ends; what threads were refused belongs to the status."""
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()


def silent(*exception: object) -> None:
    """An excepthook for what was printed already."""
