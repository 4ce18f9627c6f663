"""The process that judges the network: nobody notices it, but for what it tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp"),
    pytest.mark.usefixtures("supervised"),
]


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


def test_a_signal_between_a_call_and_its_answer_changes_no_answer(held, judged, servers):
    """Handlers that ask for it have the kernel make a call again, which has been made by then."""
    (port, _), _ = servers
    found = held(
        {"network": {"allow_hosts": [f"127.0.0.1:{port}"]}},
        f"""
import signal
heard = []
signal.signal(signal.SIGALRM, lambda *_: heard.append(1)); signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
connected, bound, begun = {{}}, {{}}, {{}}
for _ in range(1500):
    with socket.socket() as sock, socket.socket() as free, socket.socket() as quick:
        quick.setblocking(False)
        for found, error in (
            (bound, call("bind", free.fileno(), address("127.0.0.1", 0), 16)),
            (connected, connect_by_c(sock.fileno(), "127.0.0.1", {port})),
            (begun, connect_by_c(quick.fileno(), "127.0.0.1", {port})),
        ):
            found[error] = found.get(error, 0) + 1
signal.setitimer(signal.ITIMER_REAL, 0)
say(connected=connected, bound=bound, begun=begun, heard=len(heard))
""",
    )
    assert found["heard"] > 100
    for answers, allowed, twice in (
        ("connected", {""}, "EISCONN"),
        ("bound", {""}, "EINVAL"),
        ("begun", {"EINPROGRESS", ""}, "EISCONN"),  # begun, and done when it was begun once more
    ):
        assert set(found[answers]) <= {*allowed, twice}
        # A third of them where nobody remembers. In the moment in which the answer arrives nobody could tell.
        assert found[answers].get(twice, 0) < 4, found


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
    process = isolated.start(
        "-m", "hermetic", "--no-network", "--allow-domain", "example.com", "--", "./target.py", str(isolated.folder)
    )
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


FAILURES = {
    "handled": "raise SystemExit(3)",
    "os._exit": "os._exit(3)",
    "an error": "raise OSError(13, 'by native code')",
}
SEEN = [
    "hermetic: the kernel layer blocked what no guard saw; the status is the program's own (2 with --strict)",
    "  network disabled: connect(192.0.2.1)  [--no-network]",
    "    to allow it: --allow-host 192.0.2.1:80",
]


@pytest.mark.parametrize("who", ["itself", "a child"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_program_that_fails_is_told_what_they_were(isolated, judged, failure, who):
    act = f"import os\n{NATIVE_CONNECT}"
    if who == "a child":
        act = f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {act!r}])"
    done = isolated.script("--no-network", f"{act}\n{FAILURES[failure]}")
    assert done.code == (1 if failure == "an error" else 3)
    assert done.errors[-3:] == SEEN
    done = isolated.script("--no-network", act)
    assert (done.code, done.stderr) == (0, "")


def test_of_many_the_first_are_told(isolated, judged):
    again = "for last in [*range(7), *range(7)]: libc.connect(s.fileno(), address[:7] + bytes([last]) + bytes(8), 16)"
    done = isolated.script("--no-network", f"{NATIVE_CONNECT}\n{again}\nraise SystemExit(3)")
    assert done.code == 3
    assert [line for line in done.errors if "connect(" in line] == [
        f"  network disabled: connect(192.0.2.{last})  [--no-network]" for last in (1, 0, 2, 3, 4)
    ]
    assert done.errors[-1] == "  and 2 more"


@pytest.mark.parametrize(
    "error",
    [
        "OSError(13, 'by native code')",
        "RuntimeError('connect failed: Permission denied')",
        "PermissionError('Permission denied (os error 13): out.parquet')",
    ],
)
def test_a_program_that_dies_of_the_kernel_is_told_where_to_look(isolated, judged, error):
    """grpc and psycopg have errors of their own, with the system's words in them; polars has the system's, and words."""
    done = isolated.script("--fs-readonly", f"import ctypes, os\nraise {error}")
    assert done.code == 1
    assert done.errors[-2:] == [
        "hermetic: the kernel layer was on and may have refused this, which no guard saw",
        "  what it holds: hermetic doctor; a run without it: --kernel=off",
    ]
    for options in ("--fs-readonly --kernel=off", "--no-environment"):
        assert "kernel layer" not in isolated.script(options, "raise OSError(13, 'x')").stderr
    for other in ("OSError(2, 'x')", "OSError('x')", "RuntimeError('x')", "SystemExit('Permission denied')"):
        assert "kernel layer" not in isolated.script("--fs-readonly", f"raise {other}").stderr
