"""The script of a child: read once, and asked for by where that lay which was read.

What a program starts is its own choice, and a script that is none shows its lines in an error.
"""

from __future__ import annotations

from errno import EACCES

from ..paths import NO_PATHS, entry_above, resolve
from ..pristine import S_IFMT, S_IFREG, close_fd, file_device, file_inode, file_mode, fstat, native, open_fd, stat

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from ..policy import Policy

EXECUTABLE = 0o111
READING = native.O_RDONLY | getattr(native, "O_CLOEXEC", 0) | getattr(native, "O_BINARY", 0)
PIECE = 1 << 20
REPLACED = "replaced while it was opened"


def read_script(path: str, policies: tuple[Policy, ...]) -> tuple[bytes | None, str | None]:
    """(what the script says, its real path where a guarded program may not have it read, so that it is asked for).

    None for a text that no policy keeps anybody from reading. Below a root, what may be executed may be run as a
    script, as the system itself asks for no more. OSError as for any file.
    """
    files = [policy.rules["filesystem"] for policy in policies if "filesystem" in policy.rules]
    if not files:
        return None, None
    from ..capabilities.filesystem.lists import NO_READS, ROOT  # its family is loaded

    if not [rules for rules in files if rules[NO_READS] != NO_PATHS or rules[ROOT] is not None]:
        return None, None
    descriptor = open_fd(path, READING)
    try:
        mode = file_mode(fstat(descriptor))
        text = b""
        while piece := native.read(descriptor, PIECE):
            text += piece
        if mode & S_IFMT != S_IFREG:
            return text, None  # a pipe
        real = place_of(descriptor, path)
    finally:
        close_fd(descriptor)
    denied = [rules for rules in files if entry_above(real, rules[NO_READS]) is not None]
    return text, real if denied or not mode & EXECUTABLE else None


def place_of(descriptor: int, path: str) -> str:
    """Where an open file lies. OSError where nobody can tell: it was opened by a path that leads elsewhere by now."""
    from ..capabilities.filesystem.descriptors import path_of  # as above

    told = path_of(descriptor)
    if told:
        return told
    real = resolve(path)
    opened, found = fstat(descriptor), stat(real)
    if (file_inode(opened), file_device(opened)) != (file_inode(found), file_device(found)):
        raise PermissionError(EACCES, REPLACED, path)
    return real
