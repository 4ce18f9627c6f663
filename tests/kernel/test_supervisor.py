"""The process that judges the network: what it lets through, what it cannot be talked into, and that nobody notices it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

LOOPBACK = {"network": {"allow_localhost": True}}
NOTHING = {"network": {}}


@pytest.fixture(autouse=True, params=["", "made", "above"], ids=["as it is", "in a container", "above"])
def supervised(request, isolated, monkeypatch):
    """Everything here holds wherever it stands: where it gets the program's sockets, where it makes them, and where it
    must be above the program to look into it.
    """
    plain = isolated.environment
    monkeypatch.setattr(
        isolated,
        "environment",
        lambda changes=None, bare=False: plain(
            {"HERMETIC_TEST_SUPERVISOR": request.param or None, **(changes or {})}, bare
        ),
    )
    return request.param


@pytest.fixture
def servers():
    """Two TCP ports of this test, and how often each was reached."""
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
    counts = [0, 0]

    def accept(which):
        while True:
            try:
                listeners[which].accept()[0].close()
            except OSError:
                return
            counts[which] += 1

    for which in range(2):
        threading.Thread(target=accept, args=(which,), daemon=True).start()
    yield [listener.getsockname()[1] for listener in listeners], counts
    for listener in listeners:
        listener.close()


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
    assert found["stream"] == "EAFNOSUPPORT"


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
    chosen=call("bind", listening.fileno(), netlink(0, 0), 12))
""",
    )
    assert found["names"] == [name for _, name in socket.if_nameindex()]
    assert (found["groups"], found["number"], found["other"]) == ("EACCES",) * 3
    assert found["short"]
    assert found["on_tcp"] == "EAFNOSUPPORT"
    assert found["chosen"] == ""


def test_who_cannot_have_another_thread_answers_by_those_it_has(monkeypatch):
    """The program may use up what its user may have of processes; nobody waits for ever."""
    from _hermetic.enforce.kernel.linux import judge

    def refused(*arguments):
        raise RuntimeError("can't start new thread")

    asked = judge.Judge.__new__(judge.Judge)
    asked.lock, asked.spare = threading.Lock(), 1
    monkeypatch.setattr(judge, "start_new_thread", refused)
    asked.take()
    assert asked.spare == 0


