"""Where a policy holds: phases, fixtures of every scope, threads, children, coroutines; and what it leaves to pytest."""

from __future__ import annotations

import json

import pytest

from .suites import verdicts

PHASES = """
def reach():
    socket.gethostbyname("blocked.example")

@pytest.fixture
def sets_up():
    reach()

@pytest.fixture
def tears_down():
    yield
    reach()

@pytest.fixture(scope="session")
def session_sets_up():
    reach()

@pytest.fixture(scope="module")
def module_sets_up():
    reach()

def test_set_up(sets_up): pass
def test_call(): reach()
def test_tear_down(tears_down): pass
def test_session_set_up(session_sets_up): pass
def test_module_set_up(module_sets_up): pass

class TestClass:
    @classmethod
    def setup_class(cls):
        reach()
    def test_in_class(self): pass

class TestMethod:
    def setup_method(self):
        reach()
    def test_in_method(self): pass

@pytest.fixture(scope="session")
def session_tears_down():
    yield
    reach()

def test_last(session_tears_down): pass
"""


def test_a_policy_holds_in_every_phase_and_scope(suite):
    suite.write(test_it=PHASES)
    result = suite.run("--hermetic", "net-hermetic")
    assert verdicts(result) == {
        "test_set_up": "ERROR",
        "test_call": "FAILED",
        "test_tear_down": "ERROR",
        "test_session_set_up": "ERROR",
        "test_module_set_up": "ERROR",
        "TestClass::test_in_class": "ERROR",
        "TestMethod::test_in_method": "ERROR",
        "test_last": "ERROR",
    }


WIDEST = """
def allowed():
    try:
        socket.gethostbyname("blocked.example")
    except RuntimeError:
        return False
    except OSError:
        pass
    return True

FOUND = {}

@pytest.fixture(scope="session", autouse=True)
def automatic():
    FOUND["automatic"] = allowed()

@pytest.fixture(scope="session")
def deep():
    yield allowed()
    assert allowed(), "torn down under the policy it was set up under"

@pytest.fixture(scope="session")
def shared(deep):
    return deep, allowed()

@pytest.fixture
def own():
    return allowed()

def test_narrow(shared, hermetic):
    assert shared == (True, True)
    with hermetic.expect("network"):
        assert not allowed()

@pytest.mark.hermetic(off=True, reason="needs the real thing")
def test_wide(shared, own):
    assert shared == (True, True)
    assert own

def test_automatic(hermetic):
    assert FOUND["automatic"] is False
"""


@pytest.mark.parametrize("order", ["test_narrow test_wide", "test_wide test_narrow"])
def test_a_shared_fixture_runs_under_the_widest_policy_of_those_who_request_it(suite, order):
    suite.write(test_it=WIDEST)
    # The automatic fixture's violation is seen with the first test: nobody but the session asks for it.
    words = [f"test_it.py::{name}" for name in [*order.split(), "test_automatic"]]
    found = verdicts(suite.run("--hermetic", "net-hermetic", *words))
    first, second = order.split()
    assert found == {first: "ERROR", second: "PASSED", "test_automatic": "PASSED"}


THREADS = """
import threading, time

WAKE, DONE = threading.Event(), threading.Event()

@pytest.fixture(scope="session")
def worker():
    def work():
        WAKE.wait(20)
        try:
            socket.gethostbyname("blocked.example")
        except Exception:
            pass
        DONE.set()
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()

def test_before(worker): pass

def test_during(worker):
    WAKE.set()
    DONE.wait(20)
"""


def test_a_thread_of_a_session_fixture_follows_the_running_test(suite):
    suite.write(test_it=THREADS)
    assert verdicts(suite.run("--hermetic", "net-hermetic")) == {"test_before": "PASSED", "test_during": "FAILED"}


