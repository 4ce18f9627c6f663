"""What a handle tells: the real path of what our stand-ins open by it, which is what most openings are judged by.

A handle has a name below /proc, and C opens that. Whoever opens such a name is judged by where it leads; the
stand-ins also say what they were asked for, so that the links on the way there count.
"""

from __future__ import annotations

from ...paths import FIRST_NAMES, REMOVED, entry_above, is_number, names_itself
from ...pristine import readlink
from .descriptors import ACCESS, O_WRONLY, path_text, read_place
from .lists import NO_READS, OPEN, ROOT, SUSPECT, write_refused

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .lists import Rules

# What our stand-in opens by a handle: the handle's name, the path that was asked for, whether the ways there count, and
# the name again once a reader has seen it. Forged, it changes what a refusal says; a stand-in rests on it only where
# there is one thread and no seal, for the ways.
ASKED: list[Any] = [None, None, False, None]
NAME, PATH, WAYS, SEEN = range(4)
NO_WAYS: tuple[str, ...] = ()


def ways_to(name: str, real: str) -> Any:
    """The links that our stand-in followed to what it opens by this name, as ``resolve_by`` collects them."""
    if name is not ASKED[NAME]:
        return NO_WAYS
    asked = ASKED[PATH]
    ASKED[SEEN] = name
    if not ASKED[WAYS] or asked == real:
        return NO_WAYS
    text = path_text(asked)
    if names_itself(text, real):
        return NO_WAYS
    ways: list[str] = []
    try:
        read_place(text, None, ways)
    except OSError:
        pass  # the links are others by now
    return ways


def is_told(path: str, frame: Any) -> bool:
    """Whether no link is on the way of a path, as what is open can tell.

    frame: our stand-in's, in which a finalizer may run that opens what it likes.
    """
    name = frame.f_locals.get("handle")
    try:
        return type(name) is str and is_number(name) and not path.endswith(REMOVED) and readlink(name) == path
    except OSError:
        return False


def plainly_told(path: object) -> str:
    """Where the name of a descriptor leads; empty for any other path, and where the ways there must be looked at.
    OSError.
    """
    if type(path) is not str or not (path in FIRST_NAMES or is_number(path)):
        return ""
    real = readlink(path)
    if path is ASKED[NAME]:
        ASKED[SEEN] = path
        if ASKED[PATH] != real and ways_to(path, real):
            return ""
    return real


def may_be_read(rules: Rules, args: tuple[Any, ...]) -> bool:
    """Whether open(path, mode, flags) reads nothing, or by the name of a descriptor what all may read. OSError."""
    path, _, flags = args
    if flags & ACCESS == O_WRONLY:
        return True
    real = plainly_told(path)
    if not real:
        return False
    if rules[ROOT] is not None and not real.startswith(rules[OPEN]):
        return False
    # A search costs a third of ``startswith``, and most find nothing.
    return rules[SUSPECT] not in real or entry_above(real, rules[NO_READS]) is None


def may_be_written(rules: Rules, args: tuple[Any, ...]) -> bool:
    """The same for writing."""
    real = plainly_told(args[0])
    return real[:1] == "/" and write_refused(rules, real) is None
