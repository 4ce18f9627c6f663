"""Stand-ins that need more than check-then-call, one file per subject; loaded when a row names one."""

from __future__ import annotations

from _frozen_importlib import BuiltinImporter

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

METHOD: Any = type(BuiltinImporter.find_spec)  # a class method's; types costs more to import than this module
DRESS = ("__name__", "__qualname__", "__module__", "__doc__")


def as_builtin(made: Any, original: Any) -> Any:
    """A stand-in, dressed as its original and a method of whatever has that: like a builtin, it does not bind in a
    class body.
    """
    for name in DRESS:
        setattr(made, name, getattr(original, name, None))
    return METHOD(made, getattr(original, "__self__", None) or made.__name__)


def unchanged(setting: Setting, original: Any) -> None:
    """For rows that are judged by another row's stand-in."""


def load_door(name: str) -> Any:
    """``"files.open_below"`` -> that function: ``door(setting, original) -> stand-in or None``."""
    module, _, function = name.partition(".")
    return getattr(__import__(f"{__name__}.{module}", None, None, [function]), function)