@pytest.mark.parametrize(
    "error", [socket.gaierror(-9, "another family"), OSError("no number"), ValueError(), RuntimeError()], ids=repr
)
def test_whatever_goes_wrong_is_answered(error):
    from _hermetic.enforce.kernel.linux import judge

    def fails(*arguments):
        raise error

    said = []
    asked = judge.Judge.__new__(judge.Judge)
    asked.answers = {42: fails}
    asked.send = lambda name, number, flags: said.append((number, flags))
    asked.answer(bytes(16) + (42).to_bytes(4, "little") + bytes(60))
    assert said == [(13, 0)]


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
    """A route that the program gives to its socket would send them to the first stop of it, whatever was judged."""
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
], plain=len(plain()), six=error_of(lambda: six.setsockopt(41, 26, 1)), ttl=error_of(lambda: four.setsockopt(0, 2, 9)))
""",
    )
    assert found == {"found": ["EPERM"] * 6, "plain": 6, "six": "", "ttl": ""}


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
    process = subprocess.Popen(
        [sys.executable, "-m", "hermetic", *options, "--", "./target.py", str(port)],
        env=isolated.environment(),
        cwd=isolated.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    number = int(process.stdout.readline())
    os.kill(number, signal.SIGKILL)
    time.sleep(0.2)
    said, _ = process.communicate("\n", timeout=60)
    assert said.strip() == "OSError 38", said
    assert counts == [0, 0]


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


# --- nobody notices it ---


def test_the_process_that_was_started_is_the_programs(isolated, judged, supervised):
    if supervised == "above":
        pytest.skip("there it waits: tests/kernel/test_above.py")
    isolated.write("target.py", "import os; print(os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0))")
    process = isolated.start("-m", "hermetic", "--no-network", "--", "./target.py")
    said = [int(word) for word in process.communicate(timeout=60)[0].split()]
    assert said == [process.pid, os.getpid(), os.getpgrp(), os.getsid(0)]


def test_nobody_waits_for_it(isolated, judged):
    code = """
    import os, sys
    try:
        os.wait()
    except ChildProcessError:
        print("none")
    """
    assert isolated.script("--no-network", code).stdout == "none\n"


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGUSR1], ids=lambda n: n.name
)
def test_signals_end_the_program_as_they_would(isolated, judged, number):
    isolated.write("target.py", "import time; print('ready', flush=True); time.sleep(60)")
    process = isolated.start("-m", "hermetic", "--no-network", "--", "./target.py")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == -number


def test_who_ignores_its_children_is_no_hindrance(isolated, judged):
    isolated.write("target.py", "print('ran')")
    for words in (["--no-network", "--", "./target.py"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "hermetic", *words],
            env=isolated.environment(),
            cwd=isolated.folder,
            capture_output=True,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_to_the_group_is_heard_once(isolated, judged):
    code = "import signal, time\nheard = []\nsignal.signal(signal.SIGINT, lambda *a: heard.append(1))\nprint('ready', flush=True)\ntime.sleep(1)\nprint(len(heard))"
    isolated.write("target.py", code)
    process = subprocess.Popen(
        [sys.executable, "-m", "hermetic", "--no-network", "--", "./target.py"],
        env=isolated.environment(),
        cwd=isolated.folder,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "1\n"


def test_it_ends_with_the_program_and_keeps_no_pipe_open(isolated, judged):
    began = time.monotonic()
    code = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1)'])"
    assert isolated.script("--no-network", "print('x')").stdout == "x\n"
    assert isolated.script("--no-network", code).code == 0
    time.sleep(2)
    assert time.monotonic() - began < 60
    words = [str(isolated.folder / "target.py"), "./target.py"]
    left = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == str(isolated.folder):
                left.append(name)
        except OSError:
            continue
    assert not left, words


def test_it_takes_little_memory(isolated, judged, supervised):
    isolated.write("target.py", "import time; print('ready', flush=True); time.sleep(60)")
    process = isolated.start("-m", "hermetic", "--no-network", "--allow-domain", "example.com", "--", "./target.py")
    assert process.stdout.readline() == "ready\n"
    mine = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(name) != process.pid and Path(f"/proc/{name}/cmdline").read_bytes() == mine:
                lines = Path(f"/proc/{name}/smaps_rollup").read_text().splitlines()
                found.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private")))
        except PermissionError:
            pytest.skip("nobody but root can look")
        except OSError:
            continue
    process.kill()
    process.communicate()
    assert len(found) == (2 if supervised == "above" else 1)
    assert max(found) < 8192, found


def test_a_run_inside_of_a_run_has_its_guards(isolated, judged):
    """Nobody can listen there; what it takes to find that out is no blocked act of the outer run."""
    isolated.write("inner.py", "import os; print('ran')\nopen('x', 'w')")
    code = """
    import subprocess, sys
    words = [sys.executable, "-m", "hermetic", "--no-network", "--fs-readonly", "--", "./inner.py"]
    raise SystemExit(subprocess.run(words).returncode * 4)
    """
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (8, "ran\n"), done.stderr
    assert "socketpair" not in done.stderr


# --- names ---


def test_the_resolver_answers_for_allowed_names_alone(monkeypatch):
    from _hermetic.capabilities import network
    from _hermetic.enforce.kernel.linux import names

    asked = []

    def look_up(host, port, family):
        asked.append(host)
        if host == "none.example.com":
            raise socket.gaierror(-2, "unknown")
        if host == "local.example.com":
            return [(family, 1, 6, "", ("127.0.0.1", 0))]
        return [(family, 1, 6, "", ("192.0.2.7", 0) if family == socket.AF_INET else ("2001:db8::7", 0, 0, 0))]

    monkeypatch.setattr(names, "getaddrinfo", look_up)
    from _hermetic.capabilities.network.rules import LEARNT

    rules = network.prepare(network.make_rules(allow_domains=["example.com"]))
    resolver = names.Resolver.__new__(names.Resolver)
    resolver.begin(network, rules)

    def question(name, kind=1):
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        return b"\x12\x34\x01\x00\x00\x01" + bytes(6) + labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1"

    def answer(name, kind=1):
        found = resolver.reply(question(name, kind))
        assert found[:2] == b"\x12\x34"
        return found[3] & 15, int.from_bytes(found[6:8], "big"), found

    assert answer("api.example.com")[:2] == (0, 1)
    assert answer("api.example.com")[2].endswith(bytes([192, 0, 2, 7]))
    assert answer("API.Example.com.".rstrip("."), 28)[:2] == (0, 1)
    assert answer("example.com", 16)[:2] == (0, 0)
    assert answer("none.example.com")[:2] == (3, 0)
    before = list(asked)
    for name in ("secret.attacker.net", "example.com.attacker.net", "xexample.com", "metadata.google.internal"):
        assert answer(name)[:2] == (3, 0)
    assert asked == before  # no question left for these
    assert bytes([192, 0, 2, 7]) in rules[LEARNT]
    answer("local.example.com")
    assert bytes([127, 0, 0, 1]) not in rules[2]
    for broken in (
        b"",
        b"x",
        question("a.b")[:14],
        b"\x12\x34" + bytes(2) + b"\0\2" + bytes(20),
        question("a\x00b.example.com"),
    ):
        assert resolver.reply(broken)[:2] == broken[:2]
    assert asked[-1] == "local.example.com"


def test_addresses_are_forgotten_when_their_last_answer_is_old(monkeypatch):
    from _hermetic.capabilities import network
    from _hermetic.capabilities.network.rules import LEARNT
    from _hermetic.enforce.kernel.linux import judge, names

    now = [1000.0]
    zone = {"a.example.com": ["192.0.2.1", "192.0.2.2"], "b.example.com": ["192.0.2.2"]}
    monkeypatch.setattr(names, "monotonic", lambda: now[0])
    monkeypatch.setattr(judge, "tell", lambda refusal: None)  # nothing happens here that anybody should hear of
    monkeypatch.setattr(
        names, "getaddrinfo", lambda host, *_: [(socket.AF_INET, 1, 6, "", (text, 0)) for text in zone[host]]
    )
    monkeypatch.setattr(names, "names_in_hosts", lambda: ["static.example.com"])
    monkeypatch.setitem(zone, "static.example.com", ["192.0.2.3"])
    rules = network.prepare(network.make_rules(allow_domains=["example.com"]))
    resolver = names.Resolver.__new__(names.Resolver)
    resolver.begin(network, rules)
    resolver.learn_hosts()
    asker = judge.Judge.__new__(judge.Judge)
    asker.network, asker.rules, asker.resolver, asker.tested = network, rules, resolver, False

    def reachable():
        return [
            n
            for n in (1, 2, 3)
            if not asker.is_refused(network.CONNECT, (socket.AF_INET, f"192.0.2.{n}", 443, "connect"))
        ]

    assert reachable() == [3]
    resolver.look_up("a.example.com", 1)
    assert reachable() == [1, 2, 3]
    now[0] += names.KEPT - 1
    resolver.look_up("b.example.com", 1)
    assert reachable() == [1, 2, 3]
    now[0] += 1
    assert reachable() == [2, 3]  # b's answer is young
    now[0] += names.KEPT
    assert reachable() == [3]
    # A program that reconnects looks up again.
    resolver.look_up("a.example.com", 1)
    assert reachable() == [1, 2, 3]
    monkeypatch.setattr(names, "MOST", 10)
    for number in range(50):
        zone["many.example.com"] = [f"198.51.100.{number}"]
        resolver.look_up("many.example.com", 1)
    assert len(resolver.learnt) == 10 and len(rules[LEARNT]) == 11  # and the machine's own


def test_a_name_that_is_allowed_is_asked_by_the_supervisor(isolated, judged):
    """glibc's own resolver, in a program that knows nothing of it: no answer is better than one for another name."""
    code = """
import socket
for name in ("allowed.invalid", "denied.invalid"):
    try:
        socket.getaddrinfo(name, 80)
    except socket.gaierror as error:
        print(name, "unknown")
    except Exception as error:
        print(name, type(error).__name__)
"""
    done = isolated.script("--no-network --allow-domain allowed.invalid", code, timeout=90)
    assert done.stdout == "allowed.invalid unknown\ndenied.invalid PolicyViolation\n", done.stderr


