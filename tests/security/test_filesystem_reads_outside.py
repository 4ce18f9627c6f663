"""Reads and listings outside the root, by every door and every spelling.

References: deno#2318, deno#2738, deno#4437, deno#12152, deno#33894, CVE-2023-30584, CVE-2023-32004, CVE-2023-39332,
CVE-2023-39331, CVE-2024-21891, CVE-2024-21896, CVE-2023-30583, CVE-2023-32003, CVE-2025-55130, CVE-2025-53110,
CVE-2025-54794, CVE-2026-55443, cpython#116429, cpython#115322, cpython#115624.
"""

from __future__ import annotations

import sqlite3
import sys
import zipfile

import filesystem_attempts
import pytest
from filesystem_attempts import PLACES, SECRET, has_module, nothing_leaks, prepare

READS = {
    "open": "show(open(OUTSIDE + '/secret.txt').read())",
    "binary": "show(open(OUTSIDE + '/secret.txt', 'rb', 0).read())",
    "keywords": "show(open(mode='r', encoding='utf-8', file=OUTSIDE + '/secret.txt').read())",
    "bytes": "import os; show(open(os.fsencode(OUTSIDE) + b'/secret.txt').read())",
    "path": "import pathlib; show(pathlib.Path(OUTSIDE, 'secret.txt').read_text())",
    "io": "import io; show(io.open(OUTSIDE + '/secret.txt').read())",
    "file_io": "import io; show(io.FileIO(OUTSIDE + '/secret.txt').read())",
    "file_io_path": "import io, pathlib; show(io.FileIO(pathlib.Path(OUTSIDE, 'secret.txt')).read())",
    "open_code": "import io; show(io.open_code(OUTSIDE + '/secret.txt').read())",
    "pyio": "import _pyio; show(_pyio.open(OUTSIDE + '/secret.txt').read())",
    "os_open": "import os; show(os.read(os.open(OUTSIDE + '/secret.txt', os.O_RDONLY), 99))",
    "posix_open": "import posix; show(posix.read(posix.open(OUTSIDE + '/secret.txt', posix.O_CLOEXEC), 99))",
    "link": "show(open('leak').read())",
    "folder_link": "show(open('sub/up/secret.txt').read())",
    "dots": "show(open('sub/../../../outside/secret.txt').read())",
    "folder_link_dots": "show(open('sub/up/shelf/../secret.txt').read())",
    "doubled": "show(open('.././/..//outside//./secret.txt').read())",
    "proc_root": "show(open('/proc/self/root' + OUTSIDE + '/secret.txt').read())",
    "proc_cwd": "show(open('/proc/self/cwd/leak').read())",
    "proc_thread": "show(open('/proc/thread-self/cwd/../../outside/secret.txt').read())",
    "chdir": "import os; os.chdir(OUTSIDE); show(open('secret.txt').read())",
    "chdir_os": "import os; os.chdir(OUTSIDE); show(os.read(os.open('secret.txt', 0), 99))",
    "fchdir": "import os; os.fchdir(os.open(OUTSIDE, os.O_PATH)); show(open('secret.txt').read())",
    "dir_fd": "import os; show(os.read(os.open('secret.txt', 0, dir_fd=os.open(OUTSIDE, os.O_PATH)), 99))",
    "dir_fd_dots": "import os; show(os.read(os.open('../../outside/secret.txt', 0, dir_fd=os.open('.', 0)), 99))",
    "dir_fd_link": "import os; d = os.open('.', 0); os.chdir('sub'); show(os.read(os.open('leak', 0, dir_fd=d), 99))",
    "handle": "import os; show(open('/proc/self/fd/%d' % os.open('leak', os.O_PATH)).read())",
    "handle_dev": "import os; h = os.open('leak', os.O_PATH); show(os.read(os.open('/dev/fd/%d' % h, 0), 99))",
    "opener": "import posix; show(open('victim.txt', opener=lambda p, f: posix.open('leak', f)).read())",
    "read_and_write": "show(open(OUTSIDE + '/secret.txt', 'r+').read())",
    "captured": "import tokenize; show(tokenize._builtin_open(OUTSIDE + '/secret.txt', 'rb').read())",
    "linecache": "import linecache; show(linecache.getlines(OUTSIDE + '/secret.txt'))",
    "loader": "import importlib.machinery as m; show(m.SourceFileLoader('x', 'x').get_data(OUTSIDE + '/secret.txt'))",
    "sendfile": "import os; r, w = os.pipe(); os.sendfile(w, os.open('leak', 0), 0, 99); show(os.read(r, 99))",
    "own_method": "show(open.__call__('leak').read())",
    "class_attribute": "class A: read = open\nshow(A().read('leak').read())",
    "reloaded": "import importlib, io; show(importlib.reload(io).open('leak').read())",
    "collected": """
import gc, os
for thing in gc.get_objects():
    if type(thing) is type(len) and thing.__name__ == 'open':
        for args in ((OUTSIDE + '/secret.txt',), (OUTSIDE + '/secret.txt', 0), ('leak', 0)):
            try:
                got = thing(*args)
                show(got.read() if hasattr(got, 'read') else os.read(got, 99))
            except BaseException:
                pass
show(open('leak').read())
""",
    "collected_dir_fd": """
import gc, os
handle = os.open(OUTSIDE, os.O_PATH)
for thing in [os.open, *gc.get_objects()]:
    if getattr(thing, '__name__', '') == 'open':
        try:
            show(os.read(thing('secret.txt', 0, dir_fd=handle), 99))
        except BaseException:
            pass
""",
    "stand_in_parts": """
import os
handle = os.open(OUTSIDE, os.O_PATH)
for part in (open, os.open):
    for constant in getattr(getattr(getattr(part, '__func__', None), '__code__', None), 'co_consts', ()):
        for args, more in (((OUTSIDE + '/secret.txt',), {}), (('leak', 0), {}), (('secret.txt', 0), {'dir_fd': handle})):
            try:
                got = constant(*args, **more)
                show(got.read() if hasattr(got, 'read') else os.read(got, 99))
            except BaseException:
                pass
show(open('leak').read())
""",
    "fresh_modules": """
import _imp, importlib.machinery
posix = _imp.create_builtin(importlib.machinery.ModuleSpec('posix', None))
show(posix.read(posix.open('leak', 0), 99))
""",
    "lying_text": """
import os
inside = os.path.abspath('victim.txt')
class P(str):
    __fspath__ = __str__ = lambda self: inside
    startswith = __eq__ = lambda *a: True
    split = lambda self, *a: inside.split(*a)
    __getitem__ = lambda self, key: inside[key]
    __hash__ = str.__hash__
show(open(P(OUTSIDE + '/secret.txt')).read())
""",
    "turning_path": """
import io, os
inside, outside = os.path.abspath('victim.txt'), OUTSIDE + '/secret.txt'
class P:
    def __init__(self, turn): self.turn = turn
    def __fspath__(self):
        self.turn -= 1
        return inside if self.turn >= 0 else outside
for turn in range(1, 7):
    for act in (lambda: open(P(turn)).read(), lambda: io.FileIO(P(turn)).read(), lambda: os.read(os.open(P(turn), 0), 99)):
        try:
            show(act())
        except OSError:
            pass
show(open(P(0)).read())
""",
    "replaced_helpers": """
import os, posix, posixpath
inside = os.path.abspath('victim.txt')
for name in ('realpath', 'abspath', 'normpath'):
    setattr(posixpath, name, lambda path, **k: inside)
os.fspath = posix.fspath = lambda path: inside
os.readlink = posix.readlink = lambda *a, **k: inside
os.getpid = posix.getpid = lambda: 1
show(open(OUTSIDE + '/secret.txt').read())
""",
}
if has_module("readline"):
    READS["readline"] = """
import readline
readline.read_history_file(OUTSIDE + '/secret.txt')
show(readline.get_history_item(1))
"""
READS["replaced_helpers"] = READS.pop("replaced_helpers")  # the last: what follows would miss the helpers


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_the_secret_is_not_read(isolated, place):
    nothing_leaks(isolated, READS, place)


