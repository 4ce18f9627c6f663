"""Every change of what is there already, or of what is to be there, also by descriptors.

References: deno#9417, CVE-2023-30583, CVE-2023-32003, CVE-2024-36137, CVE-2026-21716, CVE-2025-55132, CVE-2026-48935,
pmg#446, sandlock#155, sandlock#179, cpython#115322, cpython#115624.
"""

from __future__ import annotations

import sys

import pytest
from filesystem_attempts import PLACES, has_module, nothing_changes

CHANGES = {
    "remove": "import os; os.remove('victim.txt')",
    "unlink": "import posix; posix.unlink('victim.txt')",
    "rename": "import os; os.rename('victim.txt', 'canary')",
    "replace": "import posix; posix.replace('victim.txt', 'canary')",
    "rename_dir_fd": "import os; d = os.open('.', 0); os.rename('victim.txt', 'canary', src_dir_fd=d, dst_dir_fd=d)",
    "link": "import os; os.link('victim.txt', 'canary')",
    "symlink": "import os; os.symlink('victim.txt', 'canary')",
    "mkdir": "import posix; posix.mkdir('canary')",
    "makedirs": "import os; os.makedirs('canary/deep')",
    "rmdir": "import os; [os.remove('sub/' + n) for n in os.listdir('sub')]; os.rmdir('sub')",
    "chmod": "import os; os.chmod('victim.txt', 0o600)",
    "fchmod": "import os; os.fchmod(os.open('victim.txt', 0), 0o600)",
    "chmod_descriptor": "import os; os.chmod(os.open('victim.txt', 0), 0o600)",
    "utime": "import os; os.utime('victim.txt')",
    "utime_descriptor": "import os; os.utime(os.open('victim.txt', 0))",
    "truncate": "import os; os.truncate('victim.txt', 0)",
    "mkfifo": "import os; os.mkfifo('canary')",
    "mknod": "import posix; posix.mknod('canary', 0o100600)",
    "fresh_mkfifo": """
import _imp, importlib.machinery
_imp.create_builtin(importlib.machinery.ModuleSpec('posix', None)).mkfifo('canary')
""",
    "unix_socket": "import socket; socket.socket(socket.AF_UNIX).bind('canary')",
    "copy": "import shutil; shutil.copy('victim.txt', 'canary')",
    "copymode": "import os, shutil; os.chmod('sub', 0o700); shutil.copymode('sub', 'victim.txt')",
    "move": "import shutil; shutil.move('victim.txt', 'canary')",
    "rmtree": "import shutil; shutil.rmtree('sub', ignore_errors=True)",
    "archive": "import shutil; shutil.make_archive('canary', 'zip', 'sub')",
    "mkdtemp": "import tempfile; tempfile.mkdtemp(dir='.')",
    "mkstemp": "import tempfile; tempfile.mkstemp(dir='.')",
    "named": "import tempfile; tempfile.NamedTemporaryFile(dir='.', delete=False)",
    "readline": "import readline; readline.add_history('x'); readline.write_history_file('canary')",
}
# A block can be left, so it keeps what it replaced, and a heap search finds that. A whole process keeps none of these.
COLLECTED = {
    "collected_mkfifo": """
import gc
for thing in gc.get_objects():
    if type(thing) is type(len) and thing.__name__ in ('mkfifo', 'mknod', 'mkdir'):
        try:
            thing('canary')
        except BaseException:
            pass
""",
}
if not has_module("readline"):
    del CHANGES["readline"]
if has_module("_tkinter"):
    CHANGES["tcl"] = "import tkinter; tkinter.Tcl().eval('close [open canary w]')"


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_nothing_is_changed(isolated, place):
    nothing_changes(isolated, CHANGES, place)


@pytest.mark.parametrize("place", ("plain", "cli", "sealed"))
def test_no_original_is_kept_for_a_whole_process(isolated, place):
    nothing_changes(isolated, COLLECTED, place)


def test_shared_memory_is_not_made_or_taken_away(isolated):
    code = """
        import _posixshmem, os
        from multiprocessing import shared_memory
        name = "/hermetic-%d" % os.getpid()
        for act in (lambda: _posixshmem.shm_open(name, os.O_CREAT | os.O_RDWR), lambda: _posixshmem.shm_unlink(name),
                    lambda: shared_memory.SharedMemory(name, create=True, size=9)):
            try:
                act()
            except PermissionError as error:
                assert type(error).__name__ == "FilesystemViolation"
            else:
                raise SystemExit("not refused")
        assert not os.path.exists("/dev/shm" + name)
    """
    for options in ("--fs-readonly", "--fs-readonly --seal"):
        assert isolated.script(options, code).code == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the trampoline exists since 3.12")
def test_perf_map_is_not_written(isolated):
    code = "import sys\ntry: sys.activate_stack_trampoline('perf')\nexcept PermissionError as error: print(error)"
    assert "filesystem readonly: /tmp/perf-" in isolated.script("--fs-readonly", code).stdout


def test_texts_name_the_call_and_the_path(isolated):
    code = """
        import os
        from hermetic import PolicyViolation
        for act in (lambda: os.remove("victim.txt"), lambda: os.replace("a", "b"), lambda: os.symlink("a", "b"),
                    lambda: os.mkdir("/nowhere/x"), lambda: open("no/x", "w"), lambda: os.mkfifo("f"),
                    lambda: os.remove("x", dir_fd=os.open("/usr", 0))):
            try:
                act()
            except PolicyViolation as error:
                assert error.guard == "filesystem" and error.filename == error.target
                print(error)
    """
    here = isolated.folder
    assert isolated.script("--fs-readonly", code).stdout.splitlines() == [
        f"filesystem mutation disabled: os.remove({here}/victim.txt)",
        f"filesystem mutation disabled: os.rename({here}/a)",
        f"filesystem mutation disabled: os.symlink({here}/b)",
        "filesystem mutation disabled: os.mkdir(/nowhere/x)",
        f"filesystem readonly: {here}/no/x",
        f"filesystem mutation disabled: os.mkfifo({here}/f)",
        "filesystem mutation disabled: os.remove(/usr/x)",
    ]
