"""An address of a Unix socket whose class makes the memory that C reads (``__buffer__``, from 3.12 on): bytes that say
another place, and a tuple that is none of the internet's.
"""

from __future__ import annotations

import socket
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12) or not hasattr(socket, "AF_UNIX"), reason="no __buffer__, or no Unix sockets"
)

HEAD = """
import os, socket
def made(kind, value, place):
    def memory(self, flags):
        del cls.__buffer__  # nobody shall find it afterwards
        return memoryview(os.fsencode(place))
    cls = type("Address", (kind,), {"__buffer__": memory})
    return cls(value)
"""
ADDRESSES = {
    "abstract": "bytes, b'\\0x'",
    "none": "bytes, b''",
    "allowed": "bytes, b'w/own'",
    "internet": "tuple, ('127.0.0.1', 0)",
}


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_socket_is_made_elsewhere(isolated, address, seal):
    (isolated.folder / "w").mkdir()
    code = f"""{HEAD}
for _ in range(2):
    try:
        socket.socket(socket.AF_UNIX).bind(made({ADDRESSES[address]}, "made"))
    except Exception as error:
        print(type(error).__name__)
"""
    for lists in ("", " --allow-write w", " --deny-write made"):
        done = isolated.script(f"--kernel=off {seal}--fs-readonly{lists}", code)
        assert done.stdout == "FilesystemViolation\n" * 2, done
        assert not (isolated.folder / "made").exists()


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("call", ["connect", "connect_ex", "bind"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_else_is_reached(isolated, address, call, seal):
    (isolated.folder / "w").mkdir()
    code = f"""{HEAD}
own = socket.socket(socket.AF_UNIX)
own.bind("w/own")
own.listen()
try:
    print(socket.socket(socket.AF_UNIX).{call}(made({ADDRESSES[address]}, "foreign")))
except Exception as error:
    print(type(error).__name__)
"""
    with socket.socket(socket.AF_UNIX) as server:
        if call != "bind":
            server.bind(str(isolated.folder / "foreign"))
            server.listen()
        done = isolated.script(f"--kernel=off {seal}--no-network --allow-localhost", code)
    assert done.stdout in ("NetworkViolation\n", "PolicyViolation\n"), done


ASKED = """
import _socket, gc
class Asked:
    def __eq__(self, other):
        for one in [one for one in gc.get_objects() if type(one) is list and len(one) < 3]:
            if [item for item in one if item is self or item is KEPT]:
                one.clear()
        return False
KEPT = _socket.socket.__dict__["family"]
class Name(Asked, str):
    __hash__ = str.__hash__
class Slot(_socket.socket):
    __slots__ = ("family",)
def slot():
    made = Slot(_socket.AF_UNIX)
    made.family = Asked()
    return made
def key():
    return type("Keyed", (_socket.socket, type("Key", (), {Name("family"): 1})), {})(_socket.AF_UNIX)
"""


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("made", ["slot", "key"])
def test_no_class_of_the_programs_is_asked_what_the_socket_is(isolated, made, seal):
    """Whose comparison it is finds, and empties, the list in which C's answer is."""
    code = f"""{HEAD}{ASKED}
try:
    {made}().bind(made(tuple, ("127.0.0.1", 0), "made"))
except Exception as error:
    print(type(error).__name__)
"""
    done = isolated.script(f"--kernel=off {seal}--fs-readonly", code)
    assert done.stdout == "FilesystemViolation\n", done
    assert not (isolated.folder / "made").exists()


def test_addresses_of_the_internet_may_have_names(isolated):
    code = """
    import collections, socket
    Address = collections.namedtuple("Address", "host port")
    server = socket.socket()
    server.bind(Address("127.0.0.1", 0))
    print(server.getsockname()[0])
    socket.socket(socket.AF_UNIX).bind("")
    """
    done = isolated.script("--kernel=off --fs-readonly --no-network --allow-localhost", code)
    assert done.stdout == "127.0.0.1\n", done
