"""The pytest plugin: tests under a policy, and a violation fails its test.

This module is loaded by every run of an environment in which hermetic is installed, so it only registers what can be
asked for. What does the work is loaded when something asks: an option, an ini key, a marker, the fixture.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder

import pytest

import _hermetic


def load_faces(*names: str) -> None:
    """Load modules of this package by their files. pytest's own import hook would look in each for assertions to
    explain, which takes longer than to run it."""
    home = sys.modules["hermetic"].__path__[0]
    found = PathFinder.find_spec("hermetic", [home[: -len("/hermetic")]])
    if found is not None:
        _hermetic.load_at_once(found, names)


_hermetic.load_at_once(_hermetic.__spec__, ("model",))
load_faces("settings", "values", "integrations.pytest_words")

from hermetic.integrations.pytest_words import (  # noqa: E402  # loaded above
    FAIL,
    OFF,
    POLICY,
    PREFIX,
    REFUSED,
    STRICT,
    WARN,
    flag_of,
    ini_key,
    words_of,
)
from hermetic.settings import SETTINGS  # noqa: E402  # as above
from hermetic.values import PROFILES  # noqa: E402  # as above

TYPE_CHECKING = False  # typing is loaded by pytest, but these names are not needed
if TYPE_CHECKING:
    from typing import Any

    from hermetic.integrations.pytest_fixture import Hermetic
    from hermetic.integrations.pytest_runs import Run
    from hermetic.settings import Setting

PROFILE_HELP = f"guard every test by this profile: {', '.join(PROFILES)}; repeatable; {OFF}: guard none in this run"
# What some rows mean in a test run.
HELP = {
    STRICT: "no marker or fixture may widen this run's policy; no child that is not Python is started",
    "report_only": "block nothing, and warn of each violation: as --hermetic-mode=warn",
}
POLICY_HELP = "guard by this policy file, or the profiles of it that are named; repeatable"
OWN_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--hermetic-policy", {"action": "append", "metavar": "FILE", "help": POLICY_HELP}),
    ("--hermetic-mode", {"choices": (FAIL, WARN), "help": "warn: nothing is blocked; one warning for each violation"}),
    (
        "--hermetic-baseline",
        {"metavar": "FILE", "help": "record today's violations in FILE; if it exists, fail only for new ones"},
    ),
    ("--hermetic-report", {"metavar": "FILE", "help": "write every violation to FILE, as JSON"}),
)
MARKER = (
    "hermetic(*profiles, policy=None, off=False, reason=None, **settings): guard this test, class or module by these "
    "profiles and this policy file, or change by keywords what guards it already; off=True guards it not at all, and "
    "needs a reason"
)
INI_KEYS = tuple(
    [ini_key(key) for key in ("profile", POLICY, "mode", *(s.key for s in SETTINGS if s.name and s.key not in REFUSED))]
)


def help_of(setting: Setting) -> str:
    """The row's help, with flags as this command line spells them."""
    if setting.key in REFUSED:
        return f"not for a test run: {REFUSED[setting.key]}"
    return HELP.get(setting.key) or setting.help.replace("with --", f"with --{PREFIX}-")


def registered(setting: Setting) -> dict[str, Any]:
    """How one row's option is registered."""
    how: dict[str, Any] = {"dest": ini_key(setting.key), "default": None, "help": help_of(setting)}
    if setting.optional is not None:
        return {**how, "nargs": "?", "const": True, "metavar": setting.optional[0]}
    if setting.default is False:
        return {**how, "action": "store_true"}
    return {**how, "action": "store" if setting.default is None else "append", "metavar": setting.metavar}


def ini_kind(setting: Setting) -> Any:
    """The type of one row's ini key."""
    return {False: "bool", None: "string", (): "linelist"}[setting.default]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option of the command line, and an ini key for everything that a block can be asked for."""
    group = parser.getgroup(PREFIX, "hermetic: take capabilities away from tests")
    group.addoption(f"--{PREFIX}", action="append", metavar="PROFILE", help=PROFILE_HELP)
    for flag, how in OWN_OPTIONS:
        group.addoption(flag, **how)
    # A default of None tells what is not there from what is empty.
    parser.addini(ini_key("profile"), "profiles that guard every test", type="args", default=None)
    parser.addini(ini_key(POLICY), "policy files that guard every test, one a line", type="linelist", default=None)
    parser.addini(ini_key("mode"), "fail (the default), or warn: as --hermetic-mode", default=None)
    for setting in SETTINGS:
        if setting.flags:
            group.addoption(*map(flag_of, setting.flags), **registered(setting))
        if setting.name and setting.key not in REFUSED:
            parser.addini(ini_key(setting.key), help_of(setting), type=ini_kind(setting), default=None)


def is_asked(config: pytest.Config) -> bool:
    """Whether command line or ini file ask for anything."""
    if any(value is not None and name.startswith(PREFIX) for name, value in vars(config.option).items()):
        return True
    return any(config.getini(key) for key in INI_KEYS)


def pytest_configure(config: pytest.Config) -> None:
    """Load what was asked for, or wait for a marker."""
    config.addinivalue_line("markers", MARKER)
    if is_asked(config):
        begin(config)
    else:
        config.pluginmanager.register(Waiting(), "hermetic-waiting")


# What a run loads, each after what it imports itself.
RUN = (
    "options",
    "request",
    "integrations.pytest_text",
    "integrations.pytest_watch",
    "integrations.pytest_results",
    "integrations.pytest_values",
    "integrations.pytest_settings",
    "integrations.pytest_fixture",
    "integrations.pytest_policy",
    "integrations.pytest_socket_hint",
    "integrations.pytest_runs",
)


def begin(config: pytest.Config) -> Run:
    """Load what does the work, and begin the run."""
    _hermetic.load_at_once(_hermetic.__spec__, _hermetic.BLOCK)
    load_faces(*RUN)
    from hermetic.integrations import pytest_runs

    return pytest_runs.begin(config)


class Waiting:
    """Looks whether any test asks, once all are collected."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The process that hands tests to workers collects none itself."""
        if getattr(session.config.option, "dist", "no") != "no" and not hasattr(session.config, "workerinput"):
            from hermetic.integrations import pytest_results

            pytest_results.gather(session.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """A marker or the fixture asks."""
        if asking(session.items):
            begin(session.config).pytest_sessionstart(session)


def asking(items: list[pytest.Item]) -> bool:
    """Whether an item has the marker, or wants the fixture."""
    marks, fixtures = words_of(items)
    return PREFIX in marks or PREFIX in fixtures


@pytest.fixture(name=PREFIX)
def hermetic_fixture(request: pytest.FixtureRequest) -> Any:
    """The policy of this test: allow(...), block(...), expect(...), violations."""
    run: Run | None = request.config.pluginmanager.get_plugin("hermetic-run")
    if run is None:  # nobody saw it coming
        run = begin(request.config)
        run.pytest_sessionstart(request.session)
    fixture: Hermetic = run.fixture(request.node)
    yield fixture
    fixture.end()
