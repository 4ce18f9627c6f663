"""The words of the pytest plugin: how options, ini keys and markers spell what the settings table declares."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is loaded by pytest, but these names are not needed
if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest
    from _pytest.nodes import Node

PREFIX = "hermetic"
PROFILE = "profile"
# A "profile" of the command line alone: nothing is guarded in this run, whatever markers say.
OFF = "off"
FAIL, WARN = "fail", "warn"
STRICT = "strict"
# Who asked for what a test takes away by its fixture.
BLOCKED = "hermetic.block()"
# A policy file: of the ini key, the option, and the marker.
POLICY = "policy"
# What a test run cannot mean, and what to do instead.
REFUSED = {
    "sealed": "a sealed policy holds until the process ends, and pytest goes on writing its own files: "
    "run hermetic --seal [OPTIONS] -- pytest",
    "keep_fds": "the plugin closes no sockets that pytest inherited",
    "kernel": "what the kernel holds cannot be given back between tests: run hermetic --kernel [OPTIONS] -- pytest",
}


def flag_of(flag: str) -> str:
    """``--no-network`` -> ``--hermetic-no-network``."""
    return f"--{PREFIX}-{flag[2:]}"


def as_options(text: str) -> str:
    """A text in which flags of hermetic's own command line stand, with those of pytest's."""
    return " ".join([flag_of(word) if word.startswith("--") else word for word in text.split(" ")])


def as_option(key: str) -> str:
    """``allow_domains`` -> ``--hermetic-allow-domain``."""
    from hermetic.options import SPELLED  # not in every run: only a mistake pays for this

    return flag_of(SPELLED[key])


def ini_key(key: str) -> str:
    """``allow_domains`` -> ``hermetic_allow_domains``."""
    return f"{PREFIX}_{key}"


def words_of(items: Iterable[pytest.Item]) -> tuple[set[str], set[str]]:
    """(the names of all marks of these items and of what they are in, those of all fixtures that they want)."""
    marks: set[str] = set()
    fixtures: set[str] = set()
    seen: set[Node] = set()
    last = wanted = None
    for item in items:
        for mark in item.own_markers:
            marks.add(mark.name)
        # Parameters of a test want the same, and neighbours have the same parent: to ask the sets is not for nothing.
        names = getattr(item, "fixturenames", ())
        if names is not wanted:
            wanted = names
            fixtures.update(names)
        parent = item.parent
        if parent is not last:
            last = parent
            while parent is not None and parent not in seen:
                seen.add(parent)
                marks.update([mark.name for mark in parent.own_markers])
                parent = parent.parent
    return marks, fixtures
