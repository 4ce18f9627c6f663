"""Filesystem: what the program may change, and below which folder it may read.

Without lists every change is refused, whichever call makes it. Devices that keep nothing and
descriptors that are open already stay usable. With lists and with a root, what counts is
what a path really names, links followed: a root adds what Python itself needs.
"""

from __future__ import annotations

import sys as _sys

from ...extract import UUIDS, always
from ...model import Family, GuardedCall
from ...pristine import native
from ...sqlite import BEGINNING_NOTE, SQLITE_CONNECT
from . import filecalls as of
from . import unannounced
from .clibrary import certificate_variable, default_folders, file_variable, unclear_variable
from .decisions import LIST, NAMED, READ, REPLACE, decide
from .lists import (
    EVERYWHERE,
    OPEN,
    PRIVATE,
    READONLY,
    ROOT,
    has_lists,
    has_no_folder,
    has_no_lists,
    is_readonly,
    judges_reads,
    prepared,
)
from .lists import make_rules as make_rules
from .lists import protecting as protecting
from .lists import taken_options as taken_options
from .readable import readable, readable_too
from .requests import core_limited, holds_writes, own_core_limited, requested
from .told import may_be_read, may_be_written
from .unannounced import CHANGE, UNANNOUNCED, UNANNOUNCED_READS, WRITE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .lists import Rules

GUARD = "filesystem"

# --- surface ---


def has_memory_files(rules: Rules) -> bool:
    """Whether a file is wanted, and can be made, that lies nowhere: Linux's memfd."""
    return has_no_folder(rules) and hasattr(native, "memfd_create")


def is_arena_in_memory(rules: Rules) -> bool:
    """Whether multiprocessing's arenas have to be files that lie nowhere: they are made in /dev/shm, never in a
    temporary folder of the run's own.
    """
    return is_readonly(rules) and hasattr(native, "memfd_create")


def never_moved(rules: Rules) -> bool:
    """Whether other namespaces would give paths another meaning than the rules'."""
    return judges_reads(rules) or has_lists(rules)


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
    ("fcntl.ioctl", requested, "import fcntl; fcntl.ioctl(0, 0x40086602, b'    ')"),
    # The parts of these are judged as well; asked as a whole they change nothing by halves. rmtree is not here:
    # it may have been told to ignore errors.
    ("shutil.copyfile", of.copied, "import shutil; shutil.copyfile('x', 'y')"),
    ("shutil.copymode", of.entry_copied, "import shutil; shutil.copymode('x', 'y')"),
    ("shutil.copystat", of.entry_copied, "import shutil; shutil.copystat('x', 'y')"),
    ("shutil.copytree", of.copied, "import shutil; shutil.copytree('x', 'y')"),
    ("shutil.move", of.entry_copied, "import shutil; shutil.move('x', 'y')"),
    ("shutil.chown", of.changed, "import shutil; shutil.chown('x', 0)"),
    ("shutil.make_archive", of.changed, "import shutil; shutil.make_archive('x', 'tar')"),
    ("shutil.unpack_archive", of.copied, "import shutil; shutil.unpack_archive('x.tar', 'y')"),
)

# Which of them may be told, or are meant, to change a link itself: their events do not say so.
LINKS = (
    *((name, "links.when_told") for name in ("chmod", "chown", "utime", "setxattr", "removexattr", "chflags")),
    *((name, "links.never") for name in ("lchown", "lchmod", "lchflags")),
)

# What opens files, under all its names, and the door of its reads.
OPENERS = (
    (("builtins:open", "io:open", "_io:open"), "files.open_below"),
    (("os:open", "posix:open"), "files.os_open_below"),
)
# What does in memory what it would do on disk, or in a folder that may be written.
REPLACED = (
    ("tempfile:TemporaryFile", "memory.temporary_file", has_memory_files),
    ("multiprocessing.heap:Arena.__init__", "memory.arena", is_arena_in_memory),
    ("tempfile:_get_default_tempdir", "memory.temporary_folder", is_readonly),
    *[(name, "uuids.without_file", holds_writes) for name in UUIDS],
)

