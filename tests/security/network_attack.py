"""Shared by the network bypass tests: listeners that are judged from outside."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# In every attack: how the program tells that it got through. None of the attacks may raise this itself.
PRELUDE = """
import os, sys, socket, _socket
PORT = int(sys.argv[1])
UNIX = sys.argv[2]
real = socket.socket
def attempt(act):
    try:
        return act()
    except BaseException as error:
        return error
"""

BLOCK = "in a block"
IN_A_BLOCK = """
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True):
"""


class Listener:
    """TCP, UDP and Unix listeners; ``reached`` tells which of them heard anything."""

    def __init__(self, folder: str) -> None:
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", 0))
        self.tcp.listen(1024)  # nobody accepts: an attack may try often
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.path = os.path.join(folder, "s")
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(self.path)
        self.unix.listen(20)
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams.bind(self.path + "d")
        self.sockets = {"tcp": self.tcp, "udp": self.udp, "unix": self.unix, "unix datagram": self.datagrams}
        if sys.platform == "linux":  # a name without a file
            self.sockets["abstract"] = socket.socket(socket.AF_UNIX)
            self.sockets["abstract"].bind("\0" + self.path)
            self.sockets["abstract"].listen(20)

    def reached(self) -> list[str]:
        """The listeners that somebody connected or sent to."""
        import select

        ready, _, _ = select.select(list(self.sockets.values()), [], [], 0.1)
        return [name for name, sock in self.sockets.items() if sock in ready]


@contextmanager
def listening() -> Iterator[Listener]:
    """Listeners for one attack."""
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        found = Listener(folder)
        try:
            yield found
        finally:
            for sock in found.sockets.values():
                sock.close()


def attack(isolated, code: str, options: str = "--no-network", *, targets=("./target.py",)):
    """Run an attack under the command line or in a block, plain first: it must work there, or it shows nothing."""
    isolated.write("target.py", PRELUDE + code)
    with listening() as plain:
        isolated.python("./target.py", str(plain.port), plain.path)
        works = plain.reached()
    with listening() as guarded:
        if options == BLOCK:
            isolated.write("target.py", PRELUDE + IN_A_BLOCK + f"    exec({code!r}, globals())\n")
            done = isolated.python("./target.py", str(guarded.port), guarded.path)
            return works, guarded.reached(), done
        done = isolated.cli(*options.split(), "--", *targets, str(guarded.port), guarded.path)
        return works, guarded.reached(), done


def in_background(function) -> threading.Thread:
    """A daemon thread."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread
