"""What a violation does to its test, and how it is told: text, warnings, baseline, summary, report."""

from __future__ import annotations

import json

import pytest

from _hermetic.capabilities.filesystem.places import TEMPORARY
from hermetic.integrations.pytest_text import remedy

from .suites import verdicts

FAILING = """
def reach(host="blocked.example"):
    socket.gethostbyname(host)

def quietly():
    try:
        reach()
    except Exception:
        pass

def test_propagates():
    reach()

def test_swallowed():
    quietly()

def test_swallowed_and_skipped():
    quietly()
    pytest.skip("no network here")

def test_swallowed_and_failed():
    quietly()
    assert 1 == 2, "its own reason"

def test_in_a_thread():
    import threading
    thread = threading.Thread(target=quietly)
    thread.start()
    thread.join()

def test_in_a_child():
    import subprocess, sys
    code = "import socket\\ntry: socket.gethostbyname('child.example')\\nexcept RuntimeError: pass"
    subprocess.run([sys.executable, "-c", code], check=True)

def test_in_a_fork():
    import os
    pid = os.fork()
    if pid == 0:
        quietly()
        os._exit(0)
    os.waitpid(pid, 0)

import unittest

class TestUnittest(unittest.TestCase):
    def test_swallowed_in_a_case(self):
        quietly()

    def test_propagates_in_a_case(self):
        reach()

    def test_swallowed_in_a_case_and_skipped(self):
        quietly()
        self.skipTest("no network here")

class TestSkippedByItsClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        quietly()
        raise unittest.SkipTest("no network here")

    def test_swallowed_in_a_class(self):
        pass

def test_swallowed_and_skipped_by_unittest():
    quietly()
    raise unittest.SkipTest("no network here")

def test_expected(hermetic):
    with hermetic.expect("network") as found:
        reach()
    with hermetic.expect() as swallowed:
        quietly()
    assert [v.target for v in (*found, *swallowed)] == ["blocked.example"] * 2

def test_expected_in_vain(hermetic):
    with hermetic.expect("network"):
        pass

def test_taken_off_the_list(hermetic):
    quietly()
    assert [str(v) for v in hermetic.violations] == ["network disabled: DNS(blocked.example)"]
    hermetic.violations.clear()

def test_fine():
    pass
"""


def test_a_violation_fails_its_test(suite):
    suite.write(test_it=FAILING)
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-report", "report.json")
    assert verdicts(result) == {
        "test_propagates": "FAILED",
        "test_swallowed": "FAILED",
        "test_swallowed_and_skipped": "FAILED",
        "test_swallowed_and_failed": "FAILED",
        "test_in_a_thread": "FAILED",
        "test_in_a_child": "FAILED",
        "test_in_a_fork": "FAILED",
        "TestUnittest::test_swallowed_in_a_case": "FAILED",
        "TestUnittest::test_propagates_in_a_case": "FAILED",
        "TestUnittest::test_swallowed_in_a_case_and_skipped": "FAILED",
        "TestSkippedByItsClass::test_swallowed_in_a_class": "ERROR",
        "test_swallowed_and_skipped_by_unittest": "FAILED",
        "test_expected": "PASSED",
        "test_expected_in_vain": "FAILED",
        "test_taken_off_the_list": "PASSED",
        "test_fine": "PASSED",
    }
    text = result.stdout.str()
    # The test's own line comes first, then the message, the rule, the place, and the remedy as a test has it.
    result.stdout.fnmatch_lines(
        [
            "*_ test_propagates _*",
            "test_it.py:14: network disabled: DNS(blocked.example)",
            "    reach()",
            ">       reach()",
            "E       *PolicyViolation: network disabled: DNS(blocked.example)",
            "*_ test_swallowed _*",
            "test_it.py:17: network disabled: DNS(blocked.example)",
            "    quietly()",
            "  blocked by: no-network (--hermetic net-hermetic)",
            "  where: test_it.py, line 5, in reach",
            "  to allow it: @pytest.mark.hermetic(allow_domains=['blocked.example'])",
            "*_ test_swallowed_and_skipped _*",
            "test_it.py:20: network disabled: DNS(blocked.example)",
            "*_ test_swallowed_and_failed _*",
            "test_it.py:24: network disabled: DNS(blocked.example)",
            "  to allow it: *",
            "*AssertionError: its own reason",
            "*_ test_in_a_child _*",
            "test_it.py:33: network disabled: DNS(child.example)",
            "*= hermetic: 12 violations =*",
            "12 failed their tests",
            "by test:",
            "by package:",
            "    12  the project's own",
            "by target:",
            "    11  network blocked.example",
            "     1  network child.example",
        ]
    )
    # None of hermetic's own frames is shown.
    assert "_hermetic/" not in text
    data = json.loads((suite.path / "report.json").read_text())
    assert data["version"] == 1
    assert [v["test"].partition("::")[2] for v in data["violations"]][:2] == ["test_propagates", "test_swallowed"]
    assert data["violations"][1] == {
        "call": "socket.gethostbyname",
        "guard": "network",
        "line": {"file": "test_it.py", "line": 17},
        "message": "network disabled: DNS(blocked.example)",
        "package": "the project's own",
        "place": {"file": "test_it.py", "function": "reach", "line": 5},
        "reason": "no-network",
        "remedy": "@pytest.mark.hermetic(allow_domains=['blocked.example'])",
        "stable": "network disabled: DNS(blocked.example)",
        "target": "blocked.example",
        "test": "test_it.py::test_swallowed",
        "verdict": "failed",
        "when": "call",
    }


