"""Stand-ins for what the library starts without asking whether it is there, or not before it has written a file:
the browsers of ``webbrowser``, the compiler of ``ctypes.util``.
"""

from __future__ import annotations

from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []
MISSING: Any = None


def start(*args: Any, **kwargs: Any) -> Any:
    """What is missing is told as its caller tells it."""
    found = JUDGE(KEY, args, kwargs)
    if found is None:
        return BOX[0](*args, **kwargs)
    error = refusal(found)
    if type(error) is FileNotFoundError:
        return MISSING
    raise error


def no_unix_browser(setting: Setting, original: Any) -> Any:
    return setting.bind(start, MISSING=False)


def no_mac_browser(setting: Setting, original: Any) -> Any:
    return setting.bind(start, MISSING=False)


def no_compiler(setting: Setting, original: Any) -> Any:
    return setting.bind(start, MISSING=None)
