"""Files that the next interpreter runs on its own: .pth, sitecustomize, usercustomize; and site's own functions."""

from __future__ import annotations

import pytest
from interpreter_attempts import BLOCKED, CONTAINED, KEYWORDS, OPTION, changed
from state_attempts import PLACES, outcomes

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
