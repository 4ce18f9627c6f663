"""A process's memory by as many links as the system follows, one behind the other."""

from __future__ import annotations

import sys

import pytest
from state_attempts import PLACES, outcomes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="procfs")

# The name /proc/self takes one of the forty links that are followed.
WAYS = """
import io
os.symlink("/proc/self/mem", "link0")
for number in range(1, 45):
    os.symlink(f"link{number - 1}", f"link{number}")
ways = {"open": lambda path: open(path, "r+b", 0), "os": lambda path: os.open(path, os.O_RDWR)}
ways["file"] = lambda path: io.FileIO(path, "r+")
for kind, way in ways.items():
    for number in (0, 14, 15, 16, 17, 30, 38, 39, 44):
        def by_links(): return way(f"link{number}")
        by_links.__name__ = f"{kind} {number}"
        attempt(by_links)
"""


@pytest.mark.parametrize("place", PLACES)
def test_memory_is_not_opened_by_many_links(isolated, place):
    found = outcomes(isolated, place, "--no-subprocess", {"block_subprocess": True}, WAYS)
    for name, outcome in found.items():
        followed = int(name.split()[1]) < 44
        assert outcome == "interpreter mutation disabled: memory" if followed else outcome == "OSError", (name, found)


@pytest.mark.parametrize("place", PLACES)
def test_files_are_written_by_many_links(isolated, place):
    code = """
open("link0", "w").close()
for number in range(1, 40):
    os.symlink(f"link{number - 1}", f"link{number}")
os.symlink("round", "round")
@attempt
def last(): return open("link39", "w").write("x")
@attempt
def round_and_round(): return open("round", "w")
"""
    found = outcomes(isolated, place, "--no-subprocess", {"block_subprocess": True}, code)
    assert found == {"last": "1", "round_and_round": "OSError"}
