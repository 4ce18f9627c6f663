"""hermetic takes capabilities away from Python code: network, processes, files, environment, and more.

with hermetic_blocker(block_network=True):
    ...                                     # connecting raises PolicyViolation

The names below are loaded on first use: importing the package costs next to nothing.
"""

from __future__ import annotations

from _hermetic import VERSION as __version__

TYPE_CHECKING = False  # typing costs more to import than this package
if TYPE_CHECKING:
    from hermetic.blocker import BlockConfig as BlockConfig
    from hermetic.blocker import hermetic_blocker as hermetic_blocker
    from hermetic.blocker import with_hermetic as with_hermetic
    from hermetic.errors import HermeticError as HermeticError
    from hermetic.errors import PolicyViolation as PolicyViolation

__all__ = ["BlockConfig", "HermeticError", "PolicyViolation", "__version__", "hermetic_blocker", "with_hermetic"]

_HOMES = {
    "BlockConfig": "blocker",
    "HermeticError": "errors",
    "PolicyViolation": "errors",
    "hermetic_blocker": "blocker",
    "with_hermetic": "blocker",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"hermetic.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
