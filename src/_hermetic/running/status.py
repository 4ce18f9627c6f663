"""How a guarded run ends: the exit status, and what is said on stderr.

Status 2 means that a guard blocked an act and the program failed of it. Programs
cope with a read-only disk and a missing module every day, so those count only
when they are what ended the program.
"""

from __future__ import annotations

import os
import sys
from errno import EACCES, EPERM

from .. import events
from ..callers import CORE, FACES, STDLIB, trimmed
from ..errors import PolicyViolation
from ..pristine import getpid, write_fd

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

BLOCKED = 2
PACKAGE_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
EVERYDAY = ("filesystem", "imports")
# What the interpreter itself drops the exception of: no program fails of that.
UNNOTICED = ("sys.addaudithook",)
# Whether a violation ended a thread; [0] is set by the thread hook.
UNHANDLED: list[PolicyViolation] = []
MAIN = [getpid()]
# What the kernel holds of this run, one receipt a policy.
KERNEL: list[Any] = []


def chain(error: BaseException | None) -> list[BaseException]:
    """An exception and everything in its cause and context chain, each once."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        item = todo.pop()
        if item is not None and not any(item is known for known in seen):
            seen.append(item)
            todo += [item.__context__, item.__cause__]
    return seen


def plain_status(error: BaseException | None) -> int:
    """The status a plain run would end with; any non-zero one stands for itself."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        return 1
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def culprit(error: BaseException | None, status: int, strict: bool) -> tuple[Any, ...] | None:
    """The record of the violation that makes this run end with 2, or None."""
    if events.COUNT[0] != getpid() or not events.LOG:
        return None
    if status != 0:
        items = [item for item in chain(error) if isinstance(item, PolicyViolation)]
        for item in items:
            if is_refusal(item):
                return record_of(item)
        for record in events.LOG[::-1]:
            for item in items:
                if type(item.message) is str and record[1] in item.message:
                    return record  # the program has put it into an error of its own
        for record in events.LOG:
            if record[0] not in EVERYDAY and record[4] not in UNNOTICED:
                return record
    if UNHANDLED:
        return record_of(UNHANDLED[0])
    # The first of those that a program can fail of, if there is one: nothing allows the others.
    return min(events.LOG, key=goes_unnoticed) if strict else None


def is_refusal(violation: PolicyViolation) -> bool:
    """Whether a guard has made it, and no program that takes its class for an error with advice in it."""
    return bool(violation.reason)


def record_of(v: PolicyViolation) -> tuple[Any, ...]:
    return (v.guard, v.message, v.reason, v.remedy, v.call, v.place, v.target, v.origin)


def handled(error: BaseException | None, record: tuple[Any, ...]) -> str:
    """Lines for the violation that was being handled when this one came, as by a report of an error that writes a file:
    what allows the second alone may change nothing.
    """
    for item in reversed(chain(error)):
        if isinstance(item, PolicyViolation) and is_refusal(item) and item.message != record[1]:
            return told("while this was handled: " + item.message, item.reason) + allowing(item.remedy)
    return ""


def told(text: str, reason: str, times: int = 1) -> str:
    """A line for a refusal that is one among others."""
    return f"  {text}  [{events.option_of(reason)}]" + (f" x{times}" if times > 1 else "") + "\n"


def allowing(remedy: str) -> str:
    """The line below it."""
    return f"    to allow it: {events.for_shell(remedy)}\n"


# Most programs ask for many that are not set, one after the other.
READ_OF_VARIABLE, ONE_VARIABLE = "environment disabled: ", "--allow-env "
UNSET = ", or --no-environment=unset for a program that copes with unset variables"


# Guards share no memory with what was started, and such a socket often has another name each time.
UNIX, ONE_SOCKET = "network disabled: connect(/", "--allow-unix-socket "
NOT_OWN = (
    "  what a started program binds is not known as the run's own; it needs a path that stays the same, and this option"
)


