"""Every row's example in every pair of interpreters: a command line of one Python, a program of another.

What happens is compared with what happens in the program's own Python, in process. Five of the twenty-five pairs belong to
the quick suite; each supported Python starts one and is started in one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest
from batches import CHANGING, batch, other_python
from batches import folders as folders
from examples import SETTINGS

from conftest import SOURCE

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
QUICK = {("3.10", "3.14"), ("3.11", "3.12"), ("3.12", "3.11"), ("3.13", "3.10"), ("3.14", "3.13")}
PAIRS = [
    pytest.param(launcher, target, marks=() if (launcher, target) in QUICK else pytest.mark.slow)
    for launcher in VERSIONS
    for target in VERSIONS
]
# The rows of another Python's tables; what it has not got, it cannot try.
TABLE = """
import json
from examples import AVAILABLE
from _hermetic.capabilities import FAMILIES, load_family
rows = [(g, n, r.example) for g in FAMILIES for n, r in enumerate(load_family(g).surface)]
print(json.dumps([(g, n, e) for g, n, e in rows if e and AVAILABLE.get(e, True)]))
"""
COMPARED = (
    *("kind", "violation", "oserror", "importerror", "guard", "target", "reason", "remedy", "capability", "call"),
    *("text", "message", "trace", "python"),
)


@lru_cache(maxsize=None)
def python(version: str) -> str | None:
    """An interpreter of this version that this machine has: on PATH, or among those of pyenv."""
    folder = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    listed = sorted(folder.glob(f"{version}.*/bin/python"), key=lambda path: [len(path.parts[-3]), path.parts[-3]])
    for found in [*map(str, reversed(listed)), shutil.which(f"python{version}")]:
        if found and answers(found, version):
            return found
    return None


def answers(path: str, version: str) -> bool:
    """Whether this is an interpreter of that version, and no stand-in that only looks like one."""
    code = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def needed(version: str) -> str:
    """The same, or the test is skipped."""
    found = python(version)
    if found is None:
        pytest.skip(f"this machine has no Python {version}")
    return found


@lru_cache(maxsize=None)
def rows_of(base: str) -> list[tuple[str, int, str]]:
    """(family, number, example) of everything that this Python can try."""
    paths = os.pathsep.join([str(SOURCE), str(Path(__file__).parent)])
    done = subprocess.run(
        [base, "-c", TABLE], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    return [tuple(row) for row in json.loads(done.stdout)]


@lru_cache(maxsize=None)
def tried(guard: str, place: str, launcher: str, target: str) -> dict[int, dict[str, object]]:
    """What happened, without what differs from run to run."""
    rows = [(number, example) for family, number, example in rows_of(python(target)) if family == guard]
    target_python = other_python(python(target))
    starter = target_python if place == "process" else python(launcher)
    found = batch(guard, place, rows, starter, target_python)
    assert -1 not in found, found[-1]["text"]
    assert len(found) == len(rows)
    return {
        number: {name: re.sub(CHANGING, "", json.dumps(result.get(name))) for name in COMPARED}
        for number, result in found.items()
    }


@pytest.mark.parametrize("guard", SETTINGS)
@pytest.mark.parametrize(("launcher", "target"), PAIRS)
def test_every_example_ends_as_in_its_own_python(guard, launcher, target):
    needed(launcher)
    needed(target)
    expected = tried(guard, "process", target, target)
    assert all(result["violation"] == "true" for result in expected.values()), expected
    assert all(result["python"] == f"[{target.replace('.', ', ')}]" for result in expected.values())
    assert tried(guard, "foreign", launcher, target) == expected
