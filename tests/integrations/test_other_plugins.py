"""Beside the plugins that suites use: workers, random order, time limits, coverage, second attempts."""

from __future__ import annotations

import json

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
