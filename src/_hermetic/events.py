"""One record per refusal, and where records go: stderr, and the log that decides the exit status."""

from __future__ import annotations

from .errors import PolicyViolation
from .extract import printable
from .pristine import dup, file_device, file_inode, fstat, getpid, write_fd

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# What a policy that only reports says of an act.
WOULD = "would block"
# How the target of each family is named in a trace line.
KINDS = (("network", "host"), ("filesystem", "path"))

# Records of this process, oldest first, each act once: (guard, message, reason, remedy, call, place, target, origin).
# Kept short: a program that loops over blocked calls must not fill the memory.
LOG: list[tuple[Any, ...]] = []
KEPT = 1000
# (message, reason) -> how often, of what is in the log.
TIMES: dict[tuple[str, str], int] = {}
# The record of the last variable that the program asked for and was shown as unset.
UNSET: list[tuple[Any, ...]] = []
# Trace line -> how often it was said. What comes when that many are known is counted by its call alone.
SAID: dict[str, int] = {}
SAID_KEPT = 10000
# How often the same line is written, each time.
WRITTEN = 1000
# [process id, number of refusals]: the count starts anew after a fork.
COUNT = [0, 0]
# The descriptor traces go to: a duplicate of 2, taken when the first policy that traces starts.
TRACE: list[int] = []
# What our descriptors are, by their numbers: a program may close all that there are, as daemons do, and open its own.
KNOWN: dict[int, tuple[int, int]] = {}


def open_trace() -> None:
    """Remember stderr as it is now; a program may replace or close its own later."""
    if not TRACE:
        try:
            TRACE.append(dup(2))
            remember(TRACE[0])
        except OSError:
            TRACE.append(2)


def remember(descriptor: int) -> None:
    """Note what a descriptor of ours is. OSError where it is not open."""
    found = fstat(descriptor)
    KNOWN[descriptor] = file_device(found), file_inode(found)


def is_ours(descriptor: int) -> bool:
    """Whether a descriptor is still what it was."""
    try:
        found = fstat(descriptor)
    except OSError:
        return False
    return KNOWN.get(descriptor) == (file_device(found), file_inode(found))


def stderr() -> int:
    """Where messages go: the duplicate, or what the program has for its stderr."""
    return TRACE[0] if TRACE and is_ours(TRACE[0]) else 2


def kind_of(guard: str) -> str:
    """host, path or name."""
    for name, kind in KINDS:
        if name == guard:
            return kind
    return "name"


def trace_line(verb: str, call: str, guard: str, target: str | None, reason: str) -> str:
    """The documented trace line, without its newline."""
    shown = f" {kind_of(guard)}={printable(target)}" if target else ""
    return f"[hermetic] {verb} {call}{shown} reason={reason}"


