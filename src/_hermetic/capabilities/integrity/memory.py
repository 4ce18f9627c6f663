"""The memory of processes, which no policy lets be written as a file."""

from __future__ import annotations

from ...extract import exact_text, opens_nothing
from ...paths import (
    MOST_LINKS,
    PROC_DEVICE,
    REMOVED,
    behind,
    folder_above,
    is_folder,
    is_number,
    lexists,
    open_folders,
    resolve,
)
from ...pristine import S_IFLNK, S_IFMT, file_device, file_mode, lstat, readlink, stat

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any


# What processes share without a file, as the system calls it where a handle of map_files/ leads there; hermetic's own
# record of sockets is such memory.
SHARED, SHARED_BY_KEY = "/dev/zero" + REMOVED, "/SYSV"
# The path itself, and what each link leads to that the kernel would follow.
FOLLOWED = (1,) * (MOST_LINKS + 1)


def is_memory_file(path: str) -> bool:
    """Whether a path, its links followed, is a process's memory: /proc/PID/mem, also under task/, or map_files/."""
    for _ in FOLLOWED:
        folder, last = folder_above(path), path.rpartition("/")[2]
        if is_number(path):
            folder = "/"  # a descriptor: what counts is where it leads
        try:
            # procfs by whatever way: the working directory, a link, a descriptor, another mount.
            known = file_device(stat(folder)) == PROC_DEVICE
            if last == "mem" and (known or lexists(folder + "/smaps")):
                return True
            # As all entries there: most paths are not asked about any further.
            if "-" in last and (known or lexists(folder + "/../smaps")) and resolve(folder).endswith("/map_files"):
                return True
        except (OSError, ValueError):
            pass
        parts = told(path).split("/")
        if "proc" in parts and (last == "mem" or "map_files" in parts):
            return True
        try:
            link = readlink(path)
        except (OSError, ValueError):
            break
        if is_shared(link):
            return True
        path = behind(folder, link)
    return False


def is_shared(place: str) -> bool:
    """Whether what the system tells of a descriptor is memory that has no name."""
    return place == SHARED or (place.startswith(SHARED_BY_KEY) and place.endswith(REMOVED))


def told(path: str) -> str:
    """A path that begins at a descriptor's name, by the name of the folder that this is."""
    parts = path.split("/", 5)
    if len(parts) < 6 or path[:6] != "/proc/" or parts[3] != "fd":
        return path
    try:
        return readlink("/".join(parts[:5])) + "/" + parts[5]
    except OSError:
        return path


def memory_write(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """open(path, mode, flags) for writing, of memory."""
    path = args[0]
    if type(path) is not str:
        if opens_nothing(args):
            return None
        path = exact_text(path)
    if is_elsewhere(path, args[1]):
        return None
    if is_memory_file(path):
        return "memory"
    for place in hidden_places(args, path):
        if is_memory_file(place):
            return "memory"
    return None


def is_elsewhere(path: str, mode: object) -> bool:
    """Whether one look shows that this is no memory, as with most writes: what is there lies in no procfs, and it is
    there itself, not by a link, or a descriptor leads to it. mode: of the event, None for os.open, which does not tell
    where a relative path begins.
    """
    if path[-3:] == "mem" or (path[:1] != "/" and mode is None):
        return False
    try:
        if is_number(path):
            return tells_no_memory(readlink(path))
        status = lstat(path)
    except (OSError, ValueError):
        return False
    return file_mode(status) & S_IFMT != S_IFLNK and file_device(status) != PROC_DEVICE


def tells_no_memory(place: str) -> bool:
    """Whether what the system tells of a descriptor is a place, and none of memory."""
    return place[:1] == "/" and "/mem" not in place and "/map_files" not in place and not is_shared(place)


def hidden_places(args: tuple[Any, ...], path: str) -> list[str]:
    """What os.open(path, flags, dir_fd=...) may mean: the event does not name the folder, so every open one may be it.

    By the names of their descriptors, from which C walks as it does for the program: a folder may have a path that is
    too long, or none.
    """
    if args[1] is not None or path[:1] == "/":
        return []
    return [f"{folder}/{path}" for folder in open_folders() if is_folder(folder)]