SURFACE = (
    GuardedCall(
        capability=WRITE,
        audit=("open.write",),
        read=of.written,
        free=may_be_written,
        call="open",
        example="open('x', 'w')",
    ),
    *(
        GuardedCall(capability=CHANGE, audit=(event,), read=reader, example=example)
        for event, reader, example in CHANGES
    ),
    *(
        GuardedCall(
            capability=capability,
            patch=names,
            read=reader,
            call=call,
            final=True,
            when=has_no_lists if allowable else None,
            example=example,
        )
        for call, names, capability, reader, allowable, example in UNANNOUNCED
    ),
    *(
        GuardedCall(capability=capability, patch=names, read=reader, call=call, when=has_lists)
        for call, names, capability, reader, allowable, _ in UNANNOUNCED
        if allowable
    ),
    *(
        GuardedCall(
            capability=CHANGE,
            patch=(f"os:{name}", f"posix:{name}"),
            read=always,
            call=f"os.{name}",
            door=door,
            when=has_lists,
        )
        for name, door in LINKS
    ),
    GuardedCall(
        capability=WRITE,
        audit=("tempfile.mkstemp",),
        read=of.temporary,
        example="import tempfile; tempfile.mkstemp(dir='.')",
    ),
    *(
        GuardedCall(capability=REPLACE, patch=(name,), read=always, door=door, late=True, when=when)
        for name, door, when in REPLACED
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
        audit=("sqlite3.connect",),
        read=of.database_begun,
        when=of.keeps_connections,
        note=BEGINNING_NOTE,
    ),
    GuardedCall(
        capability=WRITE,
        patch=SQLITE_CONNECT,
        read=of.database_attached,
        call="sqlite3.execute",
        door="databases.connect",
        late=True,
        note="the C methods called on the type (`sqlite3.Connection.set_authorizer(c, None)`) are the kernel layer's",
        example="""import sqlite3; sqlite3.connect(':memory:').execute("attach 'x.db' as x")""",
    ),
    GuardedCall(
        capability=READ,
        patch=SQLITE_CONNECT,
        read=of.database_attached_to_read,
        call="sqlite3.execute",
        door="databases.connect",
        late=True,
        when=judges_reads,
    ),
    GuardedCall(
        capability=CHANGE,
        patch=("_multiprocessing:sem_unlink",),
        read=unannounced.semaphore,
        call="_multiprocessing.sem_unlink",
        example="import _multiprocessing; _multiprocessing.sem_unlink('/x')",
    ),
    GuardedCall(
        capability=WRITE,
        patch=("_multiprocessing:SemLock",),
        read=unannounced.semaphore_made,
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
        free=may_be_read,
        call="open",
        when=judges_reads,
        note="captured C originals are checked before the call only; the kernel layer closes the race",
    ),
    # Other namespaces are other meanings for /proc/PID and for every path.
    *(
        GuardedCall(
            capability=CHANGE,
            patch=(f"os:{name}", f"posix:{name}"),
            read=unannounced.namespaces,
            call=f"os.{name}",
            final=True,
            when=never_moved,
        )
        for name in ("unshare", "setns")
    ),
    GuardedCall(capability=LIST, audit=("os.listdir", "os.scandir"), read=of.listed, when=judges_reads),
    GuardedCall(capability=READ, audit=("os.getxattr", "os.listxattr"), read=of.listed, when=judges_reads),
    GuardedCall(capability=READ, audit=("sqlite3.connect",), read=of.database_read, when=judges_reads),
    GuardedCall(
        capability=CHANGE,
        audit=("resource.setrlimit",),
        read=core_limited,
        when=holds_writes,
        note="where core files were on before the start (`ulimit -c`), they are the kernel layer's",
        example="import resource; resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
    ),
    GuardedCall(
        capability=CHANGE,
        audit=("resource.prlimit",),
        read=own_core_limited,
        when=holds_writes,
        example="import resource; resource.prlimit(0, resource.RLIMIT_CORE, (1, 1))",
    ),
    GuardedCall(
        capability=NAMED,
        audit=("os.putenv",),
        read=file_variable,
        call="os.putenv",
        when=judges_reads,
        note="`RESOLV_HOST_CONF`, `HOSTALIASES` and `INPUTRC`, whose file C reads and shows",
    ),
    GuardedCall(
        capability=READ,
        audit=("os.putenv",),
        read=certificate_variable,
        call="os.putenv",
        when=judges_reads,
        note="`SSL_CERT_FILE` and `SSL_CERT_DIR`, which OpenSSL asks C for: one absolute path that may be read",
    ),
    GuardedCall(capability=NAMED, audit=("os.putenv",), read=unclear_variable, call="os.putenv", when=judges_reads),
    GuardedCall(
        capability=NAMED,
        patch=("ssl:SSLContext.set_default_verify_paths",),
        read=default_folders,
        call="ssl.SSLContext.set_default_verify_paths",
        when=judges_reads,
    ),
    *(
        GuardedCall(capability=capability, patch=names, read=reader, call="open", door=door, when=when)
        for names, opens in OPENERS
        for capability, reader, door, when in (
            (READ, of.named, opens, never_moved),
            (WRITE, of.named_to_write, "files.unchanged", has_lists),
        )
    ),
    GuardedCall(
        capability=READ,
        patch=("readline:read_history_file",),
        read=always,
        door="history.read_history",
        late=True,
        when=judges_reads,
    ),
    *(
        GuardedCall(
            capability=READ,
            patch=names,
            read=reader,
            call=call,
            door=door,
            late=door != "",
            when=judges_reads,
            note=note,
        )
        for call, names, reader, door, note in UNANNOUNCED_READS
    ),
)


