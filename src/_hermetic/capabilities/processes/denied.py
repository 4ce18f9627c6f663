"""Subprocess: starting other programs, signalling them, and typing into the terminal.

Most doors raise an audit event; the ones that do not are replaced by a refusal
that keeps no original.
"""

from __future__ import annotations

from ...callers import CALLER_DEPTH, STDLIB, calling_frame
from ...extract import NUMBER, SEQUENCE, TEXT_OR_BYTES, always, exact_text, is_a, tcl, tcl_made
from ...model import Family, GuardedCall
from ...pristine import IS_LINUX, getpid, native
from ...programs.executables import base_name, has_separator, is_executable
from .starting import GUARD, OPTION, REMEDY, first_program, information_denial, listing, missing, name_of, own_name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any, TypeAlias

    from ...model import Denial

    # (what may be started, what is known of it): see permitted.py; both are empty where nothing may be started
    Rules: TypeAlias = tuple[frozenset[str], frozenset[str]]

START, SIGNAL, TERMINAL = "subprocess.start", "subprocess.signal", "subprocess.terminal"
BROWSE, FORK = "subprocess.browse", "subprocess.fork"
# Where a list can give back what was tried.
LISTED = ("subprocess.Popen", "os.exec", "os.posix_spawn", "_posixsubprocess.fork_exec", "os.spawn", "pty.spawn")


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    message = f"subprocess disabled: {call}"
    if capability == BROWSE:
        return missing(message, target, OPTION, REMEDY)
    if capability == START:
        return information_denial(message, target, OPTION, remedy(target, call))
    if capability == FORK:
        if target == BY_LIBRARY or own_name(base_name(target)) in rules[1]:
            return None  # which file is started is asked in the child
        return message, target or None, OPTION, remedy(target, call)
    return message, target or None, OPTION, REMEDY


def remedy(program: str, call: str) -> str:
    """What would allow a start. The shell of os.system is no word of its command."""
    if call == "os.system":
        return "--allow-run sh"
    if has_separator(program) and not is_executable(program):
        program = base_name(program)  # execvp tries every folder of PATH
    return listing(program) if program and call in LISTED else REMEDY


def gives_none(rules: Rules) -> bool:
    """Whether these rules let no program start; else the stand-ins that start children ask the list."""
    return not rules[0]


def gives_some(rules: Rules) -> bool:
    return bool(rules[0])


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


# Windows has neither; there nothing is a child that a signal could go to.
look_for, group_of = getattr(native, "waitid", None), getattr(native, "getpgid", None)
CHILD = getattr(native, "P_PID", 1)
LOOKS = getattr(native, "WEXITED", 0) | getattr(native, "WNOHANG", 0) | getattr(native, "WNOWAIT", 0)


def is_child(pid: int) -> bool:
    """Whether this is a child of this process that has not been waited for: no other process can have its number."""
    if look_for is None:
        return False
    try:
        look_for(CHILD, pid, LOOKS)
    except (OSError, OverflowError):
        return False
    return True


def is_led_by_child(group: int) -> bool:
    """Whether a group of processes was begun by a child of this process."""
    try:
        return group > 1 and group_of is not None and is_child(group) and group_of(group) == group
    except OSError:
        return False


