"""A link or a copy of perl that is called python: it was started with the entry's words, as a guarded child, and took
those that it knows (``-d``, ``-W``) for its own.
"""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from _hermetic.programs.executables import INTERPRETER, OTHER, recognise

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs, and what they are made of")


def test_a_name_makes_no_interpreter(tmp_path):
    """perl, called python, would take options of the entry's command line for its own, and be called guarded."""
    (tmp_path / "python").symlink_to("/bin/sh")
    shutil.copy(os.path.realpath("/bin/sh"), tmp_path / "python3")
    assert [recognise(str(tmp_path / name))[0] for name in ("python", "python3")] == [OTHER] * 2
    (tmp_path / "python3.12").symlink_to(sys.executable)
    assert recognise(str(tmp_path / "python3.12"))[0] == INTERPRETER
    # Old ones call another function; a build may have no table of names at all.
    for text in (b"Py_Main", b"_Py_UnixMain", b"pypy_main_startup", b"x" * (1 << 23) + b"PYTHONHOME"):
        (tmp_path / "python3.7").write_bytes(b"\x7fELF" + text)
        (tmp_path / "tool").write_bytes(b"\x7fELF" + text)
        (tmp_path / "tool").chmod(0o755)
        (tmp_path / "python3.7").chmod(0o755)
        assert [recognise(str(tmp_path / name))[0] for name in ("python3.7", "tool")] == [INTERPRETER, OTHER]


def test_a_program_that_is_called_python_is_none(isolated):
    (isolated.folder / "python").symlink_to("/bin/sh")
    code = "import subprocess; print(subprocess.run(['./python', '-c', 'echo ran'], capture_output=True, text=True).stdout)"
    assert "ran" in isolated.script("--no-network --kernel=off", code).stdout
    done = isolated.script("--no-network --kernel=off --seal", code)
    assert "subprocess disabled: subprocess.Popen" in done.stderr
    assert done.code == 2


ELSEWHERE = """
import os, shutil, subprocess, sys
CODE = {code!r}
os.mkdir("elsewhere")
shutil.copy({first!r}, "tool")
shutil.copy({second!r}, "elsewhere/tool")
done = subprocess.run(["./tool", "-I", "-c", CODE], preexec_fn=lambda: os.chdir("elsewhere"), capture_output=True, text=True)
print(done.stdout + done.stderr)
"""
CHILD = "import _socket\ntry: _socket.socket(2, 1).connect(('127.0.0.1', 9))\nexcept OSError: print('free')\n"


@pytest.mark.parametrize("options", ["--no-network --kernel=off", "--no-network --seal --kernel=off"])
@pytest.mark.parametrize("order", [1, -1])
def test_what_was_looked_at_is_what_starts(isolated, order, options):
    """Whatever runs in between goes to a folder where the name means another program."""
    first, second = ("/bin/echo", os.path.realpath(sys.executable))[::order]
    code = ELSEWHERE.format(code=CHILD, first=first, second=second)
    plain = isolated.code(code)
    assert plain.stdout.startswith("free" if order == 1 else "-I"), plain
    isolated.python("-c", "import os, shutil; shutil.rmtree('elsewhere'); os.remove('tool')")
    done = isolated.script(options, code)
    if order == 1 and "seal" not in options:
        assert done.stdout.startswith("-I"), done  # the one that was looked at, and told of
    elif order == 1:
        assert "subprocess disabled" in done.stderr
    else:
        assert "network disabled: connect" in done.stdout, done
