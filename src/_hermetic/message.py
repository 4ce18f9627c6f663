"""What travels to a child or another interpreter: text, in one word of a command line or one variable.

Nothing is left behind on a disk, and nothing can be changed on the way by whoever
shares descriptors with this process.
"""

from __future__ import annotations

import os
from marshal import dumps, loads

from . import VERSION
from .errors import BootstrapError
from .policy import MARSHAL_VERSION, carried, family_names
from .programs.target import CODE, MODULE, OFF, Options

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .policy import Policy
    from .startup.early import Kept

# The system's limit for one word is 128 KiB on Linux; two digits stand for a byte.
MESSAGE_LIMIT = 1 << 16
ENTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.py")


def message(held: tuple[bytes, ...], options: tuple[Any, ...], target: tuple[Any, ...] | None) -> str:
    """The text. BootstrapError when it is too long.

    held: policies by ``policy.carry``, the outermost first. options: the fields of ``Options``. target: (kind, attr,
    argv[0], the words before the arguments or None, executable, what ``early`` held back), None where the words are
    still to be read. Of the words before the arguments, those that are the target's name are None: it may be a whole
    program, and travels once.
    """
    data = dumps((VERSION, held, options, target), MARSHAL_VERSION)
    if len(data) > MESSAGE_LIMIT:
        raise BootstrapError("the policy is too long to be handed over")
    return bytes.hex(data)


# sys.argv[0] of what is no file.
FIRST = {MODULE: "-m", CODE: "-c"}


def described(kind: str, name: str, words: tuple[str, ...], rest: tuple[str, ...], kept: Kept) -> tuple[Any, ...]:
    """The target's fields, from the words of a command line and those of them that are its arguments."""
    return kind, "", FIRST.get(kind, name), head_of(name, words, rest), None, kept


def head_of(name: str, words: tuple[str, ...], rest: tuple[str, ...]) -> tuple[str | None, ...]:
    """The words before the arguments, without the name."""
    return tuple([None if word == name else word for word in words[: len(words) - len(rest)]])


def opened(text: str) -> tuple[tuple[bytes, ...], tuple[Any, ...], Any]:
    """What ``message`` was given. BootstrapError for what is no message, or another version's."""
    try:
        version, held, options, target = loads(bytes.fromhex(text))
    except (ValueError, EOFError, TypeError) as error:
        raise BootstrapError(f"what was handed over cannot be read: {error}") from None
    if version != VERSION:
        raise BootstrapError(f"hermetic {version} started the core of {VERSION}")
    return held, options, target


def families(text: str) -> tuple[set[str], bool]:
    """(the families that a message restricts, whether the kernel is to hold them); nothing of a broken message.

    ``unpacked`` will say what is wrong with that one.
    """
    try:
        held, options, _ = opened(text)
    except BootstrapError:
        return set(), False
    known = Options(**dict(zip(Options.__slots__, options)))
    return {guard for policy in held for guard in family_names(policy)}, known.kernel != OFF and not known.child


def unpacked(text: str) -> tuple[tuple[Policy, ...], Options, Any]:
    """(policies, options, target) of a message. BootstrapError for what is none."""
    held, options, target = opened(text)
    return tuple(carried(policy) for policy in held), Options(**dict(zip(Options.__slots__, options))), target
