"""Doors whose stand-ins tell more than an event does, in each place under the kernel layer: both say the same."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

PLACES = ["in this process", "another interpreter", "a child"]
OPTIONS = ["--fs-readonly", "--allow-write", "in", "--kernel=require"]
TRIED = """
import json, os, sys
def tried(act):
    try:
        act()
    except Exception as error:
        return f"{type(error).__name__} {error}".replace(os.getcwd(), "HERE")
    return ""
"""


@pytest.fixture(params=PLACES)
def place(request, isolated, other, judged):
    """Runs code there, below a folder that may be written and one that may not; what it found."""
    for folder in ("in", "out"):
        (isolated.folder / folder).mkdir()
        (isolated.folder / folder / "file").write_text("old")
        (isolated.folder / folder / "away").symlink_to(f"../{'out' if folder == 'in' else 'in'}/file")

    def run(code):
        isolated.write("target.py", TRIED + code)
        if request.param == "in this process":
            return isolated.cli(*OPTIONS, "--", "./target.py").data
        if request.param == "another interpreter":
            return isolated.foreign(OPTIONS, other.python, "./target.py").data
        isolated.write("parent.py", "import subprocess, sys\nsubprocess.run([sys.executable, './target.py'])")
        return isolated.cli(*OPTIONS, "--", "./parent.py").data

    return run


def test_files_opened_for_a_child_are_judged(place, isolated):
    found = place("""
def spawn(path, flags):
    actions = [(os.POSIX_SPAWN_OPEN, 1, path, flags, 0o600)]
    child = os.posix_spawn("/bin/echo", ["echo", "said"], os.environ, file_actions=actions)
    if os.waitpid(child, 0)[1]:
        raise OSError("the child has failed")
new = os.O_WRONLY | os.O_CREAT
print(json.dumps([tried(lambda: spawn(path, flags)) for path, flags in
    [("in/new", new), ("out/new", new), ("in/away", os.O_WRONLY), ("out/file", os.O_RDONLY), ("out/file", os.O_RDONLY | os.O_TRUNC)]]))
""")
    refused = "FilesystemViolation filesystem readonly: HERE/"
    assert found[0] == "", found
    assert [text.startswith(refused) for text in found[1:3]] == [True, True], found
    assert found[4].startswith(refused), found
    assert (isolated.folder / "in" / "new").read_text() == "said\n"
    assert not (isolated.folder / "out" / "new").exists()
    assert (isolated.folder / "out" / "file").read_text() == "old"


def test_links_themselves_are_judged_and_what_they_lead_to(place, isolated):
    before = [(isolated.folder / "out" / name).lstat().st_mtime_ns for name in ("file", "away")]
    found = place("""
def times(path, **how): return tried(lambda: os.utime(path, (1, 1), **how))
print(json.dumps([
    times("in/away", follow_symlinks=False), tried(lambda: os.lchown("in/away", os.getuid(), -1)),
    # What is changed lies where that is allowed, whatever name leads there.
    times("out/away"),
    times("in/away"), times("out/away", follow_symlinks=False), tried(lambda: os.lchown("out/away", os.getuid(), -1)),
    tried(lambda: os.chmod("in/away", 0o600)), tried(lambda: os.chown("in/away", os.getuid(), -1)),
    tried(lambda: os.chown("out/away", os.getuid(), -1, follow_symlinks=False)),
]))
""")
    assert found[:3] == ["", "", ""], found
    assert all(text.startswith("FilesystemViolation filesystem mutation disabled: ") for text in found[3:]), found
    assert [(isolated.folder / "out" / name).lstat().st_mtime_ns for name in ("file", "away")] == before
    assert (isolated.folder / "in" / "file").stat().st_mtime == 1
    assert (isolated.folder / "in" / "away").lstat().st_mtime == 1


def test_both_are_held_where_no_stand_in_is(place, isolated):
    """By C: the kernel's rules follow the child, and its judge opens a link as it was meant."""
    found = place("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def times(path, flags): return libc.utimensat(-100, path, None, flags) and ctypes.get_errno()
actions = ctypes.create_string_buffer(512)
libc.posix_spawn_file_actions_init(actions)
libc.posix_spawn_file_actions_addopen(actions, 1, b"out/new", os.O_WRONLY | os.O_CREAT, 0o600)
child, words = ctypes.c_int(), (ctypes.c_char_p * 2)(b"true", None)
spawned = libc.posix_spawn(ctypes.byref(child), b"/bin/true", actions, None, words, None)
print(json.dumps([times(b"in/away", 0x100), times(b"out/away", 0), times(b"in/away", 0), times(b"out/away", 0x100), spawned]))
""")
    assert found == [0, 0, 1, 1, 13]
    assert not (isolated.folder / "out" / "new").exists()