RECORDED = """
import os, subprocess, sys

def test_known():
    open("written", "w").close()
    os.mkdir(os.path.join(os.path.dirname(__file__), "made"))

def test_known_in_the_temporary_folder(tmp_path):
    (tmp_path.parent.parent / "beside").write_text("x")

def test_fine():
    pass
"""
NEW = """
def test_new():
    open("other", "w").close()
"""


def test_warn_lets_acts_happen_and_warns_once_for_each(suite):
    suite.write(test_it=RECORDED)
    result = suite.run("--hermetic", "fs-readonly", "--hermetic-mode=warn", "-W", "error", "--basetemp=t")
    result.assert_outcomes(passed=3, warnings=3)
    assert (suite.path / "written").exists()
    result.stdout.fnmatch_lines(
        ["*HermeticWarning: test_it.py:*: filesystem*", "*hermetic: 3 violations*", "3 warned of"]
    )
    assert "would block" not in result.stderr.str() + result.stdout.str()


def test_a_marker_may_report_only(suite):
    suite.write(
        test_it="""
        @pytest.mark.hermetic(report_only=True)
        def test_it():
            open("written", "w").close()
        """
    )
    suite.run("--hermetic", "fs-readonly").assert_outcomes(passed=1, warnings=1)


def test_a_baseline_fails_new_violations_alone(suite):
    suite.write(test_it=RECORDED)
    words = ("--hermetic", "fs-readonly", "--hermetic-baseline", "known.json")
    first = suite.run(*words, "--basetemp=t1")
    first.assert_outcomes(passed=3)
    first.stdout.fnmatch_lines(["hermetic: 3 violations recorded in *known.json", "*hermetic: 3 violations*"])
    known = json.loads((suite.path / "known.json").read_text())["violations"]
    # Without what differs from run to run.
    assert known["test_it.py::test_known"] == [
        ["filesystem", "filesystem readonly: written"],
        ["filesystem", "filesystem mutation disabled: os.mkdir(made)"],
    ]
    for name in ("written", "made"):
        path = suite.path / name
        path.rmdir() if path.is_dir() else path.unlink()
    suite.write(test_it=RECORDED + NEW)
    second = suite.run(*words, "--basetemp=t1")
    assert verdicts(second)["test_new"] == "FAILED"
    second.assert_outcomes(passed=3, failed=1, warnings=3)
    assert (suite.path / "written").exists(), "what is known happens"
    assert not (suite.path / "other").exists(), "what is new is blocked"
    second.stdout.fnmatch_lines(["1 failed their tests, 3 known to the baseline"])
    # Of what is known there is the message alone.
    second.stdout.fnmatch_lines(["by target:", "     1  filesystem *made*"])
    # The baseline is not written again.
    assert json.loads((suite.path / "known.json").read_text())["violations"] == known


