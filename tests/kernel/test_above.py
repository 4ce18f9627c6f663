"""Where Yama lets only those look into a program who started it: who was started waits, and stands for the program.

What else the supervisor holds there is in ``test_supervisor``. This machine's Yama is not asked: who must stand above is
injected, and that it does stand there is looked up.
"""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")

ABOVE = {"HERMETIC_TEST_SUPERVISOR": "above"}
LOOPBACK = ["-m", "hermetic", "--no-network", "--allow-localhost", "--"]
HEARS = """
import os, signal, sys, time
def hear(number, frame):
    os.write(1, b"%d\\n" % number)
for number in ({numbers}):
    signal.signal(number, hear)
os.write(1, b"%d %d\\n" % (os.getpid(), os.getppid()))
while not os.path.exists("over"):
    time.sleep(0.05)
sys.exit(7)
"""


class Program:
    """A program that writes down what it hears, until it is told to end."""

    def __init__(self, isolated, *numbers, **how):
        isolated.write("target.py", HEARS.format(numbers="".join([f"{int(n)}, " for n in numbers])))
        self.over = isolated.folder / "over"
        self.process = subprocess.Popen(
            [sys.executable, *LOOPBACK, "./target.py"],
            env=isolated.environment(ABOVE),
            cwd=isolated.folder,
            **{"stdout": subprocess.PIPE, "text": True, **how},
        )
        if self.process.stdout is not None:
            self.pid, self.parent = map(int, self.process.stdout.readline().split())

    def end(self):
        self.over.touch()
        rest = self.process.communicate(timeout=30)[0]
        return self.process.returncode, [int(line) for line in (rest or "").split()]

    def wait_for_change(self):
        """(whether it stopped or went on, by which signal), as who started it sees it."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found, status = os.waitpid(self.process.pid, os.WUNTRACED | os.WCONTINUED | os.WNOHANG)
            if found:
                return status
            time.sleep(0.01)
        raise AssertionError("nothing changed")


def state_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def is_idle(pid):
    """Whether each of its threads waits."""
    return all(state_of(f"{pid}/task/{thread}") == "S" for thread in os.listdir(f"/proc/{pid}/task"))


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def has_ended(pid):
    """Whether nothing of it is left but its status: a program loses its parent before that one's last thread is gone."""
    return state_of(pid) == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1


def waiting_for(pid):
    """The signals that a process has got and not seen yet."""
    with open(f"/proc/{pid}/status") as status:
        found = int(dict(line.split(":", 1) for line in status)["ShdPnd"], 16)
    return {number for number in range(1, 65) if found >> (number - 1) & 1}


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- where everybody stands ---


def test_the_program_is_a_child_of_who_judges_in_the_group_and_session_it_would_be_in(isolated, judged):
    code = "import os; print(os.getppid(), os.getpgrp(), os.getsid(0), sep='\\n')\nraise SystemExit(5)"
    isolated.write("target.py", code)
    process = isolated.start(*LOOPBACK, "./target.py", env=ABOVE)
    parent, *rest = map(int, process.communicate(timeout=60)[0].split())
    assert rest == [os.getpgrp(), os.getsid(0)]
    assert process.returncode == 5
    assert parent not in (process.pid, os.getpid())


def test_who_loses_a_parent_stays_below(isolated, judged, listener):
    """A program that leaves a daemon behind ends at once; the daemon is judged, and may do what the program might."""
    port, reached = listener
    code = f"""
    import os, socket, sys, time
    if os.fork():
        sys.exit(4)
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(1)
    def to(host, port):
        return socket.socket().connect_ex((host, port))
    try:
        chain = [os.getpid()]
        while chain[-1] > 1:
            chain.append(int(open(f"/proc/{{chain[-1]}}/stat").read().rpartition(")")[2].split()[1]))
        import ctypes, struct
        libc = ctypes.CDLL(None, use_errno=True)
        address = struct.pack("=H", 2) + struct.pack("!H", 80) + socket.inet_aton("169.254.169.254") + bytes(8)
        plain = socket.socket()
        refused = libc.connect(plain.fileno(), address, 16), ctypes.get_errno()
        print(len(chain), to("127.0.0.1", {port}), refused, file=open("found", "w"))
    except BaseException as error:
        print(repr(error), file=open("found", "w"))
    """
    began = time.monotonic()
    done = isolated.script(["--no-network", "--allow-localhost"], code, env=ABOVE)
    assert done.code == 4, done.stderr
    assert time.monotonic() - began < 60
    found = isolated.folder / "found"
    wait_until(lambda: found.exists() and found.read_text().endswith("\n"))
    # It, the supervisor, and who that has become a child of.
    assert found.read_text() == "3 0 (-1, 13)\n"
    assert reached()