def trace(verb: str, call: str, guard: str, target: str | None, reason: str) -> None:
    """Write a trace line. The same one is written so many times, then at each power of ten, with its number: a program
    that tries an act for ever must not bury the others, nor fill the disk.
    """
    line = trace_line(verb, call, guard, target, reason)
    known = line if line in SAID or len(SAID) < SAID_KEPT else trace_line(verb, call, guard, None, reason)
    SAID[known] = times = SAID.get(known, 0) + 1
    if times > WRITTEN:
        if str(times).strip("0") != "1":
            return
        line += f" times={times}"
    try:
        write_fd(stderr(), (line + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # a closed stderr must not turn a refusal into another error


def keep(fields: tuple[Any, ...]) -> int:
    """Log a refusal: each act once, so that no other is missed for one that is repeated; returns how often it is known,
    0 where the log is full.
    """
    act = act_of(fields)
    times = TIMES.get(act, 0) + 1
    if times == 1:
        if len(LOG) >= KEPT:
            return 0
        LOG.append(fields)
    TIMES[act] = times
    return times


def act_of(fields: tuple[Any, ...]) -> tuple[str, str]:
    """(message, reason): by these two records are of the same act."""
    message, reason = fields[1:3]
    return message, reason


def start_log(pid: int) -> None:
    """Begin anew, where the log is another process's: of the one that this was forked from."""
    LOG.clear()
    TIMES.clear()
    HANDED.clear()
    UNSET.clear()
    SAID.clear()
    COUNT[0] = pid
    COUNT[1] = 0


def option_of(reason: str) -> str:
    """``no-network`` -> ``--no-network``; the integrity rules come with every policy."""
    return "any policy protects the guards themselves" if reason == "integrity" else f"--{reason}"


# Where a policy's rules were written, for people. A tuple of rows:
# (option without dashes, entry or empty, the TOML that says it or empty, place) of what takes away, and
# (GIVES, option with dashes, TOML key, place) of each list that a policy file has or could have.
GIVES = "+"
WITHOUT = "running without --"
# How a place begins that is a built-in profile of the command line's.
BUNDLE = "profile "


def row_of(origins: tuple[Any, ...], reason: str, remedy: str) -> Any:
    """The row of what takes away: of the very entry, where the remedy names it, else of the option; or None."""
    found = None
    for row in origins:
        if row[0] == reason:
            if row[1] and remedy == f"{WITHOUT}{reason} {row[1]}":
                return row
            if not row[1]:
                found = row
    return found


def origin_of(origins: tuple[Any, ...], reason: str, remedy: str) -> str:
    """Where the rule behind a refusal was written, or an empty text."""
    row = row_of(origins, reason, remedy)
    return "" if row is None else row[3]


def remedy_of(origins: tuple[Any, ...], reason: str, remedy: str) -> str:
    """The remedy, and what the policy file would have to say instead."""
    flag, _, value = remedy.partition(" ")
    if ", " not in remedy and " or " not in remedy:
        for row in origins:
            if row[0] == GIVES and row[1] == flag:
                return f"{remedy}, or {given_line(row[2], value, row[3])}"
    row = row_of(origins, reason, remedy)
    if row is not None and row[2] and remedy[: len(WITHOUT)] == WITHOUT:
        return f"{remedy}, or removing {row[2]} ({row[3]})"
    return remedy if row is None else with_the_rest(row[3], remedy)


def with_the_rest(place: str, remedy: str) -> str:
    """The remedy, and how to see what else a built-in profile takes away, of which no option gives a part back."""
    _, found, option = remedy.rpartition(WITHOUT)
    if found and place[: len(BUNDLE)] == BUNDLE and " " not in option + place[len(BUNDLE) :]:
        return f"{remedy} (what else the profile takes away: hermetic policy show --{place})"
    return remedy


def given_line(key: str, value: str, place: str) -> str:
    """What to write into a policy file. value: empty for a switch. place: of the key that is there, or of the file."""
    has_line = place.rpartition(":")[2].isdigit()
    if not value:
        return f"{key} = true in {place}"
    if has_line:
        return f"{quoted(value)} added to {key} ({place})"
    return f"{key} = [{quoted(value)}] in {place}"


def quoted(value: str) -> str:
    """A string of TOML."""
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join([letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text]) + '"'


def details(reason: str, remedy: str, place: tuple[str, int, str] | None, owner: str, origin: str) -> list[str]:
    """The lines below a violation's message: rule, place, remedy.

    owner: whose file it is, as `` (...)`` or empty. origin: where the rule was written, or empty.
    """
    where = f" ({printable(origin)})" if origin else ""
    lines = [f"  blocked by: {printable(option_of(reason))}{where}"]
    if place is not None:
        lines.append(f"  where: {printable(place[0])}, line {place[1]}, in {printable(place[2])}{owner}")
    lines.append(f"  to allow it: {for_shell(remedy)}")
    return lines


UNQUOTED = frozenset("_-./@%+=:,")


def for_shell(remedy: str) -> str:
    """A remedy as it is shown: a path in it that a shell would take apart stands in quotes."""
    given, comma, rest = remedy.partition(", or ")
    flag, _, path = given.partition(" ")
    letters = "".join([letter for letter in path if letter not in UNQUOTED])
    if flag[:2] != "--" or path[:1] != "/" or not letters or letters.isalnum():
        return printable(remedy)
    if path.isprintable():
        path = "'" + path.replace("'", "'\\''") + "'"
    else:
        path = "$'" + printable(path.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return f"{flag} {path}{comma}{printable(rest)}"


def record(violation: PolicyViolation, tracing: bool, verb: str, counts: bool) -> None:
    """Trace a refusal if asked, and log it if it counts as a violation."""
    pid = getpid()
    if COUNT[0] != pid:
        start_log(pid)
    v = violation
    if verb == WOULD and v.call == "import":
        # An import that goes on passes several doors: its name, its file, its code. It is one act.
        for known in LOG:
            if known[1] == v.message:
                return
    fields = (v.guard, v.message, v.reason, v.remedy, v.call, v.place, v.target, v.origin)
    if counts:
        COUNT[1] += 1
        # The pipe is read at the end: what one child repeats must leave room in it.
        if keep(fields) <= REPORTED and REPORTS and pid != BEGAN[0]:
            report(fields, verb)
    elif v.guard == "environment":
        UNSET[:] = [fields]
    if tracing and TRACE:
        trace(verb, v.call, v.guard, v.target, v.reason)


# [descriptor]: where the children of a strict or watched run report what they were refused.
REPORTS: list[int] = []
# [process id] of the process that began such a run; 0 in those that were not forked from it.
BEGAN = [0]
# [descriptor, its inode, process id] of where the process that began a run reads it; nothing where it reads nothing.
HEARD: list[int] = []
HEARER = 2  # where in it the process is
# The acts, see ``act_of``, that this process itself wrote there for the program that was to take it over.
HANDED: set[tuple[str, str]] = set()
# How often a process reports the same act.
REPORTED = 10
# What a pipe takes in one piece.
PIECE = 4096


def report(fields: tuple[Any, ...], verb: str) -> None:
    """Tell the process that began this run."""
    *texts, place, target, origin = fields
    file, line, function = place or ("", 0, "")
    words = [verb, *texts, file, str(line), function, target or "", origin]
    text = ",".join([word.encode("utf-8", "surrogateescape").hex() for word in words]) + "\n"
    if len(text) <= PIECE and is_ours(REPORTS[0]):
        try:
            write_fd(REPORTS[0], text.encode())
        except OSError:
            pass  # nobody waits for it any more


def reported(data: bytes, verb: str = "blocked") -> list[tuple[Any, ...]]:
    """What children wrote, as records: of what was blocked, or of what would have been; a line that none of ours can
    have written is passed over."""
    found: list[tuple[Any, ...]] = []
    for line in data.decode("ascii", "replace").split("\n"):
        try:
            words = [bytes.fromhex(word).decode("utf-8", "surrogateescape") for word in line.split(",")]
            said, guard, message, reason, remedy, call, file, number, function, target, origin = words
            place = (file, int(number), function) if file else None
            if said == verb:
                found.append((guard, message, reason, remedy, call, place, target, origin))
        except ValueError:
            continue
    return found


# Not empty once this run has been told what is said only once.
TOLD: list[bool] = []
# Who gathers that instead, where stderr is somebody else's: the last of these. Children of such a run say nothing.
GATHERED: list[list[str]] = []


def say_once(text: str) -> None:
    """One line on stderr, if nothing was said by this before in this run."""
    if GATHERED:
        if not GATHERED[-1]:
            GATHERED[-1].append(text)
    elif not TOLD:
        TOLD.append(True)
        try:
            write_fd(stderr(), text.encode("utf-8", "backslashreplace"))
        except OSError:
            pass
