"""A run that asks for nothing pays for nothing; and whatever way an option comes, it is known in time."""

from __future__ import annotations

import pytest

from .suites import PLUGIN, verdicts

LOOKUP = """
def test_it():
    socket.gethostbyname("blocked.example")
"""
# What a run loads to look whether anything asks.
WAITING = {
    *("hermetic", "hermetic.integrations", PLUGIN, "hermetic.integrations.pytest_words"),
    *("hermetic.integrations.pytest_waiting", "_hermetic"),
}
LOADED = """
import sys
def test_it(request):
    found = {name for name in sys.modules if name.partition(".")[0] in ("hermetic", "_hermetic")}
    assert found == WAITING, found
    assert not [name for name in vars(request.config.option) if "hermetic" in name]
    assert not [name for name, _ in request.config.pluginmanager.list_name_plugin() if "hermetic-" in name]
"""


@pytest.mark.parametrize("words", [(), ("-n", "1")], ids=["alone", "shared"])
def test_a_run_that_asks_for_nothing_loads_nothing_and_has_no_options(suite, words):
    if words:
        pytest.importorskip("xdist")
    suite.write(test_it=f"WAITING = {WAITING}\n{LOADED}")
    suite.pytester.makeconftest(
        f"""
        import sys
        def pytest_sessionfinish(session):  # also of the process that hands out the tests
            found = {{name for name in sys.modules if name.partition(".")[0] in ("hermetic", "_hermetic")}}
            assert found == {WAITING}, found
        """
    )
    result = suite.run("--strict-markers", "--strict-config", *words, plugins=("xdist",))
    result.assert_outcomes(passed=1)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()


def ini(name, head="[pytest]", line="hermetic_block_network = true"):
    return {name: f"{head}\n{line}\n"}


