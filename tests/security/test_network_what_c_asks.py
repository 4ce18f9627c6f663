"""C reads more of an address than its text: a subclass encodes itself, and a path may lead to another's socket."""

from __future__ import annotations

import socket

import pytest


def test_host_that_encodes_itself_is_refused(isolated):
    code = """
    import socket, _socket
    class Host(str):
        encode = lambda self, *rest: b"127.0.0.2"
    for cls in (socket.socket, _socket.socket):
        try:
            cls.connect(socket.socket(), (Host("127.0.0.1"), 9))
        except OSError as error:
            print("asked", error)
        except Exception as error:
            print(type(error).__name__)
    """
    done = isolated.script("--no-network --allow-localhost", code)
    assert done.stdout == "PolicyViolation\n" * 2, done


CALLS = """
import enum, socket, ssl, sys
class Host(str, enum.Enum):
    NAME = "localhost"
    NUMBER = "127.0.0.1"
class Text(str): pass
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
datagrams, context = socket.socket(2, 2), ssl.create_default_context()
for host in (Host.NAME, Host.NUMBER, Text("localhost"), Text("127.0.0.1")):
    socket.create_connection((host, port)).close()
    socket.socket().connect((host, port))
    print(socket.socket().connect_ex((host, port)))
    socket.create_server((host, 0)).close()
    print(datagrams.sendto(b"x", (host, port)), datagrams.sendmsg([b"x"], [], 0, (host, port)))
    print(socket.getaddrinfo(host, 80)[0][4], socket.getaddrinfo(host=host, port=80)[0][4])
    print(socket.gethostbyname(host), socket.gethostbyname_ex(host)[2], socket.gethostbyaddr(host)[2])
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host)
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), False, host)
    context.wrap_socket(socket.socket(), server_hostname=host)
print(socket.getnameinfo((Host.NUMBER, 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV))
"""
IN_A_BLOCK = """
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True, allow_localhost=True):
    exec(open("calls.py").read())
"""


@pytest.mark.parametrize("options", ["--no-network --allow-localhost", "--no-network --allow-localhost --seal", None])
def test_hosts_that_leave_their_text_to_str_are_hosts(isolated, options):
    """Members of an enum, and what libraries return that mark their text."""
    isolated.write("calls.py", CALLS)
    plain = isolated.code(CALLS)
    done = isolated.code(IN_A_BLOCK) if options is None else isolated.script(options, CALLS)
    assert plain.code == 0, plain
    assert (done.code, done.stdout) == (0, plain.stdout), done


OWN_TEXT = {
    "encodes itself": "class Host(str):\n    encode = lambda self, *rest: b'127.0.0.2'",
    "finds its methods itself": "class Host(str):\n    __getattribute__ = lambda self, name: lambda *rest: b'127.0.0.2'",
    "by a class in between": "class Own(str):\n    encode = lambda self, *rest: b'127.0.0.2'\nclass Host(Own): pass",
    "by another class": "class Own:\n    encode = lambda self, *rest: b'127.0.0.2'\nclass Host(Own, str): pass",
}


@pytest.mark.parametrize("call", ["connect((host, 9))", "bind((host, 0))", "sendto(b'x', (host, 9))"])
@pytest.mark.parametrize("own", OWN_TEXT)
def test_others_are_refused(isolated, own, call):
    code = f"import socket\n{OWN_TEXT[own]}\nhost = Host('127.0.0.1')\ntry:\n    socket.socket(2, 2).{call}\n"
    code += "except Exception as error:\n    print(type(error).__name__)"
    assert isolated.script("--no-network --allow-localhost", code).stdout == "PolicyViolation\n"


def test_what_an_object_says_is_not_asked_where_its_class_says_nothing(isolated):
    code = """
    import socket
    class Host(str): pass
    host = Host("127.0.0.1")
    host.encode = lambda *rest: b"127.0.0.2"
    with socket.socket() as sock:
        sock.bind((host, 0))
        print(sock.getsockname()[0])
    """
    assert isolated.script("--no-network --allow-localhost", code).stdout == "127.0.0.1\n"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets on this system")
@pytest.mark.parametrize("swap", ["os.symlink(theirs, mine)", "os.link(theirs, mine)", "os.rename(theirs, mine)"])
def test_name_of_an_own_socket_given_to_another_is_refused(isolated, swap):
    theirs = isolated.temp / "theirs"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(theirs))
        server.listen()
        server.settimeout(0.2)
        code = f"""
        import os, socket
        theirs, mine = {str(theirs)!r}, {str(isolated.temp / "mine")!r}
        own = socket.socket(socket.AF_UNIX)
        own.bind(mine)
        os.unlink(mine)
        {swap}
        own.listen()
        try:
            socket.socket(socket.AF_UNIX).connect(mine)
            print("reached")
        except Exception as error:
            print(type(error).__name__)
        """
        done = isolated.script("--no-network --allow-localhost", code)
        assert done.stdout == "PolicyViolation\n", done
        with pytest.raises(TimeoutError):
            server.accept()
    for path in isolated.temp.iterdir():
        path.unlink()


def test_own_sockets_are_reached(isolated):
    code = f"""
    import socket
    path = {str(isolated.temp / "own")!r}
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    socket.socket(socket.AF_UNIX).connect(path)
    mail = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    mail.bind(path + ".mail")
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", path + ".mail")
    print("reached")
    """
    assert isolated.script("--no-network --allow-localhost", code).stdout == "reached\n"
    for path in isolated.temp.iterdir():
        path.unlink()


def test_library_that_asks_for_the_machines_own_name_goes_on(isolated):
    code = "import email.utils, socket\nemail.utils.make_msgid(); socket.getfqdn(); print('done')"
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (0, "done\n"), done
