"""Filesystem: what the program may change, and below which folder it may read.

Every change is refused, whichever call makes it. Devices that keep nothing and
descriptors that are open already stay usable. With a root, what a path really
names, links followed, must lie below it or among what Python itself needs.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from _frozen_importlib_external import FileFinder as _FileFinder

from ...callers import CALLER_DEPTH, calling_frame, is_ours
from ...extract import TEXT_OR_BYTES, always, exact_text, is_a
from ...model import Family, GuardedCall
from ...paths import resolve
from ...pristine import native
from . import filecalls as of
from .descriptors import O_RDONLY, may_reopen, named_descriptor, own_process, shown_path
from .readable import SUFFIXES, readable
from .unannounced import CHANGE, UNANNOUNCED, UNANNOUNCED_READS, WRITE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ...model import Denial

    # (root or None,), and once prepared: beginnings of paths below which all is readable, single paths, beginnings
    # below which modules are. Allowances to come are further items.
    Rules: TypeAlias = tuple[Any, ...]

GUARD = "filesystem"
OPTION = "fs-readonly"
READ, LIST, REPLACE = "filesystem.read", "filesystem.list", "filesystem.replace"
# C has asked a PathLike already, and may have heard something else: io.FileIO, which has no stand-in.
TEXT_REMEDY = "a path that is text (os.fspath(path)), or --fs-readonly without a root"
ROOT_REMEDY = "a root that holds it, or --fs-readonly without a root"

# Below /proc/PID of the program itself; neither its environment nor its memory.
OWN_PROCESS = frozenset(
    {
        "cgroup",
        "cmdline",
        "comm",
        "fd",
        "io",
        "limits",
        "maps",
        "mountinfo",
        "mounts",
        "stat",
        "statm",
        "status",
        "task",
    }
)
# What a stand-in is told that shall do in memory what would be done on disk.
IN_MEMORY = True
UNKNOWN = of.UNKNOWN
SEPARATOR = _os.sep


# --- decisions ---


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    if capability in READINGS:
        # A read below the root is what this is asked most.
        real = target[1]
        return None if real is not None and real.startswith(rules[1]) else decide_reading(rules, capability, target)
    if capability == REPLACE:
        return "", None, OPTION, "", IN_MEMORY
    shown, _, remedy = target
    if capability == WRITE:
        return f"filesystem readonly: {shown}", shown, OPTION, remedy
    return f"filesystem mutation disabled: {call}({shown})", shown, OPTION, remedy


READINGS = (READ, LIST)


def decide_reading(rules: Rules, capability: str, target: Any) -> Denial | None:
    given, real = target
    root, _, single, sources = rules
    if root is None or real in single:
        return None
    if real is not None and (is_source(sources, capability, real) or is_own_status(real)):
        return None
    if is_open_already(given):
        return None
    shown = asked_path(given)
    remedy = ROOT_REMEDY if is_a(given, TEXT_OR_BYTES) else TEXT_REMEDY
    return f"read outside sandbox root: {shown}", shown, OPTION, remedy


def is_source(sources: tuple[str, ...], capability: str, real: str) -> bool:
    """Whether it is a module's file on the first sys.path; folders below are listed by the import system only."""
    if capability == READ:
        return real.startswith(sources) and real.endswith(SUFFIXES)
    if not (real + SEPARATOR).startswith(sources):
        return False
    frame = calling_frame(CALLER_DEPTH + 2)
    return frame is not None and frame.f_code is FILL_CACHE


# Whoever forges this code sees names of modules' neighbours, which the finder's own cache shows to anybody.
FILL_CACHE = _FileFinder._fill_cache.__code__  # type: ignore[attr-defined]  # importlib's private part


def is_own_status(real: str) -> bool:
    """Whether it is one of the harmless files below /proc that tell of this process."""
    if not real.startswith("/proc/"):
        return False
    own = own_process() + "/"
    return real.startswith(own) and real[len(own) :] in OWN_PROCESS


def is_open_already(given: object) -> bool:
    """Whether it names a descriptor that is open for reading."""
    number = named_descriptor(given) if is_a(given, TEXT_OR_BYTES) else None
    return number is not None and may_reopen(number, O_RDONLY)


