"""What the stand-ins that start children ask the lists of ``allow_run``."""

from __future__ import annotations

from ...capabilities.processes.children import found_program
from ...capabilities.processes.permitted import (
    entry_place,
    file_to_start,
    interpreter_denial,
    interpreters_of,
    looked_up,
    missing_denial,
    start_denial,
)
from ...capabilities.processes.starting import GIVING, GUARD, absent, name_of
from ...programs.executables import base_name, has_separator, placed
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

RUN = "subprocess.run"


def permitted(
    lists: tuple[Any, ...],
    candidates: tuple[str, ...],
    words: tuple[str, ...],
    folder: str,
    folders: tuple[str, str],
    call: str,
) -> str | None:
    """The one file to start in place of these; a refusal is raised here. None where all of the lists only report.

    folder: where the child begins. folders: its PATH, and that of this process. What the lists agree to is looked at
    once, and what is missing is not looked for again: it could have come by then.
    """
    file, first = found_program(candidates, folder), words[0] if words else ""
    path = file or (candidates[-1] if candidates else "")
    shown = first if base_name(first) == base_name(path) else path
    found = looked_up(placed(file, folder)) if file else None
    used = interpreters_of(found[1], folders[0]) if found is not None else ()
    holding = False
    for rules, modes in lists:
        message = f"subprocess disabled: {call}"
        if found is None:
            # The name may be the whole of a command.
            denial = missing_denial(rules, path, name_of(shown), message)
        else:
            called = placed(first, folder) if has_separator(first) else first
            denial = start_denial(rules, (found, called, shown), message)
            if denial is None:
                denial = interpreter_denial(rules, used, found, shown, message)
            elif denial[3] == GIVING + shown and entry_place(shown, folders[1]) != found[0]:
                denial = (*denial[:3], GIVING + found[0], *denial[4:])  # from here, this name leads elsewhere
        if denial is not None:
            made = refusal(((GUARD, RUN, call), denial, modes))
            if not modes[1]:
                raise made
        holding = holding or not modes[1]
    if not holding:
        return None
    if found is None:
        raise absent(name_of(shown))
    return file_to_start(found)
