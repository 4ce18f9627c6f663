"""A second door to the same act, a captured original, a C-level twin.

References: CVE-2023-33966, CVE-2023-32558, CVE-2023-32559, sandlock#97, sandlock#154, sandlock#139, nono-review-F1,
sandlock#40, pytest-socket.
"""

from __future__ import annotations

import pytest
from network_attack import BLOCK, attack

ATTACKS = {
    "connect_ex": "real().connect_ex(('127.0.0.1', PORT))",
    "captured connect of the C class": "attempt(lambda: _socket.socket.connect(real(), ('127.0.0.1', PORT)))",
    "C socket itself": "attempt(lambda: _socket.socket().connect(('127.0.0.1', PORT)))",
    "base class of the base class": "attempt(lambda: real.__mro__[1].connect(real(), ('127.0.0.1', PORT)))",
    "sendto": "attempt(lambda: real(2, 2).sendto(b'x', ('127.0.0.1', PORT)))",
    "sendto with flags": "attempt(lambda: real(2, 2).sendto(b'x', 0, ('127.0.0.1', PORT)))",
    "sendmsg": "attempt(lambda: real(2, 2).sendmsg([b'x'], [], 0, ('127.0.0.1', PORT)))",
    "connected datagram": "s = real(2, 2); attempt(lambda: s.connect(('127.0.0.1', PORT))); attempt(lambda: s.send(b'x'))",
    "fast open": "attempt(lambda: real().sendto(b'x', 0x20000000, ('127.0.0.1', PORT)))",
    "asyncio": "import asyncio\nattempt(lambda: asyncio.run(asyncio.open_connection('127.0.0.1', PORT)))",
    "asyncio sock_connect": "import asyncio\nasync def go():\n    s = real(); s.setblocking(False)\n    await asyncio.get_running_loop().sock_connect(s, ('127.0.0.1', PORT))\nattempt(lambda: asyncio.run(go()))",
    "create_connection": "attempt(lambda: socket.create_connection(('127.0.0.1', PORT)))",
    "urllib": "import urllib.request\nattempt(lambda: urllib.request.urlopen(f'http://127.0.0.1:{PORT}', timeout=1))",
    "http.client": "import http.client\nattempt(lambda: http.client.HTTPConnection('127.0.0.1', PORT, timeout=1).connect())",
    "logging handler": "import logging.handlers\nh = logging.handlers.DatagramHandler('127.0.0.1', PORT)\nattempt(lambda: h.send(b'x'))",
    "socket class of another kind": "class S(real): pass\nattempt(lambda: S().connect(('127.0.0.1', PORT)))",
    "in a thread without a frame": "import _thread, time\n_thread.start_new_thread(real().connect, (('127.0.0.1', PORT),)); time.sleep(.2)",
    "in a thread": "import threading\nt = threading.Thread(target=real().connect, args=(('127.0.0.1', PORT),)); t.start(); t.join()",
    "at the end of the interpreter": "class D:\n    def __del__(self, s=real(), a=('127.0.0.1', PORT)):\n        s.connect(a)\nsys.modules['x'] = d = D()\nd.d = d",
    "in an atexit handler": "import atexit; s = real(); atexit.register(lambda: s.connect(('127.0.0.1', PORT)))",
    "from a signal handler": "import signal\nsignal.signal(10, lambda *a: real().connect(('127.0.0.1', PORT)))\nattempt(lambda: os.kill(os.getpid(), 10))",
    "after a fork": "p = os.fork()\nif not p: attempt(lambda: real().connect(('127.0.0.1', PORT))); os._exit(0)\nos.waitpid(p, 0)",
    "multiprocessing connection": "from multiprocessing.connection import Client\nattempt(lambda: Client(('127.0.0.1', PORT)))",
    "wildcard as a destination": "attempt(lambda: real().connect(('0.0.0.0', PORT)))",
    "IPv6-mapped": "attempt(lambda: real(socket.AF_INET6).connect(('::ffff:127.0.0.1', PORT)))",
    "reloaded socket": "import importlib; attempt(lambda: importlib.reload(socket)); attempt(lambda: socket.socket().connect(('127.0.0.1', PORT)))",
    "fresh _socket": "del sys.modules['_socket']\nimport _socket as fresh; attempt(lambda: fresh.socket().connect(('127.0.0.1', PORT)))",
    "loader used directly": "import importlib.machinery as m, importlib.util as u\ns = u.find_spec('_socket')\nif s.origin and s.origin != 'built-in':\n    f = u.module_from_spec(m.ModuleSpec('_socket', m.ExtensionFileLoader('_socket', s.origin), origin=s.origin)); s.loader.exec_module(f)\n    attempt(lambda: f.socket().connect(('127.0.0.1', PORT)))\nelse: attempt(lambda: _socket.socket().connect(('127.0.0.1', PORT)))",
    "stdin made a socket": "s = real()\nattempt(lambda: real(fileno=os.dup(s.fileno())).connect(('127.0.0.1', PORT)))",
    "recursion to the limit": "def deep(n):\n    try: deep(n + 1)\n    except RecursionError: pass\n    try: real().connect(('127.0.0.1', PORT))\n    except BaseException: pass\nsys.setrecursionlimit(300)\ntry: deep(0)\nexcept BaseException: pass",
}


