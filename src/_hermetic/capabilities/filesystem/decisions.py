"""What the rules say to a change or a read that a reader has described."""

from __future__ import annotations

import os as _os
from _frozen_importlib_external import FileFinder as _FileFinder
from errno import EACCES, ENOENT

from ...callers import CALLER_DEPTH, calling_frame, is_ours
from ...extract import TEXT_OR_BYTES, exact_text, is_a
from ...paths import is_folder, lexists, meant, open_folders
from .descriptors import O_RDONLY, may_reopen, named_descriptor, own_process
from .lists import (
    INTEGRITY,
    NO_READING,
    NO_READS,
    NOTHING_MORE,
    OPEN,
    OPTION,
    PRIVATE,
    ROOT,
    SOURCES,
    SUSPECT,
    change_refused,
    entry_for,
    entry_of_denied,
    is_readable,
    way_refused,
)
from .places import DATABASE, NOT_AT_ALL, TEMPORARY, UNKNOWN, shown
from .readable import OWN_PROCESS, SUFFIXES
from .remedies import temporary_remedy, write_remedy
from .told import ASKED, NAME, PATH
from .unannounced import CHANGE, WRITE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ...model import Denial
    from .lists import Rules

READ, LIST, REPLACE, NAMED = "filesystem.read", "filesystem.list", "filesystem.replace", "filesystem.named"
# C has asked a PathLike already, and may have heard something else: io.FileIO, which has no stand-in.
TEXT_REMEDY = "a path that is text (os.fspath(path)), or --fs-readonly without a root"
# What a stand-in is told that shall do in memory what would be done on disk; or the folder where it may be done.
IN_MEMORY = True
# No system tells more of a path, so no entry of a list names what lies there.
LONGEST = 4095
TOO_DEEP = "a working directory with a shorter path, which the system tells whole"
SEPARATOR = _os.sep


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    if capability in READINGS:
        # A read below the root, and of nothing like what is denied, is what this is asked most.
        real = target[1]
        plain = real is not None and len(target) == 2
        if plain and real.startswith(rules[OPEN]) and not real.startswith(rules[SUSPECT]):
            return None
        return decide_reading(rules, capability, target)
    if capability == REPLACE:
        return "", None, OPTION, "", rules[PRIVATE] or IN_MEMORY
    if capability == NAMED:
        path, root = shown(target[1], -1), rules[ROOT] is not None
        phrase = "read outside sandbox root" if root else "filesystem read denied"
        return f"{phrase}: {path}", path, OPTION if root else NO_READING, f"setting {target[0]} before the start"
    given, folder, places, moved, remedy = target[:5]
    refused = change_refused(rules, places, moved) or way_refused(rules, target)
    if refused is None:
        return None
    option, instead, place = refused
    path, place = named_place(capability, given, folder, place)
    if places and place in places[1:] and moved:
        path = place  # the other end
    if option != OPTION and (path.endswith(CACHE) or path.rpartition(SEPARATOR)[0].endswith(CACHE)):
        return "", None, option, "", PermissionError(EACCES, READ_ONLY, path)  # Python goes on without cached bytecode
    remedy = instead or remedy or (TOO_DEEP if places is None and len(path) > LONGEST else "")
    if remedy == NOT_AT_ALL and option != OPTION:
        remedy = NOTHING_MORE if option == INTEGRITY else f"running without --{option}"
    if not remedy:
        # A folder is never written to: who opens one to write makes a temporary file without a name.
        remedy = TEMPORARY if capability == WRITE and is_folder(path) else write_remedy(place or path)
    if remedy == DATABASE and place:
        remedy = f"{write_remedy(place)}, or {DATABASE}"
    if remedy == TEMPORARY:
        remedy = temporary_remedy(rules, place or path)
    if capability == WRITE:
        return f"filesystem readonly: {path}", path, option, remedy
    return f"filesystem mutation disabled: {call}({path})", path, option, remedy


def named_place(capability: str, given: object, folder: int, place: str) -> tuple[str, str]:
    """(how a message names what would change, where that is)."""
    if capability == CHANGE:
        return shown(given, folder), place
    path = asked_path(given, folder, CALLER_DEPTH + 2)
    # Of a path in a folder, only our own stand-in knows that folder: the event may have meant another.
    return path, place if given is ASKED[NAME] or path == shown(given, folder) else path


