"""Untouched references, taken when the core is imported.

A guard calls nothing through a live module: the program may have replaced
``os.readlink`` or ``posixpath.realpath`` with a function that lies to us.
"""

from __future__ import annotations

import _frozen_importlib as _machinery
import sys as _sys
from _thread import RLock as RLock
from _thread import get_ident as get_ident
from errno import EMFILE, ENFILE, ENOMEM

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    # Of what stat found.
    Field: TypeAlias = Callable[[Any], int]

try:
    import posix as _native  # the C module behind os, whose functions nobody has wrapped yet
except ImportError:  # Windows
    import nt as _native  # type: ignore[no-redef]  # the same module under the other system's name

native = _native
IS_WINDOWS = _sys.platform == "win32"
# A build without the GIL says so: https://docs.python.org/3/howto/free-threading-python.html
IS_FREE_THREADED = "free-threading" in _sys.version
# It keeps nothing and tells nothing.
NULL_DEVICE = "nul" if IS_WINDOWS else "/dev/null"
IS_LINUX = _sys.platform.startswith("linux")

if IS_WINDOWS:
    from time import time_ns as _clock
else:
    from time import clock_gettime_ns as _clock  # type: ignore[assignment]  # a clock that has to be named
# The clock of files. Tests stop the others: some put functions of theirs in the place of time.time_ns in every module
# that has it, this one too, and some change it in place and clock_gettime_ns with it, for the clock of everybody.
# <linux/time.h>: CLOCK_REALTIME_COARSE, by which Linux stamps them. Elsewhere CLOCK_REALTIME is number 0.
_WHICH: tuple[int, ...] = () if IS_WINDOWS else (5,) if IS_LINUX else (0,)


def _at_home() -> frozenset[int]:
    """Where the start says that its user is at home, caches there, and all that is above, by the hashes of their names.

    Read before any policy hides the variable, and nothing that would show it afterwards.
    """
    variables: Any = native.environ
    home = variables.get("USERPROFILE", "") if IS_WINDOWS else variables.get(b"HOME", b"").decode("utf-8", "replace")
    separator = "\\" if IS_WINDOWS else "/"
    home = home.rstrip(separator)
    found = {hash(home + separator + ".cache")}
    while home:
        found.add(hash(home))
        home = home.rpartition(separator)[0]
    return frozenset(found)


AT_HOME = _at_home()
# How C has names of files, variables and words of command lines in bytes. A program chooses it for its children
# (LC_ALL, PYTHONUTF8), and read by another one a name would be another file's.
ENCODING, ENCODING_ERRORS = _sys.getfilesystemencoding(), _sys.getfilesystemencodeerrors()

stat = native.stat
lstat = native.lstat
fstat = native.fstat
getcwd = native.getcwd
getpid = native.getpid
access = native.access
dup = native.dup
read_fd = native.read
write_fd = native.write
open_fd = native.open
close_fd = native.close
fspath = native.fspath
readlink = native.readlink
# st_mode's kinds of file, as C calls them; the numbers are the same on every system.
S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFSOCK = 0o170000, 0o100000, 0o040000, 0o120000, 0o140000
# What stat found is read by C's own descriptors: ``os.stat_result`` takes new attributes, so a program could make every
# file look like another one (``os.stat_result.st_dev = 0``).
_found: Any = vars(native.stat_result)
file_mode: Field = _found["st_mode"].__get__
file_size: Field = _found["st_size"].__get__
file_links: Field = _found["st_nlink"].__get__
file_device: Field = _found["st_dev"].__get__
file_inode: Field = _found["st_ino"].__get__
file_owner: Field = _found["st_uid"].__get__
file_changed: Field = _found["st_ctime_ns"].__get__  # in nanoseconds, as the next
file_written: Field = _found["st_mtime_ns"].__get__
# No room for one more descriptor, in the process or the system, or no memory.
FULL = (EMFILE, ENFILE, ENOMEM)
get_frame = _sys._getframe
# Where guards put doors of theirs into the import system, and what was there before.
IMPORT_DOORS = tuple(
    [(name, vars(_machinery)[name]) for name in ("_find_spec", "_gcd_import", "_load_unlocked", "_exec")]
)


def now() -> int:
    """The time in nanoseconds, not later than what the system stamps a file with that is written now."""
    # Where another kernel stamps them, as a host's for its guest, its clock for that lies a tick apart: mostly 4 ms.
    return _clock(*_WHICH) - 5_000_000 if IS_LINUX else _clock(*_WHICH)
