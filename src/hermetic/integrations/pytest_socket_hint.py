"""A suite that was guarded by pytest-socket is told, in one line, that its settings are not read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

OPTIONS = ("disable_socket", "force_enable_socket", "allow_hosts", "allow_unix_socket")
MARKERS = ("disable_socket", "enable_socket", "allow_hosts")
FIXTURES = ("socket_disabled", "socket_enabled")
PAGE = "docs/how-to/move-from-pytest-socket.md"


def hint(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    """The line, if anything of pytest-socket's is in use."""
    found = [f"--{name.replace('_', '-')}" for name in OPTIONS if getattr(config.option, name, None)]
    if not found:
        found = in_use(items)
    if not found:
        return None
    return f"hermetic: {found[0]} is pytest-socket's, and not read by hermetic: {PAGE} has what to write instead"


def in_use(items: list[pytest.Item]) -> list[str]:
    """The first marker or fixture of pytest-socket's among these items."""
    for item in items:
        for name in MARKERS:
            if name in item.keywords:
                return [f"@pytest.mark.{name}"]
        for name in FIXTURES:
            if name in getattr(item, "fixturenames", ()):
                return [f"the fixture {name}"]
    return []
