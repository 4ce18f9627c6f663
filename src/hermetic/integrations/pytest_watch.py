"""What the plugin sees of refusals: whose they are, and the line of the test that led there."""

from __future__ import annotations

import inspect
import os
import sys
import threading
from _thread import get_ident
from typing import TYPE_CHECKING, Any

import _pytest
import pytest

from _hermetic import events
from _hermetic.callers import is_ours, program_place
from _hermetic.extract import printable
from _hermetic.running import reports
from hermetic.errors import PolicyViolation
from hermetic.integrations.pytest_scopes import acting, owner_of, place_of_marks
from hermetic.integrations.pytest_text import Detail, Paths, other_lines

if TYPE_CHECKING:
    from types import FrameType

    from hermetic.integrations.pytest_names import Chosen
    from hermetic.integrations.pytest_policy import Policy

    Known = frozenset[tuple[str, str]]
    Baseline = dict[str, Known]

BEGIN = threading.Thread._bootstrap_inner.__code__  # type: ignore[attr-defined]  # no public name
FAILED, WARNED, KNOWN = "failed", "warned", "known"
# pytest's code that acts for itself while a test runs: its explanations of assertions and the modules it rewrites for
# them, whether it writes tracebacks in colours, its cache and its temporary folders, what its fixtures put back.
# (file, functions; empty for all of them)
HOME = os.path.join(os.path.dirname(os.path.abspath(_pytest.__file__)), "")
OWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (os.path.join("assertion", ""), ()),
    (os.path.join("_io", "terminalwriter.py"), ()),
    ("compat.py", ()),
    ("cacheprovider.py", ()),
    ("tmpdir.py", ()),
    ("pathlib.py", ()),
    ("legacypath.py", ("tmpdir", "mktemp")),
    ("capture.py", ()),
    ("monkeypatch.py", ("undo",)),
    ("pytester.py", ("pytester", "__init__", "_finalize", "__take_sys_modules_snapshot", "chdir", "restore")),
)
# What acts for whoever calls it: a test's variable is the test's, and the folder that pytester goes to is pytest's.
DEPUTY = os.path.join(HOME, "monkeypatch.py")


class Case:
    """One attempt at one test, from its set-up to its tear-down."""

    __slots__ = ("details", "item", "known", "policy", "raised", "runtest", "shown", "told", "violations", "when")

    def __init__(self, item: pytest.Item | None, policy: Policy, known: Known) -> None:
        self.item = item
        self.policy = policy
        self.known = known
        self.when = "setup"
        self.violations: list[PolicyViolation] = []
        self.details: dict[int, Detail] = {}
        self.raised: BaseException | None = None
        # By their ids, which are theirs as long as they are kept here: what a report has brought, and what a failed one
        # has. A test with subtests has several reports of one phase.
        self.told: dict[int, PolicyViolation] = {}
        self.shown: dict[int, PolicyViolation] = {}
        # What somebody else has put in the place of the item's own, if anything.
        self.runtest: Any = None

    def of_phase(self, when: str) -> list[tuple[PolicyViolation, Detail]]:
        """The violations of one phase that the test has not dealt with."""
        return [pair for pair in self.all() if pair[1].when == when]

    def all(self) -> list[tuple[PolicyViolation, Detail]]:
        """Those of every phase."""
        return [(v, self.details[id(v)]) for v in self.violations if id(v) in self.details]


