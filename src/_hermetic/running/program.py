"""The program itself: where it lies, what it says, and the ``__main__`` that it starts in.

The script of a child is read once, and asked for by where that lay which was read: what a program starts is its own
choice, and a script that is none shows its lines in an error.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import BuiltinImporter
from _frozen_importlib_external import SourceFileLoader, SourcelessFileLoader
from errno import EACCES

from ..paths import NO_PATHS, entry_above, resolve
from ..pristine import (
    S_IFMT,
    S_IFREG,
    close_fd,
    file_device,
    file_inode,
    file_links,
    file_mode,
    file_size,
    fstat,
    native,
    open_fd,
    stat,
)
from ..programs.target import CODE, FOLDER, SCRIPT, STDIN, Target
from ..startup import searchpath
from .source import code_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    from ..policy import Policy

EXECUTABLE = 0o111
READING = native.O_RDONLY | getattr(native, "O_CLOEXEC", 0) | getattr(native, "O_BINARY", 0)
PIECE = 1 << 20
REPLACED = "replaced while it was opened"


# --- where it lies ---


def first_entry(target: Target) -> str | None:
    """What the interpreter would put first on sys.path."""
    if target.kind == SCRIPT:
        return os.path.dirname(os.path.realpath(target.name))
    if target.kind == FOLDER:
        return os.path.join(working_folder(), target.name)
    if target.kind in (CODE, STDIN):
        return ""
    return working_folder() or None


def working_folder() -> str:
    """Where the program starts; an empty text when that folder was removed, which stops no Python."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def script_path(target: Target) -> str:
    """Joined, not normalised: so does the interpreter, and tracebacks show it."""
    return os.path.join(working_folder(), target.name)


# --- what it says ---


def read_script(path: str, policies: tuple[Policy, ...]) -> tuple[bytes | None, str | None, bool]:
    """(what the script says, its real path where a guarded program may not have it read, so that it is asked for,
    whether it is no file of a folder, and so another way to hand code in as text, where that is denied).

    None for a text that no policy keeps anybody from reading or making. Below a root, what may be executed may be run
    as a script, as the system itself asks for no more. OSError as for any file.
    """
    hidden = unreadable(policies)
    no_text = "code_exec" in [guard for policy in policies for guard in policy.rules]
    if hidden is None and not no_text:
        return None, None, False
    descriptor = open_fd(path, READING)
    try:
        found = fstat(descriptor)
        mode = file_mode(found)
        text = b""
        while piece := native.read(descriptor, PIECE):
            text += piece
        if mode & S_IFMT != S_IFREG:
            return text, None, no_text  # a pipe
        # Memory, a removed file, or an answer of the system's.
        handed_in = no_text and (not file_links(found) or len(text) != file_size(found))
        if hidden is None:
            return text, None, handed_in
        real = place_of(descriptor, path)
    finally:
        close_fd(descriptor)
    denied = [entries for entries in hidden if entry_above(real, entries) is not None]
    return text, real if denied or not mode & EXECUTABLE else None, handed_in


def unreadable(policies: tuple[Policy, ...]) -> list[Any] | None:
    """What each policy keeps from being read, beside what lies outside of its root; None where nothing is kept so."""
    files = [policy.rules["filesystem"] for policy in policies if "filesystem" in policy.rules]
    if not files:
        return None
    from ..capabilities.filesystem.lists import NO_READS, ROOT  # its family is loaded

    if not [rules for rules in files if rules[NO_READS] != NO_PATHS or rules[ROOT] is not None]:
        return None
    return [rules[NO_READS] for rules in files]


def place_of(descriptor: int, path: str) -> str:
    """Where an open file lies. OSError where nobody can tell: it was opened by a path that leads elsewhere by now."""
    from ..capabilities.filesystem.descriptors import path_of  # as above

    told = path_of(descriptor)
    if told:
        return told
    real = resolve(path)
    opened, found = fstat(descriptor), stat(real)
    if (file_inode(opened), file_device(opened)) != (file_inode(found), file_device(found)):
        raise PermissionError(EACCES, REPLACED, path)
    return real


# --- what it starts in ---


def prepare_main(target: Target, text: bytes | None) -> tuple[dict[str, Any], CodeType | None]:
    """What ``__main__`` holds at first, and its code where it can be compiled before the guards start.

    text: what a script says, if it has been read.
    """
    names: dict[str, Any] = {"__builtins__": sys.modules["builtins"]}
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    code: CodeType | None = None
    if target.kind == SCRIPT:
        path = script_path(target)
        compiled = path.endswith(".pyc")
        loader = (SourcelessFileLoader if compiled else SourceFileLoader)("__main__", path)
        names.update(__file__=path, __cached__=None, __loader__=loader)
        code = compile_script(loader, path, compiled, target.second_line, text)
    elif target.kind in (CODE, STDIN):
        names["__loader__"] = BuiltinImporter
        filename = "<string>" if target.kind == CODE else "<stdin>"
        if target.kind == STDIN:
            names.update(__file__=filename, __cached__=None)
        code = code_of(program_text(target), filename, searchpath.is_set_aside())
    return names, code


def program_text(target: Target) -> str | bytes:
    """What ``-c`` or stdin says; nothing where somebody is going to type it."""
    if target.kind == CODE:
        return target.name
    if not target.name and (sys.flags.interactive or sys.stdin is None or sys.stdin.isatty()):
        return ""
    return sys.stdin.buffer.read()


def as_text(code: CodeType) -> CodeType:
    """The code as ``-c`` would have it, which runs where it is admitted and nowhere else."""
    return code.replace(co_filename="<string>")


def make_main(names: dict[str, Any]) -> ModuleType:
    """A fresh ``__main__``; made last, because what ``give_back`` has frozen is not torn down at the end."""
    main = type(sys)("__main__")
    main.__dict__.update(names)
    sys.modules["__main__"] = main
    return main


def compile_script(loader: Any, path: str, compiled: bool, second_line: bool, text: bytes | None) -> CodeType:
    """The script's code; SyntaxError as a plain run reports it. Lines are counted with one that is left out."""
    if compiled:
        if text is not None:
            loader.get_data = lambda path: text
        code: CodeType = loader.get_code("__main__")
        vars(loader).pop("get_data", None)
        return code
    text = loader.get_data(path) if text is None else text
    if second_line:
        text = b"\n" + text.partition(b"\n")[2]
    return code_of(text, path, searchpath.is_set_aside())
