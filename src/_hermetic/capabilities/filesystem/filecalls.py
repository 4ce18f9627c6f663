"""Readers of the calls that touch files: what does this one change, or read?

Each takes an event's arguments, or a patched call's, and returns the target that
the filesystem family judges, or None where nothing is changed or read: devices
that keep nothing, and descriptors that are open already.
"""

from __future__ import annotations

from ...callers import CALLER_DEPTH, calling_frame
from ...extract import NUMBER, TEXT_OR_BYTES, TUPLE, argument, exact_text, is_a
from ...model import PRIVATE, PUBLIC
from ...pristine import IS_WINDOWS, getpid, readlink, stat
from .databases import READ_ONLY, WRITTEN, database_use
from .descriptors import (
    ACCESS,
    O_RDWR,
    O_WRONLY,
    may_reopen,
    named_descriptor,
    path_text,
    real_path,
    shown_path,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (path as it is shown, real path or None when nobody can tell, what would allow it)
    Change: TypeAlias = tuple[str, "str | None", str]
    # (path as it was given, real path or None when nobody can tell)
    Reading: TypeAlias = tuple[object, "str | None"]

REMEDY = "running without --fs-readonly"
TEMPORARY = "a writable place for temporary files: running without --fs-readonly"
SHARED = "multiprocessing's Value and Array, which are served from memory, or running without --fs-readonly"
LISTENING = (
    "a socket without a file (a pool by 'fork' or 'spawn', a SyncManager with address=('127.0.0.1', 0)), "
    "or running without --fs-readonly"
)
DATABASE = "':memory:', a 'file:...?mode=ro' URI (with immutable=1 in WAL mode), or running without --fs-readonly"

# What is written there is nowhere. By their plain names only: a link may be changed after it was looked at.
DEVICES = frozenset({"/dev/null", "/dev/full", "/dev/zero", "/dev/tty"})
UNKNOWN = "?"
NULL_DEVICE = "/dev/null"
FOLDER_BITS, FOLDER_MODE = 0o170000, 0o040000


def change_of(path: object, folder: int) -> Change:
    """The target for a change of what a path or a descriptor names. folder: a dir_fd, or -1."""
    shown = shown_path(path, folder)
    return shown, None if is_a(path, NUMBER) else real_or_none(path, folder), REMEDY


def real_or_none(path: object, folder: int) -> str | None:
    try:
        return real_path(path, None if folder < 0 else folder)
    except OSError:
        return None


# --- opening ---


def written(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """open(path, mode, flags), already known to be more than a read."""
    path, mode, flags = args
    if is_a(path, NUMBER):
        return None
    if not is_a(path, TEXT_OR_BYTES):
        return UNKNOWN, None, REMEDY  # a PathLike: C has asked it already, and may have heard something else
    text = path_text(path)
    if text in DEVICES:
        return None
    number = named_descriptor(text)
    if number is not None and may_reopen(number, wanted_flags(mode, flags)):
        return None
    shown, real, remedy = change_of(text, -1)
    return shown, real, TEMPORARY if is_folder(shown) else remedy


def wanted_flags(mode: object, flags: object) -> int:
    """What open(2) is asked for; C's fopen is announced with flags 0."""
    number = int.__index__(flags) if is_a(flags, NUMBER) else O_RDWR  # type: ignore[arg-type]  # an int, as was seen
    if number or mode is None:
        return number
    return O_RDWR if "+" in exact_text(mode) else O_WRONLY


def is_folder(path: str) -> bool:
    """A folder is never written to: who opens one to write makes a temporary file without a name."""
    try:
        return stat(path).st_mode & FOLDER_BITS == FOLDER_MODE
    except (OSError, ValueError):
        return False


# The code of the stand-ins that open what a handle has told, and nothing else; a start fills it in.
OPENERS: tuple[Any, ...] = ()
# The code by which hermetic looks at a program that is to be started; in a block it is known by its name.
PROBERS: Any = None
PROBE = "open_program"


def opened(args: tuple[Any, ...], kwargs: Any) -> Reading | None:  # noqa: PLR0912  # one question after another
    """open(path, mode, flags), of which only reads count here.

    What opens a handle or a descriptor again is judged by where that leads; a path that our own stand-in opens was
    told by a handle and is real.
    """
    path, mode, flags = args
    if type(path) is str:
        if path[:6] == "/proc/" and path[6:].replace("/fd/", "", 1).isdigit():
            try:
                return path, readlink(path)
            except OSError:
                pass  # no descriptor
        elif path == NULL_DEVICE:
            return None
        else:
            frame = calling_frame(CALLER_DEPTH)
            code = None if frame is None else frame.f_code
            for known in OPENERS:
                if code is known:
                    return path, path
            if PROBERS is not None:
                for known in PROBERS:
                    if code is known:
                        return None
            elif code is not None and code.co_name == PROBE and frame.f_globals is PRIVATE:  # type: ignore[union-attr]
                return None
    if flags & ACCESS == O_WRONLY or is_a(path, NUMBER):
        return None
    if not is_a(path, TEXT_OR_BYTES):
        return path, None
    text = path_text(path)
    if mode is None and text[:1] != "/" and not IS_WINDOWS:
        # os.open, and not by our stand-in, which asks for handles only: a dir_fd would not be announced.
        return text, None
    return text, real_path(text, None)


def named(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """(path, dir_fd) from a stand-in that could not open it: a denial comes before "not found"."""
    path, folder = args
    text = path_text(path)
    try:
        return text, real_path(text, folder)
    except OSError:
        return None  # links that go round: it leads nowhere, and the program hears so


def listed(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """os.listdir(path), os.getxattr(path, ...): the first argument, unless it is a descriptor."""
    path = args[0]
    return None if is_a(path, NUMBER) else ("." if path is None else path_text(path), real_path(path, None))


# --- changing ---


def changed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """The first argument, path or descriptor: xattr, chflags."""
    return change_of(args[0], -1)


def removed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, dir_fd): remove, rmdir."""
    return change_of(args[0], args[1])


def made(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, mode, dir_fd): mkdir, chmod."""
    return change_of(args[0], args[2])


def renamed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(source, destination, source's dir_fd, destination's dir_fd)."""
    return change_of(args[0], args[2])


def linked(args: tuple[Any, ...], kwargs: Any) -> Change:
    """The same arguments; what comes into being is the second."""
    return change_of(args[1], args[3])


def symlinked(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(source, destination, dir_fd)."""
    return change_of(args[1], args[2])


def owned(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, two values, dir_fd): chown, utime."""
    return change_of(args[0], args[3])


def cut(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """os.truncate(path or descriptor, length): the kernel asks whether a descriptor may write."""
    return None if is_a(args[0], NUMBER) else change_of(args[0], -1)


def copied(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """shutil's (source, destination): the second, unless it keeps nothing."""
    path = args[1]
    if not is_a(path, TEXT_OR_BYTES):
        return None  # a PathLike is judged when it is opened, and text by then
    return None if path_text(path) in DEVICES else change_of(path, -1)


def temporary(args: tuple[Any, ...], kwargs: Any) -> Change:
    """tempfile.mkstemp(path), tempfile.mkdtemp(path)."""
    shown, real, _ = change_of(args[0], -1)
    return shown, real, LISTENING if "/pymp-" in shown else TEMPORARY


def bound(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """socket.bind(socket, address): a Unix socket's name is a file, unless it is abstract or to be chosen."""
    address = args[1]
    if is_a(address, TUPLE):
        return None
    if not is_a(address, TEXT_OR_BYTES):
        return UNKNOWN, None, REMEDY
    text = path_text(address)
    return None if text[:1] in ("", "\0") else change_of(text, -1)


# FS_IOC_SETFLAGS in its two sizes, and FS_IOC_FSSETXATTR: attributes, by a descriptor that may only read.
ATTRIBUTE_REQUESTS = frozenset({0x40086602, 0x40046602, 0x401C5820})


def attributed(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """fcntl.ioctl(descriptor, request, argument): the kernel looks at the low 32 bits."""
    return change_of(args[0], -1) if int.__index__(args[1]) & 0xFFFFFFFF in ATTRIBUTE_REQUESTS else None


def labelled(args: tuple[Any, ...], kwargs: Any) -> Change:
    """A patched call that is always an act: its first argument is a label, not a decision."""
    found = [value for value in (*args, *(kwargs or {}).values()) if is_a(value, TEXT_OR_BYTES)]
    return shown_path(found[0], -1) if found else UNKNOWN, None, REMEDY


def shared_memory(args: tuple[Any, ...], kwargs: Any) -> Change:
    """_posixshmem's names are files below /dev/shm on Linux, and looked like paths before."""
    name = argument(args, kwargs, 0, "path", None)
    return exact_text(name) if is_a(name, TEXT_OR_BYTES) else UNKNOWN, None, SHARED


def semaphore(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """_multiprocessing.sem_unlink(name): multiprocessing takes away what it made itself."""
    name = args[0]
    shown = exact_text(name) if is_a(name, TEXT_OR_BYTES) else UNKNOWN
    return None if is_anonymous(shown) else (shown, None, REMEDY)


def semaphore_made(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """_multiprocessing.SemLock(kind, value, maximum, name, unlink): one that is unlinked at once is nowhere."""
    if IS_WINDOWS or argument(args, kwargs, 4, "unlink", None) is True:
        return None
    return semaphore((argument(args, kwargs, 3, "name", None),), None)


def is_anonymous(name: str) -> bool:
    """Whether multiprocessing gives such names: spawned children find the lock by it, and it is unlinked at the end."""
    return name.startswith("/mp-") and len(name) == 12 and RANDOM.issuperset(name[4:])


RANDOM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def history(args: tuple[Any, ...], kwargs: Any) -> Change:
    """readline's own default is ~/.history."""
    found = [value for value in args if is_a(value, TEXT_OR_BYTES)]
    return shown_path(found[0], -1) if found else "~/.history", None, REMEDY


def perf_map(args: tuple[Any, ...], kwargs: Any) -> Change:
    return f"/tmp/perf-{getpid()}.map", None, REMEDY  # noqa: S108  # where the interpreter writes it


def namespaces(args: tuple[Any, ...], kwargs: Any) -> Change:
    return "namespaces", None, REMEDY


def tcl(args: tuple[Any, ...], kwargs: Any) -> Change:
    return "Tcl", None, REMEDY


# --- databases ---


def database_written(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """sqlite3.connect(database)."""
    use, path = database_use(args[0])
    return (shown_path(path, -1), None, DATABASE) if use == WRITTEN else None


def database_read(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    use, path = database_use(args[0])
    return (path, real_path(path, None)) if use == READ_ONLY else None


# What the stand-in's connections have among their class's names.
GUARDED_BY = "_guarded"
_names_of = type.__dict__["__dict__"].__get__


def database_unguarded(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """sqlite3.connect/handle(connection): one that attaches whatever it is told is not handed out.

    The stand-in's own constructor must be asking: a subclass of the program's could attach in its
    constructor, before the check is in place, and a second construction would lose it.
    """
    frame = calling_frame(CALLER_DEPTH)
    ours = frame is not None and frame.f_globals is PUBLIC and frame.f_code.co_name == "init_connection"
    return None if ours and GUARDED_BY in _names_of(type(args[0])) else ("sqlite3.Connection", None, DATABASE)


def database_attached(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """(name) from the authorizer: what ATTACH, VACUUM INTO or a PRAGMA wants opened; None when it is computed."""
    name = args[0]
    if name is None:
        return "ATTACH", None, DATABASE
    return None if name in ("", ":memory:") else (shown_path(name, -1), None, DATABASE)
