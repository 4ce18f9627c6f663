"""A socket that a guarded program may have, its child may take over: reloaders and workers do."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors")

SERVER = """
import os, socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
listener.set_inheritable(True)
child = '''
import socket, sys
for made in (socket.fromfd(int(sys.argv[1]), socket.AF_INET, socket.SOCK_STREAM), socket.socket(fileno=int(sys.argv[1]))):
    print(made.getsockname() == ("127.0.0.1", int(sys.argv[2])), made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
try: socket.socket().connect(("127.0.0.1", 9))
except Exception as error: print(error)
'''
words = [str(listener.fileno()), str(listener.getsockname()[1])]
subprocess.run([sys.executable, "-c", child, *words], pass_fds=[listener.fileno()])
try: socket.fromfd(listener.fileno(), socket.AF_INET, socket.SOCK_STREAM)
except Exception as error: print(error)
"""


def test_a_child_takes_over_what_its_parent_listens_on(isolated):
    done = isolated.script("--no-network", SERVER)
    assert done.stdout.splitlines() == [
        "True 1",
        "True 1",
        "network disabled: connect(127.0.0.1)",
        "network disabled: fromfd",
    ], done.stderr
