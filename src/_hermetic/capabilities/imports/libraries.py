"""The interpreter's own extension modules, as files: what is loaded as the standard library's stays what it was.

``--block-native`` knows them by their folder. Whoever could write there, or put another folder in its place, could load
anything by one of their names.
"""

from __future__ import annotations

from _imp import extension_suffixes

from ...extract import TEXT_OR_BYTES, exact_path, is_a
from ...model import GuardedCall
from ...paths import folders_above, folders_of, meant, open_folders, resolve_by
from ...pristine import S_IFLNK, S_IFMT, file_mode, lstat
from .given import NATIVE, OWN_FOLDERS, OWN_STEPS
from .origins import SEP

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    # (path as it was given, the real paths that it may mean)
    Change: TypeAlias = tuple[str, list[str]]

LIBRARIES = "imports.libraries"
ENDINGS = tuple(dict.fromkeys([*extension_suffixes(), ".so", ".pyd", ".dll"]))


def steps_to(folders: Iterable[str]) -> frozenset[str]:
    """These folders, all that they lie in, and each link on the way: what may be neither moved nor put there."""
    ways: list[str] = []
    real = [resolve_by(folder, ways) for folder in folders]
    return frozenset([*real, *ways]) | folders_above([*real, *ways])


# --- decision ---


def library_denial(rules: tuple[Any, ...], target: Change, call: str) -> tuple[str, str, str, str] | None:
    """What is put where it may be loaded as the interpreter's own, or moves the way there."""
    shown, places = target
    for place in places:
        if place in rules[OWN_STEPS] or place.rpartition(SEP)[0] in rules[OWN_FOLDERS]:
            message = f"native interface blocked: {call}({shown})"
            return message, shown, "block-native", "running without --block-native"
    return None


# --- readers ---


def is_library(path: str) -> bool:
    return path.lower().endswith(ENDINGS)


def is_link(path: str) -> bool:
    try:
        return file_mode(lstat(path)) & S_IFMT == S_IFLNK
    except (OSError, ValueError):
        return False


def library_written(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """open(path, mode, flags) for writing; without a mode it is os.open, whose event hides its dir_fd."""
    if not is_a(args[0], TEXT_OR_BYTES):
        return None
    path: Any = exact_path(args[0])
    folders = open_folders() if args[1] is None and path[:1] != "/" else []
    # Most files have neither such a name nor a link's.
    suspect = is_library(path) or is_link(path)
    for folder in folders:
        suspect = suspect or is_link(f"{folder}/{path}")
    return (path, places(path, folders, True)) if suspect else None


def library_cut(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """os.truncate(path, length)."""
    return library_written((args[0], "w"), None)


def library_removed(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """remove(path, dir_fd), rmdir: a link on the way would make room for a folder."""
    return entries(args[0], args[1:], False)


def library_moved(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """rename(source, target, two dir_fds): either end."""
    return either(entries(args[1], args[2:], False), entries(args[0], args[2:], False))


def library_linked(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """link(source, target, two dir_fds): by a second name, the first is written."""
    source, numbers = args[0], args[2:]
    named = either(entries(args[1], numbers, False), entries(source, numbers, False))
    return either(named, entries(source, numbers, True))


def library_link_made(args: tuple[Any, ...], kwargs: Any) -> Change | None:
    """symlink(source, target, dir_fd); the source is judged when it is opened."""
    return entries(args[1], args[2:], False)


def entries(path: Any, numbers: tuple[object, ...], follow: bool) -> Change | None:
    """What an entry of a folder may be, or what it leads to. numbers: with the folders' descriptors."""
    if not is_a(path, TEXT_OR_BYTES):
        return None
    text: Any = exact_path(path)
    return text, places(text.rstrip("/") or "/", folders_of(numbers), follow)


def places(path: str, folders: list[str], follow: bool) -> list[str]:
    """See ``meant``. What lies in a folder whose name is longer than anybody can tell lies in none of ours."""
    found = []
    for folder in ("", *folders) if path[:1] != "/" else ("",):
        try:
            found += meant(f"{folder}/{path}" if folder else path, [], follow, [])
        except OSError:
            if "/" in path or (follow and is_link(f"{folder}/{path}" if folder else path)):
                raise
    return found


def either(one: Change | None, other: Change | None) -> Change | None:
    if one is None or other is None:
        return one or other
    return one[0], one[1] + other[1]


def another_root(args: tuple[Any, ...], kwargs: Any) -> Change:
    """os.chroot, os.setns: by the same name, another folder."""
    return "/", ["/"]


# --- rows ---


def blocks(rules: tuple[Any, ...]) -> bool:
    return bool(rules[NATIVE])


# As the examples find it.
OWN_FOLDER = "[entry for entry in sys.path if entry.endswith(('lib-dynload', 'DLLs'))][0]"

# (events, their reader, example)
CHANGES: tuple[tuple[tuple[str, ...], Any, str], ...] = (
    (("os.rename",), library_moved, f"import os, sys; os.rename('x', {OWN_FOLDER} + '/_x.so')"),
    (("os.link",), library_linked, f"import os, sys; os.link('x', {OWN_FOLDER} + '/_x.so')"),
    (("os.symlink",), library_link_made, f"import os, sys; os.symlink('x', {OWN_FOLDER} + '/_x.so')"),
    (("os.remove", "os.rmdir"), library_removed, f"import os, sys; os.rmdir({OWN_FOLDER})"),
    (("os.truncate",), library_cut, f"import os, sys; os.truncate({OWN_FOLDER} + '/_x.so', 0)"),
)
ROOTS = (("chroot", "import os; os.chroot('/')"), ("setns", ""))

LIBRARY_ROWS = (
    GuardedCall(
        capability=LIBRARIES,
        audit=("open.write",),
        read=library_written,
        call="open",
        when=blocks,
        example=f"import sys; open({OWN_FOLDER} + '/_x.so', 'w')",
    ),
    *(
        GuardedCall(capability=LIBRARIES, audit=events, read=reader, when=blocks, example=example)
        for events, reader, example in CHANGES
    ),
    *(
        GuardedCall(
            capability=LIBRARIES,
            patch=(f"os:{name}", f"posix:{name}"),
            read=another_root,
            call=f"os.{name}",
            final=True,
            when=blocks,
            example=example,
        )
        for name, example in ROOTS
    ),
)
