"""``py``: the version that its words ask for, found where the launcher would find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from _hermetic.errors import HermeticError
from hermetic import pylauncher

MINE = "%d.%d" % sys.version_info[:2]
SHOW = "import json, sys; print(json.dumps([sys.executable, sys.argv, sys.orig_argv, sys.prefix]))\n"
BLOCKED = "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)\n"
# What no Python reads: the launcher as it is, a program that is not Python.
STAND_IN = '#!/bin/sh\necho launched "$@"\n'


@pytest.mark.parametrize(
    ("words", "version", "rest"),
    [
        ([], "", []),
        (["t.py", "-3"], "", ["t.py", "-3"]),
        (["-3", "t.py"], "3", ["t.py"]),
        (["-3.12", "-m", "x"], "3.12", ["-m", "x"]),
        (["-V:3.12", "-c", "1"], "3.12", ["-c", "1"]),
        (["-2"], "2", []),
        (["-B", "t.py"], "", ["-B", "t.py"]),
        (["-V"], "", ["-V"]),
        (["-"], "", ["-"]),
    ],
)
def test_words_are_split_at_the_version(words, version, rest):
    assert pylauncher.asked(words) == (version, rest)


@pytest.mark.parametrize("word", ["-3.12-64", "-V:PythonCore/3.12", "-3-32", "-V:", "-3.x", "-2.7.1"])
def test_version_that_hermetic_cannot_read_is_an_error(word):
    with pytest.raises(HermeticError, match="name the interpreter itself"):
        pylauncher.asked([word])


@pytest.fixture
def path(tmp_path):
    """Folders of interpreters: one/python3.9 and 3.12, two/python3.12, 3.14 and 2.7."""
    for name in ("one/python3.9", "one/python3.12", "two/python3.12", "two/python3.14", "two/python2.7"):
        (file := tmp_path / name).parent.mkdir(exist_ok=True)
        file.write_text("")
        file.chmod(0o755)
    (tmp_path / "one/python3.20").write_text("not executable")
    (tmp_path / "one/python3.12-config").write_text("")
    return os.pathsep.join(str(tmp_path / folder) for folder in ("missing", "one", "two"))


@pytest.mark.parametrize(
    ("version", "variables", "expected"),
    [
        ("3.9", {}, "one/python3.9"),
        ("3.12", {}, "one/python3.12"),
        ("3", {}, "two/python3.14"),
        ("", {}, "two/python3.14"),
        ("2", {}, "two/python2.7"),
        ("", {"PY_PYTHON": "3.9"}, "one/python3.9"),
        ("", {"PY_PYTHON": "2"}, "two/python2.7"),
        ("", {"PY_PYTHON": "3", "PY_PYTHON3": "3.12"}, "one/python3.12"),
        ("3", {"PY_PYTHON3": "3.9", "PY_PYTHON": "2.7"}, "one/python3.9"),
        ("3.14", {"PY_PYTHON": "3.9"}, "two/python3.14"),
        ("", {"PY_PYTHON": "nonsense"}, "two/python3.14"),
        ("", {"PY_PYTHON": "3", "PY_PYTHON3": "2", "PY_PYTHON2": "3"}, "two/python2.7"),
    ],
)
def test_version_is_found_on_path(path, tmp_path, monkeypatch, version, variables, expected):
    monkeypatch.chdir(tmp_path)
    found = pylauncher.interpreter_for("py", version, ["t.py"], {"PATH": path, **variables})
    assert found == str(tmp_path / expected)


def test_version_that_is_not_there_is_an_error(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for version in ("3.8", "4", "3.1"):
        with pytest.raises(HermeticError, match="py finds no python"):
            pylauncher.interpreter_for("py", version, [], {"PATH": path})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#!/usr/bin/python3.9", "one/python3.9"),
        ("#!/usr/bin/env python3.12", "one/python3.12"),
        ("#!/usr/bin/env -S python2.7 -B", "two/python2.7"),
        ("#!/usr/bin/env python3", "two/python3.14"),
        ("#!python2", "two/python2.7"),
        ("print()", "two/python3.14"),
    ],
)
def test_first_line_of_a_script_asks_too(path, tmp_path, monkeypatch, line, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.py").write_text(line + "\n")
    assert pylauncher.interpreter_for("py", "", ["t.py"], {"PATH": path}) == str(tmp_path / expected)


def test_virtual_environment_comes_first_unless_a_version_is_asked_for(path, tmp_path, monkeypatch, other):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    active = {"PATH": path, "VIRTUAL_ENV": str(other.folder), "PY_PYTHON": "3.9"}
    assert pylauncher.interpreter_for("py", "", [], active) == other.python
    assert pylauncher.interpreter_for("py", "3", [], active) == str(tmp_path / "two/python3.14")
    # The nearest .venv is what py takes where none is active.
    (tmp_path / "deep" / ".venv").symlink_to(other.folder)
    assert pylauncher.interpreter_for("py", "", [], {"PATH": path}) == str(tmp_path / "deep/.venv/bin/python")
    with pytest.raises(HermeticError, match="has no interpreter"):
        pylauncher.interpreter_for("py", "", [], {"PATH": path, "VIRTUAL_ENV": str(tmp_path)})


def test_on_windows_the_launcher_says_where_it_is(monkeypatch, tmp_path):
    said = []

    def run(command, **how):
        said.append(command)
        code = 0 if "-3.8" not in command else 103
        return subprocess.CompletedProcess(command, code, "C:\\Python\\python.exe\n" if not code else "", "No 3.8\n")

    monkeypatch.setattr(pylauncher, "IS_WINDOWS", True)
    monkeypatch.setattr(subprocess, "run", run)
    script = tmp_path / "t.py"
    script.write_text("#!/usr/bin/env python3.11\n")
    assert pylauncher.interpreter_for("py.exe", "3.12", ["t.py"], {}) == "C:\\Python\\python.exe"
    assert pylauncher.interpreter_for("py.exe", "", [str(script)], {}) == "C:\\Python\\python.exe"
    assert pylauncher.interpreter_for("py.exe", "", [], {}) == "C:\\Python\\python.exe"
    with pytest.raises(HermeticError, match=r"py.exe -3.8 finds no interpreter: No 3.8"):
        pylauncher.interpreter_for("py.exe", "3.8", [], {})
    tail = ["-I", "-c", pylauncher.TELL]
    assert said == [["py.exe", *word, *tail] for word in (["-3.12"], ["-3.11"], [], ["-3.8"])]
    found = tmp_path / "venv" / "Scripts" / "python.exe"
    found.parent.mkdir(parents=True)
    found.write_text("")
    found.chmod(0o755)
    assert pylauncher.interpreter_for("py.exe", "", [], {"VIRTUAL_ENV": str(tmp_path / "venv")}) == str(found)


# --- on the command line ---


def with_launcher(isolated, other, **more):
    isolated.write("bin/py", STAND_IN, mode=0o755)
    (isolated.folder / "bin" / f"python{MINE}").symlink_to(other.python)
    return {**with_launcher_again(isolated), **more}


@pytest.mark.parametrize(
    "words",
    [
        ["-3", "t.py", "a", "-b"],
        [f"-{MINE}", "-B", "t.py"],
        [f"-V:{MINE}", "-m", "t"],
        ["t.py"],
        ["-I", "t.py"],
        ["-c", SHOW + BLOCKED],
    ],
)
def test_py_starts_that_interpreter_guarded(isolated, other, words):
    env = with_launcher(isolated, other)
    isolated.write("t.py", SHOW + BLOCKED)
    done = isolated.foreign("--no-network", "py", *words, env=env)
    assert done.code == 2, done.stderr
    executable, argv, original, _ = json.loads(done.stdout)
    assert Path(executable) == isolated.folder / "bin" / f"python{MINE}"
    rest = words[1:] if words[0].startswith(("-3", "-V")) else words
    assert original == [executable, *rest]
    assert argv[1:] == rest[rest.index("t.py") + 1 :] if "t.py" in rest else argv[1:] == []


def test_py_takes_the_active_environment(isolated, other):
    env = with_launcher(isolated, other, VIRTUAL_ENV=str(other.folder))
    isolated.write("t.py", SHOW)
    done = isolated.foreign("--no-network", "py", "t.py", env=env)
    assert done.data[0] == other.python, done.stderr
    assert done.data[3] == str(other.folder)


def test_what_the_launcher_says_of_itself_is_said(isolated, other):
    done = isolated.foreign("--no-network", "py", "--list", env=with_launcher(isolated, other))
    assert (done.code, done.stdout) == (0, "launched --list\n"), done.stderr
    # With anything beside it, it is no question.
    assert isolated.foreign("--no-network", "py", "--list", "x", env=with_launcher_again(isolated)).code == 1


def with_launcher_again(isolated):
    """A PATH of its own: on the system's there may be a newer Python. The launcher's shell is /bin/sh by its path."""
    return {"PATH": str(isolated.folder / "bin")}


def test_py_that_finds_nothing_is_refused(isolated, other):
    env = with_launcher(isolated, other)
    done = isolated.foreign("--no-network", "py", "-3.99", "t.py", env=env)
    assert (done.code, done.stdout, done.stderr) == (1, "", "hermetic: error: py finds no python3.99 on PATH\n")


def test_stand_in_of_a_version_manager_is_not_started(isolated, other):
    env = with_launcher(isolated, other)
    isolated.write("bin/python3.98", "#!/bin/sh\nexec pyenv exec python3.98\n", mode=0o755)
    done = isolated.foreign("--no-network", "py", "-3.98", "t.py", env=env)
    assert done.code == 1
    assert "name the program itself" in done.stderr


def test_without_a_launcher_py_is_a_module(isolated, other):
    isolated.write("py.py", "print('a module')\n")
    done = isolated.foreign("--no-network", "py", env={"PATH": str(other.bin)})
    assert done.stdout == "a module\n", done.stderr


def test_script_called_py_is_a_script(isolated, other):
    isolated.write("bin/py", f"#!{other.python}\nimport sys; print('a script', sys.argv[1:])\n", mode=0o755)
    done = isolated.foreign("--no-network", "py", "-3", env=with_launcher_again(isolated))
    assert done.stdout == "a script ['-3']\n", done.stderr
