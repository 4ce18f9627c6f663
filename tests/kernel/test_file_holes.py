"""Ways to change and read files around the kernel layer; each is closed, as root and as an ordinary user."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import sys
import threading

import pytest

from _hermetic.enforce.kernel.linux import tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

READONLY = {"filesystem": {}}
NUMBERS = {row[0]: row[1 + (platform.machine() == "aarch64")] for row in (*tables.QUEUES, *tables.OBJECTS)}


def test_files_are_not_changed_by_any_call(held, landlock):
    (held.isolated.folder / "old").write_text("old")
    (held.isolated.folder / "old").chmod(0o666)
    found = held(
        READONLY,
        """
say(states=states, found={
    "open": error_of(lambda: open("new", "w")),
    "append": error_of(lambda: open("old", "a")),
    "read and write": error_of(lambda: open("old", "r+")),
    "truncate": error_of(lambda: os.truncate("old", 0)),
    "cut while opening": error_of(lambda: os.open("old", os.O_RDONLY | os.O_TRUNC)),
    "nameless": error_of(lambda: os.open(".", os.O_TMPFILE | os.O_RDWR)),
    "mkdir": error_of(lambda: os.mkdir("folder")),
    "unlink": error_of(lambda: os.unlink("old")),
    "rename": error_of(lambda: os.rename("old", "new")),
    "link": error_of(lambda: os.link("old", "new")),
    "symlink": error_of(lambda: os.symlink("old", "new")),
    "fifo": error_of(lambda: os.mkfifo("new")),
    "unix socket": error_of(lambda: socket.socket(socket.AF_UNIX).bind("new")),
    "own name": error_of(lambda: open("/proc/self/comm", "w")),
    "memory": error_of(lambda: open("/proc/self/mem", "r+b")),
    "descriptor again": error_of(lambda: open("/proc/self/fd/%d" % os.open("old", os.O_RDONLY), "w")),
})
""",
    )
    assert found["states"] == {"file writes": "enforced and verified"}
    assert set(found["found"].values()) == {"EACCES"}, found
    assert (held.isolated.folder / "old").read_text() == "old"


def test_modes_owners_times_and_attributes_do_not_change(held):
    old = held.isolated.folder / "old"
    old.write_text("old")
    if held.user:
        os.chown(old, held.user, held.user)
    before = old.stat()
    found = held(
        READONLY,
        """
import fcntl
descriptor = os.open("old", os.O_RDONLY)
say(
    chmod=error_of(lambda: os.chmod("old", 0o600)),
    fchmod=error_of(lambda: os.fchmod(descriptor, 0o600)),
    chown=error_of(lambda: os.chown("old", os.getuid(), -1)),
    utime=error_of(lambda: os.utime("old", (1, 1))),
    futime=error_of(lambda: os.utime(descriptor, (1, 1))),
    setxattr=error_of(lambda: os.setxattr("old", "user.x", b"1")),
    flags=error_of(lambda: fcntl.ioctl(descriptor, 0x40086602, bytes(8))),
    newer=call("fchmodat2", -100, b"old", 0o600, 0),
)
""",
    )
    assert set(found.values()) == {"EPERM"}, found
    after = old.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_uid) == (before.st_mode, before.st_mtime_ns, before.st_uid)


# Of file systems, by a descriptor that is open for reading: (request, bytes).
REQUESTS = {
    "version": (0x40087602, 8),
    "version of ext4": (0x40086604, 8),
    "verity": (0x40806685, 128),
    "encryption": (0x800C6613, 12),
    "subvolume": (0x5000940E, 4096),
    "snapshot": (0x50009401, 4096),
    "snapshot, newer": (0x50009417, 4096),
    "subvolume, newer": (0x50009418, 4096),
    "without a subvolume": (0x5000940F, 4096),
    "without a subvolume, newer": (0x5000943F, 4096),
    "flags of a subvolume": (0x4008941A, 8),
    "attributes of FAT": (0x40047211, 4),
    "place on a flash disk": (0x4004F50D, 4),
}


@pytest.mark.parametrize("folders", [[], ["in"]], ids=["none", "listed"])
def test_files_are_not_changed_by_what_file_systems_offer_beside_calls(held, landlock, folders):
    """No right of Landlock's is about these, and they ask for no descriptor that may write."""
    (held.isolated.folder / "old").write_text("old")
    if held.user:
        os.chown(held.isolated.folder / "old", held.user, held.user)
    (held.isolated.folder / "in").mkdir()
    writable = [str(held.isolated.folder.resolve() / name) for name in folders]
    found = held(
        {"filesystem": {"allow_write": writable}, "network": {}},
        f"""
import fcntl
file, folder = os.open("old", os.O_RDONLY), os.open(".", os.O_RDONLY)
def by(descriptor, request, length): return error_of(lambda: fcntl.ioctl(descriptor, request, bytearray(length)))
say(found={{name: [by(file, *request), by(folder, *request)] for name, request in {REQUESTS!r}.items()}},
    reads=fcntl.ioctl(file, 0x541B, bytes(4))[0])
""",
    )
    assert found["found"] == {name: ["EPERM", "EPERM"] for name in REQUESTS}
    assert found["reads"] == 3  # how much there is to read


