"""Policy files in a test run: named by the ini file, the command line, a marker and the fixture."""

from __future__ import annotations

import json

import pytest

from .suites import verdicts

POLICY = """\
block_network = true
allow_domains = ["allowed.example"]

[profiles.quiet]
extends = ["exec-deny"]

[profiles.loopback]
allow_localhost = true
"""
SUITE = """
import os, subprocess

def reach(host="blocked.example"):
    socket.gethostbyname(host)

def connect():
    socket.create_connection(("127.0.0.1", PORT)).close()

def test_network_held(): reach()

def test_loopback_held(): connect()

@pytest.mark.hermetic("loopback")
def test_profile_of_the_file(hermetic):
    connect()
    with hermetic.expect("network"):
        reach()

@pytest.mark.hermetic("quiet")
class TestQuiet:
    def test_brings_what_its_file_says(self, hermetic):
        with hermetic.expect("subprocess"):
            subprocess.run(["true"])
        with hermetic.expect("network") as found:
            reach()
        assert found[0].origin == "rules/policy.toml:1"

    @pytest.mark.hermetic(block_subprocess=False)
    def test_settings_change_it(self, hermetic):
        subprocess.run(["true"])
        with hermetic.expect("network"):
            reach()

@pytest.mark.hermetic("net-hermetic")
def test_built_in_starts_anew(): connect()

@pytest.mark.hermetic(policy="rules/other.toml")
def test_policy_of_a_marker(hermetic):
    connect()
    with hermetic.expect("subprocess") as found:
        subprocess.run(["true"])
    assert found[0].origin == "rules/other.toml:2"

@pytest.mark.hermetic("mine", policy="rules/other.toml")
def test_profile_of_a_markers_file(hermetic):
    with hermetic.expect("environment"):
        os.environ["PATH"]

def test_fixture(hermetic):
    hermetic.allow("network")
    with hermetic.block("quiet"), hermetic.expect("subprocess"):
        subprocess.run(["true"])
    with hermetic.block("mine", policy="rules/other.toml"), hermetic.expect("environment"):
        os.environ["PATH"]
    with pytest.raises(ValueError, match="unknown profile 'mine'"):
        hermetic.block("mine")

def test_nobody_writes_the_file(hermetic):
    os.chdir("rules")  # they are found by their whole paths
    with hermetic.expect("filesystem"):
        open("policy.toml", "a")
    os.chdir("..")
    open("written", "w").close()

@pytest.mark.hermetic("unknown")
def test_unknown_held(): pass

@pytest.mark.hermetic(policy="rules/absent.toml")
def test_absent_held(): pass

@pytest.mark.hermetic(policy="rules/nothing.toml")
def test_nothing_held(): pass

@pytest.mark.hermetic(policy=1)
def test_no_file_held(): pass
"""
OTHER = """\

block_subprocess = true

[profiles.mine]
block_environment = true
"""


@pytest.fixture
def files(suite):
    """The suite with its policy files, in a folder of their own."""
    folder = suite.path / "rules"
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY)
    (folder / "other.toml").write_text(OTHER)
    (folder / "nothing.toml").write_text("[profiles.a]\nblock_network = true\n")
    return suite


def as_named(found):
    assert found
    for name, verdict in found.items():
        assert (verdict == "PASSED") is not name.endswith("_held"), (name, verdict)


@pytest.mark.parametrize("how", ["ini", "option", "pyproject"])
def test_a_policy_file_guards_a_run(files, how):
    files.write(test_it=SUITE)
    words = []
    if how == "ini":
        files.ini("hermetic_policy = rules/policy.toml")
    elif how == "option":
        words = ["--hermetic-policy", "rules/policy.toml"]
    else:
        files.pytester.makepyprojecttoml('[tool.pytest.ini_options]\nhermetic_policy = ["rules/policy.toml"]\n')
    result = files.run(*words, "--hermetic-report=report.json")
    as_named(verdicts(result))
    result.stdout.fnmatch_lines_random(
        [
            "*blocked by: no-network (rules/policy.toml:1)",
            "*to allow it: @pytest.mark.hermetic(allow_domains=[[]'blocked.example']), "
            'or "blocked.example" added to allow_domains (rules/policy.toml:2)',
            "*test_unknown_held: unknown profile 'unknown' (known: quiet, loopback, block-all*",
            "*test_absent_held: rules/absent.toml cannot be read: No such file or directory",
            "*test_nothing_held: rules/nothing.toml takes nothing away; choose one of its profiles: a",
            "*test_no_file_held: policy is the name of a file, not 1",
        ]
    )
    data = json.loads((files.path / "report.json").read_text())["violations"]
    assert data[0]["remedy"].startswith("@pytest.mark.hermetic(allow_domains=['blocked.example']), or ")


