"""A run under the plugin: which policy is in force when, and that a violation fails its test.

The policy holds where the code of tests and fixtures runs: in set-up, call and tear-down. Between these, and in other
plugins' hooks, nothing is in force, because pytest's own files are pytest's.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.doctest import DoctestItem
from _pytest.unittest import TestCaseFunction

from _hermetic import events, load_for
from _hermetic.blocks import keep_installed, release_installed
from _hermetic.callers import trimmed
from _hermetic.running.reports import CHILDREN
from hermetic.integrations import pytest_results
from hermetic.integrations.pytest_fixture import Hermetic
from hermetic.integrations.pytest_policy import Place, Policies, Policy, check_files, validate
from hermetic.integrations.pytest_reports import Teller, told, trim
from hermetic.integrations.pytest_settings import Reader, from_command_line, from_ini, requested
from hermetic.integrations.pytest_socket_hint import hint
from hermetic.integrations.pytest_text import Paths, paragraphs
from hermetic.integrations.pytest_values import Written
from hermetic.integrations.pytest_watch import FAILED, Case, Watch
from hermetic.integrations.pytest_words import OFF, PREFIX, STRICT, WARN, ini_key, words_of
from hermetic.request import requested as families_of
from hermetic.values import defaults, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from hermetic.integrations.pytest_text import Detail

NAME = "hermetic-run"
NOTHING: frozenset[tuple[str, str]] = frozenset()
# Who wants any of pytest's temporary folders wants this fixture.
FACTORY = "tmp_path_factory"
SUBTESTS = "subtests"
# pytest-forked's option and mark: each test runs in a fork, and the fork's reports are told here.
FORKED = "forked"


def begin(config: pytest.Config) -> Run:
    """Start what was asked for. UsageError for what cannot mean anything."""
    try:
        run = Run(config)
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"hermetic: {error}") from None
    config.pluginmanager.register(run, NAME)
    return run


def base_of(config: pytest.Config, reader: Reader) -> tuple[Policy, bool, bool]:
    """(what holds where no marker asks, whether tests may not widen it, whether nothing is guarded)."""
    ini, line = from_ini(config, reader), from_command_line(config, reader)
    files = line.files or ini.files
    strict = bool(line.values.pop(STRICT, False))
    if OFF in line.profiles:
        if strict or len(line.profiles) > 1 or line.files or is_restrictive({**defaults(), **line.values}):
            raise ValueError(f"--{PREFIX} {OFF} guards nothing in this run, so nothing else can be asked for")
        return Policy(defaults(), files=files), False, True
    try:
        base = requested(ini.profiles, ini.values, defaults(), True, ini.files)
        asked_by = ini.askers(base, {})
        if any(line):
            base = requested(line.profiles, line.values, base, True, line.files, files)
            asked_by = line.askers(base, asked_by)
        protected = base.protected if isinstance(base, Written) else ()
        load_for({*families_of(base).families, *(("filesystem",) if protected else ())}, names=())
        validate(base)
    except ValueError as error:
        raise ValueError(line.located(str(error)) or ini.located(str(error)) or error) from None
    check_files(base)
    if strict and not is_restrictive(base):
        raise ValueError(f"--{PREFIX}-{STRICT} needs something to block, such as --{PREFIX} net-hermetic")
    return Policy(base, (base,) if strict else (), asked_by=asked_by, files=files), strict, False


class Run:
    """The plugin of a run that asked."""

    def __init__(self, config: pytest.Config) -> None:
        reader = Reader(config)
        base, strict, self.off = base_of(config, reader)
        mode = config.getoption("--hermetic-mode") or config.getini(ini_key("mode"))
        if mode and mode not in ("fail", WARN):
            raise ValueError(f"{ini_key('mode')} is fail or {WARN}, not {mode!r}")
        self.config = config
        self.results = pytest_results.gather(config)
        self.warns = mode == WARN
        self.paths = Paths(str(config.invocation_params.dir))
        self.watch = Watch(str(config.rootpath), self.paths)
        if self.results.baseline is not None:
            self.watch.keep(self.results.known)
        report_only = self.warns or self.results.recording
        self.policies = Policies(base, strict, report_only, reader, self.watch)
        self.place = Place(self.policies)
        self.case: Case | None = None
        # Whether that one has been torn down, and whether there are no reports any more.
        self.is_torn_down = True
        self.is_over = False
        self._state: Any = None
        self._factory: Any = None
        self._fixtures: FixturePolicies | None = None
        self._teller: Teller | None = None
        self._hint = hint(config, (), ())
        if base.own is not None and base.own["trace"]:
            self._open_trace()

    def _open_trace(self) -> None:
        """Remember stderr as it was before pytest began to capture it."""
        manager = self.config.pluginmanager.get_plugin("capturemanager")
        if manager is None:
            return events.open_trace()
        with manager.global_and_fixture_disabled():
            return events.open_trace()

    # --- the run ---

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stand around what sets tests up and tears them down."""
        keep_installed(self)
        events.GATHERED.append(self.results.said)
        events.TOLD.append(True)
        self.watch.know_plugins()
        state = self._state = session._setupstate
        self._set_up, self._tear_down = state.setup, state.teardown_exact
        state.setup, state.teardown_exact = self.set_up, self.tear_down  # type: ignore[method-assign]  # of this one
        self._factory = getattr(self.config, "_tmp_path_factory", None)  # of a plugin of its own
        if self._factory is not None:
            self._base_folder, self._factory.getbasetemp = self._factory.getbasetemp, self.base_folder
        if session.items:
            self.pytest_collection_finish(session)

    @pytest.hookimpl(tryfirst=True)  # the terminal's own asks for report lines
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All tests are known: so are the policies of fixtures that several of them share."""
        if self.off:
            self.results.is_idle = True
            return
        marks, fixtures = words_of(session.items)
        self.policies.survey(session.items, marks)
        self.results.is_idle = PREFIX not in fixtures and not self.policies.guard(session.items)
        kinds = tuple({type(item) for item in session.items})
        if any(issubclass(kind, DoctestItem) for kind in kinds) and self.watch.doctests is None:
            from hermetic.integrations import pytest_doctests  # only a run that has any pays for these

            self.watch.doctests = pytest_doctests
        if SUBTESTS in fixtures or any(issubclass(kind, TestCaseFunction) for kind in kinds):
            self.begin_telling()  # a subtest has its report before its test is judged
        if FORKED in marks or self.config.getoption(FORKED, False):
            self.results.hear_forks(self.config)
        if self.policies.shared and self._fixtures is None:
            self._fixtures = FixturePolicies(self)
            self.config.pluginmanager.register(self._fixtures, "hermetic-fixtures")
        self._hint = self._hint or hint(self.config, marks, fixtures)

    @pytest.hookimpl(wrapper=True, trylast=True)  # from inside, before a worker sends what it has
    def pytest_sessionfinish(self) -> Generator[None, Any, Any]:
        """A test that the run was ended in has no report: what it was refused goes to the summary alone."""
        self.is_over = True
        try:
            return (yield)
        finally:
            if self.case is not None:
                self.watch.hear(self.case)
                found = [pair for pair in self.case.all() if id(pair[0]) not in self.case.told]
                self.results.found += told(self, self.case, found)
                self.results.lines = self.text(found)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """At the end, because a header is not shown under ``-q``. Where workers have the tests, only options tell."""
        if self._hint:
            terminalreporter.write_line(self._hint)

    def pytest_unconfigure(self) -> None:
        """Restore everything."""
        self.place.hold(None)
        if self._state is not None:
            events.GATHERED.pop()  # a run in a test has ended by now
            events.TOLD.pop()
            vars(self._state).pop("setup", None)
            vars(self._state).pop("teardown_exact", None)
        if self._factory is not None:
            vars(self._factory).pop("getbasetemp", None)
        release_installed(self)
        self.policies.end()

    # --- one test ---

    def fixture(self, item: pytest.Item) -> Hermetic:
        """The fixture of the running test."""
        if self.case is None or self.case.item is not item:
            # The run begins in the middle of this test.
            self.case = Case(item, self.policies.of(item), NOTHING)
            self.watch.case, self.watch.active = self.case, True
        return Hermetic(self, self.case)

    def set_up(self, item: pytest.Item) -> None:
        """What holds from here on is this test's policy."""
        __tracebackhide__ = True
        policies = self.policies
        policy = policies.base if policies.is_uniform or self.off else policies.of(item)
        self.is_torn_down = False
        known = self.results.known
        case = self.case = Case(item, policy, known.get(item.nodeid, NOTHING) if known else NOTHING)
        if policies.temporary is None and not policy.is_aside and FACTORY in getattr(item, "fixturenames", ()):
            self._factory.getbasetemp()  # now, before anything is in force
        if policy.problem is not None:
            refuse(policy.problem)
        own = vars(item)
        found = own.get("runtest")
        case.runtest = None if found == self.call else found  # ours is there if nothing tore the test down
        own["runtest"] = self.call
        self.guard(case, "setup", self._set_up, item)

    def call(self) -> None:
        """The item's ``runtest``, under its policy."""
        __tracebackhide__ = True
        case: Any = self.case
        if case.runtest is not None:
            self.guard(case, "call", case.runtest)
        else:
            self.guard(case, "call", type(case.item).runtest, case.item)

    def base_folder(self) -> Path:
        """pytest's temporary folder, in the place of its own function: tests may ask for it as late as they like."""
        folder: Path = self._base_folder()
        if self.policies.temporary is None:
            self.policies.temporary = str(folder)
            self.watch.folders.insert(0, (str(folder), "TMP"))
            self.place.renew()
        return folder

    def tear_down(self, nextitem: pytest.Item | None) -> None:
        """The policy of the test that ends, or of the run."""
        __tracebackhide__ = True
        case = self.case
        if case is None or (self.is_torn_down and not self.is_over):
            case = Case(None, self.policies.base, NOTHING)
        try:
            self.guard(case, "teardown", self._tear_down, nextitem)
        finally:
            self.is_torn_down = True
            if case.item is not None:
                vars(case.item).pop("runtest", None)
                if case.runtest is not None:
                    case.item.runtest = case.runtest  # type: ignore[method-assign]  # as it was

    def guard(self, case: Case, when: str, function: Callable[..., object], *arguments: object) -> None:
        """Run the code of a test under its policy."""
        __tracebackhide__ = True
        watch = self.watch
        before, watch.case, case.when = watch.case, case, when
        watch.active = True
        if watch.strays:
            watch.adopt(case, before)
        if self.place.held is not case.policy:
            self.hold(case.policy)
        try:
            function(*arguments)
        except BaseException as error:
            self.rest(case)
            trim(error)
            if watch.doctests:
                watch.doctests.trim_failures(error, trimmed)
            self.judge(case, error)
            raise
        watch.active = False
        if not case.policy.is_aside:
            self.place.hold(None)
        if case.violations or CHILDREN[0]:
            self.judge(case, None)

    def hold(self, policy: Policy | None) -> None:
        """Put it in force, in place of what was there; None for nothing at all."""
        self.watch.policy = policy
        self.place.hold(policy)

    def rest(self, case: Case) -> None:
        """Code of pytest's and of other plugins runs now. A policy that only takes the network away stays where it is,
        for threads that go on; the watch tolerates what this thread does. Entering it anew would cost more than a
        trivial test."""
        self.watch.active = False
        if not case.policy.is_aside:
            self.place.hold(None)

    def judge(self, case: Case, error: BaseException | None) -> None:
        """Fail a test that was refused something, although its code went on."""
        self.watch.hear(case)
        if not case.violations:
            return
        if case.item is None:
            session = self.config.pluginmanager.get_plugin("session")
            return self.results.add_unreported(told(self, case, case.all()), session)
        self.begin_telling()
        raised = getattr(case.item, "_excinfo", None) or []
        for info in raised:
            trim(info.value)  # what a unittest case raised, which nobody sees pass by
        if self.is_over or not (error is None or is_skip(error)):
            return
        failing = [
            pair for pair in case.of_phase(case.when) if pair[1].verdict == FAILED and id(pair[0]) not in case.shown
        ]
        if failing:
            # A case's own skip would take the place of this.
            raised[:] = [info for info in raised if not is_skip(info.value)]
            case.raised = pytest.fail.Exception(self.text(failing), pytrace=False)
            raise case.raised from None

    def begin_telling(self) -> None:
        """Look at reports from now on."""
        if self._teller is None:
            self._teller = Teller(self)
            self.config.pluginmanager.register(self._teller, "hermetic-teller")

    def text(self, found: list[tuple[Any, Detail]]) -> str:
        """Violations, each with its lines."""
        return "\n".join(paragraphs(found, self.paths))

    def warn(self, case: Case, text: str) -> None:
        """A warning that no filter turns into an error: it would be one for pytest, not for the test."""
        message = warnings.WarningMessage(pytest_results.HermeticWarning(text), pytest_results.HermeticWarning, "", 0)
        nodeid = "" if case.item is None else case.item.nodeid
        self.config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": message, "when": "runtest", "nodeid": nodeid, "location": None}
        )