def asked_path(given: object) -> str:
    """The path as the program named it: our own stand-in asks again, by a descriptor."""
    frame = calling_frame(CALLER_DEPTH + 2)
    folder = None
    # Forged, these names change what the refusal says.
    if frame is not None and frame.f_code.co_name in STAND_INS and is_ours(exact_text(frame.f_code.co_filename)):
        given, folder = frame.f_locals.get("path"), frame.f_locals.get("folder")
    return shown_path(given, folder if type(folder) is int else -1) if is_a(given, TEXT_OR_BYTES) else UNKNOWN


STAND_INS = ("open_held", "os_open_held")


def has_root(rules: Rules) -> bool:
    return rules[0] is not None


def has_memory_files(rules: Rules) -> bool:
    """Whether a file can be made that lies nowhere: Linux's memfd."""
    return hasattr(native, "memfd_create")


# --- surface ---

# CPython's names for what changes a file without opening it, and how each is read.
CHANGES = (
    ("os.remove", of.removed, "import os; os.remove('x')"),
    ("os.rmdir", of.removed, "import os; os.rmdir('x')"),
    ("os.mkdir", of.made, "import os; os.mkdir('x')"),
    ("os.chmod", of.made, "import os; os.chmod('x', 0o600)"),
    ("os.rename", of.renamed, "import os; os.replace('x', 'y')"),
    ("os.link", of.linked, "import os; os.link('x', 'y')"),
    ("os.symlink", of.symlinked, "import os; os.symlink('x', 'y')"),
    ("os.chown", of.owned, "import os; os.chown('x', 0, 0)"),
    ("os.utime", of.owned, "import os; os.utime('x')"),
    ("os.truncate", of.cut, "import os; os.truncate('x', 0)"),
    ("os.setxattr", of.changed, "import os; os.setxattr('x', 'user.x', b'')"),
    ("os.removexattr", of.changed, "import os; os.removexattr('x', 'user.x')"),
    ("os.chflags", of.changed, ""),
    ("tempfile.mkdtemp", of.temporary, "import tempfile; tempfile.mkdtemp(dir='.')"),
    ("socket.bind", of.bound, "import socket; socket.socket(socket.AF_UNIX).bind('x')"),
    ("fcntl.ioctl", of.attributed, "import fcntl; fcntl.ioctl(0, 0x40086602, b'    ')"),
    # The parts of these are judged as well; asked as a whole they change nothing by halves. rmtree is not here:
    # it may have been told to ignore errors.
    ("shutil.copyfile", of.copied, "import shutil; shutil.copyfile('x', 'y')"),
    ("shutil.copymode", of.copied, "import shutil; shutil.copymode('x', 'y')"),
    ("shutil.copystat", of.copied, "import shutil; shutil.copystat('x', 'y')"),
    ("shutil.copytree", of.copied, "import shutil; shutil.copytree('x', 'y')"),
    ("shutil.move", of.copied, "import shutil; shutil.move('x', 'y')"),
    ("shutil.chown", of.changed, "import shutil; shutil.chown('x', 0)"),
    ("shutil.make_archive", of.changed, "import shutil; shutil.make_archive('x', 'tar')"),
    ("shutil.unpack_archive", of.copied, "import shutil; shutil.unpack_archive('x.tar', 'y')"),
)

