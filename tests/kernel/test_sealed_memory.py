"""A seal's memory: what the kernel keeps from being written, and that nothing else is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from _hermetic.enforce.kernel.linux import landlock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock")
MEMORY = """
def opening(path, flags=2):
    "The error of an opening that no guard sees, or 0."
    descriptor = C.open(os.fsencode(path), flags | 0o2000000, 0o600)
    if descriptor < 0:
        return ctypes.get_errno()
    os.close(descriptor)
    return 0
os.makedirs("one/two"); os.mkdir("other")
found = {
    "memory": opening("/proc/self/mem"),
    "of a thread": opening("/proc/thread-self/mem"),
    "by a link": (os.symlink("/proc/self/mem", "link"), opening("link"))[1],
    "by the root of a process": opening("/proc/self/root/proc/self/mem"),
    "to read": opening("/proc/self/mem", 0),
    "a file": opening("one/two/made", 0o102),
    "a temporary file": opening("/tmp", 0o20200002),
    "moved": (os.rename("one/two/made", "other/moved"), 0)[1],
    "linked": (os.link("other/moved", "one/linked"), 0)[1],
    "nowhere": opening("/dev/null"),
    "a pipe of ours": opening(f"/proc/self/fd/{os.pipe()[1]}", 1),
    "a new folder": (os.mkdir("one/new"), opening("one/new/x", 0o101))[1],
    "a child's": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if (child := os.fork()) else os._exit(opening("/proc/self/mem")),
}
print(json.dumps(found))
"""
REFUSED = {"memory", "of a thread", "by a link", "by the root of a process", "a child's"}


@pytest.mark.parametrize(
    "families",
    [
        {"environment": {}},
        {"network": {}},
        {"network": {"allow_localhost": True}},
        {"filesystem": {"allow_write": ("/",)}},
        {"filesystem": {"allow_write": ("/proc", "/tmp", "/dev", "HERE")}},
    ],
    ids=str,
)
def test_memory_is_not_written_and_all_else_is(held, landlock, families):
    folder = str(held.isolated.folder)
    text = repr(families).replace("HERE", folder)
    found = held(eval(text), MEMORY, sealed=True)
    assert {name: error for name, error in found.items() if error} == dict.fromkeys(REFUSED, 13)


def test_without_a_seal_it_is_the_guards(held, landlock):
    found = held({"network": {}}, MEMORY)
    assert not [name for name, error in found.items() if error]


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_a_program_that_works_in_the_folder_around_everything(isolated, landlock, mode):
    """It may make files there, which no rule gives back: left to the guards, which is said, unless all is held."""
    code = (
        "import hermetic, os; os.chdir('/'); print(hermetic.lock(block_network=True, sealed=True, kernel="
        + repr(mode)
        + ")['memory'])"
    )
    done = isolated.python("-c", code)
    root = subprocess.run(
        [sys.executable, "-c", "import os; print(os.access('/', os.W_OK))"], capture_output=True, text=True
    )
    left = mode == "auto" and root.stdout == "True\n"
    assert done.stdout == ("guard only\n" if left else "enforced and verified\n"), done


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 23 0:21 /sys /proc/sys ro - proc proc rw
25 22 0:40 / /jails/a\\040b/proc rw master:2 - proc proc rw
26 22 0:41 / /home/with\\040-\\040proc rw - tmpfs tmpfs rw
"""


def test_a_procfs_elsewhere_is_kept_from_being_written_too(tmp_path, monkeypatch):
    folders = {
        "/": ["bin", "home", "jails", "proc", "swapfile"],
        "/jails": ["a b", "c"],
        "/jails/a b": ["proc", "tmp"],
    }
    places = ["/proc", "/proc/sys", "/jails/a b/proc"]
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert landlock.procfs_places(str(mounts)) == places
    monkeypatch.setattr(landlock, "procfs_places", lambda: places)
    monkeypatch.setattr(landlock, "is_link", lambda path: path == "/bin")
    monkeypatch.setattr(landlock.native, "listdir", folders.__getitem__)
    given = [path for path, rights in landlock.beside_memory() if rights == landlock.abi.WRITE_FILE]
    assert sorted(given) == ["/home", "/jails/a b/tmp", "/jails/c", "/swapfile"]
