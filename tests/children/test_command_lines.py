"""What a file is, and what the words after ``python`` mean; read, never run."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities.processes.children import started
from _hermetic.programs.commandline import INFORMS, UNKNOWN, meaning
from _hermetic.programs.executables import (
    ABSENT,
    ARCHIVE,
    INTERPRETER,
    OTHER,
    SCRIPT_FILE,
    is_python_name,
    recognise,
    shebang,
)
from _hermetic.programs.target import CODE, MODULE, SCRIPT, STDIN
from _hermetic.startup.early import held_back


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
        (["--", "t.py", "-c"], SCRIPT, "t.py", [], ["-c"]),
        (["-B", "--", "-c", "a"], SCRIPT, "-c", ["-B"], ["a"]),
        (["--", "-", "a"], STDIN, "-", [], ["a"]),
        (["--"], STDIN, "", [], []),
        (["-V"], INFORMS, "", [], []),
        (["-BV", "t.py"], INFORMS, "", ["-B"], ["t.py"]),
        (["-B", "--help", "t.py"], INFORMS, "", ["-B"], []),
    ],
)
def test_words_are_read_as_the_interpreter_reads_them(words, kind, name, flags, rest):
    assert meaning(tuple(words)) == (kind, name, tuple(flags), tuple(rest))


@pytest.mark.parametrize(
    "words",
    [
        ["-c"],
        ["-m"],
        ["-W"],
        ["-Z", "t.py"],
        ["-Bj", "t.py"],
        ["--unheard-of", "t.py"],
        ["-Xpresite=evil", "t.py"],
        ["-X", "presite", "-c", "1"],
    ],
)
def test_what_cannot_be_read_says_why(words):
    kind, why, _, _ = meaning(tuple(words))
    assert kind == UNKNOWN
    assert words[-1][1:] in why or "needs a value" in why or "no option" in why or "before everything else" in why


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


@pytest.mark.parametrize(
    ("flags", "variables", "options", "kept", "left"),
    [
        ([], {}, ["-S"], (True, (), (), ()), {}),
        (["-I", "-S"], {"A": "1"}, ["-I", "-S"], (False, (), (), ()), {"A": "1"}),
        (["-W", "error", "-X", "dev"], {}, ["-W", "error", "-X", "dev", "-S"], (True, (), (), ()), {}),
        (["-X", "pycache_prefix=x"], {}, ["-S"], (True, ("pycache_prefix=x",), (), ()), {}),
        (["-X", "pycache_prefix"], {}, ["-S"], (True, ("pycache_prefix",), (), ()), {}),
        (["-W", "error", "-W", "ignore::a.B"], {}, ["-S"], (True, (), ("error", "ignore::a.B"), ()), {}),
        (
            ["-W", "error"],
            {"PYTHONWARNINGS": "error,ignore::a.B:m"},
            ["-S"],
            (True, (), ("error",), ()),
            {"HERMETIC_PYTHONWARNINGS": "error,ignore::a.B:m"},
        ),
        ([], {"PYTHONWARNINGS": "ignore:a.b:C"}, ["-S"], (True, (), (), ()), {"PYTHONWARNINGS": "ignore:a.b:C"}),
        (
            [],
            {"PYTHONPATH": "a", "PYTHONPYCACHEPREFIX": "b", "HERMETIC_PYTHONPATH": "mine"},
            ["-S"],
            (True, (), (), ()),
            {"HERMETIC_PYTHONPATH": "a", "HERMETIC_PYTHONPYCACHEPREFIX": "b"},
        ),
        (["-X", "perf", "-X", "dev"], {}, ["-X", "dev", "-S"], (True, (), (), ("perf",)), {}),
        (["-X", "perf_jit=1"], {}, ["-S"], (True, (), (), ("perf_jit=1",)), {}),
        (["--check-hash-based-pycs", "never"], {}, ["--check-hash-based-pycs", "never", "-S"], (True, (), (), ()), {}),
    ],
)
def test_what_would_run_first_is_held_back(flags, variables, options, kept, left):
    assert held_back(tuple(flags), variables.items()) == (tuple(options), kept, list(left.items()))


@pytest.mark.parametrize(
    ("flags", "env"),
    [
        (["-X", "pycache_prefix=one", "-X", "pycache_prefix=two"], {}),
        (["-X", "pycache_prefix="], {"PYTHONPYCACHEPREFIX": "three"}),
        (["-X", "pycache_prefix"], {"PYTHONPYCACHEPREFIX": "three"}),
        (["-X", "pycache_prefix=one", "-E"], {"PYTHONPYCACHEPREFIX": "three"}),
        ([], {"PYTHONPYCACHEPREFIX": "three"}),
        (["-I"], {"PYTHONPYCACHEPREFIX": "three", "PYTHONPATH": "a"}),
        ([], {"PYTHONPATH": "a:/b::c"}),
        (["-S"], {"PYTHONPATH": "a:/b"}),
        ([], {"PYTHONPATH": ""}),
        (["-W", "error::warned.Category", "-b", "-X", "dev", "-W", "default"], {"PYTHONPATH": "."}),
        (["-W", "default"], {"PYTHONWARNINGS": "error::warned.Category,ignore", "PYTHONPATH": "."}),
        (["-I", "-W", "default"], {"PYTHONWARNINGS": "error::warned.Category,ignore", "PYTHONPATH": "."}),
        (["-W", "error::no_such_module.Category"], {}),
    ],
)
def test_what_was_held_back_means_what_it_means(isolated, flags, env):
    isolated.write("warned.py", "class Category(Warning): pass\n")
    isolated.write(
        "t.py",
        """
        import os, sys, warnings
        print(sys._xoptions, sys.pycache_prefix, sys.path, sys.warnoptions, sys.flags)
        print([(f[0], f[2].__name__, f[4]) for f in warnings.filters])
        print({name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS")})
        """,
    )
    start = f"import subprocess, sys; subprocess.run([sys.executable, *{flags!r}, 't.py'])"
    how = {"env": {"PYTHONDONTWRITEBYTECODE": "1", **env}}
    plain = isolated.python(*flags, "t.py", bare=True, **how)
    isolated.write("start.py", start)
    child = isolated.foreign("--no-network", sys.executable, "start.py", **how)
    target = isolated.foreign("--no-network", sys.executable, *flags, "t.py", **how)
    assert plain.code == 0, plain
    assert target == plain
    assert (child.stdout, child.stderr) == (plain.stdout, plain.stderr)


def test_no_words_at_all_are_a_command_line():
    """subprocess.run([], executable=...): the interpreter reads its program from stdin."""
    what, file, before, target, reason, _ = started((sys.executable,), (), "", "")
    assert (what, file, before, reason) == (INTERPRETER, sys.executable, (sys.executable,), "")
    assert target is not None
    assert target[:2] == (STDIN, "")
