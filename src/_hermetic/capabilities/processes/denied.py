"""Subprocess: starting other programs, signalling them, and typing into the terminal.

Most doors raise an audit event; the ones that do not are replaced by a refusal
that keeps no original.
"""

from __future__ import annotations

from ...extract import NUMBER, always, is_a, tcl
from ...model import Family, GuardedCall
from ...pristine import IS_LINUX, getpid
from .starting import GUARD, first_program, information_denial, missing, name_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ...model import Denial

    Rules: TypeAlias = tuple[()]

OPTION = "no-subprocess"
REMEDY = "running without --no-subprocess"
START, SIGNAL, TERMINAL = "subprocess.start", "subprocess.signal", "subprocess.terminal"
BROWSE = "subprocess.browse"


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    message = f"subprocess disabled: {call}"
    if capability == BROWSE:
        return missing(message, target, OPTION, REMEDY)
    if capability == START:
        return information_denial(message, target, OPTION, REMEDY)
    return message, target or None, OPTION, REMEDY


# --- readers: the program's name, never its arguments ---


def popen_program(args: tuple[Any, ...], kwargs: Any) -> str:
    """subprocess.Popen(executable, args, cwd, env)."""
    return name_of(args[0]) or name_of(args[1])


def spawn_program(args: tuple[Any, ...], kwargs: Any) -> str:
    """os.spawn(mode, path, args, env)."""
    return name_of(args[1])


def other_process(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.kill(pid, signal): oneself, and the question whether a process exists (signal 0), are no act."""
    pid, number = int.__index__(args[0]), int.__index__(args[1])
    return None if pid == getpid() or number == 0 else f"pid {pid}"


def other_limits(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """resource.prlimit(pid, resource, limits): a limit of no time is a signal by another name."""
    pid = int.__index__(args[0])
    return None if args[2] is None or pid in (0, getpid()) else f"pid {pid}"


# fcntl(fd, F_SETOWN, pid), F_SETOWN_EX; and as ioctl: who gets a signal of choice when there is input.
OWNER_COMMANDS = frozenset({8, 15} if IS_LINUX else {6})
OWNER_REQUESTS = frozenset({0x8901, 0x8902} if IS_LINUX else {0x8004667C, 0x80047308})


def other_owner(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.fcntl(fd, command, argument)."""
    if int.__index__(args[1]) not in OWNER_COMMANDS:
        return None
    pid = int.__index__(args[2]) if is_a(args[2], NUMBER) else -1
    return None if pid in (0, getpid()) else "signal owner"


def other_group(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return None if int.__index__(args[1]) == 0 else f"group {int.__index__(args[0])}"


TYPING_REQUESTS = frozenset({0x5412, 0x541C, 0x80017472, 0x80047472})  # TIOCSTI, TIOCLINUX; TIOCSTI on BSD and macOS


def typing_request(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.ioctl(fd, request, argument): the kernel looks at the low 32 bits."""
    request = int.__index__(args[1]) & 0xFFFFFFFF
    if request in OWNER_REQUESTS:
        return "signal owner"
    return "terminal" if request in TYPING_REQUESTS else None


SURFACE = (
    GuardedCall(capability=START, audit=("import",), read=tcl, call="_tkinter", example="import _tkinter"),
    GuardedCall(
        capability=START,
        audit=("subprocess.Popen",),
        read=popen_program,
        example="import subprocess; subprocess.run(['true'])",
    ),
    GuardedCall(capability=START, audit=("os.system",), read=first_program, example="import os; os.system('true')"),
    GuardedCall(
        capability=START,
        audit=("os.exec", "os.posix_spawn", "pty.spawn", "os.startfile", "os.startfile/2"),
        read=first_program,
        example="import os; os.execv('/bin/true', ['true'])",
    ),
    GuardedCall(
        capability=START,
        audit=("os.spawn",),
        read=spawn_program,
        example="import os; os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    ),
    GuardedCall(
        capability=START,
        audit=("os.fork", "os.forkpty", "_winapi.CreateProcess"),
        read=always,
        example="import os; os.fork()",
    ),
    GuardedCall(
        capability=START,
        patch=("_posixsubprocess:fork_exec", "subprocess:_fork_exec", "multiprocessing.util:spawnv_passfds"),
        read=first_program,
        call="_posixsubprocess.fork_exec",
        final=True,
        example="import _posixsubprocess; _posixsubprocess.fork_exec([b'true'], [b'/bin/true'])",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("os.kill",),
        read=other_process,
        example="import os; os.kill(os.getppid(), 19)",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("os.killpg",),
        read=other_group,
        example="import os; os.killpg(os.getpgid(os.getppid()), 18)",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("resource.prlimit",),
        read=other_limits,
        example="import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("fcntl.fcntl",),
        read=other_owner,
        example="import fcntl, os; fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    ),
    GuardedCall(
        capability=SIGNAL,
        patch=("_signal:pidfd_send_signal", "signal:pidfd_send_signal"),
        read=always,
        call="signal.pidfd_send_signal",
        final=True,
        example="import signal; signal.pidfd_send_signal(0, 0)",
    ),
    GuardedCall(
        capability=TERMINAL,
        audit=("fcntl.ioctl",),
        read=typing_request,
        example="import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
    ),
    # These ask for a browser without being prepared for one that has gone.
    GuardedCall(
        capability=BROWSE,
        patch=("webbrowser:UnixBrowser.open",),
        read=always,
        door="browsers.no_unix_browser",
        late=True,
    ),
    GuardedCall(
        capability=BROWSE,
        patch=("webbrowser:MacOSXOSAScript.open",),
        read=always,
        door="browsers.no_mac_browser",
        late=True,
    ),
)


def make_rules() -> Rules:
    return ()


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE)
