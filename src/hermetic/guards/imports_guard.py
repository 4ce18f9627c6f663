"""Install or remove the imports guard alone. Most callers want hermetic_blocker."""

from __future__ import annotations

from collections.abc import Iterable

from _hermetic.capabilities.imports import PROCESS_LIBRARIES
from hermetic.guards._slot import Slot

_slot = Slot()
# What makes objects, and so runs code, of bytes.
PICKLE = ("pickle", "_pickle", "cloudpickle", "dill")


def install(
    *,
    block_native: bool = True,
    trace: bool = False,
    block_subprocess_libs: bool = False,
    block_pickle: bool = False,
    deny_imports: Iterable[str] = (),
) -> None:
    """Deny native code, named modules and two bundles of them. Replaces an earlier install.

    ValueError, TypeError for what cannot mean anything; what was installed stays.
    """
    denied = [*deny_imports]
    denied += PROCESS_LIBRARIES if block_subprocess_libs else ()
    denied += PICKLE if block_pickle else ()
    _slot.start(block_native=block_native, deny_imports=denied, trace=trace)


def uninstall() -> None:
    """End what install() started. Other blocks stay."""
    _slot.end()
