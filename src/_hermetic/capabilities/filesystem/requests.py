"""Requests to the system by which it changes files itself: ioctl, and the limit that lets it write core files.

ioctl: what a descriptor that may only read can change of a file, a folder, or the file system that has it. The kernel
asks for no right to write there, so what is not known to tell something only is a change.
"""

from __future__ import annotations

from ...extract import NUMBER, is_a
from ...pristine import IS_LINUX, S_IFDIR, S_IFMT, S_IFREG, file_mode, fstat
from .lists import NO_WRITES, READONLY
from .places import NOT_AT_ALL, SHOWN_AS_IT_IS, change_of, opened_places

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .lists import Rules
    from .places import Change

# FS_IOC_SETFLAGS in its two sizes, and FS_IOC_FSSETXATTR: attributes, whatever they are asked of.
ATTRIBUTES = frozenset({0x40086602, 0x40046602, 0x401C5820})
KINDS = frozenset({S_IFREG, S_IFDIR, 0o060000})  # and disks
# Of terminals and descriptors (isatty, FIONREAD, FIOCLEX): files keep nothing of it.
TERMINAL = 0x54
# The direction by which a request says that it only tells something. Not true of FS_IOC_SET_ENCRYPTION_POLICY, and of
# shutting a file system down (ext4, XFS, F2FS).
TELLS, LIARS = 2, frozenset({0x800C6613, 0x8004587D})
TELLING = frozenset(
    {
        # FIBMAP, FIGETBSZ; geometry and sizes of disks; FIEMAP, FS_IOC_GETFSMAP, verity, encryption.
        *(0x1, 0x2, 0x301, 0x125E, 0x1260, 0x1263, 0x1268, 0x1278, 0x1279, 0x127A, 0x127B, 0x127C, 0x127E),
        *(0xC020660B, 0xC0C0583B, 0xC0046686, 0xC0096616, 0xC0286687, 0xC080661A),
        # btrfs: searches, inodes, devices, space.
        *(0xD0009411, 0xC0709411, 0xD0009412, 0xD0009426, 0xC0109414, 0xD000941E, 0xC4089434, 0xC0389423, 0xC0389424),
    }
)


def requested(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """fcntl.ioctl(descriptor, request, argument): the kernel looks at the low 32 bits."""
    request = int.__index__(args[1]) & 0xFFFFFFFF
    if request not in ATTRIBUTES and (not IS_LINUX or only_tells(request) or not is_file(args[0])):
        return None
    return change_of(args[0], -1, opened_places, "")


def only_tells(request: int) -> bool:
    tells = request >> 30 == TELLS and request not in LIARS
    return tells or request in TELLING or request >> 8 & 0xFF == TERMINAL


def is_file(number: object) -> bool:
    """Whether a descriptor is of something that lies in a file system, or of the disk below it."""
    if not is_a(number, NUMBER):
        return False
    try:
        return file_mode(fstat(int.__index__(number))) & S_IFMT in KINDS  # type: ignore[arg-type]  # an int, as was seen
    except (OSError, OverflowError):
        return False  # and so nothing


CORE = 4  # RLIMIT_CORE, on every system that has it


def core_limited(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """resource.setrlimit(which, limits): a process that ends itself has a file written where it is."""
    return core_file(args[0], args[1])


def own_core_limited(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """resource.prlimit(process, which, limits), where none of the limits asks only."""
    return None if args[2] is None else core_file(args[1], args[2])


def core_file(which: object, limits: Any) -> Change | None:
    """None for other limits, and where there are to be no core files; C itself asks what is no plain tuple."""
    if int.__index__(which) != CORE:  # type: ignore[arg-type]  # of an event
        return None
    if type(limits) is tuple and limits and type(limits[0]) is int and limits[0] == 0:
        return None
    return "core", SHOWN_AS_IT_IS, None, (), NOT_AT_ALL


def holds_writes(rules: Rules) -> bool:
    """Whether some writes are not allowed: the system chooses where a core file lies."""
    return bool(rules[READONLY] or rules[NO_WRITES][0])
