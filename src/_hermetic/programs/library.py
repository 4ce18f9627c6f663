"""An interpreter's standard library: there before the guards were, or of the program's own making.

Its first modules run before anything of hermetic's can. Where they lie is told by words
and files that a program may choose: ``argv[0]``, ``PATH``, a ``pyvenv.cfg``, what lies in
the folders above the interpreter. Every place where some version of CPython would look is
looked at here; which of them it takes need not be known.

The time of a file's last change of any kind (``ctime``) is set by the system alone: what has
an older one than the guards was there, as it is.
"""

from __future__ import annotations

import sys

from ..paths import MOST_LINKS, folder_above, resolve
from ..pristine import (
    IS_WINDOWS,
    S_IFLNK,
    S_IFMT,
    S_IFREG,
    access,
    file_changed,
    file_device,
    file_inode,
    file_mode,
    file_owner,
    getcwd,
    getpid,
    lstat,
    native,
    readlink,
    stat,
)
from .commandline import has_flag
from .executables import BUILD, CONFIG, LISTED, has_separator, placed, search, start_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (what was made or changed, or empty; whether that is true of bytecode, which an interpreter can do without)
    Changed: TypeAlias = tuple[str, bool]

HOME, OPTIMISE = "PYTHONHOME", "PYTHONOPTIMIZE"

effective_user = getattr(native, "geteuid", None)
MAY_WRITE = getattr(native, "W_OK", 2)
SECOND = 1_000_000_000
PROCESSES = "/proc"
# A file that is longer was not written by any tool, and a line that C would read in two pieces means two things.
LONGEST, LONGEST_LINE = 1 << 16, 4000

