"""``--kernel``: what auto, require and off do, on this kernel and on others that are emulated."""

from __future__ import annotations

import json
import sys

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


# Options, what is emulated, what the table says under require, and what one line says under auto.
REFUSALS = [
    ("--no-subprocess", {"HERMETIC_TEST_ABI": "5"}, "signals to other processes", ""),
    (
        "--no-network --allow-localhost",
        {"HERMETIC_TEST_SUPERVISOR": "off"},
        "which addresses are reached",
        "network: not held is which addresses are reached (HERMETIC_TEST_SUPERVISOR=off)",
    ),
    (
        "--fs-readonly=.",
        {"HERMETIC_TEST_ABI": "0"},
        "file reads",
        "file writes: guard only (HERMETIC_TEST_ABI=0); file reads: guard only (HERMETIC_TEST_ABI=0)",
    ),
    ("--block-native", {}, "it takes --no-subprocess as well", ""),
]
LESS = "hermetic: the kernel layer holds less here than elsewhere: "
MORE = "; see hermetic doctor\n"


@pytest.mark.parametrize(("options", "env", "text", "line"), REFUSALS)
def test_require_refuses_with_the_table(isolated, landlock, options, env, text, line):
    done = isolated.script(f"{options} --kernel=require", "print('ran')", env=env)
    assert (done.code, done.stdout) == (1, "")
    assert done.errors[0] == "hermetic: error: --kernel=require: this kernel does not hold all of it"
    assert text in done.stderr


@pytest.mark.parametrize(("options", "env", "text", "line"), REFUSALS)
def test_auto_goes_on_and_says_what_it_leaves_to_the_guards(isolated, landlock, options, env, text, line):
    code = "import subprocess, sys\nif len(sys.argv) < 2:\n    try: subprocess.run([sys.executable, __file__, 'x'])\n    except Exception: pass\nprint('ran')"
    done = isolated.script(options, code, env=env)
    assert (done.code, done.stdout[-4:]) == (0, "ran\n")
    assert done.stderr == (f"{LESS}{line}{MORE}" if line else "")  # once, also where a child runs as well


@pytest.mark.parametrize("abi", ["0", "1", "3", "4", "5", "6"])
def test_older_kernels_run_programs_as_well(isolated, landlock, abi):
    code = "import asyncio, os, threading\nasync def f(): return 1\nassert asyncio.run(f()) == 1\nos.listdir('.')\nprint('ran')"
    done = isolated.script("--fs-readonly --no-network --no-subprocess", code, env={"HERMETIC_TEST_ABI": abi})
    said = f"{LESS}file writes: guard only (HERMETIC_TEST_ABI=0){MORE}" if abi == "0" else ""
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", said)


CONTAINER = """
import os, sys
from _hermetic.enforce.kernel.linux import abi, filters, tables
from _hermetic.enforce.kernel.linux.bpf import ALLOW, assemble, low, refused
from _hermetic.enforce.kernel.linux.syscalls import Calls
machine = abi.MACHINES[os.uname().machine]
calls = Calls()
filters.gain_nothing(calls, machine)
os.set_inheritable(filters.install(calls, assemble(TABLE, machine), machine, FLAGS), True)
calls.put_away(False)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
# A filter that refuses to be listened to, and one that is listened to already.
NO_LISTENER = "{abi.SECCOMP[machine]: (((low(1), 8, 8, True, refused(1)),), ALLOW)}", 1
LISTENED_TO = "{}", 8


def inside(isolated, outer: tuple[str, int], *words: str):
    """hermetic where another filter was first, as in a container. outer: its table and flags."""
    code = CONTAINER.replace("TABLE", outer[0]).replace("FLAGS", str(outer[1]))
    return isolated.code(code, "-m", "hermetic", *words)


def contained(isolated, denied: dict[int, int], *words: str):
    """The same where these calls fail with these errors."""
    table = "{" + ", ".join(f"{number}: refused({error})" for number, error in denied.items()) + "}"
    return inside(isolated, (table, 1), *words)


def numbers(*names: str) -> list[int]:
    import os

    from _hermetic.enforce.kernel.linux import abi

    machine = abi.MACHINES[os.uname().machine]
    return [
        {
            "pidfd_getfd": abi.PIDFD_GETFD,
            "process_vm_readv": abi.PROCESS_VM_READV,
            "seccomp": abi.SECCOMP,
            "landlock": (444, 444),
        }[n][machine]
        for n in names
    ]


CONNECT = """
import socket
server = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(server.getsockname()); client.close()
print("ran", server.accept()[0].recv(1))
"""


@pytest.mark.parametrize(
    "refused", [("pidfd_getfd",), ("pidfd_getfd", "process_vm_readv")], ids=["docker", "older docker"]
)
@pytest.mark.parametrize("mode", ["auto", "require"])
def test_a_container_that_lets_nobody_have_descriptors_of_others(isolated, judged, refused, mode):
    """Nothing is lost by that: sockets are made for the program."""
    isolated.write("target.py", CONNECT)
    filters = dict.fromkeys(numbers(*refused), 1)
    options = ("--no-network", "--allow-localhost", f"--kernel={mode}")
    done = contained(isolated, filters, *options, "--", "./target.py")
    assert (done.code, done.stdout, done.stderr) == (0, "ran b''\n", "")
    row = json.loads(contained(isolated, filters, "doctor", "--json").stdout)["kernel"][mode][0]
    assert row["state"] == "enforced and verified"
    assert row["by"][-1].startswith("sockets made for the program: taking descriptors of the program is refused here")


@pytest.mark.parametrize("how", ["listened to already", "forbidden", "inside of a run"])
def test_where_nobody_may_listen_the_guards_judge_addresses(isolated, judged, how):
    isolated.write("target.py", CONNECT)
    words = ("--no-network", "--allow-localhost", "--", "./target.py")
    started = {
        "listened to already": lambda *words: inside(isolated, LISTENED_TO, *words),
        "forbidden": lambda *words: inside(isolated, NO_LISTENER, *words),
        "inside of a run": lambda *words: isolated.cli(
            "--fs-readonly", "--", "env", sys.executable, "-m", "hermetic", *words
        ),
    }[how]
    done = started(*words)
    assert (done.code, done.stdout) == (0, "ran b''\n"), done.stderr
    assert done.stderr.startswith(
        f"{LESS}network: not held is which addresses are reached (nobody may listen to its system"
    )
    assert done.stderr.count("\n") == 1
    refused = started("--kernel=require", *words)
    assert (refused.code, refused.stdout) == (1, "")
    assert "which addresses are reached (nobody may listen to its system calls" in refused.stderr
    # What needs no judgement is held all the same.
    isolated.write("target.py", "import socket\ntry: socket.socket()\nexcept PermissionError: print('none')")
    done = started("--no-network", "--kernel=require", "--", "./target.py")
    assert (done.code, done.stdout, done.stderr) == (0, "none\n", "")


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


INSIDE_MANY = """
import os, sys
from _hermetic.enforce.kernel.linux import abi, filters, landlock
from _hermetic.enforce.kernel.linux.syscalls import Calls
calls = Calls()
filters.gain_nothing(calls, abi.MACHINES[os.uname().machine])
for _ in range(int(sys.argv[1])):
    landlock.restrict(calls, (abi.WRITE_FILE, 0, 0), [("/", abi.WRITE_FILE)])
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_so_many_runs_inside_of_one_another_that_no_more_rules_fit(isolated, landlock, mode):
    isolated.write("target.py", "print('ran')")
    words = ["-m", "hermetic", "--fs-readonly", f"--kernel={mode}", "--", "./target.py"]
    done = isolated.python("-c", INSIDE_MANY, "15", *words)
    assert (done.code, done.stdout) == (0, "ran\n"), done.stderr
    done = isolated.python("-c", INSIDE_MANY, "16", *words)
    assert (done.code, done.stdout) == (1, "")
    why = "no run fits inside of so many others: the kernel takes 16 sets of Landlock's rules"
    assert done.stderr == f"hermetic: error: the kernel layer could not be put on: {why}\n"


