"""Hermetic's own files, which no policy lets be written."""

from __future__ import annotations

from errno import ELOOP, ENAMETOOLONG

from ...callers import CORE, FACES
from ...extract import HANDLE, NUMBER, O_PATH, exact_path, exact_text, is_a, opens_nothing
from ...paths import (
    FIRST_NAMES,
    NAMES,
    PROC_DEVICE,
    PROCESS,
    absolute,
    folder_above,
    is_below,
    is_link,
    list_folder,
    resolve,
)
from ...pristine import (
    IS_WINDOWS,
    S_IFLNK,
    S_IFMT,
    close_fd,
    file_changed,
    file_device,
    file_inode,
    file_mode,
    fstat,
    getpid,
    lstat,
    native,
    now,
    open_fd,
    readlink,
    stat,
)
from ...startup.searchpath import bytecode_folder
from .memory import hidden_places, tells_no_memory, told

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any


def with_real(folders: list[str]) -> tuple[str, ...]:
    """These, and what they are with links followed."""
    return tuple(dict.fromkeys([*folders, *[resolve(folder) for folder in folders]]))


def splitdrive(folder: str) -> str:
    """A path without its drive."""
    return folder[2:] if folder[1:2] == ":" else folder


INSTALLED, ELSEWHERE = [CORE[:-1], FACES[:-1]], bytecode_folder()
# Where these have their bytecode if it is told to lie elsewhere.
OWN_BYTECODE = with_real([absolute(ELSEWHERE) + splitdrive(folder) for folder in INSTALLED] if ELSEWHERE else [])
OWN_FILES = (*with_real(INSTALLED), *OWN_BYTECODE)
SEPARATOR = "\\" if IS_WINDOWS else "/"
OWN_BEGINNINGS = tuple([own + SEPARATOR for own in OWN_FILES])
# How the names end of what an import loads.
LOADED = (".py", ".pyc", ".so", ".pyd", ".dll")


# What kind of device it is, by its number: 0 for none of a disk. Windows has other numbers.
device_kind: Any = getattr(native, "major", None)


def identities(folders: tuple[str, ...]) -> tuple[tuple[tuple[int, frozenset[int]], ...], tuple[str, ...]]:
    """(device, inodes) of everything at and below these folders, which is what they are by whatever name; and all
    folders among them. Each process has this, and looks for it at its start, so it is kept small.
    """
    found: dict[int, set[int]] = {}
    places = []
    pending: list[tuple[str, int]] = []
    for path in folders:
        try:
            status = stat(path)
        except OSError:
            continue  # carried in some other form: its name is still protected
        found.setdefault(file_device(status), set()).add(file_inode(status))
        pending.append((path, file_device(status)))
    while pending:
        path, device = pending.pop()
        try:
            there = [*native.scandir(path)]
            numbers = {entry.inode() for entry in there}
            if knows_numbers(device, there):
                found[device] |= numbers
            else:
                for entry in there:
                    status = lstat(entry.path)
                    found.setdefault(file_device(status), set()).add(file_inode(status))
        except OSError:
            continue  # as above
        pending += [(entry.path, device) for entry in there if entry.is_dir()]
        places.append(path)
    return tuple([(device, frozenset(numbers)) for device, numbers in found.items()]), tuple(places)


def knows_numbers(device: int, there: list[Any]) -> bool:
    """Whether a folder tells the numbers of its files: not where several file systems are laid over one another."""
    if device_kind is None or device_kind(device):
        return True
    for entry in there:
        if not entry.is_dir():
            status = lstat(entry.path)
            return (file_device(status), file_inode(status)) == (device, entry.inode())
    return True


SEEN = now()
OWN_IDENTITIES, OWN_FOLDERS = identities(OWN_FILES)


def has_own_number(found: Any) -> bool:
    """Whether what stat found has the number of a file of ours, as of the start."""
    for device, numbers in OWN_IDENTITIES:
        if file_device(found) == device:
            return file_inode(found) in numbers
    return False


def is_still_there(number: int) -> bool:
    """Whether a file of ours has this number yet. One that was removed, as when hermetic is installed anew, leaves its
    number to whatever is made next.
    """
    for folder in OWN_FOLDERS:
        try:
            names = list_folder(folder)
        except OSError:
            continue
        for name in (".", *names):
            try:
                if file_inode(lstat(f"{folder}/{name}")) == number:
                    return True
            except OSError:
                continue
    return False


