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
