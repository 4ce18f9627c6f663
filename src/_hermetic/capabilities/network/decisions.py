"""The network family's decisions: pure but for what rules remember, and for looking at a Unix socket's place.

What is denied by name or number is denied first, whatever allows it. Where everything
is denied that nothing allows (BLOCK), loopback, link-local and, if asked for, private
addresses need a permission of their own even when an allowed name resolves to them,
and cloud metadata services have none.
"""

from __future__ import annotations

import _socket
from errno import ECONNREFUSED, ENOENT

from .addresses import (
    BROADCAST,
    EVERY_INTERFACE,
    EVERY_INTERFACE6,
    LIMITED_BROADCAST,
    LOOPBACK4,
    LOOPBACK6,
    LOOPBACK_NAMES,
    METADATA,
    PLAIN_LOOPBACK,
    RESOLVER_PORTS,
    THIS_HOST,
    UNSPECIFIED,
    carried,
    is_link_local,
    is_loopback,
    is_metadata,
    is_private,
    leaves,
    matches,
    packed_address,
    raw_address,
    shown_address,
    unwrapped,
)
from .plumbing import asks_for_own_name, is_multiprocessing_client, is_multiprocessing_listener
from .rules import (
    ALLOWED,
    ANY_PORT,
    BLOCK,
    DENIED,
    DENIED_LEARNT,
    DOMAINS,
    LEARNT,
    LOCALHOST,
    PRIVATE,
    UNTOLD_PORT,
    address_entry,
    entry_for,
    has_addresses,
    name_entry,
    single_entry,
)
from .sockets import (
    AF_UNIX,
    BY_NAME,
    INTERNET,
    SYSTEM_LOG,
    UNREAD,
    UNTOLD,
)
from .unix import LOG_PLACE, is_free, is_given, is_open, own_numbers

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .rules import Rules

    Found: TypeAlias = tuple[str, str | None, str, str] | tuple[str, None, str, str, OSError] | None

OPTION, DENY, DENY_PRIVATE = "no-network", "deny-host", "deny-private-network"
RESOLVE, CONNECT, BIND = "network.resolve", "network.connect", "network.bind"
CREATE, PAIR, TLS, REPLACE = "network.create", "network.pair", "network.tls", "network.replace"
# What a stand-in is told that shall do without it what C would ask a daemon for.
WITHOUT = True

NOTHING = "nothing: no option gives this back"
ITSELF = "127.0.0.1 or ::1: this form of an address of the machine's is sent into the network"
READABLE = "a host name in ASCII (its xn-- form), or another argument that can be read"
UNSEEN = "socket.socket in place of _socket.socket, whose look-up of the name no guard sees"


def decide(rules: Rules, capability: str, target: Any, call: str) -> tuple[Any, ...] | None:
    if capability == CONNECT:
        return decide_connect(rules, target, call)
    if capability == RESOLVE:
        return decide_resolve(rules, target, call)
    if capability == BIND:
        return decide_bind(rules, target, call)
    if capability == TLS:
        return decide_tls(rules, target, call)
    if capability == REPLACE:
        return "", None, OPTION, "", WITHOUT
    # CREATE and PAIR: the reader names what was made only where it is not allowed.
    remedy = "naming the family, socket(AF_INET, SOCK_STREAM)" if target == UNTOLD else NOTHING
    if target == SYSTEM_LOG and LOG_PLACE:
        if is_given(rules, LOG_PLACE):
            return None
        remedy = f"--allow-unix-socket {LOG_PLACE}"
    return f"network disabled: {target}", None, option_of(rules), remedy


def option_of(rules: Rules) -> str:
    """The option that an act falls under which no entry names."""
    return OPTION if rules[BLOCK] else DENY if rules[DENIED] else DENY_PRIVATE


def unreadable(rules: Rules, call: str) -> tuple[str, None, str, str]:
    """Fail closed: as for any other argument that a guard cannot read, but under the option that asked for it."""
    return f"network disabled: {call}(?)", None, option_of(rules), READABLE


# --- what is denied by name or number ---


