"""Lists of paths: what is given back at or below a path, and what stays denied whatever gives it back.

Every entry is resolved once, at the start. An entry of a deny list counts by both its names, as it was
given and with its links followed; what is judged has its links followed, so a name alone gives nothing.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from ...extract import exact_text
from ...paths import NO_PATHS, REMOVED, absolute, at_home, entry_above, folders_above, held, is_folder, lexists, resolve
from .descriptors import DEVICES, STANDARD
from .readable import SUFFIXES, path_entries

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    # See the indices below.
    Rules: TypeAlias = tuple[Any, ...]
    # (option that refuses, what would allow it or empty where an entry for the place would, the place or empty)
    Refused: TypeAlias = "tuple[str, str, str] | None"

OPTION, NO_READING, NO_WRITING, INTEGRITY = "fs-readonly", "deny-read", "deny-write", "integrity"
# Rules, as `make_rules` and `prepare` make them: the root or None; beginnings of paths below which all is readable,
# unless a list denies it; single readable paths; beginnings below which modules are; whether writing is taken away;
# lists of paths, see `held`; folders that may not be moved; (folders of packages, folders of modules), whose start-up
# files need an entry of their own; how all paths begin whose reading is denied; and the temporary folder of this run
# alone, or None.
ROOT, OPEN, SINGLE, SOURCES, READONLY, READS, WRITES, NO_READS, NO_WRITES, PROTECTED = range(10)
ABOVE, STARTUP, SUSPECT, PRIVATE = range(10, 14)
EVERYWHERE, NOWHERE = ("",), "\0"  # how every path begins, and how none does
NOTHING_MORE = "nothing: what the policy itself rests on cannot be written"
ENDED = "nothing: the temporary folder of a run is made once, and removed at its end"
BENEATH = "leaving it where it is: what may not be changed lies below it"
STARTUP_MODULES = ("sitecustomize", "usercustomize")
PREFIX_FILE = "pyvenv.cfg"
# Below /proc/PID, and of no use to a program that only reads files.
SECRETS = ("environ", "mem")


# --- decisions ---


def change_refused(rules: Rules, places: tuple[str, ...] | None, moved: tuple[str, ...]) -> Refused:
    """Why this may not be changed, or None. places: real paths, None when nobody can tell; moved: those among them
    that go elsewhere, or get a second name.
    """
    option = OPTION if rules[READONLY] else NO_WRITING
    if places is None:
        # What nobody can judge is refused for whatever there is to protect.
        taken = taken_options(rules)
        return taken[0] if taken else INTEGRITY, "", ""
    for place in places:
        found = write_refused(rules, place)
        if found is not None:
            return found
        if moved and (place in ABOVE_TRUSTED or entry_above(place, TRUSTED) is not None):
            return INTEGRITY, NOTHING_MORE, place
    if moved and places[-1] in rules[ABOVE]:
        return option, BENEATH, places[-1]
    for place in moved:
        if place == NOWHERE:
            continue
        entry = entry_of_denied(rules, place)
        if entry is not None:
            return NO_READING, f"leaving out --deny-read {entry}", place
        if place in rules[ABOVE]:
            return option, BENEATH, place
        if rules[ROOT] is not None and shows_more(rules, place, places[-1]):
            return OPTION, f"--allow-read {place}", place
    return None


def way_refused(rules: Rules, target: tuple[Any, ...]) -> Refused:
    """The same for the ways to what is changed: nothing is changed there, and what is denied is no way."""
    for place in target[5] if len(target) > 5 else ():
        found = denied_there(rules, place)
        if found is not None:
            return found
    return None


def denied_there(rules: Rules, place: str) -> Refused:
    """Why a deny list lets nothing be changed at this place or by way of it, or None."""
    entry = entry_above(place, rules[NO_WRITES])
    return None if entry is None else (NO_WRITING, f"leaving out --deny-write {entry}", place)


def write_refused(rules: Rules, place: str) -> Refused:
    """Why this real path may not be changed, or None."""
    # Most of these are empty, which is seen faster here than there.
    if rules[PROTECTED][0] and entry_above(place, rules[PROTECTED]) is not None:
        return INTEGRITY, NOTHING_MORE, place
    found = denied_there(rules, place) if rules[NO_WRITES][0] else None
    if found is not None or not rules[READONLY]:
        return found
    if entry_above(place, rules[WRITES]) is None:
        return OPTION, "", place
    if place == rules[PRIVATE] and not is_folder(place):
        return OPTION, ENDED, place
    if place not in rules[WRITES][0] and is_startup_file(rules[STARTUP], place):
        return OPTION, f"--allow-write {entry_for(place)}", place
    return None


def is_readable(rules: Rules, real: str) -> bool:
    """Whether a root, or what is given back beside it, lets this be read."""
    if real.startswith(rules[OPEN]) or real in rules[SINGLE]:
        return True
    entry = entry_above(real, rules[READS])
    if entry is None:
        return False
    return entry == real or not (real.startswith("/proc/") and real.endswith(SECRETS))


def shows_more(rules: Rules, before: str, after: str) -> bool:
    """Whether what is moved from one real path to another can be read there, or something in it, and not before."""
    if is_readable(rules, before):
        return False
    if is_readable(rules, after):
        return True
    inside = after + SEPARATOR
    for entry in (*rules[OPEN], *rules[SINGLE], *rules[READS][0], *rules[SOURCES]):
        if entry.startswith(inside):
            return is_folder(before)  # which may have something of that name
    if not inside.startswith(rules[SOURCES]):
        return False
    was_source = before.startswith(rules[SOURCES])
    if after.endswith(SUFFIXES) and not (was_source and before.endswith(SUFFIXES)):
        return True
    return not was_source and is_folder(before)


def is_startup_file(folders: tuple[frozenset[str], frozenset[str]], place: str) -> bool:
    """Whether the running interpreter executes this at its next start, or lets it say where modules are."""
    if "pth" not in place and "customize" not in place and PREFIX_FILE not in place:
        return False  # as most
    folder, _, last = place.rpartition(SEPARATOR)
    if last.endswith((".pth", "._pth")):
        return folder in folders[0]
    if last == PREFIX_FILE:
        return folder + SEPARATOR in PREFIXES
    if last.partition(".")[0] not in STARTUP_MODULES:
        return False
    return folder in folders[1] or folder.removesuffix(CACHE) in folders[1]


# What is known by its name, so that no link may stand there: devices that keep nothing, and what names descriptors.
TRUSTED = held([*DEVICES, "/dev/fd", *[name for name, _ in STANDARD]])
ABOVE_TRUSTED = folders_above(TRUSTED[0])
SEPARATOR = _os.sep
CACHE = _os.sep + "__pycache__"
PREFIXES = frozenset([_os.path.join(prefix, "") for prefix in (_sys.prefix, resolve(_sys.prefix))])


def has_lists(rules: Rules) -> bool:
    """Whether some writes are allowed and others not, so that each is judged by where it leads."""
    return not rules[READONLY] or rules[WRITES] != NO_PATHS


def taken_options(rules: Rules) -> tuple[str, ...]:
    """The options that restrict files; none where only what the policy itself rests on is protected."""
    asked = (rules[READONLY], OPTION), (rules[NO_READS][0], NO_READING), (rules[NO_WRITES][0], NO_WRITING)
    return tuple([option for given, option in asked if given])


def is_readonly(rules: Rules) -> bool:
    return bool(rules[READONLY])


def has_no_folder(rules: Rules) -> bool:
    """Whether there is nowhere to put a temporary file, so that memory has to do."""
    return bool(rules[READONLY]) and rules[PRIVATE] is None


def has_no_lists(rules: Rules) -> bool:
    return not has_lists(rules)


def judges_reads(rules: Rules) -> bool:
    """Whether some reads are not allowed."""
    return rules[ROOT] is not None or rules[NO_READS] != NO_PATHS


def denies_writes(rules: Rules) -> bool:
    return bool(rules[NO_READS][0] or rules[NO_WRITES][0])


# --- rules ---


def make_rules(
    root: Any = None,
    readonly: bool = True,
    allow_read: Iterable[Any] = (),
    allow_write: Iterable[Any] = (),
    deny_read: Iterable[Any] = (),
    deny_write: Iterable[Any] = (),
    protected: Iterable[Any] = (),
    private_tmp: str | None = None,
) -> Rules:
    """Rules from settings. ValueError for a root that does not exist and for what is no path.

    root: reads must lie at or below it, or at or below one of allow_read. readonly: writes must lie
    at or below one of allow_write. deny_read, deny_write: refused there all the same; protected: as
    deny_write, and no option gives it back. private_tmp: a folder that is there for this run alone.
    """
    private = () if private_tmp is None else (resolve(private_tmp),)
    real = None
    if root is not None:
        path = at_home(_os.fsdecode(root))
        if not path or not _os.path.exists(path):
            raise ValueError(f"the root {path!r} does not exist")
        real = resolve(path)
    return (
        real,
        *((), frozenset(), ()),
        bool(readonly),
        held([*private, *(where(path) for path in map(path_named, allow_read))]),
        held([*private, *(where(path) for path in map(path_named, allow_write))]),
        *(held([name for path in map(path_named, given) for name in both(path)]) for given in (deny_read, deny_write)),
        held([name for path in protected for name in both(_os.fsdecode(path))]),
        *(frozenset(), NO_FOLDERS, NOWHERE, private[0] if private else None),
    )


def protecting(rules: Rules | None, paths: Iterable[str]) -> Rules:
    """These rules, or ones that restrict nothing, with more paths on which the policy itself rests."""
    if rules is None:
        rules = make_rules(readonly=False)
    more = held([*rules[PROTECTED][0], *[name for path in paths for name in both(path)]])
    return (*rules[:PROTECTED], more, *rules[PROTECTED + 1 :])


NO_FOLDERS: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


def both(path: str) -> tuple[str, str]:
    """The names of a denied path: as it is given, and with its links followed."""
    return absolute(path), where(path)


def where(path: str) -> str:
    """Where an entry leads. ValueError where it leads nowhere."""
    try:
        return resolve(path)
    except OSError as error:
        raise ValueError(f"{path!r} leads nowhere: {error.strerror}") from None


PATTERN = frozenset("*?[]{},$")


def entry_for(place: str) -> str:
    """The entry that would give this path back: itself, or where its name would be taken for a pattern, its folder."""
    while misunderstood(place):
        place = place.rpartition(SEPARATOR)[0] or SEPARATOR
    return place


def path_named(entry: Any) -> str:
    """The path that an entry names. ValueError for what could be meant in another way: it is never guessed."""
    path = exact_text(_os.fsdecode(entry))
    if not path or "\0" in path:
        raise ValueError(f"{path!r} is not a path")
    path = at_home(path)
    meant = misunderstood(path)
    if meant:
        raise ValueError(f"{path!r} does not exist, and {meant} are not understood: one path each")
    return path


def misunderstood(path: str) -> str:
    """What a path was meant to be whose last parts are not there, and look like no names; else empty."""
    if PATTERN.isdisjoint(path) and "://" not in path:
        return ""
    missing, there = "", path
    while there and not lexists(there):
        there, slash, last = there.rpartition(SEPARATOR)
        missing = slash + last + missing
    if PATTERN.isdisjoint(missing):
        return "URLs" if "://" in missing else ""
    return "patterns and lists" if "$" not in missing else "variables"


def prepared(rules: Rules, beginnings: tuple[str, ...], single: frozenset[str], sources: tuple[str, ...]) -> Rules:
    """Add what stays readable under a root, and what may not be moved. See ``readable``."""
    entries = path_entries()
    packages = [entry for entry in entries if entry.rpartition(_os.sep)[2] in ("site-packages", "dist-packages")]
    folders = (frozenset(packages), frozenset(entries)) if has_lists(rules) else NO_FOLDERS
    above = folders_above([*rules[NO_READS][0], *rules[NO_WRITES][0], *rules[PROTECTED][0]])
    if rules[READONLY]:
        above |= folders[0] | folders[1] | folders_above(folders[0] | folders[1])
    denied = list(rules[NO_READS][0])
    suspect = _os.path.commonprefix(denied) if denied else NOWHERE  # noqa: RUF071  # by letters, as startswith asks
    kept = (*rules[READONLY:NO_READS], held([*denied, *map(once_removed, denied)]), *rules[NO_WRITES:ABOVE])
    return rules[ROOT], beginnings, single, sources, *kept, above, folders, suspect, rules[PRIVATE]


def once_removed(entry: str) -> str:
    """How /proc names what was there when its handle was taken, and has been removed: a handle still reads it."""
    return entry + REMOVED if entry else entry


def entry_of_denied(rules: Rules, real: str) -> str | None:
    """The entry of the list of denied reads, as it was given, that a real path is, or lies below; None for none."""
    entry = entry_above(real, rules[NO_READS])
    if entry is None:
        return None
    meant = entry.removesuffix(REMOVED)
    return meant if meant in rules[NO_READS][0] else entry
