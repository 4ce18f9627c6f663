"""Unmodified programs, Python and not, with the kernel layer on: what is allowed works, and nothing else does."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import threading
import zipfile

import pytest

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp"),
]


@pytest.fixture
def port():
    """Of a web server that says hello."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def answer(connection):
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    def serve():
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def needs(*programs):
    for name in programs:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


# --- the network ---

JAVA = """
import java.io.*; import java.net.*; import java.net.http.*; import java.nio.channels.*;
public class Client {
    interface Act { String run() throws Exception; }
    static void attempt(String name, Act act) {
        try { System.out.println(name + " " + act.run()); } catch (Exception e) { System.out.println(name + " failed"); }
    }
    public static void main(String[] words) throws Exception {
        String host = words[0]; int port = Integer.parseInt(words[1]); String url = "http://" + host + ":" + port + "/";
        attempt("old", () -> new String(new URL(url).openStream().readAllBytes()));
        attempt("channel", () -> SocketChannel.open(new InetSocketAddress(host, port)).isConnected() ? "hello" : "no");
        attempt("new", () -> HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body());
        attempt("write", () -> { new FileOutputStream("written").close(); return "done"; });
        attempt("start", () -> new String(new ProcessBuilder("echo", "done").start().getInputStream().readAllBytes()).strip());
    }
}
"""
NODE = """
const [host, port] = process.argv.slice(2), url = `http://${host}:${port}/`;
const attempt = (name, act) => act().then(found => console.log(name, found), () => console.log(name, 'failed'));
(async () => {
    await attempt('http', () => new Promise((done, failed) => require('http').get(url, r => r.on('data', d => done(String(d)))).on('error', failed)));
    await attempt('fetch', () => fetch(url).then(r => r.text()));
    await attempt('write', async () => { require('fs').writeFileSync('written', ''); return 'done'; });
    await attempt('start', async () => { const c = require('child_process').spawnSync('echo', ['done']); if (c.error) throw c.error; return String(c.stdout).trim(); });
    await attempt('thread', () => new Promise(done => new (require('worker_threads').Worker)('require("worker_threads").parentPort.postMessage("done")', {eval: true}).on('message', done)));
})();
"""
OPTIONS = {
    "--no-network": {"http", "fetch", "old", "channel", "new"},
    "--no-network --allow-localhost": set(),
    "--no-network --allow-localhost --kernel=require": set(),
    "--fs-readonly": {"write"},
    "--no-subprocess": {"start"},
    "--no-network --fs-readonly --no-subprocess --kernel=require": {
        "http",
        "fetch",
        "old",
        "channel",
        "new",
        "write",
        "start",
    },
}


@pytest.mark.parametrize("options", OPTIONS)
def test_node(isolated, judged, port, options):
    needs("node")
    isolated.write("client.js", NODE)
    done = isolated.cli(*options.split(), "--", "node", "client.js", "127.0.0.1", str(port))
    said = dict(line.split() for line in done.stdout.splitlines())
    assert set(said) == {"http", "fetch", "write", "start", "thread"}, done.stderr
    assert {name for name, what in said.items() if what == "failed"} == OPTIONS[options] & set(said)


@pytest.mark.parametrize("options", OPTIONS)
def test_java(isolated, judged, port, options):
    needs("java", "javac")
    isolated.write("Client.java", JAVA)
    subprocess.run(["javac", "Client.java"], cwd=isolated.folder, check=True, timeout=60)
    done = isolated.cli(*options.split(), "--", "java", "-Xshare:auto", "-cp", ".", "Client", "127.0.0.1", str(port))
    said = dict(line.split() for line in done.stdout.splitlines())
    assert set(said) == {"old", "channel", "new", "write", "start"}, done.stderr
    assert {name for name, what in said.items() if what == "failed"} == OPTIONS[options] & set(said)


