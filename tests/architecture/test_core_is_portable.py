"""The core alone, without its faces, without site-packages: every module must import."""

from __future__ import annotations

import shutil
import sys
import zipfile

import pytest
from syntax import CORE, modules

IMPORT_ALL = """
import sys
sys.path.insert(0, {place!r})
before = set(sys.modules)
for name in {names!r}:
    __import__(name)
heavy = (set(sys.modules) - before) & {{"typing", "dataclasses", "re", "json", "argparse", "asyncio", "ctypes"}}
assert "hermetic" not in sys.modules
print(sorted(heavy))
"""
# The start-up file for grandchildren is found by a path and runs when it is executed.
NAMES = ["_hermetic" + (f".{name}" if name else "") for name in modules(CORE) if not name.startswith("carrier")]


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_core_imports_alone(isolated, form):
    if form == "folder":
        shutil.copytree(CORE, isolated.folder / "lib" / "_hermetic", ignore=shutil.ignore_patterns("__pycache__"))
        place = isolated.folder / "lib"
    else:
        place = isolated.folder / "core.zip"
        with zipfile.ZipFile(place, "w") as file:
            for path in CORE.rglob("*.py"):
                file.write(path, path.relative_to(CORE.parent))
    done = isolated.python("-I", "-S", "-c", IMPORT_ALL.format(place=str(place), names=NAMES))
    assert (done.code, done.stdout) == (0, "[]\n"), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["entry.py", "carrier/sitecustomize.py"])
def test_entry_parses_on_every_python(name):
    import ast

    tree = ast.parse((CORE / name).read_text(), feature_version=(3, 4))
    assert not any(isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr)) for node in ast.walk(tree))
    assert sys.version_info >= (3, 10)
