"""A report must not change what it reports on: Node's audit mode still refused some calls (node#65419)."""

from __future__ import annotations

import re

import pytest

ACTS = """
import asyncio, builtins, io, json, os, pathlib, pickle, posix, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, threading, types
def told(act):
    try:
        found = act()
    except BaseException as error:
        return type(error).__name__, str(error)
    return type(found).__name__, found if isinstance(found, (int, str, bytes, list, tuple, dict, bool)) else ""
def linked():
    os.symlink("made.txt", "made_link")
    return os.readlink("made_link"), open("made_link").read(), os.path.islink("made_link")
def server():
    with socket.create_server(("127.0.0.1", 0)) as made, socket.create_connection(made.getsockname()) as client:
        client.sendall(b"x")
        return made.accept()[0].recv(1)
def pair():
    one, two = socket.socketpair()
    with one, two:
        one.send(b"x")
        return two.recv(1)
def unix():
    with socket.socket(socket.AF_UNIX) as made, socket.socket(socket.AF_UNIX) as client:
        made.bind("socket"); made.listen(); client.connect("socket")
        return client.getpeername()
async def child():
    made = await asyncio.create_subprocess_exec("true")
    return await made.wait()
def database():
    made = sqlite3.connect("made.db")
    made.execute("create table t (x)"); made.execute("attach 'other.db' as o")
    return made.execute("select count(*) from t").fetchall()
def variable():
    os.environ["MADE"] = "1"
    return os.environ["MADE"], os.popen("echo $MADE").read(), "MADE" in dict(os.environ), os.environ.pop("MADE")
def asked_by_the_library():
    os.environ["COLUMNS"] = "33"
    try: return shutil.get_terminal_size().columns
    finally: del os.environ["COLUMNS"]
def forked():
    child = os.fork()
    if not child: os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
def temporary():
    with tempfile.NamedTemporaryFile() as named, tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        return os.path.exists(named.name), file.write(b"x"), os.listdir(folder)
def working_directory():
    before = os.getcwd()
    os.chdir("/")
    try: return os.getcwd()
    finally: os.chdir(before)
def import_path():
    sys.path.insert(0, "made")
    sys.meta_path.append(None); sys.meta_path.pop()
    return sys.path.pop(0)
ACTS = {
    "write": lambda: open("made.txt", "w").write("text"), "read": lambda: open("/etc/hostname").read(), "link": linked,
    "lstat": lambda: os.lstat("made_link").st_size, "mkdir": lambda: os.mkdir("made"), "again": lambda: os.mkdir("made"),
    "missing": lambda: open("nothing.txt"), "listdir": lambda: len(os.listdir("/")) > 3, "server": server, "pair": pair, "unix": unix,
    "refused": lambda: socket.create_connection(("127.0.0.1", 1), 1), "bad": lambda: socket.socket().connect(5),
    "run": lambda: subprocess.run(["echo", "x"], capture_output=True).stdout, "system": lambda: os.system("exit 3"),
    "no_program": lambda: subprocess.run(["no-such-program"]), "child": lambda: asyncio.run(child()), "forked": forked,
    "signal": lambda: os.kill(os.getppid(), 0), "database": database, "variable": variable, "unset": lambda: os.environ["NOT_SET"],
    "getenv": lambda: os.getenv("HOME") is not None, "library": asked_by_the_library,
    "temporary": temporary, "chdir": working_directory, "path": import_path,
    "eval": lambda: eval("1 + 1"), "exec": lambda: exec("global made; made = 5") or made, "compile": lambda: compile("1", "x", "eval").co_code,
    "syntax": lambda: compile("1 +", "x", "eval"), "pickle": lambda: pickle.loads(pickle.dumps(len)) is len,
    "replace": lambda: (lambda: 1).__code__.replace(co_name="x").co_name, "native": lambda: __import__("ctypes").sizeof(__import__("ctypes").c_int),
    "denied": lambda: __import__("colorsys").rgb_to_hsv(0, 0, 0), "no_module": lambda: __import__("not_there"),
    "mkfifo": lambda: os.mkfifo("fifo"), "rename": lambda: os.rename("made.txt", "moved.txt"), "gone": lambda: os.remove("made.txt"),
    "remove": lambda: os.remove("moved.txt"), "trace": lambda: (sys.settrace(None), sys.gettrace())[1],
}
print(json.dumps({name: told(act) for name, act in ACTS.items()}, default=repr))
"""
OPTIONS = ["--profile", "block-all", "--deny-import", "colorsys", "--fs-readonly=."]


@pytest.mark.parametrize("place", ["cli", "block"])
def test_every_act_ends_as_in_a_plain_run(isolated, place):
    def run(folder, *words, code=ACTS):
        (isolated.folder / folder).mkdir()
        path = isolated.write("target.py", code)
        done = isolated.python(*words, str(path), cwd=isolated.folder / folder)
        assert done.code == 0, done
        # Names of temporary files and addresses differ from run to run.
        found = {name: re.sub("0x[0-9a-f]+", "", repr(value)) for name, value in done.data.items()}
        return found, sorted(path.name for path in (isolated.folder / folder).iterdir()), done

    plain, files, _ = run("plain")
    if place == "cli":
        found, left, done = run("guarded", "-m", "hermetic", *OPTIONS, "--report-only", "--")
        assert "would block" in done.stderr
    else:
        keywords = "report_only=True, deny_imports=['colorsys'], fs_root='.', profile='block-all'"
        head = "from hermetic import hermetic_blocker\n"
        found, left, _ = run("guarded", code=f"{head}with hermetic_blocker({keywords}):\n    exec({ACTS!r})")
    assert found == plain
    assert left == files
