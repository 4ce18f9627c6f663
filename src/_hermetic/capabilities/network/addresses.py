"""Hosts and addresses: every spelling of one, in one form.

What C and a guard could read differently is refused, never guessed.
"""

from __future__ import annotations

import _socket

from ...extract import exact_text

# On loopback too, these answer for the internet.
RESOLVER_PORTS = frozenset({53, 853, 5353})
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal"})
PLAIN_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PLAIN_LOOPBACK_BYTES = frozenset({b"127.0.0.1", b"localhost", b"::1"})  # as stand-ins hand them to C
LOOPBACK_NAMES = frozenset({"localhost"})


_inet_aton, _inet_pton, _inet_ntop = _socket.inet_aton, _socket.inet_pton, _socket.inet_ntop
_error = OSError


def clean_host(value: object) -> str:
    """A host as the guards compare it: exact text, lower case, no trailing dot.

    Raises ValueError for what C and a guard could read differently: NUL, spaces,
    control characters, backslashes, empty labels, non-ASCII (write the ``xn--`` form).
    """
    if type(value) is str and value in PLAIN_LOOPBACK:
        return value  # most connections, and clean as they are
    if type(value) is not str and type(value) is not bytes:
        # C asks a subclass of str to encode itself.
        raise TypeError("a host is exactly str or bytes")
    text = exact_text(value)
    host = str.lower(text)
    # The text itself: the Kelvin sign's lower case is an ASCII k, and C would still have the IDNA codec asked.
    if not str.isascii(text) or not str.isprintable(host) or " " in host:
        raise ValueError("not an ASCII host name")
    if "\\" in host:
        # Resolvers take it as zone files have it: \097 is asked for as the letter, and \. is no end of a label.
        raise ValueError("a backslash is no part of a host name")
    if host[-1:] == ".":
        host = host[:-1]
        if packed_address(host) is not None:
            raise ValueError("an address with a dot behind it is looked up as a name")
    if ".." in host or host[:1] == ".":
        raise ValueError("empty label")
    return host


def ascii_form(host: str) -> str:
    """A name of a rule as it is asked for. ValueError for one that is another name to some programs.

    Python's IDNA is the older one: a sharp s is two letters, and what joins letters is none. To browsers and most
    clients these are letters of their own, and what they make the name is another owner's.
    """
    return ".".join([label if label.isascii() else ascii_label(label) for label in host.split(".")])


def ascii_label(label: str) -> str:
    found = label.encode("idna").decode("ascii")
    from unicodedata import normalize  # the codec has loaded it

    if found.encode("ascii").decode("idna") != normalize("NFC", label.lower()):
        raise ValueError(f"programs read {label!r} in two ways; write {found}, or the xn-- form that is meant")
    return found


def packed_address(host: str) -> bytes | None:
    """The 4 or 16 bytes that any spelling of an address stands for; None for a name.

    IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64, 6to4) come out as IPv4.
    """
    raw = raw_address(host)
    return raw if raw is None or len(raw) == 4 else unwrapped(raw)


def raw_address(host: str) -> bytes | None:
    """The same as it is sent: an IPv4 address inside an IPv6 one stays there."""
    try:
        return _inet_aton(host)
    except _error:
        pass
    try:
        return _inet_pton(_socket_inet6, host.partition("%")[0])
    except _error:
        return None


_socket_inet4, _socket_inet6 = _socket.AF_INET, _socket.AF_INET6
MAPPED = b"\0" * 10 + b"\xff\xff"
V4_PREFIXES = (
    MAPPED,
    b"\0" * 8 + b"\xff\xff\0\0",  # translated, RFC 2765
    b"\0" * 12,  # compatible
    b"\0\x64\xff\x9b" + b"\0" * 8,  # NAT64, RFC 6052
)
LOCAL_NAT64 = b"\0\x64\xff\x9b\0\1"  # RFC 8215
SIX_TO_FOUR = b"\x20\x02"  # RFC 3056
UNSPECIFIED6, LOOPBACK6 = b"\0" * 16, b"\0" * 15 + b"\1"
LOOPBACK4 = b"\x7f\0\0\1"


def unwrapped(packed: bytes) -> bytes:
    """The IPv4 address inside an IPv6 one, or the address itself."""
    if len(packed) == 16 and packed != UNSPECIFIED6 and packed != LOOPBACK6:
        if packed[:12] in V4_PREFIXES or packed[:6] == LOCAL_NAT64:
            return packed[12:]
        if packed[:2] == SIX_TO_FOUR:
            return packed[2:6]
    return packed


