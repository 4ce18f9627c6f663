"""Stand-ins for the lists, the cache and the class of ``sys``: the same to read, and refusing to be changed."""

from __future__ import annotations

import sys

from ...capabilities.interpreter.import_state import MISSING, REBOUND, SYS, is_final
from ...extract import exact_text
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []
KEYS: tuple[tuple[Any, str], ...] = ()
OPERATION: Any = None
NAME = ""
PLAIN: Any = None
CURRENT: Any = None

LIST_CHANGES = (
    "__init__",
    "__setitem__",
    "__delitem__",
    "__iadd__",
    "__imul__",
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
)
CACHE_CHANGES = (
    "__init__",
    "__setitem__",
    "__delitem__",
    "__ior__",
    "clear",
    "pop",
    "popitem",
    "setdefault",
    "update",
)


def change_list(self: Any, *args: Any, **kwargs: Any) -> Any:
    key = KEYS[0][1]
    for held, name in KEYS:
        if held is self:
            key = name
    found = JUDGE(key, (self, NAME, args), None)
    if found is not None:
        raise refusal(found)
    result = OPERATION(self, *args, **kwargs)
    if self.original is not None:
        self.original[:] = self
    return result


def change_cache(self: Any, *args: Any, **kwargs: Any) -> Any:
    found = JUDGE(KEY, (NAME,), None)
    if found is not None:
        raise refusal(found)
    return OPERATION(self, *args, **kwargs)


def as_plain(self: Any, protocol: Any) -> Any:
    """Copies and pickles are ordinary lists and dicts."""
    return PLAIN, (PLAIN(self),)


def set_attribute(self: Any, name: Any, value: Any) -> None:
    name = exact_text(name)
    if self is SYS and name in REBOUND:
        found = JUDGE(KEY, (name, value), None)
        if found is not None:
            raise refusal(found)
    OPERATION(self, name, value)


def delete_attribute(self: Any, name: Any) -> None:
    name = exact_text(name)
    if self is SYS and name in REBOUND:
        found = JUDGE(KEY, (name, MISSING), None)
        if found is not None:
            raise refusal(found)
    OPERATION(self, name)


def set_hook(*args: Any) -> Any:
    """sys.settrace(None) and sys.setprofile(None) where nothing is set: no act, and an event all the same."""
    if args and args[0] is None and CURRENT() is None:
        return None
    return BOX[0](*args)


# --- doors ---


def dress(kind: type, setting: Setting, function: Any, names: tuple[str, ...], plain: Any, **constants: Any) -> None:
    """Give a held list's or dict's class its methods."""
    for name in names:
        made = setting.bind(function, OPERATION=getattr(plain, name), NAME=name, **constants)
        made.__name__, made.__doc__ = name, getattr(plain, name).__doc__
        setattr(kind, name, made)
    kind.__reduce_ex__ = setting.bind(as_plain, PLAIN=plain)  # type: ignore[method-assign]  # a method all the same
    if setting.whole_process:
        kind.FINAL = True  # type: ignore[attr-defined]  # see is_final


def held_list(setting: Setting, original: Any) -> Any:
    """One of the three lists."""
    if is_final(type(original)):
        return None
    lists = setting.rules[0][1]
    held = next(held for name, held, _ in lists if setting.key.endswith(":" + name))
    if "append" not in type(held).__dict__:
        prefix = setting.key.partition(":")[0]
        keys = tuple((held, f"{prefix}:{name}") for name, held, _ in lists)
        dress(type(held), setting, change_list, LIST_CHANGES, list, KEYS=keys)
    # A block gives the program's own list back, with the changes that were allowed.
    held.original = None if setting.whole_process else original
    return held


def held_cache(setting: Setting, original: Any) -> Any:
    """``sys.path_importer_cache``."""
    if is_final(type(original)):
        return None
    held = setting.rules[0][2]
    dress(type(held), setting, change_cache, CACHE_CHANGES, dict)
    held.original = None if setting.whole_process else original
    return held


def held_class(setting: Setting, original: Any) -> Any:
    """The class of ``sys``: its import paths and hooks are not rebound; all else is."""
    if is_final(original):
        return None
    import types as types  # it takes ModuleType from type(sys), and must have done so before

    made = setting.rules[0][0]
    made.__setattr__ = setting.bind(set_attribute, OPERATION=original.__setattr__)
    made.__delattr__ = setting.bind(delete_attribute, OPERATION=original.__delattr__)
    if setting.whole_process:
        made.FINAL = True
    return made


def no_function(setting: Setting, original: Any) -> Any:
    """``sys.settrace`` and ``sys.setprofile``; with a function, they announce themselves."""
    current = sys.gettrace if "settrace" in setting.key else sys.getprofile
    return setting.bind(set_hook, CURRENT=current)
