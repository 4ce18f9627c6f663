"""A policy that is in force from ``start`` to ``end``, at most one per slot."""

from __future__ import annotations

from typing import Any

from _hermetic.blocks import enter_block, leave_block
from _hermetic.compiled import Compiled
from hermetic.blocker import BlockConfig, values_of
from hermetic.request import policy_from
from hermetic.values import check


class Slot:
    """One guard's place. Starting again replaces what was there; ending twice is harmless."""

    def __init__(self) -> None:
        self._token: object | None = None

    def start(self, **settings: Any) -> None:
        """Put these settings in force. ValueError, TypeError as for a BlockConfig."""
        values = values_of(BlockConfig(**settings))
        check(values, {key: key for key in values})
        token = object()
        # The new one first: there is no moment without a guard.
        enter_block(token, Compiled(policy_from(values)))
        self.end()
        self._token = token

    def end(self) -> None:
        """Lift what ``start`` put in force."""
        token, self._token = self._token, None
        if token is not None:
            leave_block(token)
