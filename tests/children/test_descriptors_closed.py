"""A program that closes every descriptor, as daemons do, and opens its own by the numbers of hermetic's."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors by their numbers")

ACT = """
import os, socket
os.closerange(3, 100)
data = os.open("data", os.O_CREAT | os.O_RDWR)
for _ in range(8):
    os.dup(data)
try:
    socket.gethostbyname("example.com")
except Exception:
    pass
"""
CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {ACT!r}])\n"


@pytest.mark.parametrize("code", [ACT, CHILD], ids=["program", "child"])
@pytest.mark.parametrize("options", ["--trace --kernel=off", "--strict", "--report-only", "--strict --kernel=off"])
def test_nothing_of_ours_is_written_there(isolated, code, options):
    done = isolated.script(f"--no-network {options}", code)
    assert (isolated.folder / "data").read_bytes() == b""
    if "--trace" in options:
        assert done.errors == ["[hermetic] blocked socket.gethostbyname host=example.com reason=no-network"]


def test_a_child_is_counted_whose_start_closes_them_one_by_one(isolated):
    code = """
import os, sys
CODE = "import socket\\ntry: socket.gethostbyname('example.com')\\nexcept Exception: pass"
actions = [(os.POSIX_SPAWN_CLOSE, number) for number in range(3, 40) if os.path.exists(f"/proc/self/fd/{number}")]
child = os.posix_spawn(sys.executable, [sys.executable, "-c", CODE], os.environ, file_actions=actions)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = isolated.script("--no-network --strict --kernel=off", code)
    assert (done.code, done.stdout) == (2, "2\n"), done
    assert "hermetic: 1 act was blocked" in done.stderr
