"""What the lists of modules name: packages whose native code is given back, where they lie, and what must stay so.

Their places are found once: by then the program may have made a package of that name, or a file in one.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from _imp import extension_suffixes

from ...callers import STDLIB
from ...extract import exact_text
from ...paths import exists, resolve
from .origins import SEP, places_named, search_roots

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# Rules: (denied names, whether native code is blocked, whether libraries that start processes are denied, packages
# whose extension modules are given back; and by `prepare`: (place, name) of denied modules, (number, name) of their
# files, places of what is given back, folders of the interpreter's own extension modules, and the way to them).
NAMES, NATIVE, STARTERS, GIVEN, PLACES, NUMBERS, GIVEN_PLACES, OWN_FOLDERS, OWN_STEPS = range(9)
# In place of places where there is none.
NOWHERE = ("\0",)
SITES = ("lib", "lib64", "Lib")


def blocks_native(rules: tuple[Any, ...]) -> bool:
    return bool(rules[NATIVE])


def settled(rules: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The rules with the places of what is given back, as it lies there now, and the paths that must stay as they are.

    The same rules where there is nothing to find, or it has been found by whoever started this process.
    """
    if not rules[GIVEN] or rules[GIVEN_PLACES]:
        return rules, ()
    roots = search_roots()
    names = rules[GIVEN] | shared_parts(rules[GIVEN], roots)
    places = packages_there(names, roots)
    # Also what is not there yet: it must not come. Wheels have the libraries that they need in a folder of their own.
    paths = tuple([path for place in places for path in (*native_files(place), place + ".libs")])
    return (
        *rules[:GIVEN],
        names,
        *rules[GIVEN + 1 : GIVEN_PLACES],
        places or NOWHERE,
        *rules[GIVEN_PLACES + 1 :],
    ), paths


def packages_there(names: Iterable[str], roots: Iterable[str]) -> tuple[str, ...]:
    """The places of these packages and modules where something of theirs lies now."""
    places = [place for name in sorted(names) for place in places_named(name, roots)]
    return tuple([place for place in places if any(map(exists, native_files(place)))])


# How mypyc ends the name of the module, beside a package, that has all of its code. It begins with a hash: nobody can
# write it down for longer than until the next version.
PART = "__mypyc."


def shared_parts(names: frozenset[str], roots: Iterable[str]) -> frozenset[str]:
    """mypyc's modules of these packages: those that the same installed distribution lists among its files."""
    found: set[str] = set()
    for root in roots:
        try:
            entries = _os.listdir(root)
        except OSError:
            continue
        parts = {entry for entry in entries if PART in entry}
        for entry in entries if parts else ():
            if entry.endswith(".dist-info"):
                listed = first_names(SEP.join((root, entry, "RECORD")))
                if not names.isdisjoint([name.partition(".")[0] for name in listed]):
                    found.update([part.partition(".")[0] for part in parts & listed])
    return frozenset(found)


def first_names(record: str) -> set[str]:
    """What a distribution has in the folder that it is installed in; nothing where its list cannot be read."""
    try:
        with open(record, encoding="utf-8") as file:
            return {line.partition(",")[0].partition("/")[0] for line in file}
    except (OSError, ValueError):
        return set()


def native_files(place: str) -> list[str]:
    """Where native code of a place may lie: in a folder, or in a file beside it."""
    return [place, *[place + suffix for suffix in extension_suffixes()]]


def own_sites() -> list[str]:
    """Where this interpreter has its packages, whatever the program made of its path."""
    version = f"python{_sys.version_info[0]}.{_sys.version_info[1]}"
    inner = (version, "site-packages") if _os.name != "nt" else ("site-packages",)
    found = [SEP.join((prefix, lib, *inner)) for prefix in (_sys.prefix, _sys.base_prefix) for lib in SITES]
    return list(dict.fromkeys([name for folder in found for name in (folder, resolve(folder))]))


def own_folders(roots: dict[str, str]) -> frozenset[str]:
    """The folder of the interpreter's own extension modules, under every name that sys.path gives it."""
    version = f"python{_sys.version_info[0]}.{_sys.version_info[1]}"
    installed = SEP.join((_sys.base_exec_prefix, _sys.platlibdir, version, "lib-dynload"))
    own = {resolve(folder) for folder in {STDLIB + "lib-dynload", _sys.base_exec_prefix + SEP + "DLLs", installed}}
    return frozenset(own.union([root for root, real in roots.items() if real in own]))


def checked_names(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, (str, bytes)):
        raise TypeError(f"a list of module names expected, not {names!r}")
    found = []
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a module name expected, not {name!r}")
        # A module that is found by its file may begin with a digit: mypyc calls its groups of compiled modules so.
        if not all(part and f"_{part}".isidentifier() for part in name.split(".")):
            raise ValueError(f"{name!r} is not a module name")
        found.append(exact_text(name))
    return frozenset(found)
