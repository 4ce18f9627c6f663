"""The filesystem family's decisions, as pure functions, and the readers that feed them."""

from __future__ import annotations

import os
import sqlite3
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import filesystem as family
from _hermetic.capabilities.filesystem import (
    CHANGE,
    LIST,
    NAMED,
    READ,
    REPLACE,
    WRITE,
    databases,
    decide,
    descriptors,
    filecalls,
    lists,
    make_rules,
    prepare,
    unannounced,
)
from _hermetic.capabilities.filesystem import places as places_module
from _hermetic.capabilities.filesystem.databases import (
    MEMORY,
    READ_ONLY,
    WRITTEN,
    anchored_uri,
    database_use,
    parse_uri,
)
from _hermetic.enforce.doors.writing import mode_flags
from _hermetic.extract import WRITE_BITS, opens_to_write


def rules_below(root, beginnings=(), single=frozenset(), sources=()):
    """Rules as they are once prepared, of a root that need not be there."""
    bare = make_rules()
    return lists.prepared((root, *bare[1:]), beginnings, single, sources)


ANY = rules_below(None)
BELOW = rules_below("/r", ("/r/", "/usr/lib/"), frozenset({"/r", "/dev/null"}), ("/src/",))
names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
paths = st.lists(names, max_size=5).map(lambda parts: "/" + "/".join(parts))


# --- decisions ---


@given(paths)
def test_every_write_and_every_change_is_refused(path):
    target = (path, places_module.SHOWN_AS_IT_IS, (path,), (), "a remedy")
    for rules in (ANY, BELOW):
        assert decide(rules, WRITE, target, "open") == (f"filesystem readonly: {path}", path, "fs-readonly", "a remedy")
        message = decide(rules, CHANGE, target, "os.remove")[0]
        assert message == f"filesystem mutation disabled: os.remove({path})"


@given(paths)
def test_reads_are_free_without_a_root(path):
    assert decide(ANY, READ, (path, path), "open") is None
    assert decide(ANY, LIST, (path, None), "os.listdir") is None


@given(paths)
def test_below_the_root_is_by_component(tail):
    assert decide(BELOW, READ, ("x", "/r" + tail), "open") is None
    beside = "/r_evil" + tail
    denial = decide(BELOW, READ, (beside, beside), "open")
    assert denial[:3] == (
        f"read outside sandbox root: {descriptors.shown_path(beside, -1)}",
        descriptors.shown_path(beside, -1),
        "fs-readonly",
    )


@given(paths)
def test_what_nobody_can_tell_is_refused(path):
    assert decide(BELOW, READ, (path, None), "open") is not None


@given(paths)
def test_a_wider_root_never_allows_less(path):
    narrow = rules_below("/r/n", ("/r/n/",), frozenset({"/r/n"}))
    wide = rules_below("/r", ("/r/",), frozenset({"/r"}))
    for real in (path, "/r" + path, "/r/n" + path):
        if decide(narrow, READ, (real, real), "open") is None:
            assert decide(wide, READ, (real, real), "open") is None


@pytest.mark.parametrize(
    ("real", "readable"),
    [
        ("/src/a.py", True),
        ("/src/package/b.pyc", True),
        ("/src/data.txt", False),
        ("/src/a.py.txt", False),
        ("/srcs/a.py", False),
        ("/usr/lib/x.so", True),
        ("/dev/null", True),
        ("/dev/nullx", False),
        ("/etc/passwd", False),
        ("/proc/self/environ", False),
    ],
)
def test_what_else_is_readable(real, readable):
    assert (decide(BELOW, READ, (real, real), "open") is None) is readable


def test_folders_below_the_first_path_are_listed_by_the_import_system_only():
    assert decide(BELOW, LIST, ("/src/package", "/src/package"), "os.listdir") is not None


def test_the_programs_own_status_is_readable():
    own = descriptors.own_process()
    for name, readable in (("status", True), ("fd", True), ("environ", False), ("mem", False), ("fd/0", False)):
        path = f"{own}/{name}"
        assert (decide(BELOW, READ, ("x", path), "open") is None) is readable, name
    assert decide(BELOW, READ, ("x", "/proc/1/status"), "open") is not None or os.getpid() == 1


def test_a_stand_in_that_asks_is_told_quietly():
    message, *_, answer = decide(ANY, REPLACE, "", "tempfile.TemporaryFile")
    assert (message, answer) == ("", True)


# --- rules ---


def test_a_root_is_resolved_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert make_rules(str(tmp_path / "link" / ".." / "real"))[lists.ROOT] == str(tmp_path / "real")
    assert make_rules(tmp_path / "link")[lists.ROOT] == str(tmp_path / "real")
    assert make_rules() == make_rules(None)
    assert make_rules()[lists.ROOT] is None