@pytest.mark.parametrize("abi", ["0", "1", "2"])
def test_kernels_that_do_not_know_truncation_refuse_it_by_the_filter(held, landlock, abi):
    (held.isolated.folder / "old").write_text("old")
    (held.isolated.folder / "old").chmod(0o666)
    found = held(
        READONLY,
        """
say(states=states, found=[
    error_of(lambda: os.truncate("old", 0)),
    error_of(lambda: os.open("old", os.O_RDONLY | os.O_TRUNC)),
    error_of(lambda: open("old", "a")),
    error_of(lambda: os.unlink("old")),
], reads=open("old").read())
""",
        mode="require",
        env={"HERMETIC_TEST_ABI": abi},
    )
    assert found["found"] == ["EACCES"] * 4
    assert found["reads"] == "old"
    assert found["states"] == {"file writes": "enforced and verified"}


def test_what_leads_nowhere_stays_open(held, landlock):
    with (held.isolated.folder / "out").open("w") as out:
        out.write("begun\n")
    found = held(
        READONLY,
        """
import tempfile, multiprocessing, socket, threading
os.write(os.open("/dev/null", os.O_WRONLY), b"x")
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
memory = os.memfd_create("x"); os.write(memory, b"x"); os.ftruncate(memory, 0)
open("/proc/self/fd/%d" % memory, "w").write("again")
multiprocessing.Lock().acquire()
thread = threading.Thread(target=print); thread.start(); thread.join()
say(subprocess=os.system("true"))
""",
    )
    assert found == {"subprocess": 0}


def test_require_closes_shared_memory(held, landlock):
    name = "/dev/shm/hermetic-test-%d" % id(held)
    found = held(READONLY, f"say(found=error_of(lambda: open({name!r}, 'w')))", mode="require")
    assert found == {"found": "EACCES"}


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_message_queues_are_neither_made_nor_removed(held, landlock, mode):
    """They are files of a file system that is mounted nowhere, and Landlock sees them opened alone: the one that was
    refused was made all the same, and another program's could be removed.
    """
    name = b"hermetic-test-%d" % os.getpid()
    others = ctypes.CDLL(None, use_errno=True)
    made = others.syscall(NUMBERS["mq_open"], name, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o666, None)
    if made < 0:
        pytest.skip("no message queues in this kernel")
    os.close(made)
    try:
        found = held(
            READONLY,
            f"""
say(found=[
    call("mq_open", {name + b"-new"!r}, os.O_CREAT | os.O_RDWR, 0o600, None),
    call("mq_open", {name!r}, os.O_RDWR, 0, None),
    call("mq_unlink", {name!r}),
])
""",
            mode=mode,
        )
        assert found == {"found": ["EACCES"] * 3}
        assert others.syscall(NUMBERS["mq_unlink"], name + b"-new") < 0
    finally:
        assert others.syscall(NUMBERS["mq_unlink"], name) == 0


