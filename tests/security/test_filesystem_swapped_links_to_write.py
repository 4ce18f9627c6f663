"""A link swapped while a file is opened to write (sandlock#111): nothing outside the list is made or changed."""

from __future__ import annotations

import pytest

ROUNDS = 3000
SWAP = """
import os, sys, threading
from multiprocessing import get_context

def swap(stop):
    "Lead open/flip to a folder inside and to one outside, in turn; the same for the last name open/name."
    turn = 0
    while not os.path.exists(stop):
        turn += 1
        for name, targets in (("flip", ("inside", "../outside")), ("name", ("inside/file", "../outside/file"))):
            os.symlink(targets[turn % 2], f"open/{name}.{turn}")
            os.replace(f"open/{name}.{turn}", f"open/{name}")

def attack(rounds):
    done = refused = 0
    for number in range(rounds):
        for act in (
            lambda: open("open/flip/made", "w"),
            lambda: open("open/flip/file", "a"),
            lambda: open("open/name", "r+"),
            lambda: open("open/name", "w"),
            lambda: os.fdopen(os.open("open/flip/fd", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), "w"),
        ):
            try:
                with act() as file:
                    file.write("reached")
                done += 1
            except OSError:
                refused += 1
    return done, refused

if __name__ == "__main__":
    swapper = threading.Thread(target=swap, args=("stop",)) if sys.argv[2] == "thread" else get_context("fork").Process(target=swap, args=("stop",))
    swapper.start()
    try:
        print(*attack(int(sys.argv[1])))
    finally:
        open("open/stop", "w").close()
        swapper.join()
"""


@pytest.mark.parametrize("options", ["", "--seal"])
@pytest.mark.parametrize("swapper", ["thread", "process"])
def test_what_is_opened_to_write_is_what_was_judged(isolated, swapper, options):
    for name in ("open/inside", "outside"):
        (isolated.folder / name).mkdir(parents=True)
        (isolated.folder / name / "file").write_text("kept")
    rounds = ROUNDS // (10 if options or swapper == "thread" else 1)
    code = SWAP.replace("os.path.exists(stop)", 'os.path.exists("open/stop")')
    words = ["--fs-readonly", "--allow-write=open", *options.split()]
    done = isolated.script(words, code, str(rounds), swapper, timeout=110)
    assert done.code == 0, done
    allowed, refused = map(int, done.stdout.split())
    assert allowed and refused, "nobody swapped"
    assert sorted(path.name for path in (isolated.folder / "outside").iterdir()) == ["file"]
    assert (isolated.folder / "outside/file").read_text() == "kept"
