"""``--kernel``: what auto, require and off do, on this kernel and on others that are emulated."""

from __future__ import annotations

import json

import pytest

NATIVE_WRITE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.open(b"new", 0o101, 0o600) >= 0)
"""


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ("", "False"),
        ("--kernel", "False"),
        ("--kernel=auto", "False"),
        ("--kernel=require", "False"),
        ("--kernel=off", "True"),
    ],
)
def test_what_each_does(isolated, landlock, options, written):
    assert isolated.script(f"--fs-readonly {options}", NATIVE_WRITE).stdout == f"{written}\n"


@pytest.mark.parametrize("place", ["foreign", "environment", "flags"])
def test_other_interpreters_are_held_too(isolated, other, landlock, place):
    isolated.write("target.py", NATIVE_WRITE)
    words = {
        "foreign": ["--fs-readonly", other.python, "target.py"],
        "environment": ["--fs-readonly --no-environment", "./target.py"],
        "flags": ["--fs-readonly", other.python, "-I", "target.py"],
    }[place]
    done = isolated.foreign(words[0], *words[1:])
    assert (done.code, done.stdout) == (0, "False\n"), done.stderr


def test_children_and_their_children_are_held_once(isolated, landlock):
    code = """
    import os, subprocess, sys
    child = "import os, subprocess, sys; print(open('/proc/self/status').read().count('Seccomp_filters'))"
    count = lambda: [l.split()[1] for l in open("/proc/self/status") if l.startswith("Seccomp_filters")][0]
    if len(sys.argv) < 4:
        print(count(), flush=True)
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "x"])
    """
    lines = isolated.script("--fs-readonly", code, "x").stdout.split()
    assert len(lines) == 2 and len(set(lines)) == 1 and lines[0] != "0"


REFUSALS = [
    ("--no-subprocess", {"HERMETIC_TEST_ABI": "5"}, "signals to other processes"),
    ("--no-network --allow-localhost", {"HERMETIC_TEST_SUPERVISOR": "off"}, "which addresses are reached"),
    ("--fs-readonly=.", {"HERMETIC_TEST_ABI": "0"}, "file reads"),
    ("--block-native", {}, "it takes --no-subprocess as well"),
]


@pytest.mark.parametrize(("options", "env", "text"), REFUSALS)
def test_require_refuses_with_the_table(isolated, landlock, options, env, text):
    done = isolated.script(f"{options} --kernel=require", "print('ran')", env=env)
    assert (done.code, done.stdout) == (1, "")
    assert done.errors[0] == "hermetic: error: --kernel=require: this kernel does not hold all of it"
    assert text in done.stderr


@pytest.mark.parametrize(("options", "env", "text"), REFUSALS)
def test_auto_goes_on(isolated, landlock, options, env, text):
    done = isolated.script(options, "print('ran')", env=env)
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", "")


@pytest.mark.parametrize("abi", ["0", "1", "3", "4", "5", "6"])
def test_older_kernels_run_programs_as_well(isolated, landlock, abi):
    code = "import asyncio, os, threading\nasync def f(): return 1\nassert asyncio.run(f()) == 1\nos.listdir('.')\nprint('ran')"
    done = isolated.script("--fs-readonly --no-network --no-subprocess", code, env={"HERMETIC_TEST_ABI": abi})
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", "")


CONTAINER = """
import os, sys
from _hermetic.enforce.kernel.linux import abi, filters, tables
from _hermetic.enforce.kernel.linux.bpf import assemble, refused
from _hermetic.enforce.kernel.linux.syscalls import Calls
machine = abi.MACHINES[os.uname().machine]
calls = Calls()
filters.gain_nothing(calls, machine)
table = {number: refused(int(error)) for number, error in (word.split(":") for word in sys.argv[1].split(","))}
filters.install(calls, assemble({int(n): b for n, b in table.items()}, machine), machine)
calls.put_away(False)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def contained(isolated, denied: dict[int, int], *words: str):
    """hermetic where another filter was first, as in a container."""
    text = ",".join(f"{number}:{error}" for number, error in denied.items())
    return isolated.code(CONTAINER, text, "-m", "hermetic", *words)


def numbers(*names: str) -> list[int]:
    import os

    from _hermetic.enforce.kernel.linux import abi

    machine = abi.MACHINES[os.uname().machine]
    return [{"pidfd_getfd": abi.PIDFD_GETFD, "seccomp": abi.SECCOMP, "landlock": (444, 444)}[n][machine] for n in names]


def test_a_container_that_lets_nobody_look_into_a_process(isolated, judged):
    isolated.write("target.py", "import socket; s = socket.create_server(('127.0.0.1', 0)); print('ran')")
    (number,) = numbers("pidfd_getfd")
    done = contained(isolated, {number: 1}, "--no-network", "--", "./target.py")
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", "")
    done = contained(
        isolated, {number: 1}, "--no-network", "--allow-localhost", "--kernel=require", "--", "./target.py"
    )
    assert done.code == 1 and "looking into the program is refused here" in done.stderr
    isolated.write("target.py", "import socket\ntry: socket.socket()\nexcept PermissionError: print('none')")
    done = contained(isolated, {number: 1}, "--no-network", "--kernel=require", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "none\n"), done.stderr


def test_a_container_without_landlock(isolated, landlock):
    isolated.write("target.py", "print('ran')")
    (number,) = numbers("landlock")
    for error, text in (
        (38, "not in this kernel, or hidden by a container"),
        (1, "refused here"),
        (95, "not enabled at boot"),
    ):
        done = contained(isolated, {number: error}, "--fs-readonly=.", "--", "./target.py")
        assert (done.code, done.stdout) == (0, "ran\n"), done.stderr
        done = contained(isolated, {number: error}, "--fs-readonly=.", "--kernel=require", "--", "./target.py")
        assert done.code == 1 and text in done.stderr


def test_a_container_without_filters(isolated, landlock):
    isolated.write("target.py", "print('ran')")
    (number,) = numbers("seccomp")
    done = contained(isolated, {number: 1}, "--no-subprocess", "--no-network", "--fs-readonly", "--", "./target.py")
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", "")
    done = contained(isolated, {number: 1}, "--no-subprocess", "--kernel=require", "--", "./target.py")
    assert done.code == 1 and "seccomp is refused here" in done.stderr


def test_doctor_tries_and_tells(isolated, judged):
    found = json.loads(isolated.cli("doctor", "--json").stdout)["kernel"]
    assert {row["capability"]: row["state"] for row in found["require"]} == dict.fromkeys(
        ("network", "processes", "file writes", "file reads", "native code"), "enforced and verified"
    )
    text = isolated.cli("doctor", env={"HERMETIC_TEST_ABI": "0"}).stdout
    assert "guard only" in text and "HERMETIC_TEST_ABI=0" in text
