"""A run in another interpreter: both ends of the journey.

The words of the command line carry everything: ``INTERPRETER [its options] entry.py
MESSAGE NAME ARGUMENTS...``; a list of processes still shows what is run.
"""

from __future__ import annotations

import os
import sys

from .. import load_for
from ..capabilities import load_family
from ..errors import BootstrapError, HermeticError, PolicyViolation
from ..message import ENTRY, described, families, head_of, message, opened, unpacked
from ..pristine import IS_WINDOWS
from ..programs.commandline import INFORMS, UNKNOWN, has_flag, meaning
from ..programs.executables import INTERPRETER, followed, program_kind, recognise, start_of
from ..programs.target import SCRIPT, STDIN, Options, Target
from ..startup.early import NOTHING, held_back

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from ..startup.early import Kept
    from ..startup.late import StartUp

# Windows has no exec: the exit status for an executable that does not exist.
NOT_FOUND = 127


# The last line of the entry: what lacks it is cut off, and would run nothing and say nothing.
LAST_LINE = b"sys.exit(CODE)\n"


def words(target: Target, held: tuple[bytes, ...], options: Options, kept: Kept) -> list[str]:
    """The words after the interpreter's options. BootstrapError when what they start is not whole.

    kept: what ``early`` held back of the options.
    """
    if not is_whole():
        raise BootstrapError(f"{ENTRY} is damaged; hermetic has to be installed again")
    head: tuple[str | None, ...] | None = None
    if target.orig_argv is not None:
        head = head_of(target.name, tuple(target.orig_argv), tuple(target.argv[1:]))
    fields = (target.kind, target.attr, target.argv[0], head, target.executable, kept)
    return [ENTRY, message(held, options.fields(), fields), target.name, *target.argv[1:]]


def is_whole() -> bool:
    """Whether the entry can be read to its end."""
    try:
        return start_of(ENTRY, 1 << 16).endswith(LAST_LINE)
    except OSError:
        return False


def hand_over(interpreter: str, command: list[str], environment: dict[str, str]) -> int:
    """Replace this process by a command, or where there is no exec, wait for it and return its status.

    HermeticError when the system does not start it.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    try:
        if IS_WINDOWS:
            return wait_for(interpreter, command, environment)
        os.execve(interpreter, command, environment)
    except OSError as error:
        raise HermeticError(f"cannot start {interpreter}: {error.strerror}") from error


def wait_for(interpreter: str, command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end and return its status; Ctrl-C is the command's."""
    import subprocess  # only where there is no exec

    try:
        process = subprocess.Popen([interpreter, *command[1:]], env=environment)
    except FileNotFoundError:
        sys.stderr.write(f"hermetic: error: the interpreter {interpreter} does not exist\n")
        return NOT_FOUND
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


# What run_carried is to run first: see startup/late.py.
START_UP: list[StartUp | None] = []


def kept_in(text: str) -> Kept:
    """What the sender of a message held back; nothing where ``unpacked`` will say what is wrong with it."""
    try:
        fields = opened(text)[2]
    except BootstrapError:
        return NOTHING
    return fields[5] if type(fields) is tuple and len(fields) == 6 else NOTHING


def load_guards(text: str) -> None:
    """Load all that a message's run needs, before anything of the run happens; start-up files are only looked at."""
    from ..startup.late import take_back  # the sending end needs none of it

    START_UP[:] = [take_back(kept_in(text))]
    names, confines = families(text)
    load_for(names, confines)
    for guard in names:
        load_family(guard)
    from . import run as _run  # noqa: F401  # as above


def run_carried(text: str, name: str, arguments: list[str]) -> int:
    """The other end: read the words, run the target."""
    from .run import run_main  # as above
    from .status import say

    try:
        policies, options, fields = unpacked(text)
        kind, attr, first, head, executable, _ = fields
        if kind == SCRIPT:
            kind = program_kind(name)
        original = None if head is None else [name if word is None else word for word in head] + arguments
        target = Target(
            kind=kind,
            name=name,
            attr=attr,
            argv=[first, *arguments],
            orig_argv=original,
            executable=executable,
            second_line=has_flag(meaning(tuple(sys.orig_argv[1:]))[2], "x"),  # no other trace is left of it
        )
        return run_main(target, policies, options, *START_UP)
    except PolicyViolation:
        raise
    except HermeticError as error:
        say(f"hermetic: error: {error}\n")
        return 1


def start_again(text: str) -> None:
    """Start this interpreter's program anew by the entry, under the policies of a message.

    For a program that found them in its variables, before any of its own code. Where there is no program, as
    in a session at a terminal, or no interpreter of its own, as in a program that embeds Python, the guards start here.
    """
    held, options, _ = opened(text)
    if not held:
        return
    kind, name, flags, rest = meaning(tuple(sys.orig_argv[1:]))
    if kind in (INFORMS, UNKNOWN) or is_session(kind, name) or not is_own_interpreter():
        from ..start import start_policies

        policies, known, _ = unpacked(text)
        start_policies(
            policies, known.strict, known.reports, kernel=(known.held, known.kernel == "require"), since=known.since
        )
        return
    flags, kept, variables = held_back(flags, os.environ.items())
    fields = described(kind, name, tuple(sys.orig_argv), rest, kept)
    command = [sys.orig_argv[0], *flags, ENTRY, message(held, options, fields), name, *rest]
    sys.exit(hand_over(sys.executable, command, dict(variables)))


def is_session(kind: str, name: str) -> bool:
    """Whether somebody is going to type the program."""
    return kind == STDIN and not name and sys.stdin is not None and sys.stdin.isatty()


def is_own_interpreter() -> bool:
    """Whether this process is what ``sys.executable`` says, and nothing that embeds Python."""
    if not sys.executable or not sys.orig_argv or recognise(sys.executable)[0] != INTERPRETER:
        return False
    running = followed("/proc/self/exe")
    return not running.startswith("/proc/") and os.path.samefile(running, sys.executable)