TEREDO = b"\x20\x01\0\0"  # RFC 4380: a server's address, and a client's with its bits turned
ISATAP = frozenset({b"\0\0\x5e\xfe", b"\2\0\x5e\xfe"})  # RFC 5214: before the address, in whatever network


def carried(packed: bytes) -> list[bytes]:
    """More IPv4 addresses that an IPv6 one may be on its way to: these count where they are denied, and give nothing.

    Networks choose the length of their local prefix for NAT64, and with it where the address is (RFC 6052, 2.2).
    """
    if len(packed) != 16:
        return []
    found = [packed[12:]] if packed[8:12] in ISATAP else []
    if packed[:4] == TEREDO:
        found += [packed[4:8], bytes([byte ^ 0xFF for byte in packed[12:]])]
    if packed[:6] == LOCAL_NAT64:
        found += [packed[6:8] + packed[9:11], packed[7:8] + packed[9:12], packed[9:13]]
    return [inner for inner in found if inner[0]]  # nothing is sent to 0.0.0.0/8


METADATA = frozenset(
    {
        b"\xa9\xfe\xa9\xfe",  # 169.254.169.254, most clouds
        b"\x64\x64\x64\xc8",  # 100.100.100.200, Alibaba
        b"\xfd\x00\x0e\xc2" + b"\0" * 10 + b"\x02\x54",  # fd00:ec2::254, EC2
        b"\xfe\x80" + b"\0" * 10 + b"\xa9\xfe\xa9\xfe",  # fe80::a9fe:a9fe
    }
)


def is_loopback(packed: bytes) -> bool:
    """127.0.0.0/8, ::1, and the unspecified addresses, which mean this host as a destination."""
    return packed[:1] == b"\x7f" if len(packed) == 4 and packed != b"\0\0\0\0" else packed in LOCAL


LOCAL = frozenset({b"\0\0\0\0", UNSPECIFIED6, LOOPBACK6})


def leaves(raw: bytes) -> bool:
    """Whether an address that holds one of this machine is sent into the network all the same, to who would translate
    it or take it out of its tunnel. Only a mapped one stays here.
    """
    return len(raw) == 16 and raw[:12] != MAPPED and raw not in LOCAL and is_loopback(unwrapped(raw))


# What the machine has names for: every other of its addresses could be a message to whoever answers for names. Debian
# writes the machine's own name beside the second.
NAMED_HERE = frozenset({LOOPBACK4, b"\x7f\0\1\1", *LOCAL})


def is_link_local(packed: bytes) -> bool:
    """169.254.0.0/16 and fe80::/10."""
    if len(packed) == 4:
        return packed[:2] == b"\xa9\xfe"
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80


def is_private(packed: bytes) -> bool:
    """Networks that are not the internet: RFC 1918, CGNAT (100.64/10), ULA (fc00::/7), link-local and site-local."""
    if len(packed) == 4:
        first, second = packed[0], packed[1]
        return (
            first == 10
            or (first == 172 and second & 0xF0 == 16)
            or (first == 192 and second == 168)
            or (first == 100 and second & 0xC0 == 64)
            or (first == 169 and second == 254)
        )
    return packed[0] & 0xFE == 0xFC or (packed[0] == 0xFE and packed[1] & 0x80 == 0x80)


def is_metadata(host: str, packed: bytes | None) -> bool:
    """Whether this is a cloud metadata service, by name or by address."""
    return host in METADATA_NAMES if packed is None else packed in METADATA


def matches(domains: frozenset[str], host: str) -> bool:
    """Whether host is an allowed domain or lies below one, at a dot."""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False


def shown_address(packed: bytes) -> str:
    """The usual spelling."""
    return _inet_ntop(_socket_inet4 if len(packed) == 4 else _socket_inet6, packed)


UNSPECIFIED = frozenset({b"\0\0\0\0", UNSPECIFIED6})
# What the unspecified addresses lead to as a destination.
THIS_HOST = ((b"\0\0\0\0", LOOPBACK4), (UNSPECIFIED6, LOOPBACK6))
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104  # compared and shown, not bound
EVERY_INTERFACE6 = "::"
BROADCAST, LIMITED_BROADCAST = "<broadcast>", "255.255.255.255"
LONGEST_NAME, LONGEST_LABEL = 253, 63
NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
