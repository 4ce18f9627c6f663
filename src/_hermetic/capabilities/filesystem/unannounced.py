"""The calls that CPython does not announce, as tables: what changes the disk, and what C reads by a name."""

from __future__ import annotations

from ...extract import NUMBER, TEXT_OR_BYTES, always, argument, exact_text, is_a
from ...paths import resolve
from ...pristine import IS_LINUX, IS_WINDOWS, getpid
from .clibrary import (
    catalogue,
    catalogue_folder,
    default_file,
    default_folder,
    first_file,
    only_file,
    second_file,
    shadow,
)
from .descriptors import path_text
from .filecalls import MADE_ANEW, names_change, reading_of
from .places import ANY_CHANGE, NOT_AT_ALL, SHARED, SHOWN_AS_IT_IS, UNKNOWN, both_places, change_of, entry_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .filecalls import Reading
    from .places import Change

WRITE, CHANGE = "filesystem.write", "filesystem.change"

# --- readers ---


def at_first(args: tuple[Any, ...], kwargs: Any) -> Change:
    """A patched call whose first argument is a path, perhaps with a dir_fd: mkfifo, mknod."""
    path = argument(args, kwargs, 0, "path", None)
    folder = (kwargs or {}).get("dir_fd")
    if not is_a(path, TEXT_OR_BYTES) or not (folder is None or is_a(folder, NUMBER)):
        return ANY_CHANGE  # what C asks itself may tell it something else
    number = -1 if folder is None else int.__index__(folder)
    return change_of(path, number, entry_of, "")


def labelled(args: tuple[Any, ...], kwargs: Any) -> Change:
    """A patched call that is always an act: its first argument is a label, not a decision."""
    found = [value for value in (*args, *(kwargs or {}).values()) if is_a(value, TEXT_OR_BYTES)]
    return found[0] if found else UNKNOWN, SHOWN_AS_IT_IS, None, (), NOT_AT_ALL


def database_files(args: tuple[Any, ...], kwargs: Any) -> Change:
    """dbm.gnu.open(path, ...), dbm.ndbm.open(path, ...), which adds endings of its own."""
    path = argument(args, kwargs, 0, "filename", None)
    if not is_a(path, TEXT_OR_BYTES):
        return ANY_CHANGE
    text = path_text(path)
    return names_change(text, "", tuple([text + ending for ending in ("", ".db", ".dir", ".pag")]))


SHARED_FOLDER = resolve("/dev/shm") + "/"  # noqa: S108  # where Linux keeps what has such a name


def shared_name(name: object, beginning: str, remedy: str) -> Change:
    """Shared memory and semaphores: their names are files of one folder on Linux, and looked like paths before."""
    if not is_a(name, TEXT_OR_BYTES):
        return UNKNOWN, SHOWN_AS_IT_IS, None, (), remedy
    text = exact_text(name)
    last = text.lstrip("/")
    known = IS_LINUX and last != "" and "/" not in last and last not in (".", "..")
    return text, SHOWN_AS_IT_IS, (SHARED_FOLDER + beginning + last,) if known else None, (), remedy


def shared_memory(args: tuple[Any, ...], kwargs: Any) -> Change:
    return shared_name(argument(args, kwargs, 0, "path", None), "", SHARED)


def shared_memory_read(args: tuple[Any, ...], kwargs: Any) -> Reading | None:
    """_posixshmem.shm_open(path, flags, mode): what is there already is read."""
    flags = argument(args, kwargs, 1, "flags", 0)
    # Of what is no int but has __index__ only C will know, and it reads unless it is told otherwise.
    if is_a(flags, NUMBER) and int.__index__(flags) & MADE_ANEW == MADE_ANEW:
        return None
    name, _, places = shared_memory(args, kwargs)[:3]
    return name, places[0] if places else None


def database_file(args: tuple[Any, ...], kwargs: Any) -> Reading:
    """dbm.gnu.open(path, ...), dbm.ndbm.open(path, ...): the name as it is."""
    return read_with("", args, kwargs)


def database_db(args: tuple[Any, ...], kwargs: Any) -> Reading:
    return read_with(".db", args, kwargs)


def database_pag(args: tuple[Any, ...], kwargs: Any) -> Reading:
    return read_with(".pag", args, kwargs)


def read_with(ending: str, args: tuple[Any, ...], kwargs: Any) -> Reading:
    path = argument(args, kwargs, 0, "filename", None)
    if not is_a(path, TEXT_OR_BYTES):
        return path, None
    text = path_text(path) + ending
    return reading_of(text, None)


