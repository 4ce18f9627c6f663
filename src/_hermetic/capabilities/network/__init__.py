"""Network: whom the program may look up, connect to, and listen as.

Addresses are compared after normalisation; names are matched whole or by parent
domain. Cloud metadata addresses are refused even when a rule would allow them,
and loopback needs its own permission even when an allowed name resolves to it.
"""

from __future__ import annotations

from ...extract import UUIDS, always, never, tcl, tcl_made
from ...model import Family, GuardedCall
from .addresses import LONGEST_LABEL, LONGEST_NAME, NAME_LETTERS, ascii_form, clean_host, packed_address
from .decisions import BIND, CONNECT, CREATE, PAIR, REPLACE, RESOLVE, TLS, decide, option_of
from .decisions import allows_names as allows_names
from .decisions import may_ask as may_ask
from .detours import another_network, interface_changed, joined_group, option_set, resolver_variable, routed_parts
from .learning import forget as forget
from .learning import remember
from .rules import BLOCK, NO_LISTS
from .sockets import (
    adopted,
    asks_for_loopback,
    bind_target,
    connect_target,
    connects_to_loopback,
    create_connection_target,
    created_kind,
    is_to_loopback,
    is_usual_kind,
    listen_target,
    named_bind,
    named_connect,
    named_sendmsg,
    named_sendto,
    names_loopback,
    pair_kind,
    resolve_target,
    reverse_target,
    sendto_target,
    shared,
    system_log,
    wrapped_bio,
    wrapped_socket,
    yellow_pages,
)
from .sockets import asked_connection as asked_connection
from .unix import places, remember_bound, shared_record

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .rules import Rules

GUARD = "network"


def taken_options(rules: Rules) -> tuple[str]:
    """The option that restricts the network: one that only denies some hosts is no blocking one."""
    return (option_of(rules),)


def blocks(rules: Rules) -> bool:
    """Whether what nothing allows is denied. Without that, only what is denied by name or number is guarded."""
    return rules[BLOCK]  # type: ignore[no-any-return]  # a bool by make_rules


def looks_up(rules: Rules) -> bool:
    """Whether there are names that the C library may look up."""
    return not rules[BLOCK] or allows_names(rules)


# By each name that C's function goes by; socket.getaddrinfo is Python's, and calls it.
LOOK_UPS = (
    ("getaddrinfo", ("_socket:getaddrinfo",)),
    ("gethostbyname", ("_socket:gethostbyname", "socket:gethostbyname")),
    ("gethostbyname_ex", ("_socket:gethostbyname_ex", "socket:gethostbyname_ex")),
    ("gethostbyaddr", ("_socket:gethostbyaddr", "socket:gethostbyaddr")),
)

