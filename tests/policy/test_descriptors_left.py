"""An opening where paths are judged leaves no descriptor behind, however it ends, and takes the numbers of a plain run."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are opened by handles on Linux")

KINDS = {
    "sealed": ["--fs-readonly", "--allow-write", "open", "--deny-read", "key", "--seal"],
    "ways": ["--deny-write", "shut", "--deny-read", "key"],
    "root": ["--fs-readonly=open", "--allow-write", "open"],
}
START = """
import fcntl, os, resource, sys, threading
if sys.argv[1] == "more":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
def opened(name, how, **place):
    try:
        lowest = os.dup(0)
        os.close(lowest)
        made = (open if type(how) is str else os.open)(name, how, **place)
    except (OSError, ValueError) as error:
        return type(error).__name__, getattr(error, "errno", None), getattr(error, "filename", None)
    number = made if type(made) is int else made.fileno()
    os.close(made) if type(made) is int else made.close()
    return number == lowest or name.startswith("/proc") or number
memory = os.dup2(os.memfd_create("memory", os.MFD_ALLOW_SEALING), 50)
NEW = os.O_WRONLY | os.O_CREAT
"""
# Of memory that is sealed against being made shorter, C says what it says in a plain run.
EVERY = """
here = os.dup2(os.open("open", os.O_RDONLY), 51)
os.write(memory, b"x")
fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
NAMES = "file link nothing dangling loop . sub/../file file/x".split()
FLAGS = (0, os.O_NOFOLLOW, os.O_DIRECTORY, NEW, NEW | os.O_EXCL, NEW | os.O_TRUNC, os.O_RDWR | os.O_TRUNC | os.O_NOFOLLOW)
MODES = ("r", "w", "a", "r+", "x", "xb+", "rb")
acts = [(f"open/{name}", how) for name in NAMES for how in MODES + FLAGS]
acts += [(name, how) for name in ("key", "to_key", "shut/file", "shut/new") for how in MODES + FLAGS]
acts += [(f"/proc/self/fd/{number}", how) for number in (memory, here) for how in MODES + FLAGS]
before, found = sorted(os.listdir("/proc/self/fd")), []
for name, how in acts:
    found.append((name, how, opened(name, how)))
    if type(how) is int and name.startswith("open/"):
        found.append((name, how, opened(name[5:], how, dir_fd=here)))
    assert sorted(os.listdir("/proc/self/fd")) == before, found[-1]
    for name in ("nothing", "nowhere"):
        if os.path.lexists(f"open/{name}"):
            os.remove(f"open/{name}")
for name, how, ended in found:
    if name.startswith(("open", "/proc")):
        print(name, how, ended)
    elif sys.argv[2:] and (how in ("r", "rb", 0) if "key" in name else how not in ("r", "rb", *FLAGS[:3])):
        assert ended[0] == "FilesystemViolation", (name, how, ended)
if sys.argv[2:]:
    found = os.path.getsize("open/file"), os.path.getsize("shut/file")
    assert found == (0, 10), found
"""
# Two descriptors are what an opening needs for a moment, where a plain run needs one.
ROOM = """
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
def fill():
    made = []
    try:
        while True:
            made.append(os.dup(0))
    except OSError:
        return made
acts = [("open/file", "r"), ("open/file", "a"), ("open/new", "x"), ("open/file", 0), ("open/new", NEW)]
acts += [(f"/proc/self/fd/{memory}", how) for how in ("w", os.O_WRONLY | os.O_TRUNC)]
for free in (0, 1, 2, 3):
    for name, how in acts:
        full = fill()
        for _ in range(free):
            os.close(full.pop())
        ended = opened(name, how)
        again = fill()
        for one in full + again:
            os.close(one)
        assert len(again) == free, (free, name, how, len(again), ended)
        if free != 1:
            print(free, name, how, ended)
        else:
            assert ended is True or ended == ("OSError", 24, name), (name, how, ended)
        if os.path.exists("open/new"):
            os.remove("open/new")
"""


@pytest.fixture
def folder(isolated):
    for name in ("open/sub", "shut"):
        (isolated.folder / name).mkdir(parents=True)
    for name in ("open/file", "shut/file", "key"):
        (isolated.folder / name).write_text(f"{name}\n")
    for name, target in {"link": "file", "dangling": "nowhere", "loop": "loop", "../to_key": "key"}.items():
        (isolated.folder / "open" / name).symlink_to(target)
    return isolated.folder


@pytest.mark.parametrize("threads", ["one", "more"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", [EVERY, ROOM], ids=["every", "room"])
def test_none_is_left(isolated, folder, code, kind, threads):
    isolated.write("target.py", START + code)
    plain = isolated.python("./target.py", threads)
    (folder / "shut/file").write_text("shut/file\n")
    guarded = isolated.cli("--kernel=off", *KINDS[kind], "--", "./target.py", threads, "guarded")
    assert plain.code == 0, plain
    assert (guarded.code, guarded.stdout) == (0, plain.stdout), guarded.stderr
