"""What the pytest plugin does in every run, also in those that ask for nothing: look whether something asks.

That is an option, an ini key, a marker, or the fixture. Everything else is loaded then, the list of options too.
"""

from __future__ import annotations

import os
from copy import copy

import pytest

import _hermetic
from hermetic.integrations import load_faces
from hermetic.integrations.pytest_words import PREFIX, words_of

TYPE_CHECKING = False  # typing is loaded by pytest, but these names are not needed
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any

    from hermetic.integrations.pytest_fixture import Hermetic
    from hermetic.integrations.pytest_runs import Run

MARKER = (
    "hermetic(*profiles, policy=None, off=False, reason=None, **settings): guard this test, class or module by these "
    "profiles and this policy file, or change by keywords what guards it already; off=True guards it not at all, and "
    "needs a reason"
)
# What the plugin is called beside the name of its entry point.
MODULE = "hermetic.integrations.pytest_plugin"
# Where the options belong that are not registered yet.
PARSER = pytest.StashKey[pytest.Parser]()


# --- the options, once something asks ---


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Nothing yet, for the plugin under the name of its entry point: pytest reads the initial conftests next, and by
    then has all its words. Whoever names the module itself has asked, and may do so at any time."""
    config: Any = pluginmanager.get_plugin("pytestconfig")
    config.stash[PARSER] = parser
    is_entry = getattr(pluginmanager.get_plugin(PREFIX), "pytest_addoption", None) is pytest_addoption
    # It has two names, and for pytest the second one is an internal error.
    pluginmanager.set_blocked(MODULE if is_entry else PREFIX)
    if not is_entry:
        register(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, Any]:
    """Register the options if these words, wherever they come from, or the ini file may need them. Plugins and
    conftests may add words to them."""
    if is_mentioned(early_config, args) and register(early_config):
        # Until now the value of an option of ours looked like a path of tests, whose conftest would be an initial one.
        found = parser.parse_known_args(args, namespace=copy(early_config.option))
        early_config.known_args_namespace.file_or_dir = found.file_or_dir
    result = yield
    if is_mentioned(early_config, args):
        register(early_config)
    return result


def is_mentioned(config: pytest.Config, words: Iterable[Any] = ()) -> bool:
    """Whether a run may need the options: it is better to register them for nothing than not to know one."""
    # A word with an @ stands for a file of words.
    if any(str(word).startswith((f"--{PREFIX}", "@")) for word in words):
        return True
    known: Any = config.known_args_namespace
    if known.help or "_ARGCOMPLETE" in os.environ:  # all options are going to be listed
        return True
    keys = [*ini_keys(config), *(known.override_ini or ())]
    # A worker of pytest-xdist is given the values of options, and no words.
    given = [name for name, value in vars(config.option).items() if value is not None]
    return any(name.startswith(PREFIX) for name in (*keys, *given))


def ini_keys(config: pytest.Config) -> Iterable[str]:
    """The keys of the ini file; for a pytest that keeps them elsewhere, one of ours. ``getini`` knows only keys that
    are registered, and ``inicfg``, from pytest 9 on, is an attribute that warns."""
    known = vars(config)
    found: Iterable[str] = known.get("_inicfg", known.get("inicfg", (PREFIX,)))
    return found


def register(config: pytest.Config) -> bool:
    """Register every option and ini key, unless they are; whether that was to be done."""
    parser = config.stash.get(PARSER, None)
    if parser is None:
        return False
    del config.stash[PARSER]
    _hermetic.load_at_once(_hermetic.__spec__, ("model",))
    load_faces("settings", "values", "integrations.pytest_options")
    from hermetic.integrations import pytest_options

    pytest_options.register(parser)
    return True


# --- whether anything asks ---


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run that was asked for, or wait for a marker."""
    config.addinivalue_line("markers", MARKER)
    if PARSER in config.stash and not is_mentioned(config):
        return
    register(config)
    from hermetic.integrations import pytest_options

    if pytest_options.is_asked(config):
        begin(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    """The process that hands tests to workers collects none itself."""
    config = session.config
    is_sharing = getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")
    if is_sharing and not is_begun(config):
        config.pluginmanager.register(Listening(config), "hermetic-listening")


class Listening:
    """Waits for the report of a worker in which something asked."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for every phase of every test."""
        if hasattr(report, PREFIX):
            register(self.config)
            from hermetic.integrations import pytest_results

            # From the next report on, it listens itself.
            self.config.pluginmanager.unregister(self)
            pytest_results.gather(self.config).found += report.hermetic


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """A marker or the fixture asks."""
    if not is_begun(session.config) and is_wanted(session.items):
        begin(session.config).pytest_sessionstart(session)


def is_wanted(items: list[pytest.Item]) -> bool:
    """Whether an item has the marker, or wants the fixture."""
    marks, fixtures = words_of(items)
    return PREFIX in marks or PREFIX in fixtures


def is_begun(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("hermetic-run")


# --- what a run loads ---

# Each after what it imports itself.
RUN = (
    "errors",
    "options",
    "request",
    "integrations.pytest_text",
    "integrations.pytest_scopes",
    "integrations.pytest_watch",
    "integrations.pytest_results",
    "integrations.pytest_values",
    "integrations.pytest_settings",
    "integrations.pytest_policy",
    "integrations.pytest_fixture",
    "integrations.pytest_socket_hint",
    "integrations.pytest_reports",
    "integrations.pytest_runs",
)


def begin(config: pytest.Config) -> Run:
    """Load what does the work, and begin the run."""
    register(config)
    _hermetic.load_at_once(_hermetic.__spec__, _hermetic.BLOCK)
    load_faces(*RUN)
    from hermetic.integrations import pytest_runs

    return pytest_runs.begin(config)


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
