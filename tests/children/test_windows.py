"""Windows' way of starting processes, tried anywhere: one text for all words, and no exec."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.enforce.doors import windows_children as windows
from _hermetic.running import carried

LINES = [
    ("", ()),
    ("python", ("python",)),
    ("python  -c  x", ("python", "-c", "x")),
    ('"C:\\Program Files\\python.exe" -V', ("C:\\Program Files\\python.exe", "-V")),
    ('a "b c" d', ("a", "b c", "d")),
    ('a "" b', ("a", "", "b")),
    ('a\\\\b d"e f"g h', ("a\\\\b", "de fg", "h")),
    ('a\\\\\\"b c d', ('a\\"b', "c", "d")),
    ('a\\\\\\\\"b c" d e', ("a\\\\b c", "d", "e")),
    ('"a\\\\\\\\" b', ("a\\\\", "b")),
    ("a\tb", ("a", "b")),
    ('a" "b', ("a b",)),
]


@pytest.mark.parametrize(("line", "words"), LINES)
def test_a_command_line_is_taken_apart_as_by_the_c_runtime(line, words):
    """The examples of Microsoft's documentation of argv, and some."""
    assert windows.split_line(line) == words


@given(st.lists(st.text(st.sampled_from('ab \t"\\'), max_size=6), min_size=1, max_size=4))
def test_words_survive_the_journey(words):
    assert windows.split_line(windows.joined_line(tuple(words))) == tuple(words)
    assert windows.split_line(subprocess.list2cmdline(words)) == tuple(words)


CREATED = """
import sys
from _hermetic import start
from _hermetic.capabilities.imports import make_rules
from _hermetic.capabilities.processes import children
from _hermetic.enforce.doors import windows_children
from _hermetic.policy import Policy
import types
started = []
def original(*args):
    started.append(args)
    return 1, 2, 3, 4
sys.modules["_winapi"] = winapi = types.ModuleType("_winapi")
winapi.CreateProcess = original
children.on_windows.__code__ = (lambda rules: True).__code__
start.start_policies((Policy(rules={"imports": make_rules(deny=["colorsys"])}),))
import _winapi
"""


def created(isolated, call):
    """What the original was given for a call."""
    done = isolated.passes(f"{CREATED}\nprint({call})\nimport json; print(json.dumps(started, default=str))")
    return done.data[0]


@pytest.mark.parametrize("application", ["None", "sys.executable"])
def test_a_python_child_is_started_by_the_entry(isolated, application):
    call = f"_winapi.CreateProcess({application}, f'{{sys.executable}} -B -c \"print(1)\" a', None, None, True, 0, None, None, None)"
    name, line, *rest = created(isolated, call)
    words = windows.split_line(line)
    assert name is None or name.endswith(("python", "python3")) or "python3." in name
    assert words[1:3] == ("-B", "-S")
    assert words[3].endswith("entry.py")
    assert words[5:] == ("print(1)", "a")
    assert rest[:4] == [None, None, True, 0]
    assert "PATH" in rest[4]


def test_another_program_is_given_the_guards(isolated):
    call = "_winapi.CreateProcess(None, '/bin/sh -c \"true it\"', None, None, False, 0, {'A': '1'}, None, None)"
    _, line, *rest = created(isolated, call)
    assert windows.split_line(line) == ("/bin/sh", "-c", "true it")
    assert rest[4]["A"] == "1"
    assert set(rest[4]) == {"A", "PYTHONPATH", "HERMETIC_POLICY"}


class Interrupted:
    """A process that is interrupted twice and ends with a status."""

    def __init__(self, command, env):
        self.command, self.left = command, 2

    def wait(self):
        self.left -= 1
        if self.left >= 0:
            raise KeyboardInterrupt
        return 7


def test_the_hand_over_waits_and_forwards_the_status(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    monkeypatch.setattr(carried, "IS_WINDOWS", True)
    assert carried.hand_over("python", ["python", "x"], {}) == 7


def test_a_missing_interpreter_is_127(monkeypatch, capsys):
    monkeypatch.setattr(carried, "IS_WINDOWS", True)
    assert carried.hand_over("/no/such/python", ["python", "x"], {}) == 127
    assert capsys.readouterr().err == "hermetic: error: the interpreter /no/such/python does not exist\n"