def test_a_thread_between_two_tests_is_seen_with_the_second(suite):
    suite.write(test_it=THREADS.replace("    WAKE.set()\n    DONE.wait(20)\n", "    pass\n"))
    suite.pytester.makeconftest(
        """
        def pytest_runtest_logfinish(nodeid):
            import test_it
            if "before" in nodeid:
                test_it.WAKE.set()
                test_it.DONE.wait(20)
        """
    )
    assert verdicts(suite.run("--hermetic", "net-hermetic")) == {"test_before": "PASSED", "test_during": "ERROR"}


LOOPS = """
import asyncio, anyio

async def reach():
    await anyio.sleep(0)
    socket.gethostbyname("blocked.example")

async def talk():
    stream = await anyio.connect_tcp("127.0.0.1", PORT)
    await stream.aclose()

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

@pytest.mark.anyio
async def test_anyio(hermetic):
    await talk()
    with hermetic.expect("network"):
        await reach()

@pytest.mark.asyncio
async def test_asyncio(hermetic):
    await talk()
    with hermetic.expect("network"):
        await asyncio.gather(reach(), asyncio.sleep(0))

@pytest.fixture
async def resource():
    await talk()
    yield
    await talk()

@pytest.mark.anyio
async def test_fixture(resource): pass

@pytest.mark.asyncio
async def test_held():
    await reach()

def test_trio(hermetic):
    import trio
    with hermetic.expect("network"):
        trio.run(reach)
"""


def test_coroutines_are_held_on_every_loop(suite):
    pytest.importorskip("pytest_asyncio")
    pytest.importorskip("trio")
    suite.ini("asyncio_default_fixture_loop_scope = function")
    suite.write(test_it=LOOPS)
    result = suite.run("--hermetic", "net-hermetic", plugins=("asyncio",))
    found = verdicts(result)
    assert found.pop("test_held") == "FAILED"
    assert set(found.values()) == {"PASSED"}, result.stdout.str()
    assert len(found) == 6


OWN_FILES = """
def test_temporary_folders(tmp_path, tmp_path_factory, capsys, monkeypatch, cache, recwarn, caplog):
    assert tmp_path.is_dir()
    assert tmp_path_factory.mktemp("more").is_dir()
    cache.set("a/b", 1)
    assert cache.get("a/b", 0) == 1

def test_output(capfd):
    print("out")
    assert capfd.readouterr().out == "out\\n"

def test_traceback_as_text():
    with pytest.raises(ZeroDivisionError) as found:
        1 / 0
    assert "1 / 0" in str(found.getrepr())

@pytest.mark.skipif("1 + 1 == 3", reason="a condition that pytest evaluates")
def test_condition(): pass

@pytest.mark.parametrize("n", [1, 2])
def test_many(n): pass

def test_rewritten_when_first_imported_here():
    from test_late import value
    assert value() == 1

@pytest.mark.xfail(strict=True)
def test_explained():
    assert ["a" * 50] * 20 == ["b" * 50] * 20
"""


@pytest.mark.parametrize("profile", ["block-all", "fs-readonly", "net-hermetic", "exec-deny", "block-native"])
def test_pytests_own_files_are_pytests(suite, profile):
    pytest.importorskip("pytest_cov")
    suite.write(test_it=OWN_FILES)
    (suite.path / "test_late.py").write_text("def value():\n    assert True\n    return 1\n")
    result = suite.run(
        *(
            "--hermetic",
            profile,
            "--junit-xml=junit.xml",
            "-o",
            "faulthandler_timeout=60",
            "--cov=test_it",
            "test_it.py",
        ),
        plugins=("cov",),
    )
    result.assert_outcomes(passed=7, xfailed=1)
    names = {path.name for path in suite.path.iterdir()}
    assert {"junit.xml", ".coverage", ".pytest_cache"} <= names
    assert "hermetic:" not in result.stdout.str()


