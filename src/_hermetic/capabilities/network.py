"""Network: whom the program may look up, connect to, and listen as.

Addresses are compared after normalisation; names are matched whole or by parent
domain. Cloud metadata addresses are refused even when a rule would allow them,
and loopback needs its own permission even when an allowed name resolves to it.
"""

from __future__ import annotations

import _socket

from ..callers import CALLER_DEPTH, asker, calling_frame
from ..extract import NUMBER, TUPLE, argument, exact_text, is_a
from ..model import PRIVATE, Family, GuardedCall
from ..pristine import stat

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Rules: TypeAlias = tuple[bool, frozenset[str], set[bytes], set[str]]

GUARD = "network"
OPTION = "no-network"
RESOLVE, CONNECT, BIND = "network.resolve", "network.connect", "network.bind"
CREATE, PAIR, TLS = "network.create", "network.pair", "network.tls"

# Rules: (allow_localhost, domains, addresses that allowed names resolved to, Unix sockets bound by this run).
# The last two are made by `prepare` and filled while the program runs; what they can add is bounded by the others.
AF_UNIX = getattr(_socket, "AF_UNIX", -2)
INTERNET = (_socket.AF_INET, _socket.AF_INET6)
KNOWN_FAMILIES = (*INTERNET, AF_UNIX)
STREAM, DATAGRAM = _socket.SOCK_STREAM, _socket.SOCK_DGRAM
# Linux puts flags into the type argument; the kind is in the low bits.
KIND_MASK = 0xF
FROM_DESCRIPTOR = -1

# On loopback too, these answer for the internet.
RESOLVER_PORTS = frozenset({53, 853, 5353})
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal"})
PLAIN_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


# --- normalisation ---

_inet_aton, _inet_pton = _socket.inet_aton, _socket.inet_pton
_error = OSError


def clean_host(value: object) -> str:
    """A host as the guards compare it: exact text, lower case, no trailing dot.

    Raises ValueError for what C and a guard could read differently: NUL, spaces,
    control characters, empty labels, non-ASCII (write the ``xn--`` form).
    """
    if type(value) is str and value in PLAIN_LOOPBACK:
        return value  # most connections, and clean as they are
    text = exact_text(value)
    host = str.lower(text)
    # The text itself: the Kelvin sign's lower case is an ASCII k, and C would still have the IDNA codec asked.
    if not str.isascii(text) or not str.isprintable(host) or " " in host:
        raise ValueError("not an ASCII host name")
    if host[-1:] == ".":
        host = host[:-1]
    if ".." in host or host[:1] == ".":
        raise ValueError("empty label")
    return host


def packed_address(host: str) -> bytes | None:
    """The 4 or 16 bytes that any spelling of an address stands for; None for a name.

    IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64, 6to4) come out as IPv4.
    """
    try:
        return _inet_aton(host)
    except _error:
        pass
    try:
        packed = _inet_pton(_socket_inet6, host.partition("%")[0])
    except _error:
        return None
    return unwrapped(packed)


_socket_inet6 = _socket.AF_INET6
V4_PREFIXES = (b"\0" * 10 + b"\xff\xff", b"\0" * 12, b"\0\x64\xff\x9b" + b"\0" * 8)
UNSPECIFIED6, LOOPBACK6 = b"\0" * 16, b"\0" * 15 + b"\1"
LOOPBACK4 = b"\x7f\0\0\1"


def unwrapped(packed: bytes) -> bytes:
    """The IPv4 address inside an IPv6 one, or the address itself."""
    if len(packed) == 16 and packed != UNSPECIFIED6 and packed != LOOPBACK6:
        if packed[:12] in V4_PREFIXES:
            return packed[12:]
        if packed[:2] == b"\x20\x02":
            return packed[2:6]
    return packed


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


def is_link_local(packed: bytes) -> bool:
    """169.254.0.0/16 and fe80::/10."""
    if len(packed) == 4:
        return packed[:2] == b"\xa9\xfe"
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80


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


# --- decisions ---


