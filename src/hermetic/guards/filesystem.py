"""Install or remove the file system guard alone. Most callers want hermetic_blocker."""

from __future__ import annotations

from hermetic.guards._slot import Slot

_slot = Slot()


def install(*, fs_root: str | None = None, trace: bool = False) -> None:
    """Deny writing, and reading outside fs_root where one is given. Replaces an earlier install.

    ValueError, TypeError for what cannot mean anything; what was installed stays.
    """
    _slot.start(fs_readonly=True, fs_root=fs_root, trace=trace)


def uninstall() -> None:
    """End what install() started. Other blocks stay."""
    _slot.end()