@pytest.mark.parametrize("root", ["", "/does/not/exist", "a\0b"])
def test_a_root_that_does_not_exist_is_an_error(root):
    with pytest.raises(ValueError, match="does not exist"):
        make_rules(root)


def test_prepared_rules_cannot_be_changed(tmp_path):
    rules = prepare(make_rules(str(tmp_path)))
    assert rules[1][0] == str(tmp_path) + "/"
    assert {type(item) for item in rules} <= {str, bool, tuple, frozenset, type(None)}
    assert decide(rules, READ, ("x", os.path.realpath(os.__file__)), "open") is None
    for path in ("/etc/passwd", "/proc/self/environ", str(tmp_path) + "_evil/x"):
        assert decide(rules, READ, (path, os.path.realpath(path)), "open") is not None
    assert all(beginning.endswith("/") for beginning in rules[1] + rules[3])
    assert "/" not in rules[1]


def test_the_whole_disk_as_root_allows_every_read():
    rules = prepare(make_rules("/"))
    for path in ("/", "/etc/passwd", "/proc/self/environ"):
        assert decide(rules, READ, (path, path), "open") is None


# --- what an opening asks for ---


@given(st.integers(0, 2**24))
def test_any_bit_that_writes_makes_a_write(flags):
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
    assert opens_to_write(("x", None, flags)) is writes
    assert opens_to_write(("x", "r", flags)) is writes


@given(st.text("rwaxbt+eU", min_size=1, max_size=4))
def test_fopen_says_it_in_the_mode(mode):
    assert opens_to_write(("x", mode, 0)) is bool(set(mode) & set("wax+"))


def test_flags_that_are_no_number_are_a_write():
    class Liar(int):
        def __and__(self, other):
            return 0

        __rand__ = __and__

    assert opens_to_write(("x", None, Liar(os.O_CREAT)))


@pytest.mark.parametrize("path", ["/dev/null", b"/dev/null", "/dev/full", "/dev/tty"])
def test_devices_that_keep_nothing(path):
    assert filecalls.written((path, "w", os.O_WRONLY), None) is None


@pytest.mark.parametrize(
    "path", ["/dev/../dev/null", "/dev/nullx", "//dev/null", "/dev/sda", "/proc/self/fd/x", "/dev/fd/99999"]
)
def test_other_names_of_devices_are_not_believed(path):
    assert filecalls.written((path, "w", os.O_WRONLY), None) is not None


class Path:
    def __fspath__(self):
        raise AssertionError("a guard must not ask")


def test_a_path_that_may_change_its_answer_is_not_asked():
    assert filecalls.written((Path(), "w", os.O_WRONLY), None)[0] == "?"
    assert filecalls.opened((Path(), "r", os.O_CLOEXEC), None)[1] is None


def test_a_descriptor_is_reopened_with_the_mode_it_has():
    read, write = os.pipe()
    both = os.memfd_create("x") if hasattr(os, "memfd_create") else write
    try:
        may = descriptors.may_reopen
        assert may(read, os.O_RDONLY)
        assert not may(read, os.O_WRONLY)
        assert not may(read, os.O_RDONLY | os.O_TRUNC)
        assert may(write, os.O_WRONLY | os.O_TRUNC)
        assert not may(write, os.O_RDWR)
        assert not may(write, os.O_RDONLY)
        assert may(both, os.O_RDWR) or both == write
        assert not may(99999, os.O_RDONLY)
    finally:
        for number in {read, write, both}:
            os.close(number)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/dev/fd/3", 3),
        (b"/dev/fd/3", 3),
        ("/dev/stdout", 1),
        ("/proc/self/fd/12", 12),
        ("/proc/self/fd/4/x", None),
        ("/dev/fd/", None),
        ("/dev/fd/-1", None),
        ("/dev/fd/\u0663", None),
        ("/dev/fd/" + "9" * 5000, None),
        ("dev/fd/3", None),
    ],
)
def test_names_of_descriptors(path, number):
    assert descriptors.named_descriptor(path) == number


def test_other_processes_descriptors_are_not_ours():
    assert descriptors.named_descriptor(f"/proc/{os.getpid()}/fd/4") == 4
    assert descriptors.named_descriptor(f"/proc/{os.getppid()}/fd/4") is None


# --- databases ---


