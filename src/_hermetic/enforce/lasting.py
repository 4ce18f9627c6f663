"""The policies under which children start: those of the whole process, whenever they came, and those of blocks.

The first of the process that lets children start has the stand-ins that start them. A
later one has none: it answers theirs, as each of them asks its audit hook before a child
starts. Nothing else leads to it, so nothing takes it away.
"""

from __future__ import annotations

import sys

from ..policy import held_by_all
from .session import IN_FORCE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .judge import Entry

# What a stand-in knows: its judge and key, (refusing option, options, whether it only reports, options that the kernel
# does not hold, of these what it holds in part), and of the whole process: its policies, how it runs, what its
# environment families keep, the loader variables of its start, its lists of programs, and the code by which stand-ins
# that start children call one another. In a block these are empty or None, and found out then. The last is how messages
# call it.
JUDGE, KEY, RULES, HELD, OPTIONS, KEEPS, KNOWN, LISTS, ONWARD, CALL = range(10)

# The question, with a number: the first policy answers to 0. And what comes before the key of a refusal that a later
# one has to decide upon.
QUESTION, LATER = "hermetic.lasting", "later "
AUDIT = sys.audit


def in_force(context: tuple[Any, ...]) -> tuple[Any, ...]:
    """(policies, what their children keep of their variables, lists of programs, rules, options) of all in force.

    rules: those of RULES, the first's and the later ones'. options: as in a context.
    """
    held, keeps, lists = context[HELD], context[KEEPS], context[LISTS]
    rules: tuple[Any, ...] = (context[RULES],)
    options = context[OPTIONS]
    # Stand-ins of a block may be older than any policy of the process.
    for also, kept, listed, deciding, (strict, by_kernel, required, families) in answers(1 if held else 0):
        held = (*held, *[one for one in also if one not in held])
        keeps, lists, rules = (*keeps, *kept), (*lists, *listed), (*rules, deciding)
        by_kernel = held_by_all(((options[5], options[2]), (families, by_kernel)))
        families = (*options[5], *families)
        options = (options[0] or strict, options[1], by_kernel, options[3] or required, options[4], families)
    for carried, keep, listed, _ in [entry[2] for entry in IN_FORCE[0]]:
        if carried not in held:
            held = held if carried is None else (*held, carried)
            keeps = keeps if keep is None else (*keeps, keep)
            lists = lists if listed is None else (*lists, listed)
    return held, keeps, lists, rules, options


def answers(number: int) -> list[tuple[Any, ...]]:
    """What the policies of the process answer, from this one on. Whatever else a hook raises is raised."""
    found: list[tuple[Any, ...]] = []
    while True:
        try:
            AUDIT(QUESTION, number)
        except LookupError as told:
            # A hook of the program's own may raise one, too.
            if type(told) is not LookupError or len(told.args) != 2 or told.args[0] != number:
                raise
            told.__traceback__ = None  # where frames are not hidden, one of them has it, and a cycle would keep all
            found.append(told.args[1])
            number += 1
        else:
            return found


def answering(number: int, process: tuple[Any, ...], rules: tuple[Any, ...]) -> Entry:
    """The entry by which a policy answers to its number; to be bound. process: from HELD on. rules: see RULES."""
    held, (strict, _, by_kernel, required, _, families), keeps, _, lists = process
    answer = (held, keeps, lists, rules, (strict, by_kernel, required, families))
    modes = (False, False, (), None)
    return (QUESTION, "subprocess", QUESTION, QUESTION, read_number, decide_turn, (number, answer), modes, None, None)


def read_number(args: tuple[Any, ...], kwargs: Any) -> int | None:
    return args[0] if type(args[0]) is int else None


def decide_turn(rules: tuple[Any, ...], capability: str, target: Any, call: str) -> Any:
    """No refusal: an answer in place of the act, made anew each time, as whoever asks may change it."""
    return ("", None, "", "", tell) if target == rules[0] else None


def tell(rules: tuple[Any, ...], target: Any) -> LookupError:
    return LookupError(*rules)
