"""--block-native knows the interpreter's own extension modules by their folder: nothing is put there, nor another folder.

The same for native code as for programs (deno#11964): whoever could write what is allowed could run anything.
"""

from __future__ import annotations

import os
import sys

import pytest

# What would be done if it were not refused changes no interpreter: a folder is moved onto one that is not empty.
TRY = """
import _io, json, os, posix, sys
own = [entry for entry in sys.path if entry.endswith("lib-dynload")][0]
new, there = own + "/_hermetic_test.so", own + "/" + sorted(os.listdir(own))[0]
os.makedirs("full/folder", exist_ok=True)
os.makedirs("empty", exist_ok=True)
for name, leads in (("link", new), ("folder", own), ("root", "/")):
    os.symlink(leads, name)
handle = os.open(own, os.O_RDONLY)

def opened(open, *words, **options):
    try:
        result = open(*words, **options)
    finally:
        if os.path.isdir(new):
            os.rmdir(new)
        elif os.path.lexists(new):
            os.remove(new)
    return result

acts = {
    "open": lambda: opened(open, new, "w"),
    "as bytes": lambda: opened(open, os.fsencode(new), "wb"),
    "os.open": lambda: opened(os.open, new, os.O_CREAT | os.O_RDWR),
    "C's own": lambda: opened(posix.open, new, os.O_CREAT | os.O_RDWR),
    "FileIO": lambda: opened(_io.FileIO, new, "w"),
    "below a handle": lambda: opened(os.open, "_hermetic_test.so", os.O_CREAT | os.O_RDWR, dir_fd=handle),
    "a link to it": lambda: opened(open, "link", "w"),
    "a link to its folder": lambda: opened(open, "folder/_hermetic_test.so", "w"),
    "by another root": lambda: opened(open, "root" + new, "w"),
    "by the process": lambda: opened(open, "/proc/self/root" + new, "w"),
    "what is there": lambda: open(there, "r+b"),
    "cut": lambda: os.truncate(there, os.stat(there).st_size),
    "a second name": lambda: os.link(there, "second.so"),
    "moved there": lambda: opened(os.rename, "empty", new),
    "a link there": lambda: opened(os.symlink, "/nowhere", new),
    "another folder": lambda: os.rename(own, "full"),
    "a folder above": lambda: os.rename(os.path.dirname(os.path.dirname(own)), "full"),
    "removed": lambda: os.rmdir(own),
    "another root": lambda: os.chroot("/"),
}
if hasattr(os, "setns"):
    acts["another namespace"] = lambda: os.setns(handle)
found = {}
for name, act in acts.items():
    try:
        act()
        found[name] = "done"
    except Exception as error:
        found[name] = getattr(error, "reason", repr(error))
open("notes.so", "w").close(), os.makedirs(os.path.dirname(own), exist_ok=True)
open("notes", "w").close(), os.rename("notes.so", "other.so"), os.remove("other.so")
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="links and handles")
@pytest.mark.parametrize("place", ["run", "sealed", "block"])
def test_nothing_is_put_among_the_extension_modules(isolated, place):
    isolated.write("run/target.py", TRY)
    folder = isolated.folder / "run"
    if place == "block":
        code = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_native=True):\n"
        isolated.write("run/block.py", code + "    exec(open('target.py').read())")
        done = isolated.python("block.py", cwd=folder)
    else:
        seal = ["--seal"] if place == "sealed" else []
        done = isolated.cli("--block-native", *seal, "--", "./target.py", cwd=folder)
    assert done.code == 0, done
    assert {name: said for name, said in done.data.items() if said != "block-native"} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="where open folders are told")
def test_a_name_of_any_open_folder_may_be_meant(tmp_path):
    """The event of ``os.open`` names no folder: a reference older than the stand-in tells the guard nothing else."""
    from _hermetic.capabilities.imports.libraries import library_written

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "link").symlink_to("made.so")
    handles = [os.open(tmp_path / name, os.O_RDONLY) for name in ("one", "two")]
    try:
        for name in ("link", "made.so"):
            found = library_written((name, None, os.O_WRONLY), None)
            assert found is not None
            assert str(tmp_path / "one" / "made.so") in found[1]
        assert library_written(("plain", None, os.O_WRONLY), None) is None
    finally:
        for handle in handles:
            os.close(handle)
