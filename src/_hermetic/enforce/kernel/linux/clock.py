"""Clocks that can be waited for like any other descriptor (timerfd)."""

from __future__ import annotations

from ....pristine import native
from . import abi

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from .syscalls import Calls

MONOTONIC, CLOSES, NONBLOCKING = 1, 0o2000000, 0o4000  # linux/time.h, linux/timerfd.h
SOONEST = 0.0005  # a clock that is set to nothing never rings


class Clock:
    """One that rings once for each time that it is set. descriptor: -1 where there is none."""

    __slots__ = ("calls", "descriptor", "machine")

    def __init__(self, calls: Calls, machine: int) -> None:
        self.calls, self.machine = calls, machine
        try:
            self.descriptor = calls(abi.TIMERFD_CREATE[machine], MONOTONIC, CLOSES | NONBLOCKING)
        except OSError:
            self.descriptor = -1

    def ring_in(self, seconds: float | None) -> int:
        """Set it anew; None: not at all. The error."""
        left = 0 if seconds is None else int(max(seconds, SOONEST) * 1_000_000_000)
        words = (0, 0, left // 1_000_000_000, left % 1_000_000_000)
        record = b"".join([word.to_bytes(8, "little") for word in words])
        return self.calls.fails(abi.TIMERFD_SETTIME[self.machine], self.descriptor, 0, record, None)

    def stop_ringing(self) -> None:
        """It is heard, until it rings again."""
        try:
            native.read(self.descriptor, 8)
        except BlockingIOError:
            pass  # it was set anew just now
