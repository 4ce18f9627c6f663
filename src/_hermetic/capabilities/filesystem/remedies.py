"""What would allow a write, as a person would say it: the file, or the folder that it lies in.

A folder is proposed where a program has marked it as its cache, or where several refused writes lie in it; never one
whose other files somebody relies on: a project, a home, what is imported or run.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from ...paths import absolute, is_folder, lexists, resolve
from ...pristine import AT_HOME, IS_WINDOWS, native
from .lists import PRIVATE, WRITES, entry_for
from .places import TEMPORARY

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .lists import Rules

SEPARATOR = _os.sep
ALLOWED = "--allow-write "

# Where programs keep temporary files that have nothing to do with one another; the last two are macOS's real names.
EVERYBODYS = ("/tmp", "/var/tmp", "/usr/tmp", "/private/tmp", "/private/var/tmp")  # noqa: S108  # nothing is made there


def _temporary() -> frozenset[int]:
    """Hashes of the folders that the variables name for temporary files, as AT_HOME has them."""
    found = set()
    variables: Any = native.environ
    for name in ("TMPDIR", "TEMP", "TMP"):
        value = variables.get(name if IS_WINDOWS else name.encode())
        if value:
            try:
                found.add(hash(resolve(_os.fsdecode(value))))
            except OSError:
                pass
    return frozenset(found)


NAMED_TEMPORARY = _temporary()
WITHIN = "a temporary file in the folder that TMPDIR names"


def temporary_remedy(rules: Rules, place: str) -> str:
    """What would allow a temporary file that has this name, or that lies in this folder without one.

    Its name is another one each time, so the folder has to be named; unless it is everybody's, where the file would do
    as well in the run's own. Who names another folder moves the file to its end there.
    """
    folder = place if is_folder(place) else place.rpartition(SEPARATOR)[0] or SEPARATOR
    if folder in EVERYBODYS or hash(folder) in NAMED_TEMPORARY:
        return TEMPORARY if rules[PRIVATE] is None else WITHIN  # nobody is to be told to give all of it back
    for entry in sorted(rules[WRITES][0]):
        if entry and (entry.rpartition(SEPARATOR)[0] or SEPARATOR) == folder and not lexists(entry):
            return f"{ALLOWED}{entry_for(folder)}, or making {entry} before the start"
    return f"{ALLOWED}{entry_for(folder)}"


# What mypy, pytest, ruff and others put into their caches: https://bford.info/cachedir/. Whoever has to name the files
# of one is led from one to the next, and they are other ones tomorrow.
TAG = SEPARATOR + "CACHEDIR.TAG"


def write_remedy(place: str) -> str:
    """What would allow this to be written."""
    folder = place.rpartition(SEPARATOR)[0]
    while folder:
        if lexists(folder + TAG):
            return f"{ALLOWED}{folder if is_apart(folder) else entry_for(place)}"
        folder = folder.rpartition(SEPARATOR)[0]
    return f"{ALLOWED}{entry_for(place)}"


# So many places have to lie in a folder.
SEVERAL = 3


def shared_folder(remedies: Iterable[str]) -> tuple[str, int]:
    """(folder, how many): where most of what these remedies would allow lies together; ("", 0) for nowhere."""
    counts: dict[str, int] = {}
    # A remedy may go on with another one.
    for place in {text[len(ALLOWED) :].partition(", or ")[0] for text in remedies if text.startswith(ALLOWED)}:
        folder = place.rpartition(SEPARATOR)[0]
        while folder:
            counts[folder] = counts.get(folder, 0) + 1
            folder = folder.rpartition(SEPARATOR)[0]
    for folder, count in sorted(counts.items(), key=lambda item: (-item[1], -len(item[0]))):
        if count < SEVERAL:
            break
        if is_open_to_all(folder) and is_apart(folder):
            return folder, count
    return "", 0


HIDDEN, CACHES = SEPARATOR + ".", SEPARATOR + ".cache" + SEPARATOR


def is_open_to_all(folder: str) -> bool:
    """Whether no part of its name is hidden, below the working directory or anywhere: what lies there is often run, as
    ``.git/hooks``. What lies in a cache of somebody's is not.
    """
    here = beginning_here()
    inside = SEPARATOR + folder[len(here) :] if here and folder.startswith(here) else folder
    return HIDDEN not in inside.replace(CACHES, SEPARATOR)


SYSTEM = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr"})
# Folders of programs and of modules, by their names; and what a project or a virtual environment has in its own.
OF_PROGRAMS = frozenset({"bin", "sbin", "Scripts", "site-packages", "dist-packages", "__pycache__"})
OF_PROJECTS = (".git", ".hg", "pyproject.toml", "setup.py", "pyvenv.cfg")
HOMES = ("/root", "/home", "/Users")
# Of /srv/data/results the last may be proposed: what is nearer to the root is shared by many.
DEEP = 3


def is_apart(folder: str) -> bool:
    """Whether a folder is nothing to anybody but the program that writes into it, as far as its place tells."""
    here = beginning_here()
    above = folder + SEPARATOR
    parts = folder.split(SEPARATOR)
    if not here or here.startswith(above) or parts[-1] in OF_PROGRAMS or folder in EVERYBODYS:
        return False
    if not folder.startswith(here) and (IS_WINDOWS or len(parts) <= DEEP or parts[1] in SYSTEM):
        return False
    if hash(folder) in AT_HOME:
        return False
    for place in (_sys.prefix, _sys.base_prefix, *_sys.path):
        if type(place) is str and place and (place + SEPARATOR).startswith(above):
            return False
    for name in OF_PROJECTS:
        if lexists(folder + SEPARATOR + name):
            return False
    return folder not in HOMES and parts[:-1] != ["", "home"]


def beginning_here() -> str:
    """How what lies in the working directory begins; empty where nobody can tell."""
    try:
        return absolute("").rstrip(SEPARATOR) + SEPARATOR
    except OSError:
        return ""
