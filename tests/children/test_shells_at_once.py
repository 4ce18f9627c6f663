"""Shells that several threads start at once by ``os.system``, which C starts with variables that all threads share."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell of a POSIX system")

PROGRAM = """
import os, threading, time
os.environ["BASH_ENV"] = "mine"
end, missing, count = time.monotonic() + 2, [], [0]
def work():
    while time.monotonic() < end:
        count[0] += 1
        if os.system('test -n "$HERMETIC_POLICY" && test -n "$PYTHONPATH" && test -z "$BASH_ENV"'):
            missing.append(1)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("enough" if count[0] > 20 else count, len(missing))
"""
AFTERWARDS = """
import os, threading
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True):
    slow = threading.Thread(target=os.system, args=("sleep 0.5",))
    slow.start()
    os.system("true")
slow.join()
os.system("echo policy: $HERMETIC_POLICY path: $PYTHONPATH")
"""


def test_each_is_given_the_guards(isolated):
    """The one that ended first took them away from those that were about to begin."""
    done = isolated.script("--no-network --kernel=off", PROGRAM)
    assert done.stdout == "enough 0\n", done


def test_nothing_stays_behind_the_last(isolated):
    done = isolated.code(AFTERWARDS)
    path = isolated.environment().get("PYTHONPATH", "")
    assert done.stdout.split() == ["policy:", "path:", *path.split()], done


def test_a_forked_process_starts_its_own(isolated):
    """While a shell of its parent's runs, in a thread that it does not have."""
    code = """
import os, threading, time, warnings
warnings.simplefilter("ignore")
slow = threading.Thread(target=os.system, args=("sleep 1",))
slow.start()
time.sleep(0.3)
child = os.fork()
if not child:
    os._exit(os.waitstatus_to_exitcode(os.system('test -n "$HERMETIC_POLICY"')))
print(os.waitpid(child, 0)[1])
slow.join()
"""
    done = isolated.script("--no-network --kernel=off", code)
    assert done.stdout == "0\n", done