DEPUTY = """
import os

def test_pytester(pytester):
    pytester.makepyfile(test_inner="def test_it(): pass")
    pytester.chdir()

def test_folder_held(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

def test_variable_held(monkeypatch):
    monkeypatch.setenv("HERE", "1")

def test_allowed(monkeypatch, hermetic, tmp_path):
    hermetic.allow("environment", "interpreter")
    monkeypatch.setenv("HERE", "1")
    monkeypatch.chdir(tmp_path)
"""


def test_pytester_moves_for_pytest_and_monkeypatch_for_its_test(suite):
    suite.pytester.makeconftest("pytest_plugins = 'pytester'")
    suite.write(test_it=DEPUTY)
    result = suite.run("--hermetic", "block-all", "--hermetic-report=report.json")
    assert {name: verdict == "FAILED" for name, verdict in verdicts(result).items()} == {
        "test_pytester": False,
        "test_folder_held": True,
        "test_variable_held": True,
        "test_allowed": False,
    }
    for found in json.loads((suite.path / "report.json").read_text())["violations"]:
        assert {key: found["place"][key] for key in ("file", "line")} == found["line"]
        assert found["package"] == "the project's own"


def test_a_debuggers_or_runners_socket_keeps_working(suite):
    suite.write(test_it="def test_it(): socket.create_connection(('127.0.0.1', PORT)).close()")
    # As the adapters of editors do: connected before the tests, told of each while they run.
    suite.pytester.makeconftest(
        f"""
        import socket
        def pytest_configure(config):
            config.told = socket.create_connection(("127.0.0.1", {suite.port}))
        def pytest_runtest_logreport(report):
            pass
        def pytest_runtest_makereport(item):
            item.config.told.sendall(item.nodeid.encode())
            socket.create_connection(("127.0.0.1", {suite.port})).close()
        """
    )
    suite.run("--hermetic-no-network").assert_outcomes(failed=1)
    suite.run("--hermetic", "net-hermetic").assert_outcomes(passed=1)


EXPECTED = """
def test_nothing_happens(hermetic):
    with hermetic.expect("network"):
        pass  # the line
"""


def test_an_expectation_that_fails_shows_the_tests_own_line(suite):
    suite.write(test_it=EXPECTED)
    result = suite.run("--hermetic-no-network")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*no violation of network happened"])
    assert "pytest_fixture.py" not in result.stdout.str()


GROUPS = """
import socket, sys

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

def refused():
    try:
        socket.getaddrinfo("example.com", 80)
    except RuntimeError as error:
        return error

def test_several(hermetic):
    with hermetic.expect("network") as found:
        raise BaseExceptionGroup("tasks", [refused(), ExceptionGroup("others", [refused()])])
    assert len(found) == 2 and not hermetic.violations

def test_something_else_among_them(hermetic):
    with pytest.raises(BaseExceptionGroup), hermetic.expect("network"):
        raise BaseExceptionGroup("tasks", [refused(), OSError("a reason of its own")])
    hermetic.violations.clear()

def test_another_guard(hermetic):
    with pytest.raises(BaseExceptionGroup), hermetic.expect("subprocess"):
        raise BaseExceptionGroup("tasks", [refused()])
    hermetic.violations.clear()
"""


def test_a_group_of_violations_is_expected_as_one_is(suite):
    suite.write(test_it=GROUPS)
    suite.run("--hermetic-no-network").assert_outcomes(passed=3)


