"""Listening beyond loopback lets others in: bind, listen without bind, servers of libraries.

References: CVE-2026-21636, CVE-2026-21711, CVE-2026-48936.
"""

from __future__ import annotations

import socket
import sys

import pytest

CASES = {
    "bind to every interface": "socket.socket().bind(('0.0.0.0', 0))",
    "bind to the empty name": "socket.socket().bind(('', 0))",
    "bind to every IPv6 interface": "socket.socket(socket.AF_INET6).bind(('::', 0))",
    "mapped": "socket.socket(socket.AF_INET6).bind(('::ffff:0.0.0.0', 0))",
    "listen without bind": "socket.socket().listen()",
    "listen of another family, by its word": "s = socket.socket(); socket.socket(socket.AF_UNIX, 1, 0, s.fileno()).listen()",
    "listen of the older protocol, by its word": "s = socket.socket(10); socket.socket(2, 1, 0, s.fileno()).listen()",
    "create_server": "socket.create_server(('', 0))",
    "asyncio server": "__import__('asyncio').run(__import__('asyncio').start_server(print, '0.0.0.0', 0))",
    "http.server": "__import__('http.server').server.HTTPServer(('', 0), None)",
    "C class": "_socket.socket.bind(socket.socket(), ('0.0.0.0', 0))",
    "datagram": "socket.socket(2, 2).bind(('0.0.0.0', 0))",
}


@pytest.mark.parametrize("options", ["--no-network", "--no-network --allow-localhost", "--no-network --seal"])
@pytest.mark.parametrize("name", CASES)
def test_listening_beyond_loopback_is_refused(isolated, name, options):
    done = isolated.script(options, f"import socket, _socket\n{CASES[name]}")
    assert done.code == 2, done
    assert "hermetic: blocked action: network disabled: bind(" in done.stderr


def test_listening_on_loopback_works(isolated):
    done = isolated.script(
        "--no-network",
        """
        import asyncio, socket
        with socket.create_server(("127.0.0.1", 0)) as server:
            print(server.getsockname()[0])
        async def main():
            server = await asyncio.start_server(print, "127.0.0.1", 0)
            server.close()
            await server.wait_closed()
        asyncio.run(main())
        """,
    )
    assert (done.code, done.stdout) == (0, "127.0.0.1\n"), done.stderr


@pytest.mark.parametrize("closed", ["s.close()", "import os; os.dup2(os.pipe()[0], s.fileno())"])
def test_what_cannot_listen_is_an_error_of_the_system_s(isolated, closed):
    code = f"import socket\ns = socket.socket()\n{closed}\ntry:\n    s.listen()\nexcept OSError as error:\n    print(error.errno)"
    plain, guarded = isolated.code(code), isolated.script("--no-network", code)
    assert (guarded.code, guarded.stdout) == (0, plain.stdout), guarded


def test_event_loops_keep_their_wake_up_pair(isolated):
    done = isolated.script(
        "--no-network",
        """
        import asyncio, selectors
        async def main():
            await asyncio.sleep(0)
            return await asyncio.get_running_loop().run_in_executor(None, int, "5")
        print(asyncio.run(main()))
        """,
    )
    assert (done.code, done.stdout) == (0, "5\n"), done.stderr


# A loop written in C: what it calls is called without a frame of its own.
NATIVE_LOOP = """
import functools, socket, sys, types
sys.modules[{name!r}] = types.ModuleType({name!r})
loop = types.SimpleNamespace({method}=functools.partial(socket.socketpair, *{words!r}))
def runs():
    return loop.{method}()
for end in runs():
    end.close()
print("ran")
"""


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal", "--no-network --allow-localhost"])
@pytest.mark.parametrize("method", ["run_forever", "run_until_complete"])
def test_a_loop_in_c_keeps_its_wake_up_pair_whoever_runs_it(isolated, options, method):
    done = isolated.script(options, NATIVE_LOOP.format(name="uvloop", method=method, words=()))
    assert (done.code, done.stdout) == (0, "ran\n"), done.stderr


@pytest.mark.parametrize(
    ("name", "method", "words"),
    [
        ("uvloop", "run_forever", (socket.AF_UNIX, socket.SOCK_DGRAM)),  # could be re-aimed
        ("uvloop", "run", ()),  # no loop's word
        ("others", "run_forever", ()),  # no such loop is there
    ],
)
def test_nothing_else_is_taken_for_the_pair_of_a_loop_in_c(isolated, name, method, words):
    words = tuple(int(word) for word in words)
    done = isolated.script("--no-network", NATIVE_LOOP.format(name=name, method=method, words=words))
    assert done.code == 2, done
    assert "hermetic: blocked action: network disabled: socketpair\n" in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "socket.socketpair()",
        "_socket.socketpair()",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.fromfd(0, 2, 1)",
        "socket.socket(fileno=0)",
        "_socket.socket(fileno=0)",
    ],
)
def test_pairs_and_adopted_descriptors_of_the_program_are_refused(isolated, code):
    done = isolated.script("--no-network", f"import socket, _socket\n{code}")
    assert done.code == 2, done


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("socket.socket(fileno=0)", "network disabled: fromfd"),
        ("socket.fromfd(0, 2, 1)", "network disabled: fromfd"),
        # The event does not tell a descriptor from nothing at all; naming the family does.
        ("_socket.socket()", "network disabled: socket()"),
        ("_socket.socket(fileno=0)", "network disabled: socket()"),
    ],
)
def test_what_was_made_is_named_as_far_as_the_event_tells(isolated, code, text):
    done = isolated.script("--no-network", f"import socket, _socket\n_socket.socket(2, 1).close()\n{code}")
    assert f"hermetic: blocked action: {text}\n" in done.stderr, done
    assert ("to allow it: naming the family" in done.stderr) == text.endswith("()")


@pytest.mark.skipif(sys.platform != "linux", reason="names that the kernel chooses")
@pytest.mark.parametrize("empty", ["''", "b''"])
def test_a_name_that_the_kernel_chooses_is_a_bind_like_any_other(isolated, empty):
    code = f"""
        import socket, _socket
        for cls in (socket.socket, lambda family: _socket.socket(family, 1)):
            with socket.socket(socket.AF_UNIX) as client:
                server = cls(socket.AF_UNIX)
                server.bind({empty})
                server.listen()
                if cls is socket.socket:
                    client.connect(server.getsockname())
                    print("connected")
    """
    assert isolated.script("--no-network --allow-localhost", code).stdout == "connected\n"
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (2, "")
    assert "hermetic: blocked action: network disabled: bind()" in done.stderr


SIDES = ["True", "1", "Side()", "'yes'", "[1]", "Number(0)"]


@pytest.mark.parametrize("side", SIDES)
def test_the_side_of_a_handshake_is_read_as_c_reads_it(isolated, side):
    """Only a number means the server's side; what merely is true is no server and is judged as a client."""
    code = f"""
        import socket, ssl
        class Side:
            def __bool__(self): print("asked"); return True
        class Number(int):
            __bool__ = __index__ = lambda self: print("asked") or True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        left, right = ssl.MemoryBIO(), ssl.MemoryBIO()
        for act in (lambda: context.wrap_bio(left, right, server_side={side}, server_hostname="example.com"),
                    lambda: context.wrap_socket(socket.socket(), {side}, server_hostname="example.com")):
            try:
                act()
            except Exception as error:
                print(type(error).__name__)
    """
    done = isolated.script("--no-network", code)
    served = side in ("True", "1")
    assert ("PolicyViolation" in done.stdout, "asked" in done.stdout) == (not served, False), done
