"""Binding: a function's twin that reads nothing it could be lied to about.

A guard in module form looks its helpers up in a module, and one assignment to
that module lifts the guard. The twin made here has every global name replaced
by the object it named when the guard started, stored in the code object's
constants: no globals, no closure, no defaults, nothing to assign to. Helpers of
the core are bound with it, recursively.

The bytecode is edited in place, instruction for instruction, so line and
exception tables stay right. FORMATS lists the interpreters this was checked on
(tests compare it with ``opcode``); on others the twin is an ordinary function
over a private namespace, and a sealed start refuses.

For a whole process the twins' frames are hidden as well. CPython shows no frame
that has not come to its first RESUME, and a twin has none: no ``f_back``, no
traceback, no trace function and no signal handler leads into it, so nobody
reads its locals and, since 3.13, writes them. It also looks for no signal on its
way in. 3.10 has no such thing.
"""

from __future__ import annotations

import sys

from ..errors import BootstrapError
from ..model import PRIVATE
from ..pristine import IS_FREE_THREADED, get_frame

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType
    from types import FunctionType as FunctionType
    from typing import Any
else:  # and types as much as two modules of ours
    FunctionType = type(lambda: None)
    CodeType = type((lambda: None).__code__)

# version -> (LOAD_GLOBAL, LOAD_CONST, PUSH_NULL, NOP, EXTENDED_ARG, cache entries after LOAD_GLOBAL,
#             whether the NULL of a call goes below the callable, RESUME, JUMP_FORWARD)
FORMATS: dict[tuple[int, int], tuple[int, int, int, int, int, int, bool, int, int]] = {
    (3, 10): (116, 100, -1, 9, 144, 0, False, -1, 110),
    (3, 11): (116, 100, 2, 9, 144, 5, True, 151, 110),
    (3, 12): (116, 100, 2, 9, 144, 4, True, 151, 110),
    (3, 13): (91, 83, 34, 30, 71, 4, False, 149, 79),
    (3, 14): (92, 82, 33, 27, 69, 4, False, 128, 77),
}
# Nobody has looked at what threads without the GIL see of a frame.
FORMAT = None if IS_FREE_THREADED else FORMATS.get(sys.version_info[:2])


def _templates(
    load_const: int, push_null: int, nop: int, caches: int, null_first: bool, jump: int
) -> tuple[bytes, bytes]:
    """What takes the place of a LOAD_GLOBAL, of constant number 0: alone, and with the NULL of a call.

    The room of its caches is jumped over: as many instructions that do nothing would cost what a call does.
    """
    load, null = bytes((load_const, 0)), bytes((max(push_null, 0), 0))
    pair = null + load if null_first else load + null
    if not caches:
        return load, pair
    rest = bytes((nop, 0)) * (caches - 1)
    return load + bytes((jump, caches - 1)) + rest, pair + bytes((jump, caches - 2)) + rest[2:]


ALONE, WITH_NULL = (b"", b"") if FORMAT is None else _templates(*FORMAT[1:4], *FORMAT[5:7], FORMAT[8])
WITH_NULL_AT = 3 if FORMAT is not None and FORMAT[6] else 1
# How long a LOAD_GLOBAL is with its caches, and where the number of the name begins in its argument.
SIZE, SHIFT = len(ALONE), 0 if FORMAT is None or not FORMAT[5] else 1
OPERATION = b"" if FORMAT is None else bytes(FORMAT[:1])
# One whose argument takes more than a byte.
TOO_FAR = b"" if FORMAT is None else bytes((FORMAT[4], FORMAT[0]))
# In place of the RESUME of a frame that is hidden, and what takes it back in the room of a LOAD_GLOBAL's caches.
RESUME = b"" if FORMAT is None or FORMAT[7] < 0 else bytes((FORMAT[7],))
NOTHING = b"" if FORMAT is None else bytes((FORMAT[3], 0))
SEEN = b"" if FORMAT is None or not RESUME else bytes((*RESUME, 0, FORMAT[8], FORMAT[5] - 2))
# What takes a LOAD_GLOBAL's place, by the number of the constant as its argument would give it: where calls have a
# NULL, twice that, and one more with it.
_loads: list[bytes] = []


