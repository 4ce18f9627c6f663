"""Paths as the guards compare them: absolute, normalised, and by component, never by prefix of text.

``os.path`` is not used at decision time: on some versions it is Python code over
a module that the program can change.
"""

from __future__ import annotations

import os as _os
from errno import ELOOP, ENAMETOOLONG, ENOENT

from .pristine import (
    IS_WINDOWS,
    S_IFDIR,
    S_IFLNK,
    S_IFMT,
    file_device,
    file_inode,
    file_mode,
    getcwd,
    getpid,
    lstat,
    native,
    readlink,
    stat,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Windows' own normalisation is C and knows drives, UNC and device paths.
_full_path: Callable[[str], str] = getattr(native, "_getfullpathname", None)  # type: ignore[assignment]  # Windows only
_os_normcase, _os_realpath, _os_sep = _os.path.normcase, _os.path.realpath, _os.sep

MOST_LINKS = 40  # as the kernel's own limit
REMOVED = " (deleted)"  # how /proc ends the name of what has been removed


def absolute(path: str) -> str:
    """Absolute and without ``.``, ``..`` and doubled slashes; links are not followed."""
    if IS_WINDOWS:
        return _os_normcase(_full_path(path))
    if path[:1] != "/":
        path = getcwd() + "/" + path
    if "/." not in path and "//" not in path:
        return path if len(path) == 1 or path[-1] != "/" else path[:-1]
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    return "/" + "/".join(parts)


def names_itself(path: str, real: str) -> bool:
    """Whether a path is the real one of what it leads to: no link is followed on its way."""
    return path == real or (".." not in path and absolute(path) == real)


def resolve(path: str) -> str:
    """The path with every symbolic link followed, the last one too; what does not exist stays as it is named.

    OSError when links go round: ELOOP, with the one that was followed once too often.
    """
    return resolve_by(path, [])


def resolve_by(path: str, ways: list[str]) -> str:
    """The same. ways: takes the place of each link that is followed and, if there is one, the path as it is named."""
    if IS_WINDOWS:
        real, named = _os_normcase(_os_realpath(path)), absolute(path)
        if real != named:
            ways.append(named)
        return real
    if path[:1] != "/":
        path = getcwd() + "/" + path
    pending = path.split("/")[::-1]
    done = ""
    links = 0
    while pending:
        part = pending.pop()
        if not part or part == ".":
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        here = done + "/" + part
        try:
            link = readlink(here)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", 0) == ENAMETOOLONG:
                raise  # C walks step by step and may get further than a question that names the whole way
            done = here
            continue
        links += 1
        ways += (absolute(path), here) if links == 1 else (here,)
        if links > MOST_LINKS:
            raise OSError(ELOOP, "too many links", here)
        if link.endswith(REMOVED):
            if not pending and here[:6] == "/proc/" and link[:1] == "/":
                return link  # the thing itself: nothing is followed from there
            same_file(here, link)
        if link[:1] == "/":
            done = ""
        pending.extend(link.split("/")[::-1])
    return done or "/"


LONG = 1000  # letters: four bytes each, and room for another name, are still a path that C takes


def behind(folder: str, link: str) -> str:
    """Where a link in this folder leads. OSError for what is longer than anybody can tell.

    C begins anew with every link: what is put together here can be too long for it, and is made short.
    """
    path = link if link[:1] == "/" else folder + "/" + link
    return path if len(path) < LONG else resolve(path)


def same_file(here: str, link: str) -> None:
    """OSError for a name that /proc gives to what has been removed: whoever makes a file of that name would say where
    the rest of a path leads, which the kernel walks from the folder itself.
    """
    meant, found = stat(here), stat(link if link[:1] == "/" else here.rpartition("/")[0] + "/" + link)
    if (file_inode(meant), file_device(meant)) != (file_inode(found), file_device(found)):
        raise FileNotFoundError(ENOENT, "removed", here)


# The names of the first descriptors: most handles are among them, and to make a name, or to see that it is one, costs
# as much as to ask where it leads. A process that was forked from this one makes its own.
PROCESS = getpid()
NAMES = tuple([f"/proc/{PROCESS}/fd/{number}" for number in range(16)])
FIRST_NAMES = frozenset(NAMES)


def is_number(path: str) -> bool:
    """Whether this is how the name of a descriptor looks, of whatever process."""
    return path[:6] == "/proc/" and path[6:].replace("/fd/", "", 1).isdigit()


# What tells files of procfs from all others.
try:
    PROC_DEVICE = file_device(stat("/proc/self"))
except OSError:
    PROC_DEVICE = -1


FOLDERS = "/proc/self/fd"
list_folder = native.listdir


def open_folders() -> list[str]:
    """Names of all descriptors: os.open's event hides its dir_fd, so a relative path may begin at any of them. OSError
    where nobody can tell now: by the time of the opening there may be room again.
    """
    try:
        return [f"{FOLDERS}/{number}" for number in list_folder(FOLDERS)]
    except FileNotFoundError:
        return []  # no procfs


def folders_of(numbers: tuple[object, ...]) -> list[str]:
    """Names of the descriptors among an event's arguments. A mode may be among them, and names nothing."""
    return [f"{FOLDERS}/{number}" for number in numbers if type(number) is int and number >= 0]


def meant(path: str, folders: list[str], follow: bool, ways: list[str]) -> list[str]:
    """The real paths that this one may name: from here and, if it is relative, from each of these folders.

    follow: through its last link as well. ways: as for ``resolve_by``. OSError if it is longer than anybody can tell.
    """
    if IS_WINDOWS:
        return [resolve(path)]
    found = []
    for folder in ["", *folders] if path[:1] != "/" else [""]:
        name = f"{folder}/{path}" if folder else path
        head, slash, last = ("", "", "") if follow else name.rpartition("/")
        try:
            if follow or last in ("", ".", ".."):
                found.append(resolve_by(name, ways))
            else:
                found.append(f"{resolve_by(head or slash or '.', ways)}/{last}".replace("//", "/"))
        except OSError as error:
            # The way up from a folder that was removed begins where that was.
            if error.errno == ENAMETOOLONG or (error.errno == ENOENT and ".." in path and is_folder(folder or ".")):
                raise
    return found


# A list of paths as the guards keep it: the paths, and the shortest and longest length among them. The root of the file
# system is kept as an empty text, which is what every path begins with up to its first separator.
NO_PATHS: tuple[frozenset[str], int, int] = (frozenset(), 0, -1)


def held(paths: Iterable[str]) -> tuple[frozenset[str], int, int]:
    """Absolute paths, ready to be asked by ``entry_above``."""
    found = frozenset(["" if path == _os_sep else path for path in paths])
    lengths = [len(path) for path in found]
    return (found, min(lengths), max(lengths)) if found else NO_PATHS


def entry_above(path: str, paths: tuple[frozenset[str], int, int]) -> str | None:
    """Which of these paths an absolute one is, or lies below; None for none. As many looks as the path has parts."""
    known, shortest, longest = paths
    if not known:
        return None
    if path in known:
        return path
    at = path.find(_os_sep, shortest)
    while 0 <= at <= longest:
        if path[:at] in known:
            return path[:at] or _os_sep
        at = path.find(_os_sep, at + 1)
    return None


def folders_above(paths: Iterable[str]) -> frozenset[str]:
    """Every folder that one of these absolute paths lies in."""
    found = set()
    for path in paths:
        at = path.rfind(_os_sep)
        while at > 0:
            found.add(path[:at])
            at = path.rfind(_os_sep, 0, at)
        found.add(_os_sep)
    return frozenset(found)


def at_home(path: str) -> str:
    """The path, begun at a home folder where it says so: a shell leaves that to us behind ``--option=``. ValueError for
    the home of nobody.
    """
    if path[:1] != "~":
        return path
    found = _os.path.expanduser(path)
    if found[0] == "~":
        raise ValueError(f"there is no such home folder: {path!r}")
    return found


def folder_above(path: str) -> str:
    """The folder that a path names its last part in. Not normalised: C follows a link before it goes up again."""
    head, slash, _ = path.rpartition("/")
    return head or slash or "."


def lexists(path: str) -> bool:
    """Whether there is anything of this name: a link, too, wherever it leads."""
    try:
        lstat(path)
    except (OSError, ValueError):
        return False
    return True


def exists(path: str) -> bool:
    """Whether this leads to anything."""
    try:
        stat(path)
    except (OSError, ValueError):
        return False
    return True


def is_link(path: str) -> bool:
    """Whether this is a link itself, wherever it leads."""
    try:
        return file_mode(lstat(path)) & S_IFMT == S_IFLNK
    except (OSError, ValueError):
        return False


def is_folder(path: str) -> bool:
    """Whether this leads to a folder."""
    try:
        return file_mode(stat(path)) & S_IFMT == S_IFDIR
    except (OSError, ValueError):
        return False


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether an absolute path is one of the roots or lies below one."""
    for root in roots:
        if path == root or root == "/" or path.startswith(root + _os_sep):
            return True
    return False
