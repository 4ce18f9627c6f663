"""ioctl by a descriptor that may only read: flags, versions, verity, subvolumes, a whole file system that is stopped.

The same by other calls: CVE-2024-36137, CVE-2026-48935.
"""

from __future__ import annotations

import sys

import pytest

from _hermetic.capabilities.filesystem.requests import only_tells
from _hermetic.enforce.kernel.linux.seccomp import FILE_ATTRIBUTES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's numbers")

# FS_IOC_SETVERSION, its size of 32 bits and ext4's own, verity, freezing, shutting down, a snapshot, a label, one that
# nobody has, and the same with more bits than the kernel looks at.
CHANGES = (
    *(0x40087602, 0x40047602, 0x40086604, 0x40806685, 0xC0045877, 0x8004587D, 0x50009401, 0x41009432, 0x40046EEE),
    *(0x40087602 - (1 << 32), 0x40087602 | (1 << 32)),
)
# FS_IOC_GETFLAGS and GETVERSION, FIGETBSZ, FIONREAD, the size of a window.
QUESTIONS = (0x80086601, 0x80087601, 2, 0x541B, 0x5413)
TRY = f"""
import errno, fcntl, json, os
found = {{}}
for number in {CHANGES + QUESTIONS}:
    for name in ("file", "."):
        handle = os.open(name, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, number, bytes(512))
            said = "done"
        except OSError as error:
            said = getattr(error, "reason", "error")
        found[str(number)] = found.get(str(number), "") + " " + said
        os.close(handle)
print(json.dumps(found))
"""


@pytest.mark.parametrize("options", ["--fs-readonly", "--deny-write file --deny-write ."])
def test_what_does_not_only_tell_is_a_change(isolated, options):
    isolated.write("run/file", "text")
    isolated.write("run/target.py", TRY)
    done = isolated.cli("--kernel=off", *options.split(), "--", "./target.py", cwd=isolated.folder / "run")
    found = done.data
    reason = " fs-readonly" if "fs" in options else " deny-write"
    assert {number: found[str(number)] for number in CHANGES} == dict.fromkeys(CHANGES, reason * 2)
    assert not [number for number in QUESTIONS if reason in found[str(number)]], found


def test_the_kernel_refuses_no_more():
    assert [number for number in FILE_ATTRIBUTES if only_tells(number)] == []
