"""What the rules of the network hold, and looking a host up in their lists, at a cost that does not grow with them.

Lists: (names, names whose subdomains are meant, single addresses, lengths of the IPv4
and of the IPv6 ranges, ranges), the first three and the last a hash table of tuples.
Ports: what one key of a table allows or denies, (entry without a port or an empty text,
lowest ports, highest ports, entries); the three tuples run in parallel, in order, and
no port is in two places.
"""

from __future__ import annotations

from .addresses import RESOLVER_PORTS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Rules: TypeAlias = tuple[Any, ...]
    Ports: TypeAlias = tuple[str, tuple[int, ...], tuple[int, ...], tuple[str, ...]]
    Lists: TypeAlias = tuple[Any, ...]

# Places in the rules of a running policy. BLOCK: whether what nothing allows is denied; without it, only what is denied
# by name or number is. ALLOWED, DENIED: lists of hosts. PRIVATE: whether private addresses are denied.
# SOCKETS: Unix sockets, (the place as given, the place it led to at the start).
BLOCK, LOCALHOST, DOMAINS, ALLOWED, DENIED, PRIVATE, SOCKETS = range(7)
# The rest is made by `prepare` and filled while the program runs; what it can add is bounded by the others. LEARNT:
# addresses that allowed names resolved to, with the ports of their rules; DENIED_LEARNT: the same of
# names that are denied on some ports. OWN, SHARED: Unix sockets bound by this process, and by this one and its forks.
LEARNT, DENIED_LEARNT, OWN, SHARED = range(7, 11)

NAMES, BELOW, ADDRESSES, SHIFTS4, SHIFTS6, RANGES = range(6)
NO_LISTS: Lists = ()
# Of a domain, which has no ports.
EVERY_PORT: Ports = ("*", (), (), ())
# A port that the call does not tell (a service's name, say), and the question whether any port is covered.
UNTOLD_PORT, ANY_PORT = -1, -2
HIGHEST_PORT = 65535


def has_addresses(lists: Lists) -> bool:
    """Whether anything but names is listed."""
    return bool(lists) and bool(lists[ADDRESSES][0][0] or lists[ADDRESSES][1] or lists[SHIFTS4] or lists[SHIFTS6])


def look(table: Any, key: Any) -> Ports | None:
    """What a hash table of tuples has under this key."""
    for known, ports in table[0][hash(key) & table[1]]:
        if known == key:
            return ports  # type: ignore[no-any-return]  # a table holds nothing else
    return None


def entry_for(ports: Ports, port: int, local: bool) -> str:
    """The entry that covers a port, or an empty text. local: on loopback, resolvers' ports must be named."""
    if ports[0] and not (local and port in RESOLVER_PORTS):
        return ports[0]
    lows = ports[1]
    if not lows or port == UNTOLD_PORT:
        return ""
    if port == ANY_PORT:
        return ports[3][0]
    first, last = 0, len(lows)
    while first < last:
        middle = (first + last) // 2
        if lows[middle] <= port:
            first = middle + 1
        else:
            last = middle
    return ports[3][first - 1] if first and port <= ports[2][first - 1] else ""


def name_entry(lists: Lists, host: str, port: int, local: bool) -> str:
    """The entry that covers a name, itself or as a subdomain; or an empty text."""
    ports = look(lists[NAMES], host)
    if ports is not None:
        found = entry_for(ports, port, local)
        if found:
            return found
    if lists[BELOW][1] or lists[BELOW][0][0]:
        rest = str.partition(host, ".")[2]
        while rest:
            ports = look(lists[BELOW], rest)
            if ports is not None:
                found = entry_for(ports, port, local)
                if found:
                    return found
            rest = str.partition(rest, ".")[2]
    return ""


def single_entry(lists: Lists, packed: bytes, port: int, local: bool) -> str:
    """The entry that is this address and no range."""
    ports = look(lists[ADDRESSES], packed)
    return "" if ports is None else entry_for(ports, port, local)


def address_entry(lists: Lists, packed: bytes, port: int, local: bool) -> str:
    """The entry that covers an address, or an empty text: one look for it, and one for each length of a range."""
    found = single_entry(lists, packed, port, local)
    if found:
        return found
    shifts = lists[SHIFTS4] if len(packed) == 4 else lists[SHIFTS6]
    if shifts:
        number = int.from_bytes(packed, "big")
        for shift in shifts:
            ports = look(lists[RANGES], (8 * len(packed), shift, number >> shift))
            if ports is not None:
                found = entry_for(ports, port, local)
                if found:
                    return found
    return ""


def ports_of_name(lists: Lists, host: str) -> Ports | None:
    """All that the entries for a name say of its ports."""
    found = look(lists[NAMES], host)
    rest = str.partition(host, ".")[2]
    while rest:
        more = look(lists[BELOW], rest)
        if more is not None:
            found = more if found is None else joined(found, more)
        rest = str.partition(rest, ".")[2]
    return found


def joined(one: Ports, two: Ports) -> Ports:
    """The ports of both."""
    if one == two:
        return one
    spans = sorted([*zip(one[1], one[2], one[3]), *zip(two[1], two[2], two[3])])
    lows: list[int] = []
    highs: list[int] = []
    entries: list[str] = []
    for low, high, entry in spans:
        if highs and low <= highs[-1]:
            low = highs[-1] + 1  # what the one before covers is its own
        if low <= high:
            lows.append(low)
            highs.append(high)
            entries.append(entry)
    return one[0] or two[0], tuple(lows), tuple(highs), tuple(entries)


def without(one: Ports, two: Ports) -> Ports:
    """The ports of the first that are not among the second's; for addresses that are not loopback's."""
    if two[0]:
        return "", (), (), ()
    lows: list[int] = []
    highs: list[int] = []
    entries: list[str] = []
    for low, high, entry in ((0, HIGHEST_PORT, one[0]),) if one[0] else zip(one[1], one[2], one[3]):
        begin = low
        for number in range(len(two[1])):
            if two[2][number] < begin or two[1][number] > high:
                continue
            if begin < two[1][number]:
                lows.append(begin)
                highs.append(two[1][number] - 1)
                entries.append(entry)
            begin = two[2][number] + 1
        if begin <= high:
            lows.append(begin)
            highs.append(high)
            entries.append(entry)
    return "", tuple(lows), tuple(highs), tuple(entries)
