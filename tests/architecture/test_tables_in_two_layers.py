"""Tables that stand in two rooms, which must not see each other, and have to say the same."""

from __future__ import annotations

import sys

import pytest

from _hermetic import pristine
from _hermetic.capabilities import FAMILIES, load_family
from _hermetic.capabilities.filesystem import requests as changes
from _hermetic.capabilities.integrity import requests as addresses
from _hermetic.capabilities.network import detours
from _hermetic.capabilities.processes import children, denied
from _hermetic.enforce import patches
from _hermetic.enforce.kernel.linux import seccomp


def test_children_lose_every_variable_that_turns_names():
    assert {name for name, _ in detours.RESOLVER_VARIABLES} <= set(children.LOADER_NAMES)


def test_kernel_refuses_no_route_that_the_guards_let_pass():
    assert set(seccomp.ROUTES) <= set(detours.ROUTES)


def test_both_know_by_which_options_packets_leave_by_another_interface():
    assert set(seccomp.DEVICES) == set(detours.DEVICES)


def test_both_know_by_which_options_groups_are_joined():
    assert set(seccomp.JOINS) == set(detours.JOINS)


def test_guards_alone_know_the_route_that_is_no_option():
    # IP_RETOPTS turns packets as ancillary data only, which no filter sees.
    assert set(detours.ROUTES) - set(seccomp.ROUTES) == {(0, 7)}


def test_attributes_of_files_are_the_same_to_everybody():
    """To a family that takes writes away they are changes, to the seal no address; and the kernel's filter names more."""
    assert set(seccomp.FILE_ATTRIBUTES) > changes.ATTRIBUTES
    assert addresses.PLAIN_REQUESTS > changes.ATTRIBUTES
    assert not [request for request in seccomp.FILE_ATTRIBUTES if changes.only_tells(request)]


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
def test_kernel_refuses_to_type_whatever_the_guards_refuse():
    assert set(seccomp.TERMINAL_INPUT) >= {number for number in denied.TYPING_REQUESTS if number >> 16 == 0}


def test_doors_in_the_import_system_are_known_where_it_is_compared():
    rows = [row for guard in FAMILIES for row in load_family(guard).surface]
    doors = [name.split(":") for row in rows for name in row.patch] + [list(door[:2]) for door in patches.LOADERS]
    found = {name for module, name in doors if module.startswith("_frozen_importlib")}
    assert found == {name for name, _ in pristine.IMPORT_DOORS}
