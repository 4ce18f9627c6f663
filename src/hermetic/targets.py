"""What a command line's target is: looked up, never run here.

The four forms, in order: ``pkg.module:attr``, a console script, an executable or
a path, a module name. The light half of ``hermetic.resolver``, which the command
line uses without paying for dataclasses.
"""

from __future__ import annotations

import os
import sys

from _hermetic.errors import HermeticError
from _hermetic.model import Value
from _hermetic.target import CALL, CODE, FOLDER, MODULE, SCRIPT, STDIN, Target

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Interpreter options by how many further words they take; the others are single letters without any.
WITH_VALUE = "WX"
WITHOUT_VALUE = "bBdEiIOPqRsSuvx"
INFORMATIVE = ("-h", "-?", "-V", "-VV", "--help", "--version", "--help-all", "--help-env", "--help-xoptions")
HEAD = 512  # bytes of a file's start that tell what it is


class Launch(Value):
    """A target and the interpreter it belongs to.

    interpreter: None for the running one. flags: options for it, which only a new
    process can honour. informative: nothing of the target runs (``python --version``).
    """

    __slots__ = ("target", "interpreter", "flags", "informative")
    DEFAULTS = {"interpreter": None, "flags": (), "informative": False}

    target: Target
    interpreter: str | None
    flags: tuple[str, ...]
    informative: bool


def find(words: list[str]) -> Launch:
    """What these words mean as a target. HermeticError when they mean nothing."""
    name, args = words[0], words[1:]
    if is_reference(name):
        module, _, attr = name.partition(":")
        target = Target(kind=CALL, name=module, attr=attr, argv=[name, *args], orig_argv=[sys.executable, *words])
        return Launch(target=target)
    if not has_separator(name) and not os.path.exists(name):
        found = which(name)
        if found is not None:
            return from_file(found, name, args)
        launch = from_entry_point(name, args)
        if launch is not None:
            return launch
    elif os.path.exists(name):
        return from_file(name, name, args)
    elif has_separator(name):
        raise HermeticError(f"target not found: {name}")
    if all(part.isidentifier() for part in name.split(".")):
        orig_argv = [sys.executable, "-m", *words]
        return Launch(target=Target(kind=MODULE, name=name, argv=["-m", *args], orig_argv=orig_argv))
    raise HermeticError(f"target not found: {name} is no command on PATH, no file, and no module name")


def is_reference(name: str) -> bool:
    """``pkg.module:attr``; a drive letter is a path."""
    module, colon, attr = name.partition(":")
    if not colon or (len(module) == 1 and attr[:1] in ("\\", "/")):
        return False
    return all(part.isidentifier() for part in (*module.split("."), *attr.split(".")))


def has_separator(name: str) -> bool:
    return os.sep in name or bool(os.altsep and os.altsep in name)


def which(name: str) -> str | None:
    """The executable file of this name on PATH."""
    suffixes = os.environ.get("PATHEXT", "").split(os.pathsep) if os.name == "nt" else [""]
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for suffix in suffixes:
            path = os.path.join(folder or os.curdir, name + suffix)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


def from_entry_point(name: str, args: list[str]) -> Launch | None:
    """A console script of this environment that has no file on PATH."""
    from importlib.metadata import entry_points  # only a name that no file answers to pays for this

    for entry in entry_points(group="console_scripts", name=name):
        module, _, attr = entry.value.partition(" ")[0].partition(":")
        return Launch(target=Target(kind=CALL, name=module, attr=attr, argv=[name, *args]))
    return None


def from_file(path: str, name: str, args: list[str]) -> Launch:
    """A path: an interpreter, a Python script by its first line or its name, or a folder with ``__main__.py``."""
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "__main__.py")):
            return Launch(target=Target(kind=FOLDER, name=path, argv=[path, *args]))
        raise HermeticError(f"{path} is a directory without __main__.py")
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise HermeticError(f"cannot read {path}: {error.strerror}") from None
    if is_python_name(os.path.basename(path)) and not head.startswith(b"#!"):
        return from_python(path, name, args)
    if head[:2] == b"PK":
        return Launch(target=Target(kind=FOLDER, name=path, argv=[path, *args]))
    command = shebang(head)
    if command is not None:
        interpreter, flags = command
        return script(path, args, located(interpreter), interpreter, flags)
    if path.endswith((".py", ".pyw", ".pyc")):
        target = Target(kind=SCRIPT, name=path, argv=[path, *args], orig_argv=[sys.executable, path, *args])
        return Launch(target=target)
    raise HermeticError(
        f"{path} is not a Python program; without the kernel layer nothing can hold it, so it is not started"
    )


def script(path: str, args: list[str], interpreter: str, spelled: str, flags: list[str]) -> Launch:
    """A script that names its interpreter."""
    target = Target(
        kind=SCRIPT,
        name=path,
        argv=[path, *args],
        orig_argv=[spelled, *flags, path, *args],
        executable=interpreter,
    )
    return Launch(target=target, interpreter=foreign(interpreter), flags=tuple(flags))