def test_nothing_is_left_when_the_last_of_it_has_ended(isolated, judged):
    code = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1)'])"
    assert isolated.script("--no-network", code, env=ABOVE).code == 0
    time.sleep(2)
    left = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == str(isolated.folder):
                left.append(name)
        except OSError:
            continue
    assert not left


def test_times_of_the_program_are_those_of_a_child(isolated, judged):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import time\nwhile time.process_time() < 0.7: pass"
    assert isolated.script("--no-network", code, env=ABOVE).code == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime > 0.7


# --- signals ---


@pytest.mark.parametrize("leader", [False, True], ids=["in a group", "leader of a session"])
def test_each_signal_is_heard_once_whether_it_is_for_one_or_for_the_group(isolated, judged, leader):
    """Both processes have one that is for the group, and only one hears it."""
    how = {"start_new_session": True} if leader else {"process_group": 0} if sys.version_info >= (3, 11) else {}
    if not leader and not how:
        how = {"preexec_fn": os.setpgrp}
    program = Program(isolated, signal.SIGUSR1, signal.SIGINT, signal.SIGTERM, **how)
    rounds, expected = 40, []
    for turn in range(rounds):
        for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM):
            if turn % 2:
                os.killpg(program.process.pid, number)
            else:
                program.process.send_signal(number)
            expected.append(int(number))
            assert select.select([program.process.stdout], [], [], 10)[0]
            assert int(program.process.stdout.readline()) == number
            # Of two that come at once, any process hears one.
            wait_until(
                lambda number=number: not {number} & (waiting_for(program.process.pid) | waiting_for(program.parent))
            )
    time.sleep(0.3)
    assert program.end() == (7, [])


def test_a_signal_to_the_program_itself_is_heard_once(isolated, judged):
    program = Program(isolated, signal.SIGUSR1)
    os.kill(program.pid, signal.SIGUSR1)
    time.sleep(0.3)
    assert program.end() == (7, [signal.SIGUSR1])


def test_the_end_of_who_waits_is_the_programs(isolated, judged):
    program = Program(isolated)
    program.process.kill()
    program.process.communicate(timeout=30)
    wait_until(lambda: not os.path.exists(f"/proc/{program.pid}"))
    assert program.process.returncode == -signal.SIGKILL


def test_the_end_of_the_program_is_that_of_who_waits(isolated, judged):
    program = Program(isolated)
    os.kill(program.pid, signal.SIGKILL)
    assert program.end() == (-signal.SIGKILL, [])


def test_if_the_supervisor_ends_the_program_goes_on_and_keeps_its_status(isolated, judged):
    program = Program(isolated, signal.SIGUSR1)
    os.kill(program.parent, signal.SIGKILL)
    wait_until(lambda: has_ended(program.parent) and parent_of(program.pid) == program.process.pid)
    program.process.send_signal(signal.SIGUSR1)
    assert program.process.stdout.readline() == f"{int(signal.SIGUSR1)}\n"
    assert program.end() == (7, [])


def test_signal_that_the_supervisor_did_not_come_to_is_heard_all_the_same(isolated, judged):
    """It was told of it, and ended: who waits hands on what nobody said was handed on, and nothing twice."""
    program = Program(isolated, signal.SIGUSR1, signal.SIGUSR2)
    program.process.send_signal(signal.SIGUSR2)
    assert program.process.stdout.readline() == f"{int(signal.SIGUSR2)}\n"
    # It has said so too, and waits for the next one.
    wait_until(lambda: is_idle(program.parent))
    os.kill(program.parent, signal.SIGSTOP)
    wait_until(lambda: state_of(program.parent) == "T")
    program.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: state_of(program.process.pid) == "S" and not waiting_for(program.process.pid))
    os.kill(program.parent, signal.SIGKILL)
    assert program.process.stdout.readline() == f"{int(signal.SIGUSR1)}\n"
    assert program.end() == (7, [])