def test_a_file_that_is_no_baseline_is_a_usage_error(suite):
    suite.write(test_it="def test_it(): pass")
    (suite.path / "known.json").write_text("[]")
    result = suite.run("--hermetic", "fs-readonly", "--hermetic-baseline", "known.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "is no baseline" in result.stderr.str()


def test_a_trace_goes_to_the_stderr_of_the_start(suite):
    suite.write(
        test_it="""
        def test_it(hermetic):
            with hermetic.expect("network"):
                socket.gethostbyname("blocked.example")
        """
    )
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-trace")
    result.assert_outcomes(passed=1)
    assert "[hermetic] blocked socket.gethostbyname host=blocked.example reason=no-network" in result.stderr.lines


def test_a_doctest_is_told_of_options_because_it_can_have_no_marker(suite):
    suite.write(
        module="""
        def f():
            '''
            >>> import socket
            >>> socket.gethostbyname("blocked.example")
            '''

        def g():
            '''
            >>> open("made", "w")
            '''
    """
    )
    words = ("--doctest-modules", "module.py", "--hermetic", "net-hermetic", "--hermetic-fs-readonly")
    result = suite.run(*words, "--hermetic-report=report.json")
    result.assert_outcomes(failed=2)
    remedies = [v["remedy"] for v in json.loads((suite.path / "report.json").read_text())["violations"]]
    assert remedies[0].startswith("--hermetic-allow-domain blocked.example")
    assert remedies[1].startswith("--hermetic-allow-write ")
    assert "@pytest.mark" not in result.stdout.str()
    again = suite.run(*words, *(word for remedy in remedies for word in remedy.split(", or ")[0].split()))
    again.assert_outcomes(failed=2)
    assert "blocked" not in again.stdout.str().replace("blocked.example", "")


SUBTESTS = """
def reach():
    socket.gethostbyname("blocked.example")

import unittest

class TestUnittest(unittest.TestCase):
    def test_raised_in_a_case(self):
        for i in range(3):
            with self.subTest(i=i):
                reach()

    def test_swallowed_in_a_case(self):
        for i in range(2):
            with self.subTest(i=i):
                try:
                    reach()
                except Exception:
                    pass
"""


def test_subtests_are_each_told_of_their_own(suite):
    suite.write(test_it=SUBTESTS)
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-report=report.json")
    text = result.stdout.str()
    found = json.loads((suite.path / "report.json").read_text())["violations"]
    assert [v["test"].rpartition("::")[2] for v in found] == ["test_raised_in_a_case"] * 3 + [
        "test_swallowed_in_a_case"
    ] * 2
    assert "_hermetic/enforce" not in text and "raise refusal" not in text
    result.stdout.fnmatch_lines(["FAILED*test_swallowed_in_a_case*network disabled: DNS(blocked.example)"])


def test_a_swallowed_violation_is_listed_at_the_line_of_its_test(suite):
    suite.write(test_it="def test_it():\n    try: socket.gethostbyname('blocked.example')\n    except Exception: pass")
    result = suite.run("--hermetic", "net-hermetic", "--tb=line", "--junitxml=out.xml")
    result.stdout.fnmatch_lines(["*/test_it.py:4: network disabled: DNS(blocked.example)"])
    assert "pytest_runs.py" not in result.stdout.str()
    assert 'message="network disabled: DNS(blocked.example)"' in (suite.path / "out.xml").read_text()


def test_the_folder_of_a_report_is_made_before_the_tests(suite):
    suite.write(test_it="def test_it(): pass")
    words = ("--hermetic", "net-hermetic")
    suite.run(*words, "--hermetic-report=made/report.json").assert_outcomes(passed=1)
    assert json.loads((suite.path / "made" / "report.json").read_text())["violations"] == []
    result = suite.run(*words, "--hermetic-report=test_it.py/report.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "passed" not in result.stdout.str(), "found out too late"


def test_a_remedy_names_values_and_says_when_they_serve():
    assert remedy("--allow-host 127.0.0.1:53, where a resolver answers", "no-network", True) == (
        "@pytest.mark.hermetic(allow_hosts=['127.0.0.1:53']), where a resolver answers"
    )
    assert remedy("--allow-unix-socket /a, or --allow-localhost for a socket of this run", "no-network", True) == (
        "@pytest.mark.hermetic(allow_unix_sockets=['/a']), or @pytest.mark.hermetic(allow_localhost=True) for a socket of this run"
    )
    assert remedy(TEMPORARY, "fs-readonly", True) == TEMPORARY.replace(
        "--private-tmp", "@pytest.mark.hermetic(private_tmp=True)"
    )
    lifts = "PYTHONPATH, if it serves, or running without --no-interpreter-mutation"
    lifted = "@pytest.mark.hermetic(block_interpreter_mutation=False)"
    assert remedy(lifts, "no-interpreter-mutation", True) == f"PYTHONPATH, if it serves; or {lifted}"
    assert remedy(lifts, "no-interpreter-mutation", False) == lifts.replace("--no-", "--hermetic-no-")
    assert remedy("--allow-write /a, b", "fs-readonly", True) == "@pytest.mark.hermetic(allow_write=['/a, b'])"


def test_what_a_test_takes_away_by_its_fixture_is_told_with_that(suite):
    suite.write(
        test_it="""
        import subprocess

        def test_block(hermetic):
            hermetic.block(block_subprocess=True)
            hermetic.block(block_environment=True)
            subprocess.run(["true"])

        def test_after():
            socket.gethostbyname("blocked.example")
        """
    )
    result = suite.run("--hermetic", "net-hermetic", "-p", "no:randomly")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*blocked by: no-subprocess (hermetic.block())",
            "*blocked by: no-network (--hermetic net-hermetic)",
        ]
    )


