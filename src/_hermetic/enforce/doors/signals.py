"""Stand-ins for setting handlers of signals, under a seal: what a handler raises is no answer to a guard.

A handler runs between any two steps of the interpreter's, so also while a guard looks at a file. What it raises comes
out of that look, and an OSError would say that nothing is there.
"""

from __future__ import annotations

from ...pristine import get_ident
from ..judge import BUSY, Interrupted
from . import METHOD, as_builtin

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
BOX: list[Any] = []
HANDLE: Any = None
DEFAULT: Any = None


def handlers(setting: Setting, original: Any) -> Any:
    """For ``signal`` and ``getsignal`` of C. The handlers that are set already are set anew."""
    import _signal  # type: ignore[import-not-found]  # C's, which has no stub

    if "HANDLE" not in setting.memo:
        setting.memo["HANDLE"] = setting.bind(handle)
        setting.memo["DEFAULT"] = _signal.default_int_handler
    if original is not _signal.signal:
        return as_builtin(setting.bind(get_handler), original)
    made = as_builtin(setting.bind(set_handler), original)
    for number in _signal.valid_signals():
        handler = _signal.getsignal(number)
        if callable(handler):
            try:
                made(number, handler)
            except ValueError:
                break  # only the main thread may, and no handler runs but there
    return made


def set_handler(owner: Any, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 2 and callable(args[1]) and args[1] is not DEFAULT:
        args = (args[0], METHOD(HANDLE, args[1]))
    return given(BOX[0](*args, **kwargs))


def get_handler(owner: Any, *args: Any, **kwargs: Any) -> Any:
    return given(BOX[0](*args, **kwargs))


def given(handler: Any) -> Any:
    """A handler as the program gave it."""
    return handler.__self__ if type(handler) is METHOD and handler.__func__ is HANDLE else handler


def handle(handler: Any, number: Any, frame: Any) -> Any:
    try:
        return handler(number, frame)
    except Exception as error:
        if get_ident() in BUSY:
            raise Interrupted(error) from None
        raise