# The block has been left by then.
AFTER_A_BLOCK = {"at the end of the interpreter", "in an atexit handler"}
PLACES = [(name, options) for name in ATTACKS for options in ("--no-network", "--no-network --seal", BLOCK)]


@pytest.mark.parametrize(("name", "options"), [p for p in PLACES if p[0] not in AFTER_A_BLOCK or p[1] != BLOCK])
def test_other_door_is_closed(isolated, name, options):
    works, reached, done = attack(isolated, ATTACKS[name], options)
    assert works, "the attack does not even work in a plain run"
    assert not reached
    assert done.code >= 0, f"crashed: {done}"


@pytest.mark.parametrize("kernel", ["auto", "off"])
def test_sockets_of_other_protocols_are_refused(isolated, kernel):
    """SCTP connects by an option and sends by what is beside the data; DCCP, L2TP and others nobody has looked at."""
    done = isolated.script(
        f"--kernel={kernel} --no-network --allow-localhost",
        """
        import socket, _socket
        for make in (socket.socket, _socket.socket):
            for kind in (1, 2):
                for protocol in (132, 33, 115, 255, 27):
                    try:
                        make(socket.AF_INET, kind, protocol)
                    except Exception as error:
                        assert str(error) == "network disabled: socket", error
                    else:
                        print("made", kind, protocol)
        for protocol in (-1, 0, 6):
            assert make(socket.AF_INET, 1, protocol).proto in (0, 6)
        socket.socket(socket.AF_INET6, 2, 17), socket.socket(socket.AF_UNIX, 1, 0)
        """,
    )
    assert (done.code, done.stdout) == (0, ""), done.stderr


def test_sockets_of_other_families_are_refused(isolated):
    done = isolated.script(
        "--no-network",
        """
        import socket
        for family in (16, 17, 38, 40, 31, 21, 29, 44):
            for kind in (1, 2, 3, 5):
                try:
                    socket.socket(family, kind, 0)
                except OSError:
                    continue
                except Exception as error:
                    assert "network disabled: socket" in str(error), error
                    continue
                print("made", family, kind)
        for kind in (3, 5):
            try:
                socket.socket(socket.AF_INET, kind)
            except Exception as error:
                assert "network disabled: socket" in str(error), error
            else:
                print("made raw", kind)
        """,
    )
    assert (done.code, done.stdout) == (0, ""), done.stderr


# Beside loopback they name a host that is allowed: one to which the kernel makes no connection, and sends nothing.
DISGUISES = {
    "tuple subclass": "class T(tuple):\n    def __getitem__(self, i): return ('224.0.0.1', 9)[i]\n    def __iter__(self): return iter(('224.0.0.1', 9))\naddress = T(('127.0.0.1', PORT))",
    "str subclass": "class S(str):\n    def __str__(self): return 'allowed.test'\n    def lower(self): return self\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\naddress = (S('127.0.0.1'), PORT)",
    "bytes": "address = (b'127.0.0.1', PORT)",
    "bytearray": "address = (bytearray(b'127.0.0.1'), PORT)",
    "bytearray changed meanwhile": "import threading\nhost = bytearray(b'127.0.0.1')\nleft = []\ndef flip():\n"
    "    while not left: host[:] = b'224.0.0.1'; host[:] = b'127.0.0.1'\n"
    "threading.Thread(target=flip, daemon=True).start()\nsocket.setdefaulttimeout(0.1)\naddress = (host, PORT)\n"
    "for _ in range(300):\n    attempt(lambda: socket.socket().connect(address))",
    "port with an index": "class P(int):\n    def __index__(self): return PORT\naddress = ('127.0.0.1', P(9))",
    "decimal": "address = ('2130706433', PORT)",
    "hexadecimal": "address = ('0x7f000001', PORT)",
    "short": "address = ('127.1', PORT)",
    "name": "address = ('localhost', PORT)",
    "name with a dot": "address = ('localhost.', PORT)",
}


@pytest.mark.parametrize("name", DISGUISES)
def test_disguised_address_is_read_as_c_reads_it(isolated, name):
    code = (
        DISGUISES[name]
        + "\nattempt(lambda: real().connect(address))\nattempt(lambda: _socket.socket().connect(address))\n"
    )
    code += "attempt(lambda: socket.create_connection(address, 1))\n"
    _, reached, done = attack(isolated, code, "--no-network --allow-domain allowed.test --allow-domain 224.0.0.1")
    assert not reached
    assert done.code == 0, done


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_yellow_pages_are_not_asked(isolated):
    pytest.importorskip("nis")
    code = """
import warnings
warnings.simplefilter("ignore")
import nis
for ask in (nis.match, nis.cat, nis.maps):
    try:
        print(ask("key", "map", "domain") if ask is nis.match else ask("map"))
    except Exception as error:
        print(error)
"""
    done = isolated.script("--kernel=off --no-network", code)
    assert done.stdout == "network disabled: nis\n" * 3, done
