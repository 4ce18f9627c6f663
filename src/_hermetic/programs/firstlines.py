"""The programs that a script's first line starts: a list that gives the script back gives them back with it."""

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