def denying(rules: Rules, host: str, raw: bytes | None, port: int) -> tuple[str, str, str] | None:
    """(shown host, option, remedy) where a destination is denied, whatever allows it."""
    if rules[DENIED]:
        entry = denied_entry(rules, host, raw, port)
        if entry:
            return host, DENY, f"leaving out --deny-host {entry}"
    if rules[PRIVATE] and raw is not None:
        for packed in (unwrapped(raw), *carried(raw)):
            if is_private(packed) and (packed in METADATA or not allowed_entry(rules, packed, port)):
                return host, DENY_PRIVATE, remedy_for(rules, host, packed, port)
    return None


def denied_entry(rules: Rules, host: str, raw: bytes | None, port: int) -> str:
    """The entry that denies a host: a name as it is, an address in every form, as it is sent and as it is meant."""
    lists = rules[DENIED]
    if raw is None:
        return name_entry(lists, host, port, False)
    packed = unwrapped(raw)
    found = address_entry(lists, packed, port, False)
    for other in (raw, *carried(raw)) if len(raw) == 16 else ():
        found = found or address_entry(lists, other, port, False)
    for unspecified, loopback in THIS_HOST:
        if not found and packed == unspecified:
            found = address_entry(lists, loopback, port, False)
    if not found and rules[DENIED_LEARNT]:
        ports = dict.get(rules[DENIED_LEARNT], packed)
        if ports is not None:
            found = entry_for(ports, port, False)
    return found


# --- what is allowed ---


def allowed_entry(rules: Rules, packed: bytes, port: int) -> str:
    lists = rules[ALLOWED]
    return address_entry(lists, packed, port, is_loopback(packed)) if lists else ""


def address_allowed(rules: Rules, raw: bytes, port: int) -> bool:
    """Whether an address may be reached, under BLOCK: by its own permission, or as the answer for an allowed name."""
    packed = unwrapped(raw)
    if packed in METADATA or not METADATA.isdisjoint(carried(raw)) or (packed is not raw and leaves(raw)):
        return False
    if rules[ALLOWED] and allowed_entry(rules, packed, port):
        return True
    if packed == LOOPBACK4 or is_loopback(packed):
        return bool(rules[LOCALHOST]) and port not in RESOLVER_PORTS
    ports = dict.get(rules[LEARNT], packed)
    return ports is not None and not is_link_local(packed) and bool(entry_for(ports, port, False))


def name_allowed(rules: Rules, host: str, port: int) -> bool:
    """Whether a name may be looked up, or connected to, as far as the name is concerned."""
    local = host in LOOPBACK_NAMES
    if rules[LOCALHOST] and port not in RESOLVER_PORTS if local else matches(rules[DOMAINS], host):
        return True
    return bool(rules[ALLOWED]) and bool(name_entry(rules[ALLOWED], host, port, local))


def any_loopback_entry(rules: Rules, port: int) -> str:
    return allowed_entry(rules, LOOPBACK4, port) or allowed_entry(rules, LOOPBACK6, port)


def allows_names(rules: Rules) -> bool:
    """Whether there is any name to look up on the network."""
    return bool(rules[DOMAINS] or rules[ALLOWED])


def may_ask(rules: Rules, name: str) -> bool:
    """Whether a name may be asked on the network, by whoever answers for the program."""
    if is_metadata(name, None) or (rules[DENIED] and name_entry(rules[DENIED], name, UNTOLD_PORT, False)):
        return False
    return name_allowed(rules, name, ANY_PORT)


def denied(rules: Rules, verb: str, host: str, port: int) -> tuple[str, str | None, str, str]:
    """The documented text, and the option that fits this host."""
    return f"network disabled: {verb}({host})", host, OPTION, remedy_for(rules, host, packed_address(host), port)


def remedy_for(rules: Rules, host: str, packed: bytes | None, port: int) -> str:
    """The option that gives this host back, as narrow as helps."""
    if is_metadata(host, packed):
        return "nothing: cloud metadata services are always denied"
    if host in LOOPBACK_NAMES or (packed is not None and is_loopback(packed)):
        raw = raw_address(host)
        if raw is not None and leaves(raw):
            return ITSELF
        if port in RESOLVER_PORTS:
            return f"--allow-host {with_port(host, packed, port)}, where a resolver answers for the internet"
        return "--allow-localhost"
    if packed is not None:
        return f"--allow-host {with_port(host, packed, port)}"
    if rules[ALLOWED] and name_entry(rules[ALLOWED], host, ANY_PORT, False):
        return f"--allow-host {with_port(host, packed, port)}"
    return f"--allow-domain {host}"


