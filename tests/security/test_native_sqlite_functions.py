"""SQLite calls what lies at an address: ``SELECT fts3_tokenizer(name, address)``, and a table that uses it.

Where that function is there at all, what is bound to a statement may be an address, whatever the build says. Each
attempt that gets through crashes, at an address of its choice.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlite_moments import COLLECTOR

pytest.importorskip("sqlite3")

CALL = """
def call(connection):
    connection.execute("select fts3_tokenizer('evil', ?)", (b"A" * 8,)).fetchall()
    connection.execute("create virtual table t using fts3(x, tokenize=evil)")
def refused(act, *args):
    try:
        act(*args)
    except Exception as error:
        return error
    raise SystemExit("not refused")
"""
WAYS = {
    "at once": "call(sqlite3.connect(':memory:'))",
    "by its parts": "import _sqlite3; call(_sqlite3.connect(':memory:'))",
    "by a cursor of its own": """
class Cursor(sqlite3.Cursor): pass
call(sqlite3.connect(':memory:').cursor(Cursor))
""",
    "by the methods of C": """
connection = sqlite3.connect(':memory:')
sqlite3.Connection.set_authorizer(connection, None)
sqlite3.Connection.execute(connection, "select fts3_tokenizer('evil', ?)", (b"A" * 8,)).fetchall()
call(connection)
""",
    "when ours is removed": """
connection = sqlite3.connect(':memory:')
for count in (-1, 0, 1, 2):
    for name in ("create_window_function", "create_function", "create_aggregate"):
        try: getattr(sqlite3.Connection, name)(connection, "fts3_tokenizer", count, None)
        except Exception: pass
call(connection)
""",
    "when it is turned on": """
connection = sqlite3.connect(':memory:')
if hasattr(connection, "setconfig"):
    for number in range(1000, 1025):
        try: connection.setconfig(number, True)
        except Exception: pass
call(connection)
""",
    "in another encoding": """
for encoding in ("UTF-16le", "UTF-16be"):
    connection = sqlite3.connect(':memory:')
    connection.execute(f"pragma encoding = '{encoding}'")
    refused(call, connection)
raise refused(call, connection)
""",
    "in what is copied": """
one, two = sqlite3.connect(':memory:'), sqlite3.connect(':memory:')
one.execute("create table u (x)")
one.backup(two)
if hasattr(two, "deserialize"):
    two.deserialize(one.serialize())
two.execute("attach ':memory:' as other")
call(two)
""",
    "after a second construction": """
connection = sqlite3.connect(':memory:')
refused(sqlite3.Connection.__init__, connection, ':memory:')
call(connection)
""",
    "after one of ours": """
connection = sqlite3.connect(':memory:')
connection.__init__(':memory:')
call(connection)
""",
    "in a class of its own": """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        call(self)
sqlite3.connect(':memory:', factory=Own)
""",
    "in a class that calls C": """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        sqlite3.Connection.__init__(self, *args, **kwargs)
        call(self)
sqlite3.connect(':memory:', factory=Own)
""",
    "by the class": "call(sqlite3.Connection(':memory:'))",
    "with the marks": """
class Marked(sqlite3.Connection):
    _guarded = _closed = _guarded_0 = _guarded_1 = _closed_0 = _closed_1 = _closed_2 = True
call(Marked(':memory:'))
""",
    "in a class below ours": """
ours = type(sqlite3.connect(':memory:'))
class Below(ours):
    def __init__(self): pass
    def create_function(self, *args, **kwargs): pass
    set_authorizer = create_function
connection = Below()
ours.__init__(connection, ':memory:')
call(connection)
""",
    "in a class of ours that was changed": """
ours = type(sqlite3.connect(':memory:'))
ours.__init__ = sqlite3.Connection.__init__
call(sqlite3.connect(':memory:'))
""",
    "with another class in the module": """
import _sqlite3
class Own(sqlite3.Connection):
    def create_function(self, *args): pass
_sqlite3.Connection = sqlite3.Connection = sqlite3.dbapi2.Connection = Own
call(sqlite3.connect(':memory:'))
""",
    # C asks an argument for its value below our frame: what it calls may make another connection there.
    "made by an argument": """
import functools
class Own(sqlite3.Connection): pass
ours = type(sqlite3.connect(':memory:'))
for name, method in (("database", "__fspath__"), ("timeout", "__float__"), ("detect_types", "__index__"),
                     ("check_same_thread", "__bool__"), ("cached_statements", "__index__"), ("uri", "__bool__"),
                     ("isolation_level", "__str__"), ("factory", "__call__")):
    for connect in (sqlite3.connect, ours):
        hidden = Own.__new__(Own)
        value = type("Value", (), {method: functools.partial(sqlite3.Connection.__init__, hidden, ":memory:")})()
        try: connect(**{"database": ":memory:", name: value})
        except Exception: pass
        refused(call, hidden)
raise refused(call, sqlite3.connect(':memory:'))
""",
    "when a transaction cannot begin": """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        try: super().__init__(*args, **kwargs)
        finally: call(self)
