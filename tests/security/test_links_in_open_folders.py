"""A process's memory, and hermetic's own files, by a link that lies in an open folder: the event of os.open does not tell
its dir_fd, and the link's name says nothing. By links too long to be joined, and from folders with no path that C takes.
"""

from __future__ import annotations

import os
import sys
import venv

import pytest
from state_attempts import PLACES, PRELUDE, REPORT, outcomes

import hermetic

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors in /proc")

# What the link leads to is `goal`. A folder that was removed still has a way up.
WAYS = """
import _hermetic
RW, HERE = os.O_RDWR, os.getcwd()
def goal(): return GOAL
os.mkdir("shelf"); os.mkdir("shelf/removed"); os.mkdir("shelf/left")
os.symlink(goal(), "shelf/link"); os.symlink("link", "shelf/again"); os.symlink(os.path.dirname(goal()), "shelf/folder")
shelf, removed = os.open("shelf", os.O_RDONLY), os.open("shelf/removed", os.O_RDONLY)
os.rmdir("shelf/removed")
os.symlink("./" * 1500 + "link", "shelf/long")
@attempt
def other_folder(): return os.open("link", RW, dir_fd=shelf)
@attempt
def in_bytes(): return os.open(b"link", os.O_WRONLY, dir_fd=shelf)
@attempt
def two_links(): return os.open("again", RW, dir_fd=shelf)
@attempt
def folder_link(): return os.open("folder/" + os.path.basename(goal()), RW, dir_fd=shelf)
@attempt
def handle_of_the_folder(): return os.open("link", RW, dir_fd=os.open("shelf", os.O_PATH))
@attempt
def removed_folder(): return os.open("../link", RW, dir_fd=removed)
@attempt
def removed_folder_and_back(): return os.open("../left/../link", RW, dir_fd=removed)
@attempt
def descriptors(): os.symlink("/proc/self/fd", "shelf/fd"); return os.open(f"fd/{os.open(goal(), os.O_PATH)}", RW, dir_fd=shelf)
@attempt
def opener(): return open("x", "r+b", 0, opener=lambda path, flags: os.open("link", flags, dir_fd=shelf))
@attempt
def long_link(): return open("shelf/" + "./" * 1000 + "long", "r+b", 0)
@attempt
def long_link_of_a_folder(): return os.open("./" * 1000 + "long", RW, dir_fd=shelf)
def by_deep_folder():
    for _ in range(20):
        os.mkdir("d" * 250); os.chdir("d" * 250)
    os.symlink(goal(), "link")
    deep = os.open(".", os.O_RDONLY)
    os.chdir(HERE)
    return os.open("link", RW, dir_fd=deep)
attempt(by_deep_folder)
def by_removed_working_directory():
    os.mkdir("shelf/gone"); os.chdir("shelf/gone"); os.rmdir(".." + "/gone")
    try: return open("../link", "r+b", 0)
    finally: os.chdir(HERE)
attempt(by_removed_working_directory)
"""


@pytest.mark.parametrize("place", PLACES)
def test_memory_is_not_written_by_a_link_in_an_open_folder(isolated, place):
    found = outcomes(
        isolated,
        place,
        "--kernel=off --no-subprocess",
        {"block_subprocess": True},
        WAYS.replace("GOAL", "'/proc/self/mem'"),
    )
    # What the walk ends with where nobody can tell a path.
    told = {"interpreter mutation disabled: memory", "interpreter mutation disabled: open(?)"}
    assert len(found) == 13
    assert set(found.values()) <= told, found
    assert [name for name, text in found.items() if "?" in text] in ([], ["by_removed_working_directory"]), found


@pytest.mark.parametrize("place", PLACES)
def test_own_files_are_not_written_by_a_link_in_an_open_folder(isolated, place):
    goal = "_hermetic.__file__.replace('__init__', 'model')"
    found = outcomes(
        isolated, place, "--kernel=off --no-subprocess", {"block_subprocess": True}, WAYS.replace("GOAL", goal)
    )
    assert len(found) == 13
    for name, outcome in found.items():
        unknown = name == "by_removed_working_directory" and outcome == "filesystem mutation disabled: open(?)"
        assert unknown or outcome.startswith("filesystem readonly: "), (name, found)


@pytest.mark.parametrize("place", PLACES)
def test_other_files_are_written_by_a_link_in_an_open_folder(isolated, place):
    found = outcomes(
        isolated,
        place,
        "--kernel=off --no-subprocess",
        {"block_subprocess": True},
        "open('mine', 'w').close()\n" + WAYS.replace("GOAL", "HERE + '/mine'"),
    )
    refused = [name for name, text in found.items() if not text.isdecimal() and "FileIO" not in text]
    assert refused in ([], ["by_removed_working_directory"]), found


# The folder of start-up files, by the way up from one that was removed.
STARTUP = """
import site, sys
folder = site.getsitepackages()[0]
os.mkdir(folder + "/removed-folder")
removed = os.open(folder + "/removed-folder", os.O_RDONLY)
os.rmdir(folder + "/removed-folder")
@attempt
def by_its_path(): return os.open(folder + "/planted.pth", os.O_CREAT | os.O_WRONLY)
@attempt
def by_a_removed_folder(): return os.open("../planted.pth", os.O_CREAT | os.O_WRONLY, dir_fd=removed)
@attempt
def from_there(): return os.open("planted.pth", os.O_CREAT | os.O_WRONLY, dir_fd=removed)
"""


def test_no_start_up_file_by_a_removed_folder(isolated, tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    isolated.write("planting.py", PRELUDE + STARTUP + REPORT)
    path = os.path.dirname(os.path.dirname(hermetic.__file__))
    done = isolated.run(
        [str(python), "-m", "hermetic", "--kernel=off", "--no-interpreter-mutation", "--", "./planting.py"],
        env={"PYTHONPATH": path},
    )
    found = done.data
    assert found["by_its_path"].startswith("interpreter mutation disabled: "), done
    assert found["by_a_removed_folder"] == "interpreter mutation disabled: open(?)", done
    assert not list((tmp_path / "env").rglob("planted.pth"))
