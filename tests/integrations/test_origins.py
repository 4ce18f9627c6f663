"""Who took away what a violation is about, where a run has several that ask."""

from __future__ import annotations

import re

import pytest

ASKED = """
import os, subprocess

def network():
    socket.gethostbyname("blocked.example")

def process():
    subprocess.run(["true"])

def write():
    open("/blocked", "w")

def test_network(): network()
def test_process(): process()
def test_write(): write()

@pytest.mark.hermetic(no_subprocess=True)
class TestMarked:
    def test_marked(self): process()
    def test_around(self): network()

    @pytest.mark.hermetic("fs-readonly")
    def test_anew(self): write()

    @pytest.mark.hermetic(deny_imports=["one"])
    @pytest.mark.hermetic(deny_imports=["sched"])
    def test_joined(self):
        import sched

    def test_block(self, hermetic):
        hermetic.block(block_environment=True)
        hermetic.block(fs_readonly=True, block_network=True)
        os.environ["NEW"] = "1"

    def test_both(self, hermetic):
        hermetic.block(fs_readonly=True, block_network=True)
        network()
"""
CLASS, TEST = (
    "@pytest.mark.hermetic of test_it.py::TestMarked",
    "@pytest.mark.hermetic of test_it.py::TestMarked::test_",
)
TOLD = re.compile(
    r"^_+ (?:TestMarked\.)?test_(\w+) _+$.*?blocked by: \S+(?: \S+)? \((.*?)\)$", re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize(
    ("ini", "words", "network", "write"),
    [
        (
            "",
            ("--hermetic=net-hermetic", "--hermetic-fs-readonly"),
            "--hermetic net-hermetic",
            "--hermetic-fs-readonly",
        ),
        ("hermetic_profile = net-hermetic", ("--hermetic-fs-readonly",), "pytest.ini", "--hermetic-fs-readonly"),
        (
            "hermetic_profile = net-hermetic",
            ("-o", "hermetic_fs_readonly=true"),
            "pytest.ini",
            "-o hermetic_fs_readonly",
        ),
        ("", ("-o", "hermetic_profile=net-hermetic fs-readonly"), "-o hermetic_profile", "-o hermetic_profile"),
    ],
)
def test_a_violation_names_who_took_that_away(suite, ini, words, network, write):
    suite.write(test_it=ASKED)
    if ini:
        suite.ini(ini)
    result = suite.run(*words, "--hermetic-no-subprocess", "--tb=short")
    assert dict(TOLD.findall(result.stdout.str())) == {
        "network": network,
        "process": "--hermetic-no-subprocess",
        "write": write,
        "marked": CLASS,
        "around": network,
        "anew": f"{TEST}anew",
        "joined": f"{TEST}joined",
        "block": "hermetic.block()",
        "both": f"{network} and hermetic.block()",
    }


def test_under_strict_it_is_the_command_line(suite):
    suite.write(test_it=ASKED)
    result = suite.run("--hermetic-no-network", "--hermetic-no-subprocess", "--hermetic-strict", "--tb=short")
    told = dict(TOLD.findall(result.stdout.str()))
    assert {name: told[name] for name in ("network", "process", "marked", "anew", "both")} == {
        "network": "--hermetic-no-network",
        "process": "--hermetic-no-subprocess",
        "marked": "--hermetic-no-subprocess",
        "anew": f"{TEST}anew",
        "both": "--hermetic-no-network and hermetic.block()",
    }
