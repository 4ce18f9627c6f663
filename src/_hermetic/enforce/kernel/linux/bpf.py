"""Filters of system calls: from a table to the instructions that the kernel runs.

A table maps numbers of calls to what becomes of them: an action, or questions about
their arguments with an action for each, asked in order. Numbers are found by halving, so
that no call pays for the length of the table. Pure: values in, bytes out.
"""

from __future__ import annotations

from .abi import X86_64
from .tables import AUDIT_ARCH, X32

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    # an action; or questions, and the action when none of them applies
    Body: TypeAlias = "int | tuple[tuple[Question, ...], int]"
    # (half of an argument, mask, value, whether these are equal, what then)
    Question: TypeAlias = tuple[int, int, int, bool, Body]
    Instruction: TypeAlias = tuple[int, int, int, int]

ALLOW, KILL, NOTIFY = 0x7FFF0000, 0x80000000, 0x7FC00000
ERRNO = 0x50000

# Instructions: load a word of the call, keep some bits, compare, go on elsewhere, end.
LOAD, AND, EQUAL, AT_LEAST, GO, END = 0x20, 0x54, 0x15, 0x35, 0x05, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
EVERY_BIT = 0xFFFFFFFF
LONGEST = 255  # how far a comparison can jump
NO_SYSTEM_CALL = 38  # ENOSYS


def low(argument: int) -> int:
    """The half of an argument that holds a number of 32 bits."""
    return 2 * argument


def high(argument: int) -> int:
    """The other half, which only addresses use."""
    return 2 * argument + 1


def refused(errno: int) -> int:
    """The action by which a call fails with this error; 0 is a success that does nothing."""
    return ERRNO | errno


def assemble(table: Mapping[int, Body], machine: int, default: int = ALLOW) -> bytes:
    """The filter. default: what becomes of the calls that the table does not name."""
    parts = segments(table, default)
    # Bodies stand behind the tree; their places are known when it is complete.
    bodies: dict[Body, list[Instruction]] = {}
    for _, body in parts:
        if type(body) is tuple and body not in bodies:
            bodies[body] = instructions(body)
    tree: list[Instruction | tuple[int, Body]] = []
    branch(parts, 0, len(parts), tree)
    places, end = {}, len(tree)
    for body, code in bodies.items():
        places[body] = end
        end += len(code)
    found = header(machine)
    for at, item in enumerate(tree):
        found.append((GO, 0, 0, places[item[1]] - at - 1) if len(item) == 2 else item)
    for code in bodies.values():
        found += code
    return b"".join([int.to_bytes(c | yes << 16 | no << 24 | k << 32, 8, "little") for c, yes, no, k in found])


def header(machine: int) -> list[Instruction]:
    """Calls of another architecture end the process: nothing here knows their numbers."""
    found = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (END, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == X86_64:
        found += [(AT_LEAST, 0, 1, X32), (END, 0, 0, refused(NO_SYSTEM_CALL))]
    return found


def segments(table: Mapping[int, Body], default: int) -> list[tuple[int, Body]]:
    """(first number, body) of every run of numbers that share a body, from 0 on."""
    found: list[tuple[int, Body]] = []
    following = 0
    for number in sorted(table):
        if number > following and (not found or found[-1][1] != default):
            found.append((following, default))
        if not found or found[-1][1] != table[number]:
            found.append((number, table[number]))
        following = number + 1
    if not found or found[-1][1] != default:
        found.append((following, default))
    return found


def branch(parts: list[tuple[int, Body]], start: int, stop: int, code: list[Instruction | tuple[int, Body]]) -> None:
    """The tree that finds the part of a number among these; a body's place is left open."""
    if stop - start == 1:
        body = parts[start][1]
        code.append((END, 0, 0, body) if type(body) is int else (GO, body))
        return
    middle = (start + stop) // 2
    here = len(code)
    code.append((AT_LEAST, 0, 0, parts[middle][0]))
    branch(parts, start, middle, code)
    distance = len(code) - here - 1
    if distance > LONGEST:
        # Too far for a comparison: it steps over a jump, which has room for any distance.
        del code[here:]
        code += [(AT_LEAST, 0, 1, parts[middle][0]), (GO, 0, 0, distance)]
        branch(parts, start, middle, code)
    else:
        code[here] = (AT_LEAST, distance, 0, parts[middle][0])
    branch(parts, middle, stop, code)


def instructions(body: tuple[tuple[Question, ...], int]) -> list[Instruction]:
    """Questions, one after another. What was loaded is loaded once."""
    questions, otherwise = body
    found: list[Instruction] = []
    loaded: tuple[int, int] | None = None
    for half, mask, value, equal, action in questions:
        if loaded != (half, mask):
            found.append((LOAD, 0, 0, ARGUMENTS + 4 * half))
            if mask != EVERY_BIT:
                found.append((AND, 0, 0, mask))
            loaded = (half, mask)
        then = instructions(action) if isinstance(action, tuple) else [(END, 0, 0, action)]
        found += [(EQUAL, 0, len(then), value) if equal else (EQUAL, len(then), 0, value), *then]
    return [*found, (END, 0, 0, otherwise)]


def listing(program: bytes) -> list[str]:
    """A filter in words, one line an instruction."""
    lines = []
    for at in range(len(program) // 8):
        word = int.from_bytes(program[8 * at : 8 * at + 8], "little")
        code, yes, no, k = word & 0xFFFF, word >> 16 & 0xFF, word >> 24 & 0xFF, word >> 32
        text = {
            LOAD: f"load word at {k}",
            AND: f"and {k:#x}",
            EQUAL: f"if == {k:#x} go {at + 1 + yes} else {at + 1 + no}",
            AT_LEAST: f"if >= {k} go {at + 1 + yes} else {at + 1 + no}",
            GO: f"go {at + 1 + k}",
            END: action_text(k) if code == END else "",
        }[code]
        lines.append(f"{at}: {text}")
    return lines


def action_text(action: int) -> str:
    """What an action does, in words."""
    if action & 0xFFFF0000 == ERRNO:
        return f"errno {action & 0xFFFF}"
    return {ALLOW: "allow", KILL: "kill", NOTIFY: "ask"}[action]
