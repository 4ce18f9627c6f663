"""hermetic's own files, named where no guard can look: every descriptor is in use at that moment, or there is another root."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors in /proc")

# The event of os.open does not tell its dir_fd, so a guard lists what is open, which takes a descriptor.
FULL = """
import os, resource, sys, threading, time, _hermetic
handle = os.open(os.path.dirname(_hermetic.__file__), os.O_RDONLY)
resource.setrlimit(resource.RLIMIT_NOFILE, (handle + 2, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
stop = threading.Event()

def take_the_last_one():
    while not stop.is_set():
        try:
            os.close(os.dup(0))
        except OSError:
            pass

threading.Thread(target=take_the_last_one).start()
found, end = set(), time.monotonic() + 4
while time.monotonic() < end:
    try:
        os.close(os.open("model.py", os.O_WRONLY, dir_fd=handle))
        found.add("opened")
    except OSError as error:
        found.add(getattr(error, "reason", error.errno))
stop.set()
print(found - {"integrity", 24}, "integrity" in found)
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
def test_a_full_table_of_descriptors_hides_nothing(isolated, options):
    done = isolated.script(f"--kernel=off {options}", FULL)
    assert done.stdout == "set() True\n", done


def test_a_sealed_process_keeps_its_root(isolated):
    code = """
        import os, posix
        acts = [lambda: os.chroot('.'), lambda: posix.chroot('.')]
        acts += [lambda: os.setns(0)] if hasattr(os, "setns") else []
        for act in acts:
            try:
                act()
                print("done")
            except OSError:
                print("error")
            except RuntimeError as error:
                print(error)
    """
    done = isolated.script("--kernel=off --no-environment --seal", code)
    assert done.stdout.splitlines() == ["interpreter mutation disabled: root"] * (3 if hasattr(os, "setns") else 2), (
        done
    )