def semaphore(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """_multiprocessing.sem_unlink(name): multiprocessing takes away what it made itself."""
    name = args[0]
    if is_a(name, TEXT_OR_BYTES) and is_anonymous(exact_text(name)):
        return None
    return shared_name(name, "sem.", SHARED_ONLY)


SHARED_ONLY = "--allow-write /dev/shm"


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
    """readline's own default is ~/.history; where that is, only C knows."""
    found = [value for value in args if is_a(value, TEXT_OR_BYTES)]
    if not found:
        return "~/.history", SHOWN_AS_IT_IS, None, (), "a file that is named, below an --allow-write path"
    return change_of(found[0], -1, both_places, "")


def perf_map(args: tuple[Any, ...], kwargs: Any) -> Change:
    """sys.activate_stack_trampoline(backend)."""
    is_jit = exact_text(argument(args, kwargs, 0, "backend", "")) == "perf_jit"
    name = f"/tmp/jit-{getpid()}.dump" if is_jit else f"/tmp/perf-{getpid()}.map"  # noqa: S108  # the interpreter's own
    return change_of(name, -1, both_places, "")


def namespaces(args: tuple[Any, ...], kwargs: Any) -> Change:
    return "namespaces", SHOWN_AS_IT_IS, None, (), NOT_AT_ALL


def tcl(args: tuple[Any, ...], kwargs: Any) -> Change:
    return "Tcl", SHOWN_AS_IT_IS, None, (), NOT_AT_ALL


# --- rows ---

# Where CPython announces nothing: (how the call is named, its names, capability, reader, whether a list can allow it,
# example). A policy for the whole process keeps none that it never allows.
UNANNOUNCED = (
    ("os.mkfifo", ("os:mkfifo", "posix:mkfifo"), CHANGE, at_first, True, "import os; os.mkfifo('x')"),
    ("os.mknod", ("os:mknod", "posix:mknod"), CHANGE, at_first, True, "import os; os.mknod('x')"),
    # Another root folder would be another meaning for every path.
    ("os.chroot", ("os:chroot", "posix:chroot"), CHANGE, labelled, False, "import os; os.chroot('.')"),
    (
        "_posixshmem.shm_open",
        ("_posixshmem:shm_open",),
        WRITE,
        shared_memory,
        True,
        "import _posixshmem, os; _posixshmem.shm_open('/x', os.O_CREAT | os.O_RDWR)",
    ),
    (
        "_posixshmem.shm_unlink",
        ("_posixshmem:shm_unlink",),
        CHANGE,
        shared_memory,
        True,
        "import _posixshmem; _posixshmem.shm_unlink('/x')",
    ),
    (
        "readline.write_history_file",
        ("readline:write_history_file",),
        WRITE,
        history,
        True,
        "import readline; readline.write_history_file('x')",
    ),
    (
        "readline.append_history_file",
        ("readline:append_history_file",),
        WRITE,
        history,
        True,
        "import readline; readline.append_history_file(1, 'x')",
    ),
    ("dbm.gnu.open", ("_gdbm:open", "dbm.gnu:open"), WRITE, database_files, True, ""),
    ("dbm.ndbm.open", ("_dbm:open", "dbm.ndbm:open"), WRITE, database_files, True, ""),
    # From then on the interpreter appends to a file of its own at every new function.
    ("sys.activate_stack_trampoline", ("sys:activate_stack_trampoline",), WRITE, perf_map, True, ""),
    # A Tcl interpreter opens, renames and deletes files by commands of its own.
    ("_tkinter.create", ("_tkinter:create",), CHANGE, tcl, False, "import tkinter; tkinter.Tcl()"),
)

ON_THE_TYPE = (
    "the C method called on `_ssl._SSLContext`, a link swapped meanwhile, and what links inside of a folder of "
    "certificates (`capath`) lead to, are the kernel layer's"
)
# What C reads by a name, where CPython announces nothing: (call, its names, reader, door, note).
UNANNOUNCED_READS = (
    ("_posixshmem.shm_open", ("_posixshmem:shm_open",), shared_memory_read, "", ""),
    ("dbm.gnu.open", ("_gdbm:open", "dbm.gnu:open"), database_file, "", ""),
    ("dbm.ndbm.open", ("_dbm:open", "dbm.ndbm:open"), database_file, "", ""),
    ("dbm.ndbm.open", ("_dbm:open", "dbm.ndbm:open"), database_db, "", ""),
    ("dbm.ndbm.open", ("_dbm:open", "dbm.ndbm:open"), database_pag, "", ""),
    ("readline.read_init_file", ("readline:read_init_file",), always, "history.read_init_file", ""),
    ("readline.parse_and_bind", ("readline:parse_and_bind",), always, "history.parse_and_bind", ""),
    (
        "ssl.SSLContext.load_verify_locations",
        ("ssl:SSLContext.load_verify_locations",),
        first_file,
        "certificates.verify_locations",
        ON_THE_TYPE,
    ),
    (
        "ssl.SSLContext.load_verify_locations",
        ("ssl:SSLContext.load_verify_locations",),
        second_file,
        "certificates.verify_locations",
        "",
    ),
    (
        "ssl.SSLContext.load_cert_chain",
        ("ssl:SSLContext.load_cert_chain",),
        first_file,
        "certificates.cert_chain",
        "",
    ),
    (
        "ssl.SSLContext.load_cert_chain",
        ("ssl:SSLContext.load_cert_chain",),
        second_file,
        "certificates.cert_chain",
        "",
    ),
    (
        "ssl.SSLContext.set_default_verify_paths",
        ("ssl:SSLContext.set_default_verify_paths",),
        default_file,
        "",
        "judged by `SSL_CERT_FILE`; the system's own store is always readable",
    ),
    (
        "ssl.SSLContext.set_default_verify_paths",
        ("ssl:SSLContext.set_default_verify_paths",),
        default_folder,
        "",
        "judged by `SSL_CERT_DIR`, too",
    ),
    ("ssl._test_decode_cert", ("_ssl:_test_decode_cert",), only_file, "", ""),
    (
        "locale.bindtextdomain",
        ("_locale:bindtextdomain", "locale:bindtextdomain"),
        catalogue_folder,
        "certificates.catalogue",
        "",
    ),
    ("locale.textdomain", ("_locale:textdomain", "locale:textdomain"), catalogue, "", ""),
    ("locale.dgettext", ("_locale:dgettext", "locale:dgettext"), catalogue, "", ""),
    ("locale.dcgettext", ("_locale:dcgettext", "locale:dcgettext"), catalogue, "", ""),
    ("spwd", ("spwd:getspnam", "spwd:getspall"), shadow, "", ""),
)
