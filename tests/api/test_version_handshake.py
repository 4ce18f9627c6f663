"""Faces and core are of one version, or the faces are not imported: a policy made by one is not judged by another."""

from __future__ import annotations

import re
import shutil

import _hermetic
import hermetic
from conftest import SOURCE


def copied(folder, version=None):
    """A copy of the source whose faces say another version."""
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if version is not None:
        path = folder / "hermetic" / "__init__.py"
        path.write_text(re.sub('__version__ = "[^"]*"', f'__version__ = "{version}"', path.read_text()))


def test_faces_and_core_say_the_same():
    assert hermetic.__version__ == _hermetic.VERSION


IMPORTS = """
for name in ("hermetic", "hermetic.errors", "hermetic.blocker"):
    try:
        __import__(name)
    except ImportError as error:
        print(error.name, error)
"""


def test_faces_of_another_version_are_not_imported(isolated):
    copied(isolated.folder / "copy", "0.0.9")
    done = isolated.code(IMPORTS, bare=True, env={"PYTHONPATH": str(isolated.folder / "copy")})
    assert len(done.stdout.splitlines()) == 3, done
    for line in done.stdout.splitlines():
        assert line.startswith("hermetic hermetic 0.0.9 in "), line
        assert f"found the core of hermetic {_hermetic.VERSION} in {isolated.folder / 'copy'}" in line


def test_target_with_an_older_hermetic_is_told(isolated, other):
    """Its guards are the newer one's; what it would ask the older one for is not done by halves."""
    copied(other.site, "0.0.9")
    isolated.write("t.py", IMPORTS + "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)\n")
    done = isolated.foreign("--no-network", other.python, "t.py")
    assert done.stdout.count("hermetic 0.0.9 in ") == 3, done
    assert done.code == 2


def test_target_with_the_same_hermetic_imports_it(isolated, other):
    copied(other.site)
    isolated.write("t.py", IMPORTS)
    assert isolated.foreign("--no-network", other.python, "t.py") == (0, "", "")
