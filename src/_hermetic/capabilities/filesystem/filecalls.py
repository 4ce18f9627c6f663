"""Readers of the calls that touch files: what does this one change, or read?

Each takes an event's arguments, or a patched call's, and returns the target that
the filesystem family judges, or None where nothing is changed or read: devices
that keep nothing, and descriptors that are open already.
"""

from __future__ import annotations

from ...callers import CALLER_DEPTH, calling_frame, runs_one_of
from ...extract import (
    NUMBER,
    TEXT,
    TEXT_OR_BYTES,
    TUPLE,
    WRITE_BITS,
    exact_text,
    has_mark,
    is_a,
    kept_by_c,
    opens_nothing,
)
from ...model import PRIVATE
from ...paths import is_number, lexists, resolve
from ...pristine import IS_WINDOWS, NULL_DEVICE, native, readlink
from ...programs.executables import BUILD, CONFIG, LISTED, is_executable
from ...sqlite import CONNECTORS, STAYS_USABLE
from .databases import MEMORY, WRITTEN, database_names, database_use, name_in_statement
from .descriptors import ACCESS, BEGINNINGS, DEVICES, O_RDWR, O_WRONLY, names_open, path_text, read_place, shown_path
from .lists import NOWHERE
from .places import (
    ANY_CHANGE,
    DATABASE,
    LISTENING,
    SHOWN_AS_IT_IS,
    TEMPORARY,
    all_meant,
    both_places,
    change_of,
    entry_of,
    held_place,
    opened_places,
)
from .told import ASKED, NAME, is_told, ways_to

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .places import Change

    # (path as it was given, real path or None when nobody can tell; and where links were followed, the ways there)
    Reading: TypeAlias = tuple[object, "str | None"] | tuple[object, "str | None", list[str]]

# Whoever makes a file anew reads nothing by it.
MADE_ANEW = native.O_CREAT | native.O_EXCL


# --- opening ---


def reading_of(text: str, folder: int | None) -> Reading:
    """The target for a read of what a path leads to. OSError."""
    ways: list[str] = []
    place = read_place(text, folder, ways)
    return (text, place, ways) if ways else (text, place)


