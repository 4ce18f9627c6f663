"""Files that the next interpreter runs on its own: .pth, sitecustomize, usercustomize; and site's own functions.

References: CVE-2026-55607.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from interpreter_attempts import BLOCKED, CONTAINED, KEYWORDS, OPTION, changed
from state_attempts import PLACES, outcomes

import _hermetic

WAYS = """
folder = os.getcwd()
open("plain.txt", "w").close()
@attempt
def pth(): open(folder + "/x.pth", "w")
@attempt
def pth_in_capitals(): open(folder + "/x.PTH", "a")
@attempt
def sitecustomize(): open(folder + "/sitecustomize.py", "w")
@attempt
def usercustomize_as_bytecode(): os.open(folder + "/usercustomize.pyc", os.O_CREAT | os.O_WRONLY)
@attempt
def as_a_package(): os.mkdir(folder + "/sitecustomize")
@attempt
def renamed(): os.rename("plain.txt", folder + "/x.pth")
@attempt
def replaced(): os.replace("plain.txt", b"usercustomize.py")
@attempt
def linked(): os.link("plain.txt", folder + "/x.pth")
@attempt
def pointed_to(): os.symlink("/nowhere", "sitecustomize.py")
@attempt
def any_site_packages():
    os.makedirs("lib/site-packages", exist_ok=True)
    open("lib/site-packages/x.pth", "w")
"""


@pytest.mark.parametrize("place", PLACES)
def test_startup_files_are_not_written(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, WAYS)
    for name, outcome in found.items():
        assert outcome.startswith("interpreter mutation disabled: "), f"{name}: {outcome}"


# Named from here, each of them lies in a folder that nobody looks into.
ELSEWHERE = """
import posix
from posix import open as captured
shelf = os.open("shelf", os.O_RDONLY | os.O_DIRECTORY)
@attempt
def by_descriptor(): os.open("entry/x.pth", os.O_CREAT | os.O_WRONLY, dir_fd=shelf)
@attempt
def by_captured(): captured(b"entry/x.pth", os.O_CREAT | os.O_WRONLY, dir_fd=shelf)
@attempt
def by_opener(): open("entry/x.pth", "w", opener=lambda path, flags: os.open(path, flags, dir_fd=shelf))
@attempt
def made(): os.mkdir("entry/sitecustomize", dir_fd=shelf)
@attempt
def renamed(): os.rename("plain.txt", "entry/x.pth", dst_dir_fd=shelf)
@attempt
def linked(): os.link("plain.txt", "entry/x.pth", dst_dir_fd=shelf)
@attempt
def linked_from(): os.link("entry/there.pth", "plain_too.txt", src_dir_fd=shelf)
@attempt
def pointed_to(): os.symlink("plain.txt", "entry/x.pth", dir_fd=shelf)
@attempt
def through_a_link(): open("shelf/deeper/innocent.txt", "w")
@attempt
def through_two_links(): os.open("innocent.txt", os.O_CREAT | os.O_WRONLY)
"""


@pytest.mark.parametrize("place", PLACES)
def test_startup_files_have_no_other_names(isolated, place):
    isolated.write("plain.txt", "")
    isolated.write("shelf/entry/there.pth", "")
    isolated.write("shelf/deeper/plain.txt", "")
    (isolated.folder / "shelf/deeper/innocent.txt").symlink_to("../entry/x.pth")
    (isolated.folder / "innocent.txt").symlink_to("shelf/deeper/innocent.txt")
    path = {"PYTHONPATH": str(isolated.folder / "shelf" / "entry")}
    found = outcomes(isolated, place, OPTION, KEYWORDS, ELSEWHERE, env=path)
    for name, outcome in found.items():
        assert outcome.startswith("interpreter mutation disabled: "), f"{name}: {outcome}"
    assert sorted(child.name for child in (isolated.folder / "shelf" / "entry").iterdir()) == ["there.pth"]


OWN = """
import _hermetic
own = os.path.dirname(_hermetic.__file__)
folder = os.open(own, os.O_RDONLY | os.O_DIRECTORY)
@attempt
def through_a_link(): open("innocent/made.py", "w")
@attempt
def through_a_file(): open("file", "a")
@attempt
def by_descriptor(): os.open("made.py", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
@attempt
def removed(): os.remove("made.py", dir_fd=folder)
@attempt
def renamed(): os.rename("plain.txt", "made.py", dst_dir_fd=folder)
@attempt
def made(): os.mkdir("innocent/made")
@attempt
def cut(): os.truncate("file", 0)
@attempt
def mode(): os.chmod("file", 0o600)
"""


@pytest.mark.parametrize("place", PLACES)
def test_the_guards_own_files_are_not_written_by_other_names(isolated, place):
    isolated.write("plain.txt", "")
    own = Path(_hermetic.__file__).parent
    (isolated.folder / "file").symlink_to(own / "made.py")
    (isolated.folder / "innocent").symlink_to(own)
    found = outcomes(isolated, place, "--no-network", {"block_network": True}, OWN)
    for name, outcome in found.items():
        assert outcome.startswith("filesystem readonly: "), f"{name}: {outcome}"


def test_elsewhere_and_for_reading_they_are_files(isolated):
    code = """
os.makedirs("elsewhere")
@attempt
def elsewhere(): return open("elsewhere/sitecustomize.py", "w").write("")
@attempt
def read(): return open("elsewhere/sitecustomize.py").read()
@attempt
def others(): return open("site_customize.py", "w").write("")
"""
    assert outcomes(isolated, "command line", OPTION, {}, code) == {"elsewhere": "0", "read": "''", "others": "0"}


SITE = """
import runpy, site
open(HIDDEN + "/evil.pth", "w").write(HIDDEN + "\\n")
open(HIDDEN + "/__main__.py", "w").write("import " + f"hidden_{len(NUMBER)}")
@change
def addsitedir(): site.addsitedir(HIDDEN)
@change
def addpackage(): site.addpackage(HIDDEN, "evil.pth", set())
@change
def reloaded(): importlib.reload(site).addsitedir(HIDDEN)
@change
def run_folder(): runpy.run_path(HIDDEN)
"""


@pytest.mark.parametrize("place", PLACES)
def test_folders_are_not_added(isolated, place):
    found = changed(isolated, place, SITE)
    assert found == {"addsitedir": BLOCKED, "addpackage": BLOCKED, "reloaded": BLOCKED, "run_folder": BLOCKED}
    assert CONTAINED not in found.values()


def test_pth_files_of_the_start_stay_in_force(isolated):
    isolated.write("added/from_pth.py", "VALUE = 1\n")
    isolated.write("home/x.pth", str(isolated.folder / "added") + "\n")
    isolated.write("sitecustomize.py", f"import site; site.addsitedir({str(isolated.folder / 'home')!r})\n")
    done = isolated.script(OPTION, "import from_pth; print(from_pth.VALUE)", env={"PYTHONPATH": str(isolated.folder)})
    assert (done.code, done.stdout.strip()) == (0, "1"), done.stderr
