"""A policy: frozen rules for some families, decided by pure functions.

A family without rules is unrestricted. Several policies hold at once by
conjunction: each is asked, and any of them can refuse.
"""

from __future__ import annotations

from marshal import dumps, loads

from . import HELD_IN_PART
from .capabilities import FAMILIES, load_family, load_module
from .model import Value

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .model import Denial, Target

VERSION = 1
MARSHAL_VERSION = 2


class Policy(Value):
    """What one context allows.

    rules: family (guard name) -> that family's rules, a plain tuple.
    trace: one line on stderr for each blocked act. report_only: record, never
    block. sealed: nothing in the process may lift it. origins: where the rules were
    written (see ``events.origin_of``), or empty. asked: the keywords the rules were made
    from, for people, or None where that is not known. The last two decide nothing.
    """

    __slots__ = ("rules", "trace", "report_only", "sealed", "origins", "asked")
    DEFAULTS = {"trace": False, "report_only": False, "sealed": False, "origins": (), "asked": None}

    rules: dict[str, tuple[Any, ...]]
    trace: bool
    report_only: bool
    sealed: bool
    origins: tuple[Any, ...]
    asked: dict[str, dict[str, Any]] | None

    def __hash__(self) -> int:
        return hash((tuple(sorted(self.rules)), self.trace, self.report_only, self.sealed))

    def __eq__(self, other: object) -> bool:
        """Whether both decide the same."""
        return type(other) is Policy and self.to_plain() == other.to_plain()

    def denial(self, capability: str, target: Target, call: str) -> Denial | None:
        """Why this policy refuses the act, or None."""
        guard = capability.partition(".")[0]
        rules = self.rules.get(guard)
        return load_family(guard).decide(rules, capability, target, call) if rules is not None else None

    def described(self) -> tuple[Any, ...]:
        """For people, and nothing that can be changed: ((family, its keywords or None), ...), report_only, sealed."""
        known = None if self.asked is None else {guard: tuple(asked.items()) for guard, asked in self.asked.items()}
        families = tuple([(guard, None if known is None else known.get(guard, ())) for guard in self.rules])
        return families, self.report_only, self.sealed

    def to_fields(self) -> tuple[Any, ...]:
        """What travels: see ``carry``."""
        return (None, self.rules, self.trace, self.report_only, self.sealed, self.origins, self.asked)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready: tuples and sets as lists, in a stable order."""
        rules = {guard: [_plain(value) for value in values] for guard, values in sorted(self.rules.items())}
        return {
            "version": VERSION,
            "rules": rules,
            "trace": self.trace,
            "report_only": self.report_only,
            "sealed": self.sealed,
        }


def from_plain(data: dict[str, Any]) -> Policy:
    """The inverse of ``to_plain``. ValueError for a policy of another version or shape."""
    if data.get("version") != VERSION:
        raise ValueError(f"policy version {data.get('version')!r}, expected {VERSION}")
    unknown = set(data["rules"]) - set(FAMILIES)
    if unknown:
        raise ValueError(f"unknown families: {', '.join(sorted(unknown))}")
    rules = {guard: tuple(_frozen(value) for value in values) for guard, values in data["rules"].items()}
    return Policy(rules=rules, trace=data["trace"], report_only=data["report_only"], sealed=data["sealed"])


class Request(Value):
    """What a policy is made from: for each family, the keywords of its ``make_rules``.

    Plain values only: a request travels to a new interpreter as it is, and whoever
    hands it over need not load the families. origins: see ``Policy``.
    """

    __slots__ = ("families", "trace", "report_only", "sealed", "origins")
    DEFAULTS = {"trace": False, "report_only": False, "sealed": False, "origins": ()}

    families: dict[str, dict[str, Any]]
    trace: bool
    report_only: bool
    sealed: bool
    origins: tuple[Any, ...]

    def policy(self) -> Policy:
        """The policy that is asked for. ValueError for a value that cannot mean anything."""
        return Policy(
            rules={guard: make_rules(guard, keywords) for guard, keywords in self.families.items()},
            trace=self.trace,
            report_only=self.report_only,
            sealed=self.sealed,
            origins=self.origins,
            asked=self.families,
        )

    def to_fields(self) -> tuple[Any, ...]:
        """What travels: see ``carry``."""
        return (self.families, None, self.trace, self.report_only, self.sealed, self.origins, None)


def carry(held: Policy | Request) -> bytes:
    """A policy or request as bytes, for a process that will run this same version of hermetic.

    marshal's version 2 is what every CPython reads; the rules are made of nothing else.
    """
    fields = held.to_fields()
    if len(fields[5]) > DESCRIBED or size_of(fields[6]) > DESCRIBED:
        fields = (*fields[:5], (), None)  # what only tells people must not be what makes a message too long
    return dumps(fields, MARSHAL_VERSION)


# How many entries are described to another process.
DESCRIBED = 100


def size_of(asked: dict[str, dict[str, Any]] | None) -> int:
    """How many entries these keywords hold."""
    if asked is None:
        return 0
    lists = [value for keywords in asked.values() for value in keywords.values()]
    return sum([len(value) for value in lists if isinstance(value, (tuple, list))])


def carried(data: bytes) -> Policy:
    """The inverse of ``carry``. ValueError, EOFError or TypeError for anything else."""
    families, rules, trace, report_only, sealed, origins, asked = loads(data)
    modes = {"trace": trace, "report_only": report_only, "sealed": sealed, "origins": origins}
    if families is not None:
        return Request(families=families, **modes).policy()
    return Policy(rules=rules, asked=asked, **modes)


def family_names(data: bytes) -> tuple[str, ...]:
    """The families that a carried policy restricts."""
    families, rules, *_ = loads(data)
    return tuple(rules if families is None else families)


def held_by_all(parts: tuple[tuple[Any, Any], ...]) -> tuple[str, ...]:
    """The families that the kernel holds for several policies: as much of each as the one that has least of it held.

    parts: (the families that a policy names, what the kernel holds for it), with ``HELD_IN_PART`` in front of some.
    """
    least: dict[str, int] = {}
    for families, held in parts:
        for family in families:
            much = 2 if family in held else 1 if HELD_IN_PART + family in held else 0
            least[family] = min(much, least.get(family, much))
    whole = [family for family, much in least.items() if much == 2]
    return (*whole, *[HELD_IN_PART + family for family, much in least.items() if much == 1])


def make_rules(guard: str, keywords: dict[str, Any]) -> tuple[Any, ...]:
    """One family's rules from settings. ValueError for a value that cannot mean anything."""
    module: Any = load_module(guard)
    rules: tuple[Any, ...] = module.make_rules(**keywords)
    return rules


def first_denial(policies: Iterable[Policy], capability: str, target: Target, call: str) -> Denial | None:
    """Every active policy must agree, so an inner block can only narrow."""
    for policy in policies:
        denial = policy.denial(capability, target, call)
        if denial is not None:
            return denial
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return {"set": sorted(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset(value["set"])
    if isinstance(value, list):
        return tuple(_frozen(v) for v in value)
    return value
