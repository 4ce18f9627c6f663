"""Modes, owners, times and attributes where some folder may be written: changed there, and nowhere else."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")


@pytest.fixture(params=["", "made"])
def folders(request, held, judged):
    """A folder that may be written and one that may not, of the user that the test is about; and the environment."""
    for name in ("in", "out"):
        (held.isolated.folder / name).mkdir()
        (held.isolated.folder / name / "file").write_text("text")
        if held.user:
            os.chown(held.isolated.folder / name, held.user, held.user)
            os.chown(held.isolated.folder / name / "file", held.user, held.user)
    inside = str((held.isolated.folder / "in").resolve())
    return {"filesystem": {"allow_write": [inside]}}, {"HERMETIC_TEST_SUPERVISOR": request.param or None}


ACTS = """
import ctypes, fcntl
LINK = 0x100
def times(): return (ctypes.c_long * 4)(1, 0, 2, 0)
def acts(folder):
    path, file = folder + "/file", os.open(folder + "/file", os.O_RDONLY)
    raw = path.encode()
    where = os.open(folder, os.O_RDONLY)
    return {
        "chmod": error_of(lambda: os.chmod(path, 0o640)),
        "fchmod": error_of(lambda: os.fchmod(file, 0o644)),
        "fchmodat": error_of(lambda: os.chmod("file", 0o640, dir_fd=where)),
        "fchmodat2": call("fchmodat2", where, b"file", 0o644, 0),
        "chown": error_of(lambda: os.chown(path, os.getuid(), -1)),
        "fchown": error_of(lambda: os.fchown(file, os.getuid(), -1)),
        "lchown": error_of(lambda: os.lchown(path, os.getuid(), -1)),
        "fchownat": error_of(lambda: os.chown("file", os.getuid(), -1, dir_fd=where)),
        "utime": error_of(lambda: os.utime(path, (1, 1))),
        "now": error_of(lambda: os.utime(path)),
        "futimens": error_of(lambda: os.utime(file, (1, 1))),
        "utimensat": error_of(lambda: os.utime("file", (1, 2), dir_fd=where)),
        "lutimes": error_of(lambda: os.utime(path, (1, 1), follow_symlinks=False)),
        "setxattr": error_of(lambda: os.setxattr(path, "user.x", b"1")),
        "fsetxattr": error_of(lambda: os.setxattr(file, "user.x", b"2")),
        "removexattr": error_of(lambda: os.removexattr(path, "user.x")),
        "by a link": error_of(lambda: os.chmod("/proc/self/fd/%d" % file, 0o640)),
        "by a thread's link": error_of(lambda: os.chmod("/proc/thread-self/fd/%d" % file, 0o640)),
        "by another link": error_of(lambda: os.chmod("/dev/fd/%d" % file, 0o640)),
    }
"""


def test_they_change_below_the_folder_alone(held, folders):
    rules, env = folders
    before = (held.isolated.folder / "out" / "file").stat()
    found = held(
        rules,
        ACTS
        + """
inside, outside = acts("in"), acts("out")
say(states=states, inside=inside, outside=outside,
    mode=os.stat("in/file").st_mode & 0o777,
    moved=[os.utime("in/file", (7, 8)), os.stat("in/file").st_atime, os.stat("in/file").st_mtime][1:],
    value=[os.setxattr("in/file", "user.y", b"value"), os.getxattr("in/file", "user.y").decode()][1],
    newest=call("setxattrat", -100, b"in/file", 0, b"user.x", 0, 0),
    flags=error_of(lambda: fcntl.ioctl(os.open("in/file", os.O_RDONLY), 0x40086602, bytes(8))))
""",
        mode="require",
        env=env,
    )
    assert found["states"] == {"file writes": "enforced and verified"}
    assert set(found["inside"].values()) == {""}, found
    assert set(found["outside"].values()) == {"EPERM"}, found
    assert (found["mode"], found["moved"], found["value"]) == (0o640, [7, 8], "value")
    assert (found["newest"], found["flags"]) == ("ENOSYS", "EPERM")
    after = (held.isolated.folder / "out" / "file").stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_errors_are_the_systems_own(held, folders):
    rules, env = folders
    found = held(
        rules,
        """
say(found=[
    error_of(lambda: os.chmod("in/missing", 0o600)),
    error_of(lambda: os.chmod("", 0o600)),
    call("fchmod", 999, 0o600),
    call("chmod", 0, 0o600) if MACHINE == "x86_64" else "EFAULT",
    call("fchmodat", -100, 4096, 0o600),
    error_of(lambda: os.removexattr("in/file", "user.none")),
    call("fchmodat", -100, b"in/" + b"x" * 5000, 0o600),
    call("utimensat", -100, 0, 0, 0),
    call("fchownat", -100, b"", os.getuid(), -1, 0x1000),  # the working folder itself
    [os.chdir("in"), call("fchownat", -100, b"", os.getuid(), -1, 0x1000)][1],
])
""",
        mode="require",
        env=env,
    )
    assert found["found"] == [
        *("ENOENT", "ENOENT", "ENOENT", "EFAULT", "EFAULT", "ENODATA", "ENAMETOOLONG"),
        *("EFAULT", "EPERM", ""),
    ]


def test_no_name_leads_out(held, folders):
    """Links, dots, working folders and descriptors: what is opened is what is judged."""
    rules, env = folders
    found = held(
        rules,
        """
