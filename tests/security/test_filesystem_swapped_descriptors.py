"""What is judged is what is opened, though something else is put in a descriptor's place between the two (dup2)."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors have names below /proc on Linux")

# An audit hook that a program adds before its block runs between the guard's check and C's call: what another thread
# does there with luck, it does each time.
SWAP = """
import os, sys, threading
from hermetic import hermetic_blocker
with hermetic_blocker(fs_readonly=True): pass
os.chdir(sys.argv[1])
secret = os.dup2(os.open("leak", os.O_PATH), 200)
first = os.dup(0)
os.close(first)
armed, seen = [], set()
def swap(event, args):
    if event == "open" and armed and not (type(args[2]) is int and args[2] & os.O_PATH):
        armed.pop()
        for number in range(first, first + 3):
            os.dup2(secret, number)
sys.addaudithook(swap)
def look(act):
    armed.append(True)
    try:
        seen.add(act())
    except OSError as error:
        seen.add(type(error).__name__)
    armed.clear()
    os.closerange(first, first + 5)
idle = threading.Event()
thread = threading.Thread(target=idle.wait)
thread.start()
"""
READS = (
    SWAP
    + """
def by_open():
    with open("inside.txt", "rb", 0) as file:
        return os.pread(file.fileno(), 99, 0)
def by_os():
    return os.pread(os.open("inside.txt", os.O_RDONLY), 99, 0)
def by_number(opening):
    number = os.dup2(os.open("inside.txt", os.O_RDONLY), first + 1)
    armed.append(True)
    return os.pread(opening("/proc/self/fd/%d" % number), 99, 0)
with hermetic_blocker(fs_readonly=True, fs_root="."):
    for act in (by_open, by_os):
        look(act)
    for opening in (lambda name: os.open(name, os.O_RDONLY), lambda name: open(name, "rb", 0).fileno()):
        look(lambda: by_number(opening))
idle.set()
assert b"secret" not in seen, seen
"""
)
WRITES = (
    SWAP
    + """
def by_open():
    open("/proc/self/fd/%d" % number, "w").write("changed")
def by_os():
    os.write(os.open("/dev/fd/%d" % number, os.O_WRONLY | os.O_TRUNC), b"changed")
secret = os.dup2(os.open("victim.txt", os.O_RDONLY), 200)
with hermetic_blocker(fs_readonly=True, fs_root="."):
    for act in (by_open, by_os):
        number = os.dup2(os.memfd_create("mine"), first + 1)
        look(act)
idle.set()
assert open("victim.txt").read() == "victim", "changed"
"""
)


@pytest.fixture
def folder(isolated):
    (isolated.folder.parent / "secret.txt").write_text("secret")
    isolated.write("inside.txt", "inside")
    isolated.write("victim.txt", "victim")
    (isolated.folder / "leak").symlink_to("../secret.txt")
    return str(isolated.folder)


def test_a_swapped_handle_never_shows_what_lies_outside(isolated, folder):
    isolated.passes(READS, folder)


def test_a_descriptor_that_is_written_by_its_name_is_the_one_that_was_judged(isolated, folder):
    isolated.passes(WRITES, folder)


# A child that was forked has the numbers of its handles to itself, however its parent uses them.
FORKED = """
import os, sys
from hermetic import hermetic_blocker
ready, go = os.pipe()
def look(act):
    os.close(go)
    os.read(ready, 1)
    print(act(), flush=True)
    os._exit(0)
def by_os():
    return os.read(os.open("inside.txt", os.O_RDONLY), 99)
def by_open():
    with open("inside.txt", "rb") as file:
        return file.read()
def by_writing():
    os.write(os.open("inside.txt", os.O_WRONLY), b"INSIDE")
    with open("made.txt", "x") as file:
        return file.write("made")
with hermetic_blocker(fs_readonly=True, fs_root=".", allow_write=["inside.txt", "made.txt"]):
    for act in (by_open, by_os, by_writing, by_os):
        child = os.fork() or look(act)
        other = os.open("victim.txt", os.O_RDONLY)
        first = other + 1
        for number in range(first, first + 9):
            os.dup2(other, number)
        os.write(go, b"x")
        os.waitpid(child, 0)
        os.closerange(other, first + 9)
print(open("victim.txt").read())
"""


def test_a_forked_child_opens_nothing_of_its_parent(isolated, folder):
    done = isolated.passes(FORKED)
    assert done.stdout.splitlines() == ["b'inside'", "b'inside'", "4", "b'INSIDE'", "victim"]
