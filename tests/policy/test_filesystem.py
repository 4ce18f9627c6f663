"""The filesystem family's decisions, as pure functions, and the readers that feed them."""

from __future__ import annotations

import os
import sqlite3
import sys
from urllib.parse import quote

import pytest
from hypothesis import assume, given
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
from _hermetic.capabilities.filesystem.decisions import is_no_source
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
    assume(not is_no_source(beside))
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
    number = int(own.rpartition("/")[2] or 0)
    for other in (number - 1, number + 1):
        assert decide(BELOW, READ, ("x", f"/proc/{other}/status"), "open") is not None


def test_a_stand_in_that_asks_is_told_quietly(tmp_path):
    message, *_, answer = decide(ANY, REPLACE, "", "tempfile.TemporaryFile")
    assert (message, answer) == ("", True)
    private = prepare(make_rules(private_tmp=str(tmp_path)))
    assert decide(private, REPLACE, "", "tempfile.TemporaryFile")[4] == str(tmp_path)


def denying(*paths):
    return prepare(make_rules(readonly=False, deny_read=paths))


def test_a_read_whose_folder_nobody_tells_is_denied_wherever_it_may_lead(tmp_path, monkeypatch):
    for name in ("secret", "plain"):
        (tmp_path / name).write_text(name)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "way").symlink_to(tmp_path / "plain")
    monkeypatch.chdir(tmp_path)
    rules = denying(tmp_path / "secret", tmp_path / "links")
    for path, entry in (
        ("secret", "secret"),
        (b"secret", "secret"),
        (f"{tmp_path}/secret", "secret"),
        ("links/way", "links"),
    ):
        said = decide(rules, READ, (path, None), "open")
        assert said[2:] == ("deny-read", f"leaving out --deny-read {tmp_path}/{entry}"), path
    assert decide(rules, READ, (Path(), None), "open") is not None
    assert decide(rules, READ, ("plain", None), "open") is None


def test_a_link_that_lies_in_what_is_denied_is_no_way_to_a_read():
    rules = denying("/none/denied")
    assert decide(rules, READ, ("/none/link", "/none/denied/x"), "open")[2] == "deny-read"  # nor a name for it
    assert decide(rules, READ, ("/none/denied/link", "/none/plain"), "open") is None  # its way says that it is one
    assert decide(rules, READ, ("x", "/none/plain", ["/none/other", "/none/denied/link"]), "open")[2] == "deny-read"
    assert decide(rules, READ, ("x", "/none/plain", ["/none/other"]), "open") is None
    below = (*BELOW[: lists.NO_READS], rules[lists.NO_READS], *BELOW[lists.NO_READS + 1 :])
    assert decide(below, READ, ("x", "/r/plain", ["/none/denied/link"]), "open")[2] == "deny-read"


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
def test_a_descriptor_that_cannot_be_read_is_not_read_by_its_name():
    read, write = os.pipe()
    try:
        for rules in (BELOW, denying("/none")):
            assert decide(rules, READ, (f"/dev/fd/{read}", None), "open") is None
        assert decide(BELOW, READ, (f"/dev/fd/{write}", None), "open") is not None
        assert decide(BELOW, READ, (write, None), "open") is not None
    finally:
        os.close(read)
        os.close(write)


def test_only_the_name_of_code_without_a_file_is_missing_in_silence(tmp_path):
    def said(name):
        return decide(BELOW, READ, (f"{tmp_path}/{name}", f"{tmp_path}/{name}"), "open")

    assert said("<string>")[0] == ""
    assert isinstance(said("<string>")[4], FileNotFoundError)
    (tmp_path / "<there>").write_text("")
    for name in ("<there>", "<string", "string>", "<string>/x"):
        assert said(name)[0].startswith("read outside sandbox root: "), name


def test_bytecode_is_not_written_in_silence_where_only_a_list_denies_it():
    for path, silent in (("/none/__pycache__/m.pyc", True), ("/none/__pycache__", True), ("/none/m.pyc", False)):
        target = (path, places_module.SHOWN_AS_IT_IS, (path,), (), "")
        found = decide(prepare(make_rules(readonly=False, deny_write=["/none"])), WRITE, target, "open")
        assert (found[0] == "", found[2]) == (silent, "deny-write")
        assert isinstance(found[-1], PermissionError) is silent
        assert decide(ANY, WRITE, target, "open")[0] == f"filesystem readonly: {path}"


def test_the_end_that_is_refused_is_named():
    rules = prepare(make_rules(allow_write=["/none"]))
    for places in (("/none/a", "/other/b"), ("/other/b", "/none/a")):
        target = (places[0], places_module.SHOWN_AS_IT_IS, places, places[:1], "")
        assert decide(rules, CHANGE, target, "os.rename")[:2] == (
            "filesystem mutation disabled: os.rename(/other/b)",
            "/other/b",
        )