NO_MARKER = """
def test_blocks(hermetic):
    hermetic.block(block_network=True)
    socket.gethostbyname("x.org")
def test_plain():
    socket.gethostbyname("x.org")
"""


def test_no_marker_is_told_where_none_gives_back(suite):
    suite.write(test_it=NO_MARKER)
    inside = "hermetic.block(allow_domains=['x.org'])"
    said = suite.run("-k", "blocks").stdout.str()
    assert f"to allow it: {inside}" in said
    said = suite.run("-k", "blocks", "--hermetic", "net-hermetic").stdout.str()
    assert f"to allow it: @pytest.mark.hermetic(allow_domains=['x.org']) and {inside}" in said
    said = suite.run("-k", "plain", "--hermetic", "net-hermetic", "--hermetic-strict").stdout.str()
    assert "to allow it: --hermetic-allow-domain x.org\n" in said


DECORATED = """
import functools, unittest
from unittest import mock

def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

@mock.patch("os.getcwd")
def test_patched(getcwd):
    socket.gethostbyname("patched.example")

@decorated
@mock.patch.dict("os.environ", {})
def test_twice():
    socket.gethostbyname("twice.example")

@mock.patch("os.getcwd")
class TestMethods(unittest.TestCase):
    def test_case(self, getcwd):
        try:
            socket.gethostbyname("case.example")
        except Exception:
            pass

@mock.patch("os.getcwd", side_effect=lambda: socket.gethostbyname("outside.example"))
@decorated
def test_outside(getcwd):
    getcwd()
"""


def test_a_decorated_test_is_told_by_its_own_line(suite):
    suite.write(test_it=DECORATED)
    result = suite.run("--hermetic=net-hermetic", "--hermetic-report=report.json")
    result.assert_outcomes(failed=4)
    lines = (suite.path / "test_it.py").read_text().splitlines()
    found = json.loads((suite.path / "report.json").read_text())["violations"]
    assert [f["line"]["file"] for f in found] == ["test_it.py"] * 4
    assert lines[found[3]["line"]["line"] - 1] == "    getcwd()"
    for f in found[:3]:
        assert f["target"] in lines[f["line"]["line"] - 1]


SHARED = """
import os, tempfile

def quietly(name):
    try:
        socket.gethostbyname(f"{name}.example")
    except Exception:
        pass

@pytest.fixture(scope="session")
def session():
    quietly("session")
    yield
    quietly("session-end")

@pytest.fixture(scope="module")
def module(session):
    quietly("module")
    yield
    quietly("module-end")

def test_one(module):
    pass

def test_two(module):
    pass

class TestClass:
    @classmethod
    def setup_class(cls):
        quietly("class")

    def test_three(self):
        pass

    def test_four(self, request):
        request.getfixturevalue("module")

def test_joined():
    with tempfile.TemporaryDirectory(prefix="h", suffix="x") as folder, socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(folder + "/socket")
        except Exception:
            pass

def test_temporary():
    folder = tempfile.mkdtemp(prefix="made-")
    tempfile.NamedTemporaryFile(dir=folder).close()
    os.rmdir(folder)
"""


NAMED = ("test_it.py::test_joined", "test_it.py::test_temporary")


