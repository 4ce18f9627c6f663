"""Subprocess: starting other programs, signalling them, and typing into the terminal.

Most doors raise an audit event; the ones that do not are replaced by a refusal
that keeps no original.
"""

from __future__ import annotations


from ..extract import always, exact_text
from ..model import Family, GuardedCall
from ..pristine import getpid

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Rules: TypeAlias = tuple[()]

GUARD = "subprocess"
OPTION = "no-subprocess"
START, SIGNAL, TERMINAL = "subprocess.start", "subprocess.signal", "subprocess.terminal"


def decide(rules: Rules, capability: str, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    return f"subprocess disabled: {call}", target or None, OPTION, "running without --no-subprocess"


# --- readers: the program's name, never its arguments ---


def name_of(program: object) -> str:
    """A program's name; a sequence's first item; empty when it cannot be read."""
    if isinstance(program, (list, tuple)) and len(program):
        program = program[0]
    if isinstance(program, (str, bytes)):
        text = exact_text(program)
        # The whole of a shell command may hold secrets; its first word is the program.
        return text.partition(" ")[0] if text else ""
    return ""


def first_program(args: tuple[Any, ...], kwargs: Any) -> str:
    return name_of(args[0]) if args else ""


def popen_program(args: tuple[Any, ...], kwargs: Any) -> str:
    """subprocess.Popen(executable, args, cwd, env)."""
    return name_of(args[0]) or name_of(args[1])


def spawn_program(args: tuple[Any, ...], kwargs: Any) -> str:
    """os.spawn(mode, path, args, env)."""
    return name_of(args[1])


def fork_exec_program(args: tuple[Any, ...], kwargs: Any) -> str:
    return name_of(args[0]) if args else ""


def other_process(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.kill(pid, signal): oneself, and the question whether a process exists (signal 0), are no act."""
    pid, number = int.__index__(args[0]), int.__index__(args[1])
    return None if pid == getpid() or number == 0 else f"pid {pid}"


def other_group(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return None if int.__index__(args[1]) == 0 else f"group {int.__index__(args[0])}"


TYPING_REQUESTS = frozenset({0x5412, 0x541C, 0x80017472, 0x80047472})  # TIOCSTI, TIOCLINUX; TIOCSTI on BSD and macOS


def typing_request(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.ioctl(fd, request, argument): the kernel looks at the low 32 bits."""
    return "terminal" if int.__index__(args[1]) & 0xFFFFFFFF in TYPING_REQUESTS else None


SURFACE = (
    GuardedCall(
        capability=START,
        audit=("subprocess.Popen",),
        read=popen_program,
        example="import subprocess; subprocess.run(['true'])",
    ),
    GuardedCall(
        capability=START, audit=("os.system",), read=first_program, example="import os; os.system('true')"
    ),
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
        read=fork_exec_program,
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
)

def make_rules() -> Rules:
    return ()


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE)
