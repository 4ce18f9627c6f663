"""The words of the pytest plugin: how options, ini keys and markers spell what the settings table declares."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is loaded by pytest, but these names are not needed
if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest
    from _pytest.nodes import Node

PREFIX = "hermetic"
# A "profile" of the command line alone: nothing is guarded in this run, whatever markers say.
OFF = "off"
FAIL, WARN = "fail", "warn"
STRICT = "strict"
# What a test run cannot mean, and what to do instead.
REFUSED = {
    "sealed": "a sealed policy holds until the process ends, and pytest goes on writing its own files: "
    "run hermetic --seal [OPTIONS] -- pytest",
    "keep_fds": "the plugin closes no sockets that pytest inherited",
}


def flag_of(flag: str) -> str:
    """``--no-network`` -> ``--hermetic-no-network``."""
    return f"--{PREFIX}-{flag[2:]}"


def ini_key(key: str) -> str:
    """``allow_domains`` -> ``hermetic_allow_domains``."""
    return f"{PREFIX}_{key}"


def marked_among(items: Iterable[pytest.Item]) -> bool:
    """Whether an item, or what it is in, has the marker."""
    seen: set[Node | None] = {None}
    last = None
    for item in items:
        if item.own_markers and is_marked(item):
            return True
        # Neighbours have the same parent, and to ask the set is not for nothing.
        parent, last = (item.parent if item.parent is not last else None), item.parent
        while parent is not None and parent not in seen:
            seen.add(parent)
            if is_marked(parent):
                return True
            parent = parent.parent
    return False


def is_marked(node: Node) -> bool:
    """By its own marks, not those of what it is in."""
    for mark in node.own_markers:
        if mark.name == PREFIX:
            return True
    return False
