"""--allow-native: the extension modules of one package, by its name and its place."""

from __future__ import annotations

import _ctypes
import shutil

import pytest

OPTIONS = "--block-native --allow-native given"
PROGRAM = """
import sys
try:
    import {module}
except ImportError as blocked:
    print(blocked, "|", getattr(blocked, "remedy", "no violation"))
else:
    print("loaded", {module}.__file__.rpartition("/")[2][:4])
"""


@pytest.fixture
def packages(isolated):
    """Two packages with an extension module each: ``given`` and ``other``."""
    for package in ("given", "other"):
        (isolated.folder / package).mkdir()
        isolated.write(f"{package}/__init__.py", "")
        # Any extension module does: it is asked for under a name that is not its own, so it is loaded, but not made.
        shutil.copy(_ctypes.__file__, isolated.folder / package / "part.so")
    return isolated


def tried(isolated, module, options=OPTIONS):
    return isolated.script(options, PROGRAM.format(module=module)).stdout.strip()


PART = "6ec57f84c680d3a3778b__mypyc"
FIND = f"import importlib; importlib.import_module('{PART}')"


@pytest.mark.parametrize(("owner", "loads"), [("given", True), ("other", False), (None, False)])
def test_a_given_package_loads_the_part_that_mypyc_puts_beside_it(packages, owner, loads):
    """Its name is a hash, which no list can keep up with; whose it is, the installed distribution's list says."""
    part = f"{PART}.so"
    shutil.copy(_ctypes.__file__, packages.folder / part)
    packages.write("given-1.dist-info/RECORD", "given/__init__.py,,\ngiven/part.so,,\n")
    packages.write("other-1.dist-info/RECORD", "other/__init__.py,,\nother/part.so,,\n")
    if owner is not None:
        with (packages.folder / f"{owner}-1.dist-info/RECORD").open("a") as record:
            record.write(f"{part},sha256=x,1\n")
    done = packages.script(OPTIONS, FIND)
    assert ("dynamic module does not define" in done.stderr) is loads, done.stderr
    assert (f"native import blocked: {PART}" in done.stderr) is not loads, done.stderr


def test_a_part_that_comes_later_is_not_loaded(packages):
    """What the program makes is nobody's distribution: found is what was there at the start."""
    packages.write("given-1.dist-info/RECORD", f"given/__init__.py,,\n{PART}.so,,\n")
    code = f"import mmap as t, shutil; shutil.copy(t.__file__, '{PART}.so'); {FIND}"
    assert f"native import blocked: {PART}" in packages.script(OPTIONS, code).stderr


def test_a_given_package_loads_its_extension_modules(packages):
    # The dynamic loader was asked and looked for the module's own function.
    assert "PyInit_part" in tried(packages, "given.part")


def test_another_package_does_not(packages):
    assert tried(packages, "other.part") == "native import blocked: other.part | --allow-native other"


def test_what_lies_in_the_folder_of_a_given_package_counts_as_its_own(packages):
    (packages.folder / "given" / "linked").symlink_to(packages.folder / "other")
    assert "PyInit_part" in tried(packages, "given.linked.part")


def test_a_link_to_a_given_package_from_another_one_gives_nothing(packages):
    (packages.folder / "other" / "given").symlink_to(packages.folder / "given")
    assert tried(packages, "other.given.part").startswith("native import blocked")


def test_the_remedy_for_a_group_of_mypyc_can_be_applied(isolated):
    shutil.copy(_ctypes.__file__, isolated.folder / "85cae5375ceb__mypyc.so")
    program = PROGRAM.format(module="_").replace("import _", "__import__('85cae5375ceb__mypyc')")
    refused = isolated.script("--block-native", program).stdout.strip()
    remedy = "--allow-native 85cae5375ceb__mypyc"
    assert refused == f"native import blocked: 85cae5375ceb__mypyc | {remedy}"
    assert "PyInit_" in isolated.script(f"--block-native {remedy}", program).stdout


@pytest.mark.parametrize("name", ["ctypes", "_ctypes", "_tkinter", "numpy.core", "a-b", ""])
def test_what_cannot_be_given_back_is_refused_at_the_start(isolated, name):
    done = isolated.cli("--block-native", "--allow-native", name, "--", "python", "-c", "")
    assert (done.code, len(done.errors)) == (1, 1), done.stderr


def test_an_allowance_alone_is_refused(isolated):
    done = isolated.cli("--allow-native", "numpy", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        ["hermetic: error: --allow-native needs --block-native or must be left out (see hermetic --help)"],
    )