def shebang(head: bytes) -> tuple[str, list[str]] | None:
    """(interpreter, its options) of a first line that starts Python, else None.

    Knows ``/usr/bin/env``, ``env -S``, and the two-line form that installers
    write when the interpreter's path is too long for the kernel.
    """
    lines = head.decode("utf-8", "replace").split("\n")
    if not lines[0].startswith("#!"):
        return None
    words = lines[0][2:].split()
    if words and words[0].endswith("/sh") and len(lines) > 1 and lines[1].startswith("'''exec' "):
        words = lines[1][len("'''exec' ") :].split('"$0"')[0].replace('"', "").split()
    if words and os.path.basename(words[0]) == "env":
        words = words[1:]
        if words and words[0].startswith(("-S", "--split-string=")):
            rest = words[0].removeprefix("-S").removeprefix("--split-string=")
            words = [rest, *words[1:]] if rest else words[1:]
        while words and "=" in words[0]:
            words = words[1:]
    if not words or not is_python_name(os.path.basename(words[0])):
        return None
    return words[0], words[1:]


def is_python_name(name: str) -> bool:
    """python, python3, python3.12, python3.13t, with or without .exe."""
    stem = name.lower().removesuffix(".exe")
    for prefix in ("python", "pypy"):
        if stem.startswith(prefix):
            rest = stem[len(prefix) :].removesuffix("w").removesuffix("t")
            return rest.replace(".", "").isdecimal() or not rest
    return False


def located(interpreter: str) -> str:
    """The interpreter's path; HermeticError when it does not exist."""
    found = interpreter if has_separator(interpreter) else which(interpreter)
    if found is None or not os.path.exists(found):
        raise HermeticError(f"the interpreter {interpreter} does not exist")
    return os.path.abspath(found)


def foreign(interpreter: str) -> str | None:
    """None when this is the running interpreter, in the running environment."""
    mine = os.path.abspath(sys.executable)
    same_place = os.path.realpath(os.path.dirname(interpreter)) == os.path.realpath(os.path.dirname(mine))
    return None if same_place and os.path.realpath(interpreter) == os.path.realpath(mine) else interpreter


def from_python(path: str, name: str, args: list[str]) -> Launch:
    """``python [options] [-c CODE | -m MODULE | - | SCRIPT] [args]``."""
    interpreter = os.path.abspath(path)
    words = list(args)
    flags: list[str] = []
    kind, value = STDIN, "-"
    while words:
        word = words.pop(0)
        if word in INFORMATIVE:
            return Launch(
                target=Target(kind=STDIN, name="-", argv=["-"]),
                interpreter=interpreter,
                flags=(word,),
                informative=True,
            )
        if word.startswith("--check-hash-based-pycs"):
            flags += [word] if "=" in word or not words else [word, words.pop(0)]
        elif word == "-" or not word.startswith("-"):
            kind, value = (STDIN, word) if word == "-" else (SCRIPT, word)
            break
        else:
            ending = read_cluster(word, words, flags)
            if ending is not None:
                kind, value = ending
                break
    if "i" in "".join(f for f in flags if f[:1] == "-") or (kind == STDIN and not args and sys.stdin.isatty()):
        raise HermeticError("interactive sessions cannot be guarded; give -c, -m, a script, or - with a pipe")
    if kind == SCRIPT and not os.path.exists(value):
        raise HermeticError(f"target not found: {value}")
    first = {SCRIPT: value, MODULE: "-m", CODE: "-c", STDIN: "-" if args else ""}[kind]
    if kind == SCRIPT and (os.path.isdir(value) or is_archive(value)):
        kind = FOLDER
    target: Any = Target(kind=kind, name=value, argv=[first, *words], orig_argv=[name, *args], executable=interpreter)
    return Launch(target=target, interpreter=foreign(interpreter), flags=tuple(flags))


def read_cluster(word: str, words: list[str], flags: list[str]) -> tuple[str, str] | None:
    """One word of interpreter options such as ``-Bu`` or ``-Wignore``; (kind, value) when it names the target."""
    for place, letter in enumerate(word[1:], 2):
        rest = word[place:]
        if letter in "cm":
            if not rest and not words:
                raise HermeticError(f"python -{letter} needs a value")
            return (CODE if letter == "c" else MODULE), rest or words.pop(0)
        if letter in WITH_VALUE:
            if not rest and not words:
                raise HermeticError(f"python -{letter} needs a value")
            flags += [f"-{letter}", rest or words.pop(0)]
            return None
        if letter not in WITHOUT_VALUE:
            raise HermeticError(f"python has no option -{letter} that hermetic knows")
        flags.append(f"-{letter}")
    return None


def is_archive(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK"
