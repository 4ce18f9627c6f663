"""Under a seal nobody gets hold of the dictionary behind a class.

``vars(str)`` is a read-only view, and C gives what it is a view of to whoever is compared or joined with it:
``vars(str) == Anything()`` calls ``Anything.__eq__`` with the dictionary itself. Written there, a lie about
``str.startswith`` or ``os.stat_result.st_dev`` is what the guards, and everybody, would use next. So a view is made
of a copy, and ``object.__getstate__``, which returns the dictionary of some classes as it is, is not for classes.
Whoever has kept C's way before, as ``inspect`` and hermetic's own modules, is given this one.
"""

from __future__ import annotations

import sys

from ..model import PUBLIC
from .bind import bind

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
VIEWED: Any = None
STATE: Any = None
STATE_OF: Any = None
GET_STATE: Any = None
CHECKED: Any = None

VIEW: Any = type(vars(object))
NAME, STATE_NAME, KEPT = "__dict__", "__getstate__", "_get_dunder_dict_of_class"
OURS = ("hermetic", "_hermetic")
WRAPPER: Any = type("".__len__)
remove = dict.__delitem__
_type, _isinstance = type, isinstance


class Taker:
    """What the view is joined with, to get at the dictionary of a class before nobody can any more."""

    def __ror__(self, found: Any) -> Any:
        return found


def see_class(descriptor: Any, thing: Any, *owner: Any) -> Any:
    """``thing.__dict__`` of a class."""
    if thing is None:
        return descriptor
    found = VIEWED(thing) | {}
    # inspect asks so, and takes a descriptor that is not C's own for one of the program's that hides attributes.
    if thing is _type and not owner:
        remove(found, NAME)
    return VIEW(found)


def set_nothing(descriptor: Any, thing: Any, value: Any) -> None:
    """As C's descriptor, it is looked at before what a class has of that name."""
    raise AttributeError("attribute '__dict__' of 'type' objects is not writable")


def state_of(thing: Any) -> Any:
    """``object.__getstate__(thing)``, for inspect, which asks for the code of what it finds."""
    return CHECKED(thing)


def checked_state(thing: Any) -> Any:
    if _isinstance(thing, _type):
        raise TypeError("a class has no state")
    return STATE(thing)


def see_state(descriptor: Any, thing: Any, owner: Any) -> Any:
    """``thing.__getstate__``: C compares what is found here with its own function."""
    return STATE_OF if thing is None or _isinstance(thing, _type) else GET_STATE(thing, owner)


def instance(name: str, **methods: Any) -> Any:
    """The one object of a class."""
    return type(name, (), {**methods, "__slots__": ()})()


def close(memo: dict[Any, Any]) -> None:
    """For the rest of the process. What the program took before is its own."""
    taker = Taker()
    of_type, of_object = vars(type) | taker, vars(object) | taker
    descriptor = of_type[NAME]
    if type(descriptor) is not type(vars(type(close))["__code__"]):
        return  # an earlier seal did so
    see = bind(see_class, {"VIEWED": descriptor.__get__}, memo)
    of_type[NAME] = made = instance("class_variables", __get__=see, __set__=bind(set_nothing, {}, memo))
    state = of_object.get(STATE_NAME)
    if state is not None:
        checked = bind(checked_state, {"STATE": state}, memo)
        of = bind(state_of, {"CHECKED": checked}, memo, namespace=PUBLIC)
        of_object[STATE_NAME] = instance(
            "state", __get__=bind(see_state, {"GET_STATE": state.__get__, "STATE_OF": of}, memo)
        )
    loaded = sys.modules.get("inspect")
    if hasattr(loaded, KEPT):  # since 3.12 it keeps the way of C
        setattr(loaded, KEPT, made.__get__)
    # What is bound by now has it among its constants, where nobody sees it.
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OURS and type(module) is type(sys):
            for key, value in list(vars(module).items()):
                if type(value) is WRAPPER and value.__self__ is descriptor:
                    setattr(module, key, made.__get__)
    clear: Any = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache  # deprecated since 3.14
    clear()