READINGS = (READ, LIST)
CACHE, READ_ONLY = SEPARATOR + "__pycache__", "filesystem readonly"


def decide_reading(rules: Rules, capability: str, target: Any) -> Denial | None:
    given, real = target[:2]
    entry = denied_entry(rules, given, real) or denied_way(rules, target)
    if entry is None and (rules[ROOT] is None or (real is not None and may_read(rules, capability, real))):
        return None
    if is_open_already(given):
        return None
    if real is not None and is_no_source(real):
        return "", None, OPTION, "", FileNotFoundError(ENOENT, "No such file or directory", real)
    path = asked_path(given, -1, CALLER_DEPTH + 2)
    if entry is not None:
        return f"filesystem read denied: {path}", path, NO_READING, f"leaving out --deny-read {entry}"
    remedy = f"--allow-read {entry_for(path)}" if is_a(given, TEXT_OR_BYTES) else TEXT_REMEDY
    return f"read outside sandbox root: {path}", path, OPTION, remedy


def is_no_source(real: str) -> bool:
    """Whether it is the name of code that has no file (``<string>``), and nothing lies there.

    To show a line of it, 3.10 looks along the whole of sys.path: nobody's act, and that it is missing is no secret.
    """
    name = real.rpartition(SEPARATOR)[2]
    return name.startswith("<") and name.endswith(">") and not lexists(real)


def may_read(rules: Rules, capability: str, real: str) -> bool:
    """Whether a root lets this be read."""
    return is_readable(rules, real) or is_source(rules[SOURCES], capability, real) or is_own_status(real)


def denied_entry(rules: Rules, given: object, real: str | None) -> str | None:
    """The entry of a deny list that what is read is, or lies below; None for none."""
    if real is not None:
        return entry_of_denied(rules, real)
    if not rules[NO_READS][0]:
        return None
    if not is_a(given, TEXT_OR_BYTES):
        return UNKNOWN
    # By a reference older than our stand-in: nobody says which folder a relative path begins at.
    ways: list[str] = []
    for place in (*meant(exact_text(given), open_folders(), True, ways), *ways):
        entry = entry_of_denied(rules, place)
        if entry is not None:
            return entry
    return None


def denied_way(rules: Rules, target: Any) -> str | None:
    """The entry of a deny list by which a link there lies that is followed, or the path as it is named."""
    for place in target[2] if len(target) > 2 else ():
        entry = entry_of_denied(rules, place)
        if entry is not None:
            return entry
    return None


def is_source(sources: tuple[str, ...], capability: str, real: str) -> bool:
    """Whether it is a module's file on the first sys.path; folders below are listed by the import system only."""
    if capability == READ:
        return real.startswith(sources) and real.endswith(SUFFIXES)
    if not (real + SEPARATOR).startswith(sources):
        return False
    frame = calling_frame(CALLER_DEPTH + 3)
    return frame is not None and frame.f_code is FILL_CACHE


# Whoever forges this code sees names of modules' neighbours, which the finder's own cache shows to anybody.
FILL_CACHE = _FileFinder._fill_cache.__code__  # type: ignore[attr-defined]  # importlib's private part


def is_own_status(real: str) -> bool:
    """Whether it is one of the harmless files below /proc that tell of this process."""
    if not real.startswith("/proc/"):
        return False
    own = own_process() + "/"
    return real.startswith(own) and real[len(own) :] in OWN_PROCESS


def is_open_already(given: object) -> bool:
    """Whether it names a descriptor that is open for reading."""
    number = named_descriptor(given) if is_a(given, TEXT_OR_BYTES) else None
    return number is not None and may_reopen(number, O_RDONLY)


def asked_path(given: object, folder: int, depth: int) -> str:
    """The path as the program named it: our own stand-in asks again, by a descriptor. depth: see ``calling_frame``."""
    if given is ASKED[NAME]:
        return shown(ASKED[PATH], -1)
    frame = calling_frame(depth)
    # Forged, these names change what the refusal says.
    if frame is not None and frame.f_code.co_name in STAND_INS and is_ours(exact_text(frame.f_code.co_filename)):
        names = frame.f_locals
        given, start = names.get("path"), names.get("folder")
        folder = start if type(start) is int else -1
    return shown(given, folder)


STAND_INS = frozenset(
    {
        *("open_told", "open_otherwise", "os_open_otherwise"),
        "made_new",  # to be seen where no frame is hidden
    }
)
