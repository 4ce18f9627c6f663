"""SQLite writes from C, attaches other files and knows URIs.

References: CVE-2025-48935.
"""

from __future__ import annotations

import sqlite3
import sys

import pytest
from filesystem_attempts import PLACES, nothing_changes

CHANGES = {
    "connect": "import sqlite3; sqlite3.connect('canary')",
    "c_connect": "import _sqlite3; _sqlite3.connect('canary')",
    "connection": "import sqlite3; sqlite3.Connection('canary')",
    "bytes": "import sqlite3; sqlite3.connect(b'canary')",
    "path": "import pathlib, sqlite3; sqlite3.connect(pathlib.Path('canary'))",
    "uri": "import sqlite3; sqlite3.connect('file:canary', uri=True)",
    "uri_modes": "import sqlite3; sqlite3.connect('file:canary?mode=rwc', uri=True)",
    "uri_escaped": "import sqlite3; sqlite3.connect('file:canary?%6dode=rwc', uri=True)",
    "no_uri_folder": "import os, sqlite3; os.rename('sub', 'file:'); sqlite3.connect('file:/canary?mode=ro')",
    "attach": "import sqlite3; sqlite3.connect(':memory:').execute('attach \"canary\" as a')",
    "attach_computed": "import sqlite3; sqlite3.connect(':memory:').execute('attach ? as a', ('canary',))",
    "attach_script": "import sqlite3; sqlite3.connect(':memory:').executescript('attach \"canary\" as a; create table a.t (x)')",
    "attach_cursor": "import sqlite3; sqlite3.connect(':memory:').cursor().execute('attach \"canary\" as a')",
    "attach_plain_connection": "import sqlite3; sqlite3.Connection(':memory:').execute('attach \"canary\" as a')",
    "attach_factory": """
import sqlite3
class C(sqlite3.Connection): pass
sqlite3.connect(':memory:', factory=C).execute('attach "canary" as a')
""",
    "attach_unauthorized": """
import sqlite3
c = sqlite3.connect(':memory:')
c.set_authorizer(None)
c.execute('attach "canary" as a')
""",
    "attach_other_authorizer": """
import sqlite3
c = sqlite3.connect(':memory:')
c.set_authorizer(lambda *a: 0)
c.execute('attach "canary" as a')
""",
    "vacuum_into": "import sqlite3; sqlite3.connect(':memory:').execute('vacuum into \"canary\"')",
    "dbm_sqlite": "import sqlite3; sqlite3.connect('file:///' + __import__('os').getcwd() + '/canary?mode=rwc', uri=True)",
}

if sys.version_info < (3, 11):  # there, None is no way to take an authorizer away
    del CHANGES["attach_unauthorized"]


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_no_file_comes_into_being(isolated, place):
    nothing_changes(isolated, CHANGES, place)


def make(path, mode):
    database = sqlite3.connect(path)
    database.execute(f"pragma journal_mode={mode}")
    database.execute("create table t (x)")
    database.execute("insert into t values (7)")
    database.commit()
    database.close()


