"""Stand-ins for ``open`` and ``os.open`` where paths are judged: what is judged is what is then read or written.

A path is opened to a handle first, and that is opened again (``handles``); to write, too, if anything is there
(``writing``).
"""

from __future__ import annotations

import _io
from _operator import index
from _thread import _count as count_threads
from errno import EACCES, EBADF, ENOENT

from ...capabilities.filesystem import filecalls, lists
from ...capabilities.filesystem.descriptors import (
    BEGINNINGS,
    BEGINNINGS_IN_BYTES,
    DESCRIPTORS,
    DEVICES,
    F_GETPATH,
    O_RDONLY,
    O_TRUNC,
    fixed_path,
    may_reopen,
    named_descriptor,
    own_process,
    path_of,
    path_text,
)
from ...capabilities.filesystem.told import ASKED, NAME, PATH, SEEN, WAYS
from ...extract import NUMBER, O_PATH, WRITE_BITS, is_a
from ...pristine import NULL_DEVICE, S_IFMT, S_IFREG, close_fd, dup, fstat, getcwd, getpid, open_fd
from ..bind import bind
from ..judge import refusal
from ..session import OPEN_TO_READ, watched
from . import METHOD, as_builtin
from . import unchanged as unchanged
from .handles import (
    MAKING,
    O_CREAT,
    O_EXCL,
    O_NOFOLLOW,
    REPLACED,
    carefully,
    emptied,
    held,
    judge_way,
    name_of,
    open_told,
    through_handle,
)
from .writing import KINDS, MISSING, USUAL, made_new, mode_flags, open_to_write

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
ORIGINAL: Any = None
OTHERWISE: Any = None
# Whether a handle's number may be trusted while there is one thread: C is called, and nothing is sealed.
QUICK = False
AGAIN: Any = None
HOLD: Any = None
# [(the events that policies in force watch, ...) or ()], and whether writes are judged by where they lead: the others
# go to C.
WATCHED: Any = watched
NOBODY: Any = (frozenset(), 0)
WRITES = False
# See handles.py.
WAY: Any = None
HELD: Any = None
THROUGH: Any = None
QUICKLY: Any = None
DO: Any = None

IN_C = type(open_fd)
SAME = slice(0, 3)  # kind and permissions, number, device
FILE, TEXT_FILE = _io.FileIO, _io.TextIOWrapper
# Every other mode goes to C at once: it writes, which the hook judges by the name, or it is none.
READ_MODES = frozenset({"r", "rt", "tr", "rb", "br"})
# What the documentation calls the default. C would ask whether the file is a terminal, and for its block size: 0.4 us,
# 5 % of a plain open, that the judging here gives back. Devices are asked.
SIZE = _io.DEFAULT_BUFFER_SIZE
DEVICES_IN_BYTES = frozenset([name.encode() for name in DEVICES])  # apart, as BEGINNINGS_IN_BYTES
# Modes by which a descriptor is opened again; C answers the others.
MODES = READ_MODES.union("w wt wb a at ab r+ r+b rb+ r+t w+ w+b wb+ w+t".split())
NOT_AGAIN = O_TRUNC | O_CREAT | O_EXCL

OPEN_DEFAULTS = ("r", -1, None, None, None, True, None)


def open_below(setting: Setting, original: Any) -> Any:
    """For ``builtins.open``, ``io.open`` and ``_io.open``, which are one object."""
    function = open_asked if F_GETPATH else open_held if has_handles() else None
    return made_for(setting, original, function, open_otherwise, OPEN_DEFAULTS)


def os_open_below(setting: Setting, original: Any) -> Any:
    """For ``os.open`` and ``posix.open``."""
    function = os_open_asked if F_GETPATH else os_open_held if has_handles() else None
    return made_for(setting, original, function, os_open_otherwise, (0o777, None))


def has_handles() -> bool:
    """Whether the system has handles, and names for them.

    Not /proc/self, which costs a link more, twice. They are the same unless this is another namespace's /proc.
    """
    return O_PATH != 0 and own_process() == f"/proc/{getpid()}"


