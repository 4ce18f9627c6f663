"""The programs of ``allow_run``: which file a start would execute, under which name, and whether a list gives it back.

A list is made once, at the start, and looked up like a word: a start costs the same whatever its length.
"""

from __future__ import annotations

from ...paths import resolve
from ...pristine import IS_WINDOWS, file_changed, file_device, file_inode, file_size, file_written, stat
from ...programs.executables import (
    ENDINGS,
    base_name,
    has_separator,
    is_executable,
    is_python_name,
    located,
    placed_really,
    search,
)
from ...programs.firstlines import interpreters
from .starting import GIVING, NOT_LISTED, OPTION, information_denial, is_made_here, listing, own_name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ...model import Denial

    # (what may be started, what is known of it); the entries of both are texts, see records()
    Rules: TypeAlias = tuple[frozenset[str], frozenset[str]]
    # (where it is, the file that this is, that file with what tells it apart)
    Found: TypeAlias = tuple[str, str, str]

# Programs that are another one by each name they are called by.
MULTI_CALL = ("busybox", "toybox", "coreutils")
MARK = "\0"  # in no path
GONE = "-"
HANDLES = "/proc/"  # descriptors, and what else leads to a file without saying where it is


def records(entry: str) -> tuple[list[str], list[str]]:
    """(what may be started, what is known) of one program. ValueError for none, and for one that is many.

    The first: a place to start it from, with the file that this is and what tells that it is still the same. The
    second: its names, its file, and that file with what tells it apart.
    """
    here, real, seen = looked_up(located(entry))
    called, really = own_name(base_name(here)), own_name(base_name(real))
    if really.startswith(MULTI_CALL):
        if not called.startswith(MULTI_CALL):
            raise ValueError(f"{entry!r} is {real}, which is whatever it is called; name {base_name(real)} itself")
        return [seen], [called, real, seen]
    # What is called python3 and is python3.12 has both names; what is called ls and is something else has one.
    names = {called, really} if really.startswith(called) else {called}
    folders = {folder_of(here), folder_of(real)}
    return [folder + name + seen for folder in folders for name in names], [*names, real, seen]


# --- what decides ---


def looked_up(path: str) -> Found:
    """What is at an absolute path, looked at once. OSError where links go round."""
    here = placed_really(path, resolve)
    real = resolve(here)
    return here, real, MARK + real + MARK + identity(real)


def entry_place(entry: str, folders: str) -> str:
    """Where an entry would be found from here, along this PATH; an empty text for nowhere."""
    path = entry if has_separator(entry) else search(entry, folders, ENDINGS, "")
    return looked_up(path)[0] if path and is_executable(path) else ""


def interpreters_of(path: str, folders: str) -> tuple[str, ...]:
    """What a script at this path is run by, as the rules know it; one that nobody knows where that cannot be told."""
    try:
        return tuple([looked_up(place)[2] for place in interpreters(path, folders)])
    except (OSError, ValueError):
        return (GONE,)


def identity(path: str) -> str:
    """What tells that a file is still the one that it was: which it is, and when it was last changed in any way."""
    try:
        found = stat(path)
    except (OSError, ValueError):
        return GONE
    return f"{file_device(found)}:{file_inode(found)}:{file_size(found)}:{file_written(found)}:{file_changed(found)}"


def folder_of(path: str) -> str:
    """The folder of an absolute path, with what separates it from a name."""
    return (path.replace("\\", "/") if IS_WINDOWS else path).rpartition("/")[0] + "/"


def by_own_name(path: str) -> str:
    return folder_of(path) + own_name(base_name(path))


def start_denial(rules: Rules, target: tuple[Found, str, str], message: str) -> Denial | None:
    """Why this list refuses a start. target: (what is at the path that the system would try, argv[0] as a path where
    it is one, the name to show)."""
    (here, real, seen), first, shown = target
    starts, known = rules
    if seen in starts:
        return None
    remedy = GIVING + (real if base_name(real).startswith(MULTI_CALL) else shown)
    if here.startswith(HANDLES):
        remedy = "starting a program by its own path"
    elif is_made_here(here):
        remedy = NOT_LISTED
    elif own_name(shown) in known:
        remedy = GIVING + here  # another file of the same name
    if by_own_name(here) + seen in starts:
        called = placed_really(first, resolve) if has_separator(first) else folder_of(here) + first
        if first and by_own_name(called) + seen in starts:
            return None
        remedy = f"the name of {real} itself in argv[0]"
    elif real in known and seen not in known:
        remedy = f"starting anew: {real} is not what it was at the start"
    return information_denial(message, shown, OPTION, remedy)


def interpreter_denial(rules: Rules, used: tuple[str, ...], found: Found, shown: str, message: str) -> Denial | None:
    """Why a listed script may not be started: what its first line names is another program than at the start."""
    for seen in used:
        if seen not in rules[1]:
            remedy = f"starting anew: what the first line of {found[1]} names is not what it was at the start"
            return information_denial(message, shown, OPTION, remedy)
    return None


def missing_denial(rules: Rules, path: str, shown: str, message: str) -> Denial | None:
    """The same for a file that is not there: a program of the list is missing, any other is refused."""
    if own_name(base_name(path)) in rules[1]:
        return None
    return information_denial(message, shown, OPTION, listing(base_name(shown)))


def file_to_start(found: Found) -> str:
    """The path by which an allowed file is started: no link in it can lead elsewhere by then.

    An interpreter is started by the link that names it, because what it loads first lies around that link.
    """
    here, real, _ = found
    return here if is_python_name(base_name(here)) or is_python_name(base_name(real)) else real


# --- what would be decided ---


def asked_program(args: tuple[Any, ...], kwargs: Any) -> tuple[Found | None, str, str]:
    """(what is there or None, the path that would be tried, the program as it was named) of (program, PATH)."""
    name, folders = args
    path = name if has_separator(name) else search(name, folders, ENDINGS, "") or name
    return (looked_up(path) if is_executable(path) else None), path, name


def asked_denial(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    """What would become of starting a program by this name."""
    found, path, name = target
    message = f"subprocess disabled: {call}"
    if found is None:
        return missing_denial(rules, path, name, message)
    return start_denial(rules, (found, name, name), message)