USES = """
import os, sqlite3, sys
from hermetic import PolicyViolation
memory = sqlite3.connect(":memory:")
memory.execute("create table t (x)")
memory.executemany("insert into t values (?)", [(1,), (2,)])
memory.commit()
memory.execute("vacuum")
memory.execute("attach ':memory:' as other")
assert memory.execute("select sum(x) from t").fetchone() == (3,)
assert isinstance(memory, sqlite3.Connection) and isinstance(memory.cursor(), sqlite3.Cursor)
assert type(memory).__name__ == "Connection"
for name in ("file::memory:?cache=shared", "file:kept?mode=memory&cache=shared"):
    one, two = (sqlite3.connect(name, uri=True) for _ in "12")
    one.execute("create table s (x)")
    assert two.execute("select * from s").fetchall() == []
    one.close(), two.close()
for name in ("file:plain.db?mode=ro", f"file:{os.getcwd()}/plain.db?mode=ro", "file:wal.db?mode=ro&immutable=1"):
    database = sqlite3.connect(name, uri=True)
    assert database.execute("select * from t").fetchall() == [(7,)]
    database.close()
copy = sqlite3.connect(":memory:")
memory.backup(copy)
assert copy.execute("select count(*) from t").fetchone() == (2,)
memory.execute("pragma foreign_keys = on")
assert memory.execute("pragma foreign_keys").fetchone() == (1,)
assert [row[1] for row in memory.execute("pragma table_info(t)")] == ["x"]
seen = []
memory.set_authorizer(lambda action, *rest: seen.append(action) or sqlite3.SQLITE_OK)
memory.execute("select x from t")
assert seen
for act, shown in ((lambda: sqlite3.connect("file:wal.db?mode=ro", uri=True), "wal.db"),
                   (lambda: memory.execute("attach 'plain.db' as p"), "plain.db"),
                   (lambda: memory.execute("vacuum into 'new.db'"), "new.db")):
    try:
        act()
    except PolicyViolation as error:
        assert str(error) == f"filesystem readonly: {os.getcwd()}/{shown}", error
    else:
        raise SystemExit(shown)
"""


@pytest.mark.parametrize("options", ("--fs-readonly", "--fs-readonly=."))
def test_memory_and_read_only_uris_keep_working(isolated, options):
    make(isolated.folder / "plain.db", "delete")
    make(isolated.folder / "wal.db", "wal")
    before = sorted(path.name for path in isolated.folder.iterdir())
    done = isolated.script(options, USES)
    assert done.code == 0, done
    assert sorted(path.name for path in isolated.folder.iterdir()) == sorted([*before, "target.py"])


def test_connection_of_a_left_block_is_free(isolated):
    isolated.passes("""
        import sqlite3
        from hermetic import hermetic_blocker
        with hermetic_blocker(fs_readonly=True):
            database = sqlite3.connect(":memory:")
        database.execute("attach 'after.db' as a")
        database.set_authorizer(None)
        assert type(sqlite3.connect(":memory:")) is sqlite3.Connection
    """)
    assert (isolated.folder / "after.db").exists()


@pytest.mark.parametrize("name", ["temp_store", "temp_store_directory", "data_store_directory"])
def test_pragmas_that_are_only_asked_and_tables_of_their_names(isolated, name):
    """The names of what is refused are anybody's: SQLite asks by the same function for tables and columns."""
    done = isolated.script(
        "--fs-readonly",
        f"""
        import sqlite3
        connection = sqlite3.connect(":memory:")
        connection.execute("create table {name} (folder)")
        connection.execute("insert into {name} values ('/kept')")
        print(connection.execute("select folder from {name}").fetchall(), len(connection.execute("pragma {name}").fetchall()) < 2)
        """,
    )
    assert done.stdout == "[('/kept',)] True\n", done.stderr


FACTORIES = {
    "a function": "factory=lambda *words, **names: sqlite3.connect(words[0])",
    "a class": "factory=type('Mine', (sqlite3.Connection,), {})",
    "no transaction": "autocommit=False",
}


@pytest.mark.parametrize("name", FACTORIES)
def test_connections_of_every_make_are_guarded(isolated, name):
    done = isolated.script(
        "--fs-readonly",
        f"""
        import sqlite3, sys
        if sys.version_info < (3, 12) and {name == "no transaction"}:
            try:
                sqlite3.connect(":memory:", {FACTORIES[name]})
            except TypeError:
                raise SystemExit(print("refused"))
        connection = sqlite3.connect(":memory:", {FACTORIES[name]})
        connection.rollback()
        try:
            connection.execute("attach 'x.db' as x")
        except Exception as error:
            print("refused" if "readonly" in str(error) else error)
        """,
    )
    assert done.stdout == "refused\n", done.stderr
