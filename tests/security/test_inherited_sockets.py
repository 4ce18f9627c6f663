"""A socket inherited from the parent is connected already: it is closed at the start, unless it was named.

References: sandlock-52e949a.
"""

from __future__ import annotations

import socket
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
