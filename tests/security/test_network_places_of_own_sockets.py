"""A place where the run listened, and does no more: the number of a file that it removed, a name without a file.

Either can be somebody else's by the next connection: a file system gives the number of a removed file to the next one.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names without a file, and a table of all sockets")

# Many, because the next file gets one of their numbers. Only what is bound to a name can be somebody else's.
LEAVE = """
import os, socket, sys, time
def bound(name):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(name)
    sock.listen()
    return sock
def reach(name):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            return sock.connect(name) or "reached"
        except Exception as error:
            return type(error).__name__
def leave(name):
    kept = [bound(f"own{number}") for number in range(20)] + [bound(chr(0) + name)]
    numbers = {os.stat(f"own{number}").st_ino for number in range(20)}
    for number in range(20):
        os.unlink(f"own{number}")
    for sock in kept:
        sock.close()
    return numbers
def wait():
    open("left", "x").close()
    while not os.path.exists("taken"):
        time.sleep(0.01)
"""


@contextmanager
def taking_over(folder, name):
    """Somebody else, who binds a file and a name as soon as the run has left its own; [whether it was reached]."""
    reached, ended = [], threading.Event()
    listeners = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]

    def take():
        while not (folder / "left").exists():
            if ended.wait(0.01):
                return
        for listener, place in zip(listeners, (str(folder / "theirs"), "\0" + name), strict=True):
            listener.bind(place)
            listener.listen()
            listener.settimeout(0.01)
        (folder / "taken").touch()

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield reached
        for listener in listeners:
            try:
                listener.accept()[0].close()
                reached.append(listener.getsockname())
            except OSError:
                pass
    finally:
        ended.set()
        thread.join()
        for listener in listeners:
            listener.close()


@pytest.mark.parametrize("how", ["itself", "by a fork"])
@pytest.mark.parametrize("options", ["", "--seal"])
def test_what_took_over_a_place_is_not_reached(isolated, options, how):
    name = f"hermetic-test-{os.getpid()}-{time.monotonic_ns()}"
    code = f"""
name, numbers, answers = {name!r}, [], []
if {how == "itself"}:
    numbers = leave(name)
else:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, repr(leave(name)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    import ast
    numbers = ast.literal_eval(os.read(read, 65536).decode())
wait()
print(reach("theirs"), reach(chr(0) + name), os.stat("theirs").st_ino in numbers)
"""
    with taking_over(isolated.folder, name) as reached:
        done = isolated.script(f"--no-network --allow-localhost --kernel=off {options}", LEAVE + code)
    assert done.code == 0, done
    file, nameless, same = done.stdout.split()
    assert reached == []
    # What this run listened on itself refuses connections now, as far as it can tell.
    assert nameless == ("ConnectionRefusedError" if how == "itself" else "PolicyViolation")
    assert file == ("ConnectionRefusedError" if same == "True" else "PolicyViolation")


def test_an_own_socket_that_is_closed_refuses_connections(isolated):
    """It is no blocked act: programs ask so whether their server still runs."""
    code = """
sock = bound("own")
os.rename("own", "moved"); os.chmod("moved", 0o600)
before = reach("moved")
copy = os.dup(sock.fileno()); sock.close()
between = reach("moved")
os.close(copy)
print(before, between, reach("moved"))
"""
    done = isolated.script("--no-network --allow-localhost --strict", LEAVE + code)
    assert (done.code, done.stdout.split()) == (0, ["reached", "reached", "ConnectionRefusedError"]), done


@pytest.mark.parametrize("options", ["--fs-readonly=/", "--fs-readonly=."])
def test_own_sockets_work_below_a_root(isolated, options):
    code = LEAVE + "sock = bound('own')\nprint(reach('own'))\n"
    done = isolated.script(f"--no-network --allow-localhost {options} --allow-write .", code)
    assert (done.code, done.stdout) == (0, "reached\n"), done


def test_a_name_does_not_pass_for_a_line_of_the_table(isolated):
    """The system writes names into it as they are."""
    code = r"""
sock = socket.socket(socket.AF_UNIX)
for name in ("own\n0: 00000002 00000000 00010000 0001 01 1 x", "\0own\n"):
    try:
        sock.bind(name)
    except Exception as error:
        print(error)
"""
    done = isolated.script("--no-network --allow-localhost", LEAVE + code)
    assert done.stdout.count("network disabled: bind(") == 2, done


def test_a_place_where_nothing_lies_yet_is_told_as_such(isolated):
    """Whoever waits for the run's own server tries again at this error; it is no blocked act either."""
    code = """
def number(name):
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(name)
print(reach("own"), number("own"))
bound("own").close()
print(reach("own"), number("own"))
os.remove("own")
print(reach("own"), number("own"))
"""
    done = isolated.script("--no-network --allow-localhost --strict", LEAVE + code)
    missing, closed = f"FileNotFoundError {errno.ENOENT}", f"ConnectionRefusedError {errno.ECONNREFUSED}"
    assert (done.code, done.stdout.splitlines()) == (0, [missing, closed, missing]), done
    done = isolated.script("--no-network", LEAVE + 'print(reach("own"))')
    assert done.stdout == "PolicyViolation\n", done