def made_for(setting: Setting, original: Any, function: Any, otherwise: Any, defaults: tuple[Any, ...]) -> Any:
    """The stand-in, one for all names of the original; None where the system has no way.

    Its defaults are the documented ones; a program that changed them would change what it asks for, not what is judged.
    """
    if function is None:
        return None
    known = setting.memo.get(("files", id(original)))
    if known is None:
        names = parts(setting, original, otherwise)
        seen = open_seen if len(defaults) == len(OPEN_DEFAULTS) else os_open_seen
        made = setting.bind(seen, defaults=defaults, DO=bind(function, names, setting.memo))
        known = setting.memo["files", id(original)] = as_builtin(made, original)
    return known


def parts(setting: Setting, original: Any, otherwise: Any) -> dict[str, Any]:
    """What the stand-in is bound with, none of which the program sees: its variables decide which path is taken for a
    real one.
    """
    codes: list[Any] = []
    told = bind(open_told, {}, setting.memo, codes=codes)
    # A process's own are there for good; those of blocks come and go.
    mine, rules = setting.whole_process, setting.rules
    judged = ((frozenset([OPEN_TO_READ] if lists.judges_reads(rules) else []), 0),)
    asking = {"KEY": setting.key, "JUDGE": setting.judge}
    way = bind(judge_way, asking, setting.memo) if not mine or lists.denies_writes(rules) else None
    holds = bind(held, asking, setting.memo)
    careful = bind(carefully, {**asking, "WAY": way, "TOLD": told, "CAREFUL": setting.sealed}, setting.memo)
    # Copies, which no program finds: a mode that is taken for another would be opened by C, and raced for.
    tables = {"USUAL": {**USUAL}, "KINDS": {**KINDS}}
    names: dict[str, Any] = {
        **{"USUAL": tables["USUAL"], "mode_flags": bind(mode_flags, tables, setting.memo)},
        **{**asking, "WAY": way, "ORIGINAL": original, "QUICK": type(original) is IN_C and not setting.sealed},
        "WATCHED": judged if mine else watched,
        "WRITES": lists.has_lists(rules) if mine else True,
        "HELD": holds,
        "THROUGH": bind(through_handle, {**asking, "WAY": way, "CAREFULLY": careful, "HELD": holds}, setting.memo),
    }
    writes = None
    if not F_GETPATH:
        writes = bind(open_to_write, {**names, "NEW": bind(made_new, names, setting.memo)}, setting.memo)
        # Have the reader of openings know it: the hook's is bound after this, a block's asks its module.
        setting.memo["OPENERS"] = (*setting.memo.get("OPENERS", ()), *codes)
        if not setting.whole_process:
            filecalls.OPENERS = (*filecalls.OPENERS, *codes)
    names["QUICKLY"] = bind(open_quickly, names, setting.memo)
    names["OTHERWISE"] = setting.bind(otherwise, AGAIN=setting.bind(open_again), HOLD=writes, **names)
    return names


def begins_as_device(path: Any) -> bool:
    """Whether a path begins as the names of devices and of descriptors do."""
    return path[:5] in (BEGINNINGS if type(path) is str else BEGINNINGS_IN_BYTES)


def is_device(path: Any) -> bool:
    """Whether it names one that keeps nothing."""
    return path in (DEVICES if type(path) is str else DEVICES_IN_BYTES)


def is_descriptor(path: Any) -> bool:
    """Whether it names a descriptor of this process."""
    return begins_as_device(path) and named_descriptor(path) is not None


def settled(file: Any) -> Any:
    """A descriptor as it is, or a path that answers the same to everybody."""
    return int.__index__(file) if is_a(file, NUMBER) else fixed_path(file)


def open_seen(
    owner: Any,
    file: Any,
    mode: Any,
    buffering: Any,
    encoding: Any,
    errors: Any,
    newline: Any,
    closefd: Any,
    opener: Any,
) -> Any:
    """What the program sees."""
    return DO(file, mode, buffering, encoding, errors, newline, closefd, opener)


