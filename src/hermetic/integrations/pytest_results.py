"""What becomes of violations at the end: the summary, the JSON report, the baseline. One per run, also of workers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from hermetic.integrations.pytest_text import summary
from hermetic.integrations.pytest_watch import FAILED, KNOWN, WARNED

if TYPE_CHECKING:
    from collections.abc import Iterator

    Baseline = dict[str, frozenset[tuple[str, str]]]

VERSION = 1
NAME = "hermetic-results"
SAID = "hermetic-said"
OPTIONS = ("--hermetic-mode", "--hermetic-baseline", "--hermetic-report")
VERDICTS = ((FAILED, "failed their tests"), (WARNED, "warned of"), (KNOWN, "known to the baseline"))


class HermeticWarning(pytest.PytestWarning):
    """A violation where violations do not fail their tests."""


class Results:
    """Gathers what the reports of tests say."""

    def __init__(self, config: pytest.Config) -> None:
        folder = str(config.invocation_params.dir)
        self.is_worker = hasattr(config, "workerinput")
        # A fork of it runs a test for pytest-forked.
        self.process = os.getpid()
        self.forks: Forks | None = None
        self.report = path_in(folder, config.getoption("--hermetic-report"))
        self.baseline = path_in(folder, config.getoption("--hermetic-baseline"))
        self.found: list[dict[str, Any]] = []
        # The baseline's violations by test; None while there is none, and today's are being recorded.
        self.known: Baseline | None = None if self.baseline is None else read_baseline(self.baseline)
        self.recording = self.baseline is not None and self.known is None
        # Whether no test of this process has a policy; and the options that mean nothing then.
        self.is_idle = False
        # About violations of the test that the run was ended in: it has no report.
        self.lines = ""
        # What the core says once of a run: stderr is the test's here.
        self.said: list[str] = []
        # Whether tests may be left that have not run.
        self.is_cut = False
        self.options = [option for option in OPTIONS if config.getoption(option)]

    def hear_forks(self, config: pytest.Config) -> None:
        """Forks run tests from now on."""
        if self.forks is None:
            self.forks = Forks(self)
            config.pluginmanager.register(self.forks)

    def add_unreported(self, found: list[dict[str, Any]], session: Any) -> None:
        """What a test in a fork was refused that its reports have not brought: its children's. It has its reports, so
        this fails the run."""
        test, told = ("", set()) if self.forks is None else (self.forks.test, self.forks.told)
        rest = [{**data, "test": test} for data in found if (data["guard"], data["message"]) not in told]
        self.found += rest
        session.testsfailed += len([data for data in rest if data["verdict"] == FAILED])

    def pytest_keyboard_interrupt(self) -> None:
        """By hand, by ``pytest.exit``, or because enough has failed."""
        self.is_cut = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Write the files: the last fixtures are torn down by now."""
        self.is_cut |= bool(session.shouldstop or session.shouldfail)
        if self.is_worker:
            # Before xdist sends it, from inside.
            output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]  # workers have it
            output[NAME], output[SAID] = self.is_idle, self.said
        yield
        if self.is_worker:
            return
        if self.report is not None:
            write(self.report, {"version": VERSION, "violations": self.found})
        if self.recording and self.baseline is not None and not (self.is_idle or self.is_cut):
            tests: dict[str, list[list[str]]] = {}
            # What tests share comes in the order of the workers.
            for data in sorted(self.found, key=lambda data: data["stable"] if "shared" in data else ""):
                known = tests.setdefault(data.get("shared", data["test"]), [])
                if (pair := [data["guard"], data["stable"]]) not in known:
                    known.append(pair)
            write(self.baseline, {"version": VERSION, "violations": tests})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The section, if there is anything to say."""
        for line in self.said[:1]:
            terminalreporter.write_line(line.rstrip())
        if self.is_idle:
            for option in self.options:
                terminalreporter.write_line(f"hermetic: {option} is of no use: no test of this run has a policy")
        elif self.recording and self.is_cut:
            terminalreporter.write_line("hermetic: no baseline is written: the run has ended before its tests")
        elif self.recording:
            terminalreporter.write_line(f"hermetic: {counted(len(self.found))} recorded in {self.baseline}")
        if not self.found:
            return
        terminalreporter.section(f"hermetic: {counted(len(self.found))}")
        verdicts = [data["verdict"] for data in self.found]
        parts = [f"{verdicts.count(verdict)} {words}" for verdict, words in VERDICTS if verdict in verdicts]
        for line in [*self.lines.splitlines(), ", ".join(parts), *summary(self.found)]:
            terminalreporter.write_line(line)


def gather(config: pytest.Config) -> Results:
    """The results of this run."""
    known: Results | None = config.pluginmanager.get_plugin(NAME)
    if known is None:
        known = Results(config)
        config.pluginmanager.register(known, NAME)
        if getattr(config.option, "dist", "no") != "no" and not known.is_worker:
            config.pluginmanager.register(Reports(known))
    return known


class Reports:
    """Where workers run the tests: what they found comes with their reports."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.results.is_idle = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; one that crashed says nothing."""
        output = getattr(node, "workeroutput", {})
        self.results.is_idle &= output.get(NAME, False)
        self.results.said += output.get(SAID, ())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for every phase of every test."""
        self.results.found += getattr(report, "hermetic", ())


class Forks:
    """Where a fork runs a test: what it found comes with its reports."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.test = ""
        self.told: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for every phase of every test; those that ran here have been told."""
        if report.nodeid != self.test:
            self.test = report.nodeid
            self.told.clear()
        found = getattr(report, "hermetic", ())
        self.told.update((data["guard"], data["message"]) for data in found)
        if not self.results.is_worker:
            self.results.found += found


def counted(number: int) -> str:
    return "1 violation" if number == 1 else f"{number} violations"


def path_in(folder: str, name: str | None) -> str | None:
    """Where to write a file; its folder is made, now and not when all tests have run. UsageError where that fails."""
    if name is None:
        return None
    path = os.path.join(folder, name)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def read_baseline(path: str) -> Baseline | None:
    """What a baseline knows; None when there is no such file. UsageError for another file."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, expected {VERSION}")
        tests = data["violations"]
        return {test: frozenset((guard, message) for guard, message in pairs) for test, pairs in tests.items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise pytest.UsageError(f"hermetic: {path} is no baseline: {error}") from None


def write(path: str, data: dict[str, Any]) -> None:
    """A JSON file, in an order that can be compared. UsageError where it cannot be written."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2, sort_keys=True)
            file.write("\n")
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str, error: OSError) -> pytest.UsageError:
    return pytest.UsageError(f"hermetic: {path} cannot be written: {error}")