# --- stopping ---


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP, signal.SIGTTIN], ids=lambda n: n.name)
def test_it_stops_and_goes_on_as_one(isolated, judged, number):
    # In a group of its own: who started these tests may be gone, and what nobody could wake is not stopped by a terminal.
    program = Program(isolated, signal.SIGCONT, preexec_fn=os.setpgrp)
    os.kill(program.pid, number)
    status = program.wait_for_change()
    assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == number
    assert state_of(program.pid) == "T"
    program.process.send_signal(signal.SIGCONT)
    assert os.WIFCONTINUED(program.wait_for_change())
    wait_until(lambda: state_of(program.pid) != "T")
    time.sleep(0.2)
    assert program.end() == (7, [signal.SIGCONT])


def test_a_group_stops_and_goes_on_as_one(isolated, judged):
    program = Program(isolated, signal.SIGCONT, preexec_fn=os.setpgrp)
    for _ in range(3):
        os.killpg(program.process.pid, signal.SIGTSTP)
        status = program.wait_for_change()
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTSTP
        wait_until(lambda: state_of(program.pid) == "T")
        # The next one takes this one away from who has not looked yet, though it was told of it.
        wait_until(lambda: is_idle(program.parent))
        os.killpg(program.process.pid, signal.SIGCONT)
        assert os.WIFCONTINUED(program.wait_for_change())
        assert int(program.process.stdout.readline()) == signal.SIGCONT
        # As above.
        wait_until(lambda: signal.SIGCONT not in waiting_for(program.process.pid) | waiting_for(program.parent))
        time.sleep(0.1)
    assert program.end() == (7, [])


def test_who_is_killed_while_stopped_has_ended(isolated, judged):
    program = Program(isolated)
    os.kill(program.pid, signal.SIGSTOP)
    assert os.WIFSTOPPED(program.wait_for_change())
    os.kill(program.pid, signal.SIGKILL)
    assert program.end() == (-signal.SIGKILL, [])


def test_keys_of_a_terminal_are_heard_once(isolated, judged):
    """Ctrl-C and Ctrl-Z, at a shell that knows jobs."""
    isolated.write("target.py", HEARS.format(numbers=f"{int(signal.SIGINT)}, "))
    environment = isolated.environment({**ABOVE, "PS1": "$ ", "ENV": None, "HISTFILE": None})
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(isolated.folder)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    said = b""

    def read_until(words, after=0):
        nonlocal said
        deadline = time.monotonic() + 20
        while words not in said[after:]:
            assert time.monotonic() < deadline, said
            if select.select([terminal], [], [], 0.2)[0]:
                said += os.read(terminal, 4096)
        return len(said)

    try:
        read_until(b"$ ")
        os.write(terminal, f"{sys.executable} {' '.join(LOOPBACK)} ./target.py; echo status=$?\n".encode())
        typed = b"./target.py; echo status=$?\r\n"
        read_until(typed)
        # The program's first line may have come with it.
        mark = read_until(b"\r\n", said.index(typed) + len(typed))
        os.write(terminal, b"\x03")
        mark = read_until(b"2\r\n", mark)
        time.sleep(0.3)
        os.write(terminal, b"\x1a")
        mark = read_until(b"Stopped", mark)
        os.write(terminal, b"jobs\n")
        mark = read_until(b"Stopped", mark)
        os.write(terminal, b"fg\n")
        mark = read_until(b"target.py", mark)
        time.sleep(0.3)
        os.write(terminal, b"\x03")
        mark = read_until(b"2\r\n", mark)
        (isolated.folder / "over").touch()
        read_until(b"$ ", mark)
        os.write(terminal, b"echo ended=$?\n")
        read_until(b"ended=7", mark)
    finally:
        os.write(terminal, b"exit\n")
        os.close(terminal)
        os.waitpid(child, 0)
    assert said.replace(b"^C", b"").splitlines().count(b"2") == 2, said


