"""Untouched references, taken when the core is imported.

A guard calls nothing through a live module: the program may have replaced
``os.readlink`` or ``posixpath.realpath`` with a function that lies to us.
"""

from __future__ import annotations

import sys as _sys
from _thread import RLock as RLock
from _thread import get_ident as get_ident

try:
    import posix as _native  # the C module behind os, whose functions nobody has wrapped yet
except ImportError:  # Windows
    import nt as _native  # type: ignore[no-redef]  # the same module under the other system's name

native = _native
IS_WINDOWS = _sys.platform == "win32"
# It keeps nothing and tells nothing.
NULL_DEVICE = "nul" if IS_WINDOWS else "/dev/null"
IS_LINUX = _sys.platform.startswith("linux")

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
get_frame = _sys._getframe