out = os.path.abspath("out")
os.symlink("../out/file", "in/link"); os.symlink(out, "in/folder"); os.symlink("/proc/self/cwd/out/file", "in/magic")
root = os.open("/", os.O_RDONLY)
os.chdir("in")
found = [error_of(lambda name=name: os.chmod(name, 0o600)) for name in
    ("link", "folder/file", "magic", "../out/file", "./../in/../out/file", "/proc/self/cwd/../out/file", "/proc/self/root" + out + "/file")]
found.append(error_of(lambda: os.chmod(out[1:] + "/file", 0o600, dir_fd=root)))
found.append(error_of(lambda: os.link("../out/file", "second")))
say(found=found, link=error_of(lambda: os.lchown("link", os.getuid(), -1)), same=os.stat("../out/file").st_mode & 0o777 != 0o600)
""",
        mode="require",
        env=env,
    )
    assert "" not in found["found"] and set(found["found"]) <= {"EPERM", "EXDEV", "EACCES"}, found
    assert (found["link"], found["same"]) == ("", True)


def test_a_link_that_is_swapped_meanwhile_leads_nowhere_else(held, folders):
    rules, env = folders
    found = held(
        rules,
        """
import threading
os.symlink("file", "in/inner"); os.symlink("../out/file", "in/outer"); os.symlink("file", "in/swapped")
os.chmod("in/file", 0o644)
stop = []
def swap():
    while not stop:
        for name in ("outer", "inner"):
            os.symlink(os.readlink("in/" + name), "in/new"); os.rename("in/new", "in/swapped")
thread = threading.Thread(target=swap); thread.start()
results = [error_of(lambda: os.chmod("in/swapped", 0o600)) for _ in range(1000)]
for _ in range(100_000):  # a thread may have to wait long for its turn
    if len(set(results)) > 1: break
    results.append(error_of(lambda: os.chmod("in/swapped", 0o600)))
stop.append(1); thread.join()
say(results=sorted(set(results)), outside=os.stat("out/file").st_mode & 0o777)
""",
        mode="require",
        env=env,
    )
    assert found["results"] == ["", "EPERM"]
    assert found["outside"] != 0o600


def test_what_is_done_for_a_program_is_done_with_its_rights(held, folders):
    """The process beside it may do more."""
    if held.user:
        pytest.skip("for root")
    rules, env = folders
    theirs = held.isolated.folder / "in" / "theirs"
    theirs.write_text("x")
    os.chown(theirs, 65534, 65534)
    code = """
def acts(): return [error_of(lambda: os.chmod("in/theirs", 0o666)), error_of(lambda: os.chown("in/file", 65534, -1)), error_of(lambda: os.chown("in/file", 0, -1))]
say(found=acts())
"""
    assert held(rules, code, mode="require", env=env) == {"found": ["EPERM", "EPERM", ""]}
    code += """
import sys; sys.stdout.flush()
child = os.fork()
if not child:
    os.setgroups([7]); os.setgid(65534); os.setuid(65534)
    say(found=acts()); sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
os.chmod("in/theirs", 0o600)
say(after=acts())
"""
    for folder in held.isolated.folder.parents:
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(0o755)
    done = held({**rules, "network": {}}, code, env=env)
    assert done == {"after": ["", "", ""]}
    assert held.said[-2:-1] == [{"found": ["", "EPERM", "EPERM"]}]


def test_under_auto_nobody_is_started_for_it_alone(held, folders):
    rules, env = folders
    code = 'say(states=states, rows=[row.gaps for row in found.rows], natively=call("fchmod", os.open("out/file", 0), 0o600))'
    found = held(rules, code, env=env)
    assert found["states"] == {"file writes": "enforced in part"}
    assert found["rows"] == [
        [
            "modes, owners, times and attributes of files elsewhere, message queues (--kernel=require and --no-network have them judged)"
        ]
    ]
    assert found["natively"] == ""
    code = 'say(states=states, natively=call("fchmod", os.open("out/file", 0), 0o600))'
    found = held({**rules, "network": {}}, code, env=env)
    assert found == {
        "states": {"network": "enforced and verified", "file writes": "enforced and verified"},
        "natively": "EPERM",
    }


NATIVE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.chmod(b"file", 0o600), ctypes.get_errno())
"""


def test_refusals_are_told(isolated, judged):
    isolated.write("file", "x")
    (isolated.folder / "in").mkdir()
    options = "--no-network --fs-readonly --allow-write=in"
    done = isolated.script(f"{options} --trace", NATIVE)
    assert done.stdout == "-1 1\n"
    place = (isolated.folder / "file").resolve()
    assert done.errors == [f"[hermetic] blocked chmod path={place} reason=fs-readonly"]
    done = isolated.script(f"{options} --strict", NATIVE)
    assert done.code == 2
    assert f"hermetic: blocked action: filesystem mutation disabled: chmod({place})" in done.stderr
    assert f"to allow it: --allow-write {place}" in done.stderr


def test_a_path_that_is_no_folder_yet_takes_the_one_around_it(isolated, judged):
    done = isolated.script("--fs-readonly --allow-write=new --kernel=require", "print('ran')")
    assert done.code == 1
    gap = "not held: the folder around a single file, or around a path that is not there yet"
    place = isolated.folder.resolve() / "new"
    assert f"{gap}: {place} (a folder that is made before the start is held by itself)" in done.stderr
    (isolated.folder / "new").mkdir()
    assert isolated.script("--fs-readonly --allow-write=new --kernel=require", "print('ran')").stdout == "ran\n"
