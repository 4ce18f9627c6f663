"""Entries of the lists of hosts: what a line of text means, in one form, or the reason why it means nothing.

An entry is (kind, key, ports). kind and key: NAME and that one host name; BELOW and the
name whose subdomains are meant; RANGE and (bits of an address, bits of its network, the
network's number), a single address being the smallest range. ports: (lowest, highest),
or None when no port was named.
"""

from __future__ import annotations

import _socket

from .addresses import (
    LOCAL_NAT64,
    LONGEST_LABEL,
    LONGEST_NAME,
    LOOPBACK6,
    MAPPED,
    NAME_LETTERS,
    SIX_TO_FOUR,
    UNSPECIFIED6,
    V4_PREFIXES,
    ascii_form,
    packed_address,
    unwrapped,
)
from .rules import HIGHEST_PORT, NO_LISTS, joined

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    from .rules import Lists, Ports

    Span: TypeAlias = tuple[int, int] | None
    Entry: TypeAlias = tuple[str, Any, Span]

NAME, BELOW, RANGE = "name", "below", "range"
DIGITS = frozenset("0123456789")
FOR_SOCKETS = "Unix sockets are for --allow-unix-socket (allow_unix_sockets)"
# IPv4 inside IPv6, as (bits of the network, its first bytes): what lies in there is compared as IPv4, and written so.
WRAPPINGS = tuple([(8 * len(prefix), prefix) for prefix in (*V4_PREFIXES, LOCAL_NAT64, SIX_TO_FOUR)])
# What ``localhost`` stands for besides the name: where it is allowed, and where it is denied.
LOOPBACK_PLACES = ((RANGE, (32, 32, 0x7F000001)), (RANGE, (128, 128, 1)))
ALL_LOOPBACK = ((RANGE, (32, 8, 0x7F000000)), (RANGE, (128, 128, 1)))

_pton, _ntop, _error = _socket.inet_pton, _socket.inet_ntop, OSError
FAMILY = {32: _socket.AF_INET, 128: _socket.AF_INET6}


