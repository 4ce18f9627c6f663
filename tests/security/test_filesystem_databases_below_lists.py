"""Databases under lists of paths: every name that a library may read another way, and reading where a file is written.

Reference: CVE-2025-48935.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "lists"))
from path_attempts import PLACES, tree, tried

BEFORE = """
import sqlite3
HERE = os.getcwd()
def make(name, *statements, **words):
    connection = sqlite3.connect(name, isolation_level=None, **words)
    for statement in statements or ["create table made (x)"]:
        found = connection.execute(statement).fetchall()
    connection.close()
    print(found, file=sys.stderr)
os.chdir("open")
"""
URIS = {
    "a folder of that name": "(os.mkdir('file:'), make(f'file:{HERE}/other/new', uri=True))",
    "an end in between": "make(f'file:{HERE}/other/new%00', uri=True)",
    "attached": "make(f'file:{HERE}/open/a', f\"attach 'file:{HERE}/other/new' as o\", 'create table o.x (y)', uri=True)",
    "vacuumed": "make(f'file:{HERE}/open/a', f\"vacuum into 'file:{HERE}/other/new'\", uri=True)",
    "relative": "make('file:a', \"attach 'file:../other/new' as o\", 'create table o.x (y)', uri=True)",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", URIS)
def test_a_uri_is_no_name_of_a_file_in_the_working_directory(isolated, form, place):
    tree(isolated)
    found = tried(isolated, place, [URIS[form]], before=BEFORE)
    assert found == ["fs-readonly"]
    assert not (isolated.folder / "other/new").exists()


READS = (
    "make('secret/base', 'select * from t')",
    "make(f'file:{HERE}/secret/base', 'select * from t', uri=True)",
    "make('file:secret/base?mode=rw', 'select * from t', uri=True)",
    "make(':memory:', \"attach 'secret/base' as s\", 'select * from s.t')",
    "make('file:x?mode=memory', \"attach 'file:secret/base' as s\", 'select * from s.t', uri=True)",
    "make(':memory:', \"attach 'link' as s\", 'select * from s.t')",
    # One that is not there yet as well: whoever has a database open reads it, and what lies beside it.
    "make('secret/new', 'create table t (x)')",
    "make(':memory:', \"attach 'secret/new' as s\", 'create table s.t (x)')",
)


@pytest.mark.parametrize("place", PLACES)
def test_who_may_write_a_database_and_not_read_it_does_not_open_it(isolated, place):
    tree(isolated)
    connection = sqlite3.connect(isolated.folder / "secret/base")
    connection.executescript("create table t (x); insert into t values ('unread')")
    connection.close()
    (isolated.folder / "link").symlink_to("secret/base")
    options, lists = ["--deny-read", "secret"], {"deny_read": ["secret"]}
    found = tried(isolated, place, READS, options, lists, BEFORE.replace('os.chdir("open")', ""))
    assert found == ["deny-read"] * len(found)


def test_databases_elsewhere_are_used(isolated):
    tree(isolated)
    acts = [
        "make('a')",
        "make('file:b', uri=True)",
        "make('a', \"attach 'b' as o\", 'create table o.x (y)', \"vacuum into 'c'\")",
        "make('file:a', \"attach 'file:b?mode=ro' as o\", 'select * from o.x', uri=True)",
        "make(f'file:{HERE}/open/a?mode=ro', 'select * from made', uri=True)",
        "make('a', 'pragma journal_mode = wal', 'insert into made values (1)')",
        "make('a', 'pragma journal_mode = persist', 'insert into made values (1)')",
        "make(':memory:')",
        "make('file::memory:?cache=shared', uri=True)",
    ]
    options = ["--fs-readonly", "--allow-write", "open", "--deny-read", "secret"]
    assert tried(isolated, "process", acts, options, before=BEFORE) == ["done"] * len(acts)


@pytest.mark.parametrize("name", ["_gdbm", "_dbm"])
def test_databases_of_dbm_are_not_read_where_it_is_denied(isolated, name):
    tree(isolated)
    isolated.write(f"{name}.py", "def open(filename, *args): return print('opened')")
    acts = [f"module.open('{path}', 'r')" for path in ("secret/file", "open/file")]
    before = f"sys.path.insert(0, os.getcwd())\nimport {name} as module"
    found = tried(isolated, "process", acts, ["--deny-read", "secret"], before=before)
    assert found == ["deny-read", "done"]


@pytest.mark.skipif(sys.platform != "linux", reason="shared memory is no file elsewhere")
def test_shared_memory_is_not_read_where_its_folder_is_denied(isolated):
    acts = [
        "_posixshmem.shm_open('/no-such-memory-here', os.O_RDWR)",
        "_posixshmem.shm_open('/no-such-memory-here', flags=os.O_RDONLY)",
        "_posixshmem.shm_open('/no-such-memory-here', os.O_RDWR | os.O_CREAT)",
    ]
    before = "import _posixshmem"
    found = tried(isolated, "process", acts, ["--deny-read", "/dev/shm"], before=before)  # Linux's name for it
    assert found == ["deny-read"] * len(found)