sqlite3.connect(':memory:', factory=Own, **({"autocommit": False} if hasattr(sqlite3.Connection, "autocommit") else {}))
""",
    "when its arguments are wrong": """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        for wrong in ((), (1,), (":memory:",) * 9):
            try: super().__init__(*wrong)
            except Exception: pass
            refused(call, self)
        super().__init__(':memory:', nothing=3)
try: sqlite3.connect(':memory:', factory=Own)
except TypeError: pass
call(sqlite3.connect(':memory:'))
""",
}
OPTIONS = ["--block-native", "--block-native --seal", "--block-native --fs-readonly --no-code-exec --seal"]


def stays_shut(done):
    """It ended in an error, and did not crash."""
    assert done.code in (1, 2), done
    assert "sqlite3" in done.stderr and "NameError" not in done.stderr, done


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", OPTIONS)
def test_no_address_is_called(isolated, options, way):
    """The function is overwritten before anybody can use the connection."""
    stays_shut(isolated.script(options, f"import sqlite3\n{CALL}\n{WAYS[way]}"))


def test_the_attack_is_one(isolated):
    """Without the policy it crashes, and what the timed ones ask for has a row, where SQLite has the function."""
    done = isolated.script("--no-network", f"import sqlite3\n{CALL}\ncall(sqlite3.connect(':memory:'))")
    assert done.code not in (0, 1, 2) or "no such function" in done.stderr, done
    text = "select fts3_tokenizer('simple')"
    asked = f"import sqlite3\nprint(len(sqlite3.connect(':memory:').execute({text!r}).fetchall()))"
    done = isolated.script("--no-network", asked)
    assert done.stdout == "1\n" or "no such function" in done.stderr, done


TIMED = {
    # The connection is known before it is made; it is tried all the time.
    "thread": """
def other(connection, going):
    while going:
        attempt(connection)
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        going = [True]
        thread = threading.Thread(target=other, args=(self, going))
        thread.start()
        super().__init__(*args, **kwargs)
        going.clear()
        thread.join()
sys.setswitchinterval(1e-5)
""",
    "signal": """
delays = []
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        signal.signal(signal.SIGALRM, lambda *_: attempt(self))
        delays.append(len(delays) * 1e-6 + 1e-6)
        signal.setitimer(signal.ITIMER_REAL, delays[-1])
        super().__init__(*args, **kwargs)
        signal.setitimer(signal.ITIMER_REAL, 0)
""",
    # Called before each function of C's that a stand-in calls, it finds every gap. A seal refuses it.
    "profile": """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        sys.setprofile(lambda *_: attempt(self))
        super().__init__(*args, **kwargs)
        sys.setprofile(None)
""",
    "collector": COLLECTOR,
}
ATTEMPTS = """
import gc, signal, sqlite3, sys, threading
begin = {"autocommit": False} if hasattr(sqlite3.Connection, "autocommit") else {}
def attempt(connection):
    try:
        # No row: a connection has one place for errors, and 3.13 loses one where another thread uses the connection.
        if connection.execute("select fts3_tokenizer('simple')").fetchall():
            print("called", flush=True)
    except Exception:
        pass
WAY
for _ in range(20):
    sqlite3.connect(":memory:", factory=Own, check_same_thread=False, **begin).close()
print("came to its end")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals by a timer")
@pytest.mark.parametrize(
    ("way", "options"),
    [
        *((way, "--block-native") for way in TIMED),
        *((way, "--block-native --seal") for way in TIMED if way != "profile"),
        ("thread", "--block-native --fs-readonly --seal"),
    ],
)
def test_nothing_comes_in_between(isolated, way, options):
    """C makes the connection and overwrites the function in one go, whatever the program has timed to run then."""
    for tries in (1, 2, 3):
        try:
            done = isolated.script(options, ATTEMPTS.replace("WAY", TIMED[way]), timeout=15)
            break
        except subprocess.TimeoutExpired:
            # Two threads on one connection that has an authorizer: one may wait for the interpreter's lock with the
            # connection's, the other the other way round. That is C's, and rare.
            assert way == "thread" and tries < 3
    assert done.stdout == "came to its end\n", done


def test_it_holds_in_children_and_workers(isolated):
    """They are started under the policy."""
    code = f"""
import multiprocessing, sqlite3, subprocess, sys
{CALL}
def work(_):
    return str(refused(call, sqlite3.connect(":memory:")))
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1])[0])
    text = "import sqlite3; sqlite3.connect(':memory:').execute(\\"select fts3_tokenizer('simple')\\")"
    print(subprocess.run([sys.executable, "-c", text], capture_output=True, text=True).stderr)
"""
    done = isolated.script("--block-native", code)
    assert done.stdout.count("native interface blocked: sqlite3.execute(fts3_tokenizer)") >= 2, done


