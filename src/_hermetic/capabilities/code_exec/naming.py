"""Which of two builtins the program has called, where one audit event announces both. Only a label."""

from __future__ import annotations

import sys as _sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import FrameType

LOADS: tuple[int, ...]
SHIFTED_LOADS: tuple[int, ...]
if _sys.version_info >= (3, 14):
    LOADS, SHIFTED_LOADS = (93,), (92, 80)
elif _sys.version_info >= (3, 13):
    LOADS, SHIFTED_LOADS = (92,), (91, 82)  # LOAD_NAME; LOAD_GLOBAL, LOAD_ATTR, whose lowest bit is a flag
elif _sys.version_info >= (3, 12):
    LOADS, SHIFTED_LOADS = (101,), (116, 106)
elif _sys.version_info >= (3, 11):
    LOADS, SHIFTED_LOADS = (101, 106, 160), (116,)
else:
    LOADS, SHIFTED_LOADS = (101, 106, 116, 160), ()
RUNS = ("eval", "exec")


def run_name(frame: FrameType | None, default: str) -> str:
    """``eval`` or ``exec``: the one that the caller has named last; one event announces both. Only a label."""
    if frame is None:
        return default
    names, found = frame.f_code.co_names, default
    first, second = RUNS[0] in names, RUNS[1] in names
    if first is not second:
        return RUNS[0] if first else RUNS[1]
    if first:
        text, at, end = frame.f_code.co_code, 0, frame.f_lasti
        while at <= end:
            index = text[at + 1] if text[at] in LOADS else text[at + 1] >> 1 if text[at] in SHIFTED_LOADS else -1
            if 0 <= index < len(names) and names[index] in RUNS:
                found = names[index]
            at += 2
    return found