# --- what it tells ---


NATIVE_CONNECT = """
import ctypes, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
s = socket.socket()
address = struct.pack("=H", 2) + struct.pack("!H", 80) + socket.inet_aton("192.0.2.1") + bytes(8)
print(libc.connect(s.fileno(), address, 16), ctypes.get_errno())
"""


def test_refusals_that_no_guard_sees_are_traced(isolated, judged):
    done = isolated.script("--no-network --trace", NATIVE_CONNECT)
    assert (done.code, done.stdout) == (0, "-1 13\n")
    assert done.errors == ["[hermetic] blocked connect host=192.0.2.1 reason=no-network"]
    assert isolated.script("--no-network --trace", "print('quiet')").stderr == ""


def test_under_strict_they_decide_the_status(isolated, judged):
    done = isolated.script("--no-network --strict", NATIVE_CONNECT)
    assert done.code == 2
    assert "hermetic: blocked action: network disabled: connect(192.0.2.1)" in done.stderr
    assert isolated.script("--no-network --strict", "print('quiet')").code == 0


def test_a_program_that_dies_of_the_kernel_is_told_where_to_look(isolated, judged):
    done = isolated.script("--fs-readonly", "import ctypes, os\nraise OSError(13, 'by native code')")
    assert done.code == 1
    assert done.errors[-2:] == [
        "hermetic: the kernel layer was on and may have refused this, which no guard saw",
        "  what it holds: hermetic doctor; a run without it: --kernel=off",
    ]
    for options in ("--fs-readonly --kernel=off", "--no-environment"):
        assert "kernel layer" not in isolated.script(options, "raise OSError(13, 'x')").stderr
    assert "kernel layer" not in isolated.script("--fs-readonly", "raise OSError(2, 'x')").stderr
