"""Beside the plugins that suites use: workers, random order, time limits, coverage, second attempts."""

from __future__ import annotations

import json
import os
import sys
from xml.etree import ElementTree

import pytest

from .suites import verdicts

SUITE = """
import itertools, os
ATTEMPTS = itertools.count()

def quietly():
    try:
        socket.gethostbyname("blocked.example")
    except Exception:
        pass

def test_swallowed():
    quietly()

@pytest.mark.hermetic(off=True, reason="no policy")
def test_off():
    socket.create_connection(("127.0.0.1", PORT)).close()

@pytest.mark.parametrize("n", range(4))
def test_many(n):
    socket.create_connection(("127.0.0.1", PORT)).close()
"""
EXPECTED = {"test_swallowed": "FAILED", "test_off": "PASSED", **{f"test_many[{n}]": "PASSED" for n in range(4)}}


@pytest.mark.parametrize("asked", ["option", "marker"])
def test_violations_of_workers_come_back_whole(suite, asked):
    pytest.importorskip("xdist")
    words = ["--hermetic", "net-hermetic"] if asked == "option" else []
    mark = "" if words else 'pytestmark = pytest.mark.hermetic("net-hermetic")\n'
    suite.write(test_it=mark + SUITE)
    result = suite.run(*words, "-n", "2", "--hermetic-report=report.json" if words else "-q", "-v", plugins=("xdist",))
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        ["test_it.py:*: network disabled: DNS(blocked.example)", "  to allow it: *", "*hermetic: 1 violation *"]
    )
    if words:
        (found,) = json.loads((suite.path / "report.json").read_text())["violations"]
        assert (found["test"], found["target"]) == ("test_it.py::test_swallowed", "blocked.example")


def test_a_baseline_is_gathered_from_workers(suite):
    pytest.importorskip("xdist")
    suite.write(test_it=SUITE)
    words = ("--hermetic", "net-hermetic", "--hermetic-baseline=known.json", "-n", "2")
    suite.run(*words, plugins=("xdist",)).assert_outcomes(passed=6)
    suite.run(*words, plugins=("xdist",)).assert_outcomes(passed=6, warnings=1)


def test_random_order_time_limits_and_coverage(suite):
    for name in ("pytest_randomly", "pytest_timeout", "pytest_cov"):
        pytest.importorskip(name)
    suite.write(test_it=SUITE + "def test_slow():\n    import time\n    quietly()\n    time.sleep(30)\n")
    result = suite.run(
        *("--hermetic", "net-hermetic", "-p", "randomly", "--timeout=2", "--cov=test_it", "--cov-report=json"),
        plugins=("randomly", "timeout", "cov"),
    )
    assert verdicts(result) == {**EXPECTED, "test_slow": "FAILED"}
    result.stdout.fnmatch_lines_random(["*Timeout*", "*2 failed their tests*"])
    # The fixtures and tests are traced as without the plugin.
    covered = json.loads((suite.path / "coverage.json").read_text())["files"]["test_it.py"]["missing_lines"]
    assert len(covered) <= 2, covered


def test_second_attempts_are_judged_by_themselves(suite):
    pytest.importorskip("pytest_rerunfailures")
    suite.write(
        test_it=SUITE
        + """
def test_once():
    if next(ATTEMPTS) == 0:
        quietly()
"""
    )
    result = suite.run("--hermetic", "net-hermetic", "--reruns=1", plugins=("rerunfailures",))
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*test_once RERUN*", "*test_once PASSED*"])


MEASURED = """
import os, subprocess, sys, measured
HERE = os.path.dirname(__file__)

def test_child():
    subprocess.run([sys.executable, os.path.join(HERE, "child.py")], check=True)

@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork():
    pid = os.fork()
    if pid == 0:
        measured.two()
        try:
            open(os.path.join(HERE, "written"), "w")
        except PermissionError:
            measured.three()
        os._exit(0)
    os.waitpid(pid, 0)
"""


def measuring(suite, data_file):
    """A suite whose children and forks are measured; returns the lines of the module that nobody ran."""
    suite.write(test_it=MEASURED)
    (suite.path / "measured.py").write_text("".join(f"def {name}():\n    pass\n" for name in ("one", "two", "three")))
    (suite.path / "child.py").write_text("import measured\nmeasured.one()\n")
    (suite.path / ".coveragerc").write_text(f"[run]\npatch = subprocess, _exit\nparallel = true\n{data_file}\n")

    def missing(*words):
        result = suite.run(
            *(*words, "--cov=measured", "--cov-config=.coveragerc", "--cov-report=json"),
            plugins=("cov",),
        )
        data = json.loads((suite.path / "coverage.json").read_text())["files"]["measured.py"]
        return verdicts(result), data["missing_lines"]

    return missing


