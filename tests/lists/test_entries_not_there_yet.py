"""An entry for what is not there yet gives back making exactly that, a file or a folder, and what will lie inside."""

from __future__ import annotations

import pytest
from path_attempts import PLACES, tried

OPTIONS = ["--fs-readonly", "--allow-write=new", "--allow-write=link/made", "--allow-write=no/folder"]
LISTS = {"fs_readonly": True, "allow_write": ["new", "link/made", "no/folder"]}
ACTS = (
    ("os.mkdir('newer')", "fs-readonly"),
    ("open('new.txt', 'w')", "fs-readonly"),
    ("os.mkdir('NEW')", "fs-readonly"),
    ("os.mkdir('new')", "done"),
    ("open('new/file', 'w').write('x')", "done"),
    ("os.makedirs('new/below/deep')", "done"),
    ("os.rename('new', 'newer')", "fs-readonly"),
    ("os.rename('new/file', 'file')", "fs-readonly"),
    ("__import__('shutil').rmtree('new')", "done"),
    ("open('new', 'x').write('x')", "done"),
    ("os.remove('new')", "done"),
    # A link may lie there; where it leads counts.
    ("os.symlink('real', 'new')", "done"),
    ("open('new/file', 'w')", "fs-readonly"),
    ("os.mkdir('new/made')", "done"),
    ("open('link/made/file', 'w')", "done"),
    ("open('real/made/file', 'a')", "done"),
    ("os.mkdir('link/other')", "fs-readonly"),
    # The folders around it are not given back.
    ("os.mkdir('no')", "fs-readonly"),
    ("os.makedirs('no/folder')", "fs-readonly"),
    ("os.symlink('real', 'no')", "fs-readonly"),
)


@pytest.mark.parametrize("place", [*PLACES, "kernel"])
def test_exactly_that_is_given_back(isolated, place):
    (isolated.folder / "real").mkdir()
    (isolated.folder / "link").symlink_to("real")
    options = [*OPTIONS, "--kernel=auto"] if place == "kernel" else OPTIONS
    found = tried(isolated, place, [act for act, _ in ACTS], options, LISTS)
    assert dict(zip([act for act, _ in ACTS], found, strict=True)) == dict(ACTS)


def test_a_link_that_comes_into_its_way_gives_nothing_elsewhere(isolated):
    (isolated.folder / "real").mkdir()
    before = "os.rename('way/in', 'way/out'); os.symlink('../real', 'way/in')"
    (isolated.folder / "way/in").mkdir(parents=True)
    options = ["--fs-readonly", "--allow-write=way/in/new", "--allow-write=way"]
    assert tried(isolated, "process", ["open('way/in/new', 'w')"], options, before=before) == ["fs-readonly"]
