"""Code for other Python processes, which since 3.14 any process of the same user can hand to them."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="before 3.14 there is no sys.remote_exec")

TRY = """
import os, sys
open_script = sys.argv[1]
for process in (os.getpid(), os.getppid()):
    try:
        sys.remote_exec(process, open_script)
    except Exception as error:
        print(error)
for _ in range(100_000):
    pass
"""
REFUSED = "interpreter mutation disabled: sys.remote_exec\n" * 2


@pytest.mark.parametrize("options", ["--no-network", "--no-subprocess --seal", "--no-interpreter-mutation"])
def test_no_process_is_given_a_script(isolated, options):
    isolated.write("script.py", "print('ran')")
    assert isolated.script(f"{options} --kernel=off", TRY.replace("sys.argv[1]", "'script.py'")).stdout == REFUSED


def test_nor_by_a_child_or_in_a_block(isolated):
    isolated.write("script.py", "print('ran')")
    isolated.write("child.py", TRY)
    child = "import subprocess, sys\nsubprocess.run([sys.executable, 'child.py', 'script.py'])"
    assert isolated.script("--no-network --kernel=off", child).stdout == REFUSED
    block = "from hermetic import hermetic_blocker\nwith hermetic_blocker(fs_readonly=True):\n"
    code = block + "    exec(open('child.py').read())"
    isolated.write("block.py", code)
    assert isolated.python("block.py", "script.py").stdout == REFUSED


def test_a_plain_run_is_given_one(isolated):
    isolated.write("script.py", "print('ran')")
    isolated.write("plain.py", TRY.replace("os.getppid()", "os.getpid()"))
    assert "ran" in isolated.python("plain.py", "script.py").stdout
