"""Stand-in for libuuid, which asks a daemon by its socket and keeps a clock in a file; no event tells of it."""

from __future__ import annotations

from os import urandom
from time import time_ns

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []

# RFC 9562: the epoch, in steps of 100 ns before that of Unix (5.1); and who has no hardware address says so by the
# lowest bit of the first byte (6.10).
EPOCH = 0x01B21DD213814000
VERSION, VARIANT, OWN_NODE = 1 << 12, 1 << 15, 1 << 40
# In place of the hardware address, which takes a socket to ask for.
NODE = (int.from_bytes(urandom(6), "big") | OWN_NODE).to_bytes(6, "big")
# What uuid.SafeUUID calls it where other processes were not asked.
UNSAFE = -1


def without_daemon(setting: Setting, original: Any) -> Any:
    """For ``_uuid.generate_time_safe``, where sockets are judged."""
    return setting.bind(time_based)


def without_file(setting: Setting, original: Any) -> Any:
    """The same where writing is. One for each of the two: either may be given back."""
    return setting.bind(time_based)


def time_based(*args: Any, **kwargs: Any) -> Any:
    """The 16 bytes of a UUID of version 1, and how safe it is."""
    if args or kwargs or JUDGE(KEY, args, kwargs) is None:
        return BOX[0](*args, **kwargs)
    ticks = time_ns() // 100 + EPOCH
    sequence = int.from_bytes(urandom(2), "big") & 0x3FFF | VARIANT
    time = (ticks & 0xFFFFFFFF) << 32 | (ticks >> 32 & 0xFFFF) << 16 | ticks >> 48 & 0xFFF | VERSION
    return time.to_bytes(8, "big") + sequence.to_bytes(2, "big") + NODE, UNSAFE