def os_open_seen(owner: Any, path: Any, flags: Any, mode: Any, dir_fd: Any) -> Any:
    """The same for ``os.open``."""
    return DO(path, flags, mode, dir_fd)


def open_held(
    file: Any, mode: Any, buffering: Any, encoding: Any, errors: Any, newline: Any, closefd: Any, opener: Any
) -> Any:
    """Linux: ``open`` by a handle. An opener of the program's is judged by what it opens, too."""
    path = file if type(file) is str else settled(file)
    plain = opener is None and type(mode) is str and type(path) is not int
    flags = O_RDONLY if not plain or mode in READ_MODES else USUAL.get(mode, O_EXCL)
    device = type(path) is not int and begins_as_device(path)
    quick = QUICK and not count_threads()
    if flags:
        # A device is written to as it is. Where a number may be changed meanwhile, ``open_to_write`` knows how.
        plain = WRITES and quick and not device and flags != O_EXCL
    elif plain:
        plain = OPEN_TO_READ in (WATCHED[0] or NOBODY)[0] and not (device and is_descriptor(path))
    if not plain:
        return OTHERWISE(path, mode, buffering, encoding, errors, newline, closefd, opener)
    if buffering == -1 and not device and not flags:
        buffering = SIZE
    if quick:
        made = QUICKLY(path, flags, mode, buffering, encoding, errors, newline, closefd)
    else:
        made = THROUGH(path, None, flags, False, ORIGINAL, (mode, buffering, encoding, errors, newline, closefd))
    if made is None:
        return OTHERWISE(path, mode, buffering, encoding, errors, newline, closefd, opener)
    kind = type(made)
    raw = made.buffer.raw if kind is TEXT_FILE else made if kind is FILE else made.raw
    raw.name = path
    return made


def open_quickly(
    path: Any, flags: int, mode: Any, buffering: Any, encoding: Any, errors: Any, newline: Any, closefd: Any
) -> Any:
    """What ``through_handle`` does, which would cost a tenth more here: words are passed one by one."""
    handle = HELD(path, None, flags)
    if handle < 0:
        return None
    name = name_of(handle)
    try:
        ASKED[NAME], ASKED[PATH], ASKED[WAYS], ASKED[SEEN] = name, path, WAY is not None, None
        made = ORIGINAL(name, mode, buffering, encoding, errors, newline, closefd)
        if WAY is None or ASKED[SEEN] is name:
            return made
    except OSError as error:
        if error.filename == name:
            error.filename = path
        raise
    finally:
        close_fd(handle)
    made.close()  # something else was opened in between, and nobody has judged the way to this
    return THROUGH(path, None, flags, False, ORIGINAL, (mode, buffering, encoding, errors, newline, closefd))


def os_open_held(path: Any, flags: Any, mode: Any, dir_fd: Any) -> int:
    """Linux: ``os.open`` by a handle."""
    path = path if type(path) is str else fixed_path(path)
    flags = index(flags)
    folder = dir_fd if dir_fd is None else index(dir_fd)
    if flags & (WRITE_BITS | O_PATH) or OPEN_TO_READ not in (WATCHED[0] or NOBODY)[0] or is_descriptor(path):
        return int(OTHERWISE(path, flags, mode, folder))
    quick = QUICK and folder is None and not count_threads()
    return int(THROUGH(path, folder, flags, quick, open_fd, (flags & ~O_NOFOLLOW,)))


# --- what is no plain reading of a path ---


def open_otherwise(
    path: Any, mode: Any, buffering: Any, encoding: Any, errors: Any, newline: Any, closefd: Any, opener: Any
) -> Any:
    plain = opener is None and type(path) is not int and not is_device(path)
    flags = mode_flags(mode) if plain else None
    if flags is None:
        return ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
    if is_descriptor(path):
        if mode not in MODES:
            return ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
        number = [AGAIN(path, flags & ~O_CREAT)]
    elif WRITES and flags & WRITE_BITS and HOLD is not None:
        number = [HOLD(path, flags, 0o666, None)]
    else:
        return ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
    try:
        # Given by an opener, it is the file object's from then on, whatever fails later.
        made = ORIGINAL(NULL_DEVICE, mode, buffering, encoding, errors, newline, closefd, METHOD(hand_over, number))
    except OSError as error:
        if error.filename == NULL_DEVICE:
            error.filename = path
        raise
    finally:
        if number:
            close_fd(number[0])
    kind = type(made)
    raw = made.buffer.raw if kind is TEXT_FILE else made if kind is FILE else made.raw
    raw.name = path
    return made


