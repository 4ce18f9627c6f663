"""Layer 1: stand-ins for the calls that CPython does not announce.

Functions are replaced, objects are kept: whoever holds ``os.environ`` or a class
holds the guarded one. A module that is not loaded yet is patched when it is
loaded. Undoing checks identity first: someone may have patched on top of us;
their wrapper keeps ours, which is inert once no policy is active.
"""

from __future__ import annotations

import os
import sys

from ..model import PUBLIC, GuardedCall
from . import fresh
from .bind import HIDDEN, SHOWN, FunctionType, bind, takes_all
from .doors import dress, load_door
from .judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (holder, attribute, what it was, what it is now)
    Change: TypeAlias = tuple[Any, str, Any, Any]
    # (module, steps to the attribute, stand-in, box for the original or None)
    Pending: TypeAlias = tuple[str, tuple[str, ...], Any, list[Any] | None]


# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
AFTER: Any = None
CALL: Any = None
BOX: list[Any] = []
PENDING: tuple[Pending, ...] = ()
STAND_INS: tuple[Any, ...] = ()
JOURNAL: list[Change] | None = None
# C's class of sockets, once it is loaded, as it is where its methods are guarded.
SOCKET: Any = None
# See fresh.py.
LOADED = sys.modules

# By these the library asks what a function of os can do. A stand-in can what its original can: without it, shutil would
# leave the times of links alone, and walk a tree that it removes by names.
SYSTEM = id(os)
ABLE: Any = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)

BUILTIN = type(len)

# What an attribute was that its class only inherits: it is taken away again, not set.
INHERITED = object()


class Setting:
    """What one stand-in is made from: a patched name of a row, under one kind of judge.

    whole_process: the policy is never lifted, so originals that the rules never
    allow are dropped, and code is bound.
    """

    __slots__ = ("key", "row", "judge", "after", "memo", "whole_process", "box", "rules", "sealed")

    def __init__(
        self,
        key: str,
        row: GuardedCall,
        judge: Any,
        after: Any,
        memo: dict[Any, Any],
        whole_process: bool,
        rules: Any,
        sealed: bool,
    ) -> None:
        self.key, self.row, self.judge, self.after, self.memo = key, row, judge, after, memo
        self.whole_process, self.rules, self.sealed = whole_process, rules, sealed
        self.box: Any = []

    def bind(
        self, function: Any, filename: str | None = None, defaults: tuple[Any, ...] | None = None, **constants: Any
    ) -> Any:
        """The function's twin, with the names that every stand-in may use."""
        names = {"KEY": self.key, "JUDGE": self.judge, "AFTER": self.after, "BOX": self.box, **constants}
        if HIDDEN not in self.memo or not self.whole_process or defaults is not None or not holds_originals(function):
            return bind(function, names, self.memo, filename, PUBLIC, defaults)
        as_two = takes_all(function)  # where frames are hidden, code is bound
        call = bind(function, names, self.memo, filename, as_two=as_two)
        made = bind(hand_on if as_two else pass_on, {"CALL": call}, self.memo, filename, PUBLIC)
        made.__name__ = made.__qualname__ = function.__name__
        return made


# What a stand-in's code has by these names does, or tells, what is judged, without an event.
ORIGINALS = frozenset({"BOX", "REAL"})


def holds_originals(function: Any) -> bool:
    """Whether the code of this stand-in is not to be read. Where the guards look for its frame it shows nothing."""
    code = function.__code__
    return code.co_name not in SHOWN and not ORIGINALS.isdisjoint(code.co_names)


def pass_on(*args: Any, **kwargs: Any) -> Any:
    """What the program holds in place of code that has an original: of this anybody may read the constants."""
    return CALL(*args, **kwargs)


def hand_on(*args: Any, **kwargs: Any) -> Any:
    """The same for code that takes them as they are here."""
    return CALL(args, kwargs)


def check_then_call(*args: Any, **kwargs: Any) -> Any:
    """Stand-in for a call that the rules may allow."""
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    return BOX[0](*args, **kwargs) if kwargs else BOX[0](*args)


def check_call_remember(*args: Any, **kwargs: Any) -> Any:
    """The same, and what an allowed call returned is shown to the rules."""
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    result = BOX[0](*args, **kwargs) if kwargs else BOX[0](*args)
    AFTER(KEY, args, kwargs, result)
    return result


def refuse(*args: Any, **kwargs: Any) -> Any:
    """Stand-in for a call that the rules never allow; it needs no original."""
    raise refusal(JUDGE(KEY, args, kwargs))


def make_stand_in(setting: Setting) -> tuple[Any, list[Any] | None]:
    """(stand-in, box that wants the original or None), made before the original is known."""
    row = setting.row
    if row.door:
        # One for all names of a call: a module that hands a name on must not be given a stand-in for a stand-in.
        known = setting.memo.get(row.door)
        if known is None:
            known = setting.memo[row.door] = load_door(row.door)(setting, None), setting.box
        return known
    if row.final and setting.whole_process:
        return setting.bind(refuse), None
    return setting.bind(check_call_remember if row.after is not None else check_then_call), setting.box


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """``module:Class.attribute`` -> the module and the steps from there."""
    module, _, path = name.partition(":")
    return module, tuple(path.split("."))