def with_port(host: str, packed: bytes | None, port: int) -> str:
    """An entry for this host and, where it was told, its port."""
    text = host if packed is None else shown_address(packed)
    if port <= 0:
        return text
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


# --- the acts ---


def decide_resolve(rules: Rules, host: Any, call: str) -> tuple[Any, ...] | None:
    port = ANY_PORT
    if type(host) is tuple:
        if len(host) == 1:  # an address whose name is asked for
            return decide_reverse(rules, host[0], call)
        host, port = host
        if host is UNREAD:
            return unreadable(rules, call)
    # A look-up for a port is one for that port; without one, a name is denied that is denied on every port.
    if rules[DENIED] and host:
        entry = name_entry(rules[DENIED], host, port if port > 0 else UNTOLD_PORT, False)
        if entry:
            return f"network disabled: DNS({host})", host, DENY, f"leaving out --deny-host {entry}"
    # Loopback names are answered by the machine itself.
    if not rules[BLOCK] or host in PLAIN_LOOPBACK or host in LOOPBACK_NAMES:
        return None
    packed = packed_address(host)
    if is_metadata(host, packed):
        return denied(rules, "DNS", host, 0)
    # An address is no question.
    if not host or packed is not None or name_allowed(rules, host, ANY_PORT):
        return None
    if asks_for_own_name():
        return "", None, OPTION, "", _no_host(1, "no such host")
    return denied(rules, "DNS", host, 0)


_no_host = _socket.herror
BY_ADDRESS = "socket.gethostbyaddr"


def decide_reverse(rules: Rules, host: str, call: str) -> Found:
    raw = raw_address(host)
    assert raw is not None
    found = denying(rules, host, raw, UNTOLD_PORT)
    if found is not None:
        return f"network disabled: DNS({host})", host, found[1], found[2]
    packed = unwrapped(raw)
    if not rules[BLOCK] or (allowed_entry(rules, packed, ANY_PORT) and not leaves(raw)):
        return None
    if not is_loopback(packed) or leaves(raw):
        return denied(rules, "DNS", host, 0)
    if call == BY_ADDRESS:
        return "", None, OPTION, "", _no_host(1, "no such host")  # servers ask for the name of where they listen
    return f"network disabled: DNS({host})", host, OPTION, f"--allow-host {with_port(host, packed, 0)}"


def decide_connect(rules: Rules, target: Any, call: str) -> Found:
    family, host, port, verb = target[:4]
    if family == AF_UNIX:
        return decide_unix(rules, host, verb, call)
    if family not in INTERNET or host is UNREAD:
        # Of what is no host there is no list.
        return unreadable(rules, call) if rules[BLOCK] or family in INTERNET else None
    if not host:
        host = EVERY_INTERFACE if family == INTERNET[0] else EVERY_INTERFACE6
    elif host == BROADCAST:
        host = LIMITED_BROADCAST
    raw = raw_address(host)
    if rules[DENIED] or rules[PRIVATE]:
        found = denying(rules, host, raw, port)
        if found is not None:
            return f"network disabled: {verb}({host})", host, found[1], found[2]
    if raw is None:
        return decide_name(rules, host, port, verb, len(target) == BY_NAME)
    # A port that was not told will be, when the address is judged again.
    if not rules[BLOCK] or address_allowed(rules, raw, ANY_PORT if port < 0 else port):
        return None
    return denied(rules, verb, host, port)


def decide_name(rules: Rules, host: str, port: int, verb: str, pinned: bool) -> Found:
    """A name given in place of an address. pinned: the stand-in looks it up, and the address is judged next."""
    asked = ANY_PORT if port < 0 else port
    if rules[BLOCK] and (is_metadata(host, None) or not name_allowed(rules, host, asked)):
        # An address of this machine is permission for it by this name, too: as it comes out, it is judged.
        listed = pinned and host in LOOPBACK_NAMES and any_loopback_entry(rules, asked)
        if not listed:
            return denied(rules, verb, host, port)
    if pinned:
        return None
    # C has looked it up by now and does not say what it found. Loopback names are answered by the machine itself.
    if host in LOOPBACK_NAMES:
        for _, loopback in THIS_HOST:
            found = denying(rules, host, loopback, port)
            if found is not None:
                return f"network disabled: {verb}({host})", host, found[1], found[2]
        return None
    if not (rules[BLOCK] or rules[PRIVATE] or has_addresses(rules[DENIED])):
        return None
    return f"network disabled: {verb}({host})", host, option_of(rules), UNSEEN


