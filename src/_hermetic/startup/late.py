"""What ``early`` held back, in the interpreter that was started: given back, and done.

``site`` works in two parts. What it computes (the search path, ``sys.prefix``, the names
that it adds to the builtins) runs nobody's code, and comes before the guards. The code in
start-up files is noted meanwhile, and runs under them.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import BuiltinImporter, FrozenImporter
from _frozen_importlib_external import PathFinder

from . import searchpath
from .early import ASIDE, CACHE, CACHE_OPTION, NOWHERE, PATH, PERF_OPTIONS, WARNINGS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, TypeAlias

    from .early import Kept

    # (its code or why there is none, its text, folder, file, number)
    Line: TypeAlias = tuple["CodeType | SyntaxError", str, str, str, int]

CUSTOMS = ("sitecustomize", "usercustomize")
TRUTH = {"no_site": 0}


class StartUp:
    """What is to be run. lines: those of ``.pth`` files. with_site, with_filters: whether site and warnings have to.
    profiles: what -X said of perf.
    """

    __slots__ = ("lines", "codes", "with_site", "with_filters", "profiles")

    def __init__(self, lines: list[Line], with_site: bool, with_filters: bool, profiles: list[str]) -> None:
        self.lines, self.with_site, self.with_filters, self.profiles = lines, with_site, with_filters, profiles
        self.codes = [line[0] for line in lines if not isinstance(line[0], SyntaxError)]


def take_back(kept: Kept) -> StartUp | None:
    """Give this interpreter what it would have found, but for code; what is to be run under the guards, or None."""
    with_site, caches, filters, profiles = kept
    path, cache, warned = taken(PATH), taken(CACHE), taken(WARNINGS)
    if sys.flags.ignore_environment:
        path = cache = warned = None
    for option in caches:
        _, separator, value = option.partition("=")
        sys._xoptions["pycache_prefix"] = value if separator else True
    if not caches and sys._xoptions.get(CACHE_OPTION) == NOWHERE:
        del sys._xoptions[CACHE_OPTION]  # the parent's
    for option in profiles:
        name, separator, value = option.partition("=")
        sys._xoptions[name] = value if separator else True
    if caches:
        cache = caches[0].partition("=")[2]  # where an option is given twice, C takes the first
    searchpath.expect_cache(cache or None)
    late_filters = [*(warned.split(",") if warned else ()), *filters]
    # After that of -X dev, before that of -b.
    place = 1 if sys.flags.dev_mode else 0
    sys.warnoptions[place:place] = late_filters
    sys.warnoptions[:] = dict.fromkeys(sys.warnoptions)  # C adds none twice
    folders = folders_of(path) if path else []
    lines: list[Line] = []
    library = sys.path[:]
    if with_site:
        lines = run_site(folders)
        with_site = bool(lines) or any(map(is_there, customs()))
    else:
        searchpath.put_before(folders)
        searchpath.keep_whole(library)
    if not (with_site or late_filters or profiles):
        return None
    names = [option.partition("=")[0] for option in profiles]
    return StartUp(lines, with_site, bool(late_filters), names)


def taken(name: str) -> str | None:
    """The value of a variable that was held back; from now on it has its own name again."""
    value = os.environ.pop(ASIDE + name, None)
    if value is not None:
        os.environ[name] = value
    return value


def folders_of(path: str) -> list[str]:
    """``PYTHONPATH`` as the interpreter reads it."""
    folders = path.split(os.pathsep)
    return folders if sys.version_info < (3, 11) else [os.path.abspath(folder) for folder in folders]


def run_site(folders: list[str]) -> list[Line]:
    """Let site compute what it computes; what it would execute is noted. folders: those of PYTHONPATH."""
    import site  # with sys.path as it is here: the standard library's

    # Made after site was loaded, which runs by itself unless this says not to.
    sys.flags = told_otherwise(sys.flags)
    lines: list[Line] = []

    def note(text: str) -> None:
        names = sys._getframe(1).f_locals
        number = names["n"] + (0 if "pth_content" in names else 1)
        code: CodeType | SyntaxError
        try:
            code = compile(text, "<string>", "exec", dont_inherit=True)
        except SyntaxError as error:
            code = error
        lines.append((code, text, names["sitedir"], names["fullname"], number))

    names = vars(site)
    changed = {"execsitecustomize": nothing, "execusercustomize": nothing}
    before = {name: names[name] for name in changed}
    library, finders = sys.path[:], sys.meta_path[:]
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, OnlyIn(library)]
    names.update(changed, exec=note)
    searchpath.put_before(folders)
    try:
        site.main()
    finally:
        sys.meta_path[:] = finders
        names.update(before)
        del names["exec"]
        searchpath.keep_whole(library)
    return lines


class OnlyIn:
    """A finder that looks into these folders only, whatever sys.path says."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return PathFinder.find_spec(name, self.folders if path is None else path, target)