TABLES = """
[tool.pytest.ini_options]
hermetic_policy = "pyproject.toml"
hermetic_profile = ["ci"]

[tool.hermetic]
deny_write = ["secret"]

[tool.hermetic.profiles.ci]
block_network = true
allow_localhost = true
"""


def test_tables_of_the_project_file_and_the_command_lines_choice_of_a_profile(suite):
    suite.pytester.makepyprojecttoml(TABLES)
    (suite.path / "secret").mkdir()
    (suite.path / "below").mkdir()
    suite.write(
        test_it="""
        import os
        def test_loopback(): socket.create_connection(("127.0.0.1", PORT)).close()
        def test_network(): socket.gethostbyname("blocked.example")
        def test_paths_are_relative_to_the_file(): open(os.path.join(os.path.dirname(__file__), "secret", "x"), "w")
        """
    )
    expected = {
        "test_loopback": "PASSED",
        "test_network": "FAILED",
        "test_paths_are_relative_to_the_file": "FAILED",
    }
    assert verdicts(suite.run()) == expected
    # From a folder below: what the ini file names is relative to it, not to where pytest is started.
    suite.pytester.chdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(suite.path / "below")
        result = suite.run("..")
        assert verdicts(result) == expected
        result.stdout.fnmatch_lines([f"*blocked by: no-network ({suite.path}/pyproject.toml:9 (profile ci))"])
    # A profile on the command line starts anew; one of the ini file's policy file may be named.
    suite.run("--hermetic", "exec-deny", "-k", "not test_network").assert_outcomes(passed=2, deselected=1)
    assert verdicts(suite.run("--hermetic", "ci")) == expected


MISTAKES = [
    ("block_netwrok = true", [], "policy.toml:1: unknown key 'block_netwrok' (did you mean block_network?)"),
    ("block_network = 1", [], "policy.toml:1: block_network is true or false, not a number"),
    ("x = ", [], "policy.toml:1: not TOML: Invalid value"),
    ("block_network = true\nallow_hosts = ['::1/129']", [], "policy.toml:2: "),
    ("allow_localhost = true\nfs_readonly = true", [], "policy.toml:1: allow_localhost needs block_network"),
    ("[profiles.a]\nblock_network = true", [], "policy.toml takes nothing away; choose one of its profiles: a"),
    (
        "[profiles.quiet]\nblock_network = true",
        ["--hermetic", "quite"],
        "--hermetic: unknown profile 'quite' (did you mean quiet?)",
    ),
    (None, [], "policy.toml cannot be read: No such file or directory"),
    ("block_network = true", ["--hermetic", "off", "--hermetic-policy=policy.toml"], "--hermetic off guards nothing"),
]


@pytest.mark.parametrize(("text", "words", "said"), MISTAKES)
def test_a_mistake_is_a_usage_error_of_one_line(suite, text, words, said):
    suite.ini("hermetic_policy =\n    policy.toml")
    if text is not None:
        (suite.path / "policy.toml").write_text(text)
    suite.write(test_it="def test_it(): pass")
    result = suite.run(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.stderr.lines if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"ERROR: hermetic: {said}")


def test_strict_and_workers_read_it_too(files):
    pytest.importorskip("xdist")
    files.ini("hermetic_policy = rules/policy.toml\nhermetic_profile = loopback")
    files.write(
        test_it="""
        @pytest.mark.hermetic(off=True, reason="wants to")
        def test_off_held(): socket.gethostbyname("blocked.example")
        def test_loopback(): socket.create_connection(("127.0.0.1", PORT)).close()
        @pytest.mark.hermetic("quiet")
        def test_without_loopback(): socket.create_connection(("127.0.0.1", PORT)).close()
        """
    )
    result = files.run("--hermetic-strict", "-n", "1", "-v", plugins=("xdist",))
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(["*blocked by: no-network (rules/policy.toml:1)", "*test_without_loopback"])


def test_a_shared_fixture_runs_under_the_wider_of_two_files(files):
    files.ini("hermetic_policy = rules/policy.toml")
    files.write(
        test_it="""
        import subprocess
        @pytest.fixture(scope="session")
        def shared():
            socket.create_connection(("127.0.0.1", PORT)).close()
            subprocess.run(["true"])
        def test_one(shared): pass
        @pytest.mark.hermetic(policy="rules/other.toml")
        def test_two(shared): pass
        """
    )
    files.run().assert_outcomes(passed=2)
