"""The subprocess family: every start is refused, and only a program's name is ever shown."""

from __future__ import annotations

import os
import sys

import pytest

from _hermetic.capabilities.processes import denied as family
from _hermetic.capabilities.processes.starting import name_of


def test_every_capability_is_refused_with_the_documented_text():
    for capability in (family.START, family.SIGNAL, family.TERMINAL):
        message, target, reason, remedy = family.decide((), capability, "prog", "os.system")
        assert (message, target, reason) == ("subprocess disabled: os.system", "prog", "no-subprocess")
        assert remedy


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("prog --password x", "prog"),
        (b"prog x", "prog"),
        (["prog", "secret"], "prog"),
        (("prog", "secret"), "prog"),
        ([b"prog", "secret"], "prog"),
        ("", ""),
        ([], ""),
        (None, ""),
        (5, ""),
        ([[]], ""),
        ("/usr/bin/prog", "/usr/bin/prog"),
    ],
)
def test_name_shows_no_arguments(given, name):
    assert name_of(given) == name


@pytest.mark.parametrize(
    "command", ["PASSWORD=secret prog", "prog\tsecret", "prog\nsecret", "prog;secret", "sh -c 'secret'"]
)
def test_name_of_a_shell_command_holds_no_secret(command):
    assert "secret" not in name_of(command)


def test_no_child_leads_the_groups_that_are_everybody_and_ones_own(monkeypatch):
    monkeypatch.setattr(family, "is_child", lambda pid: True)
    monkeypatch.setattr(family, "group_of", lambda pid: pid)
    assert family.strange_process((-7, 15), None) is None
    assert family.strange_group((7, 15), None) is None
    assert family.strange_process((-1, 15), None) == "pid -1"  # every process there is
    assert family.strange_process((0, 15), None) == "pid 0"
    assert family.strange_group((0, 15), None) == "group 0"


@pytest.mark.parametrize(
    ("child", "leads", "told"),
    [
        (True, True, [None, None, None]),
        (True, False, [None, "pid -7", "group 7"]),
        (False, True, ["pid 7", "pid -7", "group 7"]),
    ],
)
def test_only_children_and_the_groups_that_they_lead_are_ended(monkeypatch, child, leads, told):
    monkeypatch.setattr(family, "is_child", lambda pid: child)
    monkeypatch.setattr(family, "group_of", lambda pid: pid if leads else pid + 1)
    attempts = [
        family.strange_process((7, 15), None),
        family.strange_process((-7, 15), None),
        family.strange_group((7, 15), None),
    ]
    assert attempts == told
    assert family.strange_process((7, 0), None) is family.strange_group((7, 0), None) is None  # a question


def test_signals_to_oneself_and_questions_are_no_act():
    assert family.other_process((os.getpid(), 15), None) is None
    assert family.other_process((os.getppid(), 0), None) is None
    assert family.other_process((os.getppid(), 15), None) == f"pid {os.getppid()}"
    assert family.other_process((0, 15), None) is not None
    assert family.other_process((-1, 15), None) is not None
    assert family.other_group((5, 0), None) is None
    assert family.other_group((5, 15), None) is not None


@pytest.mark.parametrize(
    "request_number",
    [0x5412, 0x541C, 0x5412 | 1 << 32, 0x541C | 1 << 40, 0x5412 - (1 << 32)]
    + [0x80017472, 0x80047472, 0x80017472 - (1 << 32)],  # of BSD and macOS
)
def test_typing_into_the_terminal_is_seen_in_the_low_32_bits(request_number):
    assert family.typing_request((0, request_number, b"x"), None) == "terminal"


def test_other_requests_to_the_terminal_are_no_act():
    assert family.typing_request((0, 0x5413, b"x"), None) is None


ME, OTHER, GROUP = "me", "another", "a group"


def number_of(who):
    """What stands for a process; anything else as it is."""
    numbers = {ME: os.getpid, OTHER: os.getppid, GROUP: lambda: -os.getpgrp()}
    return numbers[who]() if who in numbers else who


@pytest.mark.parametrize(
    ("who", "limits", "told"),
    [
        (OTHER, (1, 1), True),
        (OTHER, None, False),  # a question
        (ME, (1, 1), False),
        (0, (1, 1), False),  # oneself, by another number
    ],
)
def test_limits_of_another_process_are_an_act(who, limits, told):
    found = family.other_limits((number_of(who), 0, limits), None)
    assert found == (f"pid {os.getppid()}" if told else None)


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
@pytest.mark.parametrize(
    ("command", "who", "told"),
    [
        (8, OTHER, "signal owner"),  # F_SETOWN
        (8, GROUP, "signal owner"),
        (8, b"\x01\0\0\0", "signal owner"),  # nobody reads what is no number
        (15, b"\x01\0\0\0\x01\0\0\0", "signal owner"),  # F_SETOWN_EX
        (8, ME, None),
        (8, 0, None),
        (9, OTHER, None),  # F_GETOWN
        (3, 0, None),  # F_GETFL
    ],
)
def test_only_oneself_is_made_the_one_who_gets_signals(command, who, told):
    assert family.other_owner((0, command, number_of(who)), None) == told


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
@pytest.mark.parametrize("request_number", [0x8901, 0x8902, 0x8901 - (1 << 32)])
def test_a_signal_owner_by_ioctl_is_an_act(request_number):
    assert family.typing_request((0, request_number, b"x"), None) == "signal owner"
