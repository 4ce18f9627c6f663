"""Interpreter: the state that every module of the process shares.

Working directory, import paths and hooks, start-up files, tracing. Ordinary
changes fail at the call; a change made behind the methods (``list.append``, the
namespace of ``sys``, a finder's attributes) is undone before the next look-up.
"""

from __future__ import annotations

from ...callers import CALLER_DEPTH, STDLIB, calling_frame, is_ours
from ...extract import NUMBER, TEXT_OR_BYTES, always, argument, exact_path, is_a, tcl_made
from ...model import BlockMemory, Family, GuardedCall
from ...pristine import file_device, file_inode, getcwd, stat
from .import_state import (
    CACHE,
    FUNCTION,
    IMPORTERS,
    LISTS,
    SYS,
    SYS_NAMES,
    make_held,
    noted,
    noted_now,
    put_back,
    refresh,
)
from .startup_files import is_startup_folder, startup_file, startup_made, startup_target

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ...model import Denial

    # (the import state of the start, and what blocks noted on entering)
    Rules: TypeAlias = tuple[Any, "BlockMemory | None"]

GUARD = "interpreter"
OPTION = "no-interpreter-mutation"
REMEDY = "running without --no-interpreter-mutation"
# Most programs (timeit, cProfile, pdb) add their folder whether it is there or not; unittest looks first.
PATH_REMEDY = "PYTHONPATH, where the program adds a folder only if it is missing, or " + REMEDY
PATHS, LOOKUP, CLASSES = "interpreter.paths", "interpreter.lookup", "interpreter.classes"
FOLDER, TRACING, STARTUP = "interpreter.folder", "interpreter.tracing", "interpreter.startup"


# --- decisions ---


def state_of(rules: Rules) -> Any:
    """What to compare with: of the start, or of the block entered last; None before the first block is."""
    if rules[1] is None:
        return rules[0]
    return rules[1][-1] if rules[1] else None


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    if capability == LOOKUP:
        return "", None, OPTION, "", repair
    if capability == CLASSES:
        what = disguised(rules, target)
        return None if what is None else refused(what)
    if capability == STARTUP:
        state = state_of(rules)
        for name in target[1]:
            if is_startup_folder(name, () if state is None else state[1][0][2]):
                return refused(target[0])
        return None
    return refused(target or call)


def refused(what: str) -> tuple[str, str, str, str]:
    return f"interpreter mutation disabled: {what}", what, OPTION, PATH_REMEDY if what == "sys.path" else REMEDY


def repair(rules: Rules, target: Any) -> None:
    """A module is about to be looked for: with what was there at the start."""
    state = state_of(rules)
    if state is not None:
        put_back(state, target[0])


SPECIAL = ("__code__", "__defaults__", "__kwdefaults__")


def disguised(rules: Rules, target: Any) -> str | None:
    """What would no longer be what it was: sys and its lists by a new class, an import function by new code."""
    thing, name, value = target
    state = state_of(rules)
    if state is None:
        return None
    sys_class, lists, cache = state[0], state[1], state[2]
    if thing is SYS:
        return "sys" if value is not sys_class else None
    for label, held, _ in lists:
        if thing is held or thing is type(held):
            return f"sys.{label}"
    if thing is cache or thing is type(cache):
        return f"sys.{CACHE}"
    if thing is sys_class:
        return "sys"
    if type(thing) is FUNCTION and name in SPECIAL:
        for names in IMPORTERS:
            if thing.__globals__ is names:
                return "importlib"
    return None


# --- readers ---

IMPORT_FILES = frozenset({IMPORTERS[1]["_path_join"].__code__.co_filename, STDLIB + "pkgutil.py"})
SPAWN_FILES = frozenset({STDLIB + "multiprocessing/spawn.py", STDLIB + "multiprocessing/forkserver.py"})
# joblib's workers are prepared as multiprocessing's are, by a copy of that code.
LOKY = "/loky/backend/spawn.py"
JOINING, PLAIN = frozenset({"extend", "__iadd__"}), (list, tuple)
CACHED = frozenset({"__setitem__", "__delitem__", "setdefault", "pop"})