def is_ours(path: str) -> bool | None:
    """Whether what a path leads to is a file or folder of hermetic's, or would be one; links followed. None where
    nothing is there.
    """
    try:
        found = stat(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", ELOOP) != ELOOP and is_link(path) and is_below(resolve(path), OWN_FILES):
            return True
        return None
    if has_own_number(found) and (file_changed(found) < SEEN or is_still_there(file_inode(found))):
        return True
    # What was written since has no number that is known: our bytecode, where it was not there yet.
    return is_below(place_of(path), OWN_FILES)


def place_of(path: str) -> str:
    """Where C finds what a path leads to; empty where nobody can tell, and so none of ours. OSError."""
    try:
        return resolve(path)
    except OSError:
        if not O_PATH:
            raise
    # By way of what was removed, or is too deep to be named. What is found there may be called by a name, all the same.
    handle = open_fd(path, HANDLE)
    try:
        return readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return ""
    finally:
        close_fd(handle)


def own_write(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """open(path, mode, flags) for writing. The name first, then what it leads to, or the folder that would have it."""
    path = args[0]
    if type(path) is not str:
        if opens_nothing(args):
            return None
        path = exact_text(path)
    text = absolute(told(path))
    if text.startswith(OWN_FILES) and (text + SEPARATOR).startswith(OWN_BEGINNINGS):  # most need no second text
        return text
    ours = is_ours(path)
    # There, and nothing that was ours at the start: in a folder of ours it matters if an import finds it.
    if ours or ((ours is None or path.endswith(LOADED)) and is_ours(folder_above(path))):
        return text
    for place in hidden_places(args, path):
        if is_ours(place) or is_ours(folder_above(place)):
            return text
    return None


def may_be_written(rules: Any, args: tuple[Any, ...]) -> bool:
    """Whether two looks show that it is neither memory nor ours (`free` of both rows). OSError."""
    path = args[0]
    if type(path) is not str:
        return False
    if path in FIRST_NAMES:  # by a handle of our stand-ins'
        place = readlink(path)
        return tells_no_memory(place) and not (place.startswith(OWN_FILES) or has_own_number(named_status(path)))
    if path[-3:] == "mem" or (path[:1] != "/" and args[1] is None):
        return False
    return lies_elsewhere(path, path.endswith(LOADED))


def named_status(name: str) -> Any:
    """The status of what one of ``FIRST_NAMES`` stands for. In the process that they name, the way by /proc takes four
    times as long, and tells no more.
    """
    return fstat(NAMES.index(name)) if getpid() == PROCESS else stat(name)


def lies_elsewhere(path: str, strictly: bool) -> bool:
    """Whether what is there, or is made there, is no link, and none of ours by its number or, if it is new or strictly,
    by its folder's, or that of the folder above it: bytecode may have a folder that is new itself; nor of procfs.
    OSError.
    """
    # By their numbers only what was there at the start is known: not bytecode that is put elsewhere.
    if OWN_BYTECODE or path.startswith(OWN_FILES) or path[-1:] in ("/", "."):
        return False
    try:
        found = lstat(path)
        if file_mode(found) & S_IFMT == S_IFLNK or file_device(found) == PROC_DEVICE or has_own_number(found):
            return False
        if not strictly:
            return True
    except FileNotFoundError:
        pass  # it is made
    folder = folder_above(path)
    above = stat(folder)
    return file_device(above) != PROC_DEVICE and not has_own_number(above) and not has_own_number(stat(folder + "/.."))


def may_be_removed(rules: Any, args: tuple[Any, ...]) -> bool:
    """The same of (path, dir_fd)."""
    return type(args[0]) is str and type(args[1]) is int and args[1] == -1 and lies_elsewhere(args[0], True)


def may_be_made(rules: Any, args: tuple[Any, ...]) -> bool:
    """The same of (path, mode, dir_fd): mkdir and chmod."""
    return type(args[0]) is str and type(args[2]) is int and args[2] == -1 and lies_elsewhere(args[0], True)


def entry(path: object, folder: object) -> str | None:
    """The real place of a folder's entry; the entry itself is not followed. None for a descriptor."""
    if path is None or is_a(path, NUMBER):
        return None
    text = exact_path(path)
    if type(text) is not str:
        return None
    if IS_WINDOWS:  # no dir_fd there
        return absolute(text)
    number = int.__index__(folder) if is_a(folder, NUMBER) else -1  # type: ignore[arg-type]  # an int, as was just seen
    is_plain = "/" not in text
    if number >= 0 and text[:1] != "/":
        text = f"/proc/self/fd/{number}/{text}"
    text = text.rstrip("/")
    last = text.rpartition("/")[2]
    if last in ("", ".", ".."):
        return resolve(text)
    try:
        above = resolve(folder_above(text))
    except OSError as error:
        if is_plain and error.errno == ENAMETOOLONG:
            return None  # in a folder whose name is longer than anybody can tell, and so in none of ours
        raise
    return f"{above if above != '/' else ''}/{last}"


def own_entry(path: object, folder: object) -> str | None:
    place = entry(path, folder)
    return place if place is not None and is_below(place, OWN_FILES) else None


def moved_entry(path: object, folder: object) -> str | None:
    """The same, and any folder above: who moves that away puts another hermetic in its place."""
    place = entry(path, folder)
    if place is None:
        return None
    for own in OWN_FILES:
        if is_below(own, (place,)):
            return place
    return place if is_below(place, OWN_FILES) else None


def own_change(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(path, dir_fd)."""
    return own_entry(args[0], args[1])


def own_mode(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(path, mode, dir_fd): mkdir, and chmod, which follows a link."""
    place = own_entry(args[0], args[2])
    return place if place is not None else own_cut(args, kwargs)


def own_cut(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.truncate(path, length) follows links."""
    if is_a(args[0], NUMBER):
        return None
    path = exact_path(args[0])
    return absolute(path) if type(path) is str and is_ours(path) else None


def own_move(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(source, destination, two dir_fds)."""
    return moved_entry(args[0], args[2]) or moved_entry(args[1], args[3])


def own_link(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(source, destination, two dir_fds): a second name of a file of ours could be written."""
    return own_entry(args[0], args[2]) or own_entry(args[1], args[3])


def own_symlink(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(source, destination, dir_fd); the source is text, and what it leads to is judged when it is opened."""
    return own_entry(args[1], args[2])
