"""Guards one by one: install and uninstall, twice as well as once; a sealed policy stays."""

from __future__ import annotations

import pytest

LOOK_UP = """
def blocked(act):
    from hermetic import PolicyViolation
    try:
        act()
    except PolicyViolation as error:
        return error.guard
    except Exception:
        return None
    return None

import socket, os
def net():
    return blocked(lambda: socket.getaddrinfo("name.invalid", 80))
def local():
    return blocked(lambda: socket.create_connection(("127.0.0.1", 9), 1))
def proc():
    return blocked(lambda: os.kill(os.getppid(), 99))
"""


def test_install_twice_and_uninstall_twice_is_harmless(isolated):
    isolated.passes(
        LOOK_UP
        + """
from hermetic.guards import network
network.uninstall()
network.install(allow_localhost=True, allow_domains=[])
network.install(allow_localhost=False, allow_domains=())
assert net() == "network" and local() == "network"
network.uninstall()
assert net() is None
network.uninstall()
"""
    )


def test_a_later_install_replaces_the_earlier(isolated):
    isolated.passes(
        LOOK_UP
        + """
from hermetic.guards import network
network.install(allow_localhost=False, allow_domains=())
assert local() == "network"
network.install(allow_localhost=True, allow_domains=())
assert local() is None and net() == "network"
network.uninstall()
"""
    )


def test_groups_install_and_uninstall_all(isolated):
    isolated.passes(
        LOOK_UP
        + """
from hermetic.guards import install_all, uninstall_all
install_all(net={"allow_localhost": False, "allow_domains": []}, subproc={}, fs=None)
assert net() == "network" and proc() == "subprocess"
open("made.txt", "w").close()
uninstall_all()
assert net() is None and proc() is None
uninstall_all()
"""
    )


def test_uninstall_all_leaves_blocks_alone(isolated):
    isolated.passes(
        LOOK_UP
        + """
from hermetic import hermetic_blocker
from hermetic.guards import network, uninstall_all
with hermetic_blocker(block_network=True):
    network.install(allow_localhost=True, allow_domains=["invalid"])
    assert net() == "network"
    uninstall_all()
    assert net() == "network"
assert net() is None
"""
    )


def test_sealed_policy_survives_uninstall_all_and_leaving_the_block(isolated):
    isolated.passes(
        LOOK_UP
        + """
from hermetic import hermetic_blocker
from hermetic.guards import uninstall_all
with hermetic_blocker(block_network=True, sealed=True):
    assert net() == "network"
    uninstall_all()
    assert net() == "network"
assert net() == "network" and proc() is None
with hermetic_blocker(block_subprocess=True):
    assert proc() == "subprocess"
assert net() == "network" and proc() is None
"""
    )


@pytest.mark.parametrize(
    ("module", "arguments", "act", "guard"),
    [
        ("network", "allow_localhost=False, allow_domains=(), trace=True", "net", "network"),
        ("subprocess_guard", "trace=True", "proc", "subprocess"),
        ("filesystem", "fs_root=None, trace=True", "lambda: blocked(lambda: open('n', 'w'))", "filesystem"),
        (
            "imports_guard",
            "block_native=True, trace=True, block_subprocess_libs=False, block_pickle=False, deny_imports=['colorsys']",
            "lambda: blocked(lambda: __import__('colorsys'))",
            "imports",
        ),
        ("imports_guard", "block_pickle=True", "lambda: blocked(lambda: __import__('pickle'))", "imports"),
        ("imports_guard", "block_subprocess_libs=True", "lambda: blocked(lambda: __import__('pexpect'))", "imports"),
        ("environment", "trace=True", "lambda: blocked(lambda: os.environ['HOME'])", "environment"),
        ("code_exec", "trace=True", "lambda: blocked(lambda: eval('1'))", "code_exec"),
        ("interpreter", "trace=True", "lambda: blocked(lambda: os.chdir('..'))", "interpreter"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
def test_each_guard_alone(isolated, module, arguments, act, guard):
    done = isolated.passes(
        LOOK_UP
        + f"""
from hermetic.guards import {module} as module
act = {act}
module.install({arguments})
found = act()
assert found == {guard!r}, found
module.uninstall()
module.uninstall()
assert act() is None
"""
    )
    if "trace=True" in arguments:
        assert done.stderr.startswith("[hermetic] blocked "), done.stderr
        assert f"{done.stderr.count(chr(10))}" == "1"