ROWS = ".execute('select * from t').fetchall())"
FILES = {
    "uri": "import sqlite3; show(sqlite3.connect('file:' + OUTSIDE + '/secret.db?mode=ro', uri=True)" + ROWS,
    "relative": "import sqlite3; show(sqlite3.connect('file:sub/up/secret.db?mode=ro', uri=True)" + ROWS,
    "plain": "import sqlite3; show(sqlite3.connect(OUTSIDE + '/secret.db')" + ROWS,
    "attach": """
import sqlite3
memory = sqlite3.connect(':memory:')
memory.execute('attach ? as a', (OUTSIDE + '/secret.db',))
show(memory.execute('select * from a.t').fetchall())
""",
    "zip": "import zipimport; show(zipimport.zipimporter(OUTSIDE + '/secret.zip').get_data('secret.txt'))",
}


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_databases_and_archives_are_files(isolated, place, monkeypatch):
    def prepare_files(folder, attempts):
        prepare(folder, attempts)
        outside = folder.parent / "outside"
        database = sqlite3.connect(outside / "secret.db")
        database.execute("create table t (x)")
        database.execute("insert into t values (?)", (SECRET,))
        database.commit()
        database.close()
        with zipfile.ZipFile(outside / "secret.zip", "w") as archive:
            archive.writestr("secret.txt", SECRET)

    monkeypatch.setattr(filesystem_attempts, "prepare", prepare_files)
    nothing_leaks(isolated, FILES, place)


