"""A suite that was guarded by pytest-socket is told, in one line, that its settings are not read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest

OPTIONS = ("disable_socket", "force_enable_socket", "allow_hosts", "allow_unix_socket")
MARKERS = ("disable_socket", "enable_socket", "allow_hosts")
FIXTURES = ("socket_disabled", "socket_enabled")
PAGE = "docs/how-to/move-from-pytest-socket.md"


def hint(config: pytest.Config, marks: Collection[str], fixtures: Collection[str]) -> str | None:
    """The line, if anything of pytest-socket's is in use. marks, fixtures: names that tests of this run have."""
    given = vars(config.option)
    found = [f"--{name.replace('_', '-')}" for name in OPTIONS if given.get(name)]
    found += [f"@pytest.mark.{name}" for name in MARKERS if name in marks]
    found += [f"the fixture {name}" for name in FIXTURES if name in fixtures]
    if not found:
        return None
    return f"hermetic: {found[0]} is pytest-socket's, and not read by hermetic: {PAGE} has what to write instead"
