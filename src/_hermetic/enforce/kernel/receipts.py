"""What came of a plan: how much of each capability is held, by what, and what is not. Pure, as the plan is."""

from __future__ import annotations

from ...capabilities.confinement import FAMILY_OF, NO_NETWORK, TAKEN
from ...model import Value
from .plan import BEYOND_KERNELS, GUARD_ONLY, HELD, IN_PART, ROUGHLY

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .plan import Gap, Plan, Support


class Row(Value):
    """One line of a receipt: how much of a capability is held, by what; what is not; what is left open on purpose."""

    __slots__ = ("capability", "family", "state", "by", "gaps", "open")

    capability: str
    family: str
    state: str
    by: tuple[str, ...]
    gaps: tuple[str, ...]
    open: tuple[str, ...]


class Receipt(Value):
    """What the kernel holds of what was asked for.

    notes: what the run gave up for it. lost: what others hold and this one does not, in one line; or an empty text.
    """

    __slots__ = ("rows", "notes", "lost")
    DEFAULTS = {"rows": (), "notes": (), "lost": ""}

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    lost: str

    @property
    def extent(self) -> str:
        """full, partial or none, of what a kernel can hold."""
        states = {row.state for row in self.rows} - {BEYOND_KERNELS}
        if states <= {GUARD_ONLY}:
            return "none"
        return "full" if states == {HELD} else "partial"

    def fields(self) -> tuple[Any, ...]:
        """Plain values, to travel."""
        return (
            tuple([tuple([getattr(row, name) for name in Row.__slots__]) for row in self.rows]),
            self.notes,
            self.lost,
        )

    def held(self) -> tuple[str, ...]:
        """The families of which everything that was taken away is held."""
        failing = {row.family for row in self.rows if row.state != HELD}
        return tuple(dict.fromkeys(row.family for row in self.rows if row.family not in failing))

    def held_in_part(self) -> tuple[str, ...]:
        """The families of which a capability that was taken away is held, though not in full."""
        return tuple(dict.fromkeys(row.family for row in self.rows if row.state == IN_PART))


def from_fields(fields: tuple[Any, ...]) -> Receipt:
    """The inverse of ``Receipt.fields``."""
    rows, notes, lost = fields
    return Receipt(rows=tuple([Row(**dict(zip(Row.__slots__, row))) for row in rows]), notes=notes, lost=lost)


def stepped_down(asked: Plan, support: Support, full: Support) -> str:
    """What a kernel that has everything would hold, and this one leaves to the guards; in one line.

    What is a detail of either, as signals on an older kernel, is not named here.
    """
    plan, gaps = asked.within(support)
    best, _ = asked.within(full)
    found = []
    for capability in TAKEN:
        if capability not in best.taken:
            continue
        missing = ", ".join([text for name, _, text in gaps if name == capability])
        if capability not in plan.taken:
            found.append(f"{capability}: guard only ({missing})")
        elif capability == NO_NETWORK and best.network != plan.network == ROUGHLY:
            found.append(f"{capability}: not held is {missing}")
    return "; ".join(found)


def receipt(
    asked: Plan,
    held: Plan,
    gaps: Iterable[Gap],
    by: dict[str, tuple[str, ...]],
    left_open: dict[str, tuple[str, ...]],
    lost: str = "",
) -> Receipt:
    """The report on a plan. by: what holds each capability; left_open: what it does not, on purpose."""
    rows = []
    for capability in TAKEN:
        if capability in asked.taken:
            missing = tuple([text for name, _, text in gaps if name == capability])
            state = GUARD_ONLY if capability not in held.taken else IN_PART if missing else HELD
            rows.append(
                Row(
                    capability=capability,
                    family=FAMILY_OF[capability],
                    state=state,
                    by=by.get(capability, ()) if state != GUARD_ONLY else (),
                    gaps=missing,
                    open=left_open.get(capability, ()) if state != GUARD_ONLY else (),
                )
            )
    for capability in asked.beyond:
        rows.append(
            Row(capability=capability, family=FAMILY_OF[capability], state=BEYOND_KERNELS, by=(), gaps=(), open=())
        )
    return Receipt(rows=tuple(rows), lost=lost)
