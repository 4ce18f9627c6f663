"""What hermetic.allowed says of an act is what becomes of it: every act below is asked about, and then tried."""

from __future__ import annotations

import _ctypes
import os
import shutil
import stat
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses programs of Unix")

# Acts that are tried for real: below a folder of their own, and on loopback. PORT is that of a server there.
ACTS = {
    "connect": ["127.0.0.1:PORT", "127.1:PORT", "[::ffff:127.0.0.1]:PORT", "0.0.0.0:PORT", "127.0.0.1:1", "./u.sock"],
    "bind": ["127.0.0.1:0", "0.0.0.0:0", "localhost:0", "[::ffff:0.0.0.0]:0"],
    "resolve": ["localhost", "127.0.0.1", "sub.a.invalid", "b.invalid"],
    "read": ["top", "a/f", "a", "root/f", "root/out", "in", "nothere", "/etc/hosts", "/dev/null", "/proc/self/status"],
    "write": ["top", "new", "a/f", "a/new", "a", "root/new", "in", "/dev/null", "./a/../top", "a/b/f"],
    "run": ["true", "/bin/true", "false", "sh", "nothere", "./nothere", "./tool", "tool", "./script", sys.executable],
    "env": ["PATH", "HOME", "APP_NAME", "APP_OTHER", "NOPE"],
    "import": ["json", "http.client", "ctypes", "_ctypes", "pure", "pure.part", "pure.below.part", "single", "nothere"],
}
# (keywords of a block, options of the command line)
POLICIES = [
    ({"block_network": True}, "--no-network"),
    ({"block_network": True, "allow_localhost": True}, "--no-network --allow-localhost"),
    (
        {"block_network": True, "allow_domains": ["a.invalid"], "allow_unix_sockets": ["u.sock"]},
        "--no-network --allow-domain a.invalid --allow-unix-socket u.sock",
    ),
    ({"deny_hosts": ["127.0.0.0/8"]}, "--deny-host 127.0.0.0/8"),
    ({"fs_readonly": True}, "--fs-readonly"),
    ({"fs_readonly": True, "allow_write": ["a"]}, "--fs-readonly --allow-write a"),
    ({"fs_readonly": True, "fs_root": "root", "allow_read": ["top"]}, "--fs-readonly=root --allow-read top"),
    ({"deny_read": ["a"], "deny_write": ["a/b", "top"]}, "--deny-read a --deny-write a/b --deny-write top"),
    ({"block_subprocess": True}, "--no-subprocess"),
    ({"block_subprocess": True, "allow_run": ["true"]}, "--no-subprocess --allow-run true"),
    (
        {"block_subprocess": True, "allow_run": ["./tool", "sh"]},
        "--no-subprocess --allow-run ./tool --allow-run sh",
    ),
    ({"block_environment": True, "allow_env": ["APP_N*"]}, "--no-environment --allow-env APP_N*"),
    ({"deny_imports": ["http"]}, "--deny-import http"),
    ({"block_native": True}, "--block-native"),
    ({"block_native": True, "allow_native": ["pure"]}, "--block-native --allow-native pure"),
]
PROGRAM = """
import contextlib, json, os, socket, subprocess, sys
import hermetic

server = socket.create_server(("127.0.0.1", 0))

def connect(target):
    if target.startswith("."):
        with socket.socket(socket.AF_UNIX) as made:
            return made.connect(target)
    host, _, port = target.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), 5).close()

def bind(target):
    host, _, port = target.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as made:
        made.bind((host.strip("[]"), int(port)))

def read(target):
    os.listdir(target) if os.path.isdir(target) else open(target).close()

def write(target):
    os.mkdir(target) if os.path.isdir(target) else open(target, "w").close()

def run(target):
    subprocess.run([target], stdin=subprocess.DEVNULL)

def resolve(target):
    socket.getaddrinfo(target, None)

doers = {"connect": connect, "bind": bind, "read": read, "write": write, "run": run, "resolve": resolve,
         "env": os.environ.__getitem__, "import": __import__}
loaded = set(sys.modules)

def differences():
    for act, targets in ACTS.items():
        for target in targets:
            target = target.replace("PORT", str(server.getsockname()[1]))
            for name in set(sys.modules) - loaded if act == "import" else ():
                del sys.modules[name]
            said = hermetic.allowed(act, target)
            try:
                doers[act](target)
                found = True
            except hermetic.PolicyViolation:
                found = False
            except (OSError, KeyError, ImportError):
                found = True
            if said is not found:
                yield f"{act} {target}: allowed() says {said}"

with contextlib.ExitStack() as stack:
    if BLOCK is not None:
        stack.enter_context(hermetic.hermetic_blocker(**BLOCK))
    found = list(differences())
print(json.dumps(found))
"""


@pytest.fixture
def place(isolated):
    """A folder with what the acts are about."""
    for name in ("top", "a/f", "a/b/f", "root/f", "pure/__init__.py", "pure/below/__init__.py"):
        isolated.write(name, "")
    # Any extension module does: where it is let through, it has no function of this name and is no module.
    for name in ("pure/part.so", "pure/below/part.so", "single.so"):
        shutil.copy(_ctypes.__file__, isolated.folder / name)
    (isolated.folder / "root" / "out").symlink_to("../top")
    (isolated.folder / "in").symlink_to("root/f")
    os.mknod(isolated.folder / "u.sock", stat.S_IFSOCK | 0o600)
    for name in ("tool", "script"):
        isolated.write(name, "#!/bin/sh\nexit 0\n", 0o755)
    return isolated


def differences(place, options, block):
    text = PROGRAM.replace("ACTS", repr(ACTS)).replace("BLOCK", repr(block))
    if block is None:
        done = place.script(options, text)
        assert done.code == 0, done
        return done.data
    return place.passes(text).data


@pytest.mark.parametrize(("keywords", "options"), POLICIES, ids=[options for _, options in POLICIES])
def test_in_a_block(place, keywords, options):
    assert differences(place, options, keywords) == []


@pytest.mark.parametrize("options", [options for _, options in POLICIES])
def test_in_a_run(place, options):
    assert differences(place, options, None) == []
