"""Tables that stand in two rooms, which must not see each other, and have to say the same."""

from __future__ import annotations

from _hermetic.capabilities.network import detours
from _hermetic.capabilities.processes import children
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