def test_require_closes_what_processes_share_by_number(held, landlock):
    """Other programs' shared memory is found by its number, and written: no file is opened."""
    others = ctypes.CDLL(None, use_errno=True)
    memory = others.syscall(NUMBERS["shmget"], 0, 4096, 0o666)
    if memory < 0:
        pytest.skip("no shared memory of System V in this kernel")
    code = f"""
say(found=[
    call("shmget", 0, 0, 0), call("shmat", {memory}, 0, 0), call("shmctl", -1, 0, 0),
    call("semget", 0, 0, 0), call("semop", -1, bytes(6), 1), call("semtimedop", -1, bytes(6), 1, None),
    call("semctl", -1, 0, 0), call("msgget", 1, 0), call("msgsnd", -1, bytes(16), 1, 0),
    call("msgrcv", -1, bytes(16), 1, 0, 0), call("msgctl", -1, 0, 0),
])
"""
    try:
        assert held(READONLY, code, mode="require") == {"found": ["EACCES"] * 11}
        assert held(READONLY, f"say(found=call('shmat', {memory}, 0, 0))") == {"found": ""}
    finally:
        assert others.syscall(NUMBERS["shmctl"], memory, 0, None) == 0


def test_output_can_be_opened_again(isolated, landlock):
    with (isolated.folder / "out").open("w") as out:
        import subprocess

        code = "open('/dev/stdout', 'a').write('again')"
        words = [sys.executable, "-m", "hermetic", "--fs-readonly", "--", sys.executable, "-c", code]
        assert subprocess.run(words, stdout=out, env=isolated.environment(), cwd=isolated.folder).returncode == 0
    assert (isolated.folder / "out").read_text() == "again"


def test_what_another_process_hands_over_is_what_it_was_there(held, landlock):
    """Rules are asked when a file is opened, and that was elsewhere: the threat model says so."""
    place = held.isolated.folder / "there"
    with socket.socket(socket.AF_UNIX) as server, place.open("w+b") as file:
        server.bind(str(held.isolated.folder / "socket"))
        server.listen()
        (held.isolated.folder / "socket").chmod(0o777)

        def hand_over():
            other, _ = server.accept()
            with other:
                socket.send_fds(other, [b"x"], [file.fileno()])
                other.recv(1)

        thread = threading.Thread(target=hand_over, daemon=True)
        thread.start()
        found = held(
            READONLY,
            """
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect("socket")
    _, (given, *_), *_ = socket.recv_fds(sock, 1, 1)
    say(written=os.write(given, b"by it"), again=error_of(lambda: os.open(f"/proc/self/fd/{given}", os.O_RDWR)))
""",
        )
        thread.join(30)
    assert found == {"written": 5, "again": "EACCES"}


