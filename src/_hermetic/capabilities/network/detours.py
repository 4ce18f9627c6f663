"""Ways by which what is allowed leads elsewhere: routes of packets, and names that are looked up as others; and packets
that nobody sends: of groups that are joined, and of interfaces.
"""

from __future__ import annotations

import _socket
from sys import byteorder as _byteorder

from ...extract import NUMBER, at_start, is_a, newly_set
from ...pristine import IS_LINUX
from .addresses import shown_address
from .rules import UNTOLD_PORT
from .sockets import INTERNET, UNREAD, _family_of, internet_name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# (level, number) of options by which a packet goes to another host first than to the address that is judged: IP_OPTIONS
# and IP_RETOPTS, IPV6_RTHDR and what came before it; IPV6_FLOWLABEL_MGR, whose labels may come with such a header.
ROUTES = ((0, 4), (0, 7), (41, 57), (41, 5), (41, 6), (41, 32))
ROUTED = "source route"
# By these it leaves by another interface than the routes say, where another host may have that address:
# SO_BINDTODEVICE, SO_BINDTOIFINDEX, SO_MARK; IP_UNICAST_IF; IPV6_UNICAST_IF.
DEVICES = ((1, 25), (1, 62), (1, 36), (0, 50), (41, 76))
INTERFACE = "interface"
# IP_PKTINFO, IPV6_PKTINFO and its older number: the same for one packet, or all; and where in them the interface's
# number is.
PACKET, PACKET6, OLDER_PACKET6 = (0, 8), (41, 50), (41, 2)
PACKETS = (PACKET, PACKET6, OLDER_PACKET6)
NUMBER_AT, NUMBER_AT6 = slice(0, 4), slice(16, 20)
# By these root changes what becomes of packets behind the socket, as another address in place of the one that is
# judged: tables of iptables and ebtables, servers of IPVS, policies of IPsec. As ranges of one level.
PACKET_RULES = ((0, 16, 17), (0, 64, 65), (0, 96, 97), (0, 128, 129), (0, 1152, 1167), (41, 34, 35), (41, 64, 65))
LOOPBACK_INTERFACE = 1  # its number in every network of Linux


