"""Integrity: what no policy allows, whatever it restricts.

A second interpreter has modules and hooks of its own and none of the guards; a
writable view of memory reaches everything; and hermetic's files, once written,
are another hermetic at the next start.
"""

from __future__ import annotations

import os as _os

from ..callers import CORE, FACES
from ..extract import exact_path, exact_text
from ..model import PRIVATE, Family, GuardedCall
from ..paths import absolute, is_below
from ..pristine import readlink, stat

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

GUARD = "integrity"
# Violations name a documented guard; what is protected here is the interpreter's state.
INTERPRETER, MEMORY, FILES, OWN = "interpreter.new", "interpreter.memory", "interpreter.files", "interpreter.guards"

_FUNCTION = type(lambda: None)
OWN_FILES = (CORE[:-1], FACES[:-1])
WRITE_BITS = _os.O_WRONLY | _os.O_RDWR | _os.O_CREAT | _os.O_TRUNC | _os.O_APPEND

# Doors to other interpreters, and the test modules that run code from C.
INTERPRETER_MODULES = frozenset(
    {
        "_interpreters",
        "_xxsubinterpreters",
        "_interpchannels",
        "_xxinterpchannels",
        "_interpqueues",
        "concurrent.interpreters",
        "_testcapi",
        "_testinternalcapi",
        "_testlimitedcapi",
        "_testembed",
        "_testsinglephase",
        "_testmultiphase",
        "_testimportmultiple",
        "_ctypes_test",
        "_remote_debugging",
    }
)


def decide(rules: tuple[Any, ...], capability: str, target: Any, call: str) -> tuple[str, str | None, str, str] | None:
    if capability == FILES:
        return f"filesystem readonly: {target}", target, "integrity", "nothing: hermetic's own files cannot be written"
    return f"interpreter mutation disabled: {target}", target, "integrity", "nothing while a policy is in force"


def new_interpreter(args: tuple[Any, ...], kwargs: Any) -> str:
    return "sub-interpreter"


def interpreter_module(args: tuple[Any, ...], kwargs: Any) -> str | None:
    name = exact_text(args[0])
    return name if name in INTERPRETER_MODULES or name.rpartition(".")[2] in INTERPRETER_MODULES else None


def own_function(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """object.__setattr__(object, name, value): code and defaults of our functions are not replaced."""
    thing = args[0]
    return "guards" if type(thing) is _FUNCTION and thing.__globals__ is PRIVATE else None


def is_memory_file(path: str) -> bool:
    """Whether a path, its links followed, is a process's memory: /proc/PID/mem, also under task/."""
    for _ in range(16):
        parts = path.split("/")
        if parts[-1] == "mem" and "proc" in parts:
            return True
        try:
            link = readlink(path)
        except (OSError, ValueError):
            break
        path = link if link[:1] == "/" else "/".join(parts[:-1]) + "/" + link
    try:
        # The same file by any other way: procfs gives a file's number only within one mount, so the name is asked.
        return path[-4:] == "/mem" and stat(path).st_size == 0 and stat(path).st_dev == PROC_DEVICE
    except OSError:
        return False


try:
    PROC_DEVICE = stat("/proc/self").st_dev
except OSError:
    PROC_DEVICE = -1


def memory_write(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """open(path, mode, flags) for writing, of memory."""
    flags = args[2]
    if isinstance(flags, int) and not flags & WRITE_BITS:
        return None
    path = exact_path(args[0]) if args[0] is not None else 0
    return "memory" if isinstance(path, str) and is_memory_file(path) else None


def is_own(path: object) -> str | None:
    """The path, if it lies in hermetic's own directories."""
    if path is None or isinstance(path, int):
        return None
    text = exact_path(path)
    if isinstance(text, int):
        return None
    text = absolute(text)
    return text if is_below(text, OWN_FILES) else None


def own_write(args: tuple[Any, ...], kwargs: Any) -> str | None:
    flags = args[2]
    if isinstance(flags, int) and not flags & WRITE_BITS:
        return None
    return is_own(args[0])


def own_change(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """Calls that change what their first one or two arguments name."""
    return is_own(args[0]) or (is_own(args[1]) if len(args) > 1 and isinstance(args[1], (str, bytes)) else None)


SURFACE = (
    GuardedCall(capability=INTERPRETER, audit=("cpython.PyInterpreterState_New",), read=new_interpreter),
    GuardedCall(
        capability=INTERPRETER,
        audit=("import",),
        read=interpreter_module,
        example="import _testcapi",
    ),
    GuardedCall(capability=OWN, audit=("object.__setattr__", "object.__delattr__"), read=own_function),
    GuardedCall(
        capability=MEMORY,
        audit=("open",),
        read=memory_write,
        example="open('/proc/self/mem', 'r+b')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("open",),
        read=own_write,
        example="import _hermetic; open(_hermetic.__file__, 'a')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.mkdir"),
        read=own_change,
        example="import os, _hermetic; os.remove(_hermetic.__file__)",
    ),
)

FAMILY = Family(guard="interpreter", decide=decide, surface=SURFACE)