class Watch:
    """Told by the core of every act that the plugin's policies refuse."""

    def __init__(self, root: str, paths: Paths) -> None:
        self.root = os.path.join(root, "")
        self.paths = paths
        self.case: Case | None = None
        self.policy: Policy | None = None
        # Whether code of a test runs, and in which thread that happens; what other threads did meanwhile.
        self.active = False
        self.thread = get_ident()
        self.strays: list[PolicyViolation] = []
        # pytest_doctests, where there are any.
        self.doctests: Any = None
        # Where the code is that measures coverage, if it is loaded: a fork writes its data when it ends, in a test. And
        # what threads begin with for its sake.
        self.coverage = home_of("coverage")
        self.tracer: Any = None
        # Where the code is that keeps hypothesis's examples, if its plugin is loaded.
        self.properties = ""
        # What stands for the folders that change from run to run, in baselines.
        self.folders: list[tuple[str, str]] = [(self.root, "")]
        self.chosen: Chosen | None = None
        # What the baseline knows, of tests and of what they are in.
        self.baseline: Baseline = {}

    def keep(self, baseline: Baseline | None) -> None:
        """There is a baseline, or there will be one."""
        from hermetic.integrations.pytest_names import remember

        self.baseline, self.chosen = baseline or {}, remember()

    def know_plugins(self) -> None:
        """Find out who traces, as in a worker coverage begins with the session; and who keeps examples. Not later: a
        test may give any module the name of theirs."""
        self.coverage, self.tracer = home_of("coverage"), getattr(threading, "_trace_hook", None)
        # Its plugin lies beside it, and loads it with the first test that needs it.
        beside = home_of("_hypothesis_pytestplugin")
        self.properties = beside and os.path.join(beside, "hypothesis", "")

    def tolerates(self, guard: str, message: str) -> bool:
        """pytest's own acts happen, and what the baseline knows."""
        place = asked_at(program_place(1))
        if self.is_pytests(place, guard):
            return True
        case, text = self.case, printable(message)
        if guard == "code_exec" and case is not None and self.doctests and self.doctests.is_pytests(case.item, 1):
            return True
        if guard == "interpreter" and self.tracer is not None and begins_thread(sys._getframe(1), self.tracer):
            return True
        if case is None or not self.is_known(case, guard, text, self.shared(case)):
            return False
        self.note(case, PolicyViolation(text, guard, place=place), False)
        return True

    def saw(self, violation: PolicyViolation, happened: bool) -> None:
        """Remember a refusal for the running test."""
        case = self.case
        violation.place = asked_at(violation.place)
        if case is not None and not self.is_pytests(violation.place, violation.guard):
            made: Any = violation.__reduce__()
            detail = self.note(case, made[0](*made[1]), happened)  # a copy, which holds no frames
            if hasattr(violation, "__notes__"):
                # What a traceback shows below the message, as a test has to write it.
                violation.__notes__ = other_lines(violation, detail, self.paths, False)

    def is_pytests(self, place: tuple[str, int, str] | None, guard: str) -> bool:
        """Whether pytest acts for itself, or another plugin between two tests, or in a test for its own files: coverage
        in a fork, hypothesis for its examples."""
        if is_own(place) or (not self.active and get_ident() == self.thread):
            return True
        if place is None:
            return False
        # What hypothesis asks of the network, for a database elsewhere, is the suite's.
        homes = (self.coverage, self.properties if guard == "filesystem" else "")
        return any(home and place[0].startswith(home) for home in homes)

    def note(self, case: Case, violation: PolicyViolation, happened: bool, own: bool = True) -> Detail:
        """Remember it. happened: nothing was blocked. own: it is this process's, now."""
        verdict = WARNED if happened else FAILED
        shared = self.shared(case) if own else ""
        if self.is_known(case, violation.guard, violation.message, shared):
            verdict = KNOWN
        line = self.line_of(case) if own else None
        marks = isinstance(case.item, pytest.Function) and not case.policy.fixed
        place = place_of_marks(acting(), case.item) if own and marks else ""
        line = line or definition(case.item)
        origin = "" if self.policy is None else self.policy.origin(violation.reason)
        detail = Detail(verdict, case.when, line, origin, marks and place != "run", shared, place)
        case.details[id(violation)] = detail
        # What a thread does between two tests is the next one's affair: the last one has been judged.
        (case.violations if self.active or not own else self.strays).append(violation)
        return detail

    def adopt(self, case: Case, before: Case | None) -> None:
        """What other threads did between two tests is seen with the second."""
        strays, self.strays = self.strays, []
        if before is None:
            return
        for violation in strays:
            case.details[id(violation)] = before.details[id(violation)]._replace(when=case.when)
            case.violations.append(violation)

    def hear(self, case: Case) -> None:
        """Add what children were refused since the last time."""
        data = reports.hear() if reports.CHILDREN[0] else b""
        if data:
            for verb, happened in (("blocked", False), (events.WOULD, True)):
                for guard, message, reason, remedy, call, place, target, origin in events.reported(data, verb):
                    violation = PolicyViolation(message, guard, target, reason, remedy, call, place, origin=origin)
                    self.note(case, violation, happened, own=False)

    def stable(self, message: str) -> str:
        """A message without what differs from run to run."""
        for folder, name in self.folders:
            message = message.replace(folder, name)
        return message if self.chosen is None else self.chosen.starred(message)

    def is_known(self, case: Case, guard: str, message: str, shared: str) -> bool:
        """Whether the baseline lists this for the test, or for what its fixture belongs to."""
        if not self.baseline:
            return False
        act = (guard, self.stable(message))
        return act in case.known or act in self.baseline.get(shared, ())

    def shared(self, case: Case) -> str:
        """What the fixture that acts belongs to, if tests share it; empty for what is the test's own. Which of them
        comes first, or last, is a matter of the order and of the workers."""
        fixturedef = acting() if self.chosen is not None else None
        return "" if fixturedef is None or case.item is None else owner_of(fixturedef, case.item)

    def line_of(self, case: Case) -> tuple[str, int] | None:
        """(file, line) of the test, or of its file, or of the project: the outermost that is on this thread's stack."""
        doctests = self.doctests
        # As the test is written: a decorator's wrapper has its code in the file of the decorator.
        function: Any = getattr(case.item, "function", None)
        code = getattr(inspect.unwrap(function), "__code__", None)
        path = str(getattr(case.item, "path", ""))
        in_file = in_project = inner = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            here = (name, frame.f_lineno or 0)
            if frame.f_code is code:
                return here
            if doctests and doctests.runs(frame, case.item):
                return doctests.line_of(frame, inner) or in_file or in_project
            if name == path:
                in_file = here
            elif name.startswith(self.root) and "site-packages" not in name:
                in_project = here
            inner, frame = frame, frame.f_back
        return in_file or in_project


