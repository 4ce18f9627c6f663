"""What starts others by its words: the first line of a script, and ``env``.

A list that gives a script back gives the programs of its first line back with it.
"""

from __future__ import annotations

from .executables import (
    HEAD,
    NESTED,
    first_line,
    has_separator,
    is_absolute,
    is_executable,
    path_among,
    search,
    set_by,
    shebang,
    start_of,
)


def interpreters(path: str, folders: str) -> tuple[str, ...]:
    """What the system starts for the file at this absolute path, and what that starts: nothing for what is no script.

    folders: as PATH lists them, for ``env``. ValueError for a program that is not there, or somewhere else from every
    folder. OSError where the file cannot be read.
    """
    found: list[str] = []
    for _ in range(NESTED):
        head = start_of(path, HEAD)
        line, command = first_line(head), shebang(head)
        if line is None or command is None:
            break
        folders = path_among(set_by(head), folders)
        # The system looks along no PATH; what env, or the shell of two lines, goes on to start may be a name.
        path = standing(line[0], line[0])
        found.append(path)
        if command[0] not in (line[0], "./" + line[0]):
            name = command[0] if has_separator(command[0]) else search(command[0], folders, ("",), "")
            path = standing(name or "", command[0])
            found.append(path)
    return tuple(found)


def standing(path: str, name: str) -> str:
    """This path. ValueError where it is none of its own, or no program is there."""
    if not is_absolute(path):
        raise ValueError(f"its first line names {name}, which is no program with a place of its own")
    if not is_executable(path):
        raise ValueError(f"its first line names {name}, which is not there or cannot be executed")
    return path


def by_env(words: tuple[str, ...]) -> tuple[list[tuple[str, str | None]], tuple[str, ...]] | None:
    """(what ``env WORDS`` does to the variables, the command that it starts); None for what only ``env`` can tell.

    A value of None unsets a variable, or all of them where the name is empty.
    """
    changes: list[tuple[str, str | None]] = []
    at, options = 0, True
    while at < len(words):
        word = words[at]
        at += 1
        if options and word in ("-", "-i", "--ignore-environment"):
            changes.append(("", None))
        elif options and word in ("-u", "--unset") and at < len(words):
            changes.append((words[at], None))
            at += 1
        elif options and word.startswith("--unset="):
            changes.append((word[len("--unset=") :], None))
        elif options and word == "--":
            options = False
        elif options and word.startswith("-"):
            return None
        elif "=" in word and word[0] != "=":
            options = False
            name, _, value = word.partition("=")
            changes.append((name, value))
        else:
            return changes, words[at - 1 :]
    return None
