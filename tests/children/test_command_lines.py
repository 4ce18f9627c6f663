"""What a file is, and what the words after ``python`` mean; read, never run."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.programs import (
    ABSENT,
    ARCHIVE,
    INFORMS,
    INTERPRETER,
    OTHER,
    SCRIPT_FILE,
    UNKNOWN,
    is_python_name,
    meaning,
    recognise,
    shebang,
)
from _hermetic.target import CODE, MODULE, SCRIPT, STDIN


@pytest.mark.parametrize(
    ("words", "kind", "name", "flags", "rest"),
    [
        ([], STDIN, "", [], []),
        (["-"], STDIN, "-", [], []),
        (["-", "a"], STDIN, "-", [], ["a"]),
        (["t.py", "-c", "x"], SCRIPT, "t.py", [], ["-c", "x"]),
        (["-c", "code", "-m"], CODE, "code", [], ["-m"]),
        (["-ccode", "a"], CODE, "code", [], ["a"]),
        (["-Bc", "code"], CODE, "code", ["-B"], []),
        (["-Bccode"], CODE, "code", ["-B"], []),
        (["-m", "mod", "--help"], MODULE, "mod", [], ["--help"]),
        (["-IESm", "mod"], MODULE, "mod", ["-I", "-E", "-S"], []),
        (["-W", "error", "-Xdev", "t.py"], SCRIPT, "t.py", ["-W", "error", "-X", "dev"], []),
        (["--check-hash-based-pycs", "always", "t.py"], SCRIPT, "t.py", ["--check-hash-based-pycs", "always"], []),
        (["-V"], INFORMS, "", [], []),
        (["-B", "--help", "t.py"], INFORMS, "", ["-B"], []),
    ],
)
def test_words_are_read_as_the_interpreter_reads_them(words, kind, name, flags, rest):
    assert meaning(tuple(words)) == (kind, name, tuple(flags), tuple(rest))


@pytest.mark.parametrize("words", [["-c"], ["-m"], ["-W"], ["-Z", "t.py"], ["-Bj", "t.py"], ["--unheard-of", "t.py"]])
def test_what_cannot_be_read_says_why(words):
    kind, why, _, _ = meaning(tuple(words))
    assert kind == UNKNOWN
    assert words[-1][1:] in why or "needs a value" in why or "no option" in why


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=6))
def test_any_words_mean_something(words):
    kind, _, flags, rest = meaning(tuple(words))
    assert kind in (SCRIPT, MODULE, CODE, STDIN, INFORMS, UNKNOWN)
    # The program's own arguments are never read as options.
    assert list(rest) == words[len(words) - len(rest) :]
    assert all(
        flag[:1] == "-" or flags[at - 1] in ("-W", "-X", "--check-hash-based-pycs") for at, flag in enumerate(flags)
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#!/usr/bin/python3\n", ("/usr/bin/python3", ())),
        ("#! /usr/bin/python3 -I \r\n", ("/usr/bin/python3", ("-I",))),
        ("#!/usr/bin/env python3.12\n", ("python3.12", ())),
        ("#!/usr/bin/env -S python3 -B -u\n", ("python3", ("-B", "-u"))),
        ("#!/usr/bin/env -Spython3\n", ("python3", ())),
        ("#!/usr/bin/env -S A=1 B=2 python3 -E\n", ("python3", ("-E",))),
        ('#!/bin/sh\n\'\'\'exec\' "/a folder/python" "$0" "$@"\n', ("/a folder/python", ())),
        ("#!/bin/sh\n'''exec' /x/python3 \"$0\" \"$@\"\n", ("/x/python3", ())),
        ("#!/bin/sh\necho python\n", ("/bin/sh", ())),
        ("#! \t/usr/bin/perl\t-w -T \n", ("/usr/bin/perl", ("-w -T",))),
        ("#!/a\xa0b/python\x0b -I\n", ("/a\xa0b/python\x0b", ("-I",))),
        ("#!/usr/bin/env -S -i python3\n", ("/usr/bin/env", ("-S -i python3",))),
        ("#!/usr/bin/env -S 'python3' -I\n", ("/usr/bin/env", ("-S 'python3' -I",))),
        ("#!/usr/bin/env -S ${PYTHON} -I\n", ("/usr/bin/env", ("-S ${PYTHON} -I",))),
        ("#!\n", None),
        ("python\n", None),
    ],
)
def test_first_lines(line, found):
    assert shebang(line.encode()) == found


@pytest.mark.parametrize(
    "name", ["python", "python3", "python3.12", "python3.13t", "Python.exe", "pythonw.exe", "pypy3"]
)
def test_interpreters_by_name(name):
    assert is_python_name(name)


@pytest.mark.parametrize(
    "name", ["py", "ipython", "python-config", "pythonic", "python3-config", "python.py", "bpython3"]
)
def test_other_names(name):
    assert not is_python_name(name)


def test_files_are_known_by_what_they_hold(tmp_path):
    def made(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        path.chmod(0o755)
        return str(path)

    assert recognise(sys.executable)[0] == INTERPRETER
    assert recognise(made("script", b"#!/usr/bin/python3 -I\n")) == (SCRIPT_FILE, "/usr/bin/python3", ("-I",))
    assert recognise(made("python", b"#!/bin/bash\nexec real\n")) == (SCRIPT_FILE, "/bin/bash", ())
    assert recognise(made("app.pyz", b"PK\3\4rest"))[0] == ARCHIVE
    assert recognise(made("empty", b""))[0] == OTHER
    assert recognise(str(tmp_path / "missing"))[0] == ABSENT
    assert recognise(str(tmp_path))[0] == OTHER
    assert recognise("/bin/sh")[0] == OTHER


@pytest.mark.skipif(sys.platform != "linux", reason="a copy of the interpreter, and what it is made of")
def test_an_interpreter_is_one_under_any_name(tmp_path):
    copy = tmp_path / "tool"
    shutil.copy(os.path.realpath(sys.executable), copy)
    (tmp_path / "link").symlink_to(copy)
    os.link(copy, tmp_path / "hard")
    assert [recognise(str(tmp_path / name))[0] for name in ("tool", "link", "hard")] == [INTERPRETER] * 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="fifos")
def test_nothing_waits_for_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "python", 0o755)
    assert recognise(str(tmp_path / "python"))[0] == OTHER


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_what_may_be_started_and_not_read_is_not_taken_for_nothing(tmp_path):
    secret = tmp_path / "python"
    secret.write_bytes(b"#!/usr/bin/python3\n")
    secret.chmod(0o111)
    assert recognise(str(secret))[0] == OTHER
