"""System calls from Python: the only place that touches ctypes, and only its C part, which loads fast.

The module is put back afterwards as it was found. Where a policy blocks native code it is
put out of order first: its classes stay reachable by ``object.__subclasses__()``, and
some of what they do raises no audit event.
"""

from __future__ import annotations

import sys
from _signal import signal as set_signal  # type: ignore[import-not-found]  # what signal is made over
from os import urandom

from ....programs.executables import give_signals_back

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

C_CALL, KEEPS_ERRNO = 1, 8  # flags of a foreign function
# Five words beside the number of the call are passed in registers, where an int becomes a long; it has six at most.
IN_REGISTERS, MOST = 5, (1 << 31) - 1
# Where a type and a built-in function keep what they do, in bytes from their beginning; the head of an object is longer
# in a build without the GIL.
SIZE, CALL, ALLOC, NEW = 32, 128, 304, 312
METHOD, FUNCTION = 16, 8
HEAD = 16
# Where the contents of bytes begin; behind them there is a zero.
CONTENTS = bytes.__basicsize__ - 1
# Fails with MemoryError whatever it is called with.
FAILING = b"PyErr_NoMemory"


# Where hidden bytes may lie: 46 bits of it, above all that is small. And how they are mapped: to be read and written,
# private, of no file, exactly there, and not over anything else.
ADDRESSES, LOWEST, PAGE = (1 << 46) - 1 & ~7, 1 << 33, 4096
READ_WRITE, PRIVATE_AND_THERE = 3, 0x2 | 0x20 | 0x100000


class Calls:
    """System calls by their numbers. OSError when one fails; ImportError where this interpreter has no ctypes."""

    __slots__ = ("_ctypes", "_found", "_syscall", "_wide")

    def __init__(self) -> None:
        self._found = sys.modules.get("_ctypes")
        import _ctypes

        if not hasattr(_ctypes, "dlsym") or not hasattr(_ctypes, "get_errno"):
            raise ImportError("no system calls by ctypes here")
        self._ctypes: Any = _ctypes
        self._wide: Any = None
        # What it returns is C's int: -1, or a small number.
        prototype: Any = type("Function", (self._ctypes.CFuncPtr,), {"_flags_": C_CALL | KEEPS_ERRNO})
        self._syscall: Any = prototype(self._ctypes.dlsym(self._ctypes.dlopen(None, 0), "syscall"))

    def __call__(self, number: int, *arguments: Any) -> int:
        """Numbers are passed as C's long, bytes by their address, None as a whole word of nothing, which costs least;
        what comes back is C's int."""
        return self.with_small(number, *self._widened(arguments))

    def with_small(self, number: int, *arguments: Any) -> int:
        """The same where every number fits C's int, and the sixth argument, if any, is None: nothing is looked at."""
        result: int = self._syscall(number, *arguments)
        if result == -1:
            error = self._ctypes.get_errno()
            from os import strerror

            raise OSError(error, strerror(error))
        return result

    def fails(self, number: int, *arguments: Any) -> int:
        """The error of a call, 0 if it succeeds."""
        return self._ctypes.get_errno() if self._syscall(number, *self._widened(arguments)) == -1 else 0

    @property
    def _long(self) -> Any:
        """C's long; a class takes a while to make, and few calls need it."""
        if self._wide is None:
            self._wide = type("c_long", (self._ctypes._SimpleCData,), {"_type_": "l"})
        return self._wide

    def _widened(self, arguments: tuple[Any, ...]) -> tuple[Any, ...] | list[Any]:
        """By itself ctypes passes numbers as C's int, and what it leaves beside one on the stack is anything."""
        if len(arguments) > IN_REGISTERS and type(arguments[IN_REGISTERS]) is int:
            arguments = (*arguments[:IN_REGISTERS], self._long(arguments[IN_REGISTERS]))
        for word in arguments:
            if type(word) is int and word > MOST:
                return [self._long(word) if type(word) is int else word for word in arguments]
        return arguments

    def hidden(self, mmap: int, data: bytes) -> int:
        """Put bytes where nobody can guess, and where no later program in this process finds them; returns where."""
        while True:
            place = int.from_bytes(urandom(6), "little") & ADDRESSES | LOWEST
            page = place & ~(PAGE - 1)
            length = place - page + len(data) + PAGE
            if self.fails(mmap, page, length, READ_WRITE, PRIVATE_AND_THERE, -1, 0) == 0:
                break
        padded = data + bytes(-len(data) % 8)
        for at in range(0, len(padded), 8):
            self._long.from_address(place + at).value = int.from_bytes(padded[at : at + 8], "little", signed=True)
        return place

    def execute(self, execve: int, place: int, words: list[bytes], variables: list[bytes]) -> None:
        """Replace this process by the program whose path lies at a place. OSError when it cannot be started."""
        kept = [[word + b"\0" for word in given] for given in (words, variables)]
        tables = [
            b"".join([int.to_bytes(address_of(word), 8, "little") for word in given]) + bytes(8) for given in kept
        ]
        # Not before: whoever judges writes into pipes that may be closed.
        before = give_signals_back()
        try:
            self(execve, place, *tables)
        finally:
            for number, handler in before:
                set_signal(number, handler)

    def map_library(self, path: str) -> None:
        """Have a library's code in memory without running any of it. OSError if it cannot be."""
        self._ctypes.dlopen(path, 1)

    def put_away(self, for_good: bool) -> None:
        """Leave ``sys.modules`` as it was. for_good: nobody in this process shall use ctypes again.

        Nothing is done to a ctypes that was loaded before: others hold parts of it. RuntimeError when it
        cannot be put out of order.
        """
        if self._found is not None:
            return
        if for_good:
            self._disable()
        sys.modules.pop("_ctypes", None)

    def _disable(self) -> None:
        """Replace what its classes and functions do by what fails."""
        module = self._ctypes
        pointer: Any = type("c_void_p", (module._SimpleCData,), {"_type_": "P"})
        failing = module.dlsym(module.dlopen(None, 0), FAILING.decode())
        shift = object.__basicsize__ - HEAD
        # Not all of them are among the module's names.
        classes: list[type] = [kind for kind in object.__subclasses__() if kind.__module__ == "_ctypes"]
        for kind in classes:  # it grows
            children: list[type] = kind.__subclasses__()
            classes += [child for child in children if child not in classes]
        places = []
        metaclasses = {meta for kind in classes for meta in type.mro(type(kind))} - {type, object}
        for kind in (*classes, *metaclasses):
            if pointer.from_address(id(kind) + SIZE + shift).value != kind.__basicsize__:
                raise RuntimeError("an interpreter whose types are laid out in another way")
            slots = (NEW,) if kind in metaclasses else (NEW, CALL, ALLOC)
            places += [pointer.from_address(id(kind) + slot + shift) for slot in slots]
        for thing in vars(module).values():
            if type(thing) is type(len):
                places.append(pointer.from_address(pointer.from_address(id(thing) + METHOD + shift).value + FUNCTION))
        for place in places:
            place.value = failing
        try:
            module.CFuncPtr()
        except MemoryError:
            return
        raise RuntimeError("ctypes could not be put out of order")


def address_of(data: bytes) -> int:
    """Where the contents of bytes lie in memory, as long as they are kept."""
    return id(data) + CONTENTS