def test_coverage_of_children_and_forks_under_a_profile_that_leaves_files_alone(suite):
    pytest.importorskip("pytest_cov")
    missing = measuring(suite, "")
    assert missing("--hermetic", "net-hermetic") == ({"test_child": "PASSED", "test_fork": "PASSED"}, [6])


def test_coverage_of_forks_is_pytests_and_that_of_children_needs_a_folder(suite):
    pytest.importorskip("pytest_cov")
    missing = measuring(suite, "")
    # The fork wrote a file of its own as well, so it fails; what coverage writes there is let through.
    assert missing("--hermetic", "fs-readonly") == ({"test_child": "FAILED", "test_fork": "FAILED"}, [2])
    # As docs/how-to/test-with-pytest.md has it.
    (suite.path / "covered").mkdir()
    missing = measuring(suite, "data_file = covered/data")
    words = ("--hermetic", "fs-readonly", "--hermetic-allow-write", "covered")
    assert missing(*words) == ({"test_child": "PASSED", "test_fork": "FAILED"}, [])


TOGETHER = """
import asyncio, itertools, os, subprocess, sys, threading
import anyio
ATTEMPTS = itertools.count()

@pytest.fixture(scope="session")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "it"
    path.write_text("kept")
    return path

@pytest.fixture
def anyio_backend():
    return BACKEND

@pytest.mark.anyio
async def test_of_anyio(data):
    assert await anyio.to_thread.run_sync(data.read_text) == "kept"
    await anyio.sleep(0)

@pytest.mark.asyncio
async def test_of_asyncio(data):
    assert await asyncio.to_thread(data.read_text) == "kept"
    await asyncio.sleep(0)

def test_thread_and_files(tmp_path, monkeypatch, caplog, capsys):
    thread = threading.Thread(target=(tmp_path / "written").write_text, args=("here",))
    thread.start()
    thread.join()
    assert (tmp_path / "written").read_text() == "here"
    monkeypatch.setattr(os, "sep", os.sep)
    print("shown")
    assert capsys.readouterr().out == "shown\\n"

def test_second_attempt():
    assert next(ATTEMPTS)

@pytest.mark.parametrize("n", range(4))
def test_many(n):
    assert n < 4

def test_violation():
    try:
        socket.create_connection(("127.0.0.1", PORT)).close()
    except Exception:
        pass

@pytest.mark.hermetic(block_subprocess=False)
def test_child():
    subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "child.py")], check=True)
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_all_of_them_together_under_block_all(suite, backend):
    plugins = ("xdist", "asyncio", "anyio", "randomly", "timeout", "cov", "rerunfailures")
    for name in (f"pytest_{plugin}" for plugin in plugins if plugin not in ("xdist", "anyio")):
        pytest.importorskip(name)
    for name in ("xdist", "anyio", backend):
        pytest.importorskip(name)
    (suite.path / "child.py").write_text("print(1)\n")
    suite.write(test_it=f"BACKEND = {backend!r}\n" + TOGETHER)
    suite.ini("asyncio_default_fixture_loop_scope = function")
    result = suite.run(
        *("--hermetic", "block-all", "-n", "2", "--timeout=60", "--reruns=1"),
        *("--cov=test_it", "--cov-report=json", "--junit-xml=junit.xml", "--hermetic-report=report.json"),
        plugins=plugins,
    )
    (found,) = {(v["test"], v["guard"]) for v in json.loads((suite.path / "report.json").read_text())["violations"]}
    assert found == ("test_it.py::test_violation", "network")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (9, 1, 2)
    cases = ElementTree.parse(suite.path / "junit.xml").getroot().iter("testcase")
    failed = {case.get("name") for case in cases if case.find("failure") is not None}
    assert failed == {"test_violation"}
    assert json.loads((suite.path / "coverage.json").read_text())["files"]["test_it.py"]["missing_lines"] == []


def test_threads_are_measured_under_block_all_and_traced_by_nobody_else(suite, monkeypatch):
    pytest.importorskip("pytest_cov")
    monkeypatch.setenv("COVERAGE_CORE", "ctrace")  # since 3.14 it measures without a tracer
    suite.write(
        test_it="""
        import sys, threading

        def run(function):
            found = []
            thread = threading.Thread(target=lambda: found.append(function()))
            thread.start()
            thread.join()
            return found

        def measured():
            return 1

        def test_thread():
            assert run(measured) == [1]

        def test_own_tracer():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(threading, "excepthook", lambda args: None)
                patch.setattr(threading, "_trace_hook", lambda *a: None)
                run(measured)

        def test_traces_by_itself():
            sys.settrace(None)
        """
    )
    result = suite.run("--hermetic", "block-all", "--cov=test_it", "--cov-report=json", plugins=("cov",))
    assert verdicts(result) == {"test_thread": "PASSED", "test_own_tracer": "FAILED", "test_traces_by_itself": "FAILED"}
    missing = json.loads((suite.path / "coverage.json").read_text())["files"]["test_it.py"]["missing_lines"]
    lines = (suite.path / "test_it.py").read_text().splitlines()
    assert "    return 1" not in [lines[number - 1] for number in missing]


# As freezegun does it: every module that has one of these functions gets another in its place. Python files of the
# program's own making are told from others by the time.
STOPPED = """
import os, subprocess, sys, time

