"""What look-ups are remembered for: addresses belong to the names that they were answered for."""

from __future__ import annotations

from ...extract import argument
from .addresses import METADATA, clean_host, is_link_local, is_loopback, matches, packed_address
from .rules import (
    ALLOWED,
    BELOW,
    DENIED,
    DENIED_LEARNT,
    DOMAINS,
    EVERY_PORT,
    LEARNT,
    NAMES,
    joined,
    ports_of_name,
    without,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .rules import Lists, Ports, Rules


def learns(rules: tuple[Any, ...]) -> bool:
    """Whether a rule is about names, so that what they resolve to must be remembered."""
    return bool(rules[DOMAINS] or has_names(rules[ALLOWED]) or has_names(rules[DENIED]))


def has_names(lists: Lists) -> bool:
    """Whether any name is listed, itself or by its subdomains."""
    return bool(lists) and any(kept[0][0] or kept[1] for kept in (lists[NAMES], lists[BELOW]))


def remember(rules: Rules, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any) -> None:
    """A look-up answered: the addresses of an allowed name are reachable under its rule, those of a denied one are not.

    result: of getaddrinfo, gethostbyname, gethostbyname_ex or gethostbyaddr.
    """
    if not (rules[DOMAINS] or rules[ALLOWED] or rules[DENIED]):
        return  # no rule is about names
    host = argument(args, kwargs, 0, "host", None)
    if host is None:
        return
    name = clean_host(host)
    allowed = allowed_ports(rules, name)
    refused = ports_of_name(rules[DENIED], name) if rules[DENIED] else None
    if allowed is not None and refused is not None:
        allowed = without(allowed, refused)
    if allowed is None and refused is None:
        return
    for answer in (result,) if type(result) is str else result[2] if type(result) is tuple else result:
        packed = packed_address(answer if type(answer) is str else answer[4][0])
        if packed is None:
            continue
        if allowed is not None and not is_loopback(packed) and not is_link_local(packed) and packed not in METADATA:
            keep(rules[LEARNT], packed, allowed)
        if refused is not None:
            keep(rules[DENIED_LEARNT], packed, refused)


def forget(rules: Rules, packed: bytes) -> None:
    """What look-ups have said of an address holds no more."""
    dict.pop(rules[LEARNT], packed, None)


def allowed_ports(rules: Rules, name: str) -> Ports | None:
    """The ports on which an allowed name may be reached."""
    if matches(rules[DOMAINS], name):
        return EVERY_PORT
    return ports_of_name(rules[ALLOWED], name) if rules[ALLOWED] else None


def keep(memory: dict[bytes, Ports], packed: bytes, ports: Ports) -> None:
    known = dict.get(memory, packed)
    memory[packed] = ports if known is None else joined(known, ports)