def parse(text: str) -> Entry:
    """What an entry means. ValueError with the reason for one that means nothing, or more than one thing."""
    try:
        return parsed(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a host: {error}") from None


def parsed(text: str) -> Entry:
    if not text:
        raise ValueError("it is empty")
    if not text.isprintable() or " " in text:
        raise ValueError("it has a space or a control character in it")
    if is_place(text):
        raise ValueError(FOR_SOCKETS)
    for mark, meaning in (("://", "a URL"), ("@", "a user's name")):
        if mark in text:
            raise ValueError(f"{meaning} is more than a host; write NAME, NAME:PORT or ADDRESS")
    if "%" in text:
        raise ValueError("a zone cannot be part of it; an address counts in every zone")
    host, ports = split(text)
    if "/" in host or ":" in host:
        return RANGE, span_of_addresses(host), ports
    try:
        return RANGE, (32, 32, int.from_bytes(_pton(FAMILY[32], host), "big")), ports
    except (_error, UnicodeError):
        pass
    if host.startswith("*."):
        return BELOW, name(host[2:]), ports
    return NAME, name(host), ports


def is_place(text: str) -> bool:
    """Whether this can only have been meant as the place of a Unix socket."""
    return text.startswith(("unix:", "@", "~", "./", "../")) or (text[:1] == "/" != text[1:2])


def split(text: str) -> tuple[str, Span]:
    """(host, ports) of HOST, HOST:PORT, HOST:PORT-PORT; an IPv6 host is in brackets, or bare and without ports."""
    if text[0] == "[":
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host:
            raise ValueError("brackets are for an IPv6 address, as in [::1]:8000")
        if rest and rest[0] != ":":
            raise ValueError("only :PORT can follow the brackets")
        return host, span_of_ports(rest[1:]) if rest else None
    if "[" in text or "]" in text:
        raise ValueError("brackets are for an IPv6 address, as in [::1]:8000")
    if text.count(":") != 1:
        return text, None
    host, _, ports = text.partition(":")
    if not host:
        raise ValueError("no host stands before the port")
    return host, span_of_ports(ports)


def span_of_ports(text: str) -> tuple[int, int]:
    low, dash, high = text.partition("-")
    lowest = port(low)
    highest = port(high) if dash else lowest
    if lowest > highest:
        raise ValueError(f"the ports {text} run backwards")
    return lowest, highest


def port(text: str) -> int:
    if not text:
        raise ValueError("a port is missing")
    if not DIGITS.issuperset(text) or text[0] == "0" or len(text) > 5 or int(text) > HIGHEST_PORT:
        raise ValueError(f"{text} is no port; ports are numbers from 1 to {HIGHEST_PORT}")
    return int(text)


def span_of_addresses(text: str) -> tuple[int, int, int]:
    """(bits, bits of the network, its number) of an address or a range in CIDR notation."""
    address, slash, length = text.partition("/")
    bits = 128 if ":" in address else 32
    try:
        packed = _pton(FAMILY[bits], address)
    except (_error, UnicodeError):
        hint = "only a range of addresses has a slash" if slash else "a port needs [ADDRESS]:PORT"
        raise ValueError(f"{address} is not an address; {hint}") from None
    size = bits
    if slash:
        if not length or not DIGITS.issuperset(length) or (length[0] == "0" and len(length) > 1) or int(length) > bits:
            raise ValueError(f"/{length} is no length of a network; it goes from 0 to {bits}")
        size = int(length)
    number = int.from_bytes(packed, "big")
    network = number >> (bits - size) << (bits - size)
    if network != number:
        raise ValueError(f"it has bits beyond its length; the network is {written_range(bits, size, network)}")
    return unwrapped_range(packed, size) if bits == 128 else (bits, size, number)


def unwrapped_range(packed: bytes, size: int) -> tuple[int, int, int]:
    """An IPv6 range, or the IPv4 one that it stands for."""
    number = int.from_bytes(packed, "big")
    if size == 128 and packed in (LOOPBACK6, UNSPECIFIED6):
        return 128, size, number
    for length, prefix in WRAPPINGS:
        if size >= length and packed[: len(prefix)] == prefix:
            if prefix == MAPPED:
                return 32, size - 96, number & 0xFFFFFFFF
            inside = _ntop(FAMILY[32], unwrapped(packed)) if size == 128 else "the IPv4 range"
            raise ValueError(
                f"it holds IPv4 addresses, which count in every form; write {inside} (ports: [ADDRESS]:PORT)"
            )
    return 128, size, number


def name(text: str) -> str:
    """A host name in ASCII and lower case."""
    host = ascii_form(text).lower().removesuffix(".")
    if "*" in host:
        raise ValueError("a pattern is *.NAME, for all that lies below NAME")
    if "," in host:
        raise ValueError("lists are not understood: one host each")
    if not host or not NAME_LETTERS.issuperset(host):
        raise ValueError("a name has letters, digits, hyphens and dots")
    if len(host) > LONGEST_NAME or not all(0 < len(label) <= LONGEST_LABEL for label in host.split(".")):
        raise ValueError("a part of the name is empty or too long")
    packed = packed_address(host)
    if packed is not None:
        raise ValueError(f"this spelling of an address is not the usual one; write {_ntop(FAMILY[32], packed)}")
    return host


# --- back to text ---


def written_range(bits: int, size: int, number: int) -> str:
    text = _ntop(FAMILY[bits], number.to_bytes(bits // 8, "big"))
    return text if size == bits else f"{text}/{size}"


def written(entry: Entry) -> str:
    """The entry as text, which means the same again."""
    kind, key, ports = entry
    text = written_range(*key) if kind == RANGE else f"*.{key}" if kind == BELOW else key
    if ports is None:
        return text
    if ":" in text:
        text = f"[{text}]"
    return f"{text}:{ports[0]}" if ports[0] == ports[1] else f"{text}:{ports[0]}-{ports[1]}"


# --- tables ---


def lists_of(texts: Iterable[str], loopback: Any, addresses: Iterable[str] = ()) -> Lists:
    """Tables of these entries. loopback: what ``localhost`` stands for. addresses: more entries, in any spelling."""
    found: tuple[dict[Any, Ports], ...] = ({}, {}, {}, {})
    for text in sorted(texts):
        kind, key, ports = parse(text)
        add(found, kind, key, ports, text)
        if kind == NAME and key == "localhost":
            for place, number in loopback:
                add(found, place, number, ports, text)
    for text in sorted(addresses):
        packed = packed_address(text)
        assert packed is not None
        # Among the ranges: only an entry of its own gives an address back for listening.
        bits = 8 * len(packed)
        add_range(found, (bits, bits, int.from_bytes(packed, "big")), None, text)
    if not any(found):
        return NO_LISTS
    shifts = {bits: sorted({shift for size, shift, _ in found[3] if size == bits}) for bits in (32, 128)}
    names, below, singles, ranges = (table_of(part) for part in found)
    return names, below, singles, tuple(shifts[32]), tuple(shifts[128]), ranges


def add(found: Any, kind: str, key: Any, ports: Span, text: str) -> None:
    if kind != RANGE:
        put(found[kind == BELOW], key, ports, text)
    elif key[0] == key[1]:
        put(found[2], key[2].to_bytes(key[0] // 8, "big"), ports, text)
    else:
        add_range(found, key, ports, text)


def add_range(found: Any, key: tuple[int, int, int], ports: Span, text: str) -> None:
    bits, size, number = key
    put(found[3], (bits, bits - size, number >> (bits - size)), ports, text)


def put(part: dict[Any, Ports], key: Any, ports: Span, text: str) -> None:
    one: Ports = (text, (), (), ()) if ports is None else ("", (ports[0],), (ports[1],), (text,))
    part[key] = joined(part[key], one) if key in part else one


def table_of(part: dict[Any, Ports]) -> tuple[tuple[tuple[tuple[Any, Ports], ...], ...], int]:
    """A hash table made of tuples, which nobody can change: (slots, mask)."""
    size = 1
    while size < 2 * len(part):
        size *= 2
    slots: list[tuple[tuple[Any, Ports], ...]] = [()] * size
    for key, ports in part.items():
        place = hash(key) & (size - 1)
        slots[place] = (*slots[place], (key, ports))
    return tuple(slots), size - 1
