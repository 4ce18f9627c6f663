"""Imports: modules that no route may import, and native code that no route may load.

A denied module is known by its name, by the place of its file and by the file's
number, so that another name, a link or a loader of the program's own makes no
difference. What other modules already hold stays with them: importing is taken
away, not using. A program that reads a file and executes it imports nothing.
"""

from __future__ import annotations

from _frozen_importlib import ModuleSpec

from ...callers import CALLER_DEPTH, FROZEN, STDLIB, calling_frame
from ...extract import NUMBER, TEXT, argument, exact_text, is_a
from ...model import Family, GuardedCall
from ...paths import is_below
from .given import (
    GIVEN,
    GIVEN_PLACES,
    NAMES,
    NATIVE,
    NUMBERS,
    OWN_FOLDERS,
    PLACES,
    STARTERS,
    checked_names,
    own_folders,
    own_sites,
    packages_there,
)
from .given import settled as settled
from .interfaces import (
    BLOCK,
    BY_REQUEST,
    INTERFACE,
    INTERFACE_ROWS,
    INTERFACES,
    NEVER,
    REPLACE,
    STDLIB_NAMES,
    interface_denial,
    native_remedy,
    replaced,
)
from .libraries import LIBRARIES, LIBRARY_ROWS, library_denial, steps_to
from .loaded import Absence, take_away
from .origins import SEP, number_of, numbers_at, numbers_of, place_of, places_named, places_of, search_roots

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any, TypeAlias

    from .interfaces import Found

    # (names, extension module's file or None, places without suffix, numbers of files)
    Target: TypeAlias = tuple[tuple[str, ...], "str | None", tuple[str, ...], tuple[Any, ...]]
    Rules: TypeAlias = tuple[Any, ...]

GUARD = "imports"
DENY = "deny-import"
MODULE, FILE, FROZEN_MODULE = "imports.module", "imports.file", "imports.frozen"

# Libraries that start processes in ways of their own.
PROCESS_LIBRARIES = frozenset({"sh", "pexpect", "plumbum", "sarge", "delegator"})

_dict, _get = dict, dict.get
_fields_of = ModuleSpec.__dict__["__dict__"].__get__


def taken_options(rules: Rules) -> tuple[str, ...]:
    """The options that restrict imports: what is denied by name and what is native are taken away apart."""
    return tuple([option for given, option in ((rules[NAMES], DENY), (rules[NATIVE], BLOCK)) if given])


# --- decisions ---


def decide(rules: Rules, capability: str, target: Any, call: str) -> Found:
    if capability == INTERFACE:
        return interface_denial(rules, target, call)
    if capability == REPLACE:
        return replaced(rules)
    if capability == LIBRARIES:
        return library_denial(rules, target, call)
    names, extension, places, numbers = target
    if rules[NAMES]:
        found = denied_module(rules, names, places, numbers)
        if found is not None:
            return f"import blocked: {found}", found, DENY, f"running without --deny-import {entry_of(rules, found)}"
    if capability == FROZEN_MODULE:
        return f"import blocked: {names[0]}", names[0], DENY, "an import statement"
    if capability != MODULE:
        return None
    name = names[0]
    top = name.partition(".")[0]
    if rules[STARTERS] and top in PROCESS_LIBRARIES:
        return f"import blocked: {name}", name, BLOCK, "running without --block-native or without --no-subprocess"
    if rules[NATIVE] and is_native(rules, name, top, extension):
        return f"native import blocked: {name}", name, BLOCK, LATER if top in rules[GIVEN] else native_remedy(top)
    return None


LATER = "starting anew: of a package that is given back, only what was there at the start is loaded"


def denied_module(
    rules: Rules, names: tuple[str, ...], places: tuple[str, ...], numbers: tuple[Any, ...]
) -> str | None:
    """The name of the denied module that these names or files stand for, or None."""
    for name in names:
        if entry_of(rules, name) is not None:
            return name
    for place, name in rules[PLACES]:
        for where in places:
            if is_below(where, (place,)):
                return name  # type: ignore[no-any-return]  # rules hold no types
    for number, name in rules[NUMBERS]:
        if number in numbers:
            return name  # type: ignore[no-any-return]  # as above
    return None


