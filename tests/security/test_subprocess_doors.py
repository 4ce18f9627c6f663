"""Every way of starting a process, signalling another one, or typing into the terminal.

References: CVE-2023-32558, CVE-2023-32559, AutoProver#73, CVE-2017-5226, bubblewrap#142, CVE-2019-10063,
cpython#115322, cpython#115624.
"""

from __future__ import annotations

import os
import sys

import pytest
from state_attempts import PLACES, outcomes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="posix")
OPTION, KEYWORDS = "--no-subprocess", {"block_subprocess": True}

# multiprocessing leaves a lock behind where the process that would remove it cannot be started.
LOCKS = """
import _multiprocessing
from multiprocessing import synchronize
locks, chosen = [], synchronize.SemLock._make_name
synchronize.SemLock._make_name = staticmethod(lambda: locks.append(chosen()) or locks[-1])
"""
REMOVED = """
for lock in locks:
    try: _multiprocessing.sem_unlink(lock)
    except FileNotFoundError: pass
"""
STARTS = """
import asyncio, concurrent.futures, multiprocessing, pty, posix, subprocess, _posixsubprocess
from multiprocessing import util
from os import system as captured
number = os.open("/bin/sh", os.O_RDONLY)
async def by_exec(): await asyncio.create_subprocess_exec("true")
async def by_shell(): await asyncio.create_subprocess_shell("true")
def pool():
    with concurrent.futures.ProcessPoolExecutor(1) as made: return made.submit(print).result(9)
WAYS = {
    "run": lambda: subprocess.run(["true"]), "popen": lambda: subprocess.Popen("true", shell=True),
    "getoutput": lambda: subprocess.getoutput("true"), "os_popen": lambda: os.popen("true"), "system": lambda: os.system("true"),
    "captured": lambda: captured("true"), "posix_system": lambda: posix.system("true"), "fork": os.fork, "forkpty": os.forkpty,
    "pty_fork": pty.fork, "pty_spawn": lambda: pty.spawn(["true"]), "execv": lambda: os.execv("/bin/true", ["true"]),
    "execve": lambda: os.execve("/bin/true", ["true"], {}), "execvp": lambda: os.execvp("true", ["true"]),
    "execlp": lambda: os.execlp("true", "true"), "private_exec": lambda: os._execvpe("true", ["true"], {}),
    "descriptor": lambda: os.execve(number, ["true"], {}),
    "descriptor_by_name": lambda: os.execv(f"/proc/self/fd/{number}", ["true"]),
    "spawnv": lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]), "spawnlp": lambda: os.spawnlp(os.P_WAIT, "true", "true"),
    "posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "posix_spawnp": lambda: posix.posix_spawnp("true", ["true"], {}),
    "fork_exec": lambda: _posixsubprocess.fork_exec([b"true"], [b"/bin/true"]),
    "fork_exec_by_another_name": lambda: getattr(subprocess, "_fork_exec", _posixsubprocess.fork_exec)([b"true"], [b"/bin/true"]),
    "spawnv_passfds": lambda: util.spawnv_passfds(b"/bin/true", [b"true"], ()),
    "by_exec": lambda: asyncio.run(by_exec()), "by_shell": lambda: asyncio.run(by_shell()), "pool": pool,
    "process_fork": lambda: multiprocessing.get_context("fork").Process(target=print).start(),
    "process_spawn": lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    "process_forkserver": lambda: multiprocessing.get_context("forkserver").Process(target=print).start(),
    "pool_fork": lambda: multiprocessing.get_context("fork").Pool(1), "pool_spawn": lambda: multiprocessing.get_context("spawn").Pool(1),
}
for name, way in WAYS.items():
    way = (lambda way: lambda: way())(way)
    way.__name__ = name
    attempt(way)
"""


@pytest.mark.parametrize("place", PLACES)
def test_no_process_starts(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, LOCKS + STARTS + REMOVED)
    assert len(found) > 30
    for name, outcome in found.items():
        assert outcome.startswith("subprocess disabled: "), f"{name}: {outcome}"