def test_a_variable_that_names_a_file_falls_under_what_restricts_reading():
    for rules, said in (
        (BELOW, ("read outside sandbox root", "fs-readonly")),
        (denying("/x"), ("filesystem read denied", "deny-read")),
    ):
        assert decide(rules, NAMED, ("NAME", "/x"), "os.putenv") == (
            f"{said[0]}: /x",
            "/x",
            said[1],
            "setting NAME before the start",
        )


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
        ("/proc/thread-self/fd/12", 12),
        (b"/proc/self/fd/12", 12),
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


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
def test_an_open_file_is_opened_again_by_its_names_and_no_handle_is():
    read, write = os.pipe()
    handle = os.open("/", os.O_PATH)
    try:
        for folder in ("/proc/self/fd", f"/proc/{os.getpid()}/fd", "/dev/fd"):
            assert descriptors.names_open(f"{folder}/{read}", os.O_RDONLY), folder
            assert not descriptors.names_open(f"{folder}/{read}", os.O_WRONLY), folder
            assert not descriptors.names_open(f"{folder}/{write}", os.O_RDONLY), folder
            assert not descriptors.names_open(f"{folder}/{handle}", os.O_RDONLY), folder
        for other in (f"/proc/{os.getppid()}/fd/{read}", f"/proc/self/fdinfo/{read}", f"/none/{read}", "/dev/null"):
            assert not descriptors.names_open(other, os.O_RDONLY), other
    finally:
        for number in (read, write, handle):
            os.close(number)


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
        for other in (held.replace("/fd/", "/fdinfo/"), held.replace("/proc/", "/none/"), f"{held}x", f"x{held}"):
            assert places_module.held_place(other, 0) is None, other
            assert places_module.held_place(f"{other}/new", os.O_NOFOLLOW) is None, other
    finally:
        os.close(number)
    read, write = os.pipe()
    try:
        assert places_module.held_place(f"/proc/{os.getpid()}/fd/{read}", 0) is None, "it lies nowhere"
    finally:
        os.close(read)
        os.close(write)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """real/file, and links to the folder and to the file."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "link").symlink_to("file")
    monkeypatch.chdir(tmp_path)
    return str(tmp_path)


# (path, the entry that it names, what it leads to, the links on the way to the one, and to the other)
WAYS = [
    ("real/file", "real/file", "real/file", [], []),
    ("folder/file", "real/file", "real/file", ["folder"], ["folder"]),
    ("real/link", "real/link", "real/file", [], ["real/link"]),
    ("folder/link", "real/link", "real/file", ["folder"], ["folder", "real/link"]),
    ("folder", "folder", "real", [], ["folder"]),
    ("folder/", "real", "real", ["folder"], ["folder"]),
    ("folder/.", "real", "real", ["folder"], ["folder"]),
    ("real/../folder", "folder", "real", [], ["folder"]),
    ("real/new", "real/new", "real/new", [], []),
]


@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
@pytest.mark.parametrize(("path", "entry", "real", "to_entry", "to_real"), WAYS)
@pytest.mark.parametrize("form", ["relative", "absolute", "by folder", "bytes"])
def test_a_change_is_judged_where_it_happens(tree, path, entry, real, to_entry, to_real, form):
    folder = os.open("real" if path.startswith("real/") else ".", os.O_RDONLY) if form == "by folder" else -1
    given = {
        "relative": path,
        "absolute": f"{tree}/{path}",
        "by folder": path.removeprefix("real/"),
        "bytes": path.encode(),
    }[form]
    try:
        for find, place, links in (
            (places_module.opened_places, real, to_real),
            (places_module.entry_of, entry, to_entry),
        ):
            ways = []
            assert find(given, folder, ways) == (f"{tree}/{place}",)
            assert {f"{tree}/{link}" for link in links} <= set(ways)
            assert bool(ways) is bool(links)
        both = {f"{tree}/{entry}", f"{tree}/{real}"}
        assert set(places_module.both_places(given, folder, [])) == both
    finally:
        if folder >= 0:
            os.close(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
def test_a_change_by_a_descriptor_is_judged_where_that_leads(tree):
    def places(number):
        return places_module.change_of(number, -1, places_module.entry_of, "")[2]

    read, write = os.pipe()
    file, gone = os.open("folder/link", os.O_RDONLY), os.open("real", os.O_RDONLY)
    try:
        assert places(file) == (f"{tree}/real/file",)
        assert places(read) is places(99999) is None
        for number in (read, 99999):
            assert places_module.entry_of("x", number, []) is None, "no folder"
        os.rename("real", "moved")
        assert places_module.entry_of("x", gone, []) == (f"{tree}/moved/x",)
    finally:
        for number in (read, write, file, gone):
            os.close(number)


def test_what_lies_in_the_root_of_everything_has_one_slash():
    for path in ("/none", "/./none", "//none"):
        assert places_module.entry_of(path, -1, []) == ("/none",)
    for path in ("/", "/..", "//"):
        assert places_module.entry_of(path, -1, []) == ("/",)


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
