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
from _hermetic.programs.commandline import INFORMS, UNKNOWN, meaning
from _hermetic.programs.executables import (
    ABSENT,
    ARCHIVE,
    ENV,
    HEAD,
    INTERPRETER,
    OTHER,
    SCRIPT_FILE,
    absolute_program,
    base_name,
    has_separator,
    is_executable,
    is_python_name,
    path_among,
    program_kind,
    recognise,
    search,
    set_by,
    start_of,
    suffixes_of,
)
from _hermetic.programs.target import CALL, CODE, FOLDER, MODULE, PROGRAM, SCRIPT, STDIN, Target

# The names of the launcher that Windows has and others can install.
LAUNCHERS = ("py", "py.exe", "pyw", "pyw.exe")


class Launch(Value):
    """A target and the interpreter it belongs to.

    interpreter: None for the running one. flags: options for it, which only a new
    process can honour. informative: nothing of the target runs (``python --version``).
    variables: what a first line such as ``env -S A=1 python3`` sets, as ``NAME=value``.
    """

    __slots__ = ("target", "interpreter", "flags", "informative", "variables")
    DEFAULTS = {"interpreter": None, "flags": (), "informative": False, "variables": ()}

    target: Target
    interpreter: str | None
    flags: tuple[str, ...]
    informative: bool
    variables: tuple[str, ...]


def find(words: list[str]) -> Launch:
    """What these words mean as a target. HermeticError when they mean nothing."""
    name, args = words[0], words[1:]
    if is_reference(name):
        module, _, attr = name.partition(":")
        target = Target(kind=CALL, name=module, attr=attr, argv=[name, *args], orig_argv=[sys.executable, *words])
        return Launch(target=target)
    # A checkout often has a folder of the program's name, which a shell would not take for a command either.
    if not has_separator(name) and (os.path.isdir(name) or not os.path.exists(name)):
        found = which(name)
        if found is not None:
            return from_file(found, name, args)
        launch = from_entry_point(name, args)
        if launch is not None:
            return launch
    if os.path.exists(name):
        return from_file(name, name, args)
    if has_separator(name):
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


def which(name: str) -> str | None:
    """The executable file of this name on PATH."""
    return search(name, os.environ.get("PATH", os.defpath), suffixes_of(os.environ), "")


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
    what, spelled, options = recognise(path)
    if what == INTERPRETER:
        return from_python(path, name, args)
    if what == ARCHIVE and program_kind(path) == FOLDER:
        return Launch(target=Target(kind=FOLDER, name=path, argv=[path, *args]))
    if what == SCRIPT_FILE:
        variables = set_by(start_of(path, HEAD))
        interpreter = located(spelled, path_among(variables, os.environ.get("PATH", os.defpath)))
        if interpreter is not None and recognise(interpreter)[0] == INTERPRETER:
            return script(path, args, interpreter, spelled, options, variables)
    if what in (OTHER, SCRIPT_FILE, ARCHIVE) and path.endswith((".py", ".pyw", ".pyc")):
        target = Target(kind=SCRIPT, name=path, argv=[path, *args], orig_argv=[sys.executable, path, *args])
        return Launch(target=target)
    if what == ABSENT:
        raise HermeticError(f"cannot read {path}")
    if base_name(path.lower()) in LAUNCHERS:
        return from_launcher(path, args)
    head = start_of(path, HEAD)
    if head.startswith(b"#!") and (b"pyenv" in head or is_python_name(os.path.basename(path))):
        # A version manager's stand-in. What it would start is known to it alone, and hermetic runs nothing to find out.
        how = f"`pyenv which {os.path.basename(path)}` tells it" if b"pyenv" in head else "by its own path"
        raise HermeticError(f"{path} is a script that starts a Python program; name the program itself: {how}")
    if not is_executable(path):
        raise HermeticError(f"{path} is no Python program, and may not be executed")
    behind = from_env(args) if path in ENV else None
    return behind or Launch(target=Target(kind=PROGRAM, name=os.path.abspath(path), argv=[name, *args]))


