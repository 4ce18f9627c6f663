"""posix_spawn opens files for its child by itself, before the child is anything and without an event."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="posix_spawn is Unix's")
TRY = """
import json, os, sys

class Index:
    def __index__(self):
        return os.POSIX_SPAWN_OPEN

class Liar(tuple):
    def __iter__(self):
        return iter((os.POSIX_SPAWN_CLOSE, 99))
    __getitem__ = lambda self, at: list(self)[at]

class Path:
    asked = 0
    def __fspath__(self):
        self.asked += 1
        return "allowed" if self.asked % 2 else "kept"

class Text(str):
    def __str__(self):
        return "allowed"

def opened(path, flags, kind=os.POSIX_SPAWN_OPEN, shape=tuple, **how):
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    code = f"import os, sys; os.write({theirs}, b'[' + sys.stdin.buffer.read() + b']')"
    actions = [shape((kind, 0, path, flags, 0o600)), *how.pop("more", ())]
    try:
        child = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ, file_actions=actions, **how)
        os.waitpid(child, 0)
    except (RuntimeError, OSError, TypeError) as error:
        return getattr(error, "reason", type(error).__name__)
    finally:
        os.close(theirs)
    return os.read(ours, 100).decode()

MAKE = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
found = {
    "allowed": opened("allowed", os.O_RDONLY),
    "read": opened("denied", os.O_RDONLY),
    "bytes": opened(b"denied", os.O_RDONLY),
    "link": opened("link", os.O_RDONLY),
    "kind": opened("denied", os.O_RDONLY, Index()),
    "tuple": opened("denied", os.O_RDONLY, shape=Liar),
    "text": opened(Text("denied"), os.O_RDONLY),
    "create": opened("made", MAKE),
    "cut": opened("kept", os.O_WRONLY | os.O_TRUNC),
    "asked twice": opened(Path(), MAKE),
    "memory": opened("/proc/self/mem", os.O_RDWR),
    "allowed write": opened("allowed", os.O_WRONLY | os.O_TRUNC),
    "nothing": opened("/dev/null", os.O_RDWR, more=[(os.POSIX_SPAWN_DUP2, 2, 9), (os.POSIX_SPAWN_CLOSE, 9)]),
}
print(json.dumps([found, os.path.exists("made"), open("kept").read()]))
"""
EXPECTED = {
    **dict.fromkeys(("read", "bytes", "link", "tuple", "text"), "deny-read"),
    "kind": "TypeError",
    **dict.fromkeys(("create", "cut"), "fs-readonly"),
    "memory": "fs-readonly",
    "allowed": "[as it was]",
    "allowed write": "",  # it is not open for reading
    "nothing": "[]",
}


@pytest.mark.parametrize("place", ["run", "sealed", "strict", "foreign", "block"])
def test_each_is_judged_as_an_opening(isolated, place):
    for name in ("denied", "kept", "allowed"):
        isolated.write(name, "as it was")
    (isolated.folder / "link").symlink_to("denied")
    isolated.write("target.py", TRY)
    # The kernel would hold the writes: what is asked here is held without it, too.
    options = ["--kernel=off", "--fs-readonly", "--allow-write", "allowed", "--deny-read", "denied"]
    if place == "block":
        keywords = "fs_readonly=True, allow_write=['allowed'], deny_read=['denied']"
        code = f"from hermetic import hermetic_blocker\nwith hermetic_blocker({keywords}):\n"
        done = isolated.passes(code + "    exec(open('target.py').read())")
    elif place == "foreign":
        done = isolated.foreign(options, "python", "./target.py")
    else:
        more = [] if place == "run" else [f"--{place.removesuffix('ed')}"]
        done = isolated.cli(*options, *more, "--", "./target.py")
    found, made, kept = done.data
    assert found.pop("asked twice") in ("", "fs-readonly")
    assert found == EXPECTED, done
    assert (made, kept) == (False, "as it was")


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["plain", "sealed"])
def test_memory_of_the_parent_is_opened_for_no_child(isolated, seal):
    # Until it is a program, a child of posix_spawn has its parent's memory.
    code = """
        import os, sys
        actions = [(os.POSIX_SPAWN_OPEN, 9, "/proc/self/mem", os.O_RDWR, 0)]
        try:
            os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ, file_actions=actions)
        except RuntimeError as refused:
            print(refused.reason)
    """
    assert isolated.script(["--no-network", *seal], code).stdout == "integrity\n"