CHANGES = """
import os, subprocess

def test_allow_and_block(hermetic, tmp_path):
    with hermetic.expect("subprocess"):
        subprocess.run(["true"])
    with hermetic.allow("subprocess"):
        subprocess.run(["true"], check=True)
    with hermetic.expect("subprocess"):
        subprocess.run(["true"])
    hermetic.allow(block_subprocess=False)
    with hermetic.block("exec-deny"), hermetic.expect("subprocess"):
        hermetic.allow("subprocess")  # gives nothing back of what block() has taken
        subprocess.run(["true"])
    subprocess.run(["true"], check=True)
    with pytest.raises(ValueError, match="use block"):
        hermetic.allow(block_network=True)
    with pytest.raises(ValueError, match="is no guard"):
        hermetic.allow("networks")
    with pytest.raises(ValueError, match="is no guard"):
        hermetic.expect("networks")
    with pytest.raises(ValueError, match="something to take away"):
        hermetic.block()

def test_ends_with_the_test(hermetic):
    with hermetic.expect("subprocess"):
        subprocess.run(["true"])

def test_every_family(hermetic):
    for guard in ("network", "filesystem", "environment", "code_exec", "imports", "interpreter"):
        hermetic.allow(guard)
    os.environ["X"] = "1"
    os.mkdir("made")
    eval("1")
    os.chdir(".")
    socket.socketpair()
"""


def test_the_fixture_changes_what_holds_for_its_test_alone(suite):
    suite.write(test_it=CHANGES)
    suite.run("--hermetic", "block-all").assert_outcomes(passed=3)


OUTLIVING = """
kept = []

def quietly():
    try:
        socket.gethostbyname("blocked.example")
    except Exception:
        pass

@pytest.mark.hermetic(off=True, reason="what it leaves behind is put back in the next one")
def test_leaves_a_block(hermetic):
    def block():
        with hermetic.block("net-hermetic"):
            yield
    kept.append(block())
    next(kept[0])

def test_takes_it_up_held():
    kept.pop().close()
    quietly()

def test_keeps_the_fixture(hermetic):
    kept.append(hermetic)

def test_asks_it_again():
    with pytest.raises(RuntimeError, match="is over"):
        kept[0].allow("network")
    with pytest.raises(RuntimeError, match="is over"):
        kept[0].block("exec-deny")

def test_after_it_held():
    quietly()

def test_its_list_takes_nothing_of_a_child_held():
    import subprocess, sys
    code = "import socket\\ntry: socket.gethostbyname('child.example')\\nexcept RuntimeError: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not kept[0].violations
"""


def test_the_fixture_of_a_test_that_is_over_changes_no_other(suite):
    suite.write(test_it=OUTLIVING)
    found = verdicts(suite.run("--hermetic", "net-hermetic"))
    assert len(found) == 6
    assert {name: how for name, how in found.items() if (how == "FAILED") != name.endswith("_held")} == {}


LATE = """
def test_temporary_folder(request):
    (request.getfixturevalue("tmp_path") / "file").write_text("text")

def test_in_a_block(request, hermetic):
    with hermetic.block(block_network=True):
        (request.getfixturevalue("tmp_path_factory").mktemp("made") / "file").write_text("text")

def test_elsewhere_held():
    try:
        open("file", "w")
    except OSError:
        pass
"""


@pytest.mark.parametrize("name", ["test_temporary_folder", "test_in_a_block"])
def test_a_temporary_folder_may_be_asked_for_late(suite, name):
    suite.write(test_it=LATE)
    result = suite.run("--hermetic", "fs-readonly", f"test_it.py::{name}", "test_it.py::test_elsewhere_held")
    assert verdicts(result) == {name: "PASSED", "test_elsewhere_held": "FAILED"}


ADDED_LATE = """
def reach():
    socket.create_connection(("127.0.0.1", PORT)).close()

@pytest.fixture(scope="session")
def made(request):
    return lambda: request.addfinalizer(reach)

@pytest.fixture(scope="module", params=[1, 2])
def narrow(made):
    made()

@pytest.mark.hermetic(allow_localhost=True)
def test_wide(made):
    made()

def test_narrow(narrow):
    pass

def test_plain():
    pass
"""


def test_what_a_shared_fixture_adds_to_its_tear_down_later_is_under_its_policy(suite):
    suite.write(test_it=ADDED_LATE)
    result = suite.run("--hermetic-no-network")
    assert set(verdicts(result).values()) == {"PASSED"}
    result.assert_outcomes(passed=4)
