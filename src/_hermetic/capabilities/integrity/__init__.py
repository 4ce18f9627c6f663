"""Integrity: what no policy allows, whatever it restricts.

A second interpreter has modules and hooks of its own and none of the guards; a
writable view of memory reaches everything; and hermetic's files, once written,
are another hermetic at the next start.
"""

from __future__ import annotations

import sys as _sys
from errno import EACCES

from ...callers import CALLER_DEPTH, asker, calling_frame, runs_one_of
from ...extract import exact_text, never
from ...model import PRIVATE, PUBLIC, Family, GuardedCall
from ...paths import is_below
from .files import (
    OWN_BYTECODE,
    may_be_made,
    may_be_removed,
    may_be_written,
    own_change,
    own_cut,
    own_link,
    own_mode,
    own_move,
    own_symlink,
    own_write,
)
from .memory import memory_write
from .requests import command_by_address, request_by_address

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

GUARD = "integrity"
# Violations name a documented guard; what is protected here is the interpreter's state.
INTERPRETER, MEMORY, FILES, OWN = "interpreter.new", "interpreter.memory", "filesystem.guards", "interpreter.guards"
HEAP, TRACING = "interpreter.heap", "interpreter.tracing"

# What is allowed where no policy is sealed, and by which option it was taken away.
SEALED, SEAL = (HEAP, TRACING), "seal"

# Rules: (sealed, watched). A seal also takes away the collector's view of the heap, which finds what a policy
# remembers, and what shows the code of stand-ins while it runs.

_FUNCTION = type(lambda: None)

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

# From 3.14 on it looks whether there are other interpreters, at its own import, and does without. To forge this name
# gains nothing: the module is not loaded.
DOES_WITHOUT = ("concurrent.futures", "<module>")

CACHE = "/__pycache__"


def decide(rules: tuple[Any, ...], capability: str, target: Any, call: str) -> tuple[Any, ...] | None:
    if capability in SEALED:
        if not rules[0]:
            return None
        return f"interpreter mutation disabled: {target}", target, SEAL, f"running without --{SEAL}"
    if type(target) is tuple:
        return "", None, "integrity", "", ModuleNotFoundError(f"No module named {target[0]!r}", name=target[0])
    if capability == FILES:
        made = target if call == "os.mkdir" else target.rpartition("/")[0]
        if made.endswith(CACHE) or is_below(target, OWN_BYTECODE):
            # Python caching bytecode, in a folder that it may have to make: it goes on without when the disk says no.
            return "", None, "integrity", "", PermissionError(EACCES, "filesystem readonly", target)
        return f"filesystem readonly: {target}", target, "integrity", "nothing: hermetic's own files cannot be written"
    return f"interpreter mutation disabled: {target}", target, "integrity", "nothing while a policy is in force"


def new_interpreter(args: tuple[Any, ...], kwargs: Any) -> str:
    return "sub-interpreter"


def interpreter_module(args: tuple[Any, ...], kwargs: Any) -> str | tuple[str] | None:
    """import(name): in a tuple where the library only looks whether it is there."""
    name = exact_text(args[0])
    if name not in INTERPRETER_MODULES and name.rpartition(".")[2] not in INTERPRETER_MODULES:
        return None
    return (name,) if asker(calling_frame(CALLER_DEPTH)) == DOES_WITHOUT else name


# The code of the stand-ins that may make C modules; a start fills it in. In a block, fresh copies are patched as well.
MAKERS: tuple[Any, ...] = ()
# All code by whose frames a guard knows that one of our stand-ins is asking; filled in likewise.
KNOWN: tuple[Any, ...] = ()


