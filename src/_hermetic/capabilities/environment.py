"""Environment: which variables the program may read, change and hand on.

The program's own look-ups are refused; the standard library's (terminal size,
locale, proxies, temporary folder) see an unset variable, which is no blocked act.
What children need is kept: a short fixed list, shown only to what starts them.
"""

from __future__ import annotations

import _collections_abc
import os as _os

from ..callers import CALLER_DEPTH, STDLIB, calling_frame, is_ours, is_stdlib_file, runs_one_of
from ..extract import TEXT_OR_BYTES, exact_text, is_a, never, opens_nothing
from ..model import BlockMemory, Family, GuardedCall
from ..paths import PROC_DEVICE, behind, folder_above, open_folders
from ..pristine import IS_WINDOWS, S_IFDIR, S_IFMT, S_IFREG, file_device, file_mode, file_size, native, readlink, stat
from ..programs.variables import is_allowed, is_fixed, is_kept
from ..programs.variables import make_rules as make_rules

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ..model import Denial

    # (whether everybody sees variables as unset instead of failing, allowed names, allowed prefixes, and in a block
    # the names that were taken from C for its children)
    Rules: TypeAlias = tuple[bool, frozenset[str], tuple[str, ...], "BlockMemory | None"]

GUARD = "environment"
OPTION = "no-environment"
EVERYTHING = "running without --no-environment, or --no-environment=unset for a program that copes with unset variables"
READ, WRITE, INHERIT = "environment.read", "environment.write", "environment.inherit"

# What is done to the mapping. SEE asks, without a word, whether a name is listed; COPY is all of it by another way.
GET, LIST, SEE, SET, DELETE, COPY, START = "get", "list", "see", "set", "delete", "copy", "start"
READS, WRITES = (GET, LIST, SEE), (SET, DELETE)
EVERY = "*"


# --- who asks ---

PROGRAM, LIBRARY, STARTER, OURSELVES = "program", "library", "starter", "hermetic"
OS_FILE = _os.getenv.__code__.co_filename
MAPPING_FILE = _collections_abc.Mapping.get.__code__.co_filename
# What starts children. To forge these names shows what any child is given.
STARTERS = frozenset({STDLIB + "subprocess.py", STDLIB + "shutil.py"})


# The code that runs the start-up files of this interpreter. To have it run something shows nothing.
START_UP: Any = None


