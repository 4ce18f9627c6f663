"""Packets that nobody sends: the system tells the network of a group that is joined, whose address the program chose."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's numbers")

HEAD = """
import fcntl, socket, struct
s, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
here, group, group6 = socket.inet_aton("127.0.0.1"), socket.inet_aton("239.1.2.3"), socket.inet_pton(10, "ff02::7")
named = struct.pack("=IIHH4s120x", 0, 0, 2, 0, group)
named6 = struct.pack("=IIHHI16s104x", 0, 0, 10, 0, 0, group6)

def tried(act):
    try:
        act()
        print("done")
    except OSError as error:
        print("error", error)
    except RuntimeError as error:
        print(error)
"""
JOINS = {
    "a group": "s.setsockopt(0, 35, group + bytes(4))",
    "on an interface": "s.setsockopt(0, 35, group + here + struct.pack('i', 2))",
    "in a buffer": "s.setsockopt(0, 35, bytearray(group + bytes(4)))",
    "in bytes of another class": "s.setsockopt(0, 35, type('B', (bytes,), {})(group + bytes(4)))",
    "from a source": "s.setsockopt(0, 39, group + bytes(4) + here)",
    "by name": "s.setsockopt(0, 42, named)",
    "by name, IPv6": "six.setsockopt(41, 42, named6)",
    "IPv6": "six.setsockopt(41, 20, group6 + struct.pack('I', 1))",
    "any of them": "six.setsockopt(41, 27, group6 + struct.pack('I', 1))",
    "by the class": "socket.socket.setsockopt(s, 0, 35, group + bytes(4))",
}
SHOWN = (
    "network disabled: join(239.1.2.3)",
    "network disabled: join(ff02::7)",
    "network disabled: socket.setsockopt(?)",
)


@pytest.mark.parametrize("options", ["--no-network", "--no-network --allow-localhost"])
def test_no_group_is_joined(isolated, options):
    done = isolated.script(
        f"--kernel=off {options}", HEAD + "\n".join([f"tried(lambda: {way})" for way in JOINS.values()])
    )
    said = dict(zip(JOINS, done.stdout.splitlines(), strict=True))
    assert {name: text for name, text in said.items() if text not in SHOWN} == {}, done


@pytest.mark.parametrize(
    ("options", "interface"), [("--allow-host 239.1.2.3", "bytes(4)"), ("--allow-localhost", "here")]
)
def test_groups_that_are_allowed_or_on_loopback_are_joined(isolated, options, interface):
    code = HEAD + f"tried(lambda: s.setsockopt(0, 35, group + {interface}))"
    done = isolated.script(f"--kernel=off --no-network {options}", code)
    assert done.stdout == "done\n" or "No such device" in done.stdout, done


def test_interfaces_stay_as_they_are(isolated):
    code = HEAD + "tried(lambda: fcntl.ioctl(s, 0x8914, b'lo'.ljust(40, bytes(1))))\n"
    code += "tried(lambda: fcntl.ioctl(s, 0x8913, b'lo'.ljust(40, bytes(1))))"
    done = isolated.script("--kernel=off --no-network", code)
    assert done.stdout.splitlines() == ["network disabled: interface", "done"], done


def test_no_terminal_becomes_an_interface(isolated):
    code = HEAD + "import os, sys\nline = os.openpty()[1]\n"
    code += "tried(lambda: fcntl.ioctl(line, 0x5423, (17).to_bytes(4, sys.byteorder)))\ntried(lambda: os.isatty(line))"
    done = isolated.script("--kernel=off --no-network", code)
    assert done.stdout.splitlines() == ["network disabled: interface", "done"], done