def entry_of(rules: Rules, name: str) -> str | None:
    """The denied name that this one is, or is a submodule of."""
    while name:
        if name in rules[NAMES]:
            return name
        name = name.rpartition(".")[0]
    return None


def is_native(rules: Rules, name: str, top: str, extension: str | None) -> bool:
    """Whether importing this loads native code that is not the standard library's own."""
    if top in INTERFACES:
        return top in NEVER or not (rules[GIVEN] & BY_REQUEST)
    if extension is None:
        return False
    # Compared as text: C opens this very text, and normalising it would follow no link on the way.
    folder, _, base = extension.rpartition(SEP)
    if folder in rules[OWN_FOLDERS]:
        return name not in STDLIB_NAMES
    if top in rules[GIVEN] and ".." not in extension.split(SEP):
        for place in rules[GIVEN_PLACES]:
            if extension.startswith(place + SEP) or (folder + SEP + base.partition(".")[0]) == place:
                return False
    return True


# --- readers ---


def imported(args: tuple[Any, ...], kwargs: Any) -> Target:
    """import(name, file, ...): a name to be looked up, or the file of an extension module to be loaded."""
    names = (exact_text(args[0]),)
    if args[1] is None:
        return names, None, (), ()
    file = exact_text(args[1])
    return names, file, places_of(file), numbers_of(file)


def named(args: tuple[Any, ...], kwargs: Any) -> Target:
    """importlib's _gcd_import(name, package, level), which no event announces."""
    name = exact_text(argument(args, kwargs, 0, "name", ""))
    level = argument(args, kwargs, 2, "level", 0)
    if level > 0:
        package = exact_text(argument(args, kwargs, 1, "package", ""))
        base = package.rsplit(".", level - 1)[0]
        name = f"{base}.{name}" if name else base
    return (name,), None, (), ()


def frozen(args: tuple[Any, ...], kwargs: Any) -> Target:
    """A frozen module, asked for by its name."""
    return (exact_text(argument(args, kwargs, 0, "name", "")),), None, (), ()


IMPORT_SYSTEM = FROZEN + "importlib."
ZIP_IMPORT = (FROZEN + "zipimport>", STDLIB + "zipimport.py")
# Modules that import by calling the import system's parts.
IMPORTERS = (IMPORT_SYSTEM, *ZIP_IMPORT, FROZEN + "runpy>", STDLIB + "runpy.py")


def opened(args: tuple[Any, ...], kwargs: Any) -> Target | None:
    """open(path, mode, flags) by the import system; anybody else reads a file."""
    frame = calling_frame(CALLER_DEPTH)
    if frame is None or not frame.f_code.co_filename.startswith(IMPORTERS):
        return None
    if is_a(args[0], NUMBER):
        return (), None, (), (number_of(args[0]),)
    path = exact_text(args[0])
    names = archived_name(frame, path) if frame.f_code.co_filename in ZIP_IMPORT else ()
    return names, None, places_of(path), numbers_of(path)


def archived_name(frame: FrameType, archive: str) -> tuple[str, ...]:
    """The module that zipimport is about to read from an archive: its place there, as a dotted name."""
    entry = frame.f_locals.get("toc_entry")
    if type(entry) is not tuple or not entry:
        return ()
    inside = exact_text(entry[0])[len(archive) + 1 :]
    return (place_of(inside).strip(SEP).replace(SEP, "."),)


def executed(args: tuple[Any, ...], kwargs: Any) -> Target | None:
    """exec(code) by the import system: by whatever loader, this is where a module begins to be one."""
    file = args[0].co_filename
    frame = calling_frame(CALLER_DEPTH)
    by_import = frame is not None and frame.f_code.co_filename.startswith(IMPORTERS)
    if file.startswith(FROZEN):
        frozen_name = file[len(FROZEN) : -1]
        return ((frozen_name, *executed_names(frame)) if by_import else (frozen_name,)), None, (), ()
    return (executed_names(frame), None, places_of(file), numbers_of(file)) if by_import else None


