"""Reading socket calls: what a call aims at."""

from __future__ import annotations

import _socket
from errno import EBADF, ENOTSOCK

from ...callers import CALLER_DEPTH, asker, calling_frame
from ...extract import NUMBER, TEXT, TEXT_OR_BYTES, TUPLE, argument, exact_text, is_a, settled_text
from .addresses import (
    BROADCAST,
    EVERY_INTERFACE,
    EVERY_INTERFACE6,
    MAPPED,
    NAMED_HERE,
    PLAIN_LOOPBACK,
    PLAIN_LOOPBACK_BYTES,
    RESOLVER_PORTS,
    clean_host,
    packed_address,
    raw_address,
)
from .plumbing import DESCRIPTOR_TAKER, DESCRIPTOR_USERS, PAIR_USERS, asked_by, is_connected, is_looked_up
from .rules import DENIED, LOCALHOST

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

AF_UNIX = getattr(_socket, "AF_UNIX", -2)
INTERNET = (_socket.AF_INET, _socket.AF_INET6)
KNOWN_FAMILIES = (*INTERNET, AF_UNIX)
STREAM, DATAGRAM = KINDS = (_socket.SOCK_STREAM, _socket.SOCK_DGRAM)
# Linux puts flags into the type argument; the kind is in the low bits.
KIND_MASK = 0xF
# None said, TCP, UDP; ICMP and its IPv6 form, for ping; UDP-Lite, MPTCP. SCTP connects and sends to addresses
# that are in options and beside the data, of which no event tells.
PROTOCOLS = frozenset({-1, 0, 6, 17, 1, 58, 136, 262})
NOT_SAID = -1  # a family that is to be taken from a descriptor, or is the default
UNTOLD = "socket()"
# In place of a host that a guard cannot read; what that means depends on the rules.
UNREAD = None
# Items of the target of a call that was given a name, which its stand-in looks up.
BY_NAME = 5

_family_of = _socket.socket.family.__get__
_peer_of = _socket.socket.getpeername


def unix_name(address: object) -> str:
    """One spelling for a Unix socket's address; abstract ones keep their leading NUL, as ``@``."""
    if type(address) is not bytes and not is_a(address, TEXT):
        raise TypeError("C reads it as memory, which its class makes (__buffer__)")
    text = exact_text(address)
    if not text:
        raise ValueError("no Unix socket address")
    if text[0] == "\0":
        return "@" + text[1:]
    # A file of that name is another thing.
    return "./" + text if text[0] == "@" else text


def address_of(sock: object, address: object, verb: str) -> tuple[int, str | None, int, str]:
    """(family, host, port, verb) of a socket call; of another family, or where nothing can be read, without a host."""
    family = _family_of(sock)
    try:
        if family == AF_UNIX:
            return family, unix_name(address), 0, verb
        if family in INTERNET:
            host, port = host_and_port(address)
            return family, clean_host(host), port if type(port) is int else int.__index__(port), verb
    except (RecursionError, MemoryError):
        raise
    except Exception:  # noqa: BLE001  # an argument may raise anything at all
        pass
    return family, UNREAD, 0, verb


def host_and_port(address: Any) -> tuple[Any, Any]:
    """The first two items of an address, as C takes them out of it."""
    if type(address) is tuple:
        return address[0], address[1]
    if not is_a(address, TUPLE):
        raise ValueError("not an address")
    return tuple.__getitem__(address, 0), tuple.__getitem__(address, 1)


