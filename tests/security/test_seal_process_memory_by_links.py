"""A process's memory by as many links as the system follows, one behind the other; and by handles of what is mapped."""

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


# What is mapped is opened to read or as a handle, which is no write; what that leads to is another file then.
HANDLES = """
import mmap, re
mine = mmap.mmap(-1, 4096)
mine[:4] = b"mine"
def mapped(flags):
    for line in open("/proc/self/maps"):
        found = re.match("0*([0-9a-f]+)-0*([0-9a-f]+) rw-s", line)
        if found:
            yield os.open("/proc/self/map_files/%s-%s" % found.groups(), flags)
def in_folder(number):
    folder = os.open("/proc/self/fd", os.O_RDONLY)
    return os.open(str(number), os.O_RDWR, dir_fd=folder)
def by_link(number):
    os.symlink(f"/proc/self/fd/{number}", f"link{number}")
    return os.open(f"link{number}", os.O_RDWR)
ways = {
    "open": lambda number: open(f"/proc/self/fd/{number}", "r+b", 0),
    "os": lambda number: os.open(f"/dev/fd/{number}", os.O_RDWR),
    "thread": lambda number: os.open(f"/proc/thread-self/fd/{number}", os.O_WRONLY),
    "folder": in_folder,
    "link": by_link,
}
try:
    numbers = {"handle": [*mapped(os.O_PATH)], "read": [*mapped(os.O_RDONLY)]}
except PermissionError:
    numbers = {}  # these names are for administrators
for kind, found in numbers.items():
    for number in found:
        for name, way in ways.items():
            def reopened(): return way(number)
            reopened.__name__ = f"{kind} {name} {number}"
            attempt(reopened)
"""


@pytest.mark.parametrize("place", PLACES)
def test_shared_memory_is_not_opened_by_a_handle(isolated, place):
    """hermetic keeps there which Unix sockets are the run's own: who writes it connects to those of others."""
    found = outcomes(isolated, place, "--no-network --allow-localhost", {"block_network": True}, HANDLES)
    if not found:
        pytest.skip("map_files is not to be followed here")
    assert set(found.values()) == {"interpreter mutation disabled: memory"}, found
