"""A run in another interpreter: what travels, and both ends of the journey.

The words of the command line carry everything: ``INTERPRETER [its options] entry.py
MESSAGE NAME ARGUMENTS...``. Nothing is left behind on a disk, nothing can be changed
on the way by whoever shares descriptors or variables with this process, and a list
of processes still shows what is run.
"""

from __future__ import annotations

import marshal
import os
import sys

from . import VERSION
from .errors import BootstrapError, HermeticError, PolicyViolation
from .policy import MARSHAL_VERSION, carried
from .pristine import IS_WINDOWS
from .target import Options, Target

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# The system's limit for one word is 128 KiB on Linux; two digits stand for a byte.
MESSAGE_LIMIT = 1 << 16
ENTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.py")
# Windows has no exec: the exit status for an executable that does not exist.
NOT_FOUND = 127


def message(held: tuple[bytes, ...], options: tuple[Any, ...], target: tuple[Any, ...] | None) -> str:
    """The text that one word or variable carries. held: policies by ``policy.carry``, the outermost first.

    options: the fields of ``Options``. target: (kind, attr, argv[0], head, executable), see ``words``. BootstrapError
    when it is too long.
    """
    data = marshal.dumps((VERSION, held, options, target), MARSHAL_VERSION)
    if len(data) > MESSAGE_LIMIT:
        raise BootstrapError("the policy is too long to be handed over")
    return bytes.hex(data)


def words(target: Target, held: tuple[bytes, ...], options: Options) -> list[str]:
    """The words after the interpreter's options."""
    head = None
    if target.orig_argv is not None:
        # What comes before the arguments; the name, which may be a whole program, is in the words already.
        cut = len(target.orig_argv) - len(target.argv) + 1
        head = tuple(None if word == target.name else word for word in target.orig_argv[:cut])
    fields = (target.kind, target.attr, target.argv[0], head, target.executable)
    return [ENTRY, message(held, options.fields(), fields), target.name, *target.argv[1:]]


def unpacked(text: str) -> tuple[Any, ...]:
    """(policies, options, target's fields) of a message. BootstrapError for what is none."""
    try:
        version, held, options, target = marshal.loads(bytes.fromhex(text))
    except (ValueError, EOFError, TypeError) as error:
        raise BootstrapError(f"what was handed over cannot be read: {error}") from None
    if version != VERSION:
        raise BootstrapError(f"hermetic {version} started the core of {VERSION}")
    return tuple(carried(policy) for policy in held), Options(**dict(zip(Options.__slots__, options))), target


def hand_over(interpreter: str, command: list[str], environment: dict[str, str]) -> int:
    """Replace this process by a command, or where there is no exec, wait for it and return its status."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if IS_WINDOWS:
        return wait_for(interpreter, command, environment)
    os.execve(interpreter, command, environment)


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


def run_carried(text: str, name: str, arguments: list[str]) -> int:
    """The other end: read the words, run the target."""
    from .run import run_main  # the sending end needs none of it
    from .status import say

    try:
        policies, options, fields = unpacked(text)
        kind, attr, first, head, executable = fields
        original = None if head is None else [name if word is None else word for word in head] + arguments
        target = Target(
            kind=kind, name=name, attr=attr, argv=[first, *arguments], orig_argv=original, executable=executable
        )
        return run_main(target, policies, options)
    except PolicyViolation:
        raise
    except HermeticError as error:
        say(f"hermetic: error: {error}\n")
        return 1