LIBRARY_FOLDERS = ("lib", "lib64")
# Those of every version, also of those that the entry refuses: their library runs before it does.
LIBRARIES = (
    *("python2.7", "python3.5", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11"),
    *("python3.12", "python3.13", "python3.13t", "python3.14", "python3.14t", "python3.15", "python3.15t"),
    *("python3.16", "python3.16t", "pypy2.7", "pypy3.9", "pypy3.10", "pypy3.11"),
)
# Every other file may be another version's interpreter under any name. This one is known by what it is.
OWN_LIBRARY = (f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' * ('t' in getattr(sys, 'abiflags', ''))}",)
BUILT = "Lib"  # in a tree where CPython is built
EXTENSIONS = "lib-dynload"
CACHE, PLAIN, OPTIMISED = "__pycache__", ("",), (".opt-1", ".opt-2")
# The last part of the names of C modules.
MACHINE: str = getattr(sys.implementation, "_multiarch", "")
# What is loaded before the guards, by some version under some options; tests/security/test_libraries_of_children.py
# finds what is missing.
ENCODINGS = ("__init__", "aliases", "utf_8", "utf_8_sig", "ascii", "latin_1", "iso8859_1", "iso8859_15", "cp1252")
# Looked at as folders of their own: what Python does not find in a cache it writes there.
PACKAGES = ("encodings", "collections", "importlib", "re")
MODULES = (
    *("__future__", "_collections_abc", "_sitebuiltins", "abc", "codecs", "copyreg", "enum", "functools"),
    *("genericpath", "io", "keyword", "linecache", "locale", "operator", "os", "posixpath", "reprlib", "site"),
    *("sre_compile", "sre_constants", "sre_parse", "stat", "token", "tokenize", "types", "warnings", "zipimport"),
    "_py_warnings",
)
FIRST = (
    ("/encodings/", ENCODINGS),
    ("/", (*MODULES, *PACKAGES)),
    ("/collections/", ("__init__",)),
    ("/importlib/", ("__init__", "_bootstrap", "_bootstrap_external")),
    ("/re/", ("__init__", "_casefix", "_compiler", "_constants", "_parser")),
)
FIRST_EXTENSIONS = ("_socket", "fcntl", "mmap", "zlib")


def identity(path: str) -> tuple[int, int] | None:
    """What file this is."""
    try:
        found = stat(path)
    except (OSError, ValueError):
        return None
    return file_device(found), file_inode(found)


OWN_FILE = identity("/proc/self/exe") or identity(sys.executable)


def own_place(word: str, file: str, folder: str, path: str) -> str:
    """Where an interpreter takes itself to be, by argv[0]; the file where it would not find itself.

    file: what is started. folder: where it begins, empty for here. path: its PATH.
    """
    found = placed(word, folder) if has_separator(word) else search(word, path, ("",), folder) if path else None
    return whole(file if found is None else found)


def whole(path: str) -> str:
    """A path that means the same wherever the process is that reads it."""
    if IS_WINDOWS or path[:1] == "/":
        return path
    return getcwd() + "/" + path


def made_since(
    since: int, program: str, file: str, folder: str, flags: tuple[str, ...], variables: list[tuple[str, str]]
) -> Changed:
    """What was made or changed since then, among what this interpreter would run first.

    program: where it takes itself to be. file: what is started. folder: where it begins, empty for here. flags,
    variables: all that it is given.
    """
    if IS_WINDOWS:
        return "", False  # where a change of its content leaves no trace in a file's times
    starts: dict[str, int] = {}
    libraries: dict[str, int] = {}
    bytecode = False
    levels = OPTIMISED if has_flag(flags, "O") else PLAIN
    try:
        found = find_starts(
            since, (program, resolve(program), resolve(placed(file, folder))), folder, starts, libraries
        )
        for name, value in variables:
            levels = OPTIMISED if name == OPTIMISE else levels
            for part in value.split(":") if name == HOME else ():
                starts[placed(part, folder)] = 0
        names = OWN_LIBRARY if identity(placed(file, folder)) == OWN_FILE else LIBRARIES
        found = found or find_libraries(since, starts, names, libraries)
    except (OSError, ValueError) as error:
        return f"{file} ({error})", False
    for library in () if found else libraries:
        found, cached = changed_in(library, since, levels)
        bytecode = bytecode or cached
        if found:
            break
    return found, bytecode


def find_starts(
    since: int, programs: tuple[str, ...], folder: str, starts: dict[str, int], libraries: dict[str, int]
) -> str:
    """Add the folders from which it searches upwards, and libraries that are named outright.

    Returns what cannot be believed, or an empty text.
    """
    for program in dict.fromkeys(programs):
        place = folder_above(program)
        starts[place] = 0
        listed = text_in(program + LISTED)
        if listed and is_young(program + LISTED, since):
            return program + LISTED
        for line in listed:
            libraries[placed(line.strip(), place)] = 0
        for config in (place + CONFIG, folder_above(place) + CONFIG):
            for line in text_in(config):
                if len(line) > LONGEST_LINE:
                    return config
                key, equals, value = line.partition("=")
                if equals and key.strip().lower() == "home":
                    starts[placed(value.strip(), folder)] = 0
    return ""


def find_libraries(since: int, starts: dict[str, int], names: tuple[str, ...], libraries: dict[str, int]) -> str:
    """Add the libraries in these folders and those above them. Returns what was made since and leads to one."""
    folders: dict[str, int] = {}
    for start in starts:
        if is_young(start + BUILD, since):
            return start + BUILD
        if is_by_process(start):
            return start
        for place in (start, resolve(start)):
            while place and place not in folders:
                folders[place] = 0
                place = place.rpartition("/")[0]
    folders[""] = 0
    for folder in folders:
        for above_it in LIBRARY_FOLDERS:
            if is_there(f"{folder}/{above_it}", True):
                for library in names:
                    place = f"{folder}/{above_it}/{library}"
                    zipped = f"{folder}/{above_it}/{library.replace('.', '')}.zip"
                    if is_young(zipped, since):
                        return zipped
                    if is_there(place, True) and is_library(place, zipped):
                        libraries[place] = 0
        if is_there(f"{folder}/{BUILT}/os.py", True):
            libraries[f"{folder}/{BUILT}"] = 0
    return ""


def is_library(place: str, zipped: str) -> bool:
    """Whether an interpreter would take this folder for its library, or for the C modules of one."""
    for mark in (f"{place}/os.py", f"{place}/os.pyc", f"{place}/{EXTENSIONS}", zipped):
        if is_there(mark, True):
            return True
    return False


def changed_in(library: str, since: int, levels: tuple[str, ...]) -> Changed:
    """What was made or changed in a standard library: a folder of one, or an archive."""
    extensions = f"{library}/{EXTENSIONS}"
    version = library.rpartition("/")[2].removeprefix("python").replace(".", "")
    binary = f".cpython-{version}-{MACHINE}.so"
    for path in (extensions, library if library.endswith(".zip") else extensions):
        if is_young(path, since):
            return path, False
    for name in FIRST_EXTENSIONS:
        if is_young(f"{extensions}/{name}{binary}", since) or is_young(f"{extensions}/{name}.so", since):
            return f"{extensions}/{name}", False
    bytecode = not version.removesuffix("t").isdecimal()
    for part, names in FIRST:
        folder = library + part
        if not is_there(folder, False):
            continue
        # A new name there may be found before an old one: a folder or a C module before a source file.
        suffixes = (".py", ".pyc", "", binary, ".abi3.so", ".so") if is_young(folder, since) else (".py",)
        for name in names:
            for suffix in suffixes:
                if is_young(folder + name + suffix, since) and (suffix or name not in PACKAGES):
                    return folder + name + suffix, False
            for tag in dict.fromkeys((version, version.removesuffix("t"))):
                for level in levels:
                    bytecode = bytecode or is_young(f"{folder}{CACHE}/{name}.cpython-{tag}{level}.pyc", since)
    return "", bytecode


def text_in(path: str) -> list[str]:
    """The lines of a file, none where there is none. ValueError for what nobody would have written."""
    try:
        kind = file_mode(stat(path)) & S_IFMT
    except OSError:
        return []
    data = start_of(path, LONGEST + 1)
    if kind != S_IFREG or len(data) > LONGEST or is_by_process(path):
        raise ValueError(f"{path} is no ordinary file")
    return data.decode("utf-8", "surrogateescape").split("\n")


def is_there(path: str, looks: bool) -> bool:
    """Whether there is anything of this name. looks: ValueError for a link to what every process has another of."""
    try:
        if looks and file_mode(lstat(path)) & S_IFMT == S_IFLNK and is_by_process(path):
            raise ValueError(f"{path} leads elsewhere for every process")
        stat(path)
    except OSError:
        return False
    return True


def is_by_process(path: str) -> bool:
    """Whether a path leads through /proc, where a process finds its own folder and files, and not those of this one."""
    return by_process(path) != ""


def by_process(path: str) -> str:
    """The path from /proc on, where it leads through there; else an empty text.

    A walk of its own: what ``resolve_by`` notes are links, and a way can lead through /proc and out by ``..``.
    """
    pending = whole(path).split("/")[::-1]
    done = ""
    links = 0
    while pending and links < MOST_LINKS:
        part = pending.pop()
        if not part or part == ".":
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        here = done + "/" + part
        if here == PROCESSES:
            return "/".join([here, *pending[::-1]])
        try:
            link = readlink(here)
        except (OSError, ValueError):
            done = here
            continue
        links += 1
        done = "" if link[:1] == "/" else done
        pending.extend(link.split("/")[::-1])
    return PROCESSES if links >= MOST_LINKS else ""


def for_another(file: str, folder: str) -> str:
    """A path by which another process finds the file that this one finds; empty where there is none.

    folder: where the other begins, empty for here. Most files are found by their own path.
    """
    path = placed(file, folder)
    if IS_WINDOWS or not is_by_process(path):
        return file
    real, what = resolve(path), identity(path)
    if what is not None and what == identity(real) and not is_by_process(real):
        return real
    # A file without a name: one in memory, say.
    parts = by_process(path).split("/")
    if parts[2:3] == ["self"] and (parts[3:] == ["exe"] or (parts[3:4] == ["fd"] and len(parts) == 5)):
        return "/".join([PROCESSES, str(getpid()), *parts[3:]])
    return ""


def is_young(path: str, since: int) -> bool:
    """Whether it was made or changed since then, or is a link that was, and could have been by this process.

    What belongs to somebody else was changed by somebody else, who upgrades the system, say.
    """
    try:
        found = lstat(path)
        if file_mode(found) & S_IFMT == S_IFLNK and stamp_of(found) < since:
            found = stat(path)
    except (OSError, ValueError):
        return False
    if stamp_of(found) < since:
        return False
    return (effective_user is not None and file_owner(found) == effective_user()) or access(path, MAY_WRITE)


def stamp_of(found: Any) -> int:
    """When a file was last changed in any way. Where that is told by the second, or two, that of the start is later."""
    stamp: int = file_changed(found)
    return stamp if stamp % SECOND else stamp + 2 * SECOND