SURFACE = (
    GuardedCall(
        capability=CONNECT,
        audit=("socket.connect",),
        read=connect_target,
        free=is_to_loopback,
        note="a link swapped on the way to a Unix socket, between the check and the call, is the kernel layer's",
        example="import socket; socket.socket().connect(('192.0.2.1', 80))",
    ),
    GuardedCall(
        capability=CONNECT,
        audit=("socket.sendto", "socket.sendmsg"),
        read=sendto_target,
        free=is_to_loopback,
        example="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    ),
    GuardedCall(
        capability=BIND,
        audit=("socket.bind",),
        when=blocks,
        read=bind_target,
        example="import socket; socket.socket().bind(('0.0.0.0', 0))",
    ),
    GuardedCall(
        capability=RESOLVE,
        audit=("socket.getaddrinfo", "socket.gethostbyname"),
        read=resolve_target,
        free=asks_for_loopback,
        note="with `AI_NUMERICHOST` no question; C's error for what is no number",
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
    *[
        GuardedCall(
            capability=RESOLVE,
            patch=patch,
            read=never,
            call=f"socket.{name}",
            door=f"names.{name}",
            late=True,
            after=remember,
        )
        for name, patch in LOOK_UPS
    ],
    # Announced without its flags, of which some say that nobody shall be asked.
    GuardedCall(
        capability=RESOLVE,
        patch=("_socket:getnameinfo", "socket:getnameinfo"),
        read=never,
        call="socket.getnameinfo",
        door="names.getnameinfo",
        late=True,
        note="with `NI_NUMERICHOST` no question, and allowed; one that was kept from before a block is refused",
    ),
    GuardedCall(
        capability=CREATE,
        audit=("socket.__new__",),
        when=blocks,
        read=created_kind,
        free=is_usual_kind,
        call="socket",
        note="a descriptor that is given with its family and type is in no event: it leads where it led before",
        example="import socket; socket.socket(fileno=0)",
    ),
    GuardedCall(capability=CREATE, audit=("import",), read=tcl, call="_tkinter", example="import _tkinter"),
    GuardedCall(capability=CREATE, patch=("_tkinter:create",), read=tcl_made, call="_tkinter", final=True),
    # Asks a server that portmapper names.
    GuardedCall(
        capability=CREATE,
        patch=("nis:match", "nis:cat", "nis:maps"),
        when=blocks,
        read=yellow_pages,
        call="nis",
        final=True,
    ),
    GuardedCall(
        capability=CREATE,
        audit=("syslog.syslog", "syslog.openlog"),
        when=blocks,
        read=system_log,
        call="syslog",
        example="import syslog; syslog.syslog('x')",
    ),
    GuardedCall(
        capability=CREATE,
        audit=("os.putenv",),
        when=looks_up,
        read=resolver_variable,
        call="os.putenv",
        note="the system's own files (`/etc/hosts`, `/etc/resolv.conf`) say what a name means; see `--fs-readonly`",
    ),
    # It ends in a connect that is announced, with an address; the row gives the refusal the name that was asked for.
    GuardedCall(
        capability=CONNECT,
        patch=("socket:create_connection",),
        read=create_connection_target,
        free=connects_to_loopback,
        call="socket.create_connection",
        example="import socket; socket.create_connection(('192.0.2.1', 80), 1)",
    ),
    # These are announced, but only after a name in the address has been looked up, and what was found is not told.
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.connect",),
        read=named_connect,
        call="socket.connect",
        door="names.connect",
        late=True,
        after=remember,
        note="`_socket.socket.connect` and its kin, the C methods called on the type, look a name up first",
        example="import socket; socket.socket().connect(('example.com', 80))",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.connect_ex",),
        read=named_connect,
        call="socket.connect",
        door="names.connect_ex",
        late=True,
        after=remember,
        example="import socket; socket.socket().connect_ex(('example.com', 80))",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.sendto",),
        read=named_sendto,
        call="socket.sendto",
        door="names.sendto",
        late=True,
        after=remember,
        example="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('example.com', 9))",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.sendmsg",),
        read=named_sendmsg,
        call="socket.sendmsg",
        door="names.sendmsg",
        late=True,
        after=remember,
        example="import socket; "
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('example.com', 9))",
    ),
    # A packet to an allowed address that goes elsewhere first.
    GuardedCall(
        capability=CREATE,
        patch=("socket:socket.sendmsg",),
        read=routed_parts,
        call="socket.sendmsg",
        door="names.sendmsg",
        late=True,
    ),
    GuardedCall(
        capability=CREATE,
        patch=("socket:socket.setsockopt",),
        read=option_set,
        call="socket.setsockopt",
        note="`_socket.socket.setsockopt`, the C method called on the type, is the kernel layer's, where it judges "
        "addresses: else what goes to an allowed address can take another way",
        example="import socket; s = socket.socket(); s.setsockopt(0, 4, b'')",
    ),
    GuardedCall(
        capability=CONNECT,
        patch=("socket:socket.setsockopt",),
        read=joined_group,
        call="socket.setsockopt",
        note="`_socket.socket.setsockopt`, the C method called on the type, joins all the same; nothing is sent by it",
        example="import socket; "
        "socket.socket(2, 2).setsockopt(0, socket.IP_ADD_MEMBERSHIP, bytes((239, 1, 2, 3, 0, 0, 0, 0)))",
    ),
    GuardedCall(
        capability=CREATE,
        audit=("fcntl.ioctl",),
        when=blocks,
        read=interface_changed,
        example="import fcntl; fcntl.ioctl(0, 0x8914, bytes(40))",
    ),
    GuardedCall(capability=CREATE, patch=("os:setns", "posix:setns"), when=blocks, read=another_network, final=True),
    GuardedCall(
        capability=BIND,
        patch=("socket:socket.bind",),
        when=blocks,
        read=named_bind,
        free=names_loopback,
        call="socket.bind",
        door="names.bind_to",
        late=True,
        after=remember_bound,
        example="import socket; socket.socket().bind(('example.com', 0))",
    ),
    # No events: CPython announces neither pairs, nor adopted descriptors, nor listen, nor TLS.
    GuardedCall(
        capability=PAIR,
        patch=("socket:socketpair", "_socket:socketpair"),
        when=blocks,
        read=pair_kind,
        call="socket.socketpair",
        example="import socket; socket.socketpair()",
    ),
    GuardedCall(
        capability=PAIR,
        patch=("socket:fromfd",),
        when=blocks,
        read=adopted,
        call="socket.fromfd",
        example="import socket; socket.fromfd(0, socket.AF_INET, socket.SOCK_STREAM)",
    ),
    GuardedCall(capability=PAIR, patch=("socket:fromshare",), when=blocks, read=shared, call="socket.fromshare"),
    GuardedCall(
        capability=BIND,
        patch=("socket:socket.listen",),
        when=blocks,
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
        door="names.wrap_socket",
        late=True,
        example="import socket, ssl; c = ssl.create_default_context(); "
        "c.wrap_socket(socket.socket(), server_hostname='example.com')",
    ),
    GuardedCall(
        capability=TLS,
        patch=("ssl:SSLContext.wrap_bio",),
        read=wrapped_bio,
        call="ssl.SSLContext.wrap_bio",
        door="names.wrap_bio",
        late=True,
        example="import ssl; c = ssl.create_default_context(); "
        "c.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.com')",
    ),
    GuardedCall(capability=REPLACE, patch=UUIDS, read=always, door="uuids.without_daemon", late=True, when=blocks),
)