def option_set(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """setsockopt(level, option, value)."""
    if is_route(args[1], args[2]):
        return ROUTED
    asked = int.__index__(args[1]), int.__index__(args[2])
    if not IS_LINUX:
        return None
    if asked in DEVICES or (asked == PACKET6 and leads_away(asked, args[3] if len(args) > 3 else None)):
        return INTERFACE
    for level, first, last in PACKET_RULES:
        if asked[0] == level and first <= asked[1] <= last:
            return INTERFACE
    return None


def leads_away(asked: tuple[int, int], value: object) -> bool:
    """Whether this part of a packet names an interface that is not loopback's; servers answer by the one they heard."""
    if type(value) is not bytes:
        return True  # a buffer may change until C reads it
    number = value[NUMBER_AT if asked == PACKET else NUMBER_AT6]
    return int.from_bytes(number, _byteorder) not in (0, LOOPBACK_INTERFACE)


def routed_parts(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sendmsg(buffers, ancillary data, ...): what is no plain list could be another one when C reads it."""
    parts = args[2] if len(args) > 2 else ()
    if type(parts) in (list, tuple) and not parts:
        return None
    if _family_of(args[0]) not in INTERNET and internet_name(args[0]) is None:
        return None
    if type(parts) not in (list, tuple):
        return ROUTED
    for part in parts:
        if type(part) is not tuple or len(part) < 2 or is_route(part[0], part[1]):
            return ROUTED
        asked = int.__index__(part[0]), int.__index__(part[1])
        if IS_LINUX and (asked in DEVICES or (asked in PACKETS and leads_away(asked, part[2]))):
            return INTERFACE
    return None


def is_route(level: object, option: object) -> bool:
    if not is_a(level, NUMBER) or not is_a(option, NUMBER):
        return True  # C asks such an object itself, and may hear something else
    return (int.__index__(level), int.__index__(option)) in ROUTES  # type: ignore[arg-type]  # ints, as was just seen


# Options by which a group is joined, which the system tells the network, as (level, number): by where in the value the
# group's address is, from its start or, behind the number of an interface, as a socket address.
IP, IP6 = 0, 41
MEMBERSHIP, SOURCE_MEMBERSHIP = (IP, getattr(_socket, "IP_ADD_MEMBERSHIP", -1)), (IP, 39)
GROUPS4, GROUPS6 = frozenset({MEMBERSHIP}), frozenset({(IP6, getattr(_socket, "IPV6_JOIN_GROUP", -1))})
GROUPS_BEHIND: frozenset[tuple[int, int]] = frozenset()
if IS_LINUX:
    GROUPS4 |= {SOURCE_MEMBERSHIP, (IP, 41)}  # the last is IP_MSFILTER
    GROUPS6 |= {(IP6, 27)}  # IPV6_JOIN_ANYCAST
    # MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_MSFILTER
    GROUPS_BEHIND = frozenset([(level, number) for level in (IP, IP6) for number in (42, 46, 48)])
JOINS = GROUPS4 | GROUPS6 | GROUPS_BEHIND


def joined_group(args: tuple[Any, ...], kwargs: Any) -> Any:
    """setsockopt(level, option, value) that joins a group: as if the group were sent to. See ``address_of``.

    On the interface of loopback it is a matter of this machine's.
    """
    level, option, value = args[1], args[2], args[3] if len(args) > 3 else None
    if not is_a(level, NUMBER) or not is_a(option, NUMBER):
        return None  # refused as a route
    asked = int.__index__(level), int.__index__(option)
    if asked not in JOINS:
        return None
    if type(value) is not bytes:
        return INTERNET[0], UNREAD, 0, "join"  # a buffer may change until C reads it
    packed = value[4:8] if is_on_loopback(asked, value) else group_of(asked, value)
    family = INTERNET[0] if len(packed) == 4 else INTERNET[1]
    return family, shown_address(packed) if len(packed) in (4, 16) else UNREAD, UNTOLD_PORT, "join"


def is_on_loopback(asked: tuple[int, int], value: bytes) -> bool:
    """Whether the interface is said by its address, which is loopback's; behind it may stand its number (ip_mreqn)."""
    said = asked == SOURCE_MEMBERSHIP or (asked == MEMBERSHIP and not any(value[8:12]))
    return said and value[4:5] == b"\x7f"


def group_of(asked: tuple[int, int], value: bytes) -> bytes:
    if asked in GROUPS4:
        return value[:4]
    if asked in GROUPS6:
        return value[:16]
    family = int.from_bytes(value[8:10], _byteorder)
    return value[12:16] if family == INTERNET[0] else value[16:32]


# Requests of ioctl that change what interfaces, routes and neighbours this machine has; and TUNSETIFF and TIOCSETD,
# which make one: of a terminal, by SLIP or PPP. By their numbers on Linux.
INTERFACE_REQUESTS = frozenset(
    {
        # Routes, and the interface's own: flags, addresses, sizes, names, groups of frames.
        *(0x890B, 0x890C, 0x890D, 0x8911, *range(0x8914, 0x8926, 2), 0x8923, 0x8926, 0x8930, 0x8931, 0x8932),
        # Neighbours; networks inside of networks, bonds and bridges; what drivers have of their own, as tunnels.
        *(0x8934, 0x8936, 0x8937, 0x8943, 0x8949, 0x8953, 0x8955, 0x8960, 0x8962, 0x8971, 0x8980, 0x8981, 0x8983),
        *(*range(0x8990, 0x8996), *range(0x89A0, 0x89A4), 0x89B0, *range(0x89F0, 0x8A00)),
        *(0x400454CA, 0x5423),
    }
)


def interface_changed(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.ioctl(descriptor, request, argument): the kernel looks at the low 32 bits."""
    return INTERFACE if IS_LINUX and int.__index__(args[1]) & 0xFFFFFFFF in INTERFACE_REQUESTS else None


def another_network(args: tuple[Any, ...], kwargs: Any) -> str:
    """os.setns: in another namespace the same address, loopback's too, is another host's."""
    return INTERFACE


# By these the C library looks an allowed name up as another one: below a domain, or by an alias.
RESOLVER_VARIABLES = at_start(("LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"))


def resolver_variable(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.putenv(name, value). What was there at the start may be put back."""
    return newly_set(args, RESOLVER_VARIABLES)
