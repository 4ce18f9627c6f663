"""The fixture ``hermetic``: what a test may say about its own policy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from hermetic.errors import PolicyViolation
from hermetic.integrations.pytest_policy import restrictions_of
from hermetic.integrations.pytest_settings import given

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup  # pytest needs it there itself

if TYPE_CHECKING:
    from hermetic.integrations.pytest_policy import Policies, Policy
    from hermetic.integrations.pytest_runs import Run
    from hermetic.integrations.pytest_watch import Case

__all__ = ["Changed", "Expected", "Hermetic"]


class Changed:
    """A change of the test's policy: until the test's end, or, used as ``with``, until the block's."""

    def __init__(self, owner: Hermetic, before: Policy) -> None:
        self._owner = owner
        self._before = before

    def __enter__(self) -> Changed:
        return self

    def __exit__(self, *error: object) -> None:
        self._owner._hold(self._before)


class Expected:
    """What ``expect`` returns, for a ``with``."""

    def __init__(self, owner: Hermetic, case: Case, guards: tuple[str, ...]) -> None:
        self._owner = owner
        self._case = case
        self._guards = guards
        self._before: list[PolicyViolation] = []
        self._found: list[PolicyViolation] = []
        self._outer = False

    def __enter__(self) -> list[PolicyViolation]:
        self._before = list(self._owner.violations)
        self._outer = self._owner._expect(True)
        return self._found

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        __tracebackhide__ = True  # the line of the test is what is shown
        self._owner._expect(self._outer)
        if error is not None and not self._is_it(error):
            return False
        fresh = [v for v in self._owner.violations if not any(v is known for known in self._before)]
        fresh = [v for v in fresh if self._is_meant(v)]
        if not fresh:
            pytest.fail(f"no violation of {' or '.join(self._guards) or 'the policy'} happened")
        self._found += fresh
        self._case.violations[:] = [v for v in self._case.violations if not any(v is known for known in fresh)]
        return error is not None

    def _is_it(self, error: BaseException) -> bool:
        """Whether this ends the block as expected: a violation, or what a group of tasks makes of several."""
        if isinstance(error, BaseExceptionGroup):
            return all(self._is_it(one) for one in error.exceptions)
        return isinstance(error, PolicyViolation) and self._is_meant(error)

    def _is_meant(self, violation: PolicyViolation) -> bool:
        return not self._guards or violation.guard in self._guards


class Hermetic:
    """The policy of the running test.

    ``allow`` and ``block`` change it until the end of the test, or as ``with`` for a block. A policy given with
    ``--hermetic-strict``, and blocks of ``hermetic_blocker`` inside the test, hold whatever is allowed here.
    """

    def __init__(self, run: Run, case: Case) -> None:
        self._run = run
        self._case = case
        self._first = case.policy
        # What outlives the test may still have this: it is no way to change the policy of another one.
        self._is_over = False

    @property
    def violations(self) -> list[PolicyViolation]:
        """What this test was refused so far, children included as far as they have ended.

        The list is the test's own: a violation that is taken off it does not fail the test.
        """
        if not self._is_over:
            self._run.watch.hear(self._case)
        return self._case.violations

    def allow(self, *guards: str, **settings: Any) -> Changed:
        """Give back: whole families by their guards (``"network"``), or by settings (``allow_domains=[...]``).

        ValueError for what would take something away; ValueError, TypeError for what cannot mean anything.
        """
        policies: Policies = self._run.policies
        return self._change(policies.widen(self._case.policy, guards, given(settings)))

    def block(self, *profiles: str, **settings: Any) -> Changed:
        """Take away more: by profiles, by a policy file (``policy="FILE"``), or by settings.

        Nothing that is allowed here widens what holds already. ValueError for what takes nothing away; ValueError,
        TypeError for what cannot mean anything.
        """
        policies: Policies = self._run.policies
        return self._change(policies.narrow(self._case.policy, profiles, settings))

    def expect(self, *guards: str) -> Expected:
        """A block in which a violation must happen: it fails the test if none does, and not if one does.

        guards: which, any by default. The violation may end the block, by itself or in a group with others, or be
        swallowed inside it. Yields a list that holds what happened once the block is over. Inside, the policy blocks
        also where the run only warns, or records a baseline.
        """
        for guard in guards:
            restrictions_of(guard)
        return Expected(self, self._case, guards)

    def end(self) -> None:
        """What was changed ends with the test."""
        self._expect(False)
        self._hold(self._first)
        self._is_over = True

    def _expect(self, expecting: bool) -> bool:
        """Whether violations are waited for, from now on; whether they were before."""
        policies: Policies = self._run.policies
        before, policies.is_expecting = policies.is_expecting, expecting
        if before != expecting:
            self._run.place.renew()
        return before

    def _change(self, policy: Policy) -> Changed:
        if self._is_over:
            raise RuntimeError("the test that this fixture belongs to is over: ask for it in the test that runs")
        before = self._case.policy
        self._hold(policy)
        return Changed(self, before)

    def _hold(self, policy: Policy) -> None:
        if not self._is_over:
            self._case.policy = policy
            self._run.hold(policy)
