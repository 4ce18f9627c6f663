"""Nothing is left on the disk and no process stays, however a run ends: because none is made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

ENDS = {
    "normal": "print(1)",
    "violation": "import socket; socket.gethostbyname('example.com')",
    "exception": "1 / 0",
    "os._exit": "import os; os._exit(3)",
    "abort": "import os; os.abort()",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "exec": "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'print(2)'])",
    "child": "import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', 'print(3)'])",
    "shell": "import os, sys; os.system(sys.executable + ' -c 1')",
    "worker": "import multiprocessing as m\nif __name__ == '__main__':\n    p = m.get_context('spawn').Process(target=print)\n    p.start(); p.join()",
    "killed with a child": "import subprocess, sys, os\nsubprocess.Popen([sys.executable, '-c', 'pass'])\nos.kill(os.getpid(), 9)",
}
FORMS = {
    "in process": lambda script: ["--no-network", "--", script],
    "new interpreter": lambda script: ["--no-network", "--", sys.executable, "-B", "-X", "dev", script],
    "scrubbed": lambda script: ["--no-network", "--no-environment", "--", script],
    "sealed": lambda script: ["--no-network", "--seal", "--strict", "--", script],
}
ROUNDS = 5  # 12 ends, 4 forms: 240 runs
MANY = 21  # 1,008 runs


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that run in a folder."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and os.readlink(path / "cwd") == str(folder):
                found.append((path / "cmdline").read_text())
        except OSError:
            pass
    return found


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_left_behind(isolated, form):
    leave_nothing(isolated, form, ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_left_behind_by_a_thousand(isolated, form):
    leave_nothing(isolated, form, MANY)


def leave_nothing(isolated, form, rounds):
    environment = isolated.environment()
    for name, code in ENDS.items():
        isolated.write(f"{name.replace(' ', '_')}.py", code)
    listed = sorted(path.name for path in isolated.folder.iterdir())
    commands = [[sys.executable, "-m", "hermetic", *FORMS[form](f"{name.replace(' ', '_')}.py")] for name in ENDS]
    for _ in range(rounds):
        running = [
            subprocess.Popen(
                command, env=environment, cwd=isolated.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for command in commands
        ]
        # One is killed in the middle of whatever it is doing.
        running[0].send_signal(signal.SIGKILL)
        for process in running:
            process.wait(timeout=60)
    assert sorted(path.name for path in isolated.folder.iterdir()) == listed
    assert list(isolated.temp.iterdir()) == []
    if sys.platform == "linux":
        for _ in range(50):
            left = processes_in(isolated.folder)
            if not left:
                break
            time.sleep(0.1)  # a child of a killed parent ends by itself
        assert not left