def stray_module(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """import(name, file): a C module made by anybody but our stand-in would have its functions unguarded."""
    if args[1] is None or not MAKERS:
        return None
    return None if runs_one_of(calling_frame(CALLER_DEPTH), MAKERS) else exact_text(args[0])


# What a nested start may add; filled in like MAKERS.
SESSION_HOOK: Any = None


def strange_hook(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sys.addaudithook: a hook of the program's own runs between a check and its act, and above the guard's frames.

    CPython drops a hook in silence when an earlier one refuses it.
    """
    frame = calling_frame(CALLER_DEPTH)
    if frame is not None and runs_one_of(frame, MAKERS):
        hook = frame.f_locals.get("hook")
        if hook is SESSION_HOOK or (type(hook) is _FUNCTION and hook.__globals__ is PRIVATE):
            return None
    return "sys.addaudithook" if MAKERS else None


def own_function(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """object.__setattr__(object, name, value): code and defaults of our functions are not replaced, nor given away."""
    thing = args[0]
    if type(thing) is _FUNCTION and (thing.__globals__ is PRIVATE or thing.__globals__ is PUBLIC):
        return "guards"
    for code in KNOWN:
        if args[2:] and args[2] is code:
            return "guards"
    return None


def known_code(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """function.__new__(code): the code of a frame that guards know, in a function that calls what the program likes."""
    for code in KNOWN:
        if args[0] is code:
            return "guards"
    return None


def unwatched(rules: tuple[Any, ...]) -> bool:
    """A watched policy is hygiene, not a boundary: what it guards writes its settings. Here that saves a dozen looks
    for every test that runs under it."""
    return not rules[1]


def own_code(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """object.__getattr__(object, name): the code of a deciding function holds the policy."""
    thing = args[0]
    return "guards" if type(thing) is _FUNCTION and thing.__globals__ is PRIVATE else None


def remote_script(args: tuple[Any, ...], kwargs: Any) -> str:
    """sys.remote_exec(pid, script): any Python process of the user's would run it, without these guards."""
    return "sys.remote_exec"


def collector(args: tuple[Any, ...], kwargs: Any) -> str:
    return "heap"


def tracing(args: tuple[Any, ...], kwargs: Any) -> str:
    return "tracing"


# A trace function goes on from 3.11 on, where it does not see hidden frames (enforce/bind.py). A profile function is
# given the originals that our frames call, and what sys.monitoring tells of exceptions comes with their code.
def trace_sees(rules: tuple[Any, ...]) -> bool:
    return rules[0] and _sys.version_info < (3, 11)


def under_a_seal(rules: tuple[Any, ...]) -> bool:
    return bool(rules[0])


def another_root(args: tuple[Any, ...], kwargs: Any) -> str:
    """os.chroot, os.setns: the names by which hermetic knows its files, and /proc, would mean others."""
    return "root"


HANDLERS_NOTE = (
    "`signal.signal` refuses nothing: what a handler raises while a guard looks is kept from being an answer"
)

SURFACE = (
    GuardedCall(capability=INTERPRETER, audit=("cpython.PyInterpreterState_New",), read=new_interpreter),
    GuardedCall(
        capability=INTERPRETER,
        audit=("import",),
        read=interpreter_module,
        example="import _testcapi",
    ),
    GuardedCall(
        capability=INTERPRETER,
        audit=("import",),
        read=stray_module,
        note="a library of the old kind (single-phase) that is loaded already is made anew without an event: by the "
        "stand-in, which patches it, or by an original that was found in memory",
    ),
    GuardedCall(
        capability=INTERPRETER,
        audit=("sys.remote_exec",),
        read=remote_script,
        note="3.14 and newer; a debugger that comes from outside (`pdb -p`) runs its script under the guards",
    ),
    GuardedCall(capability=OWN, audit=("object.__setattr__", "object.__delattr__"), read=own_function),
    GuardedCall(capability=OWN, audit=("function.__new__",), read=known_code),
    GuardedCall(capability=OWN, audit=("object.__getattr__",), read=own_code, when=unwatched),
    GuardedCall(capability=OWN, audit=("sys.addaudithook",), read=strange_hook),
    GuardedCall(
        capability=HEAP,
        audit=(
            "gc.get_objects",
            "gc.get_referrers",
            "gc.get_referents",
            "sys._current_frames",
            "sys._current_exceptions",
        ),
        read=collector,
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.settrace",),
        read=tracing,
        when=trace_sees,
        note="without `--no-interpreter-mutation` `sys.settrace` is held under a seal only, and on 3.10 only",
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.setprofile",),
        read=tracing,
        when=under_a_seal,
        note="without `--no-interpreter-mutation` `sys.setprofile` is held under a seal only",
    ),
    GuardedCall(
        capability=TRACING,
        audit=("sys.monitoring.register_callback",),
        read=tracing,
        when=under_a_seal,
        note="without `--no-interpreter-mutation` `sys.monitoring.register_callback` is held under a seal only",
    ),
    *(
        GuardedCall(
            capability=OWN,
            patch=(f"os:{name}", f"posix:{name}"),
            read=another_root,
            call=f"os.{name}",
            final=True,
            when=under_a_seal,
            note=f"`os.{name}`, which needs the rights of root, is held for this under a seal only",
        )
        for name in ("chroot", "setns")
    ),
    *(
        GuardedCall(
            capability=OWN,
            patch=(f"_signal:{name}",),
            read=never,
            call=f"signal.{name}",
            door="signals.handlers",
            when=under_a_seal,
            note=note,
        )
        for name, note in (("signal", HANDLERS_NOTE), ("getsignal", ""))
    ),
    GuardedCall(
        capability=MEMORY,
        audit=("open.write",),
        read=memory_write,
        free=may_be_written,
        call="open",
        example="open('/proc/self/mem', 'r+b')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("open.write",),
        read=own_write,
        free=may_be_written,
        call="open",
        example="import _hermetic; open(_hermetic.__file__, 'a')",
    ),
    *(
        GuardedCall(
            capability=MEMORY,
            audit=(f"fcntl.{name}",),
            read=read,
            when=under_a_seal,
            note=f"`fcntl.{name}` is held under a seal only, and on Linux: an address that the kernel writes to",
        )
        for name, read in (("ioctl", request_by_address), ("fcntl", command_by_address))
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.remove", "os.rmdir"),
        read=own_change,
        free=may_be_removed,
        example="import os, _hermetic; os.remove(_hermetic.__file__)",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.rename",),
        read=own_move,
        example="import os, _hermetic; os.rename(os.path.dirname(_hermetic.__file__), 'x')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.link",),
        read=own_link,
        example="import os, _hermetic; os.link(_hermetic.__file__, 'x')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.symlink",),
        read=own_symlink,
        example="import os, _hermetic; os.symlink('x', os.path.dirname(_hermetic.__file__) + '/x')",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.mkdir", "os.chmod"),
        read=own_mode,
        free=may_be_made,
        example="import os, _hermetic; os.chmod(_hermetic.__file__, 0o644)",
    ),
    GuardedCall(
        capability=FILES,
        audit=("os.truncate",),
        read=own_cut,
        example="import os, _hermetic; os.truncate(_hermetic.__file__, 0)",
    ),
)

FAMILY = Family(guard="interpreter", decide=decide, surface=SURFACE)
