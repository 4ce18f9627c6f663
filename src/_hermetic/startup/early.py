"""What an interpreter loads before its first program: kept from it at its start, and done later, under the guards.

Start-up files of its environment, modules of ``PYTHONPATH`` that are named like the
interpreter's own, bytecode from another folder, and the modules that a warning filter
names: whoever may write one of these would run before the guards. And the file that
``-X perf`` has it write, which nobody would have judged. Read by the stand-ins
that start children too: made of tuples and text, it looks nothing up.
"""

from __future__ import annotations

from ..programs.commandline import has_flag

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    # (whether site is to be run, what -X said of the cache of bytecode, what -W said, what -X said of perf)
    Kept: TypeAlias = tuple[bool, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

NOTHING: Kept = (False, (), (), ())
PATH, CACHE, WARNINGS = "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS"
CACHE_OPTION = "pycache_prefix"
PERF_OPTIONS = ("perf", "perf_jit")
# Where it finds and leaves nothing: below what is no folder. For a child whose library has bytecode that is not to be
# believed.
NOWHERE = "/dev/null/hermetic"
# The interpreter that hermetic starts finds these variables under other names, and gives them back.
ASIDE = "HERMETIC_"
HELD_BACK = (ASIDE + PATH, ASIDE + CACHE, ASIDE + WARNINGS)


def loads_module(option: str) -> bool:
    """Whether a warning filter, ``action:message:category:...``, has a module imported: that of its category."""
    parts = option.split(":")
    return len(parts) > 2 and "." in parts[2]


def held_back(
    flags: tuple[str, ...], variables: Iterable[tuple[str, str]]
) -> tuple[tuple[str, ...], Kept, list[tuple[str, str]]]:
    """(the options to start an interpreter with, what is done later, the variables to start it with).

    flags: as ``meaning`` splits them. variables: as the program shall find them.
    """
    pairs = [pair for pair in variables if pair[0] not in HELD_BACK]
    late_filters = has_late_filters(flags, pairs)
    options: list[str] = []
    caches: list[str] = []
    filters: list[str] = []
    profiles: list[str] = []
    at = 0
    while at < len(flags):
        flag, value = flags[at], flags[at + 1] if at + 1 < len(flags) else ""
        at += 2 if flag == "-W" or flag == "-X" else 1
        if flag == "-X" and value.partition("=")[0] == CACHE_OPTION:
            caches.append(value)
        elif flag == "-X" and value.partition("=")[0] in PERF_OPTIONS:
            profiles.append(value)
        elif flag == "-W" and late_filters:
            filters.append(value)
        else:
            options += [flag, value] if flag == "-W" or flag == "-X" else [flag]
    with_site = not has_flag(flags, "S")
    if with_site:
        options.append("-S")
    names = (PATH, CACHE, WARNINGS) if late_filters else (PATH, CACHE)
    pairs = [(ASIDE + name if name in names else name, value) for name, value in pairs]
    return tuple(options), (with_site, tuple(caches), tuple(filters), tuple(profiles)), pairs


def has_late_filters(flags: tuple[str, ...], pairs: list[tuple[str, str]]) -> bool:
    """Whether any warning filter has a module imported."""
    for at, flag in enumerate(flags):
        if flag == "-W" and at + 1 < len(flags) and loads_module(flags[at + 1]):
            return True
    for name, value in pairs:
        if name == WARNINGS:
            for option in value.split(","):
                if loads_module(option):
                    return True
    return False
