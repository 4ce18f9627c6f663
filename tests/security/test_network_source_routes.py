"""A source route: the packet bears the allowed address, and goes to another host first.

Or another interface: the packet leaves where the routes do not lead, and another host there may have that address.
"""

from __future__ import annotations

import socket
import sys

import pytest

from _hermetic.capabilities.network import detours

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's numbers")

WAYS = {
    "option": "s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ROUTE)",
    "by keyword of the class": "socket.socket.setsockopt(s, 0, 4, ROUTE)",
    "number of another class": "s.setsockopt(type('N', (), {'__index__': lambda n: 0})(), 4, ROUTE)",
    "return options": "s.sendmsg([b'x'], [(0, 7, ROUTE)], 0, ('127.0.0.1', 9))",
    "an iterator of parts": "s.sendmsg([b'x'], iter([(0, 7, ROUTE)]), 0, ('127.0.0.1', 9))",
    "a part of another class": "s.sendmsg([b'x'], [type('T', (tuple,), {})((0, 7, ROUTE))], 0, ('127.0.0.1', 9))",
    "a socket of another family, by its word": "s.connect(('127.0.0.1', 9)), "
    "socket.socket(socket.AF_UNIX, 2, 0, s.fileno()).sendmsg([b'x'], [(0, 7, ROUTE)])",
    "IPv6 routing header": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 57, bytes(24))",
    "older routing header": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 5, bytes(24))",
    "a flow's label, with a routing header": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 32, bytes(32 + 40))",
}
HEAD = """
import socket
ROUTE = b"\\x83\\x07\\x04" + socket.inet_aton("127.0.0.77") + b"\\x01"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
"""


@pytest.mark.parametrize("way", WAYS)
def test_none_is_set(isolated, way):
    code = HEAD + f"try:\n    print('escaped', {WAYS[way]})\nexcept Exception as error:\n    print(error)"
    done = isolated.script("--kernel=off --no-network --allow-localhost", code)
    assert done.stdout == "network disabled: source route\n", done


def test_parts_that_come_while_c_asks_for_the_data_are_not_sent(isolated):
    code = (
        HEAD
        + """
parts = []
class Data:
    def __iter__(self):
        parts.append((0, 7, b"no options"))
        return iter([b"x"])
try:
    print(s.sendmsg(Data(), parts, 0, ("127.0.0.1", 9)))
except OSError:
    print("the system has seen them")
"""
    )
    assert isolated.code(code).stdout == "the system has seen them\n"
    assert isolated.script("--kernel=off --no-network --allow-localhost", code).stdout == "1\n"


INTERFACES = {
    "bound to a device": "s.setsockopt(socket.SOL_SOCKET, 25, b'lo')",
    "by its number": "s.setsockopt(socket.SOL_SOCKET, 62, 1)",
    "a mark for the routes": "s.setsockopt(socket.SOL_SOCKET, 36, 1)",
    "sent by one": "s.setsockopt(socket.IPPROTO_IP, 50, socket.htonl(1))",
    "sent by one, IPv6": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 76, socket.htonl(1))",
    "every packet": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 50, bytes(16) + (2).to_bytes(4, 'little'))",
    "one packet": "s.sendmsg([b'x'], [(0, 8, (2).to_bytes(4, 'little') + bytes(8))], 0, ('127.0.0.1', 9))",
    "one packet, IPv6, by the older number": "socket.socket(socket.AF_INET6, 2)"
    ".sendmsg([b'x'], [(41, 2, bytes(16) + (2).to_bytes(4, 'little'))], 0, ('::1', 9))",
    "a mark for one packet": "s.sendmsg([b'x'], [(1, 36, (1).to_bytes(4, 'little'))], 0, ('127.0.0.1', 9))",
    "a policy of IPsec": "s.setsockopt(0, 17, bytes(200))",
    "the tables of iptables": "s.setsockopt(0, 64, bytes(200))",
    "servers of IPVS": "s.setsockopt(0, 1155, bytes(200))",
    "a policy of IPsec, IPv6": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 35, bytes(200))",
    "the tables of iptables, IPv6": "socket.socket(socket.AF_INET6, 2).setsockopt(41, 64, bytes(200))",
    "one packet, a buffer": "s.sendmsg([b'x'], [(0, 8, bytearray(12))], 0, ('127.0.0.1', 9))",
    "one packet, IPv6": "socket.socket(socket.AF_INET6, 2).sendmsg([b'x'], [(41, 50, bytes(16) + (2).to_bytes(4, 'little'))], 0, ('::1', 9))",
}


@pytest.mark.parametrize("way", INTERFACES)
def test_no_interface_is_chosen(isolated, way):
    code = HEAD + f"try:\n    print('escaped', {INTERFACES[way]})\nexcept Exception as error:\n    print(error)"
    done = isolated.script("--kernel=off --no-network --allow-localhost", code)
    assert done.stdout == "network disabled: interface\n", done


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no such call")
def test_no_other_network_is_entered(isolated):
    code = "import os, socket\nfor act in (os.setns, __import__('posix').setns):\n"
    code += "    try:\n        act(os.open('/proc/self/ns/net', os.O_RDONLY))\n    except Exception as error:\n        print(error)"
    done = isolated.script("--kernel=off --no-network --allow-localhost", code)
    assert done.stdout == "network disabled: interface\n" * 2, done


def test_other_options_and_parts_keep_working(isolated):
    code = (
        HEAD
        + """
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 3)
socket.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.bind(("127.0.0.1", 0))
assert s.sendmsg([b"x"], [(0, 1, (1).to_bytes(4, "little"))], 0, s.getsockname()) == 1
assert s.sendmsg([b"y"], [], 0, s.getsockname()) == 1
# A server answers by the interface that it was asked by.
s.setsockopt(0, 8, 1)
assert s.sendto(b"z", s.getsockname()) == 1
print(s.recv(9), s.recv(9), s.sendmsg([b"z"], s.recvmsg(9, 99)[1], 0, s.getsockname()))
"""
    )
    done = isolated.script("--kernel=off --no-network --allow-localhost", code)
    assert done.stdout == "b'x' b'y' 1\n", done


@pytest.mark.parametrize("part", [[41, 50, bytes(20)], (41,), ()])
def test_what_may_be_another_part_when_c_reads_it_is_a_route(part):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        assert detours.routed_parts((sender, [b""], [(41, 50, bytes(20))]), None) is None
        assert detours.routed_parts((sender, [b""], [part]), None) == detours.ROUTED


def test_what_goes_with_a_unix_socket_takes_no_route():
    with socket.socket(socket.AF_UNIX) as sender:
        for parts in ([], iter([]), [(41, 57, b"")]):
            assert detours.routed_parts((sender, [b""], parts), None) is None