@pytest.mark.parametrize(
    ("name", "use"),
    [
        (":memory:", MEMORY),
        (b":memory:", MEMORY),
        ("file:/x?mode=memory&cache=shared", MEMORY),
        ("file:/x?mode=ro", READ_ONLY),
        ("file:///x?mode=ro&immutable=1", READ_ONLY),
        ("file://localhost/x?mode=ro", READ_ONLY),
        ("file:/x?mo%64e=ro", READ_ONLY),
        ("", WRITTEN),
        ("x.db", WRITTEN),
        ("file:x?mode=ro", WRITTEN),
        ("file::memory:", WRITTEN),
        ("file:/x", WRITTEN),
        ("file:/x?mode=rw", WRITTEN),
        ("file:/x?mode=ro&mode=rwc", WRITTEN),
        ("file:/x?mode=ro&mo%64e=rwc", WRITTEN),
        ("file:/x?mode=memory&mode=ro", WRITTEN),
        ("file:/x?mode=ro&vfs=unix-dotfile", WRITTEN),
        ("file:/x?mode=RO", WRITTEN),
        ("file:/x%00?mode=ro", WRITTEN),
        ("file://host/x?mode=ro", WRITTEN),
        ("file:/x#?mode=ro", WRITTEN),
        ("FILE:/x?mode=ro", WRITTEN),
    ],
)
def test_what_opening_a_database_does(name, use):
    assert database_use(name)[0] == use


@given(paths)
def test_the_path_of_a_uri_is_the_one_sqlite_opens(path):
    assert parse_uri("file:" + quote(path) + "?mode=ro")[0] == (path if path[:2] != "//" else None) or path[:2] == "//"


@given(names, st.sampled_from(["/w", "/w with?#%/x"]))
def test_an_anchored_uri_names_the_same_file(name, folder):
    uri = anchored_uri(f"file:{quote(name)}?mode=ro", folder)
    assert parse_uri(uri) == (f"{folder}/{name}", [("mode", "ro")])


def test_anchoring_keeps_memory_in_memory():
    for uri in ("file::memory:", "file::memory:?cache=shared", "file:kept?mode=memory"):
        assert database_use(anchored_uri(uri, "/w"))[0] == MEMORY


def test_a_folder_called_file_makes_uris_ambiguous(tmp_path, monkeypatch):
    (tmp_path / "file:").mkdir()
    monkeypatch.chdir(tmp_path)
    assert database_use("file:/x?mode=ro")[0] == WRITTEN


def test_readers_of_a_database_in_wal_mode_write(tmp_path):
    database = sqlite3.connect(tmp_path / "x.db")
    database.execute("pragma journal_mode=wal")
    database.execute("create table t (x)")
    database.close()
    assert databases.database_use(f"file:{tmp_path}/x.db?mode=ro")[0] == WRITTEN
    assert databases.database_use(f"file:{tmp_path}/x.db?mode=ro&immutable=1")[0] == READ_ONLY
    assert databases.database_use(f"file:{tmp_path}/x.db?mode=ro&immutable=0")[0] == WRITTEN


def test_every_row_says_how_it_is_judged():
    for row in family.SURFACE:
        assert row.capability in (WRITE, CHANGE, READ, LIST, REPLACE, NAMED)
        assert row.audit or row.patch
        if row.final:
            assert row.call and not row.door
    assert WRITE_BITS & os.O_CREAT


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
def test_a_name_in_a_held_folder_tells_its_place_where_no_link_is_followed(tmp_path):
    number = os.open(tmp_path, os.O_PATH)
    try:
        held = f"/proc/{os.getpid()}/fd/{number}"
        assert places_module.held_place(held, 0) == str(tmp_path)
        assert places_module.held_place(f"{held}/new", os.O_NOFOLLOW) == f"{tmp_path}/new"
        for name, flags in (("new", 0), ("..", os.O_NOFOLLOW), ("", os.O_NOFOLLOW), ("below/new", os.O_NOFOLLOW)):
            assert places_module.held_place(f"{held}/{name}", flags) is None, name
    finally:
        os.close(number)


@pytest.mark.parametrize(
    "mode", ["wbb", "wtt", "r++", "w++b", "ww", "wbt", "rb+t", "", "b", "+", "U", "rU", b"w", None]
)
def test_a_mode_that_c_knows_nothing_of_opens_nothing(mode):
    assert mode_flags(mode) is None


@pytest.mark.parametrize("name", ["file:/a\0b", "file:a\0b", "file:a%00b", "file:/a%00b"])
def test_a_database_whose_name_ends_early_is_one_nobody_can_tell(name):
    assert databases.database_names(name) is None


@pytest.mark.skipif(sys.platform != "linux", reason="where shared memory has a folder")
def test_only_a_plain_name_of_shared_memory_is_a_place():
    for name in ("", "/", ".", "/..", "a/b", "/a/..", None):
        assert unannounced.shared_name(name, "", "")[2] is None
    assert unannounced.shared_name("/a", "sem.", "")[2] == ("/dev/shm/sem.a",)