def executed_names(frame: FrameType | None) -> tuple[str, ...]:
    """Under which names: of the namespace, and those that the importers of archives and frozen modules, and runpy, were
    given."""
    if frame is None:
        return ()
    found = []
    given = frame.f_locals.get("args")
    if type(given) is tuple and len(given) > 1 and type(given[1]) is _dict:
        found.append(_get(given[1], "__name__"))
    found += [frame.f_locals.get("fullname"), frame.f_locals.get("name"), frame.f_locals.get("mod_name")]
    spec = frame.f_locals.get("mod_spec")
    if type(spec) is ModuleSpec:
        found.append(_get(_fields_of(spec), "name"))
    return tuple([exact_text(name) for name in found if is_a(name, TEXT)])


def denies(rules: Rules) -> bool:
    return bool(rules[NAMES])


SURFACE = (
    GuardedCall(
        capability=MODULE,
        audit=("import",),
        read=imported,
        call="import",
        example="import ctypes",
    ),
    # No event: the Python form of the import system.
    GuardedCall(
        capability=MODULE,
        patch=("_frozen_importlib:_gcd_import",),
        read=named,
        call="import",
        door="modules.named_import",
        example="import importlib; importlib.import_module('ctypes.wintypes')",
    ),
    # What holds when names lie or the import system was tampered with: reading and executing a module's file.
    GuardedCall(capability=FILE, audit=("open",), read=opened, call="import", when=denies),
    GuardedCall(
        capability=FILE,
        audit=("exec",),
        read=executed,
        call="import",
        when=denies,
        note="the code of a frozen module that a program fetches and runs without exec is dynamic code, not an import",
    ),
    GuardedCall(
        capability=FROZEN_MODULE,
        patch=("_imp:init_frozen",),
        read=frozen,
        call="import",
        when=denies,
        final=True,
        example="import _imp; _imp.init_frozen('__hello__')",
    ),
    *INTERFACE_ROWS,
    *LIBRARY_ROWS,
)


# --- rules ---


def make_rules(
    deny: Iterable[str] = (),
    block_native: bool = False,
    block_subprocess_libraries: bool = False,
    allow_native: Iterable[str] = (),
) -> Rules:
    """Rules from settings. ValueError for a name that no module can have, TypeError for a string instead of a list."""
    denied = checked_names(deny)
    given = checked_names(allow_native)
    for name in given:
        if "." in name:
            raise ValueError(f"{name!r} is not a top-level package; write {name.partition('.')[0]!r}")
        if name in NEVER:
            raise ValueError(f"{name!r} is an interface to any native code and is never given back")
    starters = bool(block_native and block_subprocess_libraries)
    return denied, bool(block_native), starters, given, (), (), (), frozenset(), frozenset()


def prepare(rules: Rules) -> Rules:
    """Find where denied modules lie, without importing them, and where native code may come from."""
    roots = search_roots()
    places = [(place, name) for name in sorted(rules[NAMES]) for place in places_named(name, roots)]
    numbers = [(number, name) for place, name in places for number in numbers_at(place)]
    # A child has them from its parent: what lies on its own path may be what the program has put there.
    given = rules[GIVEN_PLACES] and (*rules[GIVEN_PLACES], *packages_there(rules[GIVEN], own_sites()))
    own = own_folders(roots)
    steps = steps_to(own) if rules[NATIVE] else frozenset()
    return (*rules[: GIVEN + 1], tuple(places), tuple(dict.fromkeys(numbers)), given, own, steps)


def engage(rules: Rules) -> Absence:
    """Take loaded modules away that may not be imported; the result puts them back."""

    def wants(name: str) -> bool:
        return decide(rules, MODULE, ((name,), None, (), ()), "import") is not None

    heads = [*rules[NAMES], *(INTERFACES if rules[NATIVE] else ()), *(PROCESS_LIBRARIES if rules[STARTERS] else ())]
    return take_away(wants, heads)


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare, engage=engage, stay=Absence.stay)
