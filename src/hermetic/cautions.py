"""What a setting does, or does not do, that its words let nobody expect: one line on stderr, once in a process."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable

METADATA = "cloud metadata services are given back by no entry"
LIBRARY = "this Python's own library lies there; what a program imports later cannot be read"

_said: set[tuple[str, str]] = set()


def warn(option: str, entry: str, reason: str, subject: str = "") -> None:
    """Say it. subject: what the entry means, where several entries can mean the same."""
    if (option, subject or entry) not in _said:
        _said.add((option, subject or entry))
        sys.stderr.write(f"hermetic: warning: {option} {entry}: {reason}\n")


def of_hosts(option: str, entries: Iterable[str]) -> None:
    """Entries that name nothing but what is always denied."""
    from _hermetic.capabilities.network import addresses

    for entry in entries:
        host = entry.rpartition("]")[0][1:] or (entry if entry.count(":") > 1 else entry.partition(":")[0])
        try:
            host = addresses.clean_host(host.strip())
        except ValueError:
            continue  # refused where it is read
        if host in addresses.METADATA_NAMES or addresses.packed_address(host) in addresses.METADATA:
            warn(option, entry, METADATA)


def of_denied_reads(paths: Iterable[str]) -> None:
    """Folders without which an interpreter such as this one cannot go on importing."""
    library = os.path.realpath(os.path.dirname(os.__file__)) + os.sep
    for path in paths:
        denied = os.path.realpath(os.path.expanduser(path))
        if library.startswith(denied.rstrip(os.sep) + os.sep):
            warn("--deny-read", path, LIBRARY)
