"""Guards one by one, for those who install and uninstall by hand. Most callers want ``hermetic_blocker``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.guards import (
    code_exec,
    environment,
    filesystem,
    imports_guard,
    interpreter,
    network,
    subprocess_guard,
)

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install_all", "uninstall_all"]

# The groups of install_all, and the module each configures.
GROUPS: dict[str, ModuleType] = {
    "net": network,
    "subproc": subprocess_guard,
    "fs": filesystem,
    "env": environment,
    "code": code_exec,
    "imports": imports_guard,
    "interp": interpreter,
}


def install_all(**groups: dict[str, Any] | None) -> None:
    """Install guards, each with its own settings: ``install_all(net={"allow_localhost": True}, fs={})``.

    A group that is absent or None is not installed. TypeError for an unknown group.
    """
    unknown = set(groups) - set(GROUPS)
    if unknown:
        raise TypeError(f"unknown groups {sorted(unknown)}; known: {', '.join(GROUPS)}")
    for name, settings in groups.items():
        if settings is not None:
            GROUPS[name].install(**settings)


def uninstall_all() -> None:
    """End what the ``install`` functions started. Blocks, and policies for the whole process, stay."""
    for module in GROUPS.values():
        module.uninstall()