def asker() -> str:
    """The first frame outside os, _collections_abc and hermetic; no frame means the program."""
    frame = calling_frame(CALLER_DEPTH + 1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name == OS_FILE:
            if frame.f_code.co_name == "_execvpe":
                return STARTER
        elif name != MAPPING_FILE and not is_ours(name):
            if not is_stdlib_file(name):
                return LIBRARY if START_UP is not None and is_start_up(frame) else PROGRAM
            return STARTER if name in STARTERS else LIBRARY
        frame = frame.f_back
    return PROGRAM


def is_start_up(frame: Any) -> bool:
    """Whether this is called by a start-up file."""
    while frame is not None:
        if frame.f_code is START_UP:
            return True
        frame = frame.f_back
    return False


# --- decisions ---


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    verb, name, who = target
    if verb == START:
        return None if rules[3] is None else ("", None, OPTION, "", hide_from_children)
    if verb == COPY:
        return f"environment disabled: {name}", name, OPTION, "nothing: it holds every variable"
    if who == OURSELVES and rules[3] is not None:
        return None
    if is_allowed(rules, name) or (who == STARTER and verb in READS and is_fixed(name)):
        return None
    if verb == SEE or (who != PROGRAM and verb != SET):
        return "", None, OPTION, "", KeyError(name)
    kind = "environment mutation disabled" if capability == WRITE else "environment disabled"
    remedy = EVERYTHING if name == EVERY else f"--allow-env {name}"
    if rules[0] and verb != SET:
        return f"{kind}: {name}", name, OPTION, remedy, KeyError(name)
    return f"{kind}: {name}", name, OPTION, remedy


# What os.environ was made from. A policy for the whole process empties it.
DATA: Any = getattr(_os.environ, "_data", {})
take_from_c, give_to_c = native.unsetenv, native.putenv


def hide_from_children(rules: Rules, target: Any) -> None:
    """A block's first child is about to start: take from C what it shall not inherit. Leaving the block gives it back.

    Not done on entering: most blocks start nothing, and a block has to cost next to nothing.
    """
    hidden = rules[3]
    if hidden:
        return
    for key in list(DATA):
        if not is_kept(rules, exact_text(key)):
            hidden.append(key)  # type: ignore[union-attr]  # in a block it is there
            take_from_c(key)


def engage(rules: tuple[Any, ...]) -> Callable[[], None]:
    """Returns what gives children their variables back."""
    hidden = rules[3]

    def show_to_children() -> None:
        while hidden:
            key = hidden.pop()
            if key in DATA:
                give_to_c(key, DATA[key])

    return show_to_children


# --- readers ---


def variable(name: object) -> str:
    """A variable's name as the system compares it."""
    text = exact_text(name)
    return str.upper(text) if IS_WINDOWS else text


def read_target(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str] | None:
    """(verb, name) from a guarded mapping; what is no name raises its own error later."""
    verb, name = args
    return (verb, variable(name), asker()) if verb in READS and is_a(name, TEXT_OR_BYTES) else None


def write_target(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str] | None:
    verb, name = args
    return (verb, variable(name), asker()) if verb in WRITES and is_a(name, TEXT_OR_BYTES) else None


# The code of the stand-ins that start children; a start fills it in.
STARTING: tuple[Any, ...] = ()


def changed_name(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str] | None:
    """os.putenv(name, value), os.unsetenv(name)."""
    frame = calling_frame(CALLER_DEPTH)
    if runs_one_of(frame, STARTING):
        return None  # what C hands to a shell is put right
    own = frame is not None and is_ours(frame.f_code.co_filename)
    return SET, variable(args[0]), OURSELVES if own else PROGRAM


def starting(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str]:
    return START, EVERY, PROGRAM


FILES = ("environ", "mem")
MOST_LINKS = 16


def is_process_file(path: str) -> bool:
    """Whether this names a file of procfs (no other file system gives regular files with content no size)."""
    try:
        found = stat(path)
    except (OSError, ValueError):
        return False
    return (
        file_mode(found) & S_IFMT == S_IFREG
        and file_size(found) == 0
        and (file_device(found) == PROC_DEVICE or "proc" in path.split("/"))
    )


def process_file(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str] | None:
    """open(path, mode, flags) of some process's environment or memory, through links too."""
    if opens_nothing(args):
        return None
    shown = exact_text(args[0])
    by_os = args[1] is None
    if leads_to_process(shown, by_os):
        return COPY, shown, PROGRAM
    if by_os and shown[:1] != "/":
        for folder in open_folders():
            if leads_to_process(f"{folder}/{shown}", by_os):
                return COPY, shown, PROGRAM
    return None


def leads_to_process(path: str, by_os: bool) -> bool:
    """Whether a path, its last links followed, is such a file, or for os.open a folder that has them."""
    for _ in range(MOST_LINKS):
        if path.rpartition("/")[2] in FILES:
            # os.open may mean a folder that only its descriptor names.
            return (by_os and path[:1] != "/") or is_process_file(path)
        try:
            link = readlink(path)
        except (OSError, ValueError):
            return by_os and is_process_folder(path)
        path = behind(folder_above(path), link)
    return True


def is_process_folder(path: str) -> bool:
    """Whether this is a process's folder in procfs: its descriptor would reach the files in it unseen."""
    try:
        found = stat(path)
        return (
            file_mode(found) & S_IFMT == S_IFDIR
            and file_device(found) == PROC_DEVICE
            and file_device(stat(path + "/environ")) == PROC_DEVICE
        )
    except (OSError, ValueError):
        return False


def history_file(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str] | None:
    """readline reads a file in C, unannounced before 3.13."""
    return process_file((args[0], "r"), None) if args and args[0] is not None else None


def tcl_variables(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str]:
    """_tkinter.create(...): Tcl's array `env` is what C holds, to be read and written."""
    return COPY, "Tcl", PROGRAM


def variables_of_c(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str, str]:
    """os.reload_environ() makes ``os.environ`` what C holds: all that children are given."""
    return COPY, EVERY, PROGRAM


GUARDED = getattr(_os, "environb", _os.environ)


def cover_fresh(rules: Rules, args: tuple[Any, ...], kwargs: Any, result: Any) -> None:
    """A fresh posix module has been executed: it has a copy of its own of what C holds."""
    names = module_names(args[0])
    if dict.get(names, "environ") is not None:
        dict.__setitem__(names, "environ", GUARDED)


module_names: Any = vars(type(_os))["__dict__"].__get__


STARTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "_posixsubprocess.fork_exec",
    "_winapi.CreateProcess",
)
CALL = "os.environ"
MAPPINGS = ("os:environ.__class__", "os:environb.__class__")

