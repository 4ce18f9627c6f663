"""hermetic takes capabilities away from Python code: network, processes, files, environment, and more.

with hermetic_blocker(block_network=True):
    ...                                     # connecting raises PolicyViolation

The names below are loaded on first use: importing the package costs next to nothing.

PYTEST_DONT_REWRITE: pytest looks into packages that have plugins for assertions to explain.
"""

from __future__ import annotations

import sys as _sys
from _frozen_importlib import module_from_spec as _module_from_spec
from _frozen_importlib_external import PathFinder as _PathFinder


def _load_core() -> None:
    """Load ``_hermetic`` from beside this package: a file of that name in the working directory is not it."""
    if "_hermetic" in _sys.modules:
        return
    found = _PathFinder.find_spec("_hermetic", [folder[: -len("/hermetic")] for folder in __path__])
    if found is None or found.loader is None:
        return  # carried or frozen in another way: the ordinary import finds it, or says that it does not
    core = _module_from_spec(found)
    _sys.modules["_hermetic"] = core
    found.loader.exec_module(core)


_load_core()

import _hermetic as _core  # noqa: E402  # not before its place is certain

# The core's own, which may have been loaded by another hermetic: one that guards this process from outside.
__version__ = "0.1.0"
if __version__ != _core.VERSION:
    raise ImportError(
        f"hermetic {__version__} in {__path__[0]} found the core of hermetic {_core.VERSION} in {_core.__path__[0]}; "
        "install the same version in both places",
        name="hermetic",
    )

TYPE_CHECKING = False  # typing costs more to import than this package
if TYPE_CHECKING:
    from hermetic.allowances import CurrentPolicy as CurrentPolicy
    from hermetic.allowances import allowed as allowed
    from hermetic.allowances import current_policy as current_policy
    from hermetic.blocker import BlockConfig as BlockConfig
    from hermetic.blocker import hermetic_blocker as hermetic_blocker
    from hermetic.blocker import with_hermetic as with_hermetic
    from hermetic.errors import HermeticError as HermeticError
    from hermetic.errors import PolicyViolation as PolicyViolation
    from hermetic.locking import lock as lock

__all__ = [
    "BlockConfig",
    "CurrentPolicy",
    "HermeticError",
    "PolicyViolation",
    "__version__",
    "allowed",
    "current_policy",
    "hermetic_blocker",
    "lock",
    "with_hermetic",
]

_HOMES = {
    "BlockConfig": "blocker",
    "CurrentPolicy": "allowances",
    "HermeticError": "errors",
    "PolicyViolation": "errors",
    "allowed": "allowances",
    "current_policy": "allowances",
    "hermetic_blocker": "blocker",
    "lock": "locking",
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
