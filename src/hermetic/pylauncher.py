"""The ``py`` launcher: which interpreter its words name, found as the launcher itself would find it.

``py [-X[.Y]] [what python's own words are]``: the version that is asked for, else the active or the nearest virtual
environment, else the version in a script's first line, else PY_PYTHON, else the newest. On Windows the launcher
knows what no search of PATH tells, and is asked where that interpreter is; elsewhere nothing is run.
"""

from __future__ import annotations

import os

from _hermetic.errors import HermeticError
from _hermetic.pristine import IS_WINDOWS
from _hermetic.programs.executables import HEAD, base_name, is_executable, shebang, start_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Its words for which nothing of a program runs.
INFORMATIVE = ("-h", "--help", "-0", "-0p", "--list", "--list-paths")
TELL = "import sys; print(sys.executable)"
OWN_FOLDER = ".venv"


def is_version(text: str) -> bool:
    """3, or 3.12."""
    major, dot, minor = text.partition(".")
    return major.isdecimal() and (minor.isdecimal() if dot else True)


def asked(words: list[str]) -> tuple[str, list[str]]:
    """(the version that the first word asks for, or an empty text; python's own words). HermeticError."""
    first = words[0] if words else ""
    wanted = first.removeprefix("-V:").removeprefix("-")
    if first.startswith("-") and is_version(wanted):
        return wanted, words[1:]
    if first.startswith(("-V:", "-2", "-3")):
        raise HermeticError(f"py {first}: hermetic knows versions such as -3 and -3.12; name the interpreter itself")
    return "", words


def interpreter_for(launcher: str, version: str, words: list[str], environment: Mapping[str, str]) -> str:
    """The interpreter that the launcher would start; HermeticError when there is none."""
    if not version:
        found = environment.get("VIRTUAL_ENV") or ("" if IS_WINDOWS else near(os.getcwd()))
        if found:
            return python_in(found)
        version = version_of(words[0]) if words else ""
    if IS_WINDOWS:
        return told(launcher, version)
    # PY_PYTHON may say 3, and PY_PYTHON3 which of them.
    for _ in range(2):
        given = environment.get("PY_PYTHON" + version, "") if "." not in version else ""
        version = given if is_version(given) else version
    found = newest(version, environment.get("PATH", os.defpath))
    if not found:
        raise HermeticError(f"py finds no python{version or ''} on PATH")
    return found


def python_in(folder: str) -> str:
    """The interpreter of a virtual environment. HermeticError when it has none."""
    found = os.path.join(folder, "Scripts", "python.exe") if IS_WINDOWS else os.path.join(folder, "bin", "python")
    if not is_executable(found):
        raise HermeticError(f"the virtual environment {folder} has no interpreter")
    return found


def near(folder: str) -> str:
    """The virtual environment that lies in a folder or above it, or an empty text."""
    while True:
        if os.path.isdir(found := os.path.join(folder, OWN_FOLDER)):
            return found
        if folder == (folder := os.path.dirname(folder)):
            return ""


def version_of(path: str) -> str:
    """The version that the first line of a script asks for, or an empty text."""
    try:
        command = shebang(start_of(path, HEAD))
    except (OSError, ValueError):
        return ""
    words = [] if command is None else [command[0]]
    version = base_name(words[0]).removeprefix("python") if words else ""
    return version if is_version(version) else ""


def newest(version: str, folders: str) -> str:
    """The interpreter of the highest version that matches; of two of one version, the first on PATH."""
    best: tuple[int, int] = (0, 0)
    found = ""
    for path, numbers in interpreters(folders):
        if numbers > best and version in ("", str(numbers[0]), f"{numbers[0]}.{numbers[1]}"):
            best, found = numbers, path
    return found


def interpreters(folders: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """(path, version) of every pythonX.Y on PATH."""
    for folder in folders.split(os.pathsep):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            major, _, minor = name.removeprefix("python").partition(".")
            path = os.path.join(folder, name)
            if name.startswith("python") and major.isdecimal() and minor.isdecimal() and is_executable(path):
                yield path, (int(major), int(minor))


def told(launcher: str, version: str) -> str:
    """What the launcher itself says. Its interpreter runs one line of ours, and nothing from the working directory.

    HermeticError when it finds none.
    """
    import subprocess  # only on Windows

    command = [launcher, *(["-" + version] if version else []), "-I", "-c", TELL]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    if done.returncode != 0 or not path:
        raise HermeticError(f"{' '.join(command[:-3])} finds no interpreter: {done.stderr.strip()}")
    return path
