"""What two configurations both give back of the network: their allowances meet pair by pair.

Each allowance is taken as a set of destinations, whatever setting it came from: a
domain is a name and what lies below it, loopback is its addresses and its name. What
two of them have in common is written as hosts again, or as a domain where it is one.
"""

from __future__ import annotations

from _hermetic.capabilities.network.addresses import RESOLVER_PORTS, ascii_form, packed_address
from _hermetic.capabilities.network.entries import BELOW, LOOPBACK_PLACES, NAME, RANGE, WRAPPINGS, parse, written
from _hermetic.capabilities.network.rules import HIGHEST_PORT

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    from _hermetic.capabilities.network.entries import Entry, Span

    Values: TypeAlias = Mapping[str, Any]

# A name and what lies below it; loopback as allow_localhost gives it back.
DOMAIN, LOOPBACK = "domain", "loopback"
# What the latter covers, for entries: the name, and these addresses except on resolvers' ports.
LOOPBACK_RANGES = ((32, 8, 0x7F000000), (32, 32, 0), (128, 128, 1), (128, 128, 0))
THIS_HOST6 = ((128, 128, 0), (128, 128, 1))
PRIVATE_RANGES = (
    (32, 8, 10 << 24),
    (32, 12, (172 << 24) + (16 << 16)),
    (32, 16, (192 << 24) + (168 << 16)),
    (32, 10, (100 << 24) + (64 << 16)),
    (32, 16, (169 << 24) + (254 << 16)),
    (128, 7, 0xFC << 120),
    (128, 9, 0xFE80 << 112),
)
# IPv6 ranges whose addresses count as IPv4: no entry of its own reaches them.
WRAPPED_RANGES = tuple(
    [(128, size, int.from_bytes(prefix.ljust(16, b"\0"), "big")) for size, prefix in WRAPPINGS],
)


def common_hosts(mine: Values, theirs: Values) -> dict[str, Any]:
    """allow_localhost, allow_domains and allow_hosts of the configuration that allows only what both allow."""
    blocking = [side for side in (mine, theirs) if side["block_network"]]
    if len(blocking) == 1:
        (side,) = blocking
        other = theirs if side is mine else mine
        return beside_private(side, other) if other["deny_private_network"] else own(side)
    if not blocking:
        private = [side for side in (mine, theirs) if side["deny_private_network"]]
        return own(private[0]) if len(private) == 1 else pairs(mine, theirs)
    return pairs(mine, theirs)


def own(side: Values) -> dict[str, Any]:
    return {
        "allow_localhost": side["allow_localhost"],
        "allow_domains": list(side["allow_domains"]),
        "allow_hosts": list(side["allow_hosts"]),
    }


def beside_private(side: Values, other: Values) -> dict[str, Any]:
    """A side that blocks, with one that denies private addresses alone: the exceptions of both must agree."""
    found = own(side)
    exceptions = [entry for entry in map(parse, other["allow_hosts"]) if entry[0] == RANGE]
    kept: list[Entry] = []
    addresses = [domain for domain in found["allow_domains"] if packed_address(domain) is not None]
    found["allow_domains"] = [domain for domain in found["allow_domains"] if domain not in addresses]
    for kind, key, ports in [*map(parse, found["allow_hosts"]), *map(number_entry, addresses)]:
        if kind != RANGE:
            kept.append((kind, key, ports))
            continue
        kept += [(RANGE, piece, ports) for piece in without(key, PRIVATE_RANGES + WRAPPED_RANGES)]
        # These two lie among what stands for IPv4 and stand for themselves.
        kept += [(RANGE, place, ports) for place in THIS_HOST6 if narrower(key, place) == place]
        for exception in exceptions:
            kept += meet((kind, key, ports), exception)
    found["allow_hosts"] = list(dict.fromkeys(map(written, kept)))
    return found


def without(key: tuple[int, int, int], holes: tuple[tuple[int, int, int], ...]) -> Iterator[tuple[int, int, int]]:
    """The parts of a range that lie in none of the others."""
    touching = [hole for hole in holes if narrower(key, hole) is not None]
    if not touching:
        yield key
    elif not any(narrower(key, hole) == key for hole in touching):
        bits, size, number = key
        for half in (number, number + (1 << (bits - size - 1))):
            yield from without((bits, size + 1, half), tuple(touching))


def pairs(mine: Values, theirs: Values) -> dict[str, Any]:
    """Every allowance of one side with every one of the other."""
    met = [found for one in allowances(mine) for two in allowances(theirs) for found in meet(one, two)]
    hosts = [entry for entry in met if entry[0] in (NAME, BELOW, RANGE)]
    domains = [entry[1] for entry in met if entry[0] == DOMAIN]
    return {
        "allow_localhost": any(entry[0] == LOOPBACK for entry in met),
        "allow_domains": list(dict.fromkeys(domains)),
        "allow_hosts": list(dict.fromkeys(map(written, hosts))),
    }


