"""Opening to write where some paths may be written and others not: what was judged is what is opened.

What exists is held by a handle, which neither creates nor empties anything; what does not is made in a folder that is
held. The audit hook judges the name of that handle below /proc. A link in the place of the last name is
followed here, step by step, never by C.
"""

from __future__ import annotations

from _thread import _count as count_threads
from errno import EACCES, EEXIST, EISDIR, ELOOP, ENOENT

from ...capabilities.filesystem.descriptors import ENCODING, ENCODING_ERRORS, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY
from ...extract import O_PATH
from ...paths import absolute
from ...pristine import S_IFMT, S_IFREG, close_fd, dup, fstat, getpid, native, open_fd, readlink
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
CAREFUL = False
# ``judge_way``, or None where no way to what is written may be denied.
WAY: Any = None
AGAIN: Any = None
NEW: Any = None

O_NOFOLLOW, O_DIRECTORY = getattr(native, "O_NOFOLLOW", 0), getattr(native, "O_DIRECTORY", 0)
O_CREAT, O_EXCL, O_APPEND = native.O_CREAT, native.O_EXCL, native.O_APPEND
O_TMPFILE = getattr(native, "O_TMPFILE", 0)
HANDLE = O_PATH | getattr(native, "O_CLOEXEC", 0)
MAKING = O_CREAT | O_EXCL
SAME = slice(0, 3)  # kind and permissions, number, device
# As many links as the kernel follows.
TRIES = (1,) * 40
KINDS = {"r": 0, "w": O_CREAT | O_TRUNC, "a": O_CREAT | O_APPEND, "x": O_CREAT | O_EXCL}
LETTERS = frozenset("rwaxbt+")
USUAL = {
    **dict.fromkeys(("r", "rt", "rb"), O_RDONLY),
    **dict.fromkeys(("w", "wt", "wb"), O_WRONLY | O_CREAT | O_TRUNC),
    **dict.fromkeys(("a", "at", "ab"), O_WRONLY | O_CREAT | O_APPEND),
    **dict.fromkeys(("r+", "r+b", "rb+"), O_RDWR),
    **dict.fromkeys(("w+", "w+b", "wb+"), O_RDWR | O_CREAT | O_TRUNC),
}
truncate: Any = getattr(native, "ftruncate", None)
FOLLOWED, REPLACED = "Too many levels of symbolic links", "replaced while it was opened"
EXISTS, IS_FOLDER, MISSING = "File exists", "Is a directory", "No such file or directory"


def mode_flags(mode: Any) -> int | None:
    """What open(2) is asked for by a mode; None for a mode that C shall answer."""
    if type(mode) is str and mode in USUAL:
        return USUAL[mode]
    if type(mode) is not str or not LETTERS.issuperset(mode):
        return None
    kinds = [letter for letter in mode if letter in KINDS]
    if len(kinds) != 1 or len(mode) != len(frozenset(mode)) or ("b" in mode and "t" in mode):
        return None
    access = O_RDWR if "+" in mode else O_RDONLY if kinds[0] == "r" else O_WRONLY
    return access | KINDS[kinds[0]]


def open_to_write(path: Any, flags: int, mode: Any, folder: Any) -> int:
    """A descriptor of what a path names. folder: a dir_fd, or None."""
    named, start = path, folder
    for _ in TRIES:
        try:
            first = open_fd(named, HANDLE | flags & O_NOFOLLOW, dir_fd=start)
        except OSError as error:
            if error.errno != ENOENT or not flags & O_CREAT:
                found = JUDGE(KEY, (path, folder, flags), None)
                if found is not None:
                    raise refusal(found) from None
                error.filename = path
                raise
            first = -1
        if first >= 0:
            return int(AGAIN(path, folder, first, flags))
        number, link = NEW(path, folder, named, start, flags, mode)
        if number >= 0:
            return int(number)
        named, start = link, None
    raise OSError(ELOOP, FOLLOWED, path)


def judged(found: Any) -> None:
    """Go on unless this was refused."""
    if found is not None:
        raise refusal(found)


def judge_way(path: Any, folder: Any, flags: int, handle: str, last: str) -> None:
    """Judge an opening by its path, of which a handle does not tell what links were followed; unless none was to what
    it holds, or to the entry of that name there. folder: a dir_fd, or None.
    """
    text = path if type(path) is str else bytes.decode(path, ENCODING, ENCODING_ERRORS)
    try:
        real = readlink(handle) + last
        if text == real or (folder is None and ".." not in text and real == absolute(text)):
            return
    except OSError:
        pass  # longer than the system tells
    judged(JUDGE(KEY, (path, folder, flags), None))


def held_again(path: Any, folder: Any, first: int, flags: int) -> int:
    """Open what a handle holds, once it has been judged, and close the handle.

    path, folder: as the program named it.
    """
    # Under another number: the lowest free one is the file's, as in a plain run.
    handle = dup(first)
    close_fd(first)
    name = f"/proc/{getpid()}/fd/{handle}"
    try:
        if WAY is not None:
            WAY(path, folder, flags, name, "")
        if flags & MAKING == MAKING:
            judged(JUDGE(KEY, (name, None, flags & ~O_EXCL), None))
            raise FileExistsError(EEXIST, EXISTS, path)
        wanted = flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)
        if O_TMPFILE and flags & O_TMPFILE == O_TMPFILE:
            return open_fd(name, wanted)
        real = readlink(name) if CAREFUL or count_threads() else ""
        number = open_fd(real if real[:1] == "/" else name, wanted & ~O_TRUNC if real else wanted)
        if not real:
            return number
        # By its real path, and compared: the handle's number may mean another file by now.
        opened: Any = fstat(number)[SAME]
        if opened != fstat(handle)[SAME]:
            close_fd(number)
            raise PermissionError(EACCES, REPLACED, path)
        if flags & O_TRUNC and opened[0] & S_IFMT == S_IFREG:
            truncate(number, 0)
        return number
    except OSError as error:
        if error.filename == name:
            error.filename = path
        raise
    finally:
        close_fd(handle)


def made_new(path: Any, folder: Any, named: Any, start: Any, flags: int, mode: Any) -> tuple[int, str]:
    """Make a file in a folder that is held; (-1, where the link leads) where its name is a link to nothing yet.

    path, folder: as the program named it; named, start: the same, as far as links were followed.
    """
    text = named if type(named) is str else bytes.decode(named, ENCODING, ENCODING_ERRORS)
    above, _, last = text.rpartition("/")
    if not text:
        raise FileNotFoundError(ENOENT, MISSING, path)
    if last in ("", ".", ".."):
        raise IsADirectoryError(EISDIR, IS_FOLDER, path)
    try:
        first = open_fd(above or ("/" if text[:1] == "/" else "."), HANDLE | O_DIRECTORY, dir_fd=start)
    except OSError as error:
        found = JUDGE(KEY, (path, folder, flags), None)
        if found is not None:
            raise refusal(found) from None
        error.filename = path
        raise
    handle = dup(first)
    close_fd(first)
    name = f"/proc/{getpid()}/fd/{handle}/{last}"
    try:
        if WAY is not None:
            WAY(path, folder, flags, name[: -len(last) - 1], "/" + last)
        return open_fd(name, flags | O_NOFOLLOW, mode), ""
    except OSError as error:
        if error.errno != ELOOP or flags & O_NOFOLLOW:
            if error.filename == name:
                error.filename = path
            raise
        link = readlink(name)
        return -1, link if link[:1] == "/" else f"{readlink(name[: -len(last) - 1])}/{link}"
    finally:
        close_fd(handle)