# Names are answered by the process that judges; here by a table, in place of the machine's own resolver.
NAMED = """
import json, os, socket, subprocess, sys
sys.path.insert(0, {here!r})
from attempts import *
from _hermetic.policy import Policy, make_rules
from _hermetic.enforce.kernel.backend import confine
from _hermetic.enforce.kernel.linux import names
def table(host, port, family=0):
    if host != b"api.service.example" or family == socket.AF_INET6:
        raise socket.gaierror(-2, "unknown")
    return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
names.getaddrinfo, names.names_in_hosts = table, lambda: []
rules = {{"network": make_rules("network", {{"allow_localhost": True, "allow_domains": ["service.example"]}})}}
confine(Policy(rules=rules), rules, {mode!r})
found = {{}}
for host in ("api.service.example", "secret.attacker.example"):
    words = [word.replace("HOST", host) for word in {words!r}]
    done = subprocess.run(words, capture_output=True, text=True, timeout=50)
    found[host] = done.stdout.strip()
print(json.dumps(found))
"""
CLIENTS = {
    "curl": ["curl", "-sS", "--max-time", "20", "http://HOST:{port}/"],
    "bash": ["bash", "-c", "exec 3<>/dev/tcp/HOST/{port} && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && tail -c 5 <&3"],
    "node": [
        "node",
        "-e",
        "require('http').get('http://HOST:{port}/', r => r.pipe(process.stdout)).on('error', () => 0)",
    ],
    "java": ["java", "-cp", ".", "Client", "HOST", "{port}"],
    "getent": ["sh", "-c", "getent ahostsv4 HOST | head -n 1 | cut -c 1-9 | sed s/127.0.0.1/hello/"],
    "python": [
        sys.executable,
        "-c",
        "import urllib.request as u; print(u.urlopen('http://HOST:{port}/').read().decode())",
    ],
}


@pytest.mark.parametrize("how", ["auto", "require", "container"])
@pytest.mark.parametrize("client", CLIENTS)
def test_rules_for_names_hold_for_every_client(isolated, judged, port, client, how):
    """No client knows anything of it, and no question for another name leaves."""
    from .conftest import HERE

    needs(CLIENTS[client][0])
    if client == "java":
        needs("javac")
        isolated.write("Client.java", JAVA)
        subprocess.run(["javac", "Client.java"], cwd=isolated.folder, check=True, timeout=60)
    words = [word.replace("{port}", str(port)) for word in CLIENTS[client]]
    mode = "auto" if how == "auto" else "require"
    env = {"HERMETIC_TEST_SUPERVISOR": "made"} if how == "container" else {}
    code = NAMED.format(here=HERE, mode=mode, words=words)
    found = json.loads(isolated.python("-c", code, env=env, timeout=110).stdout)
    if client == "java":
        expected = "old hello\nchannel hello\nnew hello\nwrite done\nstart done"
        assert found["api.service.example"] == expected
        assert found["secret.attacker.example"].count("failed") == 3
    else:
        assert found == {"api.service.example": "hello", "secret.attacker.example": ""}


# --- files ---


@pytest.mark.parametrize("options", ["", "--no-network", "--no-network --kernel=require"])
def test_make_writes_where_it_may(isolated, judged, options):
    needs("make", "cp")
    (isolated.folder / "build").mkdir()
    isolated.write("source", "text")
    isolated.write("Makefile", "build/target: source\n\tcp -p source build/target\n\t@echo made\n")
    words = [*options.split(), "--fs-readonly", "--allow-write=build"]
    done = isolated.cli(*words, "--", "make")
    assert (done.code, done.stdout.splitlines()[-1:], done.stderr) == (0, ["made"], "")
    isolated.write("Makefile", "elsewhere: source\n\tcp source elsewhere\n")
    done = isolated.cli(*words, "--", "make")
    assert done.code == 2 and "Permission denied" in done.stderr


def test_a_compiler_has_a_folder_of_its_own_for_what_is_temporary(isolated, judged):
    needs("cc")
    isolated.write("source.c", "int main(void) { return 7; }\n")
    done = isolated.cli(
        "--no-network", "--fs-readonly", "--allow-write=.", "--private-tmp", "--", "cc", "-o", "program", "source.c"
    )
    assert (done.code, done.stderr) == (0, "")
    assert isolated.cli("--no-network", "--fs-readonly", "--", "./program").code == 7


COPY = """
import ctypes, os, shutil, tarfile
shutil.copy2("source", "in/copy"); shutil.copytree("tree", "in/tree"); shutil.copymode("source", "in/copy")
with tarfile.open("in/archive.tar", "w") as archive: archive.add("in/tree", "tree")
with tarfile.open("in/archive.tar") as archive: archive.extractall("in/out", filter="data")
same = lambda a, b: (os.stat(a).st_mode, os.stat(a).st_mtime_ns // 1000) == (os.stat(b).st_mode, os.stat(b).st_mtime_ns // 1000)
libc = ctypes.CDLL(None, use_errno=True)
print(same("source", "in/copy"), same("tree/file", "in/tree/file"), libc.chmod(b"source", 0o600), libc.chmod(b"in/copy", 0o600))
"""


