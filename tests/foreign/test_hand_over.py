"""Where there is no exec, hermetic waits for the program and forwards how it ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

from _hermetic.running import carried


class Fake:
    """A child that is interrupted some times before it ends."""

    def __init__(self, status, interrupts=0):
        self.status = status
        self.interrupts = interrupts
        self.waits = 0
        self.killed = False

    def wait(self, timeout=None):
        assert timeout is None
        self.waits += 1
        if self.waits <= self.interrupts:
            raise KeyboardInterrupt
        return self.status

    def kill(self):
        self.killed = True

    terminate = send_signal = kill


def started(monkeypatch, child):
    calls = []

    def start(command, **how):
        calls.append((command, how))
        if isinstance(child, BaseException):
            raise child
        return child

    monkeypatch.setattr(carried, "IS_WINDOWS", True)
    monkeypatch.setattr(subprocess, "Popen", start)
    return calls


@pytest.mark.parametrize("status", [0, 1, 2, 7, 3221225786])
def test_status_of_the_program_is_forwarded(monkeypatch, status):
    calls = started(monkeypatch, Fake(status))
    assert carried.hand_over("C:\\py\\python.exe", ["python", "-B", "x.py"], {"A": "1"}) == status
    # Started by its path, in the same console, with the standard streams of this process.
    assert calls == [(["C:\\py\\python.exe", "-B", "x.py"], {"env": {"A": "1"}})]


def test_missing_executable_is_127_and_named(monkeypatch, capsys):
    started(monkeypatch, FileNotFoundError(2, "no such file"))
    assert carried.hand_over("C:\\gone\\python.exe", ["python"], {}) == 127
    assert capsys.readouterr().err == "hermetic: error: the interpreter C:\\gone\\python.exe does not exist\n"


@pytest.mark.parametrize("interrupts", [1, 3])
def test_interrupt_is_the_programs(monkeypatch, interrupts):
    child = Fake(5, interrupts)
    started(monkeypatch, child)
    assert carried.hand_over("python.exe", ["python"], {}) == 5
    assert child.waits == interrupts + 1
    assert not child.killed


def test_interrupt_that_ended_the_program_is_its_status(monkeypatch):
    started(monkeypatch, Fake(0xC000013A, 1))
    assert carried.hand_over("python.exe", ["python"], {}) == 0xC000013A


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(8, "no program")])
def test_executable_that_cannot_be_started_is_an_error(monkeypatch, error):
    from _hermetic.errors import HermeticError

    started(monkeypatch, error)
    with pytest.raises(HermeticError, match=r"cannot start C:\\python.exe: (denied|no program)"):
        carried.hand_over("C:\\python.exe", ["python"], {})


def test_it_works_with_real_processes(monkeypatch):
    monkeypatch.setattr(carried, "IS_WINDOWS", True)
    assert carried.hand_over(sys.executable, ["python", "-c", "import sys; sys.exit(9)"], {}) == 9
    assert carried.hand_over("/no/such/python", ["python"], {}) == 127


def test_what_was_printed_before_comes_first(monkeypatch, isolated):
    done = isolated.passes("""
        import sys
        from _hermetic.running import carried
        print("before")
        carried.hand_over(sys.executable, ["python", "-c", "print('after')"], {})
    """)
    assert done.stdout == "before\nafter\n"


def test_exec_that_fails_is_an_error(monkeypatch):
    from _hermetic.errors import HermeticError

    with pytest.raises(HermeticError, match="cannot start /no/such/python: No such file or directory"):
        carried.hand_over("/no/such/python", ["python"], {})