# --- rules ---


def prepare(rules: Rules) -> Rules:
    """Add what stays readable, resolved now and not again."""
    if rules[ROOT] is None:
        return prepared(rules, EVERYWHERE, frozenset(), ())
    given = rules[OPEN:READONLY]
    return prepared(rules, *(readable_too(given) if given[0] else readable(rules[ROOT])))


def handed_on(rules: Rules, ready: Rules) -> Rules:
    """The rules as children get them: with what was found readable here. ready: the same, prepared."""
    return rules if rules[ROOT] is None else (rules[ROOT], *ready[OPEN:READONLY], *rules[READONLY:])


# (folder of a policy in force, what tempfile had found before)
_found: list[tuple[str, Any]] = []


def forget_folder(private: str) -> None:
    """Somebody leaves a block's folder: tempfile shall find another one, or what it had found. Blocks are left in any
    order, and several at once may have the same folder."""
    tempfile: Any = _sys.modules.get("tempfile")
    before = None
    for place in range(len(_found) - 1, -1, -1):
        if _found[place][0] == private:
            before = _found.pop(place)[1]
            break
    if private not in [folder for folder, _ in _found]:
        _found[:] = [(folder, before if found == private else found) for folder, found in _found]
    if tempfile is not None and tempfile.tempdir == private:
        tempfile.tempdir = before


# Policies in force that keep Python from writing bytecode, and what the switch was before the first of them.
_engaged: list[bool] = []


def engage(rules: Rules) -> Callable[[], None]:
    """Keep the import system from trying to write bytecode, which would be refused each time."""
    if not rules[READONLY]:
        return do_nothing
    private: str | None = rules[PRIVATE]
    tempfile: Any = _sys.modules.get("tempfile")
    if private is not None and tempfile is not None:
        # It has found a folder before, and would not look again.
        _found.append((private, tempfile.tempdir))
        tempfile.tempdir = private
    _engaged.append(_engaged[0] if _engaged else _sys.dont_write_bytecode)
    _sys.dont_write_bytecode = True

    def undo() -> None:
        if private is not None:
            forget_folder(private)
        before = _engaged.pop()
        if not _engaged:
            _sys.dont_write_bytecode = before

    return undo


def do_nothing() -> None:
    """What undoes nothing."""


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare, engage=engage)