def test_a_refused_start_leaves_no_noise(isolated):
    code = """
import asyncio, concurrent.futures, gc, os, subprocess
async def start(): await asyncio.create_subprocess_exec("true")
def pool(): concurrent.futures.ProcessPoolExecutor(1).submit(print)
for way in (lambda: subprocess.Popen(["true"]), lambda: os.popen("true"), lambda: asyncio.run(start()), pool):
    try: way()
    except RuntimeError as error: assert error.guard == "subprocess"
    gc.collect()
"""
    done = isolated.script(OPTION, LOCKS + code + REMOVED)
    assert (done.code, done.stderr) == (0, "")


SIGNALS = """
import _signal, fcntl, resource, signal, threading
signal.signal(signal.SIGUSR1, lambda *rest: None)
parent, CONT = os.getppid(), signal.SIGCONT
@attempt
def parent_process(): os.kill(parent, CONT)
@attempt
def every_process(): os.kill(-1, CONT)
@attempt
def own_group(): os.kill(0, CONT)
@attempt
def group(): os.killpg(os.getpgid(parent), CONT)
@attempt
def group_by_kill(): os.kill(-os.getpgid(parent), CONT)
@attempt
def limits(): resource.prlimit(parent, resource.RLIMIT_CORE, (0, 0))
@attempt
def owner(): fcntl.fcntl(0, fcntl.F_SETOWN, parent)
@attempt
def owner_group(): fcntl.fcntl(0, fcntl.F_SETOWN, -os.getpgid(parent))
@attempt
def owner_struct(): fcntl.fcntl(0, 15, parent.to_bytes(4, sys.byteorder) * 2)
@attempt
def owner_request(): fcntl.ioctl(0, 0x8901, parent.to_bytes(4, sys.byteorder))
@attempt
def by_descriptor(): signal.pidfd_send_signal(os.pidfd_open(parent), CONT)
@attempt
def by_another_name(): _signal.pidfd_send_signal(os.pidfd_open(parent), CONT)
@attempt
def terminal(): fcntl.ioctl(0, 0x5412, b"x")
@attempt
def terminal_negative(): fcntl.ioctl(0, 0x5412 - (1 << 32), b"x")
@attempt
def terminal_wide(): fcntl.ioctl(0, 0x5412 | (1 << 32), b"x")
@attempt
def terminal_highest(): fcntl.ioctl(0, 0x5412 - (1 << 63), b"x")
@attempt
def console(): fcntl.ioctl(0, 0x541C, b"x")
@attempt
def hang_up(): fcntl.ioctl(os.openpty()[1], 0x5437)
"""
OWN = """
import fcntl, resource, signal, threading
signal.signal(signal.SIGUSR1, lambda *rest: None)
@attempt
def oneself(): os.kill(os.getpid(), signal.SIGUSR1)
@attempt
def raised(): signal.raise_signal(signal.SIGUSR1)
@attempt
def thread(): signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
@attempt
def question(): os.kill(os.getppid(), 0)
@attempt
def group_question(): os.killpg(os.getpgrp(), 0)
@attempt
def own_limits(): return resource.prlimit(0, resource.RLIMIT_CORE) == resource.prlimit(os.getpid(), resource.RLIMIT_CORE)
@attempt
def own_flags(): return fcntl.fcntl(0, fcntl.F_GETFL) >= 0
@attempt
def timer(): return signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
@pytest.mark.parametrize("place", PLACES)
def test_no_other_process_is_signalled(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, SIGNALS)
    for name, outcome in found.items():
        assert outcome.startswith("subprocess disabled: "), f"{name}: {outcome}"


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
@pytest.mark.parametrize("place", PLACES)
def test_oneself_is(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, OWN)
    # The kernel does not tell the question whether a process exists from a signal: it answers that there is one.
    assert found.pop("question") in ("None", "PermissionError")
    for name in ("oneself", "raised", "thread", "group_question"):
        assert found.pop(name) == "None", name
    assert found == {"own_limits": "True", "own_flags": "True", "timer": "(0.0, 0.0)"}


def test_classes_of_subprocess_can_be_used(isolated):
    code = """
import subprocess
@attempt
def classes():
    class Popen(subprocess.Popen): pass
    return isinstance(1, subprocess.Popen), str(subprocess.Popen[bytes]), issubclass(Popen, subprocess.Popen)
"""
    found = outcomes(isolated, "command line", OPTION, KEYWORDS, code)
    assert found == {"classes": "(False, 'subprocess.Popen[bytes]', True)"}