def test_a_baseline_does_not_depend_on_order_and_chosen_names(suite):
    pytest.importorskip("xdist")
    suite.write(test_it=SHARED)
    words = ("--hermetic=net-hermetic", "--hermetic-fs-readonly")
    suite.run(*words, "--hermetic-baseline=one.json").assert_outcomes(passed=6)
    suite.run(*words, "--hermetic-baseline=two.json", "-n2", plugins=("xdist",)).assert_outcomes(passed=6)
    one = (suite.path / "one.json").read_text()
    assert (suite.path / "two.json").read_text() == one
    assert set(json.loads(one)["violations"]) == {
        "session",
        "test_it.py",
        "test_it.py::TestClass",
        "test_it.py::test_joined",
        "test_it.py::test_temporary",
    }
    for chosen in ("test_it.py::test_two", "test_it.py::TestClass::test_four", *NAMED):
        result = suite.run(*words, "--hermetic-baseline=one.json", chosen)
        result.assert_outcomes(passed=1, warnings=result.parseoutcomes()["warnings"])
    # Known in a shared fixture is not known in a test.
    suite.write(test_it=SHARED + "    quietly('session')\n")
    result = suite.run(*words, "--hermetic-baseline=one.json")
    assert [name for name, verdict in verdicts(result).items() if verdict != "PASSED"] == ["test_temporary"]


ENDED = """
import json, os
WAY = os.environ["WAY"]

def quietly():
    try:
        socket.gethostbyname("blocked.example")
    except Exception:
        pass

@pytest.fixture
def torn_down():
    yield
    if WAY == "tear-down":
        quietly()

def end():
    if WAY == "exit":
        pytest.exit("enough")
    raise KeyboardInterrupt

def test_ends(torn_down):
    quietly()
    end()

def test_more(): pass
"""


@pytest.mark.parametrize("way, number", [("keyboard", 1), ("exit", 1), ("tear-down", 2)])
def test_a_test_that_the_run_was_ended_in_is_in_the_summary(suite, way, number, monkeypatch):
    monkeypatch.setenv("WAY", way)
    suite.write(test_it=ENDED)
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-report=report.json")
    found = json.loads((suite.path / "report.json").read_text())["violations"]
    assert [data["test"] for data in found] == ["test_it.py::test_ends"] * number
    result.stdout.fnmatch_lines(
        [f"*hermetic: {number} violation*", "test_it.py:*: network disabled: DNS(blocked.example)", "  to allow it: *"]
    )
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("words", [(), ("-x",)])
def test_a_run_that_ends_before_its_tests_records_no_baseline(suite, words, monkeypatch):
    monkeypatch.setenv("WAY", "keyboard")
    suite.write(test_it=ENDED if not words else ENDED.replace("raise KeyboardInterrupt", "assert False"))
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-baseline=known.json", *words)
    result.stdout.fnmatch_lines(["hermetic: no baseline is written: the run has ended before its tests"])
    assert not (suite.path / "known.json").exists()


AUTOMATIC = """
import os

def read(name):
    try:
        os.environ[name]
    except Exception:
        pass

@pytest.fixture(scope="session", autouse=True)
def automatic_session(): read("SESSION")

@pytest.fixture(scope="module", autouse=True)
def automatic_module(): read("MODULE")

def teardown_module(): read("MODULE_DOWN")

@pytest.fixture(scope="session")
def wanted(): read("WANTED")

@pytest.fixture(autouse=True)
def automatic(): read("FUNCTION")
MODULE_MARK
CLASS_MARK
class TestIt:
    @classmethod
    def setup_class(cls): read("CLASS")

    TEST_MARK
    def test_it(self, wanted): pass
"""


def test_a_remedy_stands_where_it_serves(suite):
    """Each is followed as it is written."""
    text = {"MODULE_MARK": "", "CLASS_MARK": "", "TEST_MARK": ""}

    def run(*words):
        source = AUTOMATIC
        for name, mark in text.items():
            source = source.replace(f"{name}\n", f"{mark}\n")
        suite.write(test_it=source)
        result = suite.run("--hermetic-no-environment", "--hermetic-report=report.json", *words)
        found = json.loads((suite.path / "report.json").read_text())["violations"]
        return result, {data["target"]: data["remedy"] for data in found}

    _, remedies = run()
    name = "pytest.mark.hermetic(allow_env=[{!r}])".format
    assert remedies == {
        "SESSION": "--hermetic-allow-env SESSION",
        "MODULE": "pytestmark = " + name("MODULE"),
        "MODULE_DOWN": "pytestmark = " + name("MODULE_DOWN"),
        "CLASS": "on the class @" + name("CLASS"),
        "WANTED": "@" + name("WANTED"),
        "FUNCTION": "@" + name("FUNCTION"),
    }
    text["MODULE_MARK"] = f"pytestmark = [{name('MODULE')}, {name('MODULE_DOWN')}]"
    text["CLASS_MARK"] = remedies["CLASS"].removeprefix("on the class ")
    text["TEST_MARK"] = f"{remedies['WANTED']}\n    {remedies['FUNCTION']}"
    result, remedies = run(*remedies["SESSION"].split())
    assert remedies == {}
    result.assert_outcomes(passed=1)