def strange_process(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """The same as other_process where programs may be started: what was started may be ended."""
    pid, number = int.__index__(args[0]), int.__index__(args[1])
    if pid == getpid() or number == 0 or (pid > 0 and is_child(pid)) or is_led_by_child(-pid):
        return None
    return f"pid {pid}"


def strange_group(args: tuple[Any, ...], kwargs: Any) -> str | None:
    group = int.__index__(args[0])
    return None if int.__index__(args[1]) == 0 or is_led_by_child(group) else f"group {group}"


# The library's own functions that fork to start a program. To forge these names gains a fork, which keeps its guards.
FORKERS = (("_spawnvef", STDLIB + "os.py"), ("_spawnvef", "<frozen os>"), ("spawn", STDLIB + "pty.py"))
PTY_FORK = ("fork", STDLIB + "pty.py")
BY_LIBRARY = "a program of the list"


def forked_by(args: tuple[Any, ...], kwargs: Any) -> str:
    """Empty for a fork of the program's own."""
    frame = calling_frame(CALLER_DEPTH)
    if frame is not None and code_name(frame) == PTY_FORK:
        frame = frame.f_back
    return "" if frame is None or code_name(frame) not in FORKERS else BY_LIBRARY


def code_name(frame: FrameType) -> tuple[str, str]:
    return exact_text(frame.f_code.co_name), exact_text(frame.f_code.co_filename)


def spawned(args: tuple[Any, ...], kwargs: Any) -> str:
    """os._spawnvef(mode, file, args, env, function), to which all of os.spawn* come."""
    return file_name(args[1]) or file_name(args[2][0])


def pty_spawned(args: tuple[Any, ...], kwargs: Any) -> str:
    """pty.spawn(argv)."""
    return file_name(args[0][0]) if type(args[0]) in SEQUENCE else file_name(args[0])


def file_name(program: object) -> str:
    """A program that no shell looks at, in full; empty for what is no text."""
    return exact_text(program) if is_a(program, TEXT_OR_BYTES) else ""


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


HANG_UP = 0x5437  # TIOCVHANGUP: root ends all that a terminal controls
TYPING_REQUESTS = frozenset({0x5412, 0x541C, 0x80017472, 0x80047472})  # TIOCSTI, TIOCLINUX; TIOCSTI on BSD and macOS


def typing_request(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """fcntl.ioctl(fd, request, argument): the kernel looks at the low 32 bits."""
    request = int.__index__(args[1]) & 0xFFFFFFFF
    if request in OWNER_REQUESTS:
        return "signal owner"
    if request == HANG_UP and IS_LINUX:
        return "hang up"
    return "terminal" if request in TYPING_REQUESTS else None


SURFACE = (
    GuardedCall(capability=START, audit=("import",), read=tcl, call="_tkinter", example="import _tkinter"),
    GuardedCall(capability=START, patch=("_tkinter:create",), read=tcl_made, call="_tkinter", final=True),
    GuardedCall(
        capability=START,
        audit=("subprocess.Popen",),
        read=popen_program,
        when=gives_none,
        example="import subprocess; subprocess.run(['true'])",
    ),
    GuardedCall(
        capability=START,
        audit=("os.system",),
        read=first_program,
        when=gives_none,
        example="import os; os.system('true')",
    ),
    GuardedCall(
        capability=START,
        audit=("os.exec", "os.posix_spawn"),
        read=first_program,
        when=gives_none,
        example="import os; os.execv('/bin/true', ['true'])",
    ),
    GuardedCall(
        capability=FORK,
        audit=("pty.spawn",),
        read=pty_spawned,
        example="import pty; pty.spawn(['true'])",
    ),
    GuardedCall(
        capability=START,
        audit=("os.startfile", "os.startfile/2"),
        read=first_program,
    ),
    GuardedCall(
        capability=START,
        audit=("os.spawn",),
        read=spawn_program,
        example="import os; os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    ),
    GuardedCall(
        capability=START,
        audit=("os.fork", "os.forkpty"),
        read=always,
        when=gives_none,
        example="import os; os.fork()",
    ),
    GuardedCall(
        capability=FORK,
        audit=("os.fork", "os.forkpty"),
        read=forked_by,
        when=gives_some,
        note="under `--allow-run`, the library's own `os.spawn*` and `pty.spawn` may fork for an allowed program",
    ),
    GuardedCall(
        capability=FORK,
        patch=("os:_spawnvef",),
        read=spawned,
        when=gives_some,
        call="os.spawn",
    ),
    GuardedCall(capability=START, audit=("_winapi.CreateProcess",), read=always, when=gives_none),
    GuardedCall(
        capability=START,
        patch=("_posixsubprocess:fork_exec", "subprocess:_fork_exec", "multiprocessing.util:spawnv_passfds"),
        read=first_program,
        call="_posixsubprocess.fork_exec",
        final=True,
        when=gives_none,
        example="import _posixsubprocess; _posixsubprocess.fork_exec([b'true'], [b'/bin/true'])",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("os.kill",),
        read=other_process,
        when=gives_none,
        example="import os; os.kill(os.getppid(), 19)",
    ),
    GuardedCall(
        capability=SIGNAL,
        audit=("os.killpg",),
        read=other_group,
        when=gives_none,
        example="import os; os.killpg(os.getpgid(os.getppid()), 18)",
    ),
    GuardedCall(capability=SIGNAL, audit=("os.kill",), read=strange_process, when=gives_some),
    GuardedCall(capability=SIGNAL, audit=("os.killpg",), read=strange_group, when=gives_some),
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
    # It finds a compiler missing, for which it is prepared, but makes a temporary file first, for which it is not.
    GuardedCall(
        capability=BROWSE,
        patch=("ctypes.util:_findLib_gcc",),
        when=gives_none,
        read=always,
        call="ctypes.util.find_library",
        door="browsers.no_compiler",
        late=True,
    ),
)


def make_rules(allow: Iterable[str] = (), interpreters: Iterable[str] = ()) -> Rules:
    """Rules from a list of programs. ValueError for what is no program, or more than the one it is named as.

    interpreters: what the scripts among them are run by, which comes with them and is not started for itself.
    """
    if not allow:
        return frozenset(), frozenset()
    from .permitted import looked_up, records  # what most runs do without

    starts: set[str] = set()
    known: set[str] = {looked_up(place)[2] for place in interpreters}
    for entry in allow:
        more, names = records(entry)
        starts.update(more)
        known.update(names)
    return frozenset(starts), frozenset(known)


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE)
