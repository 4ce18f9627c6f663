"""Ways around the kernel layer that were found by trying, but for files; each is closed, as root and as an ordinary user."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

READONLY = {"filesystem": {}}
NO_NETWORK = {"network": {}}
NO_PROCESSES = {"subprocess": {}}


@pytest.fixture
def port():
    """A TCP port of this test, with somebody to count who came."""
    server = socket.create_server(("127.0.0.1", 0))
    came = []

    def accept():
        while True:
            try:
                came.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    server.close()
    assert not came


# --- processes ---


def test_no_process_starts_by_any_call(held):
    found = held(
        NO_PROCESSES,
        """
import threading
thread = threading.Thread(target=int); thread.start(); thread.join()
memory = os.memfd_create("x"); os.write(memory, open("/bin/true", "rb").read())
say(states=states, found={
    "fork": error_of(os.fork),
    "spawn": error_of(lambda: os.posix_spawn("/bin/true", ["true"], {})),
    "exec": error_of(lambda: os.execv("/bin/true", ["true"])),
    "memory": error_of(lambda: os.execve(memory, ["true"], {})),
    "clone": call("clone", 17, 0, 0, 0, 0),
    "clone3": call("clone3", bytes(88), 88),
    "execveat": call("execveat", -100, b"/bin/true", 0, 0, 0),
})
""",
    )
    clone3 = found["found"].pop("clone3")
    assert clone3 == "ENOSYS"
    assert set(found["found"].values()) == {"EPERM"}, found


def test_others_are_not_signalled(held, landlock):
    found = held(
        NO_PROCESSES,
        """
import resource, signal
heard = []
signal.signal(signal.SIGUSR1, lambda *a: heard.append(1))
os.kill(os.getpid(), signal.SIGUSR1)
say(found=[
    error_of(lambda: os.kill(os.getppid(), 0)),
    error_of(lambda: os.kill(os.getppid(), signal.SIGUSR1)),
    error_of(lambda: os.kill(-1, signal.SIGUSR1)),
    error_of(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))),
    error_of(lambda: resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))),
    error_of(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))),
], heard=len(heard))
""",
    )
    assert found["found"][1] == "EPERM"
    assert found["found"][3:] == ["EPERM", "", ""]
    assert found["heard"] in (1, 2)  # -1 reaches oneself only


@pytest.mark.parametrize("abi", ["2", "3", "7"])
@pytest.mark.parametrize("families", [NO_NETWORK, NO_PROCESSES], ids=["network", "processes"])
def test_other_processes_of_the_user_are_not_looked_into(held, landlock, families, abi):
    """Whoever writes another process's memory acts as that process."""
    before = f"""
import ctypes, os
ready, stay = os.pipe(), os.pipe()
other = os.fork()
if other == 0:
    if {held.user}:
        os.setgroups([]); os.setgid({held.user}); os.setuid({held.user}); ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    os.write(ready[1], b"x"); os.close(stay[1]); os.read(stay[0], 1); os._exit(0)
os.read(ready[0], 1)
"""
    found = held(
        families,
        """
memory = f"/proc/{other}/mem"
say(found=[error_of(lambda: os.open(memory, how)) for how in (os.O_RDONLY, os.O_RDWR)], own=error_of(lambda: os.open("/proc/self/mem", os.O_RDWR)))
# Files move from folder to folder as before.
folder = tempfile.mkdtemp(); os.mkdir(folder + "/a"); os.mkdir(folder + "/b")
open(folder + "/a/x", "w").close(); os.rename(folder + "/a/x", folder + "/b/x"); os.link(folder + "/b/x", folder + "/a/y")
for name in ("b/x", "a/y"): os.unlink(folder + "/" + name)
for name in ("/a", "/b", ""): os.rmdir(folder + name)
""",
        before=before,
        env={"HERMETIC_TEST_ABI": abi},
    )
    assert found == {"found": ["EACCES", "EACCES"], "own": ""}


# --- the network ---