@pytest.fixture(params=[1_300_000_000, 2_200_000_000])
def stopped(request):
    fakes = {time.time: lambda: float(request.param), time.time_ns: lambda: request.param * 10**9}
    with pytest.MonkeyPatch.context() as patch:
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if type(value) is type(len) and value in fakes:
                    patch.setattr(module, name, fakes[value])
        yield request.param

def test_child(stopped):
    assert time.time() == stopped
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_program_of_its_own_held(stopped, hermetic, tmp_path):
    import shutil
    library = tmp_path / "home" / "lib" / ("python%d.%d" % sys.version_info[:2])
    (library / "encodings").mkdir(parents=True)
    (library / "os.py").write_text("")
    (library / "encodings" / "__init__.py").write_text("import posix; posix.write(1, b'mine')")
    (tmp_path / "own" / "bin").mkdir(parents=True)
    python = shutil.copy(os.path.realpath(sys.executable), tmp_path / "own" / "bin" / "python")
    (tmp_path / "own" / "pyvenv.cfg").write_text(f"home = {tmp_path / 'home' / 'bin'}")
    with hermetic.expect("subprocess"):
        subprocess.run([python, "-c", ""], check=False)
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="where CPython looks on Linux, and the clock by which it stamps files"
)
def test_a_test_that_stops_time_starts_children_as_any_other(suite):
    suite.write(test_it=STOPPED)
    # A policy that is lifted between set-up and call begins anew while time stands still.
    suite.run("--hermetic=fs-readonly").assert_outcomes(passed=4)


RESOLVERS = """
from unittest import mock

def answer(host, port, *more):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", PORT))]

def test_mock():
    with mock.patch("socket.getaddrinfo", return_value=answer(None, None)):
        socket.create_connection(("mocked.example", 80)).close()

def test_attribute(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    socket.create_connection(address=("mocked.example", 80)).close()

@pytest.fixture
def resolver(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answer)

def test_fixture(resolver):
    socket.create_connection(("mocked.example", 80)).close()

def test_elsewhere_held(monkeypatch, hermetic):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *question: [(2, 1, 6, "", ("192.0.2.1", 80))])
    with hermetic.expect("network") as found:
        socket.create_connection(("mocked.example", 80), 1)
    assert str(found[0]) == "network disabled: connect(192.0.2.1)"

def test_genuine_held(monkeypatch, hermetic):
    genuine = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *question: genuine(*question))
    with hermetic.expect("network") as found:
        socket.create_connection(("asked.example", 80), 1)
    assert str(found[0]) == "network disabled: DNS(asked.example)"

def test_undone_held(hermetic):
    with hermetic.expect("network") as found:
        socket.create_connection(("asked.example", 80), 1)
    assert str(found[0]) == "network disabled: create_connection(asked.example)"
"""


@pytest.mark.parametrize("profile", ["net-hermetic", "block-all"])
def test_a_name_that_a_test_answers_itself_is_no_question(suite, profile):
    suite.write(test_it=RESOLVERS)
    suite.run("--hermetic", profile, "--hermetic-allow-localhost").assert_outcomes(passed=6)


