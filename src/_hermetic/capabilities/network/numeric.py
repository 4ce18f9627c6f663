"""getnameinfo that is told to give numbers, and getaddrinfo that is told to take them: no question.

The events have the address or the host and not the flags: of what is announced, no one can tell whether C is about to
ask.
"""

from __future__ import annotations

import _socket
import sys

from ...extract import NUMBER, is_a
from .addresses import clean_host, raw_address

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

NI_NUMERICHOST, NI_NUMERICSERV, NI_DGRAM = _socket.NI_NUMERICHOST, _socket.NI_NUMERICSERV, _socket.NI_DGRAM
# With any other flag the answer is C's.
OTHER_FLAGS = ~(NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM)
HIGHEST_PORT, HIGHEST_FLOW, HIGHEST_ZONE = 0xFFFF, 0xFFFFF, 0xFFFFFFFF
# C writes the interface behind these by its name, behind other addresses by its number.
GROUPS = (b"\xff\x01", b"\xff\x02") if sys.platform == "darwin" else (b"\xff\x02",)
NAMES_INTERFACES = sys.platform != "win32"
AI_NUMERICHOST, FLAGS = _socket.AI_NUMERICHOST, 5
# What C refuses as no number, and no guard takes for a question. On Windows it is this machine, so a name is judged.
NO_HOST = None if sys.platform == "win32" else ""

_inet, _inet6 = _socket.AF_INET, _socket.AF_INET6
_pton, _ntop, _error = _socket.inet_pton, _socket.inet_ntop, OSError
_interface_name, _service_name = _socket.if_indextoname, _socket.getservbyport


def is_no_number(host: Any, flags: Any) -> bool:
    """Whether getaddrinfo has to take a host as a number that is none."""
    if not is_a(flags, NUMBER) or not int.__index__(flags) & AI_NUMERICHOST or NO_HOST is None:
        return False
    try:
        return raw_address(clean_host(host)) is None
    except (TypeError, ValueError):
        return False  # C's own error, or a guard's


def numeric_answer(args: tuple[Any, ...]) -> tuple[str, str] | None:
    """(host, service) of ``getnameinfo(*args)`` where nobody has to be asked; None for whatever C must say itself.

    A service's name comes out of a file of this machine, as getservbyport has it.
    """
    if len(args) != 2 or type(args[0]) is not tuple or type(args[1]) is not int:
        return None
    address, flags = args
    if flags & OTHER_FLAGS or not flags & NI_NUMERICHOST or not 2 <= len(address) <= 4 or type(address[0]) is not str:
        return None
    for item, highest in zip(address[1:], (HIGHEST_PORT, HIGHEST_FLOW, HIGHEST_ZONE)):  # it may be short
        if type(item) is not int or not 0 <= item <= highest:
            return None
    host = host_in_numbers(address)
    return None if host is None else (host, service(address[1], flags))


def host_in_numbers(address: tuple[Any, ...]) -> str | None:
    """As C writes it; None for what is no usual spelling of an address."""
    text = address[0]
    try:
        if ":" not in text:
            # With more items behind it, this is C's error.
            return _ntop(_inet, _pton(_inet, text)) if len(address) == 2 else None
        packed = _pton(_inet6, text)
    except (_error, ValueError):
        return None
    host = _ntop(_inet6, packed)
    zone = address[3] if len(address) == 4 else 0
    return f"{host}%{interface(packed, zone)}" if zone else host


def interface(packed: bytes, zone: int) -> str:
    on_a_link = packed[0] == 0xFE and packed[1] & 0xC0 == 0x80
    if NAMES_INTERFACES and (on_a_link or packed[:2] in GROUPS):
        try:
            return _interface_name(zone)
        except _error:
            pass
    return str(zone)


def service(port: int, flags: int) -> str:
    if not flags & NI_NUMERICSERV:
        try:
            return _service_name(port, "udp" if flags & NI_DGRAM else "tcp")
        except _error:
            pass
    return str(port)
