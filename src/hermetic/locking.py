"""``hermetic.lock``: take capabilities away from the whole process, for good, and have the kernel hold it."""

from __future__ import annotations

import os
from typing import Any

from _hermetic.compiled import settled
from _hermetic.errors import HermeticError, PolicyViolation
from _hermetic.kernel import HELD_BY_KERNEL, Receipt, hold
from _hermetic.programs.target import AUTO, OFF, REQUIRE
from _hermetic.start import refuse_if_late, start_policies
from hermetic.blocker import BlockConfig, hermetic_blocker
from hermetic.request import policy_from

__all__ = ["lock"]

THREADS = "/proc/self/task"


def lock(_config: BlockConfig | str | None = None, *, kernel: str = AUTO, **settings: Any) -> dict[str, str]:
    """Take capabilities away until the process ends: guards, and the kernel layer where this machine has one.

    Takes what ``hermetic_blocker`` takes. kernel: ``"auto"`` uses what this kernel has, ``"require"`` refuses
    unless it holds all that a kernel can, ``"off"`` is the guards alone. Cannot be undone, and holds for every
    thread and child. Returns what the kernel holds: ``{"network": "enforced and verified", ...}``.

    Raises HermeticError, before anything holds, when other threads are running, which the kernel would not hold,
    or when ``"require"`` cannot be kept; ValueError and TypeError for what cannot mean anything. Call it outside of
    blocks, at the start of a program. In a run, or called again, it narrows what holds: an act, and every child, is
    under all of these policies. Nothing can follow a policy with ``block_code_exec``.
    """
    if kernel not in (AUTO, REQUIRE, OFF):
        raise ValueError(f"kernel is 'auto', 'require' or 'off', not {kernel!r}")
    policy = policy_from(hermetic_blocker(_config, **settings).values)
    if not policy.rules:
        raise ValueError("lock needs something to take away, such as block_network=True")
    refuse_if_late()
    policy = settled(policy)
    asks = policy.sealed or not HELD_BY_KERNEL.isdisjoint(policy.rules)
    uses_kernel = asks and kernel != OFF and not policy.report_only
    if uses_kernel and os.path.isdir(THREADS) and len(os.listdir(THREADS)) > 1:
        raise HermeticError(
            "other threads are running, and the kernel would not hold them: call hermetic.lock() before they start, "
            "or with kernel='off'"
        )
    prepared: dict[tuple[int, str], Any] = {}
    held: tuple[str, ...] = ()
    receipts: list[Receipt] = []
    if uses_kernel:
        try:
            held = hold((policy,), kernel, prepared, receipts)
        except PolicyViolation as blocked:
            raise HermeticError(
                f"a policy in force takes away what the kernel layer is put on with ({blocked}): call hermetic.lock() "
                "outside of blocks and not in a run that takes this away, or with kernel='off'"
            ) from blocked
    start_policies((policy,), kernel=(held, kernel == REQUIRE), prepared=prepared)
    return {row.capability: row.state for found in receipts for row in found.rows}
