"""What lies below /dev/shm, and the files that SQLite makes for itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="semaphores and shared memory are files on Linux")

SEMAPHORES = """
import multiprocessing, sys
name = sys.argv[1]
def refused(act):
    try:
        act()
    except PermissionError as error:
        return str(error)
for method in ("fork", "spawn"):
    lock = multiprocessing.get_context(method).Lock()
    with lock: pass
    del lock
import _multiprocessing as m
print(refused(lambda: m.SemLock(1, 1, 1, name, False)))
print(refused(lambda: m.SemLock(kind=1, value=1, maxvalue=1, name="/mp-" + name[1:], unlink=False)))
print(refused(lambda: m.SemLock(1, 1, 1, name, 0)))
print(m.SemLock(1, 1, 1, name, True).maxvalue, m.SemLock.SEM_VALUE_MAX > 1)
"""


@pytest.mark.parametrize("options", ("--fs-readonly", "--fs-readonly --seal"))
def test_a_semaphore_with_a_name_of_its_own_is_a_write(isolated, options):
    name = f"/hermetic-{os.getpid()}"
    done = isolated.script(options, SEMAPHORES, name)
    named, other = f"filesystem readonly: {name}", f"filesystem readonly: /mp-{name[1:]}"
    assert done.stdout.splitlines() == [named, other, named, "1 True"], done
    assert not [found for found in os.listdir("/dev/shm") if f"hermetic-{os.getpid()}" in found]


REMEDIES = {
    "from multiprocessing.shared_memory import SharedMemory; SharedMemory(create=True, size=9)": "Value and Array",
    "import multiprocessing.util; multiprocessing.util.get_temp_dir()": "address=('127.0.0.1', 0)",
}


@pytest.mark.parametrize("code", REMEDIES)
def test_the_message_says_what_would_do(isolated, code):
    done = isolated.script("--fs-readonly", code)
    assert done.code == 2
    assert REMEDIES[code] in done.errors[-1], done


def test_what_the_message_says_works(isolated):
    code = """
        import multiprocessing
        from multiprocessing.managers import SyncManager
        def double(x): return 2 * x
        if __name__ == "__main__":
            spawn = multiprocessing.get_context("spawn")
            manager = SyncManager(address=("127.0.0.1", 0), ctx=spawn)
            manager.start()
            shared = manager.dict(a=1)
            value, array = multiprocessing.Value("i", 3), multiprocessing.Array("i", 2)
            with spawn.Pool(1) as pool:
                print(shared["a"], value.value, len(array), pool.map(double, [1]))
            manager.shutdown()
    """
    done = isolated.script("--fs-readonly", code)
    assert (done.code, done.stdout.strip()) == (0, "1 3 2 [2]"), done


SORTING = """
import os, sqlite3, sys
from contextlib import suppress
base = sqlite3.connect(":memory:")
with suppress(sqlite3.Error):
    base.execute("pragma temp_store = file")
base.execute("pragma cache_size = 10")
base.execute("create temp table t (x)")
base.executemany("insert into t values (?)", ((os.urandom(500),) for _ in range(4000)))
rows = base.execute("select x from t order by x")
rows.fetchone()
files = []
for name in os.listdir("/proc/self/fd"):
    with suppress(OSError):
        files.append(os.readlink("/proc/self/fd/" + name))
print(len([name for name in files if "etilqs" in name]), base.execute("pragma temp_store").fetchone()[0])
"""


@pytest.mark.parametrize("options", ("--fs-readonly", "--fs-readonly --seal"))
def test_sqlite_keeps_its_temporary_tables_in_memory(isolated, options):
    plain = isolated.python(str(isolated.write("target.py", SORTING)))
    assert int(plain.stdout.split()[0]) > 0, "SQLite makes no files here: nothing is shown"
    assert isolated.script(options, SORTING).stdout.split() == ["0", "2"]


def test_memory_is_read_by_flags_of_any_kind(isolated):
    """A number that is no int counted as no flags at all, and what was there was read."""
    name = f"hermetic-{os.getpid()}"
    code = f"""
    import _posixshmem, os
    class Flags:
        def __index__(self): return os.O_RDWR
    for flags in (os.O_RDWR, Flags()):
        try:
            print(os.read(_posixshmem.shm_open("/{name}", flags, 0o600), 9))
        except PermissionError:
            print("refused")
    """
    path = Path("/dev/shm") / name
    path.write_text("secret")
    try:
        words = f"--kernel=off --fs-readonly --allow-write /dev/shm --deny-read {path}"
        done = isolated.script(words, code)
    finally:
        path.unlink()
    assert done.stdout == "refused\nrefused\n", done