SOCKETS = """
from unittest import mock

@mock.patch("socket.socket")
def test_mock(made):
    assert socket.create_connection(("192.0.2.1", 80)) is made.return_value
    made.return_value.connect.assert_called_once_with(("192.0.2.1", 80))

@mock.patch("socket.socket", autospec=True)
def test_like_a_socket(made):
    socket.create_connection(("2001:db8::1", 80), 1, ("127.0.0.1", 0))

class Fake:
    def __init__(self, *of): pass
    def connect(self, address): self.to = address

def test_class(monkeypatch):
    monkeypatch.setattr(socket, "socket", Fake)
    assert socket.create_connection(("192.0.2.1", 80)).to == ("192.0.2.1", 80)

class Real(Fake):
    genuine = socket.socket
    def connect(self, address):
        self.genuine(socket.AF_INET, socket.SOCK_STREAM).connect(address)

def test_hidden_held(monkeypatch, hermetic):
    monkeypatch.setattr(socket, "socket", Real)
    with hermetic.expect("network") as found:
        socket.create_connection(("192.0.2.1", 80))
    assert str(found[0]) == "network disabled: connect(192.0.2.1)"

class Own(socket.socket):
    pass

def test_derived_held(monkeypatch, hermetic):
    monkeypatch.setattr(socket, "socket", Own)
    with hermetic.expect("network") as found:
        socket.create_connection(("192.0.2.1", 80), 1)
    assert str(found[0]) == "network disabled: create_connection(192.0.2.1)"

@mock.patch("socket.socket")
def test_name_held(made, hermetic):
    with hermetic.expect("network") as found:
        socket.create_connection(("asked.example", 80), 1)
    assert str(found[0]) == "network disabled: create_connection(asked.example)"

def test_undone_held(hermetic):
    with hermetic.expect("network") as found:
        socket.create_connection(("192.0.2.1", 80), 1)
    assert str(found[0]) == "network disabled: create_connection(192.0.2.1)"
"""


@pytest.mark.parametrize("profile", ["net-hermetic", "block-all"])
def test_a_mock_in_the_place_of_sockets_connects_to_nobody(suite, profile):
    suite.write(test_it=SOCKETS)
    suite.run("--hermetic", profile).assert_outcomes(passed=7)


# As gevent does it: functions and a class of its own in the module's place, which ask C's in another thread.
GREEN = """
import _socket, socket, threading
from concurrent.futures import ThreadPoolExecutor

class green:
    def __init__(self, family=-1, kind=-1, proto=-1, fileno=None):
        self._sock = genuine(family, kind, proto, fileno)
    def __getattr__(self, name):
        return getattr(self._sock, name)
    def bind(self, address):
        return self._sock.bind(address)
    def listen(self, *more):
        return self._sock.listen(*more)
    def connect(self, address):
        return self._sock.connect(address)
    def setsockopt(self, *more):
        return self._sock.setsockopt(*more)

def asked(name):
    def ask(*question):
        assert threading.active_count() < 9, "a question that asks itself"
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(getattr(_socket, name), *question).result()
    return ask

genuine = socket.socket
socket.socket = green
for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
    setattr(socket, name, asked(name))
"""
GREEN_TESTS = """
import _socket

def test_local():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    client.close()
    listener.close()

@pytest.mark.hermetic(allow_hosts=["127.0.0.1"], allow_localhost=False)
def test_allowed():
    socket.create_connection(("127.0.0.1", PORT)).close()

def test_questions():
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert socket.getnameinfo(("127.0.0.1", 80), 3) == ("127.0.0.1", "80")

def test_address_held(hermetic):
    with hermetic.expect("network") as found:
        socket.create_connection(("192.0.2.1", 80))
    assert str(found[0]) == "network disabled: connect(192.0.2.1)"

@pytest.mark.parametrize("home", [socket, _socket], ids=["module", "C"])
@pytest.mark.parametrize("name", ["gethostbyname", "gethostbyname_ex", "gethostbyaddr"])
def test_questions_held(hermetic, home, name):
    with hermetic.expect("network"):
        getattr(home, name)("asked.example")
"""


@pytest.mark.parametrize("profile", ["net-hermetic", "block-all"])
def test_sockets_that_are_the_suites_own_from_before(suite, profile):
    (suite.path / "conftest.py").write_text(GREEN)
    suite.write(test_it=GREEN_TESTS)
    suite.run("--hermetic", profile, "--hermetic-allow-localhost").assert_outcomes(passed=10)


