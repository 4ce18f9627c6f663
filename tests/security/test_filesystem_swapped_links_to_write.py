"""A link swapped while a file is opened to write (sandlock#111): nothing outside the list is made or changed."""

from __future__ import annotations

import os
import sys

import pytest

from _hermetic.enforce.doors import handles

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


@pytest.mark.skipif(sys.platform != "linux", reason="handles")
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_TRUNC])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_was_put_in_the_place_of_a_handle_is_closed_untouched(tmp_path, monkeypatch, flags, swapped):
    """As a race would have it, without one: C opens the path that the handle told, and finds another file there."""
    for name in ("judged", "other"):
        (tmp_path / name).write_text(name)
    opened = []

    def told(opens, words, path, folder, handle):
        assert words[0] == str(tmp_path / "judged")
        assert not words[1] & os.O_TRUNC, "nothing is emptied before it is known what it is"
        opened.append(opens(tmp_path / "other" if swapped else words[0], *words[1:]))
        return opened[-1]

    monkeypatch.setattr(handles, "CAREFUL", True)
    monkeypatch.setattr(handles, "TOLD", told)
    handle = os.open(tmp_path / "judged", os.O_PATH)
    try:
        name = f"/proc/{os.getpid()}/fd/{handle}"
        made = handles.carefully(str(tmp_path / "judged"), None, flags, name, handles.open_fd, (flags,))
    finally:
        os.close(handle)
    assert (tmp_path / "other").read_text() == "other"
    assert (tmp_path / "judged").read_text() == ("" if flags & os.O_TRUNC and not swapped else "judged")
    if swapped:
        assert made is None
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened[0])
    else:
        assert made == opened[0]
        os.close(made)


@pytest.mark.skipif(sys.platform != "linux", reason="handles")
@pytest.mark.parametrize("options", ["--fs-readonly=. --allow-write .", "--fs-readonly --allow-write ."])
@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
def test_modes_mean_the_same_whatever_the_program_writes_into_their_tables(isolated, options, seal):
    """A mode to write that is taken for one to read goes to C by its path, where a link can be swapped for another."""
    code = """if True:
        import os
        from _hermetic.enforce.doors import writing
        for table in (writing.USUAL, writing.KINDS):
            for mode in list(table):
                table[mode] = 0
        for mode in ("w", "wt", "w+", "a", "x", "xb+"):
            open("made " + mode, mode).close()
        print(sorted(name for name in os.listdir() if name.startswith("made ")))
    """
    done = isolated.script(f"--kernel=off {seal}{options}", code)
    assert done.stdout == "['made a', 'made w', 'made w+', 'made wt', 'made x', 'made xb+']\n", done
