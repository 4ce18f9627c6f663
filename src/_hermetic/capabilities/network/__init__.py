"""Network: whom the program may look up, connect to, and listen as.

Addresses are compared after normalisation; names are matched whole or by parent
domain. Cloud metadata addresses are refused even when a rule would allow them,
and loopback needs its own permission even when an allowed name resolves to it.
"""

from __future__ import annotations

import _socket

from ...extract import argument, exact_text, tcl
from ...model import Family, GuardedCall
from .addresses import (
    LOOPBACK4,
    LOOPBACK_NAMES,
    METADATA,
    PLAIN_LOOPBACK,
    RESOLVER_PORTS,
    UNSPECIFIED,
    clean_host,
    is_link_local,
    is_loopback,
    is_metadata,
    matches,
    packed_address,
)
from .sockets import (
    AF_UNIX,
    ASKED,
    UNTOLD,
    adopted,
    asks_for_own_name,
    bind_target,
    connect_target,
    create_connection_target,
    created_kind,
    is_multiprocessing_listener,
    listen_target,
    named_bind,
    named_connect,
    named_sendmsg,
    named_sendto,
    nothing,
    pair_kind,
    resolve_target,
    reverse_target,
    sendto_target,
    shared,
    system_log,
    wrapped_bio,
    wrapped_socket,
)
from .sockets import asked_connection as asked_connection
from .unix import is_own, remember_bound, shared_record

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Rules: TypeAlias = tuple[bool, frozenset[str], set[bytes], set[bytes | str], Any]

GUARD = "network"
OPTION = "no-network"
RESOLVE, CONNECT, BIND = "network.resolve", "network.connect", "network.bind"
CREATE, PAIR, TLS = "network.create", "network.pair", "network.tls"

NOTHING = "nothing: no option gives this back"

# Rules: (allow_localhost, domains, addresses that allowed names resolved to, Unix sockets bound by this
# process, and by this one and its forks). The last three are made by `prepare` and filled while the program runs;
# what they can add is bounded by the others.


def decide(rules: Rules, capability: str, target: Any, call: str) -> tuple[Any, ...] | None:
    if capability == CONNECT:
        return decide_connect(rules, target, call)
    if capability == RESOLVE:
        return decide_resolve(rules, target, call)
    if capability == BIND:
        return decide_bind(rules, target, call)
    if capability == TLS:
        return decide_tls(rules, target, call)
    # CREATE and PAIR: the reader names what was made only where it is not allowed.
    remedy = "naming the family, socket(AF_INET, SOCK_STREAM)" if target == UNTOLD else NOTHING
    return f"network disabled: {target}", None, OPTION, remedy


def denied(verb: str, host: str, port: int) -> tuple[str, str | None, str, str]:
    """The documented text, and the option that fits this host."""
    packed = packed_address(host)
    if is_metadata(host, packed):
        remedy = "nothing: cloud metadata services are always denied"
    elif port in RESOLVER_PORTS and (host in LOOPBACK_NAMES or (packed is not None and is_loopback(packed))):
        remedy = f"nothing: on port {port} a resolver answers for the internet"
    elif host in LOOPBACK_NAMES or (packed is not None and is_loopback(packed)):
        remedy = "--allow-localhost"
    else:
        remedy = f"--allow-domain {host}"
    return f"network disabled: {verb}({host})", host, OPTION, remedy


def decide_resolve(rules: Rules, host: Any, call: str) -> tuple[Any, ...] | None:
    if type(host) is tuple:  # an address whose name is asked for
        return None if host[0] in rules[1] else denied("DNS", host[0], 0)
    # Loopback names are answered by the machine itself.
    if host in PLAIN_LOOPBACK or host in LOOPBACK_NAMES:
        return None
    packed = packed_address(host)
    if is_metadata(host, packed):
        return denied("DNS", host, 0)
    # An address is no question.
    if not host or packed is not None or matches(rules[1], host):
        return None
    if asks_for_own_name():
        return "", None, OPTION, "", _no_host(1, "no such host")
    return denied("DNS", host, 0)


_no_host = _socket.herror