def decide(rules: Rules, capability: str, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    if capability == CONNECT:
        return decide_connect(rules, target, call)
    if capability == RESOLVE:
        return decide_resolve(rules, target, call)
    if capability == BIND:
        return decide_bind(rules, target, call)
    if capability == TLS:
        return decide_tls(rules, target, call)
    # CREATE and PAIR: the reader names what was made only where it is not allowed.
    return f"network disabled: {target}", None, OPTION, "nothing: no option gives this back"


def denied(verb: str, host: str) -> tuple[str, str | None, str, str]:
    """The documented text, and the option that fits this host."""
    packed = packed_address(host)
    if is_metadata(host, packed):
        remedy = "nothing: cloud metadata services are always denied"
    elif host in LOOPBACK_NAMES or (packed is not None and is_loopback(packed)):
        remedy = "--allow-localhost"
    else:
        remedy = f"--allow-domain {host}"
    return f"network disabled: {verb}({host})", host, OPTION, remedy


def decide_resolve(rules: Rules, host: Any, call: str) -> tuple[str, str | None, str, str] | None:
    if type(host) is tuple:  # an address whose name is asked for
        return None if host[0] in rules[1] else denied("DNS", host[0])
    # Loopback names are answered by the machine itself.
    if host in PLAIN_LOOPBACK or host in LOOPBACK_NAMES:
        return None
    packed = packed_address(host)
    if is_metadata(host, packed):
        return denied("DNS", host)
    # An address is no question.
    if not host or packed is not None or matches(rules[1], host):
        return None
    return denied("DNS", host)


def decide_connect(rules: Rules, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    family, host, port, verb = target
    if family == AF_UNIX:
        if unix_identity(host) in rules[3]:
            return None
        message = f"network disabled: {verb}({host})"
        return message, host, OPTION, "--allow-localhost, for a socket that this run bound itself"
    packed = packed_address(host)
    if packed is None:
        if is_metadata(host, None):
            return denied(verb, host)
        if host in LOOPBACK_NAMES:
            allowed = rules[0] and port not in RESOLVER_PORTS
        else:
            # C will look the name up by itself after this check: every answer must be allowed.
            allowed = matches(rules[1], host) and learn(rules, host, port)
        return None if allowed else denied(verb, host)
    return None if address_allowed(rules, host, packed, port) else denied(verb, host)


def address_allowed(rules: Rules, host: str, packed: bytes, port: int) -> bool:
    if packed in METADATA:
        return False
    if packed == LOOPBACK4 or is_loopback(packed):
        return (rules[0] and port not in RESOLVER_PORTS) or host in rules[1]
    if host in rules[1]:
        return True
    return packed in rules[2] and not is_link_local(packed)


_resolve_now = _socket.getaddrinfo


def learn(rules: Rules, host: str, port: int) -> bool:
    """Look an allowed name up and remember its addresses; False when one of them may not be reached."""
    for answer in _resolve_now(host, port):
        packed = packed_address(exact_text(answer[4][0]))
        if packed is None or is_loopback(packed) or is_link_local(packed) or packed in METADATA:
            return False
        rules[2].add(packed)
    return True


def unix_identity(name: str) -> str:
    """What a Unix socket is, apart from its name: device and inode; abstract ones are their name."""
    if name[:1] == "@":
        return name
    try:
        found = stat(name)
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def decide_bind(rules: Rules, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    family, host, _, verb = target
    if family == AF_UNIX:
        if verb == "listen":
            # It listens, so it is this process's own; its file is remembered, not its name, which
            # the program could give to another socket.
            rules[3].add(unix_identity(host))
            return None
        if rules[0] or is_multiprocessing_listener():
            return None
        return f"network disabled: bind({host})", host, OPTION, "--allow-localhost"
    packed = packed_address(host) if host else b"\0\0\0\0"
    loopback = host in LOOPBACK_NAMES if packed is None else is_loopback(packed) and packed not in UNSPECIFIED
    if loopback:
        return None
    # As a place to listen, the unspecified address is every interface of the machine.
    return f"network disabled: bind({host})", host, OPTION, "binding to 127.0.0.1 or ::1 instead"


UNSPECIFIED = frozenset({b"\0\0\0\0", UNSPECIFIED6})
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104  # compared and shown, not bound


def decide_tls(rules: Rules, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    name, peer = target
    for host in (name, peer):
        if host is None:
            continue
        packed = packed_address(host)
        local = host in LOOPBACK_NAMES if packed is None else is_loopback(packed)
        if not local and not matches(rules[1], host) and (packed is None or packed not in rules[2]):
            return "network disabled: TLS", None, OPTION, f"--allow-domain {host}"
        if is_metadata(host, packed) or (local and not rules[0]):
            return "network disabled: TLS", None, OPTION, "--allow-localhost"
    return None


def remember(rules: Rules, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """An allowed look-up answered: its public addresses are reachable under that name's rule."""
    host = argument(args, kwargs, 0, "host", None)
    if host is None or not matches(rules[1], clean_host(host)):
        return
    for answer in result:
        packed = packed_address(answer[4][0])
        if packed is not None and not is_loopback(packed) and not is_link_local(packed) and packed not in METADATA:
            rules[2].add(packed)


def names_domains(rules: tuple[Any, ...]) -> bool:
    return bool(rules[1])


# --- readers ---

_family_of = _socket.socket.family.__get__
_peer_of = _socket.socket.getpeername
_socket_type = _socket.socket


def unix_name(address: object) -> str:
    """One spelling for a Unix socket's address; abstract ones keep their leading NUL, as ``@``."""
    text = exact_text(address)
    if not text:
        raise ValueError("no Unix socket address")
    return "@" + text[1:] if text[0] == "\0" else text


def address_of(sock: object, address: object, verb: str) -> tuple[int, str, int, str]:
    """(family, host, port, verb) of a socket call."""
    family = _family_of(sock)
    if family == AF_UNIX:
        return family, unix_name(address), 0, verb
    if family not in INTERNET:
        raise ValueError("an address family that is not allowed")
    host, port = host_and_port(address)
    return family, clean_host(host), port if type(port) is int else int.__index__(port), verb


def host_and_port(address: Any) -> tuple[Any, Any]:
    """The first two items of an address, as C takes them out of it."""
    if type(address) is tuple:
        return address[0], address[1]
    if not is_a(address, TUPLE):
        raise ValueError("not an address")
    return tuple.__getitem__(address, 0), tuple.__getitem__(address, 1)


def nothing(args: tuple[Any, ...], kwargs: Any) -> None:
    """For rows that only remember."""


def connect_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    return address_of(args[0], args[1], "connect")


def sendto_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    # sendmsg without an address goes to the peer, which connect has judged.
    return None if args[1] is None else address_of(args[0], args[1], "sendto")


def bind_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    return address_of(args[0], args[1], "bind")


def resolve_target(args: tuple[Any, ...], kwargs: Any) -> str | None:
    host = args[0]
    return None if host is None else clean_host(host)


def reverse_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """gethostbyaddr and getnameinfo ask the network about an address; about loopback the machine answers."""
    host = args[0]
    if is_a(host, TUPLE):
        host = tuple.__getitem__(host, 0)
    host = clean_host(host)
    packed = packed_address(host)
    if packed is None:
        return host
    return None if is_loopback(packed) else (host,)


def named(args: tuple[Any, ...], index: int, verb: str) -> Any:
    """The target of a socket method, where it is a name: C looks it up before it announces the call."""
    if len(args) <= index or _family_of(args[0]) not in INTERNET:
        return None
    target = address_of(args[0], args[index], verb)
    family, host = target[0], target[1]
    # To an IPv4 socket, an IPv6 address is one more name.
    is_name = host and (packed_address(host) is None or (":" in host and family == INTERNET[0]))
    return target if is_name else None


def named_connect(args: tuple[Any, ...], kwargs: Any) -> Any:
    return named(args, 1, "connect")


def named_bind(args: tuple[Any, ...], kwargs: Any) -> Any:
    return named(args, 1, "bind")


def named_sendto(args: tuple[Any, ...], kwargs: Any) -> Any:
    """sendto(data, address) and sendto(data, flags, address)."""
    return named(args, len(args) - 1 if len(args) > 2 else 2, "sendto")


def named_sendmsg(args: tuple[Any, ...], kwargs: Any) -> Any:
    """sendmsg(buffers, ancillary data, flags, address); without an address it goes to the peer."""
    return named(args, 4, "sendto") if len(args) > 4 and args[4] is not None else None


def create_connection_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    host, port = host_and_port(argument(args, kwargs, 0, "address", None))
    return INTERNET[0], clean_host(host), int.__index__(port) if is_a(port, NUMBER) else 0, "create_connection"


def created_kind(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """socket.__new__(self, family, type, protocol): what was made, where that is not allowed."""
    _, family, kind, _ = args
    if family == FROM_DESCRIPTOR:
        return None if asked_by(DESCRIPTOR_USERS) else "fromfd"
    if family not in KNOWN_FAMILIES or kind & KIND_MASK not in (STREAM, DATAGRAM):
        return "socket"
    return None


def adopted(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return None if asked_by(DESCRIPTOR_USERS) else "fromfd"


def shared(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return "fromshare"


def pair_kind(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """An event loop's wake-up pair is not network, provided it is a stream pair: a datagram end could be re-aimed."""
    family = argument(args, kwargs, 0, "family", None)
    kind = argument(args, kwargs, 1, "type", STREAM)
    plain = family in (None, AF_UNIX) and int.__index__(kind) & KIND_MASK == STREAM
    return None if plain and asked_by(PAIR_USERS) else "socketpair"


def listen_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """listen() on a socket that was never bound takes every interface."""
    sock = args[0]
    name = _name_of(sock)
    if _family_of(sock) == AF_UNIX:
        return (AF_UNIX, unix_name(name), 0, "listen") if name else None
    if _family_of(sock) not in INTERNET:
        return None
    return (_family_of(sock), EVERY_INTERFACE, 0, "bind") if name[1] == 0 else None


_name_of = _socket.socket.getsockname


def wrapped_socket(args: tuple[Any, ...], kwargs: Any) -> Any:
    if argument(args, kwargs, 2, "server_side", False):
        return None
    name = argument(args, kwargs, 5, "server_hostname", None)
    try:
        peer = _peer_of(argument(args, kwargs, 1, "sock", None))
    except _error:
        peer = None  # not connected yet: connect will be judged
    address = clean_host(peer[0]) if is_a(peer, TUPLE) else None
    return (clean_host(name) if name else None, address)


def wrapped_bio(args: tuple[Any, ...], kwargs: Any) -> Any:
    if argument(args, kwargs, 3, "server_side", False):
        return None
    name = argument(args, kwargs, 4, "server_hostname", None)
    return (clean_host(name) if name else None, None)


# Whose private pairs and adopted descriptors are plumbing. To forge these names gains nothing:
# a stream pair has both its ends here, and what a descriptor leads to was judged when it was opened.
PAIR_USERS = frozenset(
    {
        ("asyncio.selector_events", "_make_self_pipe"),
        ("asyncio.proactor_events", "_make_self_pipe"),
        ("asyncio.unix_events", "_start"),
        ("asyncio.base_events", "_start"),
        ("multiprocessing.connection", "Pipe"),
        ("trio._core._wakeup_socketpair", "__init__"),
        ("tornado.platform.asyncio", "__init__"),
        ("gevent._socketcommon", "socketpair"),
        ("curio.kernel", "__init__"),
        ("socket", "socketpair"),
    }
)
DESCRIPTOR_USERS = frozenset(
    {
        ("multiprocessing.reduction", "send_handle"),
        ("multiprocessing.reduction", "recv_handle"),
        ("multiprocessing.reduction", "sendfds"),
        ("socket", "fromfd"),
        ("socket", "_intenum_converter"),
    }
)
MULTIPROCESSING_LISTENERS = (
    ("multiprocessing.connection", "__init__"),
    ("multiprocessing.forkserver", "ensure_running"),
)


def asked_by(users: frozenset[tuple[str, str]]) -> bool:
    """Whether the caller, or the caller of socket's own wrapper around it, is one of these functions."""
    frame = calling_frame(CALLER_DEPTH + 1)
    for _ in range(3):
        who = asker(frame)
        if who is None or who in users:
            return who is not None
        if who[0] != "socket":
            return False
        frame = frame.f_back  # type: ignore[union-attr]  # it had a name
    return False


def is_multiprocessing_listener() -> bool:
    """forkserver and Manager listen on a Unix socket in a private directory of theirs."""
    # Between examine and here: decide and decide_bind.
    frame = calling_frame(CALLER_DEPTH + 2)
    if frame is not None and frame.f_globals is PRIVATE:
        frame = frame.f_back  # our own stand-in for bind
    return asker(frame) in MULTIPROCESSING_LISTENERS


SURFACE = (
    GuardedCall(
        capability=CONNECT,
        audit=("socket.connect",),
        read=connect_target,
        example="import socket; socket.socket().connect(('192.0.2.1', 80))",
    ),
    GuardedCall(
        capability=CONNECT,
        audit=("socket.sendto", "socket.sendmsg"),
        read=sendto_target,
        example="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    ),
    GuardedCall(
        capability=BIND,
        audit=("socket.bind",),
        read=bind_target,
        example="import socket; socket.socket().bind(('0.0.0.0', 0))",
    ),
    GuardedCall(
        capability=RESOLVE,
        audit=("socket.getaddrinfo", "socket.gethostbyname"),
        read=resolve_target,
        example="import socket; socket.getaddrinfo('example.com', 80)",
    ),
    GuardedCall(
        capability=RESOLVE,
        audit=("socket.gethostbyaddr", "socket.getnameinfo"),
        read=reverse_target,
        example="import socket; socket.gethostbyaddr('192.0.2.1')",
    ),
    # The event has no results: only a stand-in can remember what an allowed name resolved to.
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:getaddrinfo",),  # which socket.getaddrinfo calls
        read=nothing,
        call="socket.getaddrinfo",
        after=remember,
        when=names_domains,
    ),
    GuardedCall(
        capability=CREATE,
        audit=("socket.__new__",),
        read=created_kind,
        call="socket",
        example="import socket; socket.socket(fileno=0)",
    ),
    # No events: CPython announces neither pairs, nor adopted descriptors, nor listen, nor TLS.
    GuardedCall(
        capability=CONNECT,
        patch=("socket:create_connection",),
        read=create_connection_target,
        call="socket.create_connection",
        example="import socket; socket.create_connection(('192.0.2.1', 80), 1)",
    ),
    # These are announced, but only after a name in the address has been looked up.
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.connect", "socket:socket.connect_ex"),
        read=named_connect,
        call="socket.connect",
        note="`_socket.socket.connect` and its kin, the C methods called on the type, look a name up first",
        example="import socket; socket.socket().connect(('example.com', 80))",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.sendto",),
        read=named_sendto,
        call="socket.sendto",
        example="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('example.com', 9))",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.sendmsg",),
        read=named_sendmsg,
        call="socket.sendmsg",
        example="import socket; "
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('example.com', 9))",
    ),
    GuardedCall(
        capability=BIND,
        patch=("socket:socket.bind",),
        read=named_bind,
        call="socket.bind",
        example="import socket; socket.socket().bind(('example.com', 0))",
    ),
    GuardedCall(
        capability=PAIR,
        patch=("socket:socketpair", "_socket:socketpair"),
        read=pair_kind,
        call="socket.socketpair",
        example="import socket; socket.socketpair()",
    ),
    GuardedCall(
        capability=PAIR,
        patch=("socket:fromfd",),
        read=adopted,
        call="socket.fromfd",
        example="import socket; socket.fromfd(0, socket.AF_INET, socket.SOCK_STREAM)",
    ),
    GuardedCall(capability=PAIR, patch=("socket:fromshare",), read=shared, call="socket.fromshare"),
    GuardedCall(
        capability=BIND,
        patch=("socket:socket.listen",),
        read=listen_target,
        call="socket.listen",
        note="`_socket.socket.listen`, the C method called on the type, is the kernel layer's",
        example="import socket; socket.socket().listen()",
    ),
    GuardedCall(
        capability=TLS,
        patch=("ssl:SSLContext.wrap_socket",),
        read=wrapped_socket,
        call="ssl.SSLContext.wrap_socket",
        example="import socket, ssl; c = ssl.create_default_context(); "
        "c.wrap_socket(socket.socket(), server_hostname='example.com')",
    ),
    GuardedCall(
        capability=TLS,
        patch=("ssl:SSLContext.wrap_bio",),
        read=wrapped_bio,
        call="ssl.SSLContext.wrap_bio",
        example="import ssl; c = ssl.create_default_context(); "
        "c.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.com')",
    ),
)


def make_rules(allow_localhost: bool = False, allow_domains: Any = ()) -> tuple[bool, frozenset[str]]:
    """Rules from settings. ValueError for a domain that cannot mean anything."""
    domains = []
    for domain in allow_domains:
        host = domain.removeprefix("*.")
        try:
            host = clean_host(host if host.isascii() else host.encode("idna").decode("ascii"))
        except ValueError as error:
            raise ValueError(f"{domain!r} is not a domain name: {error}") from None
        if not host or "*" in host or "/" in host:
            raise ValueError(f"{domain!r} is not a domain name")
        domains.append(host)
    return bool(allow_localhost), frozenset(domains)


def prepare(rules: tuple[Any, ...]) -> Rules:
    """Add the two memories of a running policy."""
    return (*rules[:2], set(), set())


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare)
