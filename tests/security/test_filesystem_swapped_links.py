"""What is judged is what is read, however fast a link is swapped.

References: deno#33894, sandlock#111, sandlock#115.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SWAP = """
import os
while True:
    for target in ({outside!r}, "inside.txt"):
        os.symlink(target, "next")
        os.rename("next", "flip")
"""
READER = """
import os, time
end = time.monotonic() + 2
seen = set()
def by_open(): return open("flip").read()
def by_keyword(): return open("flip", encoding="utf-8").read()
def by_binary(): return open("flip", "rb").read().decode()
def by_os():
    number = os.open("flip", os.O_RDONLY)
    try:
        return os.read(number, 99).decode()
    finally:
        os.close(number)
while time.monotonic() < end:
    for act in (by_open, by_keyword, by_binary, by_os):
        try:
            seen.add(act())
        except OSError as error:
            seen.add(type(error).__name__)
assert "inside" in seen and "FilesystemViolation" in seen, seen
assert "secret" not in seen
"""


@pytest.mark.parametrize("options", ("--fs-readonly=.", "--fs-readonly=. --seal"))
def test_swapped_link_never_shows_what_lies_outside(isolated, options):
    outside = isolated.folder.parent / "secret.txt"
    outside.write_text("secret")
    isolated.write("inside.txt", "inside")
    (isolated.folder / "flip").symlink_to("inside.txt")
    swapper = subprocess.Popen([sys.executable, "-c", SWAP.format(outside=str(outside))], cwd=isolated.folder)
    try:
        done = isolated.script(options, READER)
    finally:
        swapper.kill()
        swapper.wait()
    assert done.code == 0, done


def test_no_thread_finds_a_readable_descriptor_of_what_is_refused(isolated):
    """A check after the opening would leave one open for a moment."""
    outside = isolated.folder.parent / "secret.txt"
    outside.write_text("secret")
    (isolated.folder / "leak").symlink_to(outside)
    code = """
        import os, sys, threading, time
        sys.setswitchinterval(1e-6)
        got, done = [], []
        def grab():
            while not done:
                for number in range(3, 20):
                    try:
                        got.append(os.pread(number, 9, 0))
                    except OSError:
                        pass
        threads = [threading.Thread(target=grab) for _ in range(2)]
        for thread in threads: thread.start()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for act in (lambda: open("leak"), lambda: os.open("leak", 0)):
                try:
                    act()
                except OSError:
                    pass
        done.append(True)
        for thread in threads: thread.join()
        assert b"secret" not in got
    """
    done = isolated.script("--fs-readonly=.", code)
    assert done.code == 0, done


def test_a_fifo_outside_is_not_touched(isolated):
    pipe = isolated.folder.parent / "pipe"
    os.mkfifo(pipe)
    (isolated.folder / "link").symlink_to(pipe)
    code = """
        import os, sys
        for act in (open, lambda path: os.open(path, os.O_RDONLY), lambda path: os.open(path, os.O_NONBLOCK)):
            for path in (sys.argv[1], "link"):
                try:
                    act(path)
                except PermissionError:
                    pass
                else:
                    raise SystemExit(path)
    """
    # Somebody waits at its other end: a reader, even for a moment, would let it through.
    waiting = subprocess.Popen([sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(pipe)])
    try:
        done = isolated.script("--fs-readonly=.", code, str(pipe), timeout=20)
        assert done.code == 0, done
        assert waiting.poll() is None
    finally:
        waiting.kill()
        waiting.wait()