def explain(record: tuple[Any, ...], count: int) -> str:
    """The closing lines of a run that ends with 2."""
    _, message, reason, remedy, _, place, _, origin = record
    if message.startswith(READ_OF_VARIABLE) and remedy.startswith(ONE_VARIABLE):
        remedy += UNSET
    others = count - 1
    more = f" (and {others} more)" if others > 0 else ""
    lines = [f"hermetic: blocked action: {message}{more}", *details(reason, remedy, place, origin)]
    if record[0] == "network" and message.startswith(UNIX) and remedy.startswith(ONE_SOCKET):
        from ..enforce.session import CHILDREN  # loaded: a guard has refused this

        if CHILDREN[0]:
            lines.append(NOT_OWN)
    return "\n".join(lines) + "\n" + (together() if record[0] == "filesystem" else "")


def details(reason: str, remedy: str, place: Any, origin: str) -> list[str]:
    """The lines below the first, with the owner of the file."""
    return events.details(reason, remedy, place, "" if place is None else owner_of(place[0]), origin)


def together() -> str:
    """A line for what would allow several refused writes at once; empty where nothing does."""
    remedies = [record[3] for record in events.LOG if record[3].startswith("--allow-write ")]
    if not remedies:
        return ""
    from ..capabilities.filesystem.remedies import shared_folder  # loaded: it has proposed these

    folder, count = shared_folder(remedies)
    return f"  to allow {count} writes in one folder: {events.for_shell(f'--allow-write {folder}')}\n" if folder else ""


def owner_of(filename: str) -> str:
    """`` (distribution NAME)`` of the file, `` (standard library)``, or nothing when it is the program's own."""
    if filename.startswith((CORE, FACES)):
        return " (hermetic)"
    name = distribution_owning(filename)
    if name:
        return f" (distribution {name})"
    return " (standard library)" if filename.startswith((STDLIB, "<frozen ")) else ""


def distribution_owning(filename: str) -> str:
    """The distribution that a file belongs to; empty for what lies in no folder of packages."""
    for folder in PACKAGE_FOLDERS:
        # Wherever it lies: a virtual environment's is not below the standard library.
        base, found, relative = filename.rpartition(folder)
        if found:
            return distribution_of(base + folder, relative.replace(os.sep, "/"))
    return ""


def distribution_of(folder: str, relative: str) -> str:
    """By the installed file lists; the top-level package's name when they do not tell."""
    top = relative.partition("/")[0].removesuffix(".py")
    try:
        from importlib.metadata import distributions, packages_distributions  # only a run that failed pays for this

        listed = f"\n{relative},"
        for one in distributions(path=[folder]):
            if listed in "\n" + (one.read_text("RECORD") or ""):
                return one.metadata["Name"]
        # Other tools keep other lists. Reading all of every kind takes most of a second where much is installed.
        return packages_distributions().get(top, [top])[0]
    except Exception:  # noqa: BLE001  # the program may have broken anything; the message must still come
        return top