def written(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """open(path, mode, flags), already known to be more than a read."""
    path, mode, flags = args
    if opens_nothing(args):
        return None
    if not is_a(path, TEXT_OR_BYTES):
        return ANY_CHANGE  # a PathLike: C asked it already, and may have heard something else
    text = path_text(path)
    if text in DEVICES:
        return None
    if path is ASKED[NAME] and (held := held_place(text, flags)) is not None:
        ways = ways_to(text, held)
        places = () if held in DEVICES else (held,)
        return (text, -1, places, (), "", ways) if ways else (text, -1, places, (), "") if places else None
    if text[:5] in BEGINNINGS:
        if names_open(text, wanted_flags(mode, flags)):
            return None
        held = held_place(text, flags)
        if held is not None:
            # What a handle has told is that device, whatever becomes of the name.
            return None if held in DEVICES else (text, -1, (held,), (), "")
    if mode is None and text[:1] != "/" and not IS_WINDOWS:
        # os.open by a reference older than our stand-in: its event does not name a dir_fd, so every open folder counts.
        return change_of(text, -1, all_meant, "")
    return change_of(text, -1, opened_places, "")


def wanted_flags(mode: object, flags: object) -> int:
    """What open(2) is asked for; C's fopen is announced with flags 0."""
    number = int.__index__(flags) if is_a(flags, NUMBER) else O_RDWR  # type: ignore[arg-type]  # an int, as was seen
    if number or mode is None:
        return number
    return O_RDWR if "+" in exact_text(mode) else O_WRONLY


# The code of the stand-ins that open what a handle has told, and nothing else; a start fills it in.
OPENERS: tuple[Any, ...] = ()
# The code by which hermetic looks at a program that is to be started; in a block it is known by its name.
PROBERS: Any = None
PROBE = "open_program"


def may_be_looked_at(path: str) -> bool:
    """Whether a look of hermetic's is at a program, or at what tells where an interpreter has its library. OSError.

    A function of C's that is called back meanwhile, as a signal handler, has no frame of its own: what it opens passes
    for this look, and so nothing else does.
    """
    return is_executable(path) or resolve(path).endswith((LISTED, CONFIG, BUILD))


def opened(args: tuple[Any, ...], kwargs: Any) -> Reading | None:  # noqa: PLR0912  # one question after another
    """open(path, mode, flags), of which only reads count here.

    What opens a handle or a descriptor again is judged by where that leads; a path that our own stand-in opens was
    told by a handle and is real.
    """
    path, mode, flags = args
    if flags & ACCESS == O_WRONLY or flags & MADE_ANEW == MADE_ANEW:
        return None
    if type(path) is str:
        if is_number(path):
            try:
                real = readlink(path)
            except OSError:
                pass  # no descriptor
            else:
                ways = ways_to(path, real)
                return (path, real, ways) if ways else (path, real)
        elif path[:6] == "/proc/" and (place := held_place(path, flags)) is not None:
            return path, place
        elif path == NULL_DEVICE:
            return None
        else:
            frame = calling_frame(CALLER_DEPTH)
            code = None if frame is None else frame.f_code
            for known in OPENERS:
                if code is known and is_told(path, frame):
                    return path, path
            if PROBERS is not None:
                looks = runs_one_of(frame, PROBERS)
            else:
                looks = frame is not None and frame.f_code.co_name == PROBE and frame.f_globals is PRIVATE
            if looks and may_be_looked_at(path):
                return None
    if opens_nothing(args):
        return None
    if not is_a(path, TEXT_OR_BYTES):
        return path, None
    text = path_text(path)
    if mode is None and text[:1] != "/" and not IS_WINDOWS:
        # os.open, and not by our stand-in, which asks for handles only: a dir_fd would not be announced.
        return text, None
    return reading_of(text, None)


def named(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """(path, dir_fd, flags) from a stand-in that could not open it: a denial comes before "not found"."""
    path, folder, flags = args
    if flags & ACCESS == O_WRONLY or flags & MADE_ANEW == MADE_ANEW:
        return None
    text = path_text(path)
    try:
        found = reading_of(text, folder)
    except OSError:
        return None  # it leads nowhere, and the program hears so
    # From the folder that was meant, so that the message names what is there.
    return found if folder is None or text[:1] == "/" else (shown_path(text, folder), *found[1:])


def named_to_write(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """The same, of what was to be written."""
    path, folder, flags = args
    if not flags & WRITE_BITS:
        return None
    held = held_place(path, flags) if type(path) is str else None
    if held is not None:
        return path, -1, (held,), (), ""
    found = change_of(path, -1 if folder is None else folder, opened_places, "")
    if found[2] is not None and found[2][0] in DEVICES:
        return (*found[:2], (), *found[3:])  # a handle tells that it is this device, so only the way there counts
    return found


def listed(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """os.listdir(path), os.getxattr(path, ...): the first argument, unless it is a descriptor."""
    path = args[0]
    return None if is_a(path, NUMBER) else reading_of("." if path is None else path_text(path), None)


# --- changing ---

# The code of the stand-ins that change a link itself, and of those that change what it leads to; a start fills it in.
LINKERS: tuple[Any, ...] = ()
FOLLOWERS: tuple[Any, ...] = ()


def link_or_both(path: object, folder: int, linkers: tuple[Any, ...], followers: tuple[Any, ...]) -> Change:
    """What is changed at a path: the link alone, or what it leads to, where our stand-in asks, which was told."""
    frame = calling_frame(CALLER_DEPTH + 1)
    for codes, find in ((linkers, entry_of), (followers, opened_places)):
        if runs_one_of(frame, codes):
            return change_of(path, folder, find, "")
    return change_of(path, folder, both_places, "")


def changed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """The first argument, path or descriptor: xattr, chflags."""
    return link_or_both(args[0], -1, LINKERS, FOLLOWERS)


def removed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, dir_fd): remove, rmdir."""
    return change_of(args[0], args[1], entry_of, "")


def made(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, mode, dir_fd): mkdir, chmod."""
    return link_or_both(args[0], args[2], LINKERS, FOLLOWERS)


def renamed(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(source, destination, source's dir_fd, destination's dir_fd): both ends change."""
    ways: list[str] = []
    source, target = entry_of(args[0], args[2], ways), entry_of(args[1], args[3], ways)
    known = source is not None and target is not None
    places = (*source, *target) if known else None  # type: ignore[misc]  # as was just seen
    return args[0], args[2], places, source or (), "", ways


def linked(args: tuple[Any, ...], kwargs: Any) -> Change:
    """The same arguments. What comes into being is the second, and by it the first can be written."""
    ways: list[str] = []
    source, target = both_places(args[0], args[2], ways), entry_of(args[1], args[3], ways)
    known = source is not None and target is not None
    places = (*source, *target) if known else None  # type: ignore[misc]  # as was just seen
    return args[1], args[3], places, source or (), "", ways


# A link is nothing that was elsewhere before, and stands where a folder may have been.
COMES_ANEW = (NOWHERE,)


def symlinked(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(source, destination, dir_fd). The source is judged when somebody goes there."""
    ways: list[str] = []
    return args[1], args[2], entry_of(args[1], args[2], ways), COMES_ANEW, "", ways


def owned(args: tuple[Any, ...], kwargs: Any) -> Change:
    """(path, two values, dir_fd): chown, utime."""
    return link_or_both(args[0], args[3], LINKERS, FOLLOWERS)


def cut(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """os.truncate(path or descriptor, length): the kernel asks whether a descriptor may write."""
    return None if is_a(args[0], NUMBER) else change_of(args[0], -1, opened_places, "")


def copied(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """shutil's (source, destination): the second, unless it keeps nothing."""
    path = args[1]
    if not is_a(path, TEXT_OR_BYTES):
        return None  # a PathLike is judged when it is opened, and text by then
    return None if path_text(path) in DEVICES else change_of(path, -1, opened_places, "")


def entry_copied(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """The same, except of a link: its parts say whether it is followed, and the first changes nothing by halves."""
    path = args[1]
    if not is_a(path, TEXT_OR_BYTES) or path_text(path) in DEVICES:
        return None
    found = change_of(path, -1, both_places, "")
    return None if found[2] is not None and len(found[2]) > 1 else found


def temporary(args: tuple[Any, ...], kwargs: Any) -> Change:
    """tempfile.mkstemp(path), tempfile.mkdtemp(path)."""
    path = args[0]
    return change_of(path, -1, entry_of, LISTENING if "/pymp-" in path_text(path) else TEMPORARY)


def bound(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """socket.bind(socket, address): a Unix socket's name is a file, unless it is abstract or to be chosen."""
    address = args[1]
    if type(address) is tuple or (is_a(address, TUPLE) and AF_UNIX not in kept_by_c(args[0], "family")):
        return None
    if type(address) is not bytes and not is_a(address, TEXT):
        return ANY_CHANGE  # C reads it as memory, which its class makes (``__buffer__``)
    text = path_text(address)
    return None if text[:1] in ("", "\0") else change_of(text, -1, entry_of, "")


AF_UNIX = 1  # wherever there is one: to import the module for its name costs more than all of this

# --- databases ---


def database_written(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """sqlite3.connect(database)."""
    use, path = database_use(args[0])
    return database_change(path, path_text(args[0])) if use == WRITTEN else None


def database_change(shown: str, name: str) -> Change:
    """For where a database of this name would lie, whichever way SQLite reads it."""
    names = database_names(name)
    return names_change(shown, DATABASE, () if names is None else names)


def names_change(shown: str, remedy: str, names: tuple[str, ...]) -> Change:
    """For what C may open by any of these names."""
    ways: list[str] = []
    places: list[str] = []
    for name in names:
        found = opened_places(name, -1, ways)
        if found is None:
            return shown, -1, None, (), remedy
        places += found
    return shown, -1, tuple(places) or None, (), remedy, ways


def database_read(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """sqlite3.connect(database): who may write one reads it, too."""
    use, path = database_use(args[0])
    return None if use == MEMORY or not path else read_of_database(path_text(args[0]))


def read_of_database(name: str) -> Reading:
    """What is read by this name; of two meanings the one that is there."""
    names = database_names(name)
    if names is None or (len(names) > 1 and lexists(names[1])):
        return None, None
    return reading_of(names[0], None)


def database_attached_to_read(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """The same of what ATTACH and VACUUM INTO want opened; what is computed is refused as a change."""
    name = args[0]
    if len(args) > 1 or name is None or name in ("", ":memory:"):
        return None
    return read_of_database(name_in_statement(name))


# What the stand-in's connections have among their classes' names.
FILES_MARK = "_guarded"
REFUSED_CONNECTION = ("sqlite3.Connection", SHOWN_AS_IT_IS, None, (), DATABASE)


def database_unguarded(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """sqlite3.connect/handle(connection): one that attaches whatever it is told is not handed out.

    A constructor of ours must be asking: one of the program's that calls C by itself could attach
    before the check is in place, and a second construction would lose it.
    """
    ours = runs_one_of(calling_frame(CALLER_DEPTH), CONNECTORS)
    return None if ours and has_mark(args[0], FILES_MARK) else REFUSED_CONNECTION


def keeps_connections(rules: tuple[Any, ...]) -> bool:
    """Whether a connection that is made anew stays usable when that is refused at its end."""
    return STAYS_USABLE


def database_begun(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """sqlite3.connect(database), where no constructor of ours is asking."""
    return None if runs_one_of(calling_frame(CALLER_DEPTH), CONNECTORS) else REFUSED_CONNECTION


def database_attached(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """(name) from the authorizer: what ATTACH, VACUUM INTO or a PRAGMA wants opened; None when it is computed."""
    if len(args) > 1:
        return None  # another family's question
    name = args[0]
    if name is None:
        return "ATTACH", SHOWN_AS_IT_IS, None, (), DATABASE
    if name in ("", ":memory:"):
        return None
    name = name_in_statement(name)
    shown = database_names(name) or (name,)
    return database_change(shown[0], name)
