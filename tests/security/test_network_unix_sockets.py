"""A Unix socket is a way to somebody who may do anything.

References: CVE-2026-21636, CVE-2026-21711, CVE-2026-48936, sandlock#95, nono#781, landrun#43, cplt#240,
kilocode#11650, CVE-2026-47128.
"""

from __future__ import annotations

import socket
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


MANAGER = """
import multiprocessing, os, sys
def work(numbers, found):
    numbers.append(os.getpid())
    found.put("put")
if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    with fork.Manager() as manager:
        numbers, found = manager.list(), manager.Queue()
        started = fork.Process(target=work, args=(numbers, found))
        started.start(); started.join()
        with fork.Pool(2) as pool: pool.starmap(work, [(numbers, found)] * 2)
        assert len(numbers) == 3 and numbers[0] == started.pid and found.get() == "put"
    print("managed")
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --allow-localhost", "--no-network --seal"])
def test_a_manager_that_listens_in_a_forked_child_is_reached(isolated, options):
    done = isolated.script(options, MANAGER)
    assert (done.code, done.stdout) == (0, "managed\n"), done


def test_a_manager_is_reached_in_a_block(isolated):
    code = MANAGER.replace(
        "    fork = ",
        "    from hermetic import hermetic_blocker\n    with hermetic_blocker(block_network=True):\n     fork = ",
    )
    isolated.write(
        "target.py", code.replace("\n    with fork.M", "\n     with fork.M").replace("\n        ", "\n         ")
    )
    done = isolated.python("./target.py")
    assert (done.code, done.stdout) == (0, "managed\n"), done


GONE = """
import multiprocessing, sys
from multiprocessing.connection import Client
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Manager() as manager:
        address, lock = manager.address, manager.Lock()
    for act in (lambda: Client(address), lock.acquire):
        try:
            act()
        except FileNotFoundError:
            print("gone")
    sys.exit(1)
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal", "--no-network --kernel=off"])
def test_a_manager_that_has_gone_is_missing(isolated, options):
    """Workers of black let go of their locks when it has ended: its status 1, of files to change, is no refusal's."""
    done = isolated.script(options, GONE)
    assert (done.code, done.stdout, done.stderr) == (1, "gone\ngone\n", ""), done


def test_a_manager_that_is_somebody_elses_is_refused(isolated, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        code = f"from multiprocessing.connection import Client\nClient({str(tmp_path / 's')!r})"
        done = isolated.script("--no-network", code)
    assert done.code == 2 and "connect(" in done.stderr


# What a child bound, or says that it bound, does not lead to a socket of somebody else's.
FORKED = """
import multiprocessing, shutil, time
from multiprocessing.connection import Listener
def in_a_child(act):
    child = os.fork()
    if not child:
        attempt(act); os._exit(0)
    os.waitpid(child, 0)
kept = []
def listen(): kept.append(Listener("mine", "AF_UNIX"))
def reach(path):
    attempt(lambda: real(socket.AF_UNIX).connect(path))
    attempt(lambda: multiprocessing.connection.Client(path, "AF_UNIX"))
"""
IN_CHILDREN = {
    "linked over": "in_a_child(listen)\nattempt(lambda: os.unlink('mine'))\nos.symlink(UNIX, 'mine'); reach('mine')",
    "second name": "in_a_child(listen)\nattempt(lambda: os.unlink('mine'))\nattempt(lambda: os.link(UNIX, 'mine')); reach('mine'); reach(UNIX)",
    "moved over": "in_a_child(listen)\nos.rename(UNIX, 'mine'); reach('mine')",
    "moved into the manager's folder": "from multiprocessing import util\nfolder = util.get_temp_dir()\n"
    "in_a_child(lambda: Listener(folder + '/mine', 'AF_UNIX'))\nos.rename(UNIX, folder + '/theirs'); reach(folder + '/theirs')",
    "bound by a child to its name": "in_a_child(lambda: Listener(UNIX, 'AF_UNIX'))\nreach(UNIX)",
    "bound in a child, reached by another": "in_a_child(listen)\nos.rename(UNIX, 'mine')\nin_a_child(lambda: reach('mine'))",
}


@pytest.mark.parametrize("options", ["--no-network", "--no-network --allow-localhost", "--no-network --seal", BLOCK])
@pytest.mark.parametrize("name", IN_CHILDREN)
def test_what_a_child_bound_leads_to_nobody_else(isolated, name, options):
    works, reached, done = attack(isolated, FORKED + IN_CHILDREN[name], options)
    assert works, "the attack does not even work in a plain run"
    assert not reached
    assert done.code >= 0


def test_the_memory_of_the_forks_is_not_written_by_a_name(isolated):
    code = """
    import os
    from hermetic import PolicyViolation
    for line in open("/proc/self/maps"):
        if "/dev/zero" in line:
            for folder in ("/proc/self", f"/proc/{os.getpid()}", "/proc/thread-self/../.."):
                try:
                    open(f"{folder}/map_files/{line.split()[0]}", "r+b", 0).write(b"x")
                except PolicyViolation as error:
                    print(error)
    """
    done = isolated.script("--no-network", code)
    assert set(done.stdout.splitlines()) == {"interpreter mutation disabled: memory"}, done