def test_require_leaves_no_socket_where_nobody_judges(held, port):
    found = held(
        NO_NETWORK,
        """
import asyncio, threading
async def nothing(): return 1
assert asyncio.run(nothing()) == 1
say(states=states, found=[
    error_of(lambda: socket.socket()),
    error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    error_of(lambda: socket.socket(socket.AF_UNIX)),
    error_of(lambda: socket.socket(16, 3)),
    error_of(lambda: socket.socket(40, 1)),
    error_of(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
    error_of(lambda: socket.socketpair()),
])
""",
        mode="require",
        env={"HERMETIC_TEST_SUPERVISOR": "off"},
    )
    assert found["states"] == {"network": "enforced and verified"}
    assert found["found"] == [*["EPERM"] * 6, ""]


def test_no_connection_is_made_by_any_call(held, judged, port):
    found = held(
        NO_NETWORK,
        f"""
s = socket.socket()
say(states=states, found={{
    "connect": connect_by_c(s.fileno(), "127.0.0.1", {port}),
    "fast open": error_of(lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", {port}))),
    "fast open message": error_of(lambda: socket.socket().sendmsg([b"x"], [], 0x20000000, ("127.0.0.1", {port}))),
    "mptcp": error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)),
    "raw": error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    "packet": error_of(lambda: socket.socket(17, socket.SOCK_RAW, 0)),
    "netlink": error_of(lambda: socket.socket(16, socket.SOCK_RAW, 0)),
    "vsock": error_of(lambda: socket.socket(40, socket.SOCK_STREAM, 0)),
    "alg": error_of(lambda: socket.socket(38, socket.SOCK_SEQPACKET, 0)),
    "datagram pair": error_of(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
    "unix datagram": error_of(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
    "udp": error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {port}))),
    "connected udp": error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", {port}))),
    "every interface": error_of(lambda: socket.socket().bind(("0.0.0.0", 0))),
    "listen unbound": error_of(lambda: socket.socket().listen()),
    "io_uring": call("io_uring_setup", 1, bytes(120)),
}})
""",
    )
    assert found["states"] == {"network": "enforced and verified"}
    assert all(found["found"].values()), found
    assert found["found"]["connect"] == "EACCES"
    assert found["found"]["mptcp"] == "EPROTONOSUPPORT"
    assert found["found"]["fast open"] in ("EOPNOTSUPP", "ENOTSUP")  # one number


def test_a_server_on_loopback_works(held, judged):
    found = held(
        NO_NETWORK,
        """
server = socket.create_server(("127.0.0.1", 0)); six = socket.socket(socket.AF_INET6); six.bind(("::1", 0)); six.listen()
say(port=server.getsockname()[1] > 0, six=six.getsockname()[1] > 0)
""",
    )
    assert found == {"port": True, "six": True}


# --- whatever is held ---


@pytest.mark.parametrize("families", [READONLY, NO_NETWORK, NO_PROCESSES], ids=["files", "network", "processes"])
def test_ways_around_come_with_none_of_it(held, families):
    found = held(
        families,
        """
import fcntl
master, terminal = (os.openpty() if hasattr(os, "openpty") else (0, 0))
say(found={
    "bpf": call("bpf", 0, 0, 0),
    "ptrace": call("ptrace", 16, os.getppid(), 0, 0),
    "io_uring": call("io_uring_setup", 1, bytes(120)),
    "keyctl": call("keyctl", 0, -3, 0),
    "userfaultfd": call("userfaultfd", 0),
    "perf": call("perf_event_open", bytes(120), 0, -1, -1, 0),
    "other memory": call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0),
    "other descriptors": call("pidfd_getfd", 0, 0, 0),
    "mount": call("mount", b"none", b"/mnt", b"tmpfs", 0, 0),
    "namespaces": call("unshare", 0x10000000),
    "namespace of another": call("setns", 0, 0),
    "namespaces by clone": call("clone", 17 | 0x10000000, 0, 0, 0, 0),
    "root": call("chroot", b"/"),
    "handle": call("open_by_handle_at", -100, bytes(32), 0),
    "typing": error_of(lambda: fcntl.ioctl(terminal, 0x5412, b"x")),
    "personality": call("personality", 0x0040000),
    "a listener": call("seccomp", 1, 8, bytes(16)),
    "memory map": call("prctl", 35, 0, 0, 0, 0),
})
""",
    )
    expected = dict.fromkeys(found["found"], "EPERM")
    expected["io_uring"] = "ENOSYS"
    assert found["found"] == expected


