"""Code in what is no file of any folder: memory (``memfd_create``), removed files, pipes.

A program that may write no file can make all of these. Read as the script of a child or as an archive on the path they
would be code that is handed in as text.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from security.code_exec_attack import attempt, both

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's")

MAKE = """
import importlib, io, os, subprocess, tempfile, zipfile
def memory(data):
    number = os.memfd_create("memory")
    os.write(number, data)
    os.lseek(number, 0, 0)
    return number
def removed(data):
    file = tempfile.TemporaryFile()
    file.write(data)
    file.flush()
    return os.dup(file.fileno())
def pipe(data):
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
def archive(name, text):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(name, text)
    return made.getvalue()
def child(number, *words):
    subprocess.run([sys.executable, *(word % number for word in words)], pass_fds=[number], check=True)
"""
ARCHIVES = {
    "on the path": """
sys.path.append("/proc/self/fd/%d" % memory(archive("found.py", SOURCE)))
attack(lambda: importlib.import_module("found"))
""",
    "removed": """
sys.path.append("/proc/self/fd/%d" % removed(archive("found.py", SOURCE)))
attack(lambda: importlib.import_module("found"))
""",
    "compressed": """
data = io.BytesIO()
with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
    file.writestr("package/__init__.py", "#" * 4000 + "\\n" + SOURCE)
sys.path.append("/proc/%d/fd/%d" % (os.getpid(), memory(data.getvalue())))
attack(lambda: importlib.import_module("package"))
""",
    "program of a child": """
attack(lambda: child(memory(archive("__main__.py", SOURCE)), "/proc/self/fd/%d"))
""",
}
SCRIPTS = {
    "memory": """attack(lambda: child(memory(BYTES), "/proc/self/fd/%d"))\n""",
    "removed": """attack(lambda: child(removed(BYTES), "/dev/fd/%d"))\n""",
    "pipe": """attack(lambda: child(pipe(BYTES), "/dev/fd/%d"))\n""",
    "standard input": """
attack(lambda: subprocess.run([sys.executable, "/dev/stdin"], input=BYTES, check=True))
""",
    "of the parent": """
name = "/proc/%d/fd/%d" % (os.getpid(), memory(BYTES))
attack(lambda: subprocess.run([sys.executable, name], check=True))
""",
}


@pytest.mark.parametrize("options", ["--no-code-exec", "--kernel=off --no-code-exec --fs-readonly --seal"])
@pytest.mark.parametrize("name", ARCHIVES)
def test_no_module_comes_from_memory(isolated: Any, name: str, options: str) -> None:
    both(isolated, MAKE + ARCHIVES[name])
    done = attempt(isolated, MAKE + ARCHIVES[name] + "print(REFUSED)", options)
    assert "['PolicyViolation']" in done.stdout or "dynamic code execution disabled" in done.stderr, done


@pytest.mark.parametrize("options", ["--no-code-exec", "--kernel=off --no-code-exec --fs-readonly --seal"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_no_child_runs_text_that_is_handed_in(isolated: Any, name: str, options: str) -> None:
    both(isolated, MAKE + SCRIPTS[name])
    done = attempt(isolated, MAKE + SCRIPTS[name], options)
    assert "dynamic code execution disabled" in done.stderr, done


def test_files_of_folders_run(isolated: Any) -> None:
    """Also empty ones, archives, and what a user hands to the program itself."""
    isolated.write("other.py", "print('script ran')\n")
    isolated.write("empty.py", "")
    isolated.passes(
        """
        import zipfile
        with zipfile.ZipFile("made.zip", "w") as file:
            file.writestr("__main__.py", "print('archive ran')\\n")
            file.writestr("inside.py", "print('module ran')\\n")
        """
    )
    done = isolated.script(
        "--no-code-exec",
        """
import subprocess, sys
for name in ("other.py", "empty.py", "made.zip"):
    subprocess.run([sys.executable, name], check=True)
sys.path.append("made.zip")
import inside
""",
    )
    assert done.code == 0, done
    assert sorted(done.stdout.splitlines()) == ["archive ran", "module ran", "script ran"], done


def test_the_program_itself_may_be_a_pipe(isolated: Any) -> None:
    done = isolated.cli("--no-code-exec", "--", sys.executable, "/dev/stdin", stdin="print('ran')\n")
    assert done.stdout == "ran\n", done
