"""The class of what stat finds takes new attributes: `os.stat_result.st_mode = ...` made links and memory look like files."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import _hermetic

LIE = "import os\nos.stat_result.st_mode, os.stat_result.st_dev, os.stat_result.st_ino, os.stat_result.st_size = 0o100644, 1, 1, 1\n"
ATTEMPTS = {
    "memory": ("--seal --no-network", "open('/proc/self/mem', 'r+b')"),
    "memory by a link": (
        "--seal --no-network",
        "os.symlink('/proc/self/mem', 'link'); open(os.path.abspath('link'), 'r+b')",
    ),
    "own file by a link": (
        "--seal --no-network",
        "import _hermetic; os.symlink(_hermetic.__file__, 'link'); open(os.path.abspath('link'), 'r+b')",
    ),
    "variables": ("--no-environment", "open('/proc/self/environ')"),
    "another number": (
        "--deny-import planted",
        "os.rename('planted.py', 'other.py'); import other",
    ),
}


@pytest.mark.parametrize("way", ATTEMPTS)
def test_a_lie_about_files_convinces_no_guard(isolated, way):
    options, attempt = ATTEMPTS[way]
    isolated.write("planted.py", "x = 1")
    done = isolated.script(f"--kernel=off {options}", f"{LIE}{attempt}\nprint('escaped')")
    assert "escaped" not in done.stdout and "hermetic: blocked action:" in done.stderr, done


# What runs before a policy holds.
BEFORE = {"__init__.py"}


def test_no_field_of_a_result_is_read_by_its_class():
    folder = Path(_hermetic.__file__).parent
    found = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in folder.rglob("*.py")
        if str(path.relative_to(folder)) not in BEFORE and not path.name.startswith("frozen_")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("st_")
    ]
    assert found == []
