"""Where something would be changed: the real places behind the path or descriptor that a call was given."""

from __future__ import annotations

import os as _os

from ...extract import NUMBER, exact_text, is_a
from ...paths import absolute, meant, open_folders, resolve_by
from ...pristine import IS_WINDOWS, native, readlink
from .descriptors import folder_of, path_of, path_text, read_place, real_path, shown_path

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    # (path or descriptor as it was given, its dir_fd or -1, real places that change or None when nobody can tell,
    # those among them that go elsewhere or get a second name, what would allow it or empty; and where links were
    # followed, the ways there, see ``resolve_by``)
    Places: TypeAlias = "tuple[str, ...] | None"
    Change: TypeAlias = (
        tuple[object, int, Places, tuple[str, ...], str] | tuple[object, int, Places, tuple[str, ...], str, list[str]]
    )

# What would allow a change, where the path alone does not say it.
TEMPORARY = "--private-tmp, or a folder for temporary files that may be written"
SHARED = "multiprocessing's Value and Array, which are served from memory, or --allow-write /dev/shm"
LISTENING = (
    "--private-tmp, or a socket without a file (a pool by 'fork' or 'spawn', a SyncManager of such a context with "
    "address=('127.0.0.1', 0))"
)
DATABASE = "':memory:' or a 'file:...?mode=ro' URI (with immutable=1 in WAL mode) in the program"
UNREADABLE = "a path that is text (os.fspath(path))"
NOT_AT_ALL = "running without --fs-readonly"

OWN_NAMES = frozenset({"self", "thread-self"})
UNKNOWN, SEPARATOR = "?", _os.sep
# In the place of a dir_fd: what was given is no path, and is shown as it is.
SHOWN_AS_IT_IS = -2
# The target for a change of what is no text.
ANY_CHANGE: Change = (UNKNOWN, SHOWN_AS_IT_IS, None, (), UNREADABLE)
O_NOFOLLOW = getattr(native, "O_NOFOLLOW", 0)


def change_of(path: object, folder: int, find: Callable[[object, int, list[str]], Places], remedy: str) -> Change:
    """The target for a change of what a path or a descriptor names. folder: a dir_fd, or -1. find: one of the next."""
    if is_a(path, NUMBER):
        name = path_of(int.__index__(path))  # type: ignore[arg-type]  # an int, as was just seen
        return path, -1, (name,) if name[:1] == SEPARATOR else None, (), remedy
    ways: list[str] = []
    places = find(path, folder, ways)
    return (path, folder, places, (), remedy, ways) if ways else (path, folder, places, (), remedy)


def both_places(path: object, folder: int, ways: list[str]) -> Places:
    """The entry that a path names, and what it leads to: where nobody says whether a link is followed."""
    try:
        text = path_text(path)
        entry, real = entry_place(text, folder, []), real_path(text, None if folder < 0 else folder, ways)
    except OSError:
        return None
    return (real,) if entry == real else (entry, real)


def opened_places(path: object, folder: int, ways: list[str]) -> Places:
    """What a path leads to that is opened to be written, or changed as if it were."""
    try:
        return (read_place(path, None if folder < 0 else folder, ways),)
    except OSError:
        return None


def entry_of(path: object, folder: int, ways: list[str]) -> Places:
    """The entry that a path names: remove, rename and their kin do not follow its last link."""
    try:
        return (entry_place(path_text(path), folder, ways),)
    except OSError:
        return None


def entry_place(text: str, folder: int, ways: list[str]) -> str:
    """Where an entry really lies. OSError."""
    if IS_WINDOWS:
        return absolute(text)
    if folder >= 0 and text[:1] != "/":
        text = f"{folder_of(folder)}/{text}"
    trimmed = text.rstrip("/")
    head, _, last = trimmed.rpartition("/")
    if last in ("", ".", "..") or trimmed != text:
        return resolve_by(text, ways)
    above = resolve_by(head or ("/" if text[:1] == "/" else "."), ways)
    if ways:
        ways.append(absolute(text))
    return f"{above if above != '/' else ''}/{last}"


def held_place(text: str, flags: object) -> str | None:
    """What our stand-in opens by a handle, /proc/PID/fd/N, or makes in a folder that one holds, /proc/PID/fd/N/NAME.

    A program that opens such names itself is judged by the same place; a link is not followed there.
    """
    parts = text.split("/", 6)
    if text[:6] != "/proc/" or len(parts) not in (5, 6) or parts[3] != "fd" or not parts[4].isdigit():
        return None
    if not (parts[2].isdigit() or parts[2] in OWN_NAMES):
        return None  # a folder called fd somewhere else, by "..": what is there may be a link like any other
    if len(parts) == 6 and (parts[5] in ("", ".", "..") or not int.__index__(flags) & O_NOFOLLOW):  # type: ignore[arg-type]  # of an event
        return None
    try:
        place = readlink(text if len(parts) == 5 else "/".join(parts[:5]))
    except OSError:
        return None
    if place[:1] != "/":
        return None
    return place if len(parts) == 5 else f"{place if place != '/' else ''}/{parts[5]}"


def all_meant(path: object, folder: int, ways: list[str]) -> Places:
    """Every place that a relative path may lead to whose folder nobody tells."""
    try:
        return tuple(meant(path_text(path), open_folders(), True, ways))
    except OSError:
        return None


def shown(given: object, folder: int) -> str:
    """How what was given is named in a message."""
    if folder == SHOWN_AS_IT_IS:
        return exact_text(given)
    return shown_path(given, folder) if given is None or is_a(given, READABLE) else UNKNOWN


READABLE = (str, bytes, int)
