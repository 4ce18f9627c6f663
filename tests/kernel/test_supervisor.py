"""The process that judges the network: what it lets through, and what it cannot be talked into."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp"),
    pytest.mark.usefixtures("supervised"),
]

LOOPBACK = {"network": {"allow_localhost": True}}
NOTHING = {"network": {}}


# --- what it lets through ---


def test_loopback_is_reached_by_c_and_in_every_way(held, judged, servers):
    (port, _), _counts = servers
    found = held(
        LOOPBACK,
        f"""
kept = []
def to(host, port):
    kept.append(socket.socket())
    return connect_by_c(kept[-1].fileno(), host, port)
plain = socket.socket(); blocking = connect_by_c(plain.fileno(), "127.0.0.1", {port})
later = socket.socket(); later.setblocking(False)
first = connect_by_c(later.fileno(), "127.0.0.1", {port})
waiting = select.poll(); waiting.register(later, select.POLLOUT); events = waiting.poll(5000)
bound = socket.socket(); bound.bind(("127.0.0.1", 0)); bound.connect(("127.0.0.1", {port}))
say(
    states=states, blocking=blocking, first=first, events=len(events), error=later.getsockopt(1, 4),
    refused=to("127.0.0.1", 1),
    outside=to("192.0.2.1", 80),
    metadata=to("169.254.169.254", 80),
    resolver=to("127.0.0.53", 53),
    unspecified=to("0.0.0.0", {port}),
)
""",
        mode="require",
    )
    assert found["states"] == {"network": "enforced and verified"}
    assert (found["blocking"], found["events"], found["error"]) == ("", 1, 0)
    assert found["first"] in ("", "EINPROGRESS")
    assert found["refused"] == "ECONNREFUSED"
    assert (found["outside"], found["metadata"], found["resolver"]) == ("EACCES",) * 3
    assert found["unspecified"] == ""


def test_other_writings_of_an_address_are_the_address(held, judged, servers):
    (port, _), counts = servers
    found = held(
        NOTHING,
        f"""
six = socket.socket(socket.AF_INET6)
def six_to(text): return error_of(lambda: socket.socket(socket.AF_INET6).connect((text, {port})))
say(found=[six_to(text) for text in ("::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1%lo")],
    short=call("connect", six.fileno(), address("127.0.0.1", {port}), 8),
    long=call("connect", six.fileno(), bytes(200), 200),
    unknown=call("connect", six.fileno(), bytes([99, 0]) + bytes(26), 28),
    nowhere=call("connect", six.fileno(), 4096, 16),
    closed=call("connect", 999, address("127.0.0.1", {port}), 16))
""",
    )
    assert set(found["found"]) == {"EACCES"}
    assert all(found.values()), found
    assert counts == [0, 0]


def test_an_address_of_another_family_than_the_sockets_is_answered(held, judged, servers):
    """As the kernel answers: C's own resolver tries addresses of both on one datagram socket."""
    (port, _), counts = servers
    found = held(
        LOOPBACK,
        f"""
signal.alarm(30)  # who is never answered waits for ever
six, four = socket.socket(socket.AF_INET6), socket.socket()
to_six = struct.pack("=H", socket.AF_INET6) + struct.pack("!H", {port}) + bytes(4) + socket.inet_pton(socket.AF_INET6, "::1") + bytes(4)
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
first = connect_by_c(datagrams.fileno(), "127.0.0.1", {port})
say(found=[
    connect_by_c(six.fileno(), "127.0.0.1", {port}),
    call("bind", six.fileno(), address("127.0.0.1", 0), 16),
    call("connect", four.fileno(), to_six, 28),
    call("bind", four.fileno(), to_six, 28),
], datagrams=first, peer=datagrams.getpeername()[0], outside=connect_by_c(datagrams.fileno(), "169.254.169.254", 80))
""",
    )
    assert found["found"] == ["EAFNOSUPPORT"] * 4
    assert (found["datagrams"], found["peer"], found["outside"]) == ("", "::ffff:127.0.0.1", "EACCES")
    assert counts == [0, 0]