def allowances(side: Values) -> Iterator[Entry]:
    """What a side gives back, each as (kind, key, ports)."""
    if side["allow_localhost"]:
        yield LOOPBACK, None, None
    for domain in side["allow_domains"]:
        host = domain.removeprefix("*.").lower().removesuffix(".")
        if packed_address(host) is not None:
            yield number_entry(host)
        else:
            yield DOMAIN, ascii_form(host), None
    for text in side["allow_hosts"]:
        entry = parse(text)
        yield entry
        if entry[:2] == (NAME, "localhost"):
            for _, key in LOOPBACK_PLACES:
                yield RANGE, key, entry[2]


def number_entry(domain: str) -> Entry:
    packed = packed_address(domain)
    assert packed is not None
    return RANGE, (8 * len(packed), 8 * len(packed), int.from_bytes(packed, "big")), None


def meet(one: Entry, two: Entry) -> list[Entry]:
    """What two allowances have in common."""
    for first, second in ((one, two), (two, one)):
        if first[0] == LOOPBACK:
            return on_loopback(second)
    (kind, key, _), (other, key2, _) = one, two
    ports = common_ports(one[2], two[2])
    if ports == ():
        return []
    # An entry without ports leaves resolvers' ports on loopback out; one that names them does not.
    spans = [ports] if (one[2] is None) == (two[2] is None) else without_resolvers(ports)
    if RANGE in (kind, other):
        inner = narrower(key, key2) if kind == other else None
        if inner is None:
            return []
        if spans == [ports]:
            return [(RANGE, inner, ports)]
        local = [found for place in LOOPBACK_RANGES if (found := narrower(inner, place)) is not None]
        elsewhere: list[Entry] = [(RANGE, piece, ports) for piece in without(inner, LOOPBACK_RANGES + WRAPPED_RANGES)]
        return elsewhere + [(RANGE, piece, span) for piece in local for span in spans]
    names = common_names((kind, key), (other, key2), ports)
    return [(found, name, span) for found, name in names for span in (spans if name == "localhost" else [ports])]


def on_loopback(entry: Entry) -> list[Entry]:
    """What an allowance has in common with loopback, which leaves out resolvers' ports."""
    kind, key, ports = entry
    if kind == LOOPBACK:
        return [entry]
    if kind == RANGE:
        inner = [found for place in LOOPBACK_RANGES if (found := narrower(key, place)) is not None]
        return [(RANGE, place, span) for place in inner for span in without_resolvers(ports)]
    if (kind, key) == (NAME, "localhost"):
        return [(NAME, key, span) for span in without_resolvers(ports)]
    return []


def without_resolvers(ports: Span) -> list[Span]:
    """The parts of a span of ports that are no resolver's; an entry without ports leaves them out by itself."""
    if ports is None:
        return [None]
    found: list[Span] = []
    low, high = ports
    for port in [*sorted(RESOLVER_PORTS), HIGHEST_PORT + 1]:
        if low <= min(port - 1, high):
            found.append((low, min(port - 1, high)))
        low = max(low, port + 1)
    return found


def common_ports(one: Span, two: Span) -> Any:
    """The ports in both spans: a span, None for all, or () for none."""
    if one is None or two is None:
        return one if two is None else two
    low, high = max(one[0], two[0]), min(one[1], two[1])
    return (low, high) if low <= high else ()


def narrower(one: tuple[int, int, int], two: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """Of two ranges, the one that lies in the other."""
    if one[1] < two[1]:
        one, two = two, one
    bits, size, number = two
    return one if one[0] == bits and one[2] >> (bits - size) == number >> (bits - size) else None


def common_names(one: tuple[str, str], two: tuple[str, str], ports: Span) -> list[tuple[str, str]]:
    """The names that both cover, each being a name, what lies below one, or both."""
    for (kind, name), (other, base) in ((one, two), (two, one)):
        inside = name.endswith("." + base)
        if kind == NAME and other == NAME:
            return [(NAME, name)] if name == base else []
        if inside and other != NAME:
            # All of the one lies below the other's name.
            return [(kind, name)] if kind != DOMAIN or ports is None else [(NAME, name), (BELOW, name)]
        if name == base and other == DOMAIN:
            return [(kind, name)] if kind != DOMAIN or ports is None else [(NAME, name), (BELOW, name)]
        if name == base and kind == other == BELOW:
            return [(BELOW, name)]
    return []
