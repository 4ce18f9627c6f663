"""``-X perf`` has the interpreter of a child write a file as it starts, before its guards are there."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info < (3, 12), reason="the interpreter of Linux, since 3.12"
)
FILES = {"perf": "/tmp/perf-{}.map", "perf_jit": "/tmp/jit-{}.dump"}
START = """
import os, subprocess, sys
for option, name in {files!r}.items():
    code = "import os, sys; print(os.getpid(), sys._xoptions, sys.is_stack_trampoline_active())"
    done = subprocess.run([sys.executable, "-X", option, "-c", code], capture_output=True, text=True)
    number, said = done.stdout.split(" ", 1)
    made = name.format(number)
    print(option, os.path.exists(made), said.strip(), done.returncode)
    if os.path.exists(made) and {clean}:
        os.remove(made)
"""


@pytest.mark.parametrize("options", ["--fs-readonly", "--seal --fs-readonly=."], ids=["", "sealed, below a root"])
def test_children_write_no_files_of_profilers(isolated, options):
    files = FILES if sys.version_info >= (3, 13) else {"perf": FILES["perf"]}
    done = isolated.script(f"--kernel=off {options}", START.format(files=files, clean=False))
    told = [f"{option} False {{'{option}': True}} False 0" for option in files]
    assert done.stdout.splitlines() == told, done


def test_children_that_may_write_them_do(isolated):
    done = isolated.script("--kernel=off --no-network", START.format(files={"perf": FILES["perf"]}, clean=True))
    assert done.stdout == "perf True {'perf': True} True 0\n", done
