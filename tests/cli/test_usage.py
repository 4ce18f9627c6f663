"""The words before ``--``: every mistake is one clear line on stderr and status 1, nothing is ignored in silence."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from _hermetic import VERSION

MISTAKES = [
    ([], "--"),
    (["--no-network"], "--"),
    (["--no-network", "--"], "nothing to run"),
    (["--", ""], "nothing to run"),
    (["--no-netwrok", "--", "x"], "unknown option --no-netwrok (did you mean --no-network?)"),
    (["--no-net", "--", "x"], "unknown option --no-net (did you mean --no-network?)"),
    (["--tra", "--", "x"], "unknown option --tra"),
    (["--vers"], "unknown option --vers"),
    (["--hel"], "unknown option --hel"),
    (["-x", "--", "x"], "unknown option -x"),
    (["-", "--", "x"], "unknown option -"),
    (["--profile", "nonsense", "--", "x"], "unknown profile 'nonsense'"),
    (["--profile", "--", "x"], "--profile needs a value"),
    (["--profile=", "--", "x"], "profile"),
    (["--no-network=yes", "--", "x"], "--no-network takes no value"),
    (["--trace=1", "--", "x"], "--trace takes no value"),
    (["--fs-readonly=", "--", "x"], "--fs-readonly= needs a ROOT"),
    (["--fs-readonly=/no/such/folder", "--", "x"], "/no/such/folder"),
    (["--fs-readonly", "./dir", "--", "x"], "--fs-readonly=./dir"),
    (["--no-environment=", "--", "x"], "unset"),
    (["--no-environment=empty", "--", "x"], "--no-environment=unset"),
    (["--no-env", "unset", "--", "x"], "--no-env=unset"),
    (["--no-network", "--allow-domain", "", "--", "x"], "--allow-domain"),
    (["--no-network", "--allow-domain=", "--", "x"], "--allow-domain needs a value"),
    (["--no-network", "--allow-domain", "--", "x"], "--allow-domain needs a value"),
    (["--no-network", "--allow-domain", "--trace", "--", "x"], "--allow-domain needs a value"),
    (["--no-network", "--allow-domain", "a b", "--", "x"], "a b"),
    (["--no-network", "--allow-domain", "*", "--", "x"], "'*'"),
    (["--no-network", "--allow-domain", "http://a.org", "--", "x"], "http://a.org"),
    (["--allow-domain", "a.org", "--", "x"], "--allow-domain needs --no-network"),
    (["--allow-localhost", "--", "x"], "--allow-localhost needs --no-network"),
    (["--keep-fd", "5", "--", "x"], "--keep-fd needs --no-network"),
    (["--no-network", "--keep-fd", "five", "--", "x"], "--keep-fd needs a descriptor number"),
    (["--no-network", "--keep-fd", "-1", "--", "x"], "--keep-fd needs a descriptor number"),
    (["--seal", "--", "x"], "--seal needs something to block"),
    (["--report-only", "--", "x"], "--report-only needs something to block"),
    (["--no-network", "--seal", "--report-only", "--", "x"], "--report-only blocks nothing"),
    (["--deny-import", "--", "x"], "--deny-import needs a value"),
    (["--deny-import=", "--", "x"], "--deny-import needs a value"),
    (["--deny-import", "not a name", "--", "x"], "--deny-import: 'not a name' is not a module name"),
    (["--deny-host", "a b", "--", "x"], "--deny-host: 'a b' is not a host"),
    (["--fs-readonly", "--allow-write", "*x", "--", "x"], "--allow-write: '*x' does not exist"),
    # As after a remedy that says to run without the other one.
    (["--allow-native", "x", "--", "x"], "--allow-native needs --block-native or must be left out"),
    (["--no-network", "x", "--", "y"], "unexpected word 'x'"),
    (["doktor"], "unknown command 'doktor'"),
    (["t.py"], "unknown command 't.py'"),
    (["doctor", "--nonsense"], "--json"),
    (["--no-network", "--", "no-such-target-anywhere"], "target not found: no-such-target-anywhere"),
    (["--no-network", "--", "./no-such-file.py"], "target not found: ./no-such-file.py"),
    (["--no-network", "--", "python", "no-such-file.py"], "target not found: no-such-file.py"),
    (
        ["--no-network", "--", "no_such_thing"],
        "no module named no_such_thing, or nothing in it to run; nor is there a command",
    ),
    (["--no-network", "--", "no_such_module:attr"], "no_such_module"),
    (["--no-network", "--", "json:no_such_attr"], "no_such_attr"),
    (["--no-network", "--", "python", "-c"], "-c needs a value"),
    (["--no-network", "--", "python", "-Z"], "-Z"),
    (["--no-network", "--kernel=off", "--", "/bin/sh", "-c", "true"], "not a Python program"),
    (["--kernel=nonsense", "--no-network", "--", "x"], "--kernel=require"),
    (["--kernel=require", "--no-network", "--report-only", "--", "x"], "nothing to hold"),
]


@pytest.mark.parametrize(
    ("words", "text"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_mistake_is_one_line_and_status_1(isolated, words, text):
    done = isolated.cli(*words)
    assert (done.code, done.stdout) == (1, ""), done
    assert len(done.errors) == 1, done.stderr
    assert done.stderr.startswith("hermetic: error: ")
    assert text in done.stderr


OF_COMMANDS = [["policy", "--help"], ["policy", "check", "-h"], ["why", "--help"], ["doctor", "-h"]]


@pytest.mark.parametrize(
    "words", [["-h"], ["--help"], ["--no-network", "--help"], ["--help", "--", "x"], *OF_COMMANDS], ids=" ".join
)
def test_help_works_without_a_target_and_exits_0(isolated, words):
    done = isolated.cli(*words)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: hermetic [OPTIONS] -- TARGET [ARGS...]")
    assert "--no-network" in done.stdout


def test_version_exits_0(isolated):
    assert isolated.cli("--version") == (0, f"hermetic {VERSION}\n", "")


def test_help_behind_the_separator_is_the_targets(isolated):
    isolated.write("t.py", "import sys; print(sys.argv[1:])")
    assert isolated.cli("--", "./t.py", "--help", "-h", "--version", "--", "--no-network").stdout == (
        "['--help', '-h', '--version', '--', '--no-network']\n"
    )


def test_no_option_at_all_is_a_plain_run(isolated):
    assert isolated.script("", "import os; print('x'); raise SystemExit(os.system('exit 0'))") == (0, "x\n", "")


@pytest.mark.parametrize("option", ["--trace", "--strict"])
def test_trace_and_strict_alone_are_fine(isolated, option):
    assert isolated.script(option, "print('x')") == (0, "x\n", "")


def test_value_by_equals_and_by_word_and_repeated(isolated):
    code = """
    import socket
    for host in ("a.invalid", "b.invalid", "c.invalid"):
        try:
            socket.getaddrinfo(host, 80)
        except Exception as error:
            print(host, type(error).__name__)
    """
    done = isolated.script("--no-network --allow-domain a.invalid --allow-domain=b.invalid", code)
    assert done.stdout == "a.invalid gaierror\nb.invalid gaierror\nc.invalid PolicyViolation\n"


def test_profile_composes_with_options_and_profiles_by_union(isolated):
    code = """
    import os, socket
    for act in (lambda: os.system("true"), lambda: socket.create_connection(("127.0.0.1", 9), 1),
                lambda: socket.getaddrinfo("x.invalid", 1)):
        try:
            act()
        except Exception as error:
            print(type(error).__name__)
    """
    done = isolated.script("--profile net-hermetic --profile=exec-deny", code)
    assert done.stdout == "PolicyViolation\nConnectionRefusedError\nPolicyViolation\n"


def test_hello_world_runs_under_block_all(isolated):
    assert isolated.script("--profile block-all", "print('hello world')") == (0, "hello world\n", "")


def test_doctor_prints_what_can_be_enforced(isolated):
    done = isolated.cli("doctor")
    assert done.code == 0, done.stderr
    for family in ("network", "subprocess", "filesystem", "environment", "code_exec", "imports", "interpreter"):
        assert re.search(rf"^{family}\s+guarded", done.stdout, re.MULTILINE), family


def test_doctor_speaks_json(isolated):
    import json

    done = isolated.cli("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["audit_hook"] is True
    assert {row["family"] for row in found["families"]} >= {"network", "subprocess", "filesystem"}


def test_a_policy_file_may_lie_in_the_home_folder(isolated):
    isolated.write("policies/policy.toml", "fs_readonly = true\nallow_write = ['.']")
    words = ("--policy=~/policies/policy.toml", "--", "python", "-c")
    done = isolated.cli(*words, "open('policies/new', 'w'); open('new', 'w')")
    assert (done.code, "filesystem readonly" in done.stderr) == (2, True), done
    assert f"({isolated.folder}/policies/policy.toml:1)" in done.stderr
    assert (isolated.folder / "policies/new").exists()
    assert isolated.cli(*words, "open('policies/policy.toml', 'w')").code == 2
    isolated.passes("""
        import hermetic
        with hermetic.hermetic_blocker(policy="~/policies/policy.toml"):
            print(hermetic.allowed("write", "policies/x"), hermetic.allowed("write", "policies/policy.toml"))
    """)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        ["policy", "show", "--no-network"],
        ["why", "--no-network", "--", "run", "x"],
        ["--help"],
        ["--version"],
    ],
)
def test_whoever_stops_reading_gets_no_traceback(isolated, words):
    """As ``hermetic doctor | head -1``."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "hermetic", *words]
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, env=isolated.environment({}), cwd=isolated.folder
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b""), done
