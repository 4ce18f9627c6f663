"""What a setting does, or does not do, that its words let nobody expect: one line on stderr, once in a process."""

from __future__ import annotations

import os
import sys

from hermetic.settings import BY_KEY

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable

METADATA = "cloud metadata services are given back by no entry"
LOOPBACK = "no domain gives loopback back; --allow-localhost (allow_localhost) does, or an entry of --allow-host"
LIBRARY = "this Python's own library lies there; what a program imports later cannot be read"

_said: set[tuple[str, str]] = set()


def warn(key: str, entry: str, reason: str, by_options: bool, subject: str = "") -> None:
    """Say it, in words of an option or a keyword. subject: what the entry means, where several can mean the same."""
    if (key, subject or entry) not in _said:
        _said.add((key, subject or entry))
        given = f"{BY_KEY[key].flags[0]} {entry}" if by_options else f"{key}=[{entry!r}]"
        sys.stderr.write(f"hermetic: warning: {given}: {reason}\n")


def of_hosts(key: str, entries: Iterable[str], by_options: bool) -> None:
    """Entries that name nothing but what is always denied."""
    from _hermetic.capabilities.network import addresses

    for entry in entries:
        host = entry.rpartition("]")[0][1:] or (entry if entry.count(":") > 1 else entry.partition(":")[0])
        try:
            host = addresses.clean_host(host.strip())
        except ValueError:
            continue  # refused where it is read
        if host in addresses.METADATA_NAMES or addresses.packed_address(host) in addresses.METADATA:
            warn(key, entry, METADATA, by_options)


def of_loopback(domains: Iterable[str], by_options: bool) -> None:
    """Domains that name this machine, which needs a permission of its own."""
    for domain in domains:
        if domain.lower().rstrip(".") == "localhost":
            warn("allow_domains", domain, LOOPBACK, by_options)


def of_denied_reads(paths: Iterable[str], by_options: bool) -> None:
    """Folders without which an interpreter such as this one cannot go on importing."""
    library = os.path.realpath(os.path.dirname(os.__file__)) + os.sep
    for path in paths:
        denied = os.path.realpath(os.path.expanduser(path))
        if library.startswith(denied.rstrip(os.sep) + os.sep):
            warn("deny_read", path, LIBRARY, by_options)
