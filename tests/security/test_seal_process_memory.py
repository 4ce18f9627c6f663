"""A process's memory opened to write: /proc/PID/mem by every way that leads there.

References: CVE-2024-34346.
"""

from __future__ import annotations

import os
import sys

import pytest
from state_attempts import PLACES, outcomes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="procfs")
WAYS = """
import io
HERE = os.getcwd()
os.symlink("/proc/self/mem", "link"); os.symlink("/proc/self", "folder"); os.symlink("link", "twice"); os.symlink("/proc", "proc_link")
RW = os.O_RDWR
def handle(path, flags=os.O_RDONLY): return os.open(path, flags | os.O_DIRECTORY)
@attempt
def named(): return open("/proc/self/mem", "r+b", 0)
@attempt
def bytes_name(): return open(b"/proc/self/mem", "r+b", 0)
@attempt
def only_write(): return os.open("/proc/self/mem", os.O_WRONLY)
@attempt
def by_pid(): return open(f"/proc/{os.getpid()}/mem", "r+b", 0)
@attempt
def by_task(): return open(f"/proc/self/task/{os.getpid()}/mem", "r+b", 0)
@attempt
def of_thread(): return io.FileIO("/proc/thread-self/mem", "r+")
@attempt
def of_parent(): return open(f"/proc/{os.getppid()}/mem", "r+b", 0)
@attempt
def by_root(): return open("/proc/self/root/proc/self/mem", "r+b", 0)
@attempt
def dotted(): return open("/proc/self/../self/./mem", "r+b", 0)
@attempt
def doubled(): return open("//proc//self//mem", "r+b", 0)
@attempt
def by_link(): return open("link", "r+b", 0)
@attempt
def by_two_links(): return open("twice", "r+b", 0)
@attempt
def by_folder_link(): return open("folder/mem", "r+b", 0)
@attempt
def by_proc_link(): return open("proc_link/self/mem", "r+b", 0)
@attempt
def link_and_back(): return open("folder/../self/mem", "r+b", 0)
@attempt
def by_descriptor(): return os.open("mem", RW, dir_fd=handle("/proc/self"))
@attempt
def by_path_handle(): return os.open("mem", RW, dir_fd=handle("/proc/self", os.O_PATH))
@attempt
def by_far_descriptor(): return os.open("self/mem", RW, dir_fd=handle("/proc"))
@attempt
def by_root_descriptor(): return os.open("proc/self/mem", RW, dir_fd=handle("/"))
@attempt
def by_high_descriptor():
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(5000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    os.dup2(handle("/proc/self"), 4444)
    return os.open("mem", RW, dir_fd=4444)
@attempt
def link_of_a_descriptor(): return os.open("link", RW, dir_fd=handle("."))
@attempt
def name_of_a_descriptor(): return open(f"/proc/self/fd/{handle('/proc/self')}/mem", "r+b", 0)
@attempt
def reopened(): return open(f"/proc/self/fd/{os.open('/proc/self/mem', os.O_PATH)}", "r+b", 0)
@attempt
def reopened_from_reading(): return open(f"/dev/fd/{os.open('/proc/self/mem', os.O_RDONLY)}", "r+b", 0)
@attempt
def opener(): return open("x", "r+b", 0, opener=lambda path, flags: os.open("mem", flags, dir_fd=handle("/proc/self")))
@attempt
def working_directory():
    os.chdir("/proc/self")
    try: return open("mem", "r+b", 0)
    finally: os.chdir(HERE)
@attempt
def working_directory_of_a_task():
    os.chdir("/proc/self/task")
    try: return os.open(f"{os.getpid()}/mem", RW)
    finally: os.chdir(HERE)
@attempt
def by_cwd_link():
    os.chdir("/proc/self")
    try: return open("/proc/self/cwd/mem", "r+b", 0)
    finally: os.chdir(HERE)
"""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "option", [("--no-subprocess", {"block_subprocess": True}), ("--deny-import this", {"deny_imports": ["this"]})]
)
def test_memory_is_not_opened_to_write(isolated, option, place):
    found = outcomes(isolated, place, *option, WAYS)
    assert len(found) > 25
    for name, outcome in found.items():
        assert outcome == "interpreter mutation disabled: memory", f"{name}: {outcome}"


@pytest.mark.parametrize("place", PLACES)
def test_files_that_are_only_called_so_are_written(isolated, place):
    code = """
os.makedirs("proc_like/self")
@attempt
def relative(): return os.write(os.open("mem", os.O_CREAT | os.O_RDWR), b"x")
@attempt
def by_descriptor(): return os.write(os.open("mem", os.O_CREAT | os.O_RDWR, dir_fd=os.open("proc_like/self", 0)), b"x")
@attempt
def named(): return open("proc_like/self/mem", "w").write("x")
@attempt
def with_a_hyphen(): return os.write(os.open("2024-11", os.O_CREAT | os.O_RDWR), b"x")
@attempt
def like_ours(): return os.write(os.open("policy.py", os.O_CREAT | os.O_RDWR), b"x")
"""
    found = outcomes(isolated, place, "--no-subprocess", {"block_subprocess": True}, code)
    assert set(found.values()) == {"1"}, found


@pytest.mark.parametrize("path", ["mem", "./mem", "task/../mem", "cwd/mem", "/proc/self/mem"])
def test_memory_by_another_mount_of_procfs(monkeypatch, path):
    """Another mount is another device, and may have any name: what lies beside the file tells what it is."""
    from _hermetic.capabilities.integrity import files, memory

    for module in (files, memory):
        monkeypatch.setattr(module, "PROC_DEVICE", -1)
    monkeypatch.chdir("/proc/self")
    for args in ((path, "r+b", 2), (path.encode(), "r+b", 2)):
        assert memory.memory_write(args, None) == "memory"
        assert not files.may_be_written((False, False), args)


@pytest.mark.parametrize("device", [-1, None], ids=["another mount", "this mount"])
@pytest.mark.parametrize("path", ["map_files/{}", "./map_files/../map_files/{}", "{link}/{}"])
def test_what_is_mapped_by_any_name_of_its_folder(monkeypatch, tmp_path, path, device):
    from _hermetic.capabilities.integrity import files, memory

    (tmp_path / "link").symlink_to("/proc/self/map_files")
    if device is not None:
        for module in (files, memory):
            monkeypatch.setattr(module, "PROC_DEVICE", device)
    monkeypatch.chdir("/proc/self")
    args = path.format(os.listdir("map_files")[0], link=tmp_path / "link"), "r+b", 2
    assert memory.memory_write(args, None) == "memory"
    assert not files.may_be_written((False, False), args)
