"""Where a module comes from: the place of its file, and the file's number.

A place is a path without what varies: ``lib/pkg/mod`` stands for ``mod.py``,
``mod.abi3.so``, ``mod/__init__.py`` and ``__pycache__/mod.cpython-312.pyc``. A
number, (device, inode), knows a file again under another name.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from _imp import extension_suffixes

from ...paths import absolute, resolve
from ...pristine import file_device, file_inode, file_size, getcwd, stat
from ...startup.searchpath import coming

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Number: TypeAlias = tuple[int, int]

SEP = _os.sep
_CACHE_FOLDER = SEP + "__pycache__"
_error = OSError


def place_of(path: str) -> str:
    """The place that the file of a module stands for."""
    folder, _, base = path.rpartition(SEP)
    if folder.endswith(_CACHE_FOLDER):
        folder = folder[: -len(_CACHE_FOLDER)]
    base = base.partition(".")[0]
    return folder if base == "__init__" else folder + SEP + base


def source_of(path: str) -> str | None:
    """The source that a file in a ``__pycache__`` was compiled from, or None."""
    folder, _, base = path.rpartition(SEP)
    if not folder.endswith(_CACHE_FOLDER):
        return None
    return folder[: -len(_CACHE_FOLDER)] + SEP + base.partition(".")[0] + ".py"


def places_of(path: str) -> tuple[str, ...]:
    """The places a file is known by: as it is named, its links followed, and its source's links followed."""
    path = absolute(path)
    places = (place_of(path), place_of(resolve(path)))
    source = source_of(path)
    return places if source is None else (*places, place_of(resolve(source)))


def numbers_of(path: str) -> tuple[Number | None, ...]:
    """The numbers of a file and of the source it was compiled from."""
    path = absolute(path)
    source = source_of(path)
    return (number_of(path),) if source is None else (number_of(path), number_of(source))


def number_of(path: str | int) -> Number | None:
    """The number of a file, given by path or descriptor; None for what is not there.

    None for empty files, too: some stores make them all one file.
    """
    try:
        found = stat(path)
    except (_error, ValueError, OverflowError):
        return None
    return (file_device(found), file_inode(found)) if file_size(found) else None


# --- before a policy holds ---


def search_roots() -> dict[str, str]:
    """The folders and archives that modules are looked for in, as they are named and with their links followed.

    Each with what it is once its links are followed.
    """
    here = getcwd()
    roots: dict[str, str] = {}
    # What is no text is a path object, which finds nothing.
    for entry in dict.fromkeys([entry or here for entry in (here, *coming()) if type(entry) is str]):
        named, real = absolute(entry), resolve(entry)
        roots[named] = real if named == entry else resolve(named)
        roots[real] = real
    return roots


def places_named(name: str, roots: Iterable[str]) -> tuple[str, ...]:
    """Where a module of this name would lie."""
    return tuple(root.rstrip(SEP) + SEP + name.replace(".", SEP) for root in roots)


def numbers_at(place: str) -> list[Number]:
    """The numbers of the module's files at a place."""
    folder, _, base = place.rpartition(SEP)
    compiled = f".{_sys.implementation.cache_tag}.pyc"
    files = [place + suffix for suffix in (".py", ".pyc", SEP + "__init__.py", *extension_suffixes())]
    files += [f"{folder}{_CACHE_FOLDER}{SEP}{base}{compiled}", f"{place}{_CACHE_FOLDER}{SEP}__init__{compiled}"]
    found = [number_of(file) for file in files]
    return [number for number in found if number is not None]
