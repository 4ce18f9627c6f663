"""What packages put beside their modules is readable under a root, where they are installed for the one who starts."""

from __future__ import annotations

import pytest

PROGRAM = """
import sys
for name in sys.argv[1:]:
    try:
        print(open(sys.prefix + "/" + name).read())
    except Exception as error:
        print(type(error).__name__)
"""
PLACES = ("share/jupyter/conf.json", "etc/jupyter/conf.json", "var/conf.json")


@pytest.fixture
def filled(isolated, other):
    """An environment with data of packages, and a root that is elsewhere."""
    for name in PLACES:
        (place := other.folder / name).parent.mkdir(parents=True)
        place.write_text(name.partition("/")[0])
    (isolated.folder / "root").mkdir()
    isolated.write("code/target.py", PROGRAM)
    return other


def read(isolated, python, *names, kernel="", **how):
    done = isolated.foreign(["--fs-readonly=root", *kernel.split()], python, "code/target.py", *names, **how)
    return done.stdout.splitlines()


@pytest.mark.parametrize("kernel", ["", "--kernel=off"])
def test_data_of_packages_is_readable_and_the_rest_is_not(isolated, filled, kernel):
    assert read(isolated, filled.python, *PLACES, kernel=kernel) == ["share", "etc", "FilesystemViolation"]


def test_a_link_in_its_place_gives_nothing(isolated, filled):
    (filled.folder / "share").rename(filled.folder / "elsewhere")
    (filled.folder / "share").symlink_to("elsewhere")
    assert read(isolated, filled.python, *PLACES[:2]) == ["FilesystemViolation", "etc"]


@pytest.mark.parametrize("variable", ["XDG_DATA_HOME", "HOME"])
def test_where_the_users_programs_keep_data_is_not_the_environments(isolated, filled, variable):
    local = isolated.folder / ".local"
    filled.folder.rename(local)
    place = str(local / "share") if variable == "XDG_DATA_HOME" else str(isolated.folder)
    found = read(isolated, str(local / "bin" / "python"), *PLACES[:2], env={variable: place})
    assert found == ["FilesystemViolation", "etc"]


CHILD = """
import subprocess, sys
print(subprocess.run([sys.argv[1], "code/target.py", *sys.argv[2:]], capture_output=True, text=True).stdout, end="")
"""


def test_a_child_in_another_environment_has_not_its_data(isolated, filled):
    isolated.write("code/parent.py", CHILD)
    # A kernel would not even let it read its pyvenv.cfg.
    done = isolated.cli("--kernel=off", "--fs-readonly=root", "--", "code/parent.py", filled.python, *PLACES)
    assert done.stdout.splitlines() == ["FilesystemViolation"] * 3, done
