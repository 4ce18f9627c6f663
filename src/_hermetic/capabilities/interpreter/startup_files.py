"""Start-up files: what an interpreter executes, or lets say where modules are, before its program."""

from __future__ import annotations

from ...extract import TEXT_OR_BYTES, exact_path, is_a
from ...paths import absolute, folders_of, meant, open_folders, resolve
from ...pristine import IS_WINDOWS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    # (path as it was given, the start-up files that it may mean)
    Named: TypeAlias = tuple[str, list[str]]

MODULES = ("sitecustomize", "usercustomize")


def is_startup_folder(path: str, entries: Iterable[Any]) -> bool:
    """Whether a file here is read when an interpreter starts. path: real but for its last part. entries: of a path."""
    folder = path.replace("\\", "/").rpartition("/")[0] if IS_WINDOWS else path.rpartition("/")[0] or "/"
    if folder.rpartition("/")[2] in ("site-packages", "dist-packages"):
        return True
    for item in entries:
        if type(item) is str:
            entry = resolve(absolute(item or "."))
            if folder == (entry.replace("\\", "/") if IS_WINDOWS else entry):
                return True
    return False


# --- readers ---


def startup_names(path: Any, folders: list[str], follow: bool) -> Named | None:
    """folders, follow: see ``meant``."""
    if not is_a(path, TEXT_OR_BYTES):
        return None
    text: Any = exact_path(path)
    # Most files have neither such a name nor a link's.
    found = [name for name in meant(text, folders, False, []) if is_startup_name(name)]
    if follow:
        found += [name for name in meant(text, folders, True, []) if is_startup_name(name)]
    return (text, found) if found else None


def is_startup_name(path: str) -> bool:
    last = str.lower(path.replace("\\", "/").rpartition("/")[2])
    return last.endswith(".pth") or last.partition(".")[0] in MODULES


def startup_file(args: tuple[Any, ...], kwargs: Any) -> Named | None:
    """open(path, mode, flags) for writing; without a mode it is os.open."""
    return startup_names(args[0], open_folders() if args[1] is None else [], True)


def startup_made(args: tuple[Any, ...], kwargs: Any) -> Named | None:
    """mkdir(path, mode, dir_fd)."""
    return startup_names(args[0], folders_of(args[2:]), False)


def startup_target(args: tuple[Any, ...], kwargs: Any) -> Named | None:
    """rename(source, target, dir_fd, dir_fd), link, symlink(source, target, dir_fd): either end."""
    folders = folders_of(args[2:])
    one, other = startup_names(args[1], folders, False), startup_names(args[0], folders, True)
    return (one[0], one[1] + other[1]) if one is not None and other is not None else one or other
