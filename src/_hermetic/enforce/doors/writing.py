"""Opening to write where some paths may be written and others not: what was judged is what is opened.

What exists is held by a handle, which neither creates nor empties anything; what does not is made in a folder that is
held. The audit hook judges the name of that handle below /proc. A link in the place of the last name is
followed here, step by step, never by C.
"""

from __future__ import annotations

from _thread import _count as count_threads
from errno import EISDIR, ELOOP, ENOENT

from ...capabilities.filesystem.descriptors import O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY
from ...extract import HANDLE
from ...pristine import ENCODING, ENCODING_ERRORS, close_fd, native, open_fd, readlink
from ..judge import refusal
from .handles import O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, moved, name_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
QUICK = False
# ``judge_way``, or None where no way to what is written may be denied.
WAY: Any = None
THROUGH: Any = None
NEW: Any = None

O_APPEND = native.O_APPEND
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
FOLLOWED = "Too many levels of symbolic links"
IS_FOLDER, MISSING = "Is a directory", "No such file or directory"


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
    wanted = flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)
    quick = QUICK and folder is None and not flags & O_EXCL and not count_threads()
    number = THROUGH(path, folder, flags, quick, open_fd, (wanted, mode))
    if number is not None:
        return int(number)
    named, start = path, folder
    for _ in TRIES:
        number, link = NEW(path, folder, named, start, flags, mode)
        if number >= 0:
            return int(number)
        named, start = link, None
    raise OSError(ELOOP, FOLLOWED, path)


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
    handle = moved(first)
    held = name_of(handle)
    name = f"{held}/{last}"
    try:
        if WAY is not None:
            WAY(path, folder, flags, held, "/" + last)
        return open_fd(name, flags | O_NOFOLLOW, mode), ""
    except OSError as error:
        if error.errno != ELOOP or flags & O_NOFOLLOW:
            if error.filename == name:
                error.filename = path
            raise
        link = readlink(name)
        return -1, link if link[:1] == "/" else f"{readlink(held)}/{link}"
    finally:
        close_fd(handle)