def hand_over(number: list[int], path: Any, flags: int) -> int:
    """An opener that has opened already."""
    return number.pop()


def os_open_otherwise(path: Any, flags: int, mode: Any, folder: Any) -> Any:
    if flags & O_PATH or is_device(path):
        return ORIGINAL(path, flags, mode, dir_fd=folder)
    if is_descriptor(path):
        if flags & O_NOFOLLOW or flags & MAKING == MAKING:
            return ORIGINAL(path, flags, mode, dir_fd=folder)  # refused: the name is a link
        return AGAIN(path, flags)
    if WRITES and flags & WRITE_BITS and HOLD is not None:
        return HOLD(path, flags, index(mode), folder)
    return ORIGINAL(path, flags, mode, dir_fd=folder)


def open_again(path: Any, flags: int) -> Any:
    """A descriptor by its name: a duplicate, which is what was judged whoever has another put in its place.

    A file has a position, which shall not be shared, so it is opened anew, by a number that nobody else was told,
    and compared.
    """
    try:
        copy = dup(named_descriptor(path))  # type: ignore[arg-type]  # it names one, as was just seen
    except OSError as error:
        found = JUDGE(KEY, (path, None, O_RDONLY), None)
        if found is not None:
            raise refusal(found) from None
        if error.errno == EBADF:
            raise FileNotFoundError(ENOENT, MISSING, path) from None
        error.filename = path  # there is no room for another
        raise
    kept, name = False, DESCRIPTORS + str(copy)
    try:
        before: Any = fstat(copy)[SAME]
        if before[0] & S_IFMT != S_IFREG and may_reopen(copy, flags):
            kept = True
            return copy
        # Refused by the hook, if it asks for more than the descriptor has.
        number = open_fd(name, flags & ~NOT_AGAIN)
        if fstat(number)[SAME] != before:
            close_fd(number)
            raise PermissionError(EACCES, REPLACED, path)
        return emptied(number, path) if flags & O_TRUNC else number
    except OSError as error:
        if error.filename == name:
            error.filename = path
        raise
    finally:
        if not kept:
            close_fd(copy)


def open_asked(
    file: Any, mode: Any, buffering: Any, encoding: Any, errors: Any, newline: Any, closefd: Any, opener: Any
) -> Any:
    """macOS: the hook has judged the name, and what was opened tells its path."""
    path = file if type(file) is str else settled(file)
    made = ORIGINAL(path, mode, buffering, encoding, errors, newline, closefd, opener)
    if type(path) is not int and type(mode) is str and mode in READ_MODES:
        found = JUDGE(KEY, (path_of(made.fileno()), None, O_RDONLY), None)
        if found is not None:
            made.close()
            raise refusal(found)
    return made


def os_open_asked(path: Any, flags: Any, mode: Any, dir_fd: Any) -> int:
    """macOS: the same for ``os.open``. The hook takes absolute paths only, as it is not told of folders."""
    path = path if type(path) is str else fixed_path(path)
    flags = index(flags)
    if flags & WRITE_BITS:
        return int(ORIGINAL(path, flags, mode, dir_fd=dir_fd))
    text = path_text(path)
    if text[:1] != "/":
        text = f"{getcwd() if dir_fd is None else path_of(index(dir_fd))}/{text}"
    number: int = ORIGINAL(text, flags, mode)
    found = JUDGE(KEY, (path_of(number), None, O_RDONLY), None)
    if found is not None:
        close_fd(number)
        raise refusal(found)
    return number
