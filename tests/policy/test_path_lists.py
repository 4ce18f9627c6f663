"""Lists of paths as pure functions: deny wins, order never matters, an entry more never does the opposite of its list."""

from __future__ import annotations

import os
import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities.filesystem import CHANGE, decide, lists, prepare
from _hermetic.capabilities.filesystem.places import SHOWN_AS_IT_IS
from _hermetic.paths import entry_above, folders_above, held, is_below

# Few names, so that paths meet; none of them exists, so that nothing is a link.
names = st.sampled_from(["a", "b", "ab", "a.b", " "])
paths = st.lists(names, min_size=1, max_size=5).map(lambda parts: "/none/" + "/".join(parts))
some = st.lists(paths, max_size=4)


def rules(allow=(), deny=(), deny_read=(), readonly=True, protected=()):
    return prepare(
        lists.make_rules(
            readonly=readonly, allow_write=allow, deny_write=deny, deny_read=deny_read, protected=protected
        )
    )


def allows(held_rules, *places, moved=()):
    return lists.change_refused(held_rules, places, moved) is None


@given(some, paths)
def test_a_list_is_asked_by_component(entries, path):
    found = entry_above(path, held(entries))
    assert (found is not None) == is_below(path, tuple(entries))
    assert found is None or is_below(path, (found,))


@given(paths)
def test_the_root_of_everything_is_above_everything(path):
    assert entry_above(path, held(["/"])) == "/"
    assert entry_above("/", held(["/"])) == "/"
    assert entry_above("/", held([path])) is None


@given(some)
def test_what_lies_above_is_every_folder_on_the_way(entries):
    above = folders_above(entries)
    for path in entries:
        folder = path
        while folder != "/":
            folder = folder.rpartition("/")[0] or "/"
            assert folder in above
        assert path not in above or any(other.startswith(path + "/") for other in entries)


@given(some, some, some, paths)
def test_an_entry_more_to_deny_never_allows_more(allow, deny, more, place):
    if allows(rules(allow, deny + more), place):
        assert allows(rules(allow, deny), place)
    if allows(rules(allow, deny, more), place, moved=(place,)):
        assert allows(rules(allow, deny), place, moved=(place,))


@given(some, some, some, paths)
def test_an_entry_more_to_allow_never_denies_more(allow, more, deny, place):
    if allows(rules(allow, deny), place):
        assert allows(rules(allow + more, deny), place)


@given(some, some, paths, st.randoms())
def test_order_never_matters(allow, deny, place, random):
    shuffled = [list(allow), list(deny)]
    for entries in shuffled:
        random.shuffle(entries)
    assert rules(allow, deny) == rules(*shuffled)
    assert allows(rules(allow, deny), place) == allows(rules(*shuffled), place)


@given(some, some, paths)
def test_deny_wins(allow, deny, place):
    below = any(is_below(place, (entry,)) for entry in deny)
    assert not (below and allows(rules([*allow, place], deny), place))
    assert allows(rules(deny=deny, readonly=False), place) != below
    assert not (below and allows(rules([*allow, place], protected=deny), place))


@given(some, paths, paths)
def test_both_ends_are_judged(allow, one, other):
    held_rules = rules(allow)
    assert allows(held_rules, one, other) == (allows(held_rules, one) and allows(held_rules, other))


@given(some, paths, paths)
def test_what_lies_above_something_denied_is_not_moved(deny, one, other):
    held_rules = rules(["/none"], deny)
    if any(entry.startswith(one + "/") or is_below(one, (entry,)) for entry in deny):
        assert not allows(held_rules, one, other, moved=(one,))


@given(some, paths)
def test_reads_that_are_denied_stay_denied_under_every_root(deny, path):
    bare = lists.make_rules(deny_read=deny, allow_read=["/none"])
    held_rules = lists.prepared(("/", *bare[1:]), ("/",), frozenset({path}), ("/",))
    from _hermetic.capabilities.filesystem import READ, decide

    denied = any(is_below(path, (entry,)) for entry in deny)
    assert (decide(held_rules, READ, (path, path), "open") is not None) == denied


def test_an_empty_list_allows_nothing():
    assert not allows(rules([]), "/none/a")


def test_what_nobody_can_tell_is_refused():
    for held_rules in (rules(["/"]), rules(deny=["/none"], readonly=False)):
        assert lists.change_refused(held_rules, None, ()) is not None


@pytest.mark.parametrize(
    ("given_back", "option"),
    [
        ({}, "fs-readonly"),
        ({"readonly": False, "deny": ["/none/a"]}, "deny-write"),
        ({"readonly": False, "deny_read": ["/none/a"]}, "deny-read"),
        ({"readonly": False, "protected": ["/none/a"]}, "integrity"),
    ],
)
def test_what_nobody_can_tell_falls_under_the_option_that_was_given(given_back, option):
    assert lists.change_refused(rules(**given_back), None, ())[0] == option


