"""A handle on a file (O_PATH) that may not be read is no way to it once its name is gone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from _hermetic.capabilities.filesystem.told import is_told

sys.path.insert(0, str(Path(__file__).parent.parent / "lists"))
from path_attempts import PLACES, tried  # the tests of lists have them

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="handles are Linux's")

OPTIONS = ["--deny-read", "key", "--deny-read", "kept"]
LISTS = {"deny_read": ["key", "kept"]}
REMOVED = """
import _io, os
number = os.open("key", os.O_PATH)
kept = os.open("kept", os.O_PATH)
os.remove("key")
os.replace("other", "kept")
open("key (deleted)", "w").close()
"""


@pytest.mark.parametrize("place", PLACES)
def test_what_was_denied_is_not_read_after_its_removal(isolated, place):
    for name in ("key", "kept", "other"):
        (isolated.folder / name).write_text(f"{name}\n")
    names = ["f'/proc/self/fd/{number}'", "f'/proc/self/fd/{kept}'", "f'/dev/fd/{number}'"]
    names += [
        "f'/proc/{os.getpid()}/fd/{number}'",
        "f'//proc/self/fd/{number}'",
        "f'/proc/self/task/{os.getpid()}/fd/{number}'",
    ]
    acts = [f"{call}({name})" for name in names for call in ("open", "_io.FileIO")]
    acts += [f"os.open({name}, os.O_RDWR)" for name in names]
    found = tried(isolated, place, acts, options=OPTIONS, lists=LISTS, before=REMOVED)
    assert [act for act, word in zip(acts, found, strict=True) if word not in ("deny-read", "FileNotFoundError")] == []


@pytest.mark.parametrize("place", ["process", "block"])
def test_what_was_not_denied_is_read_after_its_removal(isolated, place):
    for name in ("key", "kept", "other", "beside"):
        (isolated.folder / name).write_text(f"{name}\n")
    before = "import os\nnumber = os.open('beside', os.O_PATH)\nos.remove('beside')"
    acts = ["open(f'/proc/self/fd/{number}')"]
    assert tried(isolated, place, acts, options=OPTIONS, lists=LISTS, before=before) == ["done"]


def test_what_was_removed_tells_no_path_to_open(tmp_path):
    """Its handle tells a name that is anybody's to give: to a link, say, which would be followed."""
    path = tmp_path / "key"
    path.touch()
    number = os.open(path, os.O_PATH)
    frame = SimpleNamespace(f_locals={"handle": f"/proc/{os.getpid()}/fd/{number}"})
    try:
        assert is_told(str(path), frame)
        path.unlink()
        assert os.readlink(frame.f_locals["handle"]) == f"{path} (deleted)"
        assert not is_told(f"{path} (deleted)", frame)
    finally:
        os.close(number)
