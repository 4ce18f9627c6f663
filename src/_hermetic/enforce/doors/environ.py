"""Stand-ins for the class of ``os.environ`` and ``os.environb``, and for the data behind them.

The objects stay, their class is replaced. The real variables move to a mapping
that only these functions name; around it, every way in leads back to the guard.
"""

from __future__ import annotations

import os
from _weakref import ref

from ...capabilities.environment import DELETE, EVERY, GET, LIST, SEE, SET
from ...extract import BYTES, TEXT, argument, exact_text, is_a
from ...pristine import native
from ...programs.variables import is_kept
from .. import session
from ..judge import refusal
from . import unchanged as unchanged

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
REAL: Any = None
BASE: Any = None
MISSING = object()


def exact_key(key: Any) -> Any:
    """The key that C will see: a subclass of str may say another name when it is encoded."""
    if is_a(key, TEXT):
        return exact_text(key)
    if is_a(key, BYTES):
        return bytes.__getitem__(key, slice(None))
    return key


def ask_outer(key: Any) -> None:
    """A block sees the variable as unset; a policy around the block may not be as quiet, and is asked."""
    key in REAL  # noqa: B015  # for its exception


OUTER = ask_outer


def get_item(self: Any, key: Any) -> Any:
    key = exact_key(key)
    found = JUDGE(KEY, (GET, key), None)
    if found is None:
        return REAL[key]
    error = refusal(found)
    if type(error) is KeyError:
        OUTER(key)
    raise error


def get(self: Any, *args: Any, **kwargs: Any) -> Any:
    key = exact_key(argument(args, kwargs, 0, "key", None))
    found = JUDGE(KEY, (GET, key), None)
    if found is None:
        return REAL.get(key, argument(args, kwargs, 1, "default", None))
    error = refusal(found)
    if type(error) is KeyError:
        OUTER(key)
        return argument(args, kwargs, 1, "default", None)
    raise error


def contains(self: Any, key: Any) -> bool:
    key = exact_key(key)
    found = JUDGE(KEY, (GET, key), None)
    if found is None:
        return key in REAL
    error = refusal(found)
    if type(error) is KeyError:
        OUTER(key)
        return False
    raise error


def set_item(self: Any, key: Any, value: Any) -> None:
    key = exact_key(key)
    found = JUDGE(KEY, (SET, key), None)
    if found is not None:
        raise refusal(found)
    REAL[key] = value


def delete_item(self: Any, key: Any) -> None:
    key = exact_key(key)
    found = JUDGE(KEY, (DELETE, key), None)
    if found is not None:
        raise refusal(found)
    del REAL[key]


def set_default(self: Any, key: Any, value: Any) -> Any:
    key = exact_key(key)
    found = JUDGE(KEY, (SET, key), None)
    if found is not None:
        raise refusal(found)
    return REAL.setdefault(key, value)


def pop(self: Any, *args: Any, **kwargs: Any) -> Any:
    key = exact_key(argument(args, kwargs, 0, "key", None))
    default = argument(args, kwargs, 1, "default", MISSING)
    found = JUDGE(KEY, (DELETE, key), None)
    if found is None:
        return REAL.pop(key) if default is MISSING else REAL.pop(key, default)
    error = refusal(found)
    if type(error) is KeyError and default is not MISSING:
        OUTER(key)
        return default
    raise error


def pop_item(self: Any) -> Any:
    found = JUDGE(KEY, (SET, EVERY), None)
    if found is not None:
        raise refusal(found)
    return REAL.popitem()


def clear(self: Any) -> None:
    found = JUDGE(KEY, (SET, EVERY), None)
    if found is not None:
        raise refusal(found)
    REAL.clear()


def visible(self: Any) -> list[Any]:
    """The names that whoever asks may see, or the violation."""
    found = JUDGE(KEY, (LIST, EVERY), None)
    if found is None:
        return list(REAL)
    error = refusal(found)
    if type(error) is not KeyError:
        raise error
    return [name for name in REAL if JUDGE(KEY, (SEE, name), None) is None]


def iterate(self: Any) -> Any:
    return iter(VISIBLE(self))


def count(self: Any) -> int:
    return len(VISIBLE(self))


def show(self: Any) -> str:
    items = {name: REAL[name] for name in VISIBLE(self)}
    return f"environ({items!r})"


def view(self: Any) -> Any:
    """keys(), values(), items(): refused at the call, where the program looks for the reason."""
    VISIBLE(self)
    return BASE(self)


VISIBLE = visible
METHODS = (
    ("__getitem__", get_item),
    ("get", get),
    ("__contains__", contains),
    ("__setitem__", set_item),
    ("__delitem__", delete_item),
    ("setdefault", set_default),
    ("pop", pop),
    ("popitem", pop_item),
    ("clear", clear),
    ("__iter__", iterate),
    ("__len__", count),
    ("__repr__", show),
)


def mapping_of(setting: Setting) -> Any:
    """``os.environ`` or ``os.environb``, whichever this setting is about."""
    return os.environb if "environb" in setting.key else os.environ


def guarded_class(setting: Setting, original: Any) -> Any:
    """A class for this mapping: every operation is judged, and then done on the real variables."""
    mapping = mapping_of(setting)
    real = original.__new__(original)
    real.__dict__.update(mapping.__dict__)
    if type(real._data) is dict:
        if setting.whole_process:
            real._data = kept_data(setting, real._data)
        else:
            session.BEHIND[:] = [*[one for one in session.BEHIND if one() is not None], ref(real)]
    elif setting.whole_process:  # an earlier policy has done it, unless there are only blocks around
        for block in [one() for one in session.BEHIND]:
            if block is not None:
                block._data = kept_data(setting, block._data)
    names = {
        "REAL": real,
        "VISIBLE": setting.bind(visible, REAL=real),
        "OUTER": setting.bind(ask_outer, REAL=real),
    }
    body: dict[str, Any] = {"__module__": "os", "__slots__": ()}
    for name, function in METHODS:
        body[name] = setting.bind(function, **names)
    for name in ("keys", "values", "items"):
        body[name] = setting.bind(view, BASE=getattr(original, name), **names)
    return type(original)(original.__name__, (original,), body)


def kept_data(setting: Setting, data: Any) -> Any:
    """A copy without what nobody will be shown; C forgets it too, so that children do not get it.

    Both mappings share one copy, as they shared the data.
    """
    known = setting.memo.get((KEPT, id(data)))
    if known is None:
        kept = {}
        for key, value in data.items():
            name = os.fsdecode(key) if isinstance(key, bytes) else key
            if is_kept(setting.rules, name):
                kept[key] = value
            else:
                native.unsetenv(key)
        # Whoever holds it, under whatever name, finds nothing any more.
        data.clear()
        # The data is kept beside the copy: an id is only a name while its object lives.
        known = setting.memo[KEPT, id(data)] = setting.memo[KEPT, id(kept)] = (kept, data)
        session.ENVIRONMENT[0] = kept
    return known[0]


KEPT = "environment kept"


def guarded_data(setting: Setting, original: Any) -> Any:
    """What is found where the data was: the guarded mapping itself, so that every way leads through its class."""
    return getattr(os, "environb", os.environ)