SURFACE = (
    GuardedCall(capability=WRITE, audit=("open.write",), read=of.written, call="open", example="open('x', 'w')"),
    *(
        GuardedCall(capability=CHANGE, audit=(event,), read=reader, example=example)
        for event, reader, example in CHANGES
    ),
    *(
        GuardedCall(capability=capability, patch=names, read=reader, call=call, final=True, example=example)
        for call, names, capability, reader, example in UNANNOUNCED
    ),
    GuardedCall(
        capability=WRITE,
        audit=("tempfile.mkstemp",),
        read=of.temporary,
        example="import tempfile; tempfile.mkstemp(dir='.')",
    ),
    GuardedCall(
        capability=REPLACE,
        patch=("tempfile:TemporaryFile",),
        read=always,
        door="memory.temporary_file",
        late=True,
        when=has_memory_files,
    ),
    GuardedCall(
        capability=REPLACE,
        patch=("multiprocessing.heap:Arena.__init__",),
        read=always,
        door="memory.arena",
        late=True,
        when=has_memory_files,
    ),
    GuardedCall(
        capability=REPLACE,
        patch=("tempfile:_get_default_tempdir",),
        read=always,
        door="memory.temporary_folder",
        late=True,
    ),
    GuardedCall(
        capability=WRITE,
        audit=("sqlite3.connect",),
        read=of.database_written,
        example="import sqlite3; sqlite3.connect('x.db')",
    ),
    GuardedCall(
        capability=WRITE,
        audit=("sqlite3.connect/handle",),
        read=of.database_unguarded,
        call="sqlite3.connect",
        example="import sqlite3; sqlite3.Connection(':memory:')",
    ),
    GuardedCall(
        capability=WRITE,
        patch=("_sqlite3:connect", "sqlite3.dbapi2:connect", "sqlite3:connect"),
        read=of.database_attached,
        call="sqlite3.execute",
        door="databases.connect",
        late=True,
        note="the C methods called on the type (`sqlite3.Connection.set_authorizer(c, None)`) are the kernel layer's",
        example="""import sqlite3; sqlite3.connect(':memory:').execute("attach 'x.db' as x")""",
    ),
    GuardedCall(
        capability=CHANGE,
        patch=("_multiprocessing:sem_unlink",),
        read=of.semaphore,
        call="_multiprocessing.sem_unlink",
        example="import _multiprocessing; _multiprocessing.sem_unlink('/x')",
    ),
    GuardedCall(
        capability=WRITE,
        patch=("_multiprocessing:SemLock",),
        read=of.semaphore_made,
        call="_multiprocessing.SemLock",
        note="multiprocessing's own locks have random names and are unlinked; their type, called directly, is the "
        "kernel layer's",
        example="import _multiprocessing; _multiprocessing.SemLock(1, 1, 1, '/x', False)",
    ),
    # Reads, which only a root takes away.
    GuardedCall(
        capability=READ,
        audit=("open.read",),
        read=of.opened,
        call="open",
        when=has_root,
        note="captured C originals are checked before the call only; the kernel layer closes the race",
    ),
    # Other namespaces are other meanings for /proc/PID and for every path.
    GuardedCall(
        capability=CHANGE,
        patch=("os:unshare", "posix:unshare"),
        read=of.namespaces,
        call="os.unshare",
        final=True,
        when=has_root,
    ),
    GuardedCall(
        capability=CHANGE,
        patch=("os:setns", "posix:setns"),
        read=of.namespaces,
        call="os.setns",
        final=True,
        when=has_root,
    ),
    GuardedCall(capability=LIST, audit=("os.listdir", "os.scandir"), read=of.listed, when=has_root),
    GuardedCall(capability=READ, audit=("os.getxattr", "os.listxattr"), read=of.listed, when=has_root),
    GuardedCall(capability=READ, audit=("sqlite3.connect",), read=of.database_read, when=has_root),
    GuardedCall(
        capability=READ,
        patch=("builtins:open", "io:open", "_io:open"),
        read=of.named,
        call="open",
        door="files.open_below",
        when=has_root,
    ),
    GuardedCall(
        capability=READ,
        patch=("os:open", "posix:open"),
        read=of.named,
        call="open",
        door="files.os_open_below",
        when=has_root,
    ),
    GuardedCall(
        capability=READ,
        patch=("readline:read_history_file",),
        read=always,
        door="history.read_history",
        late=True,
        when=has_root,
    ),
    *(
        GuardedCall(
            capability=READ, patch=names, read=reader, call=call, door=door, late=door != "", when=has_root, note=note
        )
        for call, names, reader, door, note in UNANNOUNCED_READS
    ),
)


# --- rules ---


def make_rules(root: Any = None) -> Rules:
    """Rules from settings: a folder or file below which reads must lie, or None. ValueError if it does not exist."""
    if root is None:
        return (None,)
    path = _os.fsdecode(root)
    if not path or not _os.path.exists(path):
        raise ValueError(f"the root {path!r} does not exist")
    return (resolve(path),)


def prepare(rules: Rules) -> Rules:
    """Add what stays readable, resolved now and not again."""
    root = rules[0]
    return (None, (), frozenset(), ()) if root is None else (root, *readable(root))


# Policies in force that keep Python from writing bytecode, and what the switch was before the first of them.
_engaged: list[bool] = []


def engage(rules: Rules) -> Callable[[], None]:
    """Keep the import system from trying to write bytecode, which would be refused each time."""
    _engaged.append(_engaged[0] if _engaged else _sys.dont_write_bytecode)
    _sys.dont_write_bytecode = True

    def undo() -> None:
        before = _engaged.pop()
        if not _engaged:
            _sys.dont_write_bytecode = before

    return undo


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare, engage=engage)