class FixturePolicies:
    """For runs in which tests have different policies: the fixtures that they share."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Set-up and tear-down of a shared fixture, under the widest policy of those who request it."""
        policy = self.run.policies.of_fixture(fixturedef)
        if policy is None:
            return (yield)
        before: list[Policy | None] = [self.run.place.held]
        vars(fixturedef).pop("addfinalizer", None)
        fixturedef.addfinalizer(lambda: self.run.hold(before.pop()))
        self.run.hold(policy)
        try:
            return (yield)
        finally:
            self.run.hold(before.pop())
            fixturedef.addfinalizer(lambda: self._again(policy, before))
            # What it adds later, when tests call what it has made, is called before that.
            vars(fixturedef)["addfinalizer"] = lambda finalizer: self._add(fixturedef, policy, finalizer)

    def _again(self, policy: Policy, before: list[Policy | None]) -> None:
        before.append(self.run.place.held)
        self.run.hold(policy)

    def _add(self, fixturedef: Any, policy: Policy, finalizer: Callable[[], object]) -> None:
        """Add what tears a fixture down to those that it has. Another fixture, which goes first, has its own policy."""
        is_another = getattr(getattr(finalizer, "func", None), "__func__", None) is pytest.FixtureDef.finish
        type(fixturedef).addfinalizer(
            fixturedef, finalizer if is_another else lambda: self._tear_down(policy, finalizer)
        )

    def _tear_down(self, policy: Policy, finalizer: Callable[[], object]) -> None:
        before = self.run.place.held
        self.run.hold(policy)
        try:
            finalizer()
        finally:
            self.run.hold(before)


def is_skip(error: BaseException) -> bool:
    """Whether pytest skips a test for this: unittest's own is one too."""
    cases = sys.modules.get("unittest")
    return isinstance(error, pytest.skip.Exception) or (cases is not None and isinstance(error, cases.SkipTest))


def refuse(text: str) -> None:
    """A test whose policy cannot be; pytest shows the text alone, if this frame is not hidden."""
    raise pytest.fail.Exception(text, pytrace=False)