ADDING = "def pytest_load_initial_conftests(args): args += ['--hermetic', 'net-hermetic']\n"
# Files, and words; how an option or an ini key reaches pytest.
WAYS = {
    "word": ({}, ["--hermetic-no-network"]),
    "word with a value": ({}, ["--hermetic=net-hermetic"]),
    "file of words": ({"words.txt": "--hermetic\nnet-hermetic\n"}, ["@words.txt"]),
    "file of files of words": ({"words.txt": "@more.txt\n", "more.txt": "--hermetic-no-network"}, ["@words.txt"]),
    "addopts": (ini("pytest.ini", line="addopts = --hermetic net-hermetic"), []),
    "addopts on the command line": ({}, ["-o", "addopts=--hermetic net-hermetic"]),
    "file of words in addopts": (
        {**ini("pytest.ini", line="addopts = @words.txt"), "words.txt": "--hermetic-no-network"},
        [],
    ),
    "ini key in addopts": (ini("pytest.ini", line="addopts = -o hermetic_profile=net-hermetic"), []),
    "ini key on the command line": ({}, ["--override-ini", "hermetic_profile=net-hermetic"]),
    "ini key on the command line in one word": ({}, ["-ohermetic_block_network=true"]),
    "pytest.ini": (ini("pytest.ini"), []),
    "another ini file": (ini("other.ini"), ["-c", "other.ini"]),
    "tox.ini": (ini("tox.ini"), []),
    "setup.cfg": (ini("setup.cfg", "[tool:pytest]"), []),
    "pyproject.toml": (ini("pyproject.toml", "[tool.pytest.ini_options]"), []),
    "pyproject.toml of pytest 9": (ini("pyproject.toml", "[tool.pytest]"), []),
    "by another plugin": ({"adding.py": ADDING}, ["-p", "adding"]),
    "by a conftest": ({"conftest.py": "def pytest_configure(config): config.option.hermetic_block_network = True"}, []),
    "named": ({}, ["-p", PLUGIN, "--hermetic", "net-hermetic", "-p", "no:hermetic"]),
    "named beside its entry point": ({}, ["-p", PLUGIN, "--hermetic", "net-hermetic"]),
    "named by a conftest beside its entry point": (
        {"conftest.py": f"pytest_plugins = [{PLUGIN!r}]"},
        ["--hermetic-no-network"],
    ),
    "entry point named": ({}, ["-p", "hermetic", "--hermetic", "net-hermetic"]),
    "named by a conftest": (
        {"conftest.py": f"pytest_plugins = [{PLUGIN!r}]"},
        ["--hermetic-no-network", "-p", "no:hermetic"],
    ),
}
# The first pytest that knows the way.
SINCE = {
    "file of words": (8, 2),
    "file of files of words": (8, 2),
    "file of words in addopts": (8, 2),
    "pyproject.toml of pytest 9": (9,),
    "ini key in addopts": (9, 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_which_options_come(suite, way):
    files, words = WAYS[way]
    if pytest.version_tuple < SINCE.get(way, (8,)):
        pytest.skip("a newer pytest takes them this way")
    for name, text in files.items():
        (suite.path / name).write_text(text)
    suite.write(test_it=LOOKUP)
    result = suite.run("--strict-config", *words)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*network disabled: DNS(blocked.example)*"])


def test_options_come_by_the_environment(suite, monkeypatch):
    suite.write(test_it=LOOKUP)
    monkeypatch.setenv("PYTEST_ADDOPTS", '--her"metic" net-hermetic')
    assert verdicts(suite.run()) == {"test_it": "FAILED"}
    monkeypatch.setenv("PYTEST_ADDOPTS", "-o hermetic_block_network=1")
    assert verdicts(suite.run()) == {"test_it": "FAILED"}
    monkeypatch.setenv("PYTEST_ADDOPTS", "")
    monkeypatch.setenv("PYTEST_PLUGINS", PLUGIN)
    assert verdicts(suite.run("-p", "no:hermetic", "--hermetic-no-network")) == {"test_it": "FAILED"}


def test_options_come_by_a_call(suite):
    suite.write(test_it=LOOKUP)
    code = "import sys, pathlib, pytest; sys.exit(pytest.main([pathlib.Path('test_it.py'), '--hermetic-no-network']))"
    assert suite.pytester.runpython_c(code).ret == 1
    code = f"import sys, pytest; sys.exit(pytest.main(['--hermetic-no-network', '-p', 'no:hermetic'], plugins=[{PLUGIN!r}]))"
    assert suite.pytester.runpython_c(code).ret == 1


@pytest.mark.parametrize("asked", ["word", "ini", "marker"])
def test_workers_are_asked_as_the_run_is(suite, asked):
    pytest.importorskip("xdist")
    if asked == "ini":
        suite.ini("hermetic_profile = net-hermetic")
    mark = "pytestmark = pytest.mark.hermetic('net-hermetic')\n" if asked == "marker" else ""
    suite.write(test_it=mark + LOOKUP)
    words = ["--hermetic", "net-hermetic"] if asked == "word" else []
    result = suite.run("-n", "1", *words, plugins=("xdist",))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*hermetic: 1 violation*", "     1  test_it.py::test_it"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hermetic-foo"], "unrecognized arguments: --hermetic-foo"),
        (["--hermetic-no"], "unrecognized arguments: --hermetic-no"),  # no abbreviations
        (["--hermetic"], "argument --hermetic: expected one argument"),
        (["--hermetic-mode=no"], "argument --hermetic-mode: invalid choice: 'no' (choose from "),
    ],
)
def test_an_unknown_option_is_a_usage_error_as_of_any_plugin(suite, words, said):
    suite.write(test_it="def test_it(): pass")
    result = suite.run(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str() + result.stdout.str()


def test_an_unknown_ini_key_is_told_as_that_of_any_plugin(suite):
    suite.ini("hermetic_foo = 1")
    suite.write(test_it="def test_it(): pass")
    suite.run().stdout.fnmatch_lines(["*Unknown config option: hermetic_foo*"])
    assert suite.run("--strict-config").ret == pytest.ExitCode.USAGE_ERROR


def test_what_follows_an_option_is_no_path(suite):
    for name in ("given", "net-hermetic"):
        (suite.path / name).mkdir()
        (suite.path / name / "conftest.py").write_text("raise RuntimeError('this is no folder of tests')")
    suite.write(test_it="def test_it(): pass")
    words = ("--hermetic", "net-hermetic", "--hermetic-fs-readonly", "--hermetic-allow-write", "given", "test_it.py")
    suite.run(*words).assert_outcomes(passed=1)


@pytest.mark.parametrize("word", ["-h", "-qh", "--help"])
def test_every_run_shows_what_there_is(suite, word):
    shown = suite.run(word).stdout.str()
    assert "--hermetic-allow-domain=DOMAIN" in shown and "hermetic_allow_domains (linelist)" in shown
    shown = suite.run("--markers").stdout.str()
    assert "@pytest.mark.hermetic(*profiles, policy=None" in shown
    suite.write(test_it="")
    assert "hermetic -- " in suite.run("--fixtures").stdout.str()


def test_a_conftest_may_look_at_an_option_that_no_run_asked_for(suite):
    # As docs/how-to/test-with-pytest.md has it.
    suite.pytester.makeconftest(
        "def pytest_configure(config): print('given:', config.getoption('--hermetic', default=None))"
    )
    suite.write(test_it="def test_it(): pass")
    assert "given: None" in suite.run("-s").stdout.str()
    assert "given: ['net-hermetic']" in suite.run("-s", "--hermetic", "net-hermetic").stdout.str()


def test_a_run_in_a_run_has_options_of_its_own(suite):
    suite.write(
        test_it="""
        pytest_plugins = "pytester"
        @pytest.mark.parametrize("words, code", [([], 0), (["--hermetic-no-network"], 1), ([], 0)])
        def test_it(pytester, words, code):
            pytester.makepyfile(test_inner="import socket\\ndef test_inner(): socket.create_connection(('127.0.0.1', %d))" % PORT)
            assert pytester.runpytest_inprocess("-p", "no:randomly", *words).ret == code
        """
    )
    (suite.path / "conftest.py").write_text("pytest_plugins = 'pytester'")
    result = suite.run("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3)


INNER = """
import socket, pytest

def reach():
    try:
        socket.gethostbyname("blocked.example")
    except Exception:
        pass

def test_plain(): reach()

@pytest.mark.hermetic("net-hermetic")
def test_marker(): reach()

@pytest.mark.hermetic("net-hermetic")
def test_expected(hermetic):
    with hermetic.expect("network"):
        reach()
"""


@pytest.mark.parametrize("words, failed, told", [((), 1, 1), (("--hermetic", "net-hermetic"), 2, 0)])
def test_a_run_in_a_guarded_run_judges_what_it_guards_itself(suite, words, failed, told):
    suite.write(
        test_it=f"""
        INNER = {INNER!r}
        def test_it(pytester, hermetic):
            pytester.makepyfile(test_inner=INNER)
            result = pytester.runpytest_inprocess("-p", "no:randomly", *{words!r})
            result.assert_outcomes(passed=3 - {failed}, failed={failed})
            # What the inner run does not guard, the outer one does.
            assert len(hermetic.violations) == {told}
            hermetic.violations.clear()
        """
    )
    (suite.path / "conftest.py").write_text("pytest_plugins = 'pytester'")
    suite.run("--hermetic", "net-hermetic", "-p", "no:cacheprovider").assert_outcomes(passed=1)