def settled(args: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    """The arguments, and in the address at this place a host that C need not ask for its text."""
    address = args[index] if len(args) > index >= 0 else None
    if type(address) is not tuple or not address or type(address[0]) is str:
        return args
    address = (settled_text(address[0]), *address[1:])
    return (*args[:index], address, *args[index + 1 :])


def connect_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    return address_of(args[0], args[1], "connect")


def sendto_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    # sendmsg without an address goes to the peer, which connect has judged.
    return None if args[1] is None else address_of(args[0], args[1], "sendto")


def bind_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    if _family_of(args[0]) == AF_UNIX and type(args[1]) in TEXT_OR_BYTES and not args[1]:
        return AF_UNIX, "", 0, "bind"  # the kernel chooses a name
    return address_of(args[0], args[1], "bind")


def resolve_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """A name, or (name, port) where a look-up is for one."""
    host = args[0]
    if host is None:
        return None
    try:
        port = args[1] if len(args) > 1 else None
        return clean_host(host) if port is None else (clean_host(host), port_number(port))
    except (TypeError, ValueError):
        return UNREAD, 0


def port_number(port: object) -> int:
    """A port as a number; that of a service's name is not told."""
    if is_a(port, NUMBER):
        return int.__index__(port)  # type: ignore[arg-type]  # an int, as was just seen
    if is_a(port, TEXT_OR_BYTES):
        text = exact_text(port)
        if str.isascii(text) and str.isdecimal(text) and len(text) < 6:
            return int(text)
    return -1


def reverse_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """gethostbyaddr and getnameinfo ask the network about an address; about its own the machine answers."""
    host = args[0]
    if is_a(host, TUPLE):
        host = tuple.__getitem__(host, 0)
    try:
        host = clean_host(host)
    except (TypeError, ValueError):
        return UNREAD, 0
    raw = raw_address(host)
    if raw is None:
        return host
    return None if (raw[12:] if raw[:12] == MAPPED else raw) in NAMED_HERE else (host,)


LOOPBACK_ADDRESSES = frozenset({"127.0.0.1", "::1"})


def named(args: tuple[Any, ...], index: int, verb: str) -> Any:
    """The target of a socket method, where it is a name: C would look it up before it announces the call."""
    if len(args) <= index:
        return None
    address = args[index]
    if type(address) is tuple and address and type(address[0]) is str and address[0] in LOOPBACK_ADDRESSES:
        return None  # most connections, and no name
    if _family_of(args[0]) not in INTERNET or not is_a(address, TUPLE):
        return None  # what is no tuple is C's own error
    target = address_of(args[0], address, verb)
    family, host = target[0], target[1]
    if host is UNREAD:
        return target
    # To an IPv4 socket, an IPv6 address is one more name.
    is_name = host and host != BROADCAST and (packed_address(host) is None or (":" in host and family == INTERNET[0]))
    return (*target, True) if is_name else None


_resolve_now = _socket.getaddrinfo


def pinned(args: tuple[Any, ...], index: int, key: str, after: Any) -> tuple[Any, ...]:
    """The arguments with an address in place of a name: what is judged next is what C connects to, not a second answer.

    key, after: by which the rules remember the answers.
    """
    if named(args, index, "") is None:
        return args
    host = str.encode(exact_text(tuple.__getitem__(args[index], 0)), "ascii")
    # As C does it: for the socket's family, and the first answer.
    answers = _resolve_now(host, None, _family_of(args[0]))
    after(key, (host,), None, answers)
    address = (answers[0][4][0], *tuple.__getitem__(args[index], slice(1, None)))
    return (*args[:index], address, *args[index + 1 :])


def named_connect(args: tuple[Any, ...], kwargs: Any) -> Any:
    return named(args, 1, "connect")


def named_bind(args: tuple[Any, ...], kwargs: Any) -> Any:
    return named(args, 1, "bind")


def named_sendto(args: tuple[Any, ...], kwargs: Any) -> Any:
    return named(args, place_in_sendto(args), "sendto")


def place_in_sendto(args: tuple[Any, ...]) -> int:
    """sendto(data, address) and sendto(data, flags, address)."""
    return len(args) - 1 if len(args) > 2 else 2


def named_sendmsg(args: tuple[Any, ...], kwargs: Any) -> Any:
    """sendmsg(buffers, ancillary data, flags, address); without an address it goes to the peer."""
    return named(args, SENDMSG_PLACE, "sendto") if args[SENDMSG_PLACE:] and args[SENDMSG_PLACE] is not None else None


SENDMSG_PLACE = 4


# What most calls are, told apart without a look at anything else (`free` of a row). Each says True only where reading
# and deciding come to the same. What an event of C's never has may raise; what a program hands in itself has its type
# compared before anything is asked of it.


def asks_for_loopback(rules: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    """A look-up that the machine answers by itself."""
    if rules[DENIED]:
        return False
    host = args[0]
    return host in PLAIN_LOOPBACK_BYTES if type(host) is bytes else type(host) is str and host in PLAIN_LOOPBACK


def is_usual_kind(rules: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    """socket.__new__ with a family and a type that are said and allowed."""
    _, family, kind, protocol = args
    return family in KNOWN_FAMILIES and kind & KIND_MASK in KINDS and protocol in PROTOCOLS


def is_to_loopback(rules: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    """A socket's call to a plain address of this machine, where that is allowed."""
    address = args[1]
    if not rules[LOCALHOST] or rules[DENIED] or type(address) is not tuple:
        return False
    host, port = address[0], address[1]
    return (
        type(host) is str
        and host in PLAIN_LOOPBACK
        and type(port) is int
        and port not in RESOLVER_PORTS
        and _family_of(args[0]) in INTERNET
    )


def connects_to_loopback(rules: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    """create_connection to a plain address of this machine, where that is allowed."""
    address = args[0]
    if not rules[LOCALHOST] or rules[DENIED] or type(address) is not tuple:
        return False
    host, port = address
    return type(host) is str and host in PLAIN_LOOPBACK and type(port) is int and port not in RESOLVER_PORTS


def names_loopback(rules: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    """A socket method whose address is one of this machine's, and so no name."""
    address = args[1]
    return type(address) is tuple and type(address[0]) is str and address[0] in LOOPBACK_ADDRESSES


def create_connection_target(args: tuple[Any, ...], kwargs: Any) -> Any:
    """What it finds is judged again, with the port as a number; that alone, where the program finds it by itself.
    Nothing is, where no address is looked for, and nobody connects."""
    if not is_looked_up():
        return None
    try:
        host, port = host_and_port(argument(args, kwargs, 0, "address", None))
        host = clean_host(settled_text(host))
        if not is_connected() and packed_address(host) is not None:
            return None
        return INTERNET[0], host, port_number(port), "create_connection", True
    except (TypeError, ValueError, IndexError):
        return INTERNET[0], UNREAD, 0, "create_connection"


def asked_connection(args: tuple[Any, ...], kwargs: Any) -> Any:
    """(host, port) that nobody connects to: hermetic is asked what it would say, and looks nothing up."""
    host, port = args
    try:
        return INTERNET[0], clean_host(host), int.__index__(port), "connect", True
    except ValueError:
        return INTERNET[0], UNREAD, 0, "connect"


SYSTEM_LOG = "syslog"


def system_log(args: tuple[Any, ...], kwargs: Any) -> str:
    """C sends the text to a Unix socket of the system's."""
    return SYSTEM_LOG


def yellow_pages(args: tuple[Any, ...], kwargs: Any) -> str:
    return "nis"


# Whether this process was started by a guarded one: what it inherited is what the same policy allowed there. Set before
# the start.
ADOPTS = False


def created_kind(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """socket.__new__(self, family, type, protocol): what was made, where that is not allowed."""
    _, family, kind, protocol = args
    if NOT_SAID in (family, kind):
        if ADOPTS or asked_by(DESCRIPTOR_USERS):
            return None
        # Without socket.socket's own frame: `fileno=` or nothing at all, and the event does not tell which.
        return "fromfd" if asker(calling_frame(CALLER_DEPTH)) == DESCRIPTOR_TAKER else UNTOLD
    if family not in KNOWN_FAMILIES or kind & KIND_MASK not in KINDS or protocol not in PROTOCOLS:
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
    name = internet_name(args[0])
    if name is None or name[1] != 0:
        return None
    family, every = (INTERNET[0], EVERY_INTERFACE) if len(name) == 2 else (INTERNET[1], EVERY_INTERFACE6)
    return family, every, 0, "bind"


def internet_name(sock: Any) -> tuple[Any, ...] | None:
    """The own address of a socket of the internet, by the system's word: one made of a descriptor says any family.

    None for other sockets, and for what is closed or none at all, which C will say itself.
    """
    try:
        name = _name_of(sock)
    except OSError as error:
        if error.errno in NO_SOCKET:
            return None
        raise
    return name if type(name) is tuple else None


NO_SOCKET = frozenset({EBADF, ENOTSOCK})
_name_of = _socket.socket.getsockname


def is_server(value: object) -> bool:
    """Whether C will take the server's side; its word for that is a number, and nothing else is asked for its truth."""
    return is_a(value, NUMBER) and int.__index__(value) != 0  # type: ignore[arg-type]  # an int, as was just seen


NAME_IN_WRAP_SOCKET, NAME_IN_WRAP_BIO = 5, 4


def wrapped_socket(args: tuple[Any, ...], kwargs: Any) -> Any:
    if is_server(argument(args, kwargs, 2, "server_side", False)):
        return None
    name = argument(args, kwargs, NAME_IN_WRAP_SOCKET, "server_hostname", None)
    try:
        peer = _peer_of(argument(args, kwargs, 1, "sock", None))
    except OSError:
        peer = None  # not connected yet: connect will be judged
    if not is_a(peer, TUPLE):
        return peer_name(name), None, -1
    return peer_name(name), clean_host(peer[0]), peer[1]


def peer_name(name: Any) -> Any:
    """What a peer is expected to be called."""
    try:
        return clean_host(name) if name else None
    except (TypeError, ValueError):
        return ()


def wrapped_bio(args: tuple[Any, ...], kwargs: Any) -> Any:
    if is_server(argument(args, kwargs, 3, "server_side", False)):
        return None
    name = argument(args, kwargs, NAME_IN_WRAP_BIO, "server_hostname", None)
    return peer_name(name), None, -1
