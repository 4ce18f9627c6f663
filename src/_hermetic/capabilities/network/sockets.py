"""Reading socket calls: what a call aims at, and whose plumbing it is."""

from __future__ import annotations

import _socket

from ...callers import CALLER_DEPTH, asker, calling_frame
from ...extract import NUMBER, TEXT_OR_BYTES, TUPLE, argument, exact_text, is_a
from ...model import PRIVATE, PUBLIC
from .addresses import (
    EVERY_INTERFACE,
    clean_host,
    is_loopback,
    packed_address,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

AF_UNIX = getattr(_socket, "AF_UNIX", -2)
INTERNET = (_socket.AF_INET, _socket.AF_INET6)
KNOWN_FAMILIES = (*INTERNET, AF_UNIX)
STREAM, DATAGRAM = _socket.SOCK_STREAM, _socket.SOCK_DGRAM
# Linux puts flags into the type argument; the kind is in the low bits.
KIND_MASK = 0xF
NOT_SAID = -1  # a family that is to be taken from a descriptor, or is the default
UNTOLD = "socket()"

_family_of = _socket.socket.family.__get__
_peer_of = _socket.socket.getpeername


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
    if _family_of(args[0]) == AF_UNIX and is_a(args[1], TEXT_OR_BYTES) and not exact_text(args[1]):
        return AF_UNIX, "", 0, "bind"  # the kernel chooses a name
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


LOOPBACK_ADDRESSES = frozenset({"127.0.0.1", "::1"})


def named(args: tuple[Any, ...], index: int, verb: str) -> Any:
    """The target of a socket method, where it is a name: C looks it up before it announces the call."""
    if len(args) <= index:
        return None
    address = args[index]
    if type(address) is tuple and address and type(address[0]) is str and address[0] in LOOPBACK_ADDRESSES:
        return None  # most connections, and no name
    if _family_of(args[0]) not in INTERNET:
        return None
    target = address_of(args[0], address, verb)
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


# The verb of a question that must not look a name up.
ASKED = "connect?"


def asked_connection(args: tuple[Any, ...], kwargs: Any) -> Any:
    """(host, port) that nobody connects to: hermetic is asked what it would say."""
    host, port = args
    return INTERNET[0], clean_host(host), int.__index__(port), ASKED


def system_log(args: tuple[Any, ...], kwargs: Any) -> str:
    """C sends the text to a Unix socket of the system's."""
    return "syslog"


# Whether this process was started by a guarded one: what it inherited is what the same policy allowed there. Set before
# the start.
ADOPTS = False


def created_kind(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """socket.__new__(self, family, type, protocol): what was made, where that is not allowed."""
    _, family, kind, _ = args
    if NOT_SAID in (family, kind):
        if ADOPTS or asked_by(DESCRIPTOR_USERS):
            return None
        # Without socket.socket's own frame: `fileno=` or nothing at all, and the event does not tell which.
        return "fromfd" if asker(calling_frame(CALLER_DEPTH)) == DESCRIPTOR_TAKER else UNTOLD
    if family not in KNOWN_FAMILIES or kind & KIND_MASK not in (STREAM, DATAGRAM):
        return "socket"
    return None


def adopted(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return None if ADOPTS or asked_by(DESCRIPTOR_USERS) else "fromfd"


def shared(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return "fromshare"


def pair_kind(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """An event loop's wake-up pair is not network, provided it is a stream pair: a datagram end could be re-aimed."""
    family = argument(args, kwargs, 0, "family", None)
    kind = argument(args, kwargs, 1, "type", STREAM)
    # Exact kinds of value: comparing with another one would ask its own __eq__.
    is_unix = family is None or (is_a(family, NUMBER) and int.__index__(family) == AF_UNIX)
    plain = is_unix and int.__index__(kind) & KIND_MASK == STREAM
    return None if plain and asked_by(PAIR_USERS) else "socketpair"


def listen_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """listen() on a socket that was never bound takes every interface."""
    sock = args[0]
    if _family_of(sock) not in INTERNET:
        return None
    name = _name_of(sock)
    return (_family_of(sock), EVERY_INTERFACE, 0, "bind") if name[1] == 0 else None


_name_of = _socket.socket.getsockname


def is_server(value: object) -> bool:
    """Whether C will take the server's side; its word for that is a number, and nothing else is asked for its truth."""
    return is_a(value, NUMBER) and int.__index__(value) != 0  # type: ignore[arg-type]  # an int, as was just seen


def wrapped_socket(args: tuple[Any, ...], kwargs: Any) -> Any:
    if is_server(argument(args, kwargs, 2, "server_side", False)):
        return None
    name = argument(args, kwargs, 5, "server_hostname", None)
    try:
        peer = _peer_of(argument(args, kwargs, 1, "sock", None))
    except OSError:
        peer = None  # not connected yet: connect will be judged
    address = clean_host(peer[0]) if is_a(peer, TUPLE) else None
    return (clean_host(name) if name else None, address)


def wrapped_bio(args: tuple[Any, ...], kwargs: Any) -> Any:
    if is_server(argument(args, kwargs, 3, "server_side", False)):
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
        ("multiprocessing.forkserver", "main"),
        ("socket", "fromfd"),
        ("socket", "_intenum_converter"),
    }
)
DESCRIPTOR_TAKER = ("socket", "__init__")
OWN_NAME_USERS = frozenset({("socket", "getfqdn")})
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


def asks_for_own_name() -> bool:
    """socket.getfqdn, which smtplib and email call and which copes with no answer."""
    # Between examine and here: decide and decide_resolve.
    return asker(behind_stand_ins(calling_frame(CALLER_DEPTH + 2))) in OWN_NAME_USERS


def behind_stand_ins(frame: FrameType | None) -> FrameType | None:
    """The first frame that is not a stand-in's."""
    while frame is not None and (frame.f_globals is PUBLIC or frame.f_globals is PRIVATE):
        frame = frame.f_back
    return frame


def is_multiprocessing_listener() -> bool:
    """forkserver and Manager listen on a Unix socket in a private directory of theirs."""
    # Between examine and here: decide and decide_bind.
    return asker(behind_stand_ins(calling_frame(CALLER_DEPTH + 2))) in MULTIPROCESSING_LISTENERS
