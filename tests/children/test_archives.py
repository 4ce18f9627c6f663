"""A zip archive with a first line, as zipapp, shiv and pex make them, is a program as any other: it runs, guarded."""

from __future__ import annotations

import io
import sys
import zipfile

import pytest
from starts import CHILD

from _hermetic.programs.executables import program_kind
from _hermetic.programs.target import FOLDER, SCRIPT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="first lines start programs")


def zipped(comment: bytes = b"") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("__main__.py", CHILD)
        archive.comment = comment
    return written.getvalue()


LINE = f"#!{sys.executable} -I\n".encode()
ARCHIVES = {
    "plain": LINE + zipped(),
    "with a comment": LINE + zipped(b"x" * 5000),
    "behind a text": LINE + b"#" * 9000 + zipped(),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_it_runs_guarded(isolated, name):
    (isolated.folder / "app").write_bytes(ARCHIVES[name])
    (isolated.folder / "app").chmod(0o755)
    assert isolated.run(["./app"]).stdout == "free\n"
    child = "import subprocess, sys\nfor words in (['./app'], [sys.executable, './app']):\n    subprocess.run(words)"
    for words in (["./app"], ["python", "./app"], ["python", "-c", child]):
        done = isolated.cli("--no-network", "--kernel=off", "--", *words)
        assert set(done.stdout.split()) == {"held"}, done


def test_what_is_none(tmp_path):
    for name, content, kind in (
        ("text", b"#!/usr/bin/python\nx = 'PK'\n", SCRIPT),
        ("short", b"#!", SCRIPT),
        ("empty", b"", SCRIPT),
        ("nulls", b"#!python\n" + b"\0" * 70000, SCRIPT),
        ("archive", zipped(), FOLDER),
        ("stub", b"MZ\0\0" + zipped(), FOLDER),
    ):
        (tmp_path / name).write_bytes(content)
        assert program_kind(str(tmp_path / name)) == kind, name
    assert program_kind(str(tmp_path)) == FOLDER
    assert program_kind(str(tmp_path / "missing")) == SCRIPT
