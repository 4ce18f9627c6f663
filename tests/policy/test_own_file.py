"""The file of the program itself, below a root that it lies outside of."""

from __future__ import annotations

import sys
from typing import Any

import pytest

CRASH = """
class Late:
    def __del__(self): return 1 / len("")
Late()
print(len(open(__file__).read()) > 9)
"""
OTHER = """
import subprocess, sys
print(subprocess.run([sys.executable, "other"], capture_output=True, text=True).stdout)
"""
READS = "print(open('other').read())\n"


@pytest.mark.parametrize("kernel", ["off", "auto"])
@pytest.mark.parametrize("name", ["tool", "tool.py"])
def test_it_is_readable_and_tracebacks_show_its_lines(isolated: Any, name: str, kernel: str) -> None:
    isolated.write("in/file", "")
    isolated.write(name, CRASH)
    plain = isolated.python(f"./{name}")
    done = isolated.cli(f"--kernel={kernel}", "--fs-readonly=in", "--strict", "--", sys.executable, f"./{name}")
    assert (done.code, done.stdout) == (0, "True\n"), done
    assert [line for line in done.errors if "0x" not in line] == [line for line in plain.errors if "0x" not in line]


def test_that_of_a_child_is_not(isolated: Any) -> None:
    """Who starts it chose the file."""
    isolated.write("in/file", "")
    isolated.write("other", READS)
    isolated.write("tool", OTHER)
    done = isolated.cli("--kernel=off", "--fs-readonly=in", "--", sys.executable, "./tool")
    assert (done.code, done.stdout) == (0, "\n"), done


def test_a_denied_one_is_not(isolated: Any) -> None:
    isolated.write("in/file", "")
    isolated.write("other", READS)
    done = isolated.cli("--kernel=off", "--fs-readonly=in", "--deny-read=other", "--", sys.executable, "./other")
    assert (done.code, done.stdout) == (2, ""), done
