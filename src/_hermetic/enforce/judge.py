"""From one attempt to one decision: read the target, ask the rules, make the violation.

Every door ends here, a patched function as well as an audit event, in a sealed
process as well as in a block. A violation is returned, not raised, so that the
frames of the deciding code are in no traceback.
"""

from __future__ import annotations

import sys

from ..callers import program_place
from ..errors import violation
from ..events import details, origin_of, record, remedy_of
from ..extract import plain_names, printable
from ..pristine import FULL, get_ident

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, Protocol, TypeAlias

    from ..errors import PolicyViolation

    # (key, guard, capability, call, read, decide, rules, (trace, report_only, origins, watcher), after, free)
    Entry: TypeAlias = tuple[Any, ...]

    class Watcher(Protocol):
        """Who put a policy in force and wants to know what it refuses; blocks only.

        A watched policy is asked last, so that what a block inside it refuses is that block's affair; and of several
        the one that was entered last is asked first.
        """

        def tolerates(self, guard: str, message: str) -> bool:
            """Whether the act is to happen although the policy refuses it."""
            ...

        def saw(self, violation: PolicyViolation, happened: bool) -> None:
            """An act was refused, or happened where the policy only reports."""
            ...


FUNCTION = type(violation)
HAS_NOTES = sys.version_info >= (3, 11)


# What cannot be read cannot be allowed: (guard, documented phrase, option) of a refusal whose target is unknown.
UNREADABLE = (
    ("network", "network disabled", "no-network"),
    ("subprocess", "subprocess disabled", "no-subprocess"),
    ("filesystem", "filesystem mutation disabled", "fs-readonly"),
    ("environment", "environment disabled", "no-environment"),
    ("code_exec", "dynamic code execution disabled", "no-code-exec"),
    ("imports", "import blocked", "deny-import"),
    ("interpreter", "interpreter mutation disabled", "no-interpreter-mutation"),
)


def examine(entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """None where these rules allow the attempt; else what ``refusal`` makes an exception of.

    Until the answer is returned nothing runs that a program can replace, the classes of the
    violations included: code of its own could reach this frame and, since 3.13, write its locals.
    """
    try:
        if kwargs:
            plain_names(kwargs)
        # Most attempts end here: an entry is taken apart only for what is refused.
        target = entry[4](args, kwargs)
        if target is None:
            return None
        denial = entry[5](entry[6], entry[2], target, entry[3])
        if denial is None:
            return None
    except (RecursionError, MemoryError):
        raise  # blocked as well, and the program sees what really happened
    except OSError as error:
        if error.errno in FULL:
            # A guard could not look. Blocked, as the act would have failed; made anew, to lead to no frame of ours.
            return None if entry[7][1] else OSError(error.errno, error.strerror)
        denial = unreadable(entry[1], entry[3])
    except Exception:  # noqa: BLE001  # an argument may raise anything at all
        denial = unreadable(entry[1], entry[3])
    if not denial[0]:
        # No refusal, so nothing is recorded. A stand-in asked whether these rules want the act done in another way
        # (in memory, say), or there is an answer in place of the act, or something to be put right.
        if entry[7][1]:
            return None
        quiet: Any = denial[4]
        return quiet(entry[6], target) if type(quiet) is FUNCTION else quiet  # type: ignore[possibly-undefined]  # it is read
    # Without the rules: what a running policy remembers is in them, and the answer is in the program's reach.
    found = (entry[1:4], denial, entry[7])
    if entry[7][1]:
        refusal(found)
        return None
    return found


# The threads in which a guard is looking at something, under a seal.
BUSY: set[int] = set()


class Interrupted(BaseException):
    """A signal handler has raised something meanwhile, which no guard takes for an answer of the system's."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def examine_undisturbed(entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """The same, where handlers of signals are known (doors/signals.py): what one raises ends the act as it is."""
    thread = get_ident()
    if thread in BUSY:
        return examine(entry, args, kwargs)  # a handler's own act
    try:
        try:
            BUSY.add(thread)  # in here: a call is followed by a look for signals
            return examine(entry, args, kwargs)
        finally:
            BUSY.discard(thread)
    except Interrupted as interrupted:
        error = interrupted.error
        BUSY.discard(thread)  # 3.10 looks for signals before it has come to the other one, too
    raise error


# Stand-in for what bind() puts in place of this name.
FREE: Any = None


def free_undisturbed(rules: Any, args: tuple[Any, ...]) -> Any:
    """The same for a row's ``free``. What a handler raises goes through those who ask, as it is no ``Exception``."""
    thread = get_ident()
    if thread in BUSY:
        return FREE(rules, args)
    try:
        try:
            BUSY.add(thread)
            return FREE(rules, args)
        finally:
            BUSY.discard(thread)
    except Interrupted:
        BUSY.discard(thread)  # as above
        raise


def unreadable(guard: str, call: str) -> tuple[str, None, str, str]:
    """Fail closed, in the documented words."""
    remedy = "a path that is text: os.fspath(path)" if call == "open" else "an argument that can be read"
    for name, phrase, option in UNREADABLE:
        if name == guard:
            return f"{phrase}: {call}(?)", None, option, remedy
    return f"{guard} disabled: {call}(?)", None, guard, "an argument that can be read"


def refusal(found: Any) -> BaseException:
    """The exception to raise for what a judge found; it is recorded here.

    Whoever calls this raises what comes back, whatever it is: by now no code of the
    program's can turn the refusal into anything else.
    """
    if type(found) is not tuple:
        return found  # type: ignore[no-any-return]  # an answer in place of the act
    (guard, capability, call), denial, (tracing, report_only, origins, watcher) = found
    message, shown, reason, remedy = denial[:4]
    origin = ""
    if origins:
        origin = origin_of(origins, reason, remedy)
        remedy = remedy_of(origins, reason, remedy)
    made = violation(guard, printable(message), shown, reason, remedy, call, program_place(1), capability, origin)
    # A fifth item is what a library that only asks gets to see instead: "no such program".
    ordinary = denial[4] if len(denial) == 5 else None
    tracing = tracing or (report_only and watcher is None)  # a watcher has its own way of telling
    record(made, tracing, "would block" if report_only else "blocked", ordinary is None)
    if HAS_NOTES:
        made.__notes__ = details(reason, remedy, made.place, "", origin)  # type: ignore[attr-defined]  # 3.10 has none
    if watcher is not None and ordinary is None:
        watcher.saw(made, report_only)
    return made if ordinary is None else ordinary