GIVEN = """
import sys, types
from hypothesis import database, given, settings, strategies as st

@given(st.text(st.characters(categories=["Lu"])))
def test_passes(text):
    assert text == text

@given(st.integers())
def test_fails(number):
    assert number < 50

def test_a_database_elsewhere_held():
    kept = database.GitHubArtifactDatabase("nobody", "nothing")
    try:
        list(kept.fetch(b"key"))
    except Exception:
        pass

@given(st.integers())
@settings(max_examples=1)
def test_own_file_held(number):
    open("written", "w")

def test_in_its_name_held(monkeypatch):
    stand_in = types.ModuleType("hypothesis")
    stand_in.__file__ = __file__
    monkeypatch.setitem(sys.modules, "hypothesis", stand_in)
    open("written in its name", "w")
"""


def test_hypothesis_keeps_its_examples(suite):
    pytest.importorskip("hypothesis")
    suite.write(test_it=GIVEN)
    result = suite.run("--hermetic", "fs-readonly", "--hermetic-no-network")
    assert verdicts(result) == {
        "test_passes": "PASSED",
        "test_fails": "FAILED",
        "test_a_database_elsewhere_held": "FAILED",
        "test_own_file_held": "FAILED",
        "test_in_its_name_held": "FAILED",
    }
    result.stdout.fnmatch_lines(["*AssertionError*", "*network disabled*", "*filesystem readonly: *written*"])
    assert not list(suite.path.glob("written*"))
    assert list((suite.path / ".hypothesis" / "examples").iterdir())


# As pytest-forked does it, of which not every version works with every pytest.
FORKING = """
import os, pickle, pytest
from _pytest.runner import runtestprotocol

def pytest_configure(config):
    config.addinivalue_line("markers", "forked: run in a fork")

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if not item.get_closest_marker("forked"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        to_data = item.config.hook.pytest_report_to_serializable
        reports = [to_data(config=item.config, report=one) for one in runtestprotocol(item, log=False)]
        with open(told, "wb") as file:
            pickle.dump(reports, file)
        os._exit(0)
    os.close(told)
    with open(heard, "rb") as file:
        reports = pickle.load(file)
    os.waitpid(pid, 0)
    for data in reports:
        report = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
        item.ihook.pytest_runtest_logreport(report=report)
    item.session._setupstate.teardown_exact(nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
FORKED = """
def quietly(host):
    try:
        socket.gethostbyname(host)
    except Exception:
        pass

def test_here():
    quietly("here.example")

@pytest.mark.forked
def test_in_a_fork():
    quietly("fork.example")

@pytest.mark.forked
def test_fine():
    pass
"""
FORKED_CHILD = """
import subprocess, sys

@pytest.mark.forked
def test_child():
    code = "import socket\\ntry: socket.gethostbyname('child.example')\\nexcept RuntimeError: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_forks_that_run_tests_tell_what_they_were_refused(suite):
    suite.pytester.makeconftest(FORKING)
    suite.write(test_it=FORKED)
    result = suite.run("--hermetic", "net-hermetic", "--hermetic-report=report.json")
    assert verdicts(result) == {"test_here": "FAILED", "test_in_a_fork": "FAILED", "test_fine": "PASSED"}
    result.stdout.fnmatch_lines(["*: network disabled: DNS(fork.example)", "*hermetic: 2 violations*"])
    found = json.loads((suite.path / "report.json").read_text())["violations"]
    assert [(v["test"], v["target"]) for v in found] == [
        ("test_it.py::test_here", "here.example"),
        ("test_it.py::test_in_a_fork", "fork.example"),
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_children_of_a_fork_that_runs_a_test_fail_the_run(suite):
    suite.pytester.makeconftest(FORKING)
    suite.write(test_it=FORKED_CHILD)
    result = suite.run("--hermetic", "net-hermetic")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*hermetic: 1 violation *", "     1  test_it.py::test_child", "     1  network child.example"]
    )


UNHELD = """
import subprocess, sys

def test_program(capfd):
    subprocess.run(["true"], check=True)
    assert capfd.readouterr().err == ""

def test_program_of_a_child():
    code = "import subprocess; subprocess.run(['true'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stderr == b""
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")
@pytest.mark.parametrize("words", [(), ("-n1",)])
def test_of_an_unheld_child_the_run_speaks_and_no_test(suite, words):
    if words:
        pytest.importorskip("xdist")
    suite.write(test_it=UNHELD)
    result = suite.run("--hermetic", "net-hermetic", *words, plugins=("xdist",))
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count("true is not a Python program") == 1
    assert "not a Python" not in result.stderr.str()
