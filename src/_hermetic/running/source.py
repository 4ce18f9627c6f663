"""A program's text to its code, as ``compile()`` makes it, without what that makes besides.

The first ``compile()`` of a process makes the hundred classes of the syntax tree, which takes longer than all that
hermetic reads and compiles; to run a text makes none. So a text is run, and a trace function stops it before its
first instruction and keeps the code. Whatever is not plain is left to ``compile()``: errors, warnings, long
texts, a process that is traced or not our own.

There is no ``from __future__`` here: a text that is run inherits it.
"""

import _warnings
import sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

# In longer ones, giving each function its file's name would cost as much.
LONGEST = 1 << 15
CODE = type((lambda: None).__code__)
# Puts a warning of the compiler's among the errors.
STRICTLY = ("error", None, Warning, None, 0)


class Stop(Exception):
    """What keeps a text from running."""


def code_of(text: "bytes | str", path: str, alone: bool) -> "CodeType":
    """The code of a program's text. alone: nothing but hermetic has run in this process. SyntaxError as compile()."""
    code = None
    if alone and len(text) <= LONGEST and sys.gettrace() is None and sys.getprofile() is None:
        code = stopped(text)
    if code is None:
        return compile(text, path, "exec", dont_inherit=True)
    return code if code.co_filename == path else filed(code, path)


def stopped(text: "bytes | str") -> "CodeType | None":
    """The code that running a text would run, or None where compile() has something to say."""
    names: dict[str, Any] = {}
    found: list[CodeType] = []

    def stop(frame: "FrameType", event: str, arg: object) -> None:
        # A codec that the text names may be written in Python; its frames go on.
        if frame.f_globals is names:
            found.append(frame.f_code)
            raise Stop

    filters: Any = getattr(_warnings, "filters", None)
    renew = renewal()
    if filters is None or renew is None:
        return None
    filters.insert(0, STRICTLY)
    renew()
    sys.settrace(stop)
    try:
        exec(text, names)
    except Exception:  # noqa: BLE001  # Stop, or what compile() will say again
        pass
    finally:
        sys.settrace(None)
        filters.remove(STRICTLY)
        renew()
    return found[0] if found else None


def renewal() -> "Any":
    """What tells C that its filters are others; None where nothing is known to."""
    return renew_locked if hasattr(_warnings, "_acquire_lock") else getattr(_warnings, "_filters_mutated", None)


def renew_locked() -> None:
    """Since 3.14 it is done under a lock."""
    known: Any = _warnings
    known._acquire_lock()
    try:
        known._filters_mutated_lock_held()
    finally:
        known._release_lock()


def filed(code: "CodeType", path: str) -> "CodeType":
    """The code with the name of its file, and so all code in it."""
    consts = tuple([filed(value, path) if type(value) is CODE else value for value in code.co_consts])
    return code.replace(co_filename=path, co_consts=consts)