SURFACE = (
    # CPython raises no event when a variable is read. The objects that the program holds are kept: their class is
    # replaced, and the data behind them is taken away, so that nothing is found around the class.
    GuardedCall(
        capability=READ,
        patch=MAPPINGS,
        read=read_target,
        call=CALL,
        door="environ.guarded_class",
        example="import os; os.environ['PATH']",
    ),
    GuardedCall(
        capability=WRITE,
        patch=MAPPINGS,
        read=write_target,
        call=CALL,
        door="environ.unchanged",
        example="import os; os.environ['X'] = '1'",
    ),
    GuardedCall(
        capability=READ,
        patch=("os:environ._data", "os:environb._data", "posix:environ" if not IS_WINDOWS else "nt:environ"),
        read=read_target,
        call=CALL,
        door="environ.guarded_data",
        example="import os; os.environ._data.get(b'PATH')",
    ),
    GuardedCall(
        capability=WRITE,
        audit=("os.putenv", "os.unsetenv"),
        read=changed_name,
        example="import os; os.putenv('X', '1')",
    ),
    GuardedCall(
        capability=READ,
        audit=("open",),
        read=process_file,
        note="a link that is swapped between the check and the call is the kernel layer's",
        example="open('/proc/self/environ')",
    ),
    GuardedCall(
        capability=READ,
        patch=("readline:read_history_file", "readline:read_init_file"),
        read=history_file,
        example="import readline; readline.read_history_file('/proc/self/environ')",
    ),
    # Since 3.14: what C holds, as at the start.
    GuardedCall(
        capability=READ,
        patch=("os:_create_environ", "nt:_create_environ" if IS_WINDOWS else "posix:_create_environ"),
        read=variables_of_c,
        call="os.reload_environ",
        final=True,
    ),
    GuardedCall(
        capability=READ,
        patch=("_tkinter:create",),
        read=tcl_variables,
        call="_tkinter.create",
        final=True,
        example="import tkinter; tkinter.Tcl()",
    ),
    GuardedCall(
        capability=READ,
        patch=("_imp:exec_builtin",),
        read=never,
        after=cover_fresh,
    ),
    GuardedCall(
        capability=INHERIT,
        audit=STARTS,
        read=starting,
        note="a block's C environment is scrubbed when its first child starts by one of these; `_posixsubprocess` "
        "used directly is announced by no version up to 3.13.0. Under the command line that was done before the start",
    ),
)


# --- rules ---


def prepare(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add a block's memory."""
    return (*rules[:3], BlockMemory())


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare, engage=engage)