def test_other_processes_stay_private(held, landlock):
    found = held(
        READONLY,
        """
say(found=[error_of(lambda: open(f"/proc/{os.getppid()}/{name}", "rb").read(1)) for name in ("environ", "mem", "maps")])
""",
    )
    assert "" not in found["found"]


def test_root_gives_up_what_gets_around_the_rules(held):
    if held.user:
        pytest.skip("for root")
    for mode, expected in (("auto", False), ("require", True)):
        found = held(
            READONLY,
            """
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
say(effective=int(lines["CapEff"], 16), again=os.popen("grep CapEff /proc/self/status").read().split()[1])
""",
            mode=mode,
        )
        dropped = sum(1 << n for n in (2, 12, 13, 16, 17, 19, 21, 22, 27, 38, 39))
        assert found["effective"] & dropped == 0
        assert int(found["again"], 16) & ~found["effective"] == 0  # a program of root's gets none back
        assert (found["effective"] == 0) is expected


def test_a_filter_that_one_thread_has_of_its_own_is_a_failure(isolated, support):
    """TSYNC answers with the number of that thread, and puts nothing on."""
    done = isolated.passes("""
        import ctypes, os, sys, threading
        from _hermetic.enforce.kernel.linux import abi, filters
        from _hermetic.enforce.kernel.linux.bpf import assemble
        from _hermetic.enforce.kernel.linux.syscalls import Calls
        machine = abi.MACHINES[os.uname().machine]
        ready, done = threading.Event(), threading.Event()

        def other():
            calls = Calls()
            filters.gain_nothing(calls, machine)
            filters.install(calls, assemble({}, machine), machine, flags=0)
            ready.set()
            done.wait()

        threading.Thread(target=other).start()
        ready.wait()
        calls = Calls()
        filters.gain_nothing(calls, machine)
        try:
            filters.install(calls, assemble({abi.GETPPID[machine]: 0x50001}, machine), machine)
        except OSError as error:
            print(error)
        finally:
            done.set()
        assert os.getppid() > 0
    """)
    assert "has a filter of its own" in done.stdout


def test_programs_do_not_gain_privileges(held):
    found = held(READONLY, "say(found=[l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])")
    assert found == {"found": ["1"]}


def test_native_code_is_mapped_no_more(isolated, support):
    code = "import json, sqlite3, ssl, decimal, zoneinfo, mmap\nprint('stdlib works')\n"
    done = isolated.script("--kernel=require --block-native --no-subprocess", code)
    assert (done.code, done.stdout) == (0, "stdlib works\n"), done.stderr


def test_ctypes_cannot_be_found_after_it_was_used(isolated, support):
    """Its classes would call any address without an event."""
    code = """
    import gc, sys
    assert "_ctypes" not in sys.modules
    seen, todo = [], [object, type]
    while todo:
        kind = todo.pop()
        for child in type.__subclasses__(kind):
            if child not in seen:
                seen.append(child)
                todo.append(child)
    names = ("CFuncPtr", "_CFuncPtr", "PyCFuncPtr", "_SimpleCData", "Function", "c_void_p")
    kinds = [k for k in seen if "ctypes" in k.__module__ or k.__name__ in names]
    kinds = [k for k in kinds if not issubclass(k, Exception)]
    assert len(kinds) > 5
    found = [k for k in gc.get_objects() if type(k) is type(len) and getattr(k, "__module__", "") == "_ctypes"]
    works = []
    for kind in kinds:
        for arguments in ((), (4096,), ("x", (kind,), {"_type_": "P"})):
            try:
                works.append((kind.__name__, kind(*arguments)))
            except BaseException as error:
                pass
    for function in found:
        try:
            works.append((function.__name__, function(1)))
        except BaseException as error:
            pass
    print(works)
    """
    done = isolated.script("--block-native --no-subprocess", code)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_a_ctypes_that_was_there_before_stays_what_it_was(isolated, support):
    isolated.passes("""
        import ctypes, sys
        before = sys.modules["_ctypes"]
        import hermetic
        hermetic.lock(fs_readonly=True)
        assert sys.modules["_ctypes"] is before
        assert ctypes.CDLL(None).getpid() > 0
    """)


def test_ctypes_works_where_nobody_blocks_it(isolated, support):
    code = "import ctypes, os; assert ctypes.CDLL(None).getpid() == os.getpid(); print('works')"
    assert isolated.script("--no-network", code).stdout == "works\n"
