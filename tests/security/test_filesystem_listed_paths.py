"""Paths that do not lead where their text says, under lists of paths: what counts is where the kernel goes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from state_attempts import outcomes

sys.path.insert(0, str(Path(__file__).parent.parent / "lists"))
from path_attempts import PLACES, tree, tried  # the tests of lists have them

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the names of descriptors are those of Linux's /proc")

REMOVED = """
import os
os.makedirs("open/a/gone")
os.makedirs("open/x/y/z")
number = os.open("open/a/gone", os.O_RDONLY)
os.rmdir("open/a/gone")
os.symlink("../x/y/z", "open/a/gone (deleted)")
UP = "../../../"
HERE = f"/proc/self/fd/{number}/{UP}"
"""


@linux_only
@pytest.mark.parametrize("place", PLACES)
def test_the_name_of_a_removed_folder_is_not_followed(isolated, place):
    tree(isolated)
    acts = [
        "os.remove(UP + 'other/file', dir_fd=number)",
        "os.remove(HERE + 'other/file')",
        "os.chmod(HERE + 'openly', 0o777)",
        "os.rename(HERE + 'openly', 'open/taken')",
        "os.mkdir(HERE + 'made')",
        "os.listdir(HERE + 'secret')",
    ]
    found = tried(isolated, place, acts, before=REMOVED)
    assert "done" not in found, found
    assert sorted(path.name for path in isolated.folder.iterdir() if path.is_dir()) == ["open", "other", "secret"]
    assert (isolated.folder / "other/file").exists() and (isolated.folder / "openly").exists()


@linux_only
@pytest.mark.parametrize("place", ["process", "block"])
def test_a_folder_whose_name_only_ends_so_is_used(isolated, place):
    tree(isolated)
    (isolated.folder / "open/kept (deleted)").mkdir()
    before = "number = os.open('open/kept (deleted)', os.O_RDONLY)"
    acts = [
        "os.mkdir('in', dir_fd=number)",
        "os.mkdir(f'/proc/self/fd/{number}/other')",
        "os.rmdir('in', dir_fd=number)",
    ]
    assert tried(isolated, place, acts, before=before) == ["done"] * 3
    assert (isolated.folder / "open/kept (deleted)/other").is_dir()


@linux_only
def test_a_folder_with_a_longer_path_than_the_kernel_tells_is_no_other_folder(isolated):
    before = """
    name = "n" * 200
    numbers = [os.open("shut", os.O_RDONLY)]
    for _ in range(25):
        numbers.append(os.open(name, os.O_RDONLY, dir_fd=numbers[-1]))
    """
    make = """
import os
os.mkdir("shut")
number = os.open("shut", os.O_RDONLY)
for _ in range(25):
    os.mkdir("n" * 200, dir_fd=number)
    number = os.open("n" * 200, os.O_RDONLY, dir_fd=number)
for name in ("file", "kept"):
    os.close(os.open(name, os.O_CREAT, dir_fd=number))
"""
    assert isolated.code(make).code == 0
    acts = [
        "os.remove('file', dir_fd=numbers[-1])",
        "os.rename('file', 'moved', src_dir_fd=numbers[-1], dst_dir_fd=numbers[-1])",
        "os.mkdir('new', dir_fd=numbers[-1])",
        "os.chmod('kept', 0o777, dir_fd=numbers[-1])",
        "os.open('kept', os.O_WRONLY, dir_fd=numbers[-1])",
    ]
    try:
        found = tried(isolated, "process", acts, ["--deny-write", "shut"], before=before)
        assert "done" not in found, found
    finally:
        isolated.code("import shutil; shutil.rmtree('shut')")


@pytest.mark.parametrize("place", PLACES)
def test_an_empty_path_is_not_found(isolated, place):
    tree(isolated)
    acts = ["open('', 'w')", "open(b'', 'ab')", "os.open('', os.O_CREAT | os.O_WRONLY)", "open('open/', 'w')"]
    assert tried(isolated, place, acts) == ["FileNotFoundError"] * 3 + ["IsADirectoryError"]


# Both ask C for nothing, which everybody may: a call that is not refused ends in no violation.
NAMESPACES = """
import posix
@attempt
def left(): os.unshare(0)
@attempt
def left_by_another_name(): posix.unshare(0)
@attempt
def entered(): os.setns(0)
@attempt
def entered_by_another_name(): posix.setns(0)
"""


@pytest.mark.skipif(not hasattr(os, "unshare"), reason="Linux, since 3.12")
@pytest.mark.parametrize("place", ["command line", "block"])
@pytest.mark.parametrize(
    ("options", "keywords", "held"),
    [
        ("--deny-read x", {"deny_read": ["x"]}, True),
        ("--deny-write x", {"deny_write": ["x"]}, True),
        ("--fs-readonly=.", {"fs_readonly": True, "fs_root": "."}, True),
        ("--fs-readonly --allow-write x", {"fs_readonly": True, "allow_write": ["x"]}, True),
        ("--fs-readonly", {"fs_readonly": True}, False),  # nothing is known by its path
    ],
)
def test_paths_keep_the_meaning_that_they_had_at_the_start(isolated, place, options, keywords, held):
    found = outcomes(isolated, place, f"--kernel=off {options}", keywords, NAMESPACES)
    if held:
        assert set(found.values()) == {
            "filesystem mutation disabled: os.unshare(namespaces)",
            "filesystem mutation disabled: os.setns(namespaces)",
        }
    else:
        assert not [said for said in found.values() if "disabled" in said]