SHARING = """
@pytest.fixture(scope="session")
def shared():
    return 1

def test_narrow(shared):
    socket.gethostbyname("blocked.example")

@pytest.mark.hermetic(allow_domains=["allowed.example"])
def test_wide(shared):
    pass
"""


def test_who_asked_is_told_of_the_test_and_not_of_what_it_shares(suite):
    suite.write(test_it=SHARING)
    result = suite.run("--hermetic", "net-hermetic")
    assert verdicts(result) == {"test_narrow": "FAILED", "test_wide": "PASSED"}
    result.stdout.fnmatch_lines(["*blocked by: no-network (--hermetic net-hermetic)"])


def test_sockets_in_a_baseline(suite):
    suite.write(
        test_it="""
        def test_it(tmp_path):
            with socket.socket(socket.AF_UNIX) as made:
                with pytest.raises(OSError):
                    made.connect(str(tmp_path / "s"))
        """
    )
    words = ("--hermetic-no-network", "--hermetic-baseline=known.json")
    assert verdicts(suite.run(*words)) == {"test_it": "PASSED"}
    (told,) = json.loads((suite.path / "known.json").read_text())["violations"].values()
    assert told == [["network", "network disabled: connect(TMP/test_it0/s)"]]
    assert verdicts(suite.run(*words)) == {"test_it": "PASSED"}


REPEATED = """
def quietly(host):
    try:
        socket.gethostbyname(host)
    except Exception:
        pass

def test_tries_again():
    for _ in range(50):
        quietly("blocked.example")

def test_swallows_one_and_raises_another():
    quietly("first.example")
    socket.gethostbyname("second.example")
"""


def test_what_is_tried_again_is_told_once_with_how_often(suite):
    suite.write(test_it=REPEATED)
    result = suite.run("--hermetic", "net-hermetic", "-k", "again")
    result.stdout.fnmatch_lines(
        [
            "test_it.py:*: network disabled: DNS(blocked.example) (50 times)",
            "    quietly(*",
            "  blocked by: no-network *",
            "  where: *",
            "  to allow it: *blocked.example*",
        ]
    )
    assert result.stdout.str().count("to allow it") == 1
    result.stdout.fnmatch_lines(["*hermetic: 50 violations*", "FAILED *network disabled: DNS(blocked.example)"])


EXPECTING = """
def test_expected(hermetic, tmp_path_factory):
    reached = []
    for _ in range(2):
        with hermetic.expect("network"):
            with hermetic.expect("network"):
                socket.create_connection(("127.0.0.1", PORT))
                reached.append("inner")
            socket.create_connection(("127.0.0.1", PORT))
            reached.append("outer")
    assert not reached
    socket.create_connection(("127.0.0.1", PORT)).close()

def test_left_open(hermetic):
    hermetic.expect("network").__enter__()

def test_after():
    socket.create_connection(("127.0.0.1", PORT)).close()
"""


@pytest.mark.parametrize(
    "words", [["--hermetic-mode=warn"], ["--hermetic-baseline=new.json"], ["--hermetic-report-only"]]
)
def test_what_is_expected_is_blocked_where_nothing_else_is(suite, words):
    suite.write(test_it=EXPECTING)
    result = suite.run("--hermetic-no-network", "--hermetic-report=report.json", *words)
    result.assert_outcomes(passed=3, warnings=result.parseoutcomes().get("warnings", 0))
    found = json.loads((suite.path / "report.json").read_text())["violations"]
    assert {data["test"].partition("::")[2] for data in found} == {"test_expected", "test_after"}


def test_each_violation_of_a_test_is_told_with_its_remedy(suite):
    suite.write(test_it=REPEATED)
    result = suite.run("--hermetic", "net-hermetic", "-k", "another")
    for host in ("first", "second"):
        assert result.stdout.str().count(f"to allow it: @pytest.mark.hermetic(allow_domains=['{host}.example'])") == 1


def test_a_warning_of_what_a_baseline_knows_asks_for_nothing(suite):
    suite.write(test_it=REPEATED)
    words = ("--hermetic", "net-hermetic", "--hermetic-baseline=known.json", "-k", "again")
    suite.run(*words)
    known = suite.run(*words)
    known.assert_outcomes(passed=1, warnings=50, deselected=1)
    assert "to allow it" not in known.stdout.str()