def make_rules(
    allow_localhost: bool = False,
    allow_domains: Iterable[str] = (),
    allow_hosts: Iterable[str] = (),
    deny_hosts: Iterable[str] = (),
    deny_private_network: bool = False,
    allow_unix_sockets: Iterable[str] = (),
    block: bool = True,
) -> Rules:
    """Rules from settings. ValueError for an entry that cannot mean anything.

    allow_unix_sockets: as ``socket_place`` makes them.
    """
    domains = frozenset([domain_name(domain) for domain in allow_domains])
    allowed, refused = frozenset(allow_hosts), frozenset(deny_hosts)
    if allowed or refused:
        from .entries import RANGE, parse  # a run without lists does without

        for text in refused:
            parse(text)
        for text in allowed:
            if parse(text)[0] != RANGE and not block:
                raise ValueError(f"{text!r} is a name: without --no-network only private addresses are given back")
    return block, bool(allow_localhost), domains, allowed, refused, deny_private_network, frozenset(allow_unix_sockets)


def domain_name(domain: str) -> str:
    """A domain as it is compared. ValueError for one that cannot mean anything."""
    host = domain.removeprefix("*.")
    try:
        host = clean_host(ascii_form(host))
    except ValueError as error:
        meant = meant_instead(domain) if "/" in domain else error
        raise ValueError(f"{domain!r} is not a domain name: {meant}") from None
    # A port, a list, a pattern or a URL would match no host: never guessed, and never a rule without effect.
    if not host or (packed_address(host) is None and not NAME_LETTERS.issuperset(host)):
        raise ValueError(f"{domain!r} is not a domain name; {meant_instead(domain)}")
    if len(host) > LONGEST_NAME or [label for label in host.split(".") if len(label) > LONGEST_LABEL]:
        raise ValueError(f"{domain!r} is not a domain name: it, or a part of it, is too long")
    return host


def meant_instead(domain: str) -> str:
    """What to write for a domain that is none."""
    from .entries import FOR_SOCKETS, is_place  # as above: only a mistake pays for these

    if is_place(domain):
        return FOR_SOCKETS
    if "://" in domain:
        return "a URL is more than a name: write the name alone"
    if "*" in domain:
        return "a domain is what lies below it, too: write NAME, or *.NAME"
    return "one name each" if "," in domain else "ports and ranges are for --allow-host (allow_hosts)"


def prepare(rules: tuple[Any, ...]) -> Rules:
    """Tables in place of lists, and the memories of a running policy."""
    block, localhost, domains, allowed, refused, private, sockets = rules
    numbers = frozenset([domain for domain in domains if packed_address(domain) is not None])
    allowing = denying = NO_LISTS
    if allowed or refused or numbers:
        from .entries import ALL_LOOPBACK, LOOPBACK_PLACES, lists_of

        allowing, denying = lists_of(allowed, LOOPBACK_PLACES, numbers), lists_of(refused, ALL_LOOPBACK)
    memories: Any = ({}, {}, {}, shared_record())
    return (block, localhost, domains - numbers, allowing, denying, private, places(sockets), *memories)


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare)
