"""The working directory stays, whoever holds which reference to chdir."""

from __future__ import annotations

import os

import pytest
from interpreter_attempts import KEYWORDS, OPTION
from state_attempts import PLACES, outcomes

WAYS = """
import gc, posix
from os import chdir as captured
os.makedirs("subdir", exist_ok=True)
@attempt
def chdir(): os.chdir("subdir")
@attempt
def by_link():
    os.path.lexists("link") or os.symlink(".", "link")
    os.chdir("link")
@attempt
def to_itself(): return os.chdir("."), os.chdir(b"."), os.chdir(os.getcwd())
@attempt
def by_descriptor(): os.fchdir(os.open("subdir", os.O_RDONLY))
@attempt
def by_number(): os.chdir(os.open("subdir", os.O_RDONLY))
@attempt
def by_posix(): posix.chdir("subdir")
@attempt
def by_captured(): captured(b"subdir")
@attempt
def chroot(): os.chroot(".")
@attempt
def namespace(): hasattr(os, "setns") and os.setns(os.open("/proc/self/ns/mnt", os.O_RDONLY))
OUTCOMES["stayed"] = str(not os.getcwd().endswith("subdir"))
"""


@pytest.mark.skipif(os.name != "posix", reason="posix")
@pytest.mark.parametrize("place", PLACES)
def test_it_does_not_change(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, WAYS)
    assert found.pop("stayed") == "True"
    assert found.pop("to_itself") == "(None, None, None)"
    assert found.pop("chroot") == "interpreter mutation disabled: os.chroot"
    assert found.pop("namespace") == ("interpreter mutation disabled: os.setns" if hasattr(os, "setns") else "None")
    assert set(found.values()) == {"interpreter mutation disabled: os.chdir"}
