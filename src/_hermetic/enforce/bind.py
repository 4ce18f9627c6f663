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
"""

from __future__ import annotations

import sys
from types import CodeType, FunctionType

from ..errors import BootstrapError
from ..model import PRIVATE

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# version -> (LOAD_GLOBAL, LOAD_CONST, PUSH_NULL, NOP, EXTENDED_ARG, cache entries after LOAD_GLOBAL,
#             whether the NULL of a call goes below the callable)
FORMATS: dict[tuple[int, int], tuple[int, int, int, int, int, int, bool]] = {
    (3, 10): (116, 100, -1, 9, 144, 0, False),
    (3, 11): (116, 100, 2, 9, 144, 5, True),
    (3, 12): (116, 100, 2, 9, 144, 4, True),
    (3, 13): (91, 83, 34, 30, 71, 4, False),
}
FORMAT = FORMATS.get(sys.version_info[:2])
CAN_BIND = FORMAT is not None and sys.implementation.name == "cpython"

_CORE = __name__.partition(".")[0]
# A code object of ours shows this name where the interpreter trims its own import frames from tracebacks.
IMPORT_SYSTEM_FILE = "<frozen importlib._bootstrap>"


def bind(function: Any, constants: dict[str, Any], memo: dict[Any, Any], filename: str | None = None) -> Any:
    """Return the twin of ``function`` with its global names bound.

    constants: names that mean something else than in the function's module.
    memo: twins made so far, shared by one start. Raises BootstrapError when a
    name cannot be resolved.
    """
    if not isinstance(function, FunctionType):
        return function
    key = (function, filename) if not constants else None
    if key is not None and key in memo:
        return memo[key]
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        raise BootstrapError(f"{function.__qualname__} cannot be bound: it has a closure or defaults")
    if CAN_BIND:
        code = _bound_code(function.__code__, function, constants, memo)
        if filename is not None:
            code = code.replace(co_filename=filename)
        twin = FunctionType(code, PRIVATE, function.__name__)
    else:
        twin = FunctionType(function.__code__, {**function.__globals__, **constants}, function.__name__)
    twin.__doc__ = None
    if key is not None:
        memo[key] = twin
    return twin


def _resolve(name: str, function: FunctionType, constants: dict[str, Any], memo: dict[Any, Any]) -> Any:
    if name in constants:
        return constants[name]
    for space in (function.__globals__, function.__builtins__):
        if name in space:
            value = space[name]
            ours = isinstance(value, FunctionType) and (value.__module__ or "").partition(".")[0] == _CORE
            return bind(value, {}, memo) if ours else value
    raise BootstrapError(f"{function.__qualname__} uses {name}, which does not exist")


def _bound_code(code: CodeType, function: FunctionType, constants: dict[str, Any], memo: dict[Any, Any]) -> CodeType:
    assert FORMAT is not None
    load_global, load_const, push_null, nop, extended, caches, null_first = FORMAT
    text = bytearray(code.co_code)
    consts: list[Any] = [
        _bound_code(c, function, constants, memo) if isinstance(c, CodeType) else c for c in code.co_consts
    ]
    places: dict[str, int] = {}
    position = 0
    while position < len(text):
        operation, argument = text[position], text[position + 1]
        if operation == load_global:
            if position and text[position - 2] == extended:
                raise BootstrapError(f"{code.co_name} names too many globals to be bound")
            name = code.co_names[argument >> 1 if caches else argument]
            if name not in places:
                places[name] = len(consts)
                consts.append(_resolve(name, function, constants, memo))
            index = places[name]
            if index > 255:
                raise BootstrapError(f"{code.co_name} has too many constants to be bound")
            new = [(load_const, index)]
            if caches and argument & 1:
                new.insert(0 if null_first else 1, (push_null, 0))
            new += [(nop, 0)] * (1 + caches - len(new))
            for offset, (op, arg) in enumerate(new):
                text[position + 2 * offset] = op
                text[position + 2 * offset + 1] = arg
            position += 2 * len(new)
        else:
            position += 2
    return code.replace(co_code=bytes(text), co_consts=tuple(consts))
