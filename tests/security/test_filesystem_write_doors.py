"""Every way to open for writing, by every name it has, whatever the path looks like.

References: CVE-2023-30584, CVE-2023-32004, CVE-2023-39332, CVE-2023-32558, CVE-2023-32559, cpython#116429.
"""

from __future__ import annotations

import pytest
from filesystem_attempts import PLACES, nothing_changes

OPENERS = {
    "open": "open('canary', 'w')",
    "io": "import io; io.open('canary', 'a')",
    "c_io": "import _io; _io.open('canary', 'x')",
    "file_io": "import io; io.FileIO('canary', 'w')",
    "file_io_plus": "import io; io.FileIO('victim.txt', 'r+').truncate(0)",
    "pyio": "import _pyio; _pyio.open('canary', 'w')",
    "codecs": "import codecs; codecs.open('canary', 'w', 'utf-8')",
    "pathlib": "import pathlib; pathlib.Path('canary').write_text('x')",
    "touch": "import pathlib; pathlib.Path('canary').touch()",
    "keywords": "open(mode='tx', file='canary')",
    "spelling": "open('canary', '+w')",
    "bytes": "open(b'canary', 'wb')",
    "os_open": "import os; os.open('canary', os.O_CREAT | os.O_WRONLY)",
    "posix_open": "import posix; posix.open('canary', posix.O_CREAT)",
    "os_keywords": "import os; os.open(path='canary', flags=os.O_CREAT | os.O_EXCL)",
    "append_only": "import os; os.write(os.open('victim.txt', os.O_APPEND | os.O_WRONLY), b'x')",
    "truncate_only": "import os; os.open('victim.txt', os.O_RDONLY | os.O_TRUNC)",
    "subclassed_flags": "import os\nclass N(int): __and__ = __rand__ = lambda *a: 0\nos.open('canary', N(os.O_CREAT | 1))",
    "dir_fd": "import os; os.open('canary', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('.', os.O_RDONLY))",
    "handle": "import os; os.open('canary', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('.', os.O_PATH))",
    "proc_cwd": "open('/proc/self/cwd/canary', 'w')",
    "proc_root": "import os; open('/proc/self/root' + os.getcwd() + '/canary', 'w')",
    "reopened": "import os; open('/proc/self/fd/%d' % os.open('victim.txt', 0), 'w')",
    "reopened_dev": "import os; open('/dev/fd/%d' % os.open('victim.txt', 0), 'r+').truncate(0)",
    "reopened_handle": "import os; os.truncate('/proc/self/fd/%d' % os.open('victim.txt', os.O_PATH), 0)",
    "opener": "import posix; open('sub', opener=lambda p, f: posix.open('canary', posix.O_CREAT | posix.O_WRONLY))",
    "write_atomic": "import importlib._bootstrap_external as b; b._write_atomic('canary', b'x')",
    "bytecode": "import py_compile; py_compile.compile('sub/inner.py', 'canary.pyc', doraise=True)",
    "keylog": "import ssl; ssl.create_default_context().keylog_filename = 'canary'",
    "logging": "import logging; logging.FileHandler('canary')",
    "captured": "import tokenize; tokenize._builtin_open('canary', 'w')",
    "collected": """
import gc
for thing in gc.get_objects():
    if type(thing) is type(len) and thing.__name__ == 'open':
        for args in (('canary', 'w'), ('canary', 0o101)):
            try:
                thing(*args)
            except BaseException:
                pass
""",
    "fresh_posix": """
import _imp, importlib.machinery
fresh = _imp.create_builtin(importlib.machinery.ModuleSpec('posix', None))
fresh.open('canary', 0o101)
""",
    "zip": "import zipfile; zipfile.ZipFile('canary', 'w').close()",
    "archive": "import tarfile; tarfile.open('canary', 'w').close()",
    "dbm_dumb": "import dbm.dumb; dbm.dumb.open('canary', 'c')",
    "shelve": "import shelve; shelve.open('canary', 'n')",
}


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_nothing_is_written(isolated, place):
    nothing_changes(isolated, OPENERS, place)


LYING = {
    "str": """
class P(str):
    __fspath__ = __str__ = lambda self: '/dev/null'
    __eq__ = lambda *a: True
    __hash__ = lambda self: hash('/dev/null')
    startswith = lambda *a: True
import os
for act in (lambda: open(P('canary'), 'w'), lambda: os.open(P('canary'), os.O_CREAT | os.O_WRONLY), lambda: os.mkdir(P('canary'))):
    try:
        act()
    except OSError:
        pass
""",
    "path": """
import io, os
class P:
    def __init__(self, turn): self.turn = turn
    def __fspath__(self):
        self.turn -= 1
        return '/dev/null' if self.turn >= 0 else 'canary'
for turn in range(7):
    for act in (lambda: open(P(turn), 'w'), lambda: io.FileIO(P(turn), 'w'), lambda: os.open(P(turn), 0o101)):
        try:
            act()
        except OSError:
            pass
""",
}


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_paths_that_answer_differently_are_not_believed(isolated, place):
    nothing_changes(isolated, LYING, place)


def test_what_keeps_nothing_and_what_is_open_stays_writable(isolated):
    isolated.write("out.txt", "")
    code = """
        import os, subprocess, sys
        with open("/dev/null", "w") as file: file.write("x")
        os.close(os.open(os.devnull, os.O_RDWR))
        subprocess.run(["true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        read, write = os.pipe()
        for folder in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd"):
            with open(f"{folder}/{write}", "w") as file: file.write("x")
            try:
                open(f"{folder}/{read}", "w")
            except PermissionError:
                pass
            else:
                raise SystemExit("a pipe's reading end was opened to write")
        assert os.read(read, 9) == b"xxx"
        memory = os.memfd_create("m")
        os.ftruncate(memory, 10)
        with open(f"/proc/self/fd/{memory}", "r+b") as file: file.write(b"y")
        with os.fdopen(memory, "r+b") as file: file.truncate(3)
        with open("/dev/stdout", "w") as file: file.write("seen\\n")
    """
    done = isolated.script("--fs-readonly", code)
    assert (done.code, done.stdout) == (0, "seen\n"), done
