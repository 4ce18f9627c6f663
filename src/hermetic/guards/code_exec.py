"""Install or remove the dynamic code guard alone. Most callers want hermetic_blocker."""

from __future__ import annotations

from hermetic.guards._slot import Slot

_slot = Slot()


def install(*, trace: bool = False) -> None:
    """Deny eval, exec, compile and code objects. Replaces an earlier install."""
    _slot.start(block_code_exec=True, trace=trace)


def uninstall() -> None:
    """End what install() started. Other blocks stay."""
    _slot.end()
