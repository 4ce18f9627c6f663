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