def test_a_datagram_socket_is_parted_from_its_peer(held, judged):
    """C's resolver does so between the addresses it sorts, and ends the program when the last one is still there."""
    found = held(
        LOOPBACK,
        """
datagrams, stream = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM), socket.socket()
datagrams.connect(("::1", 9))
parted = call("connect", datagrams.fileno(), bytes(16), 16)
peer = error_of(datagrams.getpeername)
again = connect_by_c(datagrams.fileno(), "127.0.0.1", 9)
def addresses(): return [row[4][0] for row in socket.getaddrinfo(None, 9, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)]
say(parted=parted, peer=peer, again=again, own=datagrams.getsockname()[0], addresses=addresses(),
    stream=call("connect", stream.fileno(), bytes(16), 16))
""",
    )
    assert (found["parted"], found["peer"], found["again"]) == ("", "ENOTCONN", "")
    assert found["own"] == "::ffff:127.0.0.1"
    plain = socket.getaddrinfo(None, 9, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    assert found["addresses"] == [row[4][0] for row in plain]
    assert found["stream"] == ""


def test_a_connection_is_given_up_and_its_socket_used_again(held, judged, servers, supervised):
    """As a connection pool in C does with a socket that it keeps."""
    (port, _), _counts = servers
    found = held(
        LOOPBACK,
        f"""
stream = socket.socket()
stream.connect(("127.0.0.1", {port}))
parted = call("connect", stream.fileno(), bytes(16), 16)
say(parted=parted, peer=error_of(stream.getpeername), outside=connect_by_c(stream.fileno(), "192.0.2.1", 9),
    again=connect_by_c(stream.fileno(), "127.0.0.1", {port}))
""",
    )
    if supervised == "made":  # who judges has let go of what is connected
        assert found == {"parted": "EISCONN", "peer": "", "outside": "EISCONN", "again": "EISCONN"}
    else:
        assert found == {"parted": "", "peer": "ENOTCONN", "outside": "EACCES", "again": ""}


def test_interfaces_are_listed(held, judged):
    """As libzmq does whenever it binds; it ends the program when it is refused the address that the kernel chooses."""
    found = held(
        LOOPBACK,
        """
NETLINK, ROUTE = 16, 0
tcp, listening = socket.socket(), socket.socket(NETLINK, socket.SOCK_RAW, ROUTE)
def netlink(port, groups): return struct.pack("=HHII", NETLINK, 0, port, groups)
say(names=[name for _, name in socket.if_nameindex()],
    short=call("bind", listening.fileno(), netlink(0, 0), 8),
    groups=call("bind", listening.fileno(), netlink(0, 1), 12),
    number=call("bind", listening.fileno(), netlink(12345, 0), 12),
    other=call("bind", listening.fileno(), address("127.0.0.1", 0), 16),
    on_tcp=call("bind", tcp.fileno(), netlink(0, 0), 12),
    joined=call("setsockopt", listening.fileno(), 270, 1, struct.pack("I", 1), 4),  # NETLINK_ADD_MEMBERSHIP
    chosen=call("bind", listening.fileno(), netlink(0, 0), 12))
""",
    )
    assert found["names"] == [name for _, name in socket.if_nameindex()]
    assert (found["groups"], found["number"], found["other"]) == ("EACCES",) * 3
    assert found["joined"] == "EPERM"
    assert found["short"]
    assert found["on_tcp"] == "EAFNOSUPPORT"
    assert found["chosen"] == ""


def test_the_program_keeps_its_connections(held, judged):
    found = held(
        LOOPBACK,
        """
import threading
server = socket.create_server(("127.0.0.1", 0))
got = []
def serve():
    connection, _ = server.accept()
    while data := connection.recv(65536): got.append(len(data))
    connection.close()
thread = threading.Thread(target=serve); thread.start()
client = socket.create_connection(server.getsockname())
client.sendall(bytes(1_000_000)); client.sendmsg([b"x", b"y"]); client.close()
thread.join(10)
say(total=sum(got))
""",
    )
    assert found == {"total": 1_000_002}


# --- Unix sockets ---


def test_a_connection_that_waits_holds_up_no_other(held, judged, servers):
    (port, _), _counts = servers
    found = held(
        LOOPBACK,
        f"""
import threading, time
full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
where = full.getsockname()[1]
crowd, begun = [], threading.Semaphore(0)
def join():
    crowd.append(socket.socket()); crowd[-1].settimeout(None); begun.release()
    connect_by_c(crowd[-1].fileno(), "127.0.0.1", where)
for _ in range(6):  # the kernel takes two, and lets the others wait
    threading.Thread(target=join, daemon=True).start()
for _ in range(6):
    begun.acquire()
time.sleep(0.3)
start = time.monotonic()
others = [connect_by_c(socket.socket().detach(), "127.0.0.1", {port}) for _ in range(5)]
took = time.monotonic() - start
say(others=others, took=took); sys.stdout.flush()
os._exit(0)
""",
    )
    assert found["others"] == [""] * 5
    assert found["took"] < 0.9  # a second is when the kernel tries the first one again


CROWD = """
import threading, time
full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
where = full.getsockname()[1]
def others():
    own, found = open("/proc/self/cmdline").read(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(name) != os.getpid() and open(f"/proc/{name}/cmdline").read() == own:
                words = dict(line.split(":", 1) for line in open(f"/proc/{name}/status"))
                found.append((int(words["Threads"]), int(words["RssAnon"].split()[0])))
        except OSError:
            pass
    return [max(column) for column in zip(*found)]
def join(descriptor, results): results.append(connect_by_c(descriptor, "127.0.0.1", where))
def crowd(count, limit=0):
    sockets, results = [socket.socket() for _ in range(count)], []
    for sock in sockets: sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", limit, 0))
    threading.stack_size(1 << 17)
    for sock in sockets:
        threading.Thread(target=join, args=(sock.fileno(), results), daemon=True).start()
    return sockets, results
"""


@pytest.mark.parametrize("limit", [0, 60])
def test_connections_that_wait_take_no_thread_each(held, judged, servers, limit):
    (port, _), _counts = servers
    found = held(
        LOOPBACK,
        CROWD
        + f"""
kept = crowd(4, {limit}); time.sleep(0.3)
before = others()
more, results = crowd(300, {limit}); time.sleep(1)
start = time.monotonic()
reached = [connect_by_c(socket.socket().detach(), "127.0.0.1", {port}) for _ in range(5)]
took = time.monotonic() - start
kept = connect_by_c(socket.socket().detach(), "169.254.169.254", 80)
say(before=before, after=others(), answered=results, reached=reached, took=took, denied=kept); sys.stdout.flush()
os._exit(0)
""",
    )
    assert (found["reached"], found["denied"], set(found["answered"])) == ([""] * 5, "EACCES", set())
    assert found["after"][0] <= found["before"][0] + 2, found
    assert found["after"][1] < found["before"][1] + 2000, found  # kilobytes
    assert found["took"] < 0.9


def test_connections_that_waited_end_as_they_would(held, judged):
    """Made, refused, given up, interrupted: and the socket is then what it would be."""
    found = held(
        LOOPBACK,
        CROWD
        + """
sockets, results = crowd(6); time.sleep(0.3)
timed = socket.socket(); timed.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 0, 100_000))
given_up = connect_by_c(timed.fileno(), "127.0.0.1", where)
signal.signal(signal.SIGALRM, lambda *words: None); signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.1)
stopped = socket.socket(); interrupted = connect_by_c(stopped.fileno(), "127.0.0.1", where)
blocking = [os.get_blocking(sock.fileno()) for sock in (*sockets, timed, stopped)]
waiting = 6 - len(results)
full.setblocking(False)
end = time.monotonic() + 20
while len(results) < 6 and time.monotonic() < end:
    try: full.accept()
    except BlockingIOError: time.sleep(0.05)
again = [error_of(lambda s=s: s.connect(("127.0.0.1", where))) for s in sockets]
say(given_up=given_up, interrupted=interrupted, blocking=blocking, waiting=waiting, results=results, again=again)
sys.stdout.flush(); os._exit(0)
""",
        timeout=60,
    )
    assert (found["given_up"], found["interrupted"]) == ("EINPROGRESS", "EINTR")
    assert set(found["blocking"]) == {True}
    assert found["waiting"] >= 4  # the kernel takes two
    assert (found["results"], found["again"]) == ([""] * 6, ["EISCONN"] * 6)


def test_limits_to_waiting_are_kept_each_for_itself(held, judged):
    """As the system has it: the first call says that it is being done, the next that it was so already."""
    code = (
        CROWD
        + """
kept = crowd(4); time.sleep(0.3)
found = []
def ask(limit):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 0, int(limit * 1e6)))
    for _ in range(2):
        start = time.monotonic()
        error = connect_by_c(sock.fileno(), "127.0.0.1", where)
        found.append((limit, error, round(time.monotonic() - start - limit, 3)))
threads = [threading.Thread(target=ask, args=(limit,)) for limit in (0.8, 0.2, 0.5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say(found=found); sys.stdout.flush()
os._exit(0)
"""
    )
    answers = held(LOOPBACK, code)["found"]
    expected = [(limit, error) for limit in (0.2, 0.5, 0.8) for error in ("EALREADY", "EINPROGRESS")]
    assert sorted((limit, error) for limit, error, _ in answers) == expected
    assert all(-0.02 < late < 0.4 for _, _, late in answers), answers


def test_each_process_is_answered_for_its_own_socket(held, judged, servers):
    """Whom the last question came from is remembered."""
    (port, _), _counts = servers
    found = held(
        LOOPBACK,
        f"""
def ask():
    sock = socket.socket()
    return connect_by_c(sock.fileno(), "127.0.0.1", {port}) or str(sock.getpeername()[1])
statuses = []
for _ in range(20):
    ask()
    child = os.fork()
    if not child:
        os._exit(0 if ask() == "{port}" else 1)
    statuses.append(os.waitpid(child, 0)[1])
say(statuses=statuses, ours=ask())
""",
    )
    assert found == {"statuses": [0] * 20, "ours": str(port)}


def test_a_thread_with_descriptors_of_its_own_is_answered_for_its_own_socket(held, judged, servers):
    """It shares memory with the others, and the same number is another socket there."""
    (allowed, _denied), _counts = servers
    found = held(
        {"network": {"allow_hosts": [f"127.0.0.1:{allowed}"]}},
        f"""
found = {{}}
known = C.syscall(434, os.getpid(), 0o200) >= 0
CLONE_FILES = 0x400
theirs = socket.socket(socket.AF_UNIX); os.dup2(theirs.fileno(), 50)
def ask():
    C.unshare(CLONE_FILES)
    sock = socket.socket(); os.dup2(sock.fileno(), 50)
    found.update(error=connect_by_c(50, "127.0.0.1", {allowed}), peer=sock.getpeername()[1] if known else None)
thread = threading.Thread(target=ask); thread.start(); thread.join()
say(known=known, **found)
""",
    )
    if not found["known"]:
        pytest.skip("this kernel opens no threads")
    assert (found["error"], found["peer"]) == ("", allowed)


def test_a_thread_that_is_called_as_the_system_calls_a_process_is_not_taken_for_that(held, judged):
    """Before 6.9 a thread's socket is had by its process. Another process's, were it listened on, would be the run's."""
    place = str(held.isolated.folder / "theirs")
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(place)
        theirs.listen()
        os.chmod(place, 0o777)
        found = held(
            NOTHING,
            f"""
NAME, found = 15, {{}}
def ask():
    own = socket.socket(socket.AF_UNIX); own.bind("own"); os.dup2(own.fileno(), {theirs.fileno()})
    C.prctl(NAME, b"Tgid:{os.getpid()}", 0, 0, 0)
    found.update(listen=call("listen", {theirs.fileno()}, 5))
    C.prctl(NAME, b"x\\nTgid:\\t1", 0, 0, 0)
    found.update(bind=error_of(lambda: socket.socket(socket.AF_UNIX).bind("other")))
    C.prctl(NAME, b"x", 0, 0, 0)
    found.update(theirs=error_of(lambda: socket.socket(socket.AF_UNIX).connect({place!r})))
    found.update(own=error_of(lambda: socket.socket(socket.AF_UNIX).connect("own")))
thread = threading.Thread(target=ask); thread.start(); thread.join()
say(**found)
""",
            before="import _hermetic.enforce.kernel.linux.judge as judge\njudge.OF_THREADS = 0\n",
            cwd=held.isolated.folder,
        )
    assert found == {"listen": "", "bind": "", "theirs": "EACCES", "own": ""}


def test_unix_sockets_are_the_runs_own_or_none(held, judged):
    theirs = socket.socket(socket.AF_UNIX)
    theirs.bind(str(held.isolated.temp / "theirs"))
    theirs.listen()
    abstract = f"\0hermetic-test-{os.getpid()}-{id(held)}"
    nameless = socket.socket(socket.AF_UNIX)
    nameless.bind(abstract)
    nameless.listen()
    os.chmod(held.isolated.temp, 0o777)
    os.chmod(held.isolated.temp / "theirs", 0o777)
    try:
        found = held(
            NOTHING,
            f"""
folder = {str(held.isolated.temp)!r}
def reach(name): return error_of(lambda: socket.socket(socket.AF_UNIX).connect(name))
own = socket.socket(socket.AF_UNIX); own.bind(folder + "/own"); own.listen()
own_abstract = socket.socket(socket.AF_UNIX); own_abstract.bind("\\0own-{os.getpid()}"); own_abstract.listen()
os.symlink(folder + "/theirs", folder + "/link")
before = [reach(folder + "/own"), reach("\\0own-{os.getpid()}"), reach(folder + "/theirs"), reach(folder + "/link"), reach({abstract!r})]
os.chdir(folder); relative = [reach("own"), reach("./theirs")]
# The name of a socket of ours, given to somebody else's.
os.unlink("own"); os.rename("theirs", "own")
say(before=before, relative=relative, renamed=reach(folder + "/own"))
""",
        )
    finally:
        theirs.close()
        nameless.close()
        for name in ("own", "link", "theirs"):
            if (held.isolated.temp / name).is_symlink() or (held.isolated.temp / name).exists():
                (held.isolated.temp / name).unlink()
    assert found["before"] == ["", "", "EACCES", "EACCES", found["before"][4]]
    assert found["before"][4] in ("EACCES", "EPERM")
    assert found["relative"] == ["", "EACCES"]
    assert found["renamed"] == "EACCES"


def test_a_place_that_the_run_has_left_is_not_its_own(held, judged):
    """The number of a removed file goes to the next one, and a name without a file to whoever asks for it."""
    folder, name = held.isolated.folder, f"\0hermetic-test-{os.getpid()}-{time.monotonic_ns()}"
    theirs = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    ended = threading.Event()

    def take():
        while not (folder / "left").exists():
            if ended.wait(0.01):
                return
        for sock, place in zip(theirs, (str(folder / "theirs"), name), strict=True):
            sock.bind(place)
            sock.listen()
        (folder / "theirs").chmod(0o777)
        (folder / "taken").touch()

    other = threading.Thread(target=take)
    other.start()
    try:
        found = held(
            NOTHING,
            f"""
import time
os.chdir({str(folder)!r})
def reach(name): return error_of(lambda: socket.socket(socket.AF_UNIX).connect(name))
def bound(name):
    sock = socket.socket(socket.AF_UNIX); sock.bind(name); sock.listen()
    return sock
kept = [*[bound(f"own{{n}}") for n in range(20)], bound({name!r})]
numbers = [os.stat(f"own{{n}}").st_ino for n in range(20)]
open_yet = [reach("own0"), reach({name!r})]
for n in range(20): os.unlink(f"own{{n}}")
for sock in kept: sock.close()
closed = reach({name!r})
open("left", "x").close()
while not os.path.exists("taken"): time.sleep(0.01)
say(open=open_yet, closed=closed, file=reach("theirs"), name=reach({name!r}), same=os.stat("theirs").st_ino in numbers)
""",
        )
    finally:
        ended.set()
        other.join()
        for sock in theirs:
            sock.close()
    assert found["open"] == ["", ""]
    assert found["closed"] == found["name"] == "ECONNREFUSED"
    assert found["file"] == ("ECONNREFUSED" if found["same"] else "EACCES")


def test_a_place_that_is_bound_and_not_listened_on_yet_refuses_as_it_would(held, judged):
    """Whoever waits for the run's own server tries again at this error, and gives up at another."""
    theirs = socket.socket(socket.AF_UNIX)
    theirs.bind(str(held.isolated.folder / "theirs"))
    (held.isolated.folder / "theirs").chmod(0o777)
    name = f"\0hermetic-test-{os.getpid()}-{time.monotonic_ns()}"
    try:
        found = held(
            NOTHING,
            f"""
os.chdir({str(held.isolated.folder)!r})
def reach(name): return error_of(lambda: socket.socket(socket.AF_UNIX).connect(name))
kept = []
def bound(name):
    kept.append(socket.socket(socket.AF_UNIX)); kept[-1].bind(name)
bound("own"); bound({name!r})
twice = error_of(lambda: bound("own"))
first = [reach("own"), reach({name!r}), reach("theirs")]
kept[0].listen(); kept[1].listen()
listening = [reach("own"), reach({name!r}), reach("theirs")]
left = [reach("own")] if kept.pop(0).close() else [reach("own")]
say(twice=twice, first=first, listening=listening, left=left)
""",
            mode="require",
        )
    finally:
        theirs.close()
    assert found["twice"] == "EADDRINUSE"
    assert found["first"] == ["ECONNREFUSED", "ECONNREFUSED", "EACCES"]
    assert found["listening"] == ["", "", "EACCES"]
    assert found["left"] == ["ECONNREFUSED"]


def test_datagrams_of_the_run_find_its_own_sockets_by_a_connection(held, judged):
    theirs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.bind(str(held.isolated.folder / "theirs"))
    (held.isolated.folder / "theirs").chmod(0o777)
    try:
        found = held(
            LOOPBACK,
            f"""
os.chdir({str(held.isolated.folder)!r})
server, client = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
server.bind("own")
reached = error_of(lambda: client.connect("own"))
client.send(b"heard")
parted = call("connect", client.fileno(), bytes(16), 16)
say(reached=reached, heard=server.recv(9).decode(), parted=parted, alone=error_of(lambda: client.send(b"x")),
    again=error_of(lambda: client.connect("own")), theirs=error_of(lambda: client.connect("theirs")),
    stream=error_of(lambda: socket.socket(socket.AF_UNIX).connect("own")))
""",
        )
    finally:
        theirs.close()
    assert (found["reached"], found["heard"], found["again"]) == ("", "heard", "")
    assert (found["parted"], found["alone"]) == ("", "ENOTCONN")
    assert (found["theirs"], found["stream"]) == ("EACCES", "EPROTOTYPE")


def test_a_port_that_takes_rights_takes_those_of_the_program(held, judged):
    """Who judges may have more of them, as where root's program goes on as somebody else."""
    taken = """
def bound(user):
    ends = os.pipe()
    if not os.fork():
        if user:
            os.setgroups([]); os.setgid(user); os.setuid(user); C.prctl(4, 1, 0, 0, 0)
        sock = socket.socket(); sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        os.write(ends[1], error_of(lambda: sock.bind(("127.0.0.1", 1019))).encode() + b"."); os._exit(0)
    os.close(ends[1]); os.wait()
    return os.read(ends[0], 99).decode()
"""
    found = held(
        LOOPBACK,
        taken
        + """
say(own=bound(0), free=error_of(lambda: socket.socket().bind(("127.0.0.1", 0))), others=bound(0 if os.getuid() else 65534))
""",
    )
    assert found["others"] == "EACCES."
    assert found["free"] == ""
    assert found["own"] == ("EACCES." if held.user or os.getuid() else ".")
    # Here root gives up all that it can do beyond others.
    assert held(LOOPBACK, taken + "say(own=bound(0))", mode="require")["own"] == "EACCES."


def test_who_lets_nobody_look_into_it_is_refused(held, judged, servers):
    """Nothing is allowed that could not be read. Root's supervisor looks all the same."""
    (allowed, denied), counts = servers
    found = held(
        {"network": {"allow_hosts": [f"127.0.0.1:{allowed}"]}},
        f"""
C.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
with socket.socket() as sock, socket.socket() as other, socket.socket() as server:
    say(allowed=connect_by_c(sock.fileno(), "127.0.0.1", {allowed}), denied=connect_by_c(other.fileno(), "127.0.0.1", {denied}),
        bound=call("bind", server.fileno(), address("0.0.0.0", 0), 16))
""",
    )
    assert found["allowed"] in ("", "EACCES", "EPERM")
    assert found["allowed"] == "" or held.user
    assert {found["denied"], found["bound"]} <= {"EACCES", "EPERM"}
    assert counts[1] == 0


# --- what it cannot be talked into ---


def test_an_address_that_is_swapped_meanwhile_reaches_nobody(isolated, judged, servers):
    """Another thread rewrites the address all the time; it is judged and used as one copy."""
    (allowed, _denied), counts = servers
    source = isolated.write(
        "swap.c",
        """
        #include <arpa/inet.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <unistd.h>
        static struct sockaddr_in address;
        static volatile int stop;
        static unsigned long here, there;
        static void *swap(void *unused) {
            while (!stop) {
                *(volatile unsigned *)&address.sin_addr = here;
                *(volatile unsigned *)&address.sin_addr = there;
            }
            return unused;
        }
        int main(int argc, char **argv) {
            pthread_t thread;
            int done = 0, reached = 0, rounds = atoi(argv[2]);
            address.sin_family = AF_INET;
            address.sin_port = htons(atoi(argv[1]));
            here = inet_addr("127.0.0.1");
            there = inet_addr("169.254.169.254");
            pthread_create(&thread, 0, swap, 0);
            for (; done < rounds; done++) {
                int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
                struct sockaddr_in peer;
                socklen_t length = sizeof peer;
                if (connect(s, (struct sockaddr *)&address, sizeof address) == 0 &&
                    getpeername(s, (struct sockaddr *)&peer, &length) == 0 && peer.sin_addr.s_addr == there)
                    reached++;
                getsockname(s, (struct sockaddr *)&peer, &length);
                if (length && peer.sin_port && peer.sin_addr.s_addr != here)
                    reached++; /* on its way to somewhere else */
                close(s);
            }
            stop = 1;
            pthread_join(thread, 0);
            printf("%d %d\\n", done, reached);
            return argc - 3;
        }
        """,
    )
    compiler = subprocess.run(["cc", "-O1", "-pthread", "-o", "swap", str(source)], cwd=isolated.folder, check=False)
    if compiler.returncode:
        pytest.skip("no C compiler")
    rounds = os.environ.get("HERMETIC_TEST_ROUNDS", "5000")
    options = ["--no-network", "--allow-localhost", "--kernel=require"]
    done = isolated.cli(*options, "--", "./swap", str(allowed), rounds)
    assert done.stdout.split() == [rounds, "0"], done.stderr
    assert counts[0] > 0


ROUTE = bytes([131, 7, 4, 127, 0, 0, 9, 0])  # loose source route, by one address
SEGMENTS = bytes([0, 2, 4, 0, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, "::9")


def test_packets_go_to_the_address_that_was_judged_by_no_other(held, judged):
    """A route that the program gives to its socket would send them to the first stop of it, whatever was judged; and by
    another interface another host may have that address.
    """
    found = held(
        LOOPBACK,
        f"""
four, six = socket.socket(), socket.socket(socket.AF_INET6)
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def options(sock, level, *names): return [error_of(lambda name=name: sock.setsockopt(level, name, {SEGMENTS!r})) for name in names]
def plain(): return [s.setsockopt(*option) for s in (four, six) for option in ((1, 2, 1), (1, 9, 1), (6, 1, 1))]
say(found=[
    error_of(lambda: four.setsockopt(0, 4, {ROUTE!r})),
    error_of(lambda: datagram.setsockopt(0, 4, {ROUTE!r})),
    *options(six, 41, 57, 5, 6),
    call("setsockopt", six.fileno(), 41 | 7 << 32, 57 | 9 << 32, {SEGMENTS!r}, 24),
], devices=[
    error_of(lambda: four.setsockopt(1, 25, b"lo\\0")),
    error_of(lambda: four.setsockopt(1, 62, 1)),
    error_of(lambda: four.setsockopt(1, 36, 1)),
    error_of(lambda: four.setsockopt(0, 50, 1 << 24)),
    error_of(lambda: six.setsockopt(41, 76, 1 << 24)),
], plain=len(plain()), six=error_of(lambda: six.setsockopt(41, 26, 1)), ttl=error_of(lambda: four.setsockopt(0, 2, 9)))
""",
    )
    assert found == {"found": ["EPERM"] * 6, "devices": ["EPERM"] * 5, "plain": 6, "six": "", "ttl": ""}


def test_no_group_is_joined_by_a_socket_of_tcp(held, judged):
    """The system tells the network of the group and of its source, which are the program's to choose."""
    found = held(
        NOTHING,
        """
group, here, source = socket.inet_aton("239.1.2.3"), socket.inet_aton("127.0.0.1"), socket.inet_aton("192.0.2.1")
named = struct.pack("=IIHH4s120x", 1, 0, 2, 0, group)
named6 = struct.pack("=IIHHI16s104x", 1, 0, 10, 0, 0, socket.inet_pton(10, "ff02::7"))
four, six = socket.socket(), socket.socket(socket.AF_INET6)
def joins(sock, level, option, value): return error_of(lambda: sock.setsockopt(level, option, value))
say(found=[
    joins(four, 0, 35, group + here), joins(four, 0, 39, group + here + source), joins(four, 0, 42, named),
    joins(four, 0, 46, named + named[8:]), joins(six, 41, 20, named6[16:32] + bytes([1, 0, 0, 0])),
    joins(six, 41, 42, named6), joins(six, 41, 46, named6 + named6[8:]), joins(six, 0, 42, named),
], known=[line for line in open("/proc/net/igmp") if "030201EF" in line])
""",
    )
    assert found == {"found": ["EPERM"] * 8, "known": []}


def test_a_socket_that_is_swapped_meanwhile_is_the_one_that_was_judged(held, judged, servers):
    (port, _), counts = servers
    found = held(
        NOTHING,
        f"""
import threading
a, b = socket.socketpair(); s = socket.socket(); slot = os.dup(a.fileno()); stop = []
def swap():
    while not stop:
        os.dup2(s.fileno(), slot); os.dup2(a.fileno(), slot)
thread = threading.Thread(target=swap); thread.start()
results = {{connect_by_c(slot, "127.0.0.1", {port}) for _ in range(500)}}
stop.append(1); thread.join()
say(results=sorted(results))
""",
    )
    assert "" not in found["results"]
    assert counts == [0, 0]


KILL = """
import os, socket, sys, time
for name in os.listdir("/proc"):
    try:
        words = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
        # Not who waits, where somebody does.
        if name.isdigit() and int(name) not in (os.getpid(), WAITING) and open(f"/proc/{name}/cmdline").read() == open("/proc/self/cmdline").read():
            print(name, flush=True)
    except OSError:
        pass
sys.stdin.readline()
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
    print(type(error).__name__, error.errno, flush=True)
"""


def looking(supervised):
    """The code that finds the supervisor."""
    waiting = 'int(open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()[1])'
    return KILL.replace("WAITING", waiting if supervised == "above" else "0")


def test_its_death_fails_closed(isolated, judged, servers, supervised):
    (port, _), counts = servers
    isolated.write("target.py", looking(supervised))
    options = ["--no-network", "--allow-localhost"]
    process = isolated.start("-m", "hermetic", *options, "--", "./target.py", str(port), stdin=subprocess.PIPE)
    number = int(process.stdout.readline())
    os.kill(number, signal.SIGKILL)
    time.sleep(0.2)
    said, _ = process.communicate("\n", timeout=60)
    assert said.strip() == "OSError 38", said
    assert counts == [0, 0]


IN_THE_MIDDLE = """
import threading
full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
named = socket.socket(socket.AF_UNIX); named.bind("\\0hermetic-test-%d" % os.getpid()); named.listen(0)
results = []
def ask(act):
    try:
        while True: act()
    except OSError as error:
        results.append([type(error).__name__, error.errno])
kept = []
def made(*words): kept.append(socket.socket(*words)); return kept[-1]
def bound():
    with socket.socket() as sock: sock.bind(("127.0.0.1", 0)); sock.listen()
def asked():
    try: socket.getaddrinfo("nobody.example.com", 80)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN: raise
acts = [lambda: made().connect(full.getsockname()), lambda: made(socket.AF_UNIX).connect(named.getsockname()), bound, asked]
threads = [threading.Thread(target=ask, args=(act,), daemon=True) for act in acts]
for thread in threads: thread.start()
import time; time.sleep(0.3)
"""


def test_its_death_in_the_middle_of_an_answer_fails_closed(isolated, judged, supervised):
    """Whoever waits for an answer gets an error, and asks nobody any more."""
    code = looking(supervised).partition("sys.stdin")[0] + IN_THE_MIDDLE + "print('asking', flush=True)\n"
    code += "for thread in threads: thread.join(10)\nprint(sorted(results), flush=True); os._exit(0)\n"
    isolated.write("target.py", code)
    process = started(isolated)
    number = int(process.stdout.readline())
    assert process.stdout.readline() == "asking\n"
    os.kill(number, signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    assert said.strip() == "[['OSError', 38], ['OSError', 38], ['OSError', 38], ['gaierror', -3]]"


def test_limits_that_the_program_sets_for_it_fail_closed(isolated, judged, servers, supervised):
    """The kernel refuses to wait for more descriptors than a process may have: it went on asking for ever."""
    (port, _), _counts = servers
    code = looking(supervised).replace("print(name, flush=True)", "other = int(name); print(name, flush=True)")
    code = code.partition("sys.stdin")[0]
    code += f"""
import resource, time
kept = socket.socket()
resource.prlimit(other, resource.RLIMIT_NOFILE, (0, 0))
for _ in range(2):
    try: kept.connect(("127.0.0.1", {port})); time.sleep(0.1)
    except OSError as error: print(type(error).__name__, flush=True)
time.sleep(0.1)
"""
    isolated.write("target.py", code)
    process = started(isolated)
    said, _ = process.communicate(timeout=30)
    number, *errors = said.split()
    end = time.monotonic() + 5
    while os.path.exists(f"/proc/{number}") and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{number}")
    # Where sockets are kept there is one for the first call.
    assert errors and set(errors) == {"OSError"}, said


def test_who_ends_in_the_middle_of_an_answer_holds_up_no_other(isolated, judged, servers, supervised):
    (port, _), _counts = servers
    code = f"""
import os, signal, socket, sys
child = os.fork()
if not child:
    {IN_THE_MIDDLE.strip().replace(chr(10), chr(10) + "    ")}
    time.sleep(60); os._exit(1)
import time; time.sleep(1)
os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
start = time.monotonic()
socket.create_connection(("127.0.0.1", {port}), 20).close()
print(time.monotonic() - start < 2, flush=True)
"""
    isolated.write("target.py", code)
    process = started(isolated)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "True\n")


def started(isolated):
    """A judged target; its command line is no other's, by which ``looking`` finds who judges it."""
    options = ["--no-network", "--allow-localhost", "--allow-domain", "example.com"]
    return isolated.start("-m", "hermetic", *options, "--", "./target.py", str(isolated.folder))


def test_the_program_cannot_end_it_or_look_into_it(isolated, judged, servers, supervised):
    code = looking(supervised).replace("print(name, flush=True)", "other = int(name)").partition("sys.stdin")[0]
    code += """
import ctypes
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return error.errno
print([attempt(lambda: os.kill(other, 9)), attempt(lambda: open(f"/proc/{other}/mem", "rb").read(1)), attempt(lambda: open(f"/proc/{other}/environ").read()), attempt(lambda: os.readlink(f"/proc/{other}/fd/0"))])
"""
    done = isolated.script("--no-network", code)
    assert done.stdout == "[1, 13, 13, 13]\n", done.stdout + done.stderr


# --- what it is made of ---


def test_what_the_program_writes_is_no_part_of_it(isolated, judged, supervised):
    """It looked for modules of the standard library where the program's own lie, at the first question for a name."""
    done = isolated.script(
        "",
        """
        import ctypes, os, sys
        import hermetic
        sys.path.insert(0, os.getcwd())
        hermetic.lock(block_network=True, allow_domains=["example.com"])
        for name in ("stringprep", "unicodedata", "diagnosis", "select"):
            with open(name + ".py", "w") as file:
                file.write("import os; os.mkdir('/proc/%d/cwd/loaded')" % os.getpid())
        libc = ctypes.CDLL(None)
        found = ctypes.c_void_p()
        libc.getaddrinfo(b"nobody.example.com", None, None, ctypes.byref(found))
        print(os.path.exists("loaded"))
        """,
    )
    assert (done.code, done.stdout) == (0, "False\n"), done.stderr