def _add_load() -> None:
    """The next constant's."""
    assert FORMAT is not None
    number = bytes((len(_loads) // 2 if FORMAT[5] else len(_loads),))
    _loads.append(ALONE[:1] + number + ALONE[2:])
    if FORMAT[5]:
        _loads.append(WITH_NULL[:WITH_NULL_AT] + number + WITH_NULL[WITH_NULL_AT + 1 :])


CAN_BIND = FORMAT is not None and sys.implementation.name == "cpython"
# Filled once a policy for the whole process refuses that code is made; twins for later blocks keep the code they have.
FIXED_CODE: list[bool] = []

# In a memo: the frames of these twins are hidden. Bound code reads it by this name (callers.py).
HIDDEN = "FRAMES_HIDDEN"
# The guards look for these on the stack, as the makers of what an event announces; a program finds nothing in their
# frames that the event does not say.
SHOWN = frozenset(
    {
        "before_program",
        "compile_annotation",
        "compile_code",
        "followed_told",
        "init_connection",
        "link_told",
        "make_in_c",
        "mark_coroutine",
        "open_again",
        "open_otherwise",
        "open_program",
        "open_told",
        "os_open_otherwise",
        "parse_bytes",
        "parse_text",
        "sealed_hook",
        "start_in_c",
        "start_onward",
    }
)
# Where a function of SHOWN names this, its frame begins to be seen. It empties its variables before: what is on the
# stack by then is not to be read, nor to be written by a trace function.
HERE = "HERE"
GENERATORS = 0x20 | 0x80 | 0x200  # generators, coroutines and asynchronous generators, by their flags
TAKES_ALL = 0x04 | 0x08  # *args and **kwargs, in the same way

_CORE = __name__.partition(".")[0] + "."
# A code object of ours shows this name where the interpreter trims its own import frames from tracebacks.
IMPORT_SYSTEM_FILE = "<frozen importlib._bootstrap>"


def bind(
    function: Any,
    constants: dict[str, Any],
    memo: dict[Any, Any],
    filename: str | None = None,
    namespace: dict[str, Any] = PRIVATE,
    defaults: tuple[Any, ...] | None = None,
    codes: list[Any] | None = None,
    as_two: bool = False,
) -> Any:
    """Return the twin of ``function`` with its global names bound.

    constants: names that mean something else than in the function's module.
    memo: twins made so far, shared by one start, and names that mean the same in all of
    them. filename: what the twin's frames show. namespace: PRIVATE, or PUBLIC for what
    programs hold. defaults: of the twin's last arguments, for stand-ins that shall have a
    signature; what decides has none. codes: gets the twin's code, which nobody can ask for
    later. as_two: what takes ``*args, **kwargs`` gets them as a tuple and a dict, from a caller who
    has them so and would only unpack them for it. Raises BootstrapError when a name cannot be resolved.
    """
    if type(function) is not FunctionType:
        return function
    key = None if constants else function if filename is None else (function, filename)
    if key in memo:
        return memo[key]
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        raise BootstrapError(f"{function.__qualname__} cannot be bound: it has a closure or defaults")
    if CAN_BIND and not FIXED_CODE:
        code = _bound_code(function.__code__, function, constants, memo, filename, as_two)
        twin = FunctionType(code, namespace, function.__name__, defaults)
    else:
        code = function.__code__
        twin = FunctionType(code, {**function.__globals__, **constants}, function.__name__, defaults)
    if codes is not None:
        codes.append(code)
    twin.__doc__ = None
    if key is not None:
        memo[key] = twin
    return twin


def _bound_code(
    code: CodeType,
    function: FunctionType,
    constants: dict[str, Any],
    memo: dict[Any, Any],
    filename: str | None = None,
    as_two: bool = False,
) -> CodeType:
    hidden = HIDDEN in memo and (code.co_name not in SHOWN or HERE in code.co_names)
    text, names = _edited(code, hidden, bool(constants))
    consts = list(code.co_consts)
    if CodeType in map(type, consts):
        consts = [_bound_code(c, function, constants, memo) if type(c) is CodeType else c for c in consts]
    space = function.__globals__
    for name in names:
        if name is None:
            value = None
        elif name in constants:
            value = constants[name]
        elif name in memo:
            value = memo[name]
        else:
            value = space[name] if name in space else _builtin(name, function)
            if type(value) is FunctionType:
                if value in memo:
                    value = memo[value]
                elif (value.__module__ or "").startswith(_CORE):
                    value = bind(value, {}, memo)
        consts.append(value)
    if as_two:
        flags, shown = code.co_flags & ~TAKES_ALL, code.co_filename if filename is None else filename
        return code.replace(co_code=text, co_consts=tuple(consts), co_filename=shown, co_argcount=2, co_flags=flags)
    if filename is None:
        return code.replace(co_code=text, co_consts=tuple(consts))
    return code.replace(co_code=text, co_consts=tuple(consts), co_filename=filename)


def takes_all(function: FunctionType) -> bool:
    """Whether ``*args, **kwargs`` is all that it takes."""
    code = function.__code__
    return code.co_flags & TAKES_ALL == TAKES_ALL and not (code.co_argcount or code.co_kwonlyargcount)


def _builtin(name: str, function: Any) -> Any:
    builtins: dict[str, Any] = function.__builtins__
    if name not in builtins:
        raise BootstrapError(f"{function.__qualname__} uses {name}, which does not exist")
    return builtins[name]


# What editing made of a code object, by its id: stand-ins are bound once for every name they replace. What has no
# constants of its own is bound once, and would stay for good.
_plans: dict[tuple[int, bool], tuple[CodeType, bytes, list[str | None]]] = {}


def _edited(code: CodeType, hidden: bool, keeps: bool) -> tuple[bytes, list[str | None]]:
    """The instructions with constants in place of global names; and of the code's names, those that it has as
    constants now, behind its own and in their order, None for the others. keeps: whether it is going to be asked for
    again."""
    plan = _plans.get((id(code), hidden))
    if plan is not None and plan[0] is code:
        return plan[1], plan[2]
    plain, first, names = code.co_code, len(code.co_consts), code.co_names
    if first + len(names) > 256:
        raise BootstrapError(f"{code.co_name} has too many constants to be bound")
    number = first << SHIFT
    while len(_loads) < first + len(names) << SHIFT:
        _add_load()
    # One byte per instruction or cache entry; caches are zero here, so a search by bytes finds instructions only.
    operations = plain[::2]
    # ``in`` would take the bytes for a number first, and make an exception of that.
    if operations.find(TOO_FAR) >= 0:
        raise BootstrapError(f"{code.co_name} names too many globals to be bound")
    if hidden:
        if code.co_flags & GENERATORS:
            raise BootstrapError(f"{code.co_name} cannot be hidden: the frame of a generator is always to be seen")
        at = 2 * operations.find(RESUME)
        plain = plain[:at] + NOTHING + plain[at + 2 :]
    between = operations.split(OPERATION)
    place = 2 * len(between.pop(0))
    edited = [plain[:place]]
    wanted: list[str | None] = [None] * len(names)
    for rest in between:
        argument = plain[place + 1]
        start = place + SIZE
        place += 2 + 2 * len(rest)
        edited.append(_loads[number + argument])
        edited.append(plain[start:place])
        argument >>= SHIFT
        wanted[argument] = names[argument]
    made = b"".join(edited)
    if hidden and code.co_name in SHOWN:
        at = 2 * operations.find(OPERATION)
        while names[plain[at + 1] >> SHIFT] != HERE:
            at = 2 * operations.find(OPERATION, at // 2 + 1)
        # In the room of the caches, the rest of which is jumped over as before.
        made = made[: at + 2] + SEEN + made[at + 6 :]
    if keeps:
        _plans[id(code), hidden] = code, made, wanted
    return made, wanted


def new_memo() -> dict[Any, Any]:
    """The memo of a start for the whole process: frames are hidden where they are seen to be hidden."""
    memo = {HIDDEN: True}
    if FORMAT is None or FORMAT[7] < 0 or not CAN_BIND or FIXED_CODE:
        return {}
    return memo if bind(_caller, {}, memo)() is get_frame(0) else {}


def _caller() -> Any:
    """The innermost frame to be seen from a call made here; by itself, C shows a hidden one its own."""
    return _asked()


def _asked() -> Any:
    return get_frame(1)
