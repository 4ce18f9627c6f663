"""A socket inherited from the parent is connected already: it is closed at the start, unless it was named.

References: sandlock-52e949a.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest


def pair_of_sockets():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    return client, server


@pytest.mark.parametrize("kept", [False, True], ids=["closed", "kept"])
@pytest.mark.parametrize("how", [["./target.py"], ["python", "-B", "./target.py"]], ids=" ".join)
def test_inherited_sockets_are_closed_unless_kept(isolated, kept, how):
    client, server = pair_of_sockets()
    with client, server:
        number = client.fileno()
        isolated.write("target.py", f"import os\nos.write({number}, b'leak')\n")
        options = ["--no-network", *(["--keep-fd", str(number)] if kept else [])]
        done = isolated.cli(*options, "--", *how, pass_fds=(number,))
        server.settimeout(0.3)
        try:
            data = server.recv(10)
        except TimeoutError:
            data = b""
    assert data == (b"leak" if kept else b""), done
    assert (done.code == 0) == kept


def test_other_inherited_descriptors_stay(isolated):
    path = isolated.write("data.txt", "content")
    with open(path) as file:
        done = isolated.cli(
            "--no-network",
            "--",
            "python",
            "-c",
            f"import os; print(os.read({file.fileno()}, 9))",
            pass_fds=(file.fileno(),),
        )
    assert done.stdout == "b'content'\n"
    assert sys.platform != "win32"


LEAK = """
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
family, place = int(sys.argv[1]), sys.argv[2]
if family == socket.AF_INET:
    address = struct.pack("=H", family) + struct.pack("!H", int(place)) + socket.inet_aton("127.0.0.1") + bytes(8)
else:
    address = struct.pack("=H", family) + place.encode() + bytes(1)
libc.sendto(0, b"leak", 4, 0, address, len(address))
sys.stdin.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such standard input")
@pytest.mark.parametrize("kernel", ["auto", "off"])
@pytest.mark.parametrize("kept", [False, True], ids=["closed", "kept"])
@pytest.mark.parametrize("family", [socket.AF_INET, getattr(socket, "AF_UNIX", 0)], ids=["udp", "unix"])
def test_a_standard_input_that_could_be_aimed_is_nothing(isolated, family, kept, kernel):
    """Each datagram names its own address, and no call comes before it that anybody could judge."""
    isolated.write("target.py", LEAK)
    place = str(isolated.temp / "other")
    options = ["--no-network", f"--kernel={kernel}", *(["--keep-fd", "0"] if kept else [])]
    with socket.socket(family, socket.SOCK_DGRAM) as other, socket.socket(family, socket.SOCK_DGRAM) as given:
        other.bind(("127.0.0.1", 0) if family == socket.AF_INET else place)
        to = str(other.getsockname()[1]) if family == socket.AF_INET else place
        done = subprocess.run(
            [sys.executable, "-m", "hermetic", *options, "--", "./target.py", str(int(family)), to],
            stdin=given.fileno(),
            env=isolated.environment(),
            cwd=isolated.folder,
            timeout=60,
        )
        other.setblocking(False)
        try:
            data = other.recv(10)
        except BlockingIOError:
            data = b""
    if os.path.exists(place):
        os.unlink(place)
    assert (done.returncode, data) == (0, b"leak" if kept else b"")


def test_a_standard_output_that_is_a_connection_stays(isolated):
    """As a server that starts a program for each has it."""
    ours, theirs = pair_of_sockets()
    isolated.write("target.py", "print('answer')")
    with ours, theirs:
        words = [sys.executable, "-m", "hermetic", "--no-network", "--", "./target.py"]
        subprocess.run(words, stdout=theirs.fileno(), env=isolated.environment(), cwd=isolated.folder, timeout=60)
        theirs.close()
        assert ours.recv(20) == b"answer\n"