def decide_connect(rules: Rules, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    family, host, port, verb = target
    asked = verb == ASKED
    if asked:
        verb = "connect"
    if family == AF_UNIX:
        if is_own(rules, host):
            return None
        message = f"network disabled: {verb}({host})"
        return message, host, OPTION, "--allow-localhost, for a socket that this run bound itself"
    packed = packed_address(host)
    if packed is None:
        if is_metadata(host, None):
            return denied(verb, host, port)
        if host in LOOPBACK_NAMES:
            allowed = rules[0] and port not in RESOLVER_PORTS
        else:
            # C will look the name up by itself after this check: every answer must be allowed.
            allowed = matches(rules[1], host) and (asked or learn(rules, host, port))
        return None if allowed else denied(verb, host, port)
    return None if address_allowed(rules, host, packed, port) else denied(verb, host, port)


def address_allowed(rules: Rules, host: str, packed: bytes, port: int) -> bool:
    if packed in METADATA:
        return False
    if packed == LOOPBACK4 or is_loopback(packed):
        return port not in RESOLVER_PORTS and (rules[0] or host in rules[1])
    if host in rules[1]:
        return True
    return packed in rules[2] and not is_link_local(packed)


_resolve_now = _socket.getaddrinfo


def learn(rules: Rules, host: str, port: int) -> bool:
    """Look an allowed name up and remember its addresses; False when one of them may not be reached."""
    for answer in _resolve_now(str.encode(host, "ascii"), port):
        packed = packed_address(exact_text(answer[4][0]))
        if packed is None or is_loopback(packed) or is_link_local(packed) or packed in METADATA:
            return False
        rules[2].add(packed)
    return True


def decide_bind(rules: Rules, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    family, host, _, _ = target
    if family == AF_UNIX:
        if rules[0] or is_multiprocessing_listener():
            return None
        return f"network disabled: bind({host})", host, OPTION, "--allow-localhost"
    packed = packed_address(host) if host else b"\0\0\0\0"
    loopback = host in LOOPBACK_NAMES if packed is None else is_loopback(packed) and packed not in UNSPECIFIED
    if loopback:
        return None
    # As a place to listen, the unspecified address is every interface of the machine.
    return f"network disabled: bind({host})", host, OPTION, "binding to 127.0.0.1 or ::1 instead"


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
    # Announced, but then C has the `idna` codec asked, which can be replaced. And the event has no results: only a
    # stand-in can remember what an allowed name resolved to.
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:getaddrinfo",),  # which socket.getaddrinfo calls
        read=nothing,
        call="socket.getaddrinfo",
        door="names.getaddrinfo",
        late=True,
        after=remember,
    ),
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:gethostbyname", "socket:gethostbyname"),
        read=nothing,
        call="socket.gethostbyname",
        door="names.gethostbyname",
        late=True,
    ),
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:gethostbyname_ex", "socket:gethostbyname_ex"),
        read=nothing,
        call="socket.gethostbyname_ex",
        door="names.gethostbyname_ex",
        late=True,
    ),
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:gethostbyaddr", "socket:gethostbyaddr"),
        read=nothing,
        call="socket.gethostbyaddr",
        door="names.gethostbyaddr",
        late=True,
    ),
    GuardedCall(
        capability=CREATE,
        audit=("socket.__new__",),
        read=created_kind,
        call="socket",
        example="import socket; socket.socket(fileno=0)",
    ),
    GuardedCall(capability=CREATE, audit=("import",), read=tcl, call="_tkinter", example="import _tkinter"),
    GuardedCall(
        capability=CREATE,
        audit=("syslog.syslog", "syslog.openlog"),
        read=system_log,
        call="syslog",
        example="import syslog; syslog.syslog('x')",
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
        after=remember_bound,
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


NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def make_rules(allow_localhost: bool = False, allow_domains: Any = ()) -> tuple[bool, frozenset[str]]:
    """Rules from settings. ValueError for a domain that cannot mean anything."""
    domains = []
    for domain in allow_domains:
        host = domain.removeprefix("*.")
        try:
            host = clean_host(host if host.isascii() else host.encode("idna").decode("ascii"))
        except ValueError as error:
            raise ValueError(f"{domain!r} is not a domain name: {error}") from None
        # A port, a list, a pattern or a URL would match no host: never guessed, and never a rule without effect.
        if not host or (packed_address(host) is None and not NAME_LETTERS.issuperset(host)):
            raise ValueError(f"{domain!r} is not a domain name")
        domains.append(host)
    return bool(allow_localhost), frozenset(domains)


def prepare(rules: tuple[Any, ...]) -> Rules:
    """Add the memories of a running policy."""
    return (*rules[:2], set(), set(), shared_record())


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare)
