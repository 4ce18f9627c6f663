"""What has the kernel write to an address that the caller names: any memory of the process, that of the guards too.

``fcntl.ioctl`` hands C a number, or a record that may have addresses in it. Which requests
have none only a list can tell, so what is not known to keep to the record is refused. Under
a seal only: a policy without one is lifted in simpler ways.
"""

from __future__ import annotations

from ...extract import NUMBER, TEXT, TEXT_OR_BYTES, is_a
from ...pristine import IS_LINUX

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Numbers below are no addresses: the system keeps the first pages empty (vm.mmap_min_addr).
LOWEST_ADDRESS = 0x10000
# Python gives C so much room for what a request says, if the program's own is not larger.
ROOM = 1024
# Kinds of request, the second byte, of which none has an address: terminals, clocks, watchdogs, GPIO lines, joysticks.
PLAIN_KINDS = frozenset({0x54, 0x57, 0x6A, 0x70, 0xB4})
# Kinds of which those have none that only tell something, which their direction says: disks, input, HID, random
# numbers, file systems (f, v, X, btrfs), sockets. But EVIOCGMASK has one.
TELLING_KINDS, TELLS, LIARS = frozenset({0x12, 0x45, 0x48, 0x52, 0x58, 0x66, 0x76, 0x89, 0x94}), 2, frozenset({0x92})
PLAIN_REQUESTS = frozenset(
    {
        # FIBMAP, FIGETBSZ; geometry, sizes and flushing of disks.
        *(0x1, 0x2, 0x301, *range(0x125D, 0x1269), *range(0x1277, 0x1280)),
        # Of sockets: owners, marks, time stamps; of interfaces, all but SIOCGIFCONF, and the neighbours of hosts.
        *(
            *range(0x8901, 0x8908),
            *range(0x890B, 0x8912),
            *range(0x8913, 0x8940),
            0x8942,
            0x8943,
            *range(0x8947, 0x894A),
        ),
        *(*range(0x8953, 0x8956), *range(0x8960, 0x8963), 0x8980, 0x8981),
        # Flags and attributes of files, copies that share their blocks, freezing and trimming; EVIOCGRAB.
        *(0x40086602, 0x40046602, 0x401C5820, 0x40049409, 0x4020940D, 0xC0045877, 0xC0045878, 0xC0185879, 0x40044590),
    }
)
# fcntl: F_GETLK, F_GETOWN_EX, F_GETOWNER_UIDS, F_OFD_GETLK, F_GET_RW_HINT and F_GET_FILE_RW_HINT write a record.
WRITING_COMMANDS = frozenset({5, 16, 17, 36, 1035, 1037})


def request_by_address(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.ioctl(descriptor, request, argument): the kernel looks at the low 32 bits."""
    if not IS_LINUX:
        return None
    argument = args[2]
    if argument is not None and not is_a(argument, TEXT):
        if is_a(argument, NUMBER):
            if not 0 <= int.__index__(argument) < LOWEST_ADDRESS:
                return "memory"
        else:
            try:
                view = memoryview(argument)
            except TypeError:
                return "memory"  # C would take it for a number
            if view.obj is not argument:
                return "memory"  # it has code of the program's make its memory, anew each time
    return None if keeps_to_record(int.__index__(args[1]) & 0xFFFFFFFF) else "memory"


def keeps_to_record(request: int) -> bool:
    """Whether nothing in a request's record is an address, as far as is known."""
    kind = request >> 8 & 0xFF
    if request >> 16 & 0x3FFF > ROOM:
        return False
    if kind in PLAIN_KINDS or request in PLAIN_REQUESTS:
        return True
    return kind in TELLING_KINDS and request >> 30 == TELLS and not (kind == 0x45 and request & 0xFF in LIARS)


def command_by_address(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.fcntl(descriptor, command, argument)."""
    if not IS_LINUX or int.__index__(args[1]) not in WRITING_COMMANDS or is_a(args[2], TEXT_OR_BYTES):
        return None
    return "memory"
