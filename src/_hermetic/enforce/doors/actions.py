"""What the program passes to the calls that start processes, read once.

What ``posix_spawn`` does to descriptors in its child, before that is a program, is judged as well.
"""

from __future__ import annotations

import sys

from ...extract import NUMBER, TEXT_OR_BYTES, TUPLE, exact_text, is_a
from ...pristine import ENCODING, ENCODING_ERRORS, fspath, getcwd, native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Environment: TypeAlias = list[tuple[str, str]]

OPEN, CLOSE = getattr(native, "POSIX_SPAWN_OPEN", 0), getattr(native, "POSIX_SPAWN_CLOSE", 1)
CLOSE_FROM = getattr(native, "POSIX_SPAWN_CLOSEFROM", None)
OPENING = 5  # items: the action, descriptor, path, flags, mode
AUDIT = sys.audit


def words_of(words: Any) -> tuple[str, ...]:
    """argv, or the files that the system will try."""
    return tuple([text_of(word) for word in words])


def text_of(word: Any) -> str:
    """A path or a word, asked once."""
    return exact_text(word if is_a(word, TEXT_OR_BYTES) else fspath(word))


def file_of(path: Any) -> str:
    """The path of a program; a descriptor's name where it is one."""
    return f"/proc/self/fd/{int.__index__(path)}" if is_a(path, NUMBER) else text_of(path)


def pairs_of(environment: Any) -> Environment | None:
    """A mapping of variables, read as C reads it; None for the process's own."""
    if environment is None:
        return None
    names, values = list(environment.keys()), list(environment.values())
    return [(text_of(names[at]), text_of(values[at])) for at in range(len(names))]


def pairs_from(entries: Any) -> Environment | None:
    """The same from a list of ``NAME=value``."""
    if entries is None:
        return None
    pairs = []
    for entry in words_of(entries):
        name, _, value = entry.partition("=")
        pairs.append((name, value))
    return pairs


def entries_of(environment: Environment) -> list[bytes]:
    """And back."""
    return [f"{name}={value}".encode(ENCODING, ENCODING_ERRORS) for name, value in environment]


def judged(actions: Any) -> list[Any]:
    """The same actions, as C will see them. What opens a file is announced as an opening, which C forgets to do.

    A refusal is raised here. A link that is swapped before the child follows it is the kernel layer's.
    """
    found = []
    for action in list(actions):
        if not is_a(action, TUPLE) or tuple.__len__(action) == 0:
            raise TypeError("Each file_actions element must be a non-empty tuple")
        words = tuple.__getitem__(action, slice(None))
        if not is_a(words[0], NUMBER):
            raise TypeError("the first item of a file action is an int")
        kind = int.__index__(words[0])
        if kind == OPEN and len(words) == OPENING:
            path = words[2] if is_a(words[2], TEXT_OR_BYTES) else fspath(words[2])
            text, flags = exact_text(path), int.__index__(words[3])
            AUDIT("open", text if text[:1] == "/" else getcwd() + "/" + text, None, flags)
            words = (kind, words[1], text.encode(ENCODING, ENCODING_ERRORS), flags, words[4])
        found.append((kind, *words[1:]))
    return found


def sparing(actions: list[Any], kept: int) -> list[Any]:
    """Actions that close the same, but not this descriptor. Since 3.13 subprocess closes all from 3 on."""
    found = []
    for action in actions:
        closes = len(action) == 2 and action[0] == CLOSE_FROM and is_a(action[1], NUMBER)
        first = int.__index__(action[1]) if closes else -1
        if 0 <= first <= kept:
            for descriptor in range(first, kept):
                found.append((CLOSE, descriptor))
            found.append((CLOSE_FROM, kept + 1))
        elif len(action) == 2 and action[0] == CLOSE and is_a(action[1], NUMBER) and int.__index__(action[1]) == kept:
            continue
        else:
            found.append(action)
    return found
