"""Opening by a handle: what was judged is what is opened, to be read or to be written.

A handle (O_PATH) can neither be read nor written and does not touch what it stands for: no fifo wakes up, nothing is
created or emptied. The handle is opened again by its name below /proc, and the audit hook judges where that leads, and
by which links it was found. A link that is swapped meanwhile changes nothing.

A number may mean another file a moment later: with threads, or under a seal, C opens the path that the handle told, and
what was opened must be what lies there. That costs three more looks, and is closed again if another thread put a link
there after the judgement: until then that one can read by it.
"""

from __future__ import annotations

from _thread import _count as count_threads
from errno import EACCES, EEXIST, ENOENT

from ...capabilities.filesystem.descriptors import O_TRUNC
from ...capabilities.filesystem.told import ASKED, NAME, PATH, SEEN, WAYS
from ...extract import HANDLE
from ...paths import NAMES, PROCESS, names_itself
from ...pristine import (
    ENCODING,
    ENCODING_ERRORS,
    S_IFMT,
    S_IFREG,
    close_fd,
    dup,
    file_mode,
    fstat,
    getpid,
    native,
    open_fd,
    readlink,
)
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
CAREFUL = False
# ``judge_way``, or None where no way may be denied.
WAY: Any = None
# ``open_told``, ``carefully`` and ``held``
TOLD: Any = None
CAREFULLY: Any = None
HELD: Any = None
HERE = None

O_NOFOLLOW, O_DIRECTORY = getattr(native, "O_NOFOLLOW", 0), getattr(native, "O_DIRECTORY", 0)
O_CREAT, O_EXCL = native.O_CREAT, native.O_EXCL
NAMELESS = getattr(native, "O_TMPFILE", -1)
MAKING = O_CREAT | O_EXCL
KEPT = O_NOFOLLOW | O_DIRECTORY
# Others may replace a file at every look.
TRIES = (1,) * 20
truncate: Any = getattr(native, "ftruncate", None)
FEW = len(NAMES)
REPLACED, EXISTS = "replaced while it was opened", "File exists"


def open_told(opens: Any, words: Any, path: Any, folder: Any, handle: Any) -> Any:
    """The frame by which the reader knows that this path was told by a handle; it is seen without it.

    path, folder: what was asked for, which a refusal says. handle: the name of what told the path: the reader's proof.
    """
    return opens(*(words, words := None, opens := None, HERE)[0])


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
        if text == real or (folder is None and names_itself(text, real)):
            return
    except OSError:
        pass  # longer than the system tells
    judged(JUDGE(KEY, (path, folder, flags), None))


def held(path: Any, folder: Any, flags: int) -> int:
    """A handle on what a path names; -1 where it leads to nothing and these flags would make it."""
    try:
        plain = folder is None and not flags & KEPT
        first = open_fd(path, HANDLE) if plain else open_fd(path, HANDLE | flags & KEPT, dir_fd=folder)
    except OSError as error:
        # With O_EXCL a link in the last place is there already, wherever it leads: C will say so.
        if flags & O_CREAT and (error.errno == ENOENT or flags & O_EXCL):
            return -1
        found = JUDGE(KEY, (path, folder, flags), None)
        if found is not None:
            raise refusal(found) from None
        raise
    return moved(first)


def moved(first: int) -> int:
    """A handle under another number: the lowest free one is the file's, as in a plain run. Where there is room for no
    other, it stays, and C says so of what is opened by it.
    """
    try:
        handle = dup(first)
    except OSError:
        return first
    close_fd(first)
    return handle


def emptied(number: int, path: Any) -> int:
    """A file of which nothing is left; closed where that is refused, as by the seals of memory."""
    try:
        truncate(number, 0)
    except OSError as error:
        close_fd(number)
        error.filename = path
        raise
    return number


def name_of(number: int) -> str:
    """The name of a descriptor of this process."""
    return NAMES[number] if number < FEW and getpid() == PROCESS else f"/proc/{getpid()}/fd/{number}"


def through_handle(path: Any, folder: Any, flags: int, quick: bool, opens: Any, words: tuple[Any, ...]) -> Any:
    """What ``opens(name, *words)`` returns for the name by which a handle on this path is opened; None where nothing is
    there and these flags would make it.

    path, folder: as the program named it. quick: nobody but this call changes what a number means, and ``opens`` is C.
    """
    for _ in TRIES:
        handle = HELD(path, folder, flags)
        if handle < 0:
            return None
        name = name_of(handle)
        try:
            if quick:
                ASKED[NAME], ASKED[PATH], ASKED[WAYS], ASKED[SEEN] = name, path, WAY is not None, None
                made = opens(name, *words)
                if WAY is None or ASKED[SEEN] is name:
                    return made
                close(made)  # something else was opened in between, and nobody has judged the way to this
            made = CAREFULLY(path, folder, flags, name, opens, words)
            if made is not None:
                return made
        except OSError as error:
            if error.filename == name:
                error.filename = path
            raise
        finally:
            close_fd(handle)
    raise PermissionError(EACCES, REPLACED, path)


def close(made: Any) -> None:
    """Close what was opened: a descriptor or a file object."""
    if type(made) is int:
        close_fd(made)
    else:
        made.close()


def carefully(path: Any, folder: Any, flags: int, name: str, opens: Any, words: tuple[Any, ...]) -> Any:
    """The same where others may put something else in the handle's place; None if what was opened was replaced."""
    if WAY is not None:
        WAY(path, folder, flags, name, "")
    if flags & MAKING == MAKING:
        judged(JUDGE(KEY, (name, None, flags & ~O_EXCL), None))
        raise FileExistsError(EEXIST, EXISTS, path)
    if not (CAREFUL or count_threads()) or flags & NAMELESS == NAMELESS:
        return TOLD(opens, (name, *words), path, folder, None)
    real = readlink(name)
    # What has no path is judged by the handle's name, and refused.
    told = real if real[:1] == "/" else name
    empties = flags & O_TRUNC and opens is open_fd
    if opens is open_fd:
        # A handle may be a link's own, whose place tells nothing of where it leads: C shall not go there either.
        kept = flags & O_NOFOLLOW if told is real else 0
        words = (words[0] & ~O_TRUNC | kept, *words[1:])
    try:
        made = TOLD(opens, (told, *words), path, folder, name)
    except OSError as error:
        if error.filename == told:
            error.filename = path
        raise
    number = made if type(made) is int else made.fileno()
    if readlink(name_of(number)) != real:
        close(made)
        return None
    if empties and file_mode(fstat(number)) & S_IFMT == S_IFREG:
        return emptied(number, path)
    return made