def nothing() -> None:
    """In place of what runs a start-up file."""


def customs() -> tuple[str, ...]:
    """The modules that site imports in the end."""
    return CUSTOMS if vars(sys.modules["site"])["ENABLE_USER_SITE"] else CUSTOMS[:1]


def is_there(name: str) -> bool:
    """Whether a module of this name will be found."""
    return PathFinder.find_spec(name, searchpath.whole()) is not None


def told_otherwise(flags: Any) -> Any:
    """``sys.flags`` as in a plain run, where site runs by itself.

    Before 3.13 its class makes no second one, and what stands in is a tuple that looks the same.
    """
    if hasattr(flags, "__replace__"):
        return flags.__replace__(**TRUTH)
    from _operator import itemgetter

    names = flags.__match_args__
    values = [TRUTH.get(name, value) for name, value in zip(names, flags)]
    body: dict[str, Any] = {name: property(itemgetter(at)) for at, name in enumerate(names)}
    text = f"sys.flags({', '.join([f'{name}={value!r}' for name, value in zip(names, values)])})"
    body.update(__module__="sys", __slots__=(), __match_args__=names, __repr__=lambda self: text)
    body.update(n_fields=len(names), n_sequence_fields=len(names), n_unnamed_fields=0)
    return type("flags", (tuple,), body)(values)


# --- under the guards ---


def run_start_up(start_up: StartUp) -> None:
    """Run the code of the start-up files as site does: what fails is told, and the program runs."""
    if start_up.with_filters:
        read_filters()
    if start_up.profiles:
        profile(start_up.profiles)
    if not start_up.with_site:
        return
    site: Any = sys.modules["site"]
    ignored = ""
    for code, text, sitedir, fullname, number in start_up.lines:
        if fullname == ignored:
            continue
        try:
            run_line(code, text, sitedir, fullname, number)
        except Exception as error:  # noqa: BLE001  # as site does
            ignored = fullname
            complain(error, fullname, number)
    site.execsitecustomize()
    if site.ENABLE_USER_SITE:
        site.execusercustomize()


def read_filters() -> None:
    """Let the filters of sys.warnoptions hold, which the interpreter has done without."""
    known: Any = sys.modules.get("warnings")
    if known is None:
        import warnings  # noqa: F401  # it reads them by itself
    else:
        known._processoptions(sys.warnoptions)


def profile(names: list[str]) -> None:
    """``-X perf`` and ``-X perf_jit``, which say more than the other: by the call whose file the guards judge.

    A program that may not write it runs without. Before 3.12, and where the system has no perf, there is none.
    """
    try:
        sys.activate_stack_trampoline(max(names, key=PERF_OPTIONS.index))  # type: ignore[attr-defined,unused-ignore]  # since 3.12
    except (AttributeError, ValueError, PermissionError):
        pass


def run_line(code: Any, line: str, sitedir: str, fullname: str, n: int) -> None:
    """One line; it may look at the variables of whoever runs it, as those of namespace packages do."""
    if isinstance(code, SyntaxError):
        raise code
    name = os.path.basename(fullname)
    exec(code, vars(sys.modules["site"]), locals() | {"name": name})


def complain(error: Exception, fullname: str, number: int) -> None:
    """In site's words."""
    from ..callers import trimmed  # loaded by now: there are guards

    try:
        import traceback

        records = traceback.format_exception(type(error), error, trimmed(error.__traceback__))
    except Exception:  # noqa: BLE001  # found where the program put it, and refused something
        records = [f"{type(error).__name__}: {error}"]
    told = [f"Error processing line {number} of {fullname}:\n"]
    for record in records:
        told += ["  " + line for line in record.splitlines()]
    if sys.stderr is not None:
        sys.stderr.write("\n".join([*told, "\nRemainder of file ignored\n"]))
