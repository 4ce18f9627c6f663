"""/proc/*/environ and /proc/*/mem, by every name that the guard can see.

References: CVE-2024-34346.
"""

from __future__ import annotations

import sys

import pytest
from state_attempts import PLACES, outcomes

from _hermetic.capabilities.environment import is_process_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="procfs")

WAYS = """
import io, pathlib, readline
def links(target, name):
    os.symlink(target, name)
    try: return open(name).read()
    finally: os.unlink(name)
parent = os.getppid()
for number, path in enumerate((
    "/proc/self/environ", "/proc/thread-self/environ", f"/proc/{os.getpid()}/environ", f"/proc/{parent}/environ",
    f"/proc/self/task/{os.getpid()}/environ", "/proc/self/cwd/../../../../../../../../proc/self/environ",
    "/proc/self/root/proc/self/environ", "//proc/./self/environ", b"/proc/self/environ", "/proc/self/mem",
    f"/proc/self/task/{os.getpid()}/mem", f"/proc/{parent}/mem",
)):
    def reading(): return open(path, "rb").read(1 << 16)
    reading.__name__ = f"path_{number}"
    attempt(reading)
@attempt
def path_object(): return pathlib.Path("/proc/self/environ").read_bytes()
@attempt
def descriptor(): return os.read(os.open("/proc/self/environ", os.O_RDONLY), 99)
@attempt
def file_io(): return io.FileIO("/proc/self/environ").read()
@attempt
def linked_file(): return links("/proc/self/environ", "innocent.txt")
@attempt
def linked_twice():
    os.symlink("/proc/self/environ", "one")
    try: return links("one", "two")
    finally: os.unlink("one")
@attempt
def linked_folder():
    os.symlink("/proc/self", "folder")
    try: return open("folder/environ").read()
    finally: os.unlink("folder")
@attempt
def folder_descriptor(): return os.open("/proc/self", os.O_RDONLY)
@attempt
def folder_of_folders():
    top = os.open("/proc", os.O_RDONLY)
    own = os.open("self", os.O_RDONLY, dir_fd=top)
    return os.read(os.open("environ", os.O_RDONLY, dir_fd=own), 99)
@attempt
def link_by_descriptor():
    os.makedirs("shelf", exist_ok=True)
    if not os.path.lexists("shelf/innocent.txt"): os.symlink(f"/proc/{parent}/environ", "shelf/innocent.txt")
    shelf = os.open("shelf", os.O_RDONLY)
    return os.read(os.open("innocent.txt", os.O_RDONLY, dir_fd=shelf), 9999)
@attempt
def link_by_descriptor_and_posix():
    import posix
    above = os.open(".", os.O_PATH)
    os.chdir("/")
    try: return os.read(posix.open("shelf/innocent.txt", os.O_RDONLY, dir_fd=above), 9999)
    finally: os.chdir(above)
@attempt
def link_to_folder_by_descriptor():
    os.symlink(f"/proc/{parent}", "shelf/folder")
    shelf = os.open("shelf", os.O_RDONLY)
    folder = os.open("folder", os.O_RDONLY, dir_fd=shelf)
    os.unlink("shelf/folder")
    return os.read(os.open("environ", os.O_RDONLY, dir_fd=folder), 9999)
@attempt
def opener():
    own = os.open("/proc", os.O_RDONLY)
    return open("self/environ", opener=lambda path, flags: os.open(path, flags, dir_fd=own)).read()
@attempt
def from_inside():
    here = os.getcwd()
    os.chdir("/proc/self")
    try: return open("environ").read()
    finally: os.chdir(here)
@attempt
def history():
    readline.read_history_file("/proc/self/environ")
    return readline.get_history_item(1)
"""


@pytest.mark.parametrize("place", PLACES)
def test_no_name_of_them_is_opened(isolated, place):
    found = outcomes(isolated, place, "--no-environment", {"block_environment": True}, WAYS)
    for name, outcome in found.items():
        assert outcome.startswith("environment disabled: "), f"{name}: {outcome}"


def test_files_that_only_sound_like_them_are_read(isolated):
    isolated.write("environ", "mine")
    isolated.write("proc/self/environ", "mine too")
    isolated.write("real.txt", "real")
    code = """
@attempt
def environ(): return open("environ").read()
@attempt
def mem():
    open(os.path.abspath("mem"), "w").close()
    return open(os.path.abspath("mem")).read()
@attempt
def nested(): return open("proc/self/environ").read()
@attempt
def linked():
    os.symlink("real.txt", "link.txt")
    return open("link.txt").read()
@attempt
def by_descriptor(): return os.read(os.open("real.txt", os.O_RDONLY, dir_fd=os.open(".", os.O_PATH)), 9)
@attempt
def tree():
    import shutil
    os.makedirs("deep/er/still")
    shutil.rmtree("deep")
    return os.path.exists("deep")
@attempt
def status(): return open("/proc/self/status").read()[:5]
@attempt
def missing(): return open("nowhere/environ")
@attempt
def fd_name():
    file = open("real.txt")
    return open(f"/proc/self/fd/{file.fileno()}").read()
"""
    found = outcomes(isolated, "command line", "--no-environment", {}, code)
    assert found == {
        "environ": "'mine'", "mem": "''", "nested": "'mine too'", "linked": "'real'", "status": "'Name:'",
        "missing": "FileNotFoundError", "fd_name": "'real'", "by_descriptor": "b'real'", "tree": "False",
    }  # fmt: skip


def test_another_procfs_is_known_by_its_name(tmp_path):
    """As one of another namespace that is mounted somewhere: its files are of another device, and without a size."""
    for name, size in (("proc/1/environ", 0), ("proc/2/environ", 1), ("process/1/environ", 0)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * size)
    assert is_process_file(f"{tmp_path}/proc/1/environ")
    assert not is_process_file(f"{tmp_path}/proc/2/environ")
    assert not is_process_file(f"{tmp_path}/process/1/environ")