@pytest.mark.parametrize("container", [False, True])
def test_copies_keep_modes_and_times(isolated, judged, container):
    isolated.write("source", "text", mode=0o750)
    isolated.write("tree/file", "text", mode=0o640)
    (isolated.folder / "in").mkdir()
    env = {"HERMETIC_TEST_SUPERVISOR": "made"} if container else {}
    done = isolated.script("--no-network --fs-readonly --allow-write=in", COPY, env=env)
    assert (done.code, done.stdout, done.stderr) == (0, "True True -1 0\n", "")


def wheel(folder, name, files):
    """A wheel, made by hand."""
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(
            f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    return str(path)


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_pip_installs_into_a_folder(isolated, judged, mode):
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed")
    path = wheel(isolated.folder, "carried", {"carried.py": "VALUE = 7\n"})
    (isolated.folder / "packages").mkdir()
    options = ["--no-network", "--fs-readonly", "--allow-write=packages", "--private-tmp", f"--kernel={mode}"]
    install = [
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
        "--target",
        "packages",
        path,
    ]
    done = isolated.cli(*options, "--", sys.executable, *install)
    assert done.code == 0, done.stderr
    assert (isolated.folder / "packages" / "carried.py").read_text() == "VALUE = 7\n"
    done = isolated.cli(
        *options[:2], "--", sys.executable, "-c", "import carried; print(carried.VALUE)", env={"PYTHONPATH": "packages"}
    )
    assert done.stdout == "7\n", done.stderr


@pytest.mark.parametrize("kind", ["path", "finder"])
def test_editable_installs_are_found(isolated, other, landlock, kind):
    """By a line in a .pth file, or by a finder that such a line sets up."""
    isolated.write("project/edited.py", "VALUE = 7\n")
    place = str(isolated.folder / "project")
    if kind == "path":
        other.install("edited.pth", place + "\n")
    else:
        finder = "import importlib.util, sys\nclass Finder:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n"
        finder += f"        if name == 'edited': return importlib.util.spec_from_file_location(name, {place!r} + '/edited.py')\n"
        other.install("__editable___finder.py", finder + "def install(): sys.meta_path.append(Finder)\n")
        other.install("edited.pth", "import __editable___finder; __editable___finder.install()\n")
    isolated.write("target.py", "import edited; print(edited.VALUE)")
    for options in ("--fs-readonly --no-network", "--fs-readonly --kernel=require"):
        done = isolated.foreign(options, other.python, "target.py")
        assert (done.code, done.stdout) == (0, "7\n"), done.stderr


# --- processes and threads ---


@pytest.mark.parametrize(
    "options",
    [
        "--no-network",
        "--fs-readonly",
        "--fs-readonly=.",
        "--no-network --fs-readonly=. --no-subprocess --kernel=require",
    ],
)
def test_numpy_and_its_threads(isolated, judged, options):
    if importlib.util.find_spec("numpy") is None:
        pytest.skip("numpy is not installed")
    code = """
    import numpy as np, threading
    a = np.random.default_rng(1).random((600, 600))
    found = []
    threads = [threading.Thread(target=lambda: found.append(np.allclose(a @ np.linalg.inv(a), np.eye(600)))) for _ in range(3)]
    [t.start() for t in threads]; [t.join() for t in threads]
    print(found)
    """
    done = isolated.script(options, code)
    assert (done.code, done.stdout, done.stderr) == (0, "[True, True, True]\n", "")


POOLS = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
def square(x): return x * x
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool: print(pool.map(square, [1, 2]))
    with ProcessPoolExecutor(2) as pool: print(list(pool.map(square, [3, 4])))
    queue = multiprocessing.Queue(); queue.put(5); print(queue.get(timeout=30)); queue.close()
"""


@pytest.mark.parametrize(
    "options",
    ["--no-network", "--fs-readonly", "--fs-readonly=.", "--fs-readonly --kernel=require --allow-write=/dev/shm"],
)
def test_pools_of_processes(isolated, judged, options):
    done = isolated.script(options, POOLS)
    assert (done.code, done.stdout, done.stderr) == (0, "[1, 4]\n[1, 4]\n[9, 16]\n5\n", "")


def test_where_their_locks_are_made_is_said(isolated, judged):
    done = isolated.script("--fs-readonly --kernel=require", POOLS)
    assert done.code == 1
    assert "PermissionError: [Errno 13] Permission denied" in done.stderr
    assert (
        "  multiprocessing makes its locks in /dev/shm, which all programs share: --allow-write /dev/shm" in done.errors
    )