# The stand-ins that wait for their modules, of every policy for the process and every installation of blocks, the
# oldest first. Modules hand names on, and each of these has its turn with a module more than once: who put a newer
# one's stand-in into the box of its own would have the two call each other for ever. No originals are in here.
STANDING: list[tuple[Any, ...]] = []


def is_patched(original: Any, at: int) -> bool:
    """Whether this is the stand-in of the row at this place, or a later row's or a newer policy's, which cover it."""
    for row in PENDING[at:]:
        if row[2] is original:
            return True
    newer = False
    for made in STANDING:
        if type(made) is not tuple:
            continue  # the program's own, whose code would run here, while the module has its originals
        if newer:
            for one in made:
                if one is original:
                    return True
        elif made is STAND_INS:
            newer = True
    return False


def is_shared(made: Any, before: tuple[Pending, ...]) -> bool:
    """Whether this stand-in is for a name of an earlier row, too."""
    for row in before:
        if row[2] is made:
            return True
    return False


def is_another(holder: Any, name: str) -> bool:
    """Whether somebody's own class, as gevent's, is in the place of the module's, which derives from C's: what rows
    know of that is wrong of it, and what it does by sockets of C's is announced."""
    return name == "socket" and SOCKET is not None and type(holder) is type and SOCKET not in holder.__mro__


def put(holder: Any, name: str, old: Any, new: Any) -> None:
    """Rebind an attribute."""
    setattr(holder, name, new)
    if id(holder) == SYSTEM:
        is_able(old, new)


def is_able(old: Any, new: Any) -> None:
    """What the library knows of a function of os, it is to know of its stand-in."""
    for able in ABLE:
        try:
            if old in able:
                able.add(new)
        except TypeError:
            pass  # somebody's own, which no set can hold


def forget(original: Any) -> None:
    """What is not kept by its stand-in, where it could be found, is not found there either."""
    for able in ABLE:
        try:
            able.discard(original)
        except TypeError:
            pass  # as above


def apply_pending(name: str, module: Any) -> None:
    """A module has been loaded (again): patch what the rows name in it."""
    for at, (wanted, path, made, box) in enumerate(PENDING):
        if wanted == name:
            holder = module
            for step in path[:-1]:
                holder = getattr(holder, step, None)
            original = getattr(holder, path[-1], None)
            if original is None or is_patched(original, at) or is_another(holder, name):
                continue
            if box is not None:
                if box and type(original) is FunctionType and type(box[0]) is BUILTIN and is_shared(made, PENDING[:at]):
                    continue  # the program's own, as gevent has: for C's, which it asks, the stand-in is there already
                box[:] = [original]
            dress(made, original)
            if not path[1:] and type(made) is FunctionType:
                # The module that the original names may have another stand-in: os hands on what posix has.
                made.__module__ = name
            own = path[-1] in holder.__dict__
            try:
                put(holder, path[-1], original, made)
                if box is None:
                    forget(original)
            except TypeError:
                continue  # a class of C's in the place of the module's own: a reload failed before it came to that
            if JOURNAL is not None:
                JOURNAL.append((holder, path[-1], original if own else INHERITED, made))


def install_now(pending: tuple[Pending, ...], apply: Any, unloaded: dict[str, Any]) -> None:
    """Patch what is loaded already, and what has been made without being loaded."""
    for name in dict.fromkeys([row[0] for row in pending]):
        module = sys.modules.get(name) or unloaded.get(name)
        if module is not None:
            apply(name, module)


def door_changes(settings: list[tuple[str, Setting]]) -> list[Change]:
    """What the rows with a door of their own rebind; their modules are loaded here if need be."""
    changes: list[Change] = []
    for name, setting in settings:
        module, path = split(name)
        try:
            holder: Any = __import__(module)
        except ImportError:
            continue  # another system's
        for step in path[:-1]:
            holder = getattr(holder, step)
        original = getattr(holder, path[-1], None)
        if original is None:
            continue
        setting.box[:] = [original]
        made = load_door(setting.row.door)(setting, original)
        if made is not None:
            if type(made) is FunctionType:  # a class or a method has names of its own
                dress(made, original)
            changes.append((holder, path[-1], original, made))
    return changes


# --- the import system's own doors, so that late modules are patched too ---


def load_unlocked(spec: Any) -> Any:
    """Stand-in for ``importlib._bootstrap._load_unlocked``: every module that is loaded by name passes here."""
    name = spec.name
    before = LOADED.get(name)
    try:
        module = BOX[0](spec)
        AFTER(name, module)
    except BaseException:
        if name in LOADED and LOADED[name] is not before:
            del LOADED[name]
        raise
    return module


def exec_again(spec: Any, module: Any) -> Any:
    """Stand-in for ``importlib._bootstrap._exec``: reloads. One that fails half-way has brought originals back too."""
    name = spec.name
    try:
        result = BOX[0](spec, module)
        AFTER(name, result)
    except BaseException:
        AFTER(name, module)
        raise
    return result


LOADERS = (
    ("_frozen_importlib", "_load_unlocked", load_unlocked),
    ("_frozen_importlib", "_exec", exec_again),
    ("_imp", "create_dynamic", fresh.create_dynamic),
    ("_imp", "exec_dynamic", fresh.exec_dynamic),
    ("_imp", "create_builtin", fresh.create_builtin),
)
