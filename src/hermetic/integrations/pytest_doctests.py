"""Doctests: pytest compiles their examples, and each of these has a line in a file.

Loaded where there are any. What an example compiles or executes itself is its own act.
"""

from __future__ import annotations

import doctest
import sys
from typing import TYPE_CHECKING, Any

from _hermetic.callers import is_ours

if TYPE_CHECKING:
    from types import FrameType

# What compiles and executes each example, known by its code: anybody may give a function this name.
RUN = doctest.DocTestRunner._DocTestRunner__run.__code__  # type: ignore[attr-defined]  # private to its class


def is_pytests(item: Any, depth: int) -> bool:
    """Whether the runner of this item acts, and not an example of it. depth: frames of the caller's, as ``_getframe``
    counts them."""
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and runs(frame, item)


def runs(frame: FrameType, item: Any) -> bool:
    """Whether this is where the doctest that pytest has collected is run; a test may run others by itself."""
    wanted = getattr(item, "dtest", None)
    return wanted is not None and frame.f_code is RUN and frame.f_locals.get("test") is wanted


def line_of(frame: FrameType, inner: FrameType | None) -> tuple[str, int] | None:
    """(file, line) of the example that runs. frame: that of ``runs``; inner: the one that it has called."""
    known = frame.f_locals
    test, example = known["test"], known.get("example")
    if example is None or test.filename is None or test.lineno is None:
        return None
    # An example of several lines counts from its own first.
    inside = inner.f_lineno - 1 if inner is not None and inner.f_code.co_filename == known.get("filename") else 0
    return test.filename, test.lineno + example.lineno + 1 + inside


def trim_failures(error: BaseException, trimmed: Any) -> None:
    """Trim the tracebacks that a doctest's failures carry. trimmed: what makes the shorter one."""
    for failure in (error, *getattr(error, "failures", ())):
        if isinstance(failure, doctest.UnexpectedException):
            kind, value, traceback = failure.exc_info
            failure.exc_info = (kind, value, trimmed(traceback))