# --- what goes with it ---


def test_what_is_refused_is_said_once(isolated, judged):
    done = isolated.script("--no-network --fs-readonly --allow-write=new --kernel=require", "print('ran')", env=ABOVE)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.count("hermetic: error") == 1


def test_a_blocked_act_decides_the_status(isolated, judged):
    code = "import socket, os, sys\nsys.stdout.write('said')\ntry: socket.create_connection(('192.0.2.1', 80))\nfinally: sys.stdout.flush()"
    for options in ("--no-network", "--no-network --strict"):
        done = isolated.script(options, code, env=ABOVE)
        assert (done.code, done.stdout) == (2, "said")
        assert done.stderr.count("hermetic: blocked action: ") == 1
    leaves = "import os, socket\ntry: socket.create_connection(('192.0.2.1', 80))\nexcept Exception: os._exit(3)"
    assert isolated.script("--no-network", leaves, env=ABOVE).code == 2


def test_programs_that_are_no_python_go_below_too(isolated, judged, listener):
    port, reached = listener
    words = ["--no-network", "--allow-localhost", "--kernel=require", "--", "bash", "-c"]
    done = isolated.cli(*words, f"echo $PPID; exec 3<>/dev/tcp/127.0.0.1/{port}; exit 6", env=ABOVE)
    assert done.code == 6, done.stderr
    assert reached()
    assert isolated.cli(*words, "exec 3<>/dev/tcp/169.254.169.254/80", env=ABOVE).code == 1


def test_a_private_folder_goes_with_it(isolated, judged):
    code = "import os, tempfile; print(os.path.isdir(tempfile.gettempdir()))\nraise SystemExit(5)"
    done = isolated.script("--no-network --fs-readonly --private-tmp", code, env=ABOVE)
    assert (done.code, done.stdout) == (5, "True\n"), done.stderr


def test_who_may_not_wait_is_told_what_is_not_held(isolated, judged):
    """``hermetic.lock`` is called in a process that is somebody's; it does not go on in another."""
    done = isolated.passes(
        """
        import os, hermetic
        before = os.getpid(), os.getppid()
        print(hermetic.lock(block_network=True, allow_localhost=True))
        assert (os.getpid(), os.getppid()) == before
        """,
        env=ABOVE,
    )
    assert done.stdout == "{'network': 'enforced in part'}\n"


def test_doctor_says_so(isolated, judged):
    done = isolated.cli("doctor", env=ABOVE)
    assert done.code == 0, done.stderr
    assert "Yama lets only those look into a program who started it" in done.stdout
    assert "network       enforced and verified    enforced and verified" in done.stdout


@pytest.mark.parametrize(
    ("scope", "capabilities", "expected"),
    [
        (b"", 0, "ANYBODYS"),
        (b"0\n", 0, "ANYBODYS"),
        (b"1\n", 0, "PARENTS"),
        (b"2\n", 0, "NOBODYS"),
        (b"3\n", 0, "NOBODYS"),
        (b"9\n", 0, "NOBODYS"),
        # Root in a container has not got it.
        (b"1\n", 0xA80425FB, "PARENTS"),
        (b"1\n", 0x1FFFFFFFFFF, "ANYBODYS"),
        (b"2\n", 1 << 19, "ANYBODYS"),
        (b"3\n", 0x1FFFFFFFFFF, "NOBODYS"),
    ],
)
def test_who_may_look_is_yamas_to_say(monkeypatch, scope, capabilities, expected):
    from _hermetic.enforce.kernel.linux import beside

    files = {"/proc/sys/kernel/yama/ptrace_scope": scope}
    status = b"Name:\tpython\nCapEff:\t%016x\nCapBnd:\t0\n" % capabilities
    monkeypatch.setattr(beside, "contents", lambda path: files.get(path, status))
    assert beside.traces_allowed() == getattr(beside, expected)
