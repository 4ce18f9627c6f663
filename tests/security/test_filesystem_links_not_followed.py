"""``O_NOFOLLOW`` where paths are judged: a link's own handle says where the link lies, and nobody goes where it leads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "lists"))
from path_attempts import PLACES, tried  # the tests of lists have them

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="handles are Linux's")

OPTIONS = ["--fs-readonly", "--allow-write", "open", "--deny-read", "key"]
LISTS = {"fs_readonly": True, "allow_write": ["open"], "deny_read": ["key"]}
# As soon as there is another thread, numbers of descriptors are not relied on.
THREAD = """
import errno, os, threading
ended = threading.Event()
threading.Thread(target=ended.wait, daemon=True).start()
def told(act, *expected):
    try:
        act()
    except OSError as error:
        if (error.errno, error.filename) != expected:
            raise RuntimeError((error.errno, error.filename)) from None
"""


@pytest.mark.parametrize("threads", ["one", "more"])
@pytest.mark.parametrize("place", PLACES)
def test_a_link_is_never_followed(isolated, place, threads):
    (isolated.folder / "open").mkdir()
    (isolated.folder / "key").write_text("key\n")
    for name, target in (("link", "../key"), ("plain", "file")):
        (isolated.folder / "open" / name).symlink_to(target)
    (isolated.folder / "open/file").write_text("file\n")
    before = THREAD if threads == "more" else THREAD.replace("threading.Thread", "#")
    names = [("open/link", "O_RDONLY"), ("open/plain", "O_RDONLY"), ("open/plain", "O_WRONLY | os.O_TRUNC")]
    acts = [f"told(lambda: os.open({name!r}, os.O_NOFOLLOW | os.{how}), errno.ELOOP, {name!r})" for name, how in names]
    acts += ["told(lambda: open('open', 'w'), errno.EISDIR, 'open')"]
    acts += ["told(lambda: os.open('open/../open', os.O_RDWR), errno.EISDIR, 'open/../open')"]
    acts += ["os.fdopen(os.open('open/file', os.O_NOFOLLOW | os.O_RDWR)).close()"]
    assert tried(isolated, place, acts, options=OPTIONS, lists=LISTS, before=before) == ["done"] * len(acts)
    assert (isolated.folder / "open/file").read_text() == "file\n"