def say(text: str) -> None:
    """Write to the real stderr, after what the program has buffered for it; nothing where there is nothing to say."""
    if not text:
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001  # a stream of the program's own making may raise anything
            pass
    try:
        write_fd(events.stderr(), text.encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def kernel_hint(error: BaseException | None, seen: list[tuple[Any, ...]]) -> str:
    """For a program that failed, or died, of what the kernel layer may have refused: the system's error does not say
    who did. seen: what it was seen to refuse.
    """
    if seen:
        acts: dict[Any, tuple[Any, ...]] = {}
        for record in seen:
            acts.setdefault(events.act_of(record), record)
        return (
            "hermetic: the kernel layer blocked what no guard saw; the status is the program's own (2 with --strict)\n"
            f"{listed([*acts.values()], FEW, True)}"
        )
    for item in chain(error):
        if not isinstance(item, PolicyViolation) and tells_of_refusal(item):
            return (
                "hermetic: the kernel layer was on and may have refused this, which no guard saw\n"
                f"{semaphore_hint(item)}"
                "  what it holds: hermetic doctor; a run without it: --kernel=off\n"
            )
    return ""


# As the system words what the kernel layer answers with.
REFUSALS = tuple([os.strerror(number) for number in (EPERM, EACCES)])


def tells_of_refusal(error: BaseException) -> bool:
    """Whether the system refused something: in an error of its own, or in the words of a library of native code."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (EPERM, EACCES)
    if isinstance(error, SystemExit):
        return False  # the words are the program's
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an exception's own method may raise anything
        return False
    for refusal in REFUSALS:
        if refusal in text:
            return True
    return False


SEMAPHORES = "multiprocessing" + os.sep + "synchronize.py"


def semaphore_hint(error: BaseException) -> str:
    """For a lock, queue or pool of multiprocessing: neither its error nor its name says where it is made."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not trace.tb_frame.f_code.co_filename.endswith(SEMAPHORES):
        return ""
    return "  multiprocessing makes its locks in /dev/shm, which all programs share: --allow-write /dev/shm\n"


def unset_hint(error: BaseException | None) -> str:
    """For a program that failed of a variable which it was shown as unset: the error is one of a plain run."""
    if events.COUNT[0] != getpid() or not events.UNSET:
        return ""
    _, message, reason, remedy, _, place, name, origin = events.UNSET[0]
    for item in chain(error):
        if type(item) is KeyError and len(item.args) == 1 and type(item.args[0]) is str and item.args[0] == name:
            lines = [f"hermetic: shown as unset, and the program failed of it: {message}"]
            return "\n".join([*lines, *details(reason, remedy, place, origin)]) + "\n"
    return ""


def coped_hint(code: int) -> str:
    """For a program that failed, and handled each refusal: what it says of them itself may be nothing at all.

    Of what no program notices nothing is said: it did not handle that, nor fail of it, and nothing would allow it.
    """
    if code == 0 or events.COUNT[0] != getpid():
        return ""
    records = [record for record in events.LOG if not goes_unnoticed(record)]
    if not records:
        return ""
    count = events.COUNT[1] - sum([times_of(record) for record in events.LOG if goes_unnoticed(record)])
    counted = "1 act was blocked, and the program handled it"
    if count > 1:
        counted = f"{count} acts were blocked, and the program handled them"
    return (
        f"hermetic: {counted}; the status is its own (2 with --strict, each of them with --trace)\n"
        f"{listed(records, FEW, True)}{together()}"
    )


def summary(verb: str) -> str:
    """For --report-only and --strict: every act that was, or would have been, blocked."""
    count = events.COUNT[1]
    counted = f"1 act {verb.replace('were', 'was')}" if count == 1 else f"{count} acts {verb}"
    left = count - sum([times_of(record) for record in events.LOG])
    more = f"  and {left} more, of which only the number was kept\n" if left > 0 else ""
    return f"hermetic: {counted}\n{listed(events.LOG, len(events.LOG), False)}{more}"


def watched(child: bool) -> str:
    """The end of a run that only reports. Of a child, which there may be hundreds of, only where it did something."""
    if events.COUNT[0] != getpid():
        events.start_log(getpid())  # what was done before a fork is the parent's to tell
    return "" if (child or MAIN[0] != getpid()) and not events.COUNT[1] else summary("would be blocked")


# How many acts are told where they may have to do with it or not.
FEW = 5


def goes_unnoticed(record: tuple[Any, ...]) -> bool:
    return record[4] in UNNOTICED


def times_of(record: tuple[Any, ...]) -> int:
    """How often this act was blocked for this reason."""
    return events.TIMES.get((record[1], record[2]), 1)


def listed(records: list[tuple[Any, ...]], most: int, remedies: bool) -> str:
    """The first acts that were blocked, a line each, and one for what would allow it."""
    lines = []
    # Those last that no program fails of.
    for record in sorted(records, key=goes_unnoticed)[:most]:
        _, message, reason, remedy, *_ = record
        lines.append(told(message, reason, times_of(record)))
        if remedies:
            lines.append(allowing(remedy))
    more = len(records) - most
    return "".join(lines) + (f"  and {more} more\n" if more > 0 else "")


def trim_chain(error: BaseException) -> None:
    """Trim every traceback that will be printed with this exception."""
    for item in chain(error):
        item.__traceback__ = trimmed(item.__traceback__)
        if isinstance(item, PolicyViolation):
            vars(item).pop("__notes__", None)  # the closing lines of the run say the same
