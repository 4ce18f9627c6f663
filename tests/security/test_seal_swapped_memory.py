"""A link that a thread swaps for /proc/self/mem between the check and the opening, under a seal."""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="procfs")
SWAP = """
import io, os, sys, threading
open("file", "w").close()
stop = threading.Event()
sys.setswitchinterval(1e-6)

def swap():
    while not stop.is_set():
        for number, target in enumerate(("file", "/proc/self/mem")):
            os.symlink(target, f"flip.{number}")
            os.replace(f"flip.{number}", "flip")

os.symlink("file", "flip")
swapper = threading.Thread(target=swap, daemon=True)
swapper.start()
opened = reached = 0
for number in range(1000):
    for act in (lambda: open("flip", "r+b", 0), lambda: io.FileIO("flip", "r+"), lambda: os.fdopen(os.open("flip", os.O_RDWR), "r+b", 0)):
        try:
            with act() as file:
                opened += 1
                reached += os.readlink(f"/proc/self/fd/{file.fileno()}").endswith("/mem")
        except Exception:
            pass  # refused by a guard or by the kernel
stop.set()
swapper.join()
print(opened, reached)
"""


@pytest.mark.parametrize("options", ["--no-subprocess", "--no-environment"])
def test_a_link_swapped_for_memory_while_it_is_opened(isolated, options):
    held = {
        row["capability"]: row["state"] for row in json.loads(isolated.cli("doctor", "--json").stdout)["kernel"]["auto"]
    }
    if held["memory"] == "guard only":
        pytest.skip("a race that only Landlock decides")
    done = isolated.script(["--seal", options], SWAP, timeout=60)
    opened, reached = map(int, done.stdout.split())
    assert opened, "nobody swapped"
    assert reached == 0
