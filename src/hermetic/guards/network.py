"""Install or remove the network guard alone. Most callers want hermetic_blocker."""

from __future__ import annotations

from collections.abc import Iterable

from hermetic.guards._slot import Slot

_slot = Slot()


def install(
    *,
    allow_localhost: bool = False,
    allow_domains: Iterable[str] = (),
    allow_hosts: Iterable[str] = (),
    deny_hosts: Iterable[str] = (),
    deny_private_network: bool = False,
    allow_unix_sockets: Iterable[str] = (),
    trace: bool = False,
) -> None:
    """Deny network use except as allowed. Replaces an earlier install.

    ValueError, TypeError for what cannot mean anything; what was installed stays.
    """
    _slot.start(
        block_network=True,
        allow_localhost=allow_localhost,
        allow_domains=allow_domains,
        allow_hosts=allow_hosts,
        deny_hosts=deny_hosts,
        deny_private_network=deny_private_network,
        allow_unix_sockets=allow_unix_sockets,
        trace=trace,
    )


def uninstall() -> None:
    """End what install() started. Other blocks stay."""
    _slot.end()
