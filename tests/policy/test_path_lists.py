"""Lists of paths as pure functions: deny wins, order never matters, an entry more never does the opposite of its list."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities.filesystem import lists, prepare
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