def test_it_holds_in_a_block_and_says_so(isolated):
    """Also for a connection that is used after the block: what was overwritten does not come back."""
    isolated.passes("""
        import sqlite3
        from hermetic import PolicyViolation, hermetic_blocker

        def message(connection, count=2):
            try:
                connection.execute("select fts3_tokenizer('simple'" + ", x'00')" * (count == 2) + ")" * (count == 1))
            except (PolicyViolation, sqlite3.OperationalError) as error:
                return type(error).__name__, str(error)

        with hermetic_blocker(block_native=True):
            inside = sqlite3.connect(":memory:")
            expected = "native interface blocked: sqlite3.execute(fts3_tokenizer)"
            assert message(inside)[1] == message(inside, 1)[1] == expected, message(inside)
            try:
                sqlite3.Connection(":memory:")
            except PolicyViolation as error:
                assert str(error) == "native interface blocked: sqlite3.Connection", error
                assert "sqlite3.connect()" in error.remedy
            else:
                raise SystemExit("made")
        assert message(inside)[0] == "OperationalError"
        assert type(sqlite3.connect(":memory:")) is sqlite3.Connection
    """)


@pytest.mark.parametrize("options", ["--fs-readonly", "--fs-readonly --seal"])
def test_a_policy_inside_of_one_that_makes_connections_says_what_to_do(isolated, options):
    """The one around it calls C, and leaves the function where it was."""
    code = """
import hermetic, sqlite3
hermetic.lock(block_native=True, kernel="off")
sqlite3.connect(":memory:")
"""
    done = isolated.script(options, code)
    assert done.code == 2
    assert (
        "to allow it: giving --block-native before the policies around it, which make the connections" in done.stderr
    ), done


KEEPS_WORKING = """
import pathlib, sqlite3
class Path:
    def __fspath__(self): return "own.db"
class Plain(sqlite3.Connection): pass
class Mixin:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mixed = True
class Own(Mixin, sqlite3.Connection):
    __slots__ = ("made",)
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.made = self.execute("select 7").fetchone()
    def execute(self, *args):
        return super().execute(*args)
class Float(float): pass
for arguments in ({}, {"timeout": Float(3)}, {"isolation_level": None}, {"check_same_thread": 0, "cached_statements": 5},
                  {"detect_types": sqlite3.PARSE_DECLTYPES, "uri": False}):
    connection = sqlite3.connect(":memory:", **arguments)
    assert isinstance(connection, sqlite3.Connection) and type(connection).__name__ == "Connection"
    assert connection.isolation_level == arguments.get("isolation_level", "")
    connection.create_function("twice", 1, lambda x: 2 * x)
    connection.create_function("failing", 0, lambda: 1 / 0)
    assert connection.execute("select twice(4)").fetchall() == [(8,)]
    try: connection.execute("select failing()")
    except sqlite3.OperationalError as error: assert "user-defined" in str(error)
    else: raise SystemExit("no error")
    with connection:
        connection.executescript("create table t (x); insert into t values (1)")
        connection.executemany("insert into t values (?)", [(2,), (3,)])
    assert connection.cursor().execute("select sum(x) from t").fetchone() == (6,)
    connection.row_factory = sqlite3.Row
    assert connection.execute("select x from t").fetchone()["x"] == 1
    connection.close()
own = sqlite3.connect(":memory:", factory=Own)
assert own.made == (7,) and own.mixed and isinstance(own, Own) and type(own).__name__ == "Own"
assert type(sqlite3.connect(":memory:", 5.0, 0, None, False, Plain)).__name__ == "Plain"
if hasattr(sqlite3.Connection, "autocommit"):
    begun = sqlite3.connect(":memory:", autocommit=False)
    assert begun.in_transaction and begun.autocommit is False
    assert sqlite3.connect(":memory:", autocommit=True).autocommit is True
    assert sqlite3.connect(":memory:").autocommit == sqlite3.LEGACY_TRANSACTION_CONTROL
searched = sqlite3.connect(":memory:")
if ("ENABLE_FTS3",) in searched.execute("pragma compile_options").fetchall():
    searched.execute("create virtual table t using fts3(x, tokenize=porter)")
    searched.execute("insert into t values ('running dogs')")
    assert len(searched.execute("select * from t where t match 'run'").fetchall()) == 1
for wrong in ((), (1.5,), (":memory:", "soon"), (":memory:",) * 9):
    try: sqlite3.connect(*wrong)
    except TypeError: pass
    else: raise SystemExit(f"{wrong} is taken")
if FILES:
    for name in (Path(), pathlib.Path("own.db"), b"own.db", "own.db"):
        sqlite3.connect(name).execute("create table if not exists t (x)")
    assert sqlite3.connect("file:own.db?mode=ro", uri=True).execute("select * from t").fetchall() == []
"""


@pytest.mark.parametrize("options", ["--block-native", "--block-native --seal", "--block-native --fs-readonly"])
def test_connections_keep_working(isolated, options):
    """With classes, arguments and functions of the program's own."""
    code = KEEPS_WORKING.replace("FILES", str("readonly" not in options))
    done = isolated.script(options, code, env={"PYTHONWARNINGS": "ignore"})
    assert done.code == 0, done


def test_reporting_takes_nothing_away(isolated):
    """And an ordinary connection is no act to be reported."""
    code = "import sqlite3\nprint(sqlite3.connect(':memory:').execute('select 1').fetchall())"
    done = isolated.script("--block-native --report-only", code)
    assert (done.code, done.stdout) == (0, "[(1,)]\n") and "would block" not in done.stderr, done