def decide_unix(rules: Rules, name: str, verb: str, call: str) -> Found:
    if not rules[BLOCK]:
        return None
    if name is UNREAD:
        return unreadable(rules, call)
    own = own_numbers(rules, name)
    if is_open(own) or is_given(rules, name):
        return None
    if own:
        # This run has closed it; what it would hear, should nobody else have got its file or its name meanwhile.
        return "", None, "", "", OSError(ECONNREFUSED, "Connection refused")
    if (rules[LOCALHOST] or is_multiprocessing_client()) and is_free(name):
        # A place for a socket of this run: whoever waits for the run's own server to bind it tries again at this error.
        # The call is not made, as somebody else may have bound it by then.
        return "", None, "", "", OSError(ENOENT, "No such file or directory")
    # A place that can be told apart from words of ours; a relative one would be read from another folder.
    remedy = f"--allow-unix-socket {name}"
    if not rules[LOCALHOST]:
        # Where nothing lies, often in a temporary folder with another name each time, it may be for this run to bind.
        bound = "--allow-localhost for a socket that this run binds itself"
        remedy = f"{bound}, or {remedy}" if is_free(name) else f"{remedy}, or {bound}"
    return f"network disabled: {verb}({name})", name, OPTION, remedy


def decide_bind(rules: Rules, target: Any, call: str) -> Found:
    family, host, port, _ = target[:4]
    if host is UNREAD:
        return unreadable(rules, call)
    if family == AF_UNIX:
        if "\n" in host:
            # It would pass for a line, and so for a socket, of the table that `is_open` looks at.
            return f"network disabled: bind({host})", host, OPTION, "a name without a line break"
        if rules[LOCALHOST] or is_multiprocessing_listener():
            return None
        return f"network disabled: bind({host})", host, OPTION, "--allow-localhost"
    if family not in INTERNET:
        return unreadable(rules, call)
    place = host or (EVERY_INTERFACE if family == INTERNET[0] else EVERY_INTERFACE6)
    raw = raw_address(place)
    packed = None if raw is None else unwrapped(raw)
    elsewhere = raw is not None and leaves(raw)
    loopback = host in LOOPBACK_NAMES if packed is None else is_loopback(packed) and packed not in UNSPECIFIED
    if loopback and not elsewhere:
        return None
    # As a place to listen, the unspecified address is every interface of the machine. An entry that is this address
    # gives it back: a range says whom to reach.
    if packed is not None and not elsewhere and rules[ALLOWED] and single_entry(rules[ALLOWED], packed, port, False):
        found = denying(rules, place, packed, port)
        return None if found is None else (f"network disabled: bind({host})", host, found[1], found[2])
    remedy = "binding to 127.0.0.1 or ::1 instead"
    if packed is not None and not elsewhere:
        remedy = f"--allow-host {with_port(place, packed, port)}, or {remedy}"
    return f"network disabled: bind({host})", host, OPTION, remedy


def decide_tls(rules: Rules, target: Any, call: str) -> Found:
    name, peer, port = target
    if type(name) is tuple:
        return unreadable(rules, call)
    for host in (name, peer):
        if host is None:
            continue
        raw = raw_address(host)
        found = denying(rules, host, raw, port)
        if found is not None:
            return "network disabled: TLS", None, found[1], found[2]
        if not rules[BLOCK]:
            continue
        packed = None if raw is None else unwrapped(raw)
        asked = ANY_PORT if port < 0 else port
        if is_metadata(host, packed):
            return "network disabled: TLS", None, OPTION, remedy_for(rules, host, packed, 0)
        if not (name_allowed(rules, host, ANY_PORT) if raw is None else address_allowed(rules, raw, asked)):
            return "network disabled: TLS", None, OPTION, remedy_for(rules, host, packed, port)
    return None