def test_a_container_without_filters(isolated, landlock):
    isolated.write("target.py", "print('ran')")
    (number,) = numbers("seccomp")
    done = contained(isolated, {number: 1}, "--no-subprocess", "--no-network", "--fs-readonly", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "ran\n")
    why = "guard only (seccomp is refused here, by a container perhaps)"
    assert done.stderr == f"{LESS}network: {why}; processes: {why}{MORE}"
    done = contained(isolated, {number: 1}, "--no-subprocess", "--kernel=require", "--", "./target.py")
    assert done.code == 1 and "seccomp is refused here" in done.stderr


def test_limits_that_leave_no_room_are_named(isolated, landlock):
    """Who judges has ended then, and nothing starts."""
    if not landlock.supervisor:
        pytest.skip(landlock.no_supervisor)
    words = [sys.executable, "-m", "hermetic", "--kernel=require", "--no-network", "--", "/bin/echo", "started"]
    found = []
    for limit in range(12, 3, -1):
        code = f"import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit})); os.execv({words[0]!r}, {words!r})"
        found.append(isolated.python("-c", code))
    # With some of them it starts and is held; with fewer, nobody judges.
    refused = [done for done in found if "does not hold network" in done.stderr]
    assert refused and found[0].stdout == "started\n"
    assert all("ulimit -v, -u, -n" in done.stderr and not done.stdout for done in refused)


@pytest.mark.parametrize("options", ["--no-network", "--fs-readonly"])
def test_few_descriptors_end_in_a_message_or_in_a_run(isolated, options):
    """Those that the run would have for itself are not missed by the program."""
    isolated.write("target.py", "print('ran')")
    words = [sys.executable, "-m", "hermetic", options, "--", "./target.py"]
    for limit in range(12, 3, -1):
        code = f"import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit})); os.execv({words[0]!r}, {words!r})"
        done = isolated.python("-c", code)
        if "Fatal Python error" in done.stderr:
            assert limit < 6, done
            break  # so few that the interpreter itself does not start
        assert (done.code, done.stdout) == (0, "ran\n") or done.stderr.startswith("hermetic: error: "), (limit, done)


def test_doctor_tries_and_tells(isolated, judged):
    found = json.loads(isolated.cli("doctor", "--json").stdout)["kernel"]
    assert {row["capability"]: row["state"] for row in found["require"]} == dict.fromkeys(
        ("network", "processes", "file writes", "file reads", "native code", "memory"), "enforced and verified"
    )
    text = isolated.cli("doctor", env={"HERMETIC_TEST_ABI": "0"}).stdout
    assert "guard only" in text and "HERMETIC_TEST_ABI=0" in text


@pytest.mark.parametrize("place", ["/", "/proc"])
def test_a_list_that_gives_back_where_the_self_test_looks(isolated, landlock, place):
    (isolated.folder / "denied").mkdir()
    options = ["--kernel=auto", "--fs-readonly", "--allow-write", place, "--deny-write", "denied"]
    code = "try: open('denied/x', 'w')\nexcept PermissionError as error: print(error)"
    done = isolated.script(options, code)
    assert (done.code, done.stdout) == (0, f"filesystem readonly: {isolated.folder}/denied/x\n"), done
