"""What is free of openings by a handle is what reading and deciding would let through, under every list."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _hermetic.capabilities import filesystem as files
from _hermetic.capabilities import integrity
from _hermetic.capabilities.filesystem import told
from _hermetic.enforce import session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="handles are Linux's")

OPENINGS = ("open.read", "open.write")
PLACES = ("open/file", "open/secret/file", "shut/file", "open/link", "open/sitecustomize.py", "open/x.pth")
LISTS = st.lists(st.sampled_from(["open", "open/secret", "shut", "open/file", "."]), max_size=2, unique=True)
FLAGS = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_CREAT])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    (folder / "open/secret").mkdir(parents=True)
    (folder / "shut").mkdir()
    for place in PLACES:
        if not place.endswith("link"):
            (folder / place).write_text("")
    (folder / "open/link").symlink_to("secret/../../shut/file")
    return str(folder)


def rules_of(folder, root, readonly, **lists):
    named = {name: [os.path.join(folder, entry) for entry in entries] for name, entries in lists.items()}
    return files.prepare(
        files.make_rules(root and os.path.join(folder, root), readonly, allow_read=[], **named),
    )


def is_free(row, rules, args):
    try:
        return row.free(rules, args)
    except Exception:
        return False


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(PLACES),
    root=st.sampled_from([None, "open", "."]),
    readonly=st.booleans(),
    allow_write=LISTS,
    deny_read=LISTS,
    deny_write=LISTS,
    flags=FLAGS,
    asked=st.booleans(),
)
def test_a_free_opening_is_never_one_that_would_be_refused(tree, place, root, readonly, flags, asked, **lists):
    rules = rules_of(tree, root if readonly else None, readonly, **lists)
    path = os.path.join(tree, place)
    handle = os.open(path, os.O_PATH)
    try:
        name = f"/proc/{os.getpid()}/fd/{handle}"
        told.ASKED[:] = [name, path, True, None] if asked else [None, None, False, None]
        args = (name, "r", flags)
        for family, ruled in ((files, rules), (integrity, (False, False))):
            for row in family.FAMILY.surface:
                if row.free is not None and set(row.audit) & set(OPENINGS) and is_free(row, ruled, args):
                    target = row.read(args, None)
                    assert target is None or family.FAMILY.decide(ruled, row.capability, target, "open") is None
                    if asked and flags & os.O_ACCMODE != os.O_WRONLY and row.read is not integrity.memory_write:
                        assert family is integrity or told.ASKED[told.SEEN] is name
    finally:
        told.ASKED[:] = [None, None, False, None]
        os.close(handle)


OWN = os.path.dirname(integrity.__file__)
NAMES = (
    *("file", "new", "new.py", "link", "dangling", "folder/file", "folder/../new", "mem", "nowhere/new", "folder"),
    *(
        "own.py",
        "own_folder/new.py",
        "own_folder/files.py",
        "memory",
        "proc/self/new",
        "proc/self/mem",
        "proc/self/comm",
    ),
)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    (folder / "folder").mkdir()
    for name in ("file", "folder/file"):
        (folder / name).write_text("")
    targets = {"link": "file", "dangling": "nothing", "own.py": integrity.__file__, "own_folder": OWN, "proc": "/proc"}
    for name, target in {**targets, "memory": "/proc/self/mem"}.items():
        (folder / name).symlink_to(target)
    return str(folder)


def arguments(event, path, told):
    """As C announces it; told: whether it says where a relative path begins."""
    folder = -1 if told else 5
    return {
        "open.write": (path, "w" if told else None, os.O_WRONLY | os.O_CREAT),
        "os.remove": (path, folder),
        "os.rmdir": (path, folder),
        "os.mkdir": (path, 0o777, folder),
        "os.chmod": (path, 0o777, folder),
    }[event]


FREE_CHANGES = [
    (event, row)
    for row in integrity.SURFACE
    for event in row.audit
    if row.free is not None and row.capability in (integrity.FILES, integrity.MEMORY)
]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    name=st.sampled_from(NAMES),
    above=st.sampled_from(["", ".", "{folder}", "{folder}/.", OWN]),
    told=st.booleans(),
    change=st.sampled_from(FREE_CHANGES),
)
def test_a_free_change_by_a_name_is_neither_of_memory_nor_ours(names, name, above, told, change):
    event, row = change
    before = os.getcwd()
    os.chdir(names)
    try:
        args = arguments(event, os.path.join(above.format(folder=names), name), told)
        if is_free(row, (False, False), args):
            assert row.read(args, None) is None
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", ["file", "new", "folder/new.py"])
def test_changes_of_every_day_are_free(names, name):
    path = os.path.join(names, name)
    assert [
        event for event, row in FREE_CHANGES if not is_free(row, (False, False), arguments(event, path, True))
    ] == []


def test_openings_of_every_day_are_free(tree):
    rules = rules_of(tree, None, True, allow_write=["open"], deny_read=["open/secret"], deny_write=[])
    handle = os.open(os.path.join(tree, "open/file"), os.O_PATH)
    try:
        name = f"/proc/{os.getpid()}/fd/{handle}"
        rows = [row for row in files.SURFACE if row.free is not None and set(row.audit) & set(OPENINGS)]
        assert [is_free(row, rules, (name, "r+", os.O_RDWR)) for row in rows] == [True, True]
    finally:
        os.close(handle)


@pytest.mark.parametrize("events", [(), ("open.read",), ("open", "open.read")])
@pytest.mark.parametrize("handles", [0, getattr(os, "O_PATH", 0)])
def test_only_a_handle_is_judged_by_nobody(monkeypatch, events, handles):
    """Where the system has no handles, the same bits are those of a plain read."""
    monkeypatch.setattr(session, "O_PATH", handles)
    unasked = session.unasked_flags(session.with_openings(frozenset(events)))
    assert unasked == (os.O_PATH | os.O_CLOEXEC if handles and "open" not in events else 0)
