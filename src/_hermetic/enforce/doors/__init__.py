"""Stand-ins that need more than check-then-call, one file per subject; loaded when a row names one."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any


def load_door(name: str) -> Any:
    """``"files.checked_open"`` -> that function: ``door(setting, original) -> stand-in or None``."""
    module, _, function = name.partition(".")
    return getattr(__import__(f"{__name__}.{module}", None, None, [function]), function)
