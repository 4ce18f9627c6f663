"""Names by which a guard knows what will be opened, and where a program may put a link all the same: a folder called ``fd``
that is none of procfs (``/proc/../fd/5``), and, for root, the devices and the names of descriptors below ``/dev``.
"""

from __future__ import annotations

import sys

import pytest

from _hermetic.capabilities.filesystem import lists, places

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="procfs")
NAMES = ("null", "full", "zero", "tty", "fd", "stdin", "stdout", "stderr", "fd/5")


@pytest.mark.parametrize("name", ["/proc/../fd/5", "/proc/./fd/5", "/proc/sys/fd/5", "/proc//fd/5"])
def test_only_procfs_tells_what_a_descriptor_is(monkeypatch, name):
    monkeypatch.setattr(places, "readlink", lambda path: "/allowed/link")
    assert places.held_place(name, 0) is None
    assert places.held_place("/proc/self/fd/5", 0) == places.held_place("/proc/12/fd/5", 0) == "/allowed/link"


ATTEMPTS = """
import os
open("w/file", "w").close()
for name in {names}:
    for make in (os.symlink, os.link):
        try:
            make(os.path.abspath("w/file"), "/dev/" + name)
        except OSError as error:
            print(getattr(error, "reason", type(error).__name__))
""".format(names=[name for name in NAMES if name != "fd/5"])  # which is a file of procfs until something stands there


@pytest.mark.parametrize(
    "option", ["--deny-read x", "--deny-write x", "--fs-readonly --allow-write w --allow-write /dev"]
)
def test_nothing_is_put_where_a_device_is_known_by_its_name(isolated, option):
    (isolated.folder / "w").mkdir()
    done = isolated.script(f"--kernel=off {option}", ATTEMPTS)
    assert done.stdout == "integrity\n" * 16, done


@pytest.mark.parametrize("place", [*(f"/dev/{name}" for name in NAMES), "/dev"])
def test_nothing_is_moved_there_or_away(place):
    rules = lists.prepared(lists.make_rules(readonly=False, deny_write=["/x"]), (), frozenset(), ())
    for ends in (("/w/file", place), (place, "/w/file")):
        assert lists.change_refused(rules, ends, ends[:1])[0] == "integrity"
    assert lists.change_refused(rules, ("/dev/shm/a", "/dev/shm/b"), ("/dev/shm/a",)) is None


def test_devices_stay_usable(isolated):
    code = """
    open("/dev/null", "w").write("x")
    open("/dev/../dev/null", "w").write("x")
    open("/dev/stdout", "w").write("written")
    """
    done = isolated.script("--kernel=off --deny-write x", code)
    assert done.stdout == "written", done