LISTINGS = {
    "listdir": "import os; show(os.listdir(OUTSIDE))",
    "scandir": "import posix; show([e.name for e in posix.scandir(OUTSIDE)])",
    "bytes": "import os; show(os.listdir(os.fsencode(OUTSIDE)))",
    "link": "import os; show(os.listdir('sub/up'))",
    "chdir": "import os; os.chdir(OUTSIDE); show(os.listdir())",
    "walk": "import os; show(list(os.walk(OUTSIDE)))",
    "descriptor": "import os; show(os.listdir(os.open(OUTSIDE, os.O_RDONLY)))",
    "glob": "import glob; show(glob.glob(OUTSIDE + '/*'))",
    "iterdir": "import pathlib; show(list(pathlib.Path(OUTSIDE).iterdir()))",
}


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_folders_are_not_listed(isolated, place, monkeypatch):
    def prepare_name(folder, attempts):
        prepare(folder, attempts)
        (folder.parent / "outside" / SECRET).touch()

    monkeypatch.setattr(filesystem_attempts, "prepare", prepare_name)
    nothing_leaks(isolated, LISTINGS, place)


def test_a_name_that_only_begins_like_the_root_is_outside(isolated):
    isolated.write("work_evil/x.txt", "x")
    isolated.write("work/x.txt", "y")
    code = """
        print(open("work/x.txt").read())
        try:
            open("work_evil/x.txt")
        except PermissionError as error:
            print(error)
    """
    done = isolated.script("--fs-readonly=work", code)
    assert done.stdout.splitlines() == ["y", f"read outside sandbox root: {isolated.folder}/work_evil/x.txt"], done


def test_environment_and_memory_of_processes_are_outside(isolated):
    code = """
        import os
        for name in ("environ", "mem", "auxv", "root/etc/passwd"):
            for process in ("self", "thread-self", str(os.getpid()), str(os.getppid())):
                try:
                    open(f"/proc/{process}/{name}", "rb")
                except PermissionError as error:
                    assert str(error) == f"read outside sandbox root: /proc/{process}/{name}", error
                else:
                    raise SystemExit(name)
    """
    done = isolated.script("--fs-readonly=.", code)
    assert done.code == 0, done


@pytest.mark.skipif(sys.platform != "linux", reason="handles are Linux's")
def test_a_handle_is_no_read(isolated):
    acts = "[os.close(os.open(path, os.O_PATH)) for path in ('/etc', '/etc/hosts')]"
    assert isolated.script("--fs-readonly=. --strict", f"import os\n{acts}").code == 0
    block = "hermetic.hermetic_blocker(fs_readonly=True, fs_root='.')"
    isolated.passes(f"import os, hermetic\nwith {block}:\n    {acts}")


def test_a_denial_comes_before_not_found(isolated):
    code = """
        import os
        for act in (lambda: open("../nothing"), lambda: os.open("/nothing", 0), lambda: os.listdir("/nothing"),
                    lambda: os.open("nothing", 0, dir_fd=os.open("/usr/lib", os.O_PATH | os.O_DIRECTORY))):
            try:
                act()
            except OSError as error:
                print(type(error).__name__, error.filename)
    """
    assert isolated.script("--fs-readonly=.", code).stdout.splitlines() == [
        f"FilesystemViolation {isolated.folder.parent}/nothing",
        "FilesystemViolation /nothing",
        "FilesystemViolation /nothing",
        "FileNotFoundError nothing",
    ]
