"""What a violation does to the report of its test: lines above the traceback, where it failed, and its data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprEntry, ReprFileLocation

from _hermetic.callers import trimmed
from _hermetic.running.status import chain
from hermetic.errors import PolicyViolation
from hermetic.integrations.pytest_text import as_data, paragraphs
from hermetic.integrations.pytest_watch import KNOWN, WARNED

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.integrations.pytest_runs import Run
    from hermetic.integrations.pytest_text import Detail
    from hermetic.integrations.pytest_watch import Case


class Teller:
    """Says in the reports of tests what they were refused. It comes with the first violation, or with subtests."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Say in the test's report what it was refused."""
        if call.excinfo is not None:
            trim(call.excinfo.value)  # a subtest's, which nobody sees pass by
        report = yield
        case = self.run.case
        if case is not None and case.violations and case.item is item:
            self.tell(case, [pair for pair in case.of_phase(call.when) if id(pair[0]) not in case.told], call, report)
            if call.excinfo is not None and call.excinfo.value is case.raised:
                self.locate(case, report)
        return report

    def locate(self, case: Case, report: pytest.TestReport) -> None:
        """Where the test failed, for lists of failures: at its own line, not where it was judged."""
        longrepr: Any = report.longrepr
        places = [(detail.line, violation.message) for violation, detail in case.of_phase(case.when) if detail.line]
        if places and hasattr(longrepr, "reprcrash"):
            (file, number), message = places[0]
            longrepr.reprcrash = ReprFileLocation(file, number, message)
            if reprs := getattr(longrepr, "chain", None):  # what a worker's report is made of anew
                longrepr.chain = [*reprs[:-1], (reprs[-1][0], longrepr.reprcrash, reprs[-1][2])]

    def tell(
        self, case: Case, found: list[tuple[Any, Detail]], call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Into the report: violations as data, and the lines of those that nobody has shown yet."""
        data = told(self.run, case, found)
        for violation, detail in found:
            if detail.verdict in (WARNED, KNOWN) and not self.run.results.recording:
                self.run.warn(case, self.run.text([(violation, detail)]))
        if self.run.results.is_worker or os.getpid() != self.run.results.process:
            report.hermetic = data  # type: ignore[attr-defined]  # it travels with the report
        else:
            self.run.results.found += data
        violations = {id(violation): violation for violation, _ in found}
        case.told.update(violations)
        if report.failed:
            case.shown.update(violations)
        error = None if call.excinfo is None else call.excinfo.value
        if found and report.failed and error is not case.raised:
            # The traceback has the other lines of what was raised, as notes.
            raised = [item for item in chain(error) if isinstance(item, PolicyViolation)]
            noted = {item.message for item in raised if hasattr(item, "__notes__")}
            put_first(report, paragraphs(found, self.run.paths, noted))


def told(run: Run, case: Case, found: list[tuple[Any, Detail]]) -> list[dict[str, Any]]:
    """Violations as data."""
    return [
        {
            **as_data(violation, detail, case.item.nodeid if case.item else "", run.paths),
            "stable": run.watch.stable(violation.message),
            **({"shared": detail.shared} if detail.shared else {}),
        }
        for violation, detail in found
    ]


def trim(error: BaseException) -> None:
    """Take hermetic's own frames out of what pytest will show."""
    for item in chain(error):
        item.__traceback__ = trimmed(item.__traceback__)


def put_first(report: pytest.TestReport, lines: list[str]) -> None:
    """Lines above a report's traceback; below it where a report has none."""
    longrepr: Any = report.longrepr
    if isinstance(longrepr, str):
        report.longrepr = "\n".join([*lines, longrepr])
        return
    reprs = getattr(longrepr, "chain", None)
    traceback = reprs[0][0] if reprs else getattr(longrepr, "reprtraceback", None)
    if traceback is None:
        report.sections.append(("hermetic", "\n".join(lines)))
        return
    traceback.reprentries = [ReprEntry([*lines, ""], None, None, None, "value"), *traceback.reprentries]
