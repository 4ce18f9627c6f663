"""The door to the kernel layer: for a run, for a program that is no Python, and for a look at what this machine has."""

from __future__ import annotations

from . import HELD_BY_KERNEL as HELD_BY_KERNEL
from . import HELD_IN_PART, events
from .capabilities import load_family
from .enforce.kernel import backend
from .enforce.kernel.plan import Plan
from .enforce.kernel.receipts import Receipt as Receipt
from .policy import held_by_all

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .policy import Policy


def hold(
    policies: tuple[Policy, ...],
    mode: str,
    prepared: dict[tuple[int, str], Any],
    receipts: list[Receipt],
    reports: int = -1,
    waits: bool = False,
) -> tuple[str, ...]:
    """Have the kernel hold what it can, before the guards that would refuse ctypes; returns the families it holds.

    Those that it holds in part are among them under another name, see ``HELD_IN_PART``.
    prepared: gets the rules that had to be prepared for it, for the guards to use as they are. receipts: gets what is
    held, one a policy. reports: where refusals are reported that only the kernel layer sees. waits: whether this
    process may stay behind and wait for a child, which returns from here instead. BootstrapError when ``require``
    cannot be kept.
    """
    parts: list[tuple[Any, Any]] = []
    for policy in policies:
        rules = prepared_rules(policy, prepared)
        if policy.trace:
            events.open_trace()
        witnesses = (events.TRACE[0] if policy.trace else -1, reports)
        receipt = backend.confine(policy, rules, mode, witnesses, waits)
        parted = [HELD_IN_PART + guard for guard in receipt.held_in_part()]
        parts.append((tuple(policy.rules), (*receipt.held(), *parted)))
        receipts.append(receipt)
    return held_by_all(tuple(parts))


def prepared_rules(policy: Policy, prepared: dict[tuple[int, str], Any]) -> dict[str, tuple[Any, ...]]:
    """The rules of a policy, with what stays readable where there is a root."""
    rules = dict(policy.rules)
    if "filesystem" in rules and rules["filesystem"][0] is not None:
        prepare: Any = load_family("filesystem").prepare
        rules["filesystem"] = prepared[id(policy), "filesystem"] = prepare(rules["filesystem"])
    return rules


def become(
    policy: Policy, path: str, words: list[str], variables: dict[str, str], drops: bool, waits: bool, reports: int = -1
) -> None:
    """Replace this process by a program that is no Python, held by the kernel alone. BootstrapError if it cannot be.

    reports: where refusals are reported. Returns where nothing is left for a kernel to hold.
    """
    if policy.trace:
        events.open_trace()
    trace = events.TRACE[0] if policy.trace else -1
    backend.become(policy, prepared_rules(policy, {}), path, words, variables, drops, waits, (trace, reports))


def trial(taken: frozenset[str], whole: bool) -> Receipt:
    """What this machine holds of these capabilities, tried in a process that ends with it."""
    return backend.tried(Plan(taken=taken, whole=whole, drops=whole))
