"""Stand-in for ``sqlite3.connect``: connections without ``fts3_tokenizer``, which calls what lies at any address.

A function of ours takes its place. Others can be put there in turn, and ours can be removed; SQLite's own has no way
back, for it was overwritten. Before that no code of the program's runs: no thread, no signal handler and no collector
comes in between, because C makes the connection and overwrites the function in one go.
"""

from __future__ import annotations

from ...pristine import get_ident
from ..judge import refusal
from .connections import MODULES, REFUSED, guards_of, names_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
REFUSE: Any = None
CREATE: Any = None

NAME, COUNTS = "fts3_tokenizer", (1, 2)
# Questions to the rules: may this function be called, and is it to be taken away?
CALLED, TAKEN = (None, NAME), (None, None)
# Where functions may be known by another encoding, too, as up to SQLite 3.29.
OTHER_ENCODING = "pragma encoding = 'UTF-16le'"


def connect(setting: Setting, original: Any) -> Any:
    """For ``sqlite3.connect`` under its three names."""
    refuse = setting.bind(refuse_call)
    guards = guards_of(setting)
    whole = setting.whole_process

    def make(own: type, connection: Any) -> tuple[dict[str, Any], Any]:
        if whole:  # C has done it, also where an older policy's class is next to C: no other is taken
            return {}, None
        return {}, setting.bind(close_later, CREATE=names_of(connection)["create_function"], REFUSE=refuse)

    guards.proofs.append(lambda own, connection: is_closed(own, connection, setting))
    calls = tuple([("create_function", (NAME, count, refuse)) for count in COUNTS]) if whole else ()
    return guards.stand_in(setting, "CLOSED_MARK", None, make, calls)


def refuse_call(*args: Any) -> None:
    """In place of the function."""
    found = JUDGE(KEY, CALLED, None)
    if found is None:  # the block in which the connection was made has been left
        raise ValueError(NAME)
    error = REFUSED[get_ident()] = refusal(found)
    raise error


def close_later(self: Any, at_once: bool) -> None:
    """For blocks, one of which may not take native code away."""
    if JUDGE(KEY, TAKEN, None) is not None:
        CREATE(self, NAME, 1, REFUSE)
        CREATE(self, NAME, 2, REFUSE)


def is_closed(own: Any, connection: Any, setting: Setting) -> bool:
    """Whether the function goes, also where SQLite has one for each encoding. Raises the refusal of what does not."""
    tried = setting.box[0](":memory:", factory=own)
    names = names_of(connection)
    for count in COUNTS:
        names["create_function"](tried, NAME, count, None)
    names["execute"](tried, OTHER_ENCODING)
    try:
        names["execute"](tried, f"select {NAME}('simple')")
    except MODULES["_sqlite3"].OperationalError:
        return True
    finally:
        names["close"](tried)
    found = setting.judge(setting.key, CALLED, None)
    if found is not None:
        raise refusal(found)
    return False
