"""Where no descriptor of the program's can be had, every socket is made for it: nothing is lost by that."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

CONTAINER = {"HERMETIC_TEST_SUPERVISOR": "made"}
LOOPBACK = {"network": {"allow_localhost": True}}
SERVER = """
import threading
server = socket.create_server(("127.0.0.1", 0)); port = server.getsockname()[1]
"""


@pytest.fixture
def made(held, judged):
    """The same, in a container."""

    def run(families, code, **how):
        return held(families, code, env=CONTAINER, **how)

    return run


@pytest.mark.parametrize("blocking", [True, False])
def test_closing_a_connection_is_seen_at_the_other_end(made, blocking):
    """A duplicate that is kept too long would hold it open."""
    found = made(
        LOOPBACK,
        SERVER
        + f"""
ends = []
for _ in range(20):
    client = socket.socket(); client.setblocking({blocking})
    first = client.connect_ex(("127.0.0.1", port))
    other, _ = server.accept(); other.settimeout(10)
    if first: waiting = select.poll(); waiting.register(client, select.POLLOUT); waiting.poll(5000)
    client.send(b"x"); client.close()
    ends.append([other.recv(9).decode(), other.recv(9).decode()]); other.close()
say(ends=ends)
""",
    )
    assert found["ends"] == [["x", ""]] * 20


def test_a_port_is_free_again_when_its_socket_is_closed(made):
    found = made(
        LOOPBACK,
        """
bound = socket.socket(); bound.bind(("127.0.0.1", 0)); place = bound.getsockname(); bound.close()
again = socket.socket(); again.bind(place); again.listen(); again.listen(5); again.close()
third = socket.socket(); third.bind(place)
taken = error_of(lambda: socket.socket().bind(place))
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); datagram.bind(("127.0.0.1", 0)); there = datagram.getsockname(); datagram.close()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(there)
say(taken=taken)
""",
    )
    assert found == {"taken": "EADDRINUSE"}


def test_sockets_are_what_they_would_be(made):
    found = made(
        LOOPBACK,
        SERVER
        + """
import fcntl
plain = [socket.socket(family, kind) for family, kind in
    ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_SEQPACKET))]
kinds = [[s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN), s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)] == [s.family, s.type] for s in plain]
other = C.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, 0)
flags = [os.get_blocking(other), os.get_inheritable(other), os.get_inheritable(plain[0].fileno()), os.get_blocking(plain[0].fileno())]
first = socket.create_connection(("127.0.0.1", port))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sender.connect(udp.getsockname()); sender.connect(udp.getsockname()); sender.send(b"datagram")
say(kinds=kinds, flags=flags, got=udp.recv(99).decode(),
    again=error_of(lambda: first.connect(("127.0.0.1", port))), pair=[s.type for s in socket.socketpair()],
    unbound=error_of(lambda: socket.socket().listen()), pipe=error_of(lambda: socket.socket(fileno=os.pipe()[0])))
""",
    )
    assert found["kinds"] == [True] * 6
    assert found["flags"] == [False, True, False, True]
    assert (found["got"], found["again"], found["unbound"]) == ("datagram", "EISCONN", "EACCES")


def test_thousands_of_sockets_are_not_kept(made):
    """What the program has closed is let go; what it still has can be connected."""
    found = made(
        LOOPBACK,
        SERVER
        + """
kept = socket.socket()
for _ in range(1500):
    socket.socket().close()
several = [socket.socket() for _ in range(300)]
late = [error_of(lambda s=s: s.connect(("127.0.0.1", port))) for s in (kept, several[0], several[-1])]
lines = 0
for name in os.listdir("/proc"):
    try:
        if name.isdigit() and int(name) != os.getpid() and open(f"/proc/{name}/cmdline").read() == open("/proc/self/cmdline").read():
            lines = max(lines, len(os.listdir(f"/proc/{name}/fd")))
    except OSError:
        pass
say(late=late, kept=lines)
""",
    )
    assert found["late"] == ["", "", ""]
    assert found["kept"] < 900


def test_as_many_sockets_as_the_program_may_have(made, held, monkeypatch):
    """It may have more than it began with, and so may who keeps their duplicates."""
    few = ["sh", "-c", 'ulimit -Sn 300; exec "$0" "$@"', sys.executable]
    monkeypatch.setattr(held.isolated, "python", lambda *words, **how: held.isolated.run([*few, *words], **how))
    found = made(
        LOOPBACK,
        SERVER
        + """
resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
several = [socket.socket() for _ in range(500)]
say(late=[error_of(lambda s=s: s.connect(("127.0.0.1", port))) for s in (several[0], several[-1])])
""",
    )
    assert found["late"] == ["", ""]


def test_children_connect_what_they_inherit(made):
    found = made(
        LOOPBACK,
        SERVER
        + """
inherited = socket.socket()
child = os.fork()
if not child:
    os._exit(inherited.connect_ex(("127.0.0.1", port)))
child, status = os.waitpid(child, 0)
say(status=status)
""",
    )
    assert found == {"status": 0}


@pytest.mark.parametrize("blocking", [True, False])
def test_a_socket_that_was_refused_can_be_tried_again(made, blocking):
    found = made(
        LOOPBACK,
        f"""
import time
free = socket.socket(); free.bind(("127.0.0.1", 0)); where = free.getsockname(); free.close()
client = socket.socket(); client.setblocking({blocking})
def ask():
    error = client.connect_ex(where)
    if error == errno.EINPROGRESS:
        waiting = select.poll(); waiting.register(client, select.POLLOUT); waiting.poll(5000)
        error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    time.sleep(0.05)
    return errno.errorcode.get(error, "")
refused = [ask() for _ in range(3)]
server = socket.socket(); server.bind(where); server.listen(); server.settimeout(10)
late = [ask() for _ in range(2)]
client.close(); other, _ = server.accept(); other.settimeout(10)
say(refused=refused, late=late, end=other.recv(9).decode())
""",
    )
    # As without anybody who judges: the first call after a refusal that was not waited for says that it is over.
    assert found["refused"] == ["ECONNREFUSED", "ECONNREFUSED" if blocking else "ECONNABORTED", "ECONNREFUSED"]
    assert found["late"] == (["", "EISCONN"] if blocking else ["ECONNABORTED", ""])
    assert found["end"] == ""


def test_another_socket_is_not_connected_in_its_place(made):
    """A descriptor that is exchanged meanwhile, one that was never made here, and one of no socket."""
    found = made(
        {"network": {}},
        """
a, b = socket.socketpair()
say(found=[connect_by_c(number, "127.0.0.1", 1) for number in (a.fileno(), 0, 999)])
""",
    )
    assert found["found"] == ["EISCONN", "ENOTSOCK", "EBADF"]