def from_env(args: list[str]) -> Launch | None:
    """``env [NAME=VALUE ...] COMMAND``: the command and what is set for it, where it is a Python program.

    None for what only ``env`` can tell, or do to the variables: it is held as any other program is.
    """
    from _hermetic.programs.firstlines import by_env  # only a program of that name pays for this

    changes, command = by_env(tuple(args)) or ([], ())
    variables = tuple([f"{name}={value}" for name, value in changes if value is not None])
    if not command or len(variables) < len(changes):
        return None
    found = absolute_program(command[0], path_among(variables, os.environ.get("PATH", os.defpath)), "")
    if found is None or os.path.isdir(found):
        return None  # it says so itself
    try:
        launch = from_file(command[0] if has_separator(command[0]) else found, command[0], list(command[1:]))
    except HermeticError:
        return None
    if launch.target.kind == PROGRAM:
        return None
    return launch.but(variables=(*variables, *launch.variables))


def script(
    path: str, args: list[str], interpreter: str, spelled: str, options: tuple[str, ...], variables: tuple[str, ...]
) -> Launch:
    """A script that names its interpreter. variables: what its first line sets."""
    kind, name, flags, rest = meaning((*options, path))
    if (kind, name, rest) != (SCRIPT, path, ()):
        raise HermeticError(f"{path}: the first line does not run this file, but {' '.join([spelled, *options])}")
    target = Target(
        kind=program_kind(path),
        name=path,
        argv=[path, *args],
        orig_argv=[spelled, *options, path, *args],
        executable=interpreter,
    )
    return Launch(target=target, interpreter=foreign(interpreter), flags=flags, variables=variables)


def located(interpreter: str, folders: str) -> str | None:
    """The path of a script's interpreter; HermeticError when it is a Python that does not exist."""
    found = absolute_program(interpreter, folders, "")
    if found is None and is_python_name(base_name(interpreter)):
        raise HermeticError(f"the interpreter {interpreter} does not exist")
    return found


def foreign(interpreter: str) -> str | None:
    """None when this is the running interpreter, in the running environment."""
    mine = os.path.abspath(sys.executable)
    same_place = os.path.realpath(os.path.dirname(interpreter)) == os.path.realpath(os.path.dirname(mine))
    return None if same_place and os.path.realpath(interpreter) == os.path.realpath(mine) else interpreter


def from_launcher(path: str, args: list[str]) -> Launch:
    """``py [-X[.Y]] ...``: the interpreter that it would start, with the words that it would pass on."""
    from hermetic import pylauncher  # only a program of that name pays for this

    if len(args) == 1 and args[0] in pylauncher.INFORMATIVE:
        target = Target(kind=STDIN, name="-", argv=["-"])
        return Launch(target=target, interpreter=os.path.abspath(path), flags=tuple(args), informative=True)
    version, rest = pylauncher.asked(args)
    interpreter = pylauncher.interpreter_for(path, version, rest, os.environ)
    return from_file(interpreter, interpreter, rest)


def from_python(path: str, name: str, args: list[str]) -> Launch:
    """``python [options] [-c CODE | -m MODULE | - | SCRIPT] [args]``."""
    interpreter = os.path.abspath(path)
    kind, value, flags, rest = meaning(tuple(args))
    if kind == UNKNOWN:
        raise HermeticError(value)
    if kind == INFORMS:
        target = Target(kind=STDIN, name="-", argv=["-"])
        return Launch(target=target, interpreter=interpreter, flags=tuple(args), informative=True)
    if kind == SCRIPT:
        if not os.path.exists(value):
            raise HermeticError(f"target not found: {value}")
        kind = program_kind(value)
    first = {SCRIPT: value, FOLDER: value, MODULE: "-m", CODE: "-c", STDIN: value}[kind]
    target = Target(kind=kind, name=value, argv=[first, *rest], orig_argv=[name, *args], executable=interpreter)
    return Launch(target=target, interpreter=foreign(interpreter), flags=flags)