def test_reads_stay_below_the_root(held, landlock):
    inside, outside = held.isolated.folder / "inside", held.isolated.folder / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "a").write_text("in")
    (outside / "b").write_text("secret")
    (inside / "link").symlink_to("../outside/b")
    found = held(
        {"filesystem": {"root": str(inside)}},
        """
say(states=states, found=[
    error_of(lambda: open("inside/a").read()),
    error_of(lambda: open("outside/b")),
    error_of(lambda: open("inside/link")),
    error_of(lambda: os.open("inside/../outside/b", os.O_RDONLY)),
    error_of(lambda: os.listdir("outside")),
    error_of(lambda: os.listdir("/")),
])
""",
    )
    assert found["found"] == ["", *["EACCES"] * 5]
    assert found["states"]["file reads"] == "enforced and verified"


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_what_lies_beside_the_contents_of_files_stays_below_the_root_too(held, landlock, mode):
    """Landlock sees files opened: attributes are read, and folders watched, by their paths."""
    inside, outside = held.isolated.folder / "inside", held.isolated.folder / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "file").write_text("")
        (folder / "file").chmod(0o644)
        try:
            os.setxattr(folder / "file", "user.key", b"secret")
        except OSError as error:
            pytest.skip(f"no attributes here ({error.strerror})")
    found = held(
        {"filesystem": {"root": str(inside)}},
        """
handle = os.open("outside/file", os.O_PATH)
room = ctypes.create_string_buffer(64)
watch = C.inotify_init1(0)
with open("inside/file") as file:
    say(read=[
        error_of(lambda: os.getxattr("outside/file", "user.key")),
        error_of(lambda: os.getxattr("outside/file", "user.key", follow_symlinks=False)),
        error_of(lambda: os.getxattr(handle, "user.key")),
        error_of(lambda: os.getxattr(f"/proc/self/fd/{handle}", "user.key")),
        error_of(lambda: os.listxattr("outside/file")),
        error_of(lambda: os.listxattr("outside/file", follow_symlinks=False)),
        call("getxattrat", -100, b"outside/file", 0, b"user.key", room, 16),
        call("listxattrat", -100, b"outside/file", 0, room, 64),
    ], opened=os.getxattr(file.fileno(), "user.key").decode(), watched=call("inotify_add_watch", watch, b"outside", 0xFFF))
""",
        mode,
    )
    assert set(found["read"]) == {errno.errorcode[errno.EOPNOTSUPP], "EBADF"}
    assert found["opened"] == "secret"
    assert found["watched"] == ("EACCES" if mode == "require" else "")


def test_a_link_that_is_swapped_meanwhile_leads_nowhere_else(held, landlock):
    """Landlock judges the file that is opened, not its name."""
    inside = held.isolated.folder / "inside"
    inside.mkdir()
    (inside / "a").write_text("in")
    (held.isolated.folder / "secret").write_text("secret")
    (inside / "link").symlink_to("a")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for target in ("../secret", "a"):
                (inside / "new").symlink_to(target)
                (inside / "new").replace(inside / "link")

    thread = threading.Thread(target=swap)
    thread.start()
    rounds = int(os.environ.get("HERMETIC_TEST_ROUNDS", "3000"))
    try:
        found = held(
            {"filesystem": {"root": str(inside)}},
            f"""
read = refused = secret = 0
buffer = ctypes.create_string_buffer(16)
for tried in range({rounds} * 100):
    if tried >= {rounds} and read and refused:
        break
    descriptor = C.open(b"inside/link", os.O_RDONLY)
    if descriptor < 0:
        refused += 1
        continue
    C.read(descriptor, buffer, 16)
    C.close(descriptor)
    read += buffer.value.startswith(b"in")
    secret += buffer.value.startswith(b"secret")
say(read=read, refused=refused, secret=secret)
""",
        )
    finally:
        stop.set()
        thread.join()
    assert found["secret"] == 0
    assert found["read"] and found["refused"], "nothing was swapped meanwhile"


def test_a_forged_journal_removes_no_file_outside(isolated, landlock):
    """SQLite removes the journal that another one names, without an event: the guards do not see it."""
    code = """
    import os, sqlite3, struct
    name = os.path.abspath("victim").encode()
    with sqlite3.connect("w/x.db") as made:
        made.execute("create table t (a)")
    made.close()
    magic = bytes.fromhex("d9d505f920a163d7")
    begins = (magic + struct.pack(">5I", 0, 0, 1, 512, 1024)).ljust(512, bytes(1))
    sizes = struct.pack(">2I", len(name), sum(name))
    open("w/x.db-journal", "wb").write(begins + bytes(4) + name + sizes + magic)
    try:
        sqlite3.connect("w/x.db").execute("select * from t")
    except sqlite3.Error as error:
        print("failed")
    """
    (isolated.folder / "w").mkdir()
    (isolated.folder / "victim").write_text("here")
    done = isolated.script("--fs-readonly --allow-write w", code)
    assert done.stdout == "failed\n", done
    assert (isolated.folder / "victim").exists()