@pytest.mark.parametrize(
    ("given", "judged", "memory", "reads", "options"),
    [
        # Is each change judged by its place, has a temporary file to do without one, and is a read judged?
        ({}, False, True, False, ("fs-readonly",)),
        ({"allow_write": ["/none"]}, True, True, False, ("fs-readonly",)),
        ({"readonly": False, "deny_write": ["/none"]}, True, False, False, ("deny-write",)),
        ({"readonly": False, "deny_read": ["/none"]}, True, False, True, ("deny-read",)),
        ({"root": "/"}, False, True, True, ("fs-readonly",)),
        ({"private_tmp": "/none"}, True, False, False, ("fs-readonly",)),
        ({"readonly": False, "protected": ["/none"]}, True, False, False, ()),
    ],
)
def test_what_the_settings_ask_for(given, judged, memory, reads, options):
    made = prepare(lists.make_rules(**given))
    assert (lists.has_lists(made), lists.has_no_lists(made)) == (judged, not judged)
    assert lists.has_no_folder(made) is memory
    assert lists.judges_reads(made) is reads
    assert lists.taken_options(made) == options


@pytest.mark.parametrize("name", ["allow_read", "allow_write", "deny_read", "deny_write"])
@pytest.mark.parametrize("entry", ["", "a\0b", "/none/*.txt", "/none/$HOME", "file:///none", "/none/{a,b}", b""])
def test_an_entry_that_is_no_path_is_refused(name, entry):
    with pytest.raises(ValueError, match="path"):
        lists.make_rules(**{name: [entry]})


def test_more_is_protected_than_the_settings_say():
    for made in (None, lists.make_rules(), lists.make_rules(readonly=False, protected=["/none/a"])):
        more = lists.protecting(made, ["/none/b"])
        assert lists.write_refused(more, "/none/b/x")[:2] == ("integrity", lists.NOTHING_MORE)
        assert (lists.write_refused(more, "/none/a") is None) == (made is None)
        assert (lists.write_refused(more, "/none/c") is None) == (made is None or not made[lists.READONLY])


def test_the_way_to_a_change_leads_through_nothing_that_is_denied():
    held_rules = rules(["/none"], ["/none/denied"])

    def refused(*more):
        return decide(held_rules, CHANGE, ("/none/x", SHOWN_AS_IT_IS, ("/none/y",), (), "", *more), "os.remove")

    assert refused() is refused(["/none/link"]) is None
    assert refused(["/none/link", "/none/denied/link"])[2] == "deny-write"


def test_what_the_interpreter_begins_with_is_neither_moved_nor_added_to():
    held_rules = rules(["/"])
    entries = [os.path.realpath(entry) for entry in sys.path if os.path.isdir(entry)]
    assert entries
    for entry in entries:
        folder = os.path.dirname(entry)
        for moved in (entry, folder):
            assert not allows(held_rules, moved, "/none/x", moved=(moved,))
        assert not allows(held_rules, f"{entry}/sitecustomize.py")
        packages = os.path.basename(entry) in ("site-packages", "dist-packages")
        assert allows(held_rules, f"{entry}/x.pth") is not packages
        assert allows(held_rules, f"{entry}/x.py")
    # Where writing is not taken away, it is the program's own.
    free = rules(readonly=False, deny=["/none/w"])
    assert allows(free, entries[-1], "/none/x", moved=(entries[-1],))


def test_what_is_moved_takes_nothing_out_of_a_list():
    denied, plain = "/none/s/x", "/none/y"
    held_rules = rules(["/none"], deny_read=["/none/s"])
    refused = lists.change_refused(held_rules, (denied, plain), (denied,))
    assert refused == ("deny-read", "leaving out --deny-read /none/s", denied)
    assert lists.change_refused(held_rules, (plain, "/none/z"), (plain,)) is None
    assert lists.change_refused(held_rules, (denied,), ()) is None  # to remove it is no reading
    # Put in the place of what holds an entry, or moved away with it.
    held_rules = rules(readonly=False, deny=["/none/f/w"])
    for places, moved in (((plain, "/none/f"), (plain,)), (("/none/f", plain), ("/none/f",))):
        assert lists.change_refused(held_rules, places, moved) == ("deny-write", lists.BENEATH, "/none/f")
    assert lists.change_refused(held_rules, ("/none/f",), ()) is None


