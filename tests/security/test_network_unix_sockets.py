"""A Unix socket is a way to somebody who may do anything.

References: CVE-2026-21636, CVE-2026-21711, CVE-2026-48936, sandlock#95, nono#781, landrun#43, cplt#240,
kilocode#11650, CVE-2026-47128.
"""

from __future__ import annotations

import sys

import pytest
from network_attack import BLOCK, attack

ATTACKS = {
    "connect": "attempt(lambda: real(socket.AF_UNIX).connect(UNIX))",
    "connect, bytes": "attempt(lambda: real(socket.AF_UNIX).connect(os.fsencode(UNIX)))",
    "connect_ex": "attempt(lambda: real(socket.AF_UNIX).connect_ex(UNIX))",
    "sendto": "attempt(lambda: real(socket.AF_UNIX, 2).sendto(b'x', UNIX + 'd'))",
    "datagram": "s = real(socket.AF_UNIX, 2)\nattempt(lambda: s.connect(UNIX + 'd'))\nattempt(lambda: s.send(b'x'))",
    "sendmsg": "attempt(lambda: real(socket.AF_UNIX, 2).sendmsg([b'x'], [], 0, UNIX + 'd'))",
    "pair aimed anew": "a = attempt(lambda: socket.socketpair(socket.AF_UNIX, 2)[0]) or 0\nattempt(lambda: a.sendto(b'x', UNIX + 'd'))",
    "asyncio": "import asyncio\nattempt(lambda: asyncio.run(asyncio.open_unix_connection(UNIX)))",
    "through a link": "attempt(lambda: os.symlink(UNIX, 'link'))\nattempt(lambda: real(socket.AF_UNIX).connect('link'))",
    "relative": "attempt(lambda: os.chdir(os.path.dirname(UNIX)))\nattempt(lambda: real(socket.AF_UNIX).connect('s'))",
    "bound over it": "attempt(lambda: real(socket.AF_UNIX).bind('mine'))\nattempt(lambda: os.replace('mine', 'other'))\n"
    "attempt(lambda: os.symlink(UNIX, 'mine'))\nattempt(lambda: real(socket.AF_UNIX).connect('mine'))",
    "pair through call_soon": "import asyncio\nasync def go():\n    loop = asyncio.get_running_loop()\n    got = []\n"
    "    loop.call_soon(lambda: got.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)))\n    await asyncio.sleep(0)\n"
    "    if got: got[0][0].sendto(b'x', UNIX + 'd')\nattempt(lambda: asyncio.run(go()))",
}
if sys.platform == "linux":
    ATTACKS["abstract"] = "attempt(lambda: real(socket.AF_UNIX).connect(chr(0) + UNIX))"
    ATTACKS["abstract, bytes"] = "attempt(lambda: _socket.socket(socket.AF_UNIX).connect(b'\\0' + os.fsencode(UNIX)))"
    ATTACKS["a service of the session"] = (
        "os.environ['DBUS_SESSION_BUS_ADDRESS'] = 'unix:abstract=' + UNIX\n"
        "kind, _, name = os.environ['DBUS_SESSION_BUS_ADDRESS'].partition('=')\n"
        "attempt(lambda: real(socket.AF_UNIX).connect(chr(0) + name))"
    )


@pytest.mark.parametrize("options", ["--no-network", "--no-network --allow-localhost", "--no-network --seal", BLOCK])
@pytest.mark.parametrize("name", ATTACKS)
def test_foreign_unix_socket_is_not_reached(isolated, name, options):
    works, reached, done = attack(isolated, ATTACKS[name], options)
    assert works, "the attack does not even work in a plain run"
    assert not reached
    assert done.code >= 0


def test_own_unix_socket_works_with_localhost_allowed(isolated):
    done = isolated.script(
        "--no-network --allow-localhost",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind("own")
            server.listen()
            client.connect("own")
            client.send(b"x")
            print(server.accept()[0].recv(1))
        """,
    )
    assert (done.code, done.stdout) == (0, "b'x'\n"), done.stderr
