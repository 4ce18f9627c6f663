"""Ways by which what is allowed leads elsewhere: routes of packets, and names that are looked up as others."""

from __future__ import annotations

from ...extract import NUMBER, exact_text, is_a
from ...pristine import native
from .sockets import INTERNET, _family_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# (level, number) of options by which a packet goes to another host first than to the address that is judged: IP_OPTIONS
# and IP_RETOPTS, IPV6_RTHDR and what came before it.
ROUTES = ((0, 4), (0, 7), (41, 57), (41, 5), (41, 6))
ROUTED = "source route"


def option_set(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """setsockopt(level, option, value)."""
    return ROUTED if is_route(args[1], args[2]) else None


def routed_parts(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sendmsg(buffers, ancillary data, ...): what is no plain list could be another one when C reads it."""
    parts = args[2] if len(args) > 2 else ()
    if _family_of(args[0]) not in INTERNET or (type(parts) in (list, tuple) and not parts):
        return None
    if type(parts) not in (list, tuple):
        return ROUTED
    for part in parts:
        if type(part) is not tuple or len(part) < 2 or is_route(part[0], part[1]):
            return ROUTED
    return None


def is_route(level: object, option: object) -> bool:
    if not is_a(level, NUMBER) or not is_a(option, NUMBER):
        return True  # C asks such an object itself, and may hear something else
    return (int.__index__(level), int.__index__(option)) in ROUTES  # type: ignore[arg-type]  # ints, as was just seen


# By these the C library looks an allowed name up as another one: below a domain, or by an alias. (name, what it was)
_given = getattr(native, "environ", {})
_names = ("LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES")
RESOLVER_VARIABLES = tuple([(name, _given.get(name.encode())) for name in _names])


def resolver_variable(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.putenv(name, value). What was there at the start may be put back."""
    name = exact_text(args[0])
    for known, value in RESOLVER_VARIABLES:
        if name == known:
            return None if value is not None and args[1] == value else name
    return None
