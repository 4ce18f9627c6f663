"""Install or remove the environment guard alone. Most callers want hermetic_blocker."""

from __future__ import annotations

from hermetic.guards._slot import Slot

_slot = Slot()


def install(*, unset: bool = False, trace: bool = False) -> None:
    """Deny environment variables; with unset, readers see none. Replaces an earlier install."""
    _slot.start(block_environment=True, environment_unset=unset, trace=trace)


def uninstall() -> None:
    """End what install() started. Other blocks stay."""
    _slot.end()