def asked_from(files: frozenset[str]) -> bool:
    """Whether the caller's file is one of these. To forge that name gains nothing: see where it is asked."""
    frame = calling_frame(CALLER_DEPTH + 1)
    return frame is not None and frame.f_code.co_filename in files


def prepares_worker() -> bool:
    """Whether the caller tells a new process what its parent has."""
    frame = calling_frame(CALLER_DEPTH + 1)
    if frame is None:
        return False
    file = frame.f_code.co_filename
    return file in SPAWN_FILES or file.replace("\\", "/").endswith(LOKY)


def asked_by_ourselves() -> bool:
    """A policy that begins inside a block puts its own in place. What a forged name puts there is not looked into."""
    frame = calling_frame(CALLER_DEPTH + 1)
    return frame is not None and is_ours(frame.f_code.co_filename)


def same_text(value: Any, held: Any) -> bool:
    """Whether these are the same strings: a child that is given its parent's path has it already."""
    if type(value) is not list or len(value) != list.__len__(held):
        return False
    for one, other in zip(value, list.__iter__(held)):
        if type(one) is not str or type(other) is not str or one != other:
            return False
    return True


def changed_list(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(list, method, arguments) from a guarded list."""
    held, method, values = args
    if method in JOINING and len(values) == 1 and type(values[0]) in PLAIN and not values[0]:
        return None  # setuptools adds nothing where all is there
    if method == "__setitem__" and same_text(values[1], held) and asked_from(SPAWN_FILES):
        return None
    for name in LISTS:
        if dict.get(SYS_NAMES, name) is held:
            return f"sys.{name}"
    return "sys.path"


def changed_cache(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(method,) from the guarded cache. Import fills it; what does not belong there is not used (see repair)."""
    return None if args[0] in CACHED and asked_from(IMPORT_FILES) else f"sys.{CACHE}"


def rebound(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(name, value) from the guarded sys."""
    name, value = args
    if name == "__class__":
        return None if value is type(SYS) or asked_by_ourselves() else "sys"
    now = dict.get(SYS_NAMES, name)
    if value is now or asked_by_ourselves() or (name == "path" and same_text(value, now) and prepares_worker()):
        return None
    return f"sys.{name}"


def looked_up(args: tuple[Any, ...], kwargs: Any) -> tuple[Any]:
    """The import event: (name, file, sys.path, ...). Below a package, its own folders are asked for later."""
    name = args[0]
    return ((),) if type(name) is str and "." in name else (None,)


def looked_up_in(args: tuple[Any, ...], kwargs: Any) -> tuple[Any]:
    """_find_spec(name, path, target)."""
    return (argument(args, kwargs, 1, "path", None),)


def new_class(args: tuple[Any, ...], kwargs: Any) -> Any:
    """object.__setattr__(object, name, value)."""
    if args[0] is SYS and asked_by_ourselves():
        return None
    return args[0], args[1], args[2] if len(args) > 2 else None


def other_folder(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """os.chdir(path). multiprocessing's children go where their parent is, and where they are already.

    Others may say that they stay; a link that leads here may lead elsewhere when C looks.
    """
    if is_a(args[0], TEXT_OR_BYTES) and exact_path(args[0]) in (".", getcwd()):
        return None
    if prepares_worker() and not is_a(args[0], NUMBER):
        here, there = stat("."), stat(exact_path(args[0]))
        if (file_device(here), file_inode(here)) == (file_device(there), file_inode(there)):
            return None
    return ""


def some_function(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """threading.settrace(function): None takes away what cannot be there."""
    return None if argument(args, kwargs, 0, "func", None) is None else ""


SURFACE = (
    GuardedCall(
        capability=FOLDER,
        audit=("os.chdir",),
        read=other_folder,
        example="import os; os.chdir('/')",
    ),
    # Who enters another namespace of mounts stands in its root.
    *(
        GuardedCall(
            capability=FOLDER,
            patch=(f"os:{name}", f"posix:{name}"),
            read=always,
            call=f"os.{name}",
            final=True,
            example=example,
        )
        for name, example in (("chroot", "import os; os.chroot('/')"), ("setns", ""))
    ),
    # Tcl has a cd of its own.
    GuardedCall(
        capability=FOLDER,
        patch=("_tkinter:create",),
        read=tcl_made,
        call="_tkinter.create",
        final=True,
        example="import tkinter; tkinter.Tcl()",
    ),
    # The lists and the cache are replaced before the class of sys, whose __setattr__ would refuse that.
    GuardedCall(
        capability=PATHS,
        patch=("sys:path", "sys:meta_path", "sys:path_hooks"),
        read=changed_list,
        door="interpreter_state.held_list",
        example="import sys; sys.path.append('x')",
    ),
    GuardedCall(
        capability=PATHS,
        patch=("sys:path_importer_cache",),
        read=changed_cache,
        door="interpreter_state.held_cache",
        example="import sys; sys.path_importer_cache.clear()",
    ),
    GuardedCall(
        capability=PATHS,
        patch=("sys:__class__",),
        read=rebound,
        call="sys",
        door="interpreter_state.held_class",
        example="import sys; sys.path = ['x']",
    ),
    GuardedCall(
        capability=CLASSES,
        audit=("object.__setattr__", "object.__delattr__"),
        read=new_class,
        call="sys.__class__",
        example="import sys; object.__setattr__(sys, '__class__', type('module', (type(sys),), {}))",
    ),
    GuardedCall(capability=LOOKUP, audit=("import",), read=looked_up),
    GuardedCall(capability=LOOKUP, patch=("_frozen_importlib:_find_spec",), read=looked_up_in),
    GuardedCall(
        capability=PATHS,
        patch=("site:addsitedir", "site:addpackage"),
        read=always,
        final=True,
        example="import site; site.addsitedir('x')",
    ),
    GuardedCall(
        capability=STARTUP,
        audit=("open.write",),
        read=startup_file,
        call="open",
        example="import sys; open(sys.path[-1] + '/sitecustomize.py', 'w')",
    ),
    GuardedCall(
        capability=STARTUP,
        audit=("os.mkdir",),
        read=startup_made,
        example="import os, sys; os.mkdir(sys.path[-1] + '/sitecustomize')",
    ),
    GuardedCall(
        capability=STARTUP,
        audit=("os.rename", "os.link", "os.symlink"),
        read=startup_target,
        example="import os, sys; os.rename('x', sys.path[-1] + '/x.pth')",
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.settrace",),
        read=always,
        example="import sys; sys.settrace(print)",
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.setprofile",),
        read=always,
        example="import sys; sys.setprofile(print)",
    ),
    GuardedCall(
        capability=TRACING,
        patch=("sys:settrace", "sys:setprofile"),
        read=always,
        door="interpreter_state.no_function",
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.monitoring.register_callback", "cpython.remote_debugger_script"),
        read=always,
    ),
    # It sets its hook by an event too, and loses the exception.
    GuardedCall(
        capability=TRACING,
        patch=("cProfile:Profile.enable",),
        read=always,
        call="cProfile.Profile.enable",
        example="import cProfile; cProfile.Profile().enable()",
    ),
    GuardedCall(
        capability=TRACING,
        patch=("threading:settrace", "threading:setprofile"),
        read=some_function,
        example="import threading; threading.settrace(print)",
    ),
)


# --- rules ---


def make_rules() -> tuple[()]:
    return ()


def prepare(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """Note the import state, and make what will stand in its place."""
    return noted(*make_held()), BlockMemory()


def engage(rules: tuple[Any, ...]) -> Callable[[], Any]:
    """The guards are in place. A block begins: note what is in force now."""
    memory = rules[1]
    memory.append(memory[-1] if memory else noted_now(rules[0]))
    return memory.pop  # type: ignore[no-any-return]  # a list's method


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare, engage=engage, refresh=refresh)
