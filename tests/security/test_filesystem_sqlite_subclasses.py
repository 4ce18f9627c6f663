"""A connection is closed to other files from its first moment, whoever's constructor it is still in."""

from __future__ import annotations

import sys

import pytest
from sqlite_moments import COLLECTOR

pytest.importorskip("sqlite3")

WAYS = {
    "in the constructor": """
class Eager(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        sqlite3.Connection.__init__(self, *args, **kwargs)
        self.execute("attach 'new.db' as x")
        self.execute("create table x.t (a)")
sqlite3.connect(":memory:", factory=Eager)
""",
    "after a second construction": """
c = sqlite3.connect(":memory:")
sqlite3.Connection.__init__(c, ":memory:")
sqlite3.Connection.execute(c, "vacuum into 'new.db'")
""",
    "after a second construction that was refused": """
c = sqlite3.connect(":memory:")
try: sqlite3.Connection.__init__(c, ":memory:")
except BaseException: pass
sqlite3.Connection.execute(c, "vacuum into 'new.db'")
""",
    "with the guard's own mark": """
class Marked(sqlite3.Connection):
    _guarded = sqlite3.Connection
c = Marked(":memory:")
sqlite3.Connection.execute(c, "attach 'new.db' as x")
sqlite3.Connection.execute(c, "create table x.t (a)")
""",
    "with the globals of a stand-in": """
class Marked(sqlite3.Connection):
    _guarded = sqlite3.Connection
def init_connection(start, made, name):
    start(made, name)
forged = type(init_connection)(init_connection.__code__, sqlite3.connect.__func__.__globals__)
c = Marked.__new__(Marked)
forged(sqlite3.Connection.__init__, c, ":memory:")
sqlite3.Connection.execute(c, "attach 'new.db' as x")
sqlite3.Connection.execute(c, "create table x.t (a)")
""",
}


@pytest.mark.parametrize("options", ["--fs-readonly", "--fs-readonly --seal"])
@pytest.mark.parametrize("way", WAYS)
def test_no_file_is_attached(isolated, way, options):
    isolated.script(options, f"import sqlite3\n{WAYS[way]}")
    assert [path.name for path in isolated.folder.iterdir()] == ["target.py"]


# The connection is known before it is made; it is tried while our constructor runs.
TIMED = {
    "collector": COLLECTOR,
    "signal": """
delays = []
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        signal.signal(signal.SIGALRM, lambda *_: attempt(self))
        delays.append(len(delays) % 50 * 2e-6 + 1e-6)
        signal.setitimer(signal.ITIMER_REAL, delays[-1])
        super().__init__(*args, **kwargs)
        signal.setitimer(signal.ITIMER_REAL, 0)
""",
}
ATTEMPTS = """
import gc, signal, sqlite3
def attempt(connection):
    try:
        sqlite3.Connection.execute(connection, "attach 'new.db' as x")
        sqlite3.Connection.execute(connection, "create table x.t (a)")
    except Exception:
        pass
WAY
for _ in range(50):
    sqlite3.connect(":memory:", factory=Own).close()
print("came to its end")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals by a timer")
@pytest.mark.parametrize("options", ["--fs-readonly", "--fs-readonly --seal", "--fs-readonly --block-native"])
@pytest.mark.parametrize("way", TIMED)
def test_nothing_is_attached_before_the_guard_is_there(isolated, way, options):
    """C makes the connection and sets the authorizer in one go; the kernel layer does not hold it here."""
    done = isolated.script(f"{options} --kernel=off", ATTEMPTS.replace("WAY", TIMED[way]))
    assert done.stdout == "came to its end\n", done
    assert [path.name for path in isolated.folder.iterdir()] == ["target.py"]
