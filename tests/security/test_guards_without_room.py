"""Limits that a program sets for itself so that a guard can look at nothing: memory, and descriptors."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and /proc as Linux has them")

# To list a folder takes 32 KiB in one piece, which nothing else does on the way; small pieces are left.
NO_MEMORY = """
import os, resource
handle = os.open(HOLDER, os.O_RDONLY | os.O_DIRECTORY)
small = [bytes(100 + number % 300) for number in range(40000)]
small[::2] = [None] * (len(small) // 2)
large, found = [], [None] * 20
with open("/proc/self/statm") as file:
    limit = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
most = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (limit, most))
size = 1 << 20
while size >= 8000:
    try:
        large.append(bytearray(size))
    except MemoryError:
        size = size * 3 // 4
for number in range(20):
    try:
        try:
            found[number] = os.close(os.open(NAME, os.O_RDWR, dir_fd=handle))
        except OSError as error:
            found[number] = "refused" if hasattr(error, "guard") or error.errno == 12 else "?"
        except RuntimeError as error:
            found[number] = "refused" if hasattr(error, "guard") else "?"
    except MemoryError:
        found[number] = "refused"
large.clear()
resource.setrlimit(resource.RLIMIT_AS, (most, most))
print(*set(found))
"""
TARGETS = {
    "memory": ("'/proc/self'", "'mem'"),
    "own": ("os.path.dirname(__import__('_hermetic').__file__)", "'model.py'"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
def test_no_memory_hides_nothing(isolated, options, target):
    folder, name = TARGETS[target]
    done = isolated.script(f"--kernel=off {options}", NO_MEMORY.replace("HOLDER", folder).replace("NAME", name))
    assert done.stdout == "refused\n", done


# A script for an isolated interpreter, which no variable reaches, and that no guard can read at that moment.
NO_DESCRIPTORS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
found = []
for way in (
    lambda: os.posix_spawn("./tool", ["./tool"], os.environ),
    lambda: os.posix_spawnp("./tool", ["./tool"], os.environ),
    lambda: os.spawnv(os.P_NOWAIT, "./tool", ["./tool"]),
):
    try:
        os.waitpid(way(), 0)
        found.append("started")
    except OSError as error:
        found.append(error.errno)
for number in taken:
    os.close(number)
print(found)
"""


def test_a_script_that_cannot_be_read_now_is_not_started(isolated):
    script = "#!" + sys.executable + " -I\nopen('outside', 'w').close()\n"
    isolated.write("tool", script, 0o755)
    done = isolated.script("--kernel=off --no-network", NO_DESCRIPTORS)
    assert done.stdout.startswith("[24, 24, "), done
    assert not (isolated.folder / "outside").exists()