def test_nothing_is_moved_to_where_it_can_be_read(tmp_path):
    (tmp_path / "root").mkdir()
    inside, outside = f"{tmp_path}/root/x", f"{tmp_path}/x"
    held_rules = prepare(lists.make_rules(tmp_path / "root", allow_write=[tmp_path]))
    refused = lists.change_refused(held_rules, (outside, inside), (outside,))
    assert refused == ("fs-readonly", f"--allow-read {outside}", outside)
    for source, target in ((inside, outside), (inside, inside + "2"), (outside, outside + "2")):
        assert lists.change_refused(held_rules, (source, target), (source,)) is None


def test_start_up_files_need_an_entry_of_their_own():
    for entries, names in ((["/none"], ["x.py"]), (["/none", "/none/x.pth"], ["x.py", "x.pth"])):
        held_rules = rules(entries)
        folders = (frozenset({"/none"}), frozenset({"/none"}))
        held_rules = (*held_rules[: lists.STARTUP], folders, *held_rules[lists.STARTUP + 1 :])
        found = [name for name in ("x.py", "x.pth", "sitecustomize.py") if allows(held_rules, f"/none/{name}")]
        assert found == names


def test_the_temporary_folder_of_a_run_is_not_made_again(tmp_path):
    private, gone = tmp_path / "private", tmp_path / "gone"
    private.mkdir()
    held_rules = prepare(lists.make_rules(private_tmp=str(private), allow_write=[gone]))
    assert lists.write_refused(held_rules, str(private)) is None
    private.rmdir()
    assert lists.write_refused(held_rules, str(private)) == ("fs-readonly", lists.ENDED, str(private))
    assert lists.write_refused(held_rules, f"{private}/x") is None
    assert lists.write_refused(held_rules, str(gone)) is None


def test_what_was_removed_is_denied_by_the_entry_that_it_had():
    held_rules = rules(readonly=False, deny_read=["/none/s", "/none/t (deleted)"])
    told = {path: lists.entry_of_denied(held_rules, path) for path in ("/none/s", "/none/s (deleted)", "/none/s/x")}
    assert set(told.values()) == {"/none/s"}
    assert lists.entry_of_denied(held_rules, "/none/t (deleted)") == "/none/t (deleted)"
    assert lists.entry_of_denied(held_rules, "/none/s (gone)") is None


def test_what_tells_of_a_process_is_given_back_by_its_own_name_only(tmp_path):
    for entry, readable in (("/proc", ["status"]), ("/proc/1/environ", ["environ"]), ("/proc/1/mem", ["mem"])):
        held_rules = prepare(lists.make_rules(tmp_path, allow_read=[entry]))
        found = [name for name in ("status", "environ", "mem") if lists.is_readable(held_rules, f"/proc/1/{name}")]
        assert found == readable
    # Elsewhere they are names as others are.
    (tmp_path / "given").mkdir()
    held_rules = prepare(lists.make_rules(tmp_path / "given", allow_read=[tmp_path]))
    assert lists.is_readable(held_rules, f"{tmp_path}/environ")


@pytest.mark.parametrize("size", [1, 1000])
def test_a_decision_takes_no_more_looks_for_a_longer_list(size):
    asked = []

    class Counting(frozenset):
        def __contains__(self, item):
            asked.append(item)
            return frozenset.__contains__(self, item)

    known, shortest, longest = held([f"/none/folder/{number:04}" for number in range(size)])
    entry_above("/none/folder/zzzz/a/b/c", (Counting(known), shortest, longest))
    assert len(asked) <= 2


@pytest.mark.parametrize(
    ("name", "own"),
    [("x.pth", True), ("sitecustomize.py", True), ("usercustomize", True), ("sitecustomize.cpython-312.so", True)]
    + [("__pycache__/sitecustomize.cpython-312.pyc", True), ("module.py", False), ("x.pth.txt", False)]
    + [("package/x.pth", False), ("package/sitecustomize.py", False)],
)
def test_start_up_files_are_known_by_folder_and_name(name, own):
    folders = (frozenset({"/v/site-packages"}), frozenset({"/v/site-packages", "/v/lib"}))
    known = partial(lists.is_startup_file, folders)
    assert known(f"/v/site-packages/{name}") is own
    assert not known(f"/elsewhere/{name}")
    assert known(f"/v/lib/{name}") is (own and not name.endswith(".pth"))


@pytest.mark.parametrize("folder", sorted({sys.prefix, os.path.realpath(sys.prefix)}))
def test_what_says_where_an_environment_begins_is_a_start_up_file(folder):
    assert lists.is_startup_file(lists.NO_FOLDERS, f"{folder}{os.sep}pyvenv.cfg")
    assert not lists.is_startup_file(lists.NO_FOLDERS, f"{folder}{os.sep}below{os.sep}pyvenv.cfg")
    assert not lists.is_startup_file(lists.NO_FOLDERS, f"{folder}{os.sep}x-pyvenv.cfg")
