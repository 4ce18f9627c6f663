"""The ends of runs under --strict, where every blocked act counts, and under --report-only, where none is."""

from __future__ import annotations

import pytest

ACT = "import os; os.system('true')"


def test_strict_sums_up(isolated):
    done = isolated.script(
        "--no-subprocess --strict", f"for _ in range(3):\n    try:\n        {ACT}\n    except Exception: pass"
    )
    assert done.code == 2
    assert "  subprocess disabled: os.system  [--no-subprocess] x3" in done.errors
    assert "hermetic: 3 acts were blocked" in done.stderr


def test_report_only_sums_up_and_lets_everything_happen(isolated):
    done = isolated.script("--no-subprocess --report-only", "import os\nfor _ in range(2): os.system('echo done')")
    assert (done.code, done.stdout) == (0, "done\ndone\n")
    assert done.errors[:2] == ["[hermetic] would block os.system name=echo reason=no-subprocess"] * 2
    assert "  subprocess disabled: os.system  [--no-subprocess] x2" in done.errors


def test_report_only_names_no_act_when_there_is_none(isolated):
    done = isolated.script("--no-subprocess --report-only", "print('x')")
    assert (done.code, done.stdout) == (0, "x\n")
    assert "[hermetic]" not in done.stderr


ENDS = {"its end": "pass", "at once": "__import__('os')._exit(0)"}


@pytest.mark.parametrize("end", ENDS)
def test_children_that_did_nothing_say_nothing_under_report_only(isolated, end):
    """As the workers of pytest-xdist; the run itself says that there was nothing."""
    code = (
        f"import subprocess, sys\nfor _ in range(2): subprocess.run([sys.executable, '-c', {ENDS[end]!r}], check=True)"
    )
    assert isolated.script("--no-network --report-only", code).stderr == "hermetic: 0 acts would be blocked\n"


def test_a_child_that_did_something_tells_it_under_report_only(isolated):
    act = "import socket; socket.socketpair()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {act!r}], check=True)"
    told = isolated.script("--no-network --report-only", code).errors
    assert told[1] == "hermetic: 1 act would be blocked" and told[-1] == "hermetic: 0 acts would be blocked"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no such call")
def test_what_was_done_before_a_fork_is_told_once_under_report_only(isolated):
    code = "import os, socket; socket.socketpair()\nif os.fork(): os.wait()"
    told = isolated.script("--no-network --report-only", code).errors
    assert [line for line in told if line.startswith("hermetic:")] == ["hermetic: 1 act would be blocked"]


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(words)",
        "subprocess.run(words, close_fds=False)",
        "os.waitpid(os.posix_spawn(words[0], words, os.environ, file_actions=closing), 0)",
        "os.spawnv(os.P_WAIT, words[0], words)",
    ],
)
def test_strict_counts_what_a_child_coped_with(isolated, start):
    # From 3.13 on subprocess starts by posix_spawn, which closes every descriptor from 3 on.
    closing = "[(os.POSIX_SPAWN_CLOSEFROM, 3)] if hasattr(os, 'POSIX_SPAWN_CLOSEFROM') else []"
    act = "import socket\ntry:\n    socket.gethostbyname('a.invalid')\nexcept Exception:\n    print('coped')"
    code = f"import os, subprocess, sys\nwords = [sys.executable, '-c', {act!r}]\nclosing = {closing}\n{start}"
    result = isolated.script("--no-network --strict", code)
    assert result.code == 2
    assert "coped" in result.stdout
    assert "hermetic: 1 act was blocked" in result.errors


def test_a_core_that_has_no_bytecode_yet_is_no_blocked_act(isolated):
    """Some installers leave making it to Python, which makes the folder for it at the first import of a part."""
    copy = isolated.copy_hermetic("site")
    isolated.write(
        "target.py",
        """
        from hermetic import hermetic_blocker
        with hermetic_blocker(block_code_exec=True, deny_imports=["nobody"], block_interpreter_mutation=True):
            print("in")
        """,
    )
    variables = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": None}
    words = ["-m", "hermetic", "--no-network", "--strict", "--trace", "--", "./target.py"]
    done = isolated.python(*words, env=variables, bare=True)
    assert (done.code, done.stdout, done.stderr) == (0, "in\n", "")
