"""A run handed over to a freshly started interpreter: what travels, and both ends of the journey.

The message is marshal data of version 2, which every CPython reads, in a pipe:
nothing is left behind on a disk and nothing is seen in the environment.
"""

from __future__ import annotations

import os
import sys

from . import VERSION
from .errors import BootstrapError, HermeticError, PolicyViolation
from .policy import Request
from .pristine import close_fd, native
from .target import Options, Target

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

MESSAGE_LIMIT = 1 << 16  # what a pipe takes without a reader
ENTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.py")


def packed(target: Target, request: Request | None, options: Options) -> bytes:
    """The message; BootstrapError when it would not fit into a pipe."""
    import marshal

    message: dict[str, Any] = {
        "version": VERSION,
        "target": {name: getattr(target, name) for name in target.__slots__},
        "request": None if request is None else request.to_plain(),
        "options": [options.strict, list(options.keep_fds)],
    }
    data = marshal.dumps(message, 2)
    if len(data) > MESSAGE_LIMIT:
        raise BootstrapError("the policy and the command line are too long to be handed over")
    return data


def hand_over(
    interpreter: str,
    flags: list[str],
    target: Target,
    request: Request | None,
    options: Options,
    environment: dict[str, str],
) -> None:
    """Replace this process by the interpreter that will run the target. Does not return."""
    data = packed(target, request, options)
    reader, writer = native.pipe()
    native.set_inheritable(reader, True)
    native.write(writer, data)
    close_fd(writer)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(interpreter, [interpreter, *flags, ENTRY, str(reader)], environment)


def run_carried(descriptor: int) -> int:
    """The other end: read the message, run the target."""
    import marshal

    from .run import run_main  # the sending end needs none of it
    from .status import say

    chunks = []
    while chunk := native.read(descriptor, MESSAGE_LIMIT):
        chunks.append(chunk)
    close_fd(descriptor)
    message = marshal.loads(b"".join(chunks))
    if message["version"] != VERSION:
        raise BootstrapError(f"hermetic {message['version']} started the core of {VERSION}")
    policy = None if message["request"] is None else Request(**message["request"]).policy()
    strict, keep = message["options"]
    target = Target(**message["target"])
    try:
        return run_main(target, policy, Options(strict=strict, keep_fds=tuple(keep)))
    except PolicyViolation:
        raise
    except HermeticError as error:
        say(f"hermetic: error: {error}\n")
        return 1
