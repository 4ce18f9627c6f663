"""Stand-in for the import system's Python form: ``importlib.import_module`` and ``importlib.__import__``.

C announces every import that is not served from ``sys.modules``; this form, which
never goes through C, announces none.
"""

from __future__ import annotations

import sys

from ..bind import IMPORT_SYSTEM_FILE
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []
LOADED: dict[str, Any] = {}


def named_import(setting: Setting, original: Any) -> Any:
    """For ``importlib._bootstrap._gcd_import``; its frames are trimmed from tracebacks like the interpreter's own."""
    return setting.bind(import_by_name, IMPORT_SYSTEM_FILE, LOADED=sys.modules)


def import_by_name(*args: Any, **kwargs: Any) -> Any:
    # What is loaded is not imported again: denied modules have been taken out. Events hold if this was a lie.
    if len(args) == 1 and type(args[0]) is str and args[0] in LOADED:
        return BOX[0](*args, **kwargs)
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    return BOX[0](*args, **kwargs)