def begins_thread(frame: FrameType | None, tracer: Any) -> bool:
    """Whether a new thread takes over the tracing that was there before any test. It would end at once otherwise, and
    who waits for it would wait for ever."""
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and frame.f_code is BEGIN and getattr(threading, "_trace_hook", None) is tracer


def home_of(name: str) -> str:
    """The folder of a package that is loaded; empty if it is not."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return os.path.join(os.path.dirname(os.path.abspath(file)), "") if file else ""


def definition(item: pytest.Item | None) -> tuple[str, int] | None:
    """Where a test begins, for what no line of it is known of."""
    if item is None:
        return None
    _, line, _ = item.location
    return str(item.path), (line or 0) + 1


def asked_at(place: tuple[str, int, str] | None) -> tuple[str, int, str] | None:
    """The place of who asked, where a deputy acts: there is nothing that a test could put right in the deputy."""
    if place is None or place[0] != DEPUTY or is_own(place):
        return place
    frame: FrameType | None = sys._getframe(1)
    reached = False
    while frame is not None:
        code = frame.f_code
        if reached and code.co_filename != DEPUTY:
            return code.co_filename, frame.f_lineno or 0, code.co_name
        reached = reached or code.co_filename == DEPUTY
        frame = frame.f_back
    return place


def is_own(place: tuple[str, int, str] | None) -> bool:
    """Whether pytest acts for itself here."""
    if place is None or not place[0].startswith(HOME):
        return False
    name = place[0][len(HOME) :]
    return any(name.startswith(file) and (not functions or place[2] in functions) for file, functions in OWN)
