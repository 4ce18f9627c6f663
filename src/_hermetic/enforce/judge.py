"""From one attempt to one decision: read the target, ask the rules, make the violation.

Every door ends here, a patched function as well as an audit event, in a sealed
process as well as in a block. A violation is returned, not raised, so that the
frames of the deciding code are in no traceback.
"""

from __future__ import annotations

import sys

from ..callers import CALLER_DEPTH, program_place
from ..errors import FilesystemViolation, ImportViolation, PolicyViolation, violation
from ..events import details, record
from ..extract import printable

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (key, guard, capability, call, read, decide, rules, (trace, report_only), after)
    Entry: TypeAlias = tuple[Any, ...]


VIOLATIONS = (PolicyViolation, FilesystemViolation, ImportViolation)
FUNCTION = type(violation)
HAS_NOTES = sys.version_info >= (3, 11)


def examine(entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> BaseException | None:
    """The violation that this attempt is under this entry's rules, or None."""
    try:
        # Most attempts end here: an entry is taken apart only for what is refused.
        target = entry[4](args, kwargs)
        if target is None:
            return None
        denial = entry[5](entry[6], entry[2], target, entry[3])
        if denial is None:
            return None
    except (RecursionError, MemoryError, PolicyViolation):
        raise  # blocked as well, and the program sees what really happened
    except Exception:  # noqa: BLE001  # an argument may raise anything at all
        # Fail closed: what cannot be read cannot be allowed.
        denial = (f"{entry[1]} disabled: {entry[3]}(?)", None, entry[2], "an argument that can be read")
    _, guard, capability, call, _, _, rules, mode, _ = entry
    message, shown, reason, remedy = denial[:4]
    tracing, report_only = mode
    if not message:
        # No refusal, so nothing is recorded. A stand-in asked whether these rules want the act done in another way
        # (in memory, say), or there is an answer in place of the act, or something to be put right.
        if report_only:
            return None
        quiet: Any = denial[4]
        return quiet(rules, target) if type(quiet) is FUNCTION else quiet  # type: ignore[possibly-undefined]  # it is read
    found = violation(
        guard, printable(message), shown, reason, remedy, call, program_place(CALLER_DEPTH - 1), capability
    )
    if type(found) not in VIOLATIONS:
        # Somebody gave the class another __new__; None would mean "allowed".
        raise RuntimeError(message)
    # A fifth item is what a library that only asks gets to see instead: "no such program".
    ordinary = denial[4] if len(denial) == 5 else None
    record(found, tracing or report_only, "would block" if report_only else "blocked", ordinary is None)
    if report_only:
        return None
    if HAS_NOTES:
        found.__notes__ = details(reason, remedy, found.place, "")  # type: ignore[attr-defined]  # 3.10 has none
    return found if ordinary is None else ordinary
