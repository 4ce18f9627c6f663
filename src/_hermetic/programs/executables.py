"""What an executable file is, and what starts in the end where it is started.

Read by the launcher, and by the stand-ins that start children: everything here is
made of tuples and text, looks nothing up in the program's hands, and runs nothing.
"""

from __future__ import annotations

import os

from ..pristine import (
    ENCODING,
    ENCODING_ERRORS,
    FULL,
    IS_WINDOWS,
    S_IFDIR,
    S_IFMT,
    S_IFREG,
    access,
    close_fd,
    file_mode,
    file_size,
    fstat,
    getcwd,
    native,
    open_fd,
    read_fd,
    readlink,
    stat,
)
from .target import FOLDER, SCRIPT

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (kind, interpreter as it is spelled, its options); the last two for SCRIPT_FILE only
    Recognised: TypeAlias = tuple[str, str, tuple[str, ...]]

# What a file is: an interpreter, a script for one, a zipped program, something else, or nothing that can be started.
INTERPRETER, SCRIPT_FILE, ARCHIVE, OTHER, ABSENT = "interpreter", "script", "archive", "other", "absent"
HEAD = 512  # bytes of a file's start that tell what it is
# An interpreter under another name gives itself away by the function that its main() calls; a library that embeds
# Python calls another. The table of names lies near the start of an executable.
MAIN_FUNCTION, SEARCHED = b"Py_BytesMain", 1 << 22
ELF = b"\x7fELF"
NATIVE_MAGIC = (ELF, b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")
# The name alone makes none: a link called python may lead to a program that takes the entry's words for something else.
# Those of older versions and of PyPy, which the entry refuses by their names, and what a build without a table has.
MAIN_FUNCTIONS, FIRST_PART = (MAIN_FUNCTION, b"Py_Main", b"Py_UnixMain", b"pypy_main"), 1 << 18
VARIABLE, ALL_OF_IT = b"PYTHONHOME", 1 << 26
NAMES = ("python", "pypy")
# How what an interpreter reads of its place is called, beside it or in the folder above.
LISTED, CONFIG, BUILD = "._pth", "/pyvenv.cfg", "/pybuilddir.txt"
HERE = None
# What tells words apart in a first line, what makes env's own grammar out of them, and how often a script's interpreter
# may be a script before the system refuses it.
BLANKS, QUOTING, NESTED = " \t", "\"'\\$#", 5
# Whoever puts another file there could as well replace an interpreter.
ENV = ("/usr/bin/env", "/bin/env")
READ_FLAGS = native.O_RDONLY | getattr(native, "O_CLOEXEC", 0) | getattr(native, "O_BINARY", 0)
READ_FLAGS |= getattr(native, "O_NONBLOCK", 0)
# What Windows completes a program's name with, and what it would hand to cmd.exe.
ENDINGS, BATCH = (("", ".exe", ".com") if IS_WINDOWS else ("",)), (".bat", ".cmd")
# A zipped program's first entry, and the record after its last; what the record takes without a comment.
ENTRY_MARK, END_MARK, END_RECORD, seek = b"PK\3\4", b"PK\5\6", 22, native.lseek
IGNORED = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")  # where there are such
MAY_EXECUTE = native.X_OK if hasattr(native, "X_OK") else 1


def base_name(path: str) -> str:
    """The last part of a path."""
    if IS_WINDOWS:
        path = path.replace("\\", "/")
    return path.rpartition("/")[2]


def has_separator(name: str) -> bool:
    return "/" in name or (IS_WINDOWS and "\\" in name)


def is_python_name(name: str) -> bool:
    """python, python3, python3.12, python3.13t, with or without .exe."""
    stem = name.lower()
    if stem.endswith(".exe"):
        stem = stem[:-4]
    for prefix in NAMES:
        if stem.startswith(prefix):
            rest = stem[len(prefix) :]
            for letter in "wt":
                if rest.endswith(letter):
                    rest = rest[:-1]
            return not rest or rest.replace(".", "").isdecimal()
    return False


def open_program(path: Any) -> int:
    """A root does not hide from hermetic what a program is that the system may start: this frame is known."""
    return open_fd((path, path := None, HERE)[0], READ_FLAGS)


def start_of(path: str, size: int) -> bytes:
    """The first bytes of a regular file. OSError when it cannot be read."""
    descriptor = open_program(path)
    try:
        if file_mode(fstat(descriptor)) & S_IFMT != S_IFREG:
            return b""
        return read_fd(descriptor, size)
    finally:
        close_fd(descriptor)


def end_of(path: str, size: int) -> bytes:
    """The last bytes of a regular file. OSError when it cannot be read."""
    descriptor = open_program(path)
    try:
        seek(descriptor, max(0, file_size(fstat(descriptor)) - size), 0)
        return read_fd(descriptor, size)
    finally:
        close_fd(descriptor)


def recognise(path: str) -> Recognised:
    """What this file is. Follows links by itself; runs nothing."""
    try:
        head = start_of(path, HEAD)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", 0) in FULL:
            raise  # nobody can tell now what it is; the system starts it all the same
        # What may be started and not be read is no Python that could be guarded.
        return (OTHER if is_executable(path) else ABSENT), "", ()
    if head.startswith(NATIVE_MAGIC):
        named = is_python_name(base_name(path)) or is_python_name(base_name(followed(path)))
        is_one = is_interpreter(path, named) if head.startswith(ELF) or not named else True
        return (INTERPRETER if is_one else OTHER), "", ()
    if head.startswith(b"PK"):
        return ARCHIVE, "", ()
    command = shebang(head)
    return (OTHER, "", ()) if command is None else (SCRIPT_FILE, *command)


def is_interpreter(path: str, named: bool) -> bool:
    """Whether a native program is Python's own. named: it is called like one."""
    for size in (FIRST_PART, SEARCHED) if named else (SEARCHED,):
        text = start_of(path, size)
        for function in MAIN_FUNCTIONS if named else (MAIN_FUNCTION,):
            if function in text:
                return True
    return named and VARIABLE in start_of(path, ALL_OF_IT)


def unwrapped(
    path: str, words: tuple[str, ...], folders: str, start: str
) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """(what is started in the end where this file is started, its path, its words, what first lines set).

    words: the file's own, with its name first. folders: as PATH lists them. start: the folder where the process
    begins, empty for here.
    """
    name = file = path
    variables: tuple[str, ...] = ()
    what, program, options = recognise(placed(path, start))
    for _ in range(NESTED):
        if what != SCRIPT_FILE:
            break
        variables = (*variables, *set_by(start_of(placed(file, start), HEAD)))
        found = absolute_program(program, path_among(variables, folders), start)
        if found is None:
            return ABSENT, path, words, ()
        words = (program, *options, name, *words[1:])
        name, file = program if has_separator(program) else found, found
        what, program, options = recognise(found)
    return what, file, words, variables


def path_among(variables: tuple[str, ...], folders: str) -> str:
    """The PATH that these set, or this one."""
    for variable in variables:
        folders = variable.removeprefix("PATH=") if variable.startswith("PATH=") else folders
    return folders


def followed(path: str) -> str:
    """Where the links that this path itself is lead."""
    for _ in range(16):
        try:
            link = readlink(path)
        except (OSError, ValueError):
            break
        path = link if link[:1] == "/" else path.rpartition("/")[0] + "/" + link
    return path


def shebang(head: bytes) -> tuple[str, tuple[str, ...]] | None:
    """(program, its options) of a first line as the system reads it, whatever the program is; None for no such line.

    Knows ``/usr/bin/env``, ``env -S``, and the two-line form that installers
    write when the interpreter's path is too long for the kernel.
    """
    found = first_line(head)
    if found is None:
        return None
    program, option, lines = found
    if program.endswith("/sh") and len(lines) > 1 and lines[1].startswith("'''exec' "):
        words = quoted_words(lines[1][len("'''exec' ") :].split('"$0"')[0])
    elif base_name(program) == "env" and option:
        words = after_env(split(option))[1] or [program, option]
    else:
        # The system looks along no PATH for it.
        words = [program if has_separator(program) or not program else "./" + program, *([option] if option else [])]
    return (words[0], tuple(words[1:])) if words and words[0] else None


def first_line(head: bytes) -> tuple[str, str, list[str]] | None:
    """(program, what follows it, the lines) of a file that begins with ``#!``.

    One word follows the program, whatever is in it; a carriage return is an editor's.
    """
    lines = head.decode(ENCODING, ENCODING_ERRORS).split("\n")
    if not lines[0].startswith("#!"):
        return None
    program, _, option = lines[0][2:].strip(BLANKS + "\r").replace("\t", " ").partition(" ")
    return program, option.strip(BLANKS), lines


def set_by(head: bytes) -> tuple[str, ...]:
    """The variables, as ``NAME=value``, that ``env`` sets in a first line."""
    found = first_line(head)
    return tuple(after_env(split(found[1]))[0]) if found is not None and base_name(found[0]) == "env" else ()


def split(text: str) -> list[str]:
    """The words of a line: other blanks than these two are letters to the system."""
    return [word for word in text.replace("\t", " ").split(" ") if word]


def quoted_words(text: str) -> list[str]:
    """The words of a command; between double quotes, blanks are part of one."""
    words: list[str] = []
    for at, part in enumerate(text.split('"')):
        words += [part] if at % 2 else split(part)
    return words


def after_env(words: list[str]) -> tuple[list[str], list[str]]:
    """(variables, command) that ``env`` would set and start from a first line; neither where only ``env`` can tell."""
    if words and words[0].startswith(("-S", "--split-string=")):
        rest = words[0].removeprefix("-S").removeprefix("--split-string=")
        words = [rest, *words[1:]] if rest else words[1:]
    variables: list[str] = []
    while words and "=" in words[0] and not words[0].startswith("-"):
        variables.append(words[0])
        words = words[1:]
    for word in (*variables, *words):
        for sign in QUOTING:
            if sign in word:
                return [], []
    return (variables, []) if words and words[0].startswith("-") else (variables, words)


def search(name: str, folders: str, suffixes: tuple[str, ...], start: str) -> str | None:
    """The executable file of this name in folders as PATH lists them."""
    for folder in folders.split(";" if IS_WINDOWS else ":"):
        for suffix in suffixes:
            path = placed((folder or ".") + "/" + name + suffix, start)
            if is_executable(path):
                return path
    return None


def is_executable(path: str) -> bool:
    """Whether the system would try to start this file."""
    try:
        return file_mode(stat(path)) & S_IFMT == S_IFREG and access(path, MAY_EXECUTE)
    except (OSError, ValueError):
        return False


def never(names: tuple[str, ...], start: str) -> str:
    """A name by which no program is ever started, with the error that these have now.

    names: what the system tries in their order. start: the folder where the process begins, empty for here.
    """
    for name in names:
        try:
            stat(placed(name, start))
            return "/."  # what is there and cannot be started
        except (OSError, ValueError):
            continue
    return names[-1] and names[-1] + "/."  # no file is found below itself, and no folder is started


def program_kind(path: str) -> str:
    """SCRIPT, or FOLDER for a folder or an archive with a ``__main__`` in it."""
    try:
        if file_mode(stat(path)) & S_IFMT != S_IFREG:
            return FOLDER if file_mode(stat(path)) & S_IFMT == S_IFDIR else SCRIPT
        return FOLDER if is_archive(path) else SCRIPT
    except (OSError, ValueError):
        return SCRIPT


def is_archive(path: str) -> bool:
    """As Python finds out: by the record at the end, whatever stands before the first entry, as a first line."""
    end = end_of(path, END_RECORD + 0xFFFF)
    if END_MARK not in end or end[-END_RECORD:].startswith(END_MARK):
        return END_MARK in end
    # A comment of up to 64 KiB may follow the record.
    return start_of(path, len(ENTRY_MARK)).startswith((ENTRY_MARK, b"#!"))


def suffixes_of(environment: Any) -> tuple[str, ...]:
    """What Windows appends to a program's name; nothing elsewhere."""
    return tuple(environment.get("PATHEXT", "").split(";")) if IS_WINDOWS else ("",)


def is_absolute(path: str) -> bool:
    return path[:1] == "/" or (IS_WINDOWS and (path[1:2] == ":" or path[:2] == "\\\\"))


def placed(path: str, start: str) -> str:
    """A path as seen from here, of a process that begins in another folder."""
    return path if not start or is_absolute(path) else start + "/" + path


def located(entry: str, folders: str | None = None) -> str:
    """Where the program is that a list names, found along PATH, or as a path from here; ``~`` is the home folder.

    The links of its folder are followed, the one that it may be itself is not. folders: a PATH, None for that of this
    process. ValueError for what is no program.
    """
    from ..paths import resolve  # a run without such a list needs none of it

    if not entry or "\0" in entry:
        raise ValueError(f"{entry!r} is no program")
    path = os.path.expanduser(entry) if entry.startswith("~") else entry
    if not has_separator(path):
        found = search(path, os.environ.get("PATH", os.defpath) if folders is None else folders, ENDINGS, "")
        if found is None:
            raise ValueError(f"{entry!r} is no program: none of this name is on PATH")
        path = found
    if path.lower().endswith(BATCH) and IS_WINDOWS:
        raise ValueError(f"{entry!r} is a batch file, which cmd.exe would run: no list can hold that")
    if os.path.isdir(path):
        raise ValueError(f"{entry!r} is a folder, not a program")
    if not is_executable(path):
        raise ValueError(f"{entry!r} is no program: there is no such file, or it cannot be executed")
    return placed_really(path, resolve)


def placed_really(path: str, resolve: Any) -> str:
    """The path with the links of its folder followed, by this function of ``paths``."""
    head, slash, last = (path.replace("\\", "/") if IS_WINDOWS else path).rpartition("/")
    folder: str = resolve(head or slash or ".")
    return folder.rstrip("/") + "/" + last


def absolute_program(name: str, folders: str, start: str) -> str | None:
    """Where an interpreter named in a first line is; None when it is nowhere."""
    found = placed(name, start) if has_separator(name) else search(name, folders, ("",), start)
    if found is None or not is_executable(found):
        return None
    return found if is_absolute(found) else getcwd() + "/" + found


def give_signals_back() -> list[tuple[int, Any]]:
    """Have the signals that an interpreter ignores for itself end the program that takes its place, as subprocess does
    for children; returns what they were."""
    import _signal  # type: ignore[import-not-found]  # what signal is made over: no program shall find that loaded

    numbers = [getattr(_signal, name) for name in IGNORED if hasattr(_signal, name)]
    return [(number, _signal.signal(number, _signal.SIG_DFL)) for number in numbers]
