"""Asking without acting: what the policies in force would say of an act, with nothing recorded.

A policy of the whole process is bound, and nothing leads to it but the audit hook, so a
question is a private event. What comes back is text; there is nothing in it to lift.
"""

from __future__ import annotations

from .capabilities import load_module
from .compiled import decide_probe, key_of
from .enforce.bind import bind
from .enforce.session import OPEN, OPEN_TO_READ, OPEN_TO_WRITE
from .extract import is_a
from .pristine import IS_WINDOWS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .enforce.judge import Entry

# The event of a question, and the three questions that are no event of CPython's.
ASK, POLICY, CONNECT, RUN = "hermetic.ask", "hermetic.policy", "hermetic.connect", "hermetic.run"
# Not recorded, and never merely reported.
SILENTLY = (False, False, (), None)
# Rows that are about how a call is made, or that put something right for a call that is about to happen.
LEFT_OUT = ("subprocess.stray", "environment.inherit")
START = "subprocess.start"
# The doors by which subprocess starts a program, where processes may be started, and by which a variable is read.
START_DOOR = key_of("children", "_winapi:CreateProcess" if IS_WINDOWS else "posix:posix_spawn")
ENVIRONMENT_DOOR = key_of("environment", "os:environ.__class__")
# Of events and doors, all that a question is ever about (acts.py): a start makes no twin of the table for others.
ASKED = frozenset(
    {
        *(
            "socket.connect",
            "socket.bind",
            "socket.getaddrinfo",
            "import",
            "subprocess.Popen",
            "os.listdir",
            "os.mkdir",
        ),
        *(OPEN, OPEN_TO_READ, OPEN_TO_WRITE, START_DOOR, ENVIRONMENT_DOOR),
    }
)


def questions_of(entries: list[Entry], memo: dict[Any, Any] | None = None) -> list[Entry]:
    """The entries that answer questions about a policy. entries: its own, or with the memo of a start, their twins."""
    found = [(*e[:7], SILENTLY, None, None) for e in entries if e[0] in ASKED and e[2] not in LEFT_OUT]
    for entry in entries:
        if entry[1] == "network":
            # To ask about a name must not look it up, which connecting to it would.
            reader = load_module("network").asked_connection
            if memo is not None:
                reader = bind(reader, {}, memo)
            found.append((CONNECT, "network", "network.connect", "connect", reader, *entry[5:7], SILENTLY, None, None))
            break
    return found + listed_starts(entries, memo)


def listed_starts(entries: list[Entry], memo: dict[Any, Any] | None) -> list[Entry]:
    """The entry that answers for a list of programs, which the stand-ins that start children ask by themselves."""
    for entry in entries:
        if entry[2] == START and entry[6][0]:
            from .capabilities.processes.permitted import asked_denial, asked_program  # loaded with every such list

            read, decide = asked_program, asked_denial
            if memo is not None:
                read, decide = bind(read, {}, memo), bind(decide, {}, memo)
            return [(RUN, *entry[1:3], "subprocess.Popen", read, decide, entry[6], SILENTLY, None, None)]
    return []


# What bind() puts in place of these names.
JUDGE: Any = None
DESCRIBED: tuple[Any, ...] = ()
EXCEPTIONS = (BaseException,)


def ask_entry(judge: Any, described: tuple[Any, ...], memo: dict[Any, Any]) -> Entry:
    """The entry by which a policy of the whole process is asked. judge: of its questions."""
    reader = bind(read_ask, {"JUDGE": judge, "DESCRIBED": described}, memo)
    return (ASK, "interpreter", ASK, ASK, reader, decide_probe, (), SILENTLY, None, None)


def read_ask(args: tuple[Any, ...], kwargs: Any) -> None:
    """hermetic.ask(question, its arguments, list for the answers): a refusal as (message, option, remedy)."""
    question, asked, answers = args
    if type(question) is not str or type(asked) is not tuple or type(answers) is not list:
        return
    if question == POLICY:
        answers.append(DESCRIBED)
        return
    found = JUDGE(question, asked, None)
    if type(found) is tuple:
        answers.append((found[1][0], found[1][2], found[1][3]))
    elif is_a(found, EXCEPTIONS):
        answers.append(("", "", ""))
