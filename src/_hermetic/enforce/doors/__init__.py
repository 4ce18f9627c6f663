"""Stand-ins that need more than check-then-call, one file per subject; loaded when a row names one."""

from __future__ import annotations

from _frozen_importlib import BuiltinImporter

from ..bind import bind

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# What a pickle names: in a process without hermetic, too.
module_of: Any = __import__
METHOD: Any = type(BuiltinImporter.find_spec)  # a class method's; types costs more to import than this module
# The last two are those of _multiprocessing.SemLock, which its users take from it.
DRESS = ("__name__", "__qualname__", "__module__", "__doc__", "SEM_VALUE_MAX", "_rebuild")


def dress(made: Any, original: Any) -> None:
    """Give a stand-in the names of its original: pickle finds it by these, for `Pool.map(os.system, ...)`."""
    for name in DRESS:
        try:
            setattr(made, name, getattr(original, name))
        except (AttributeError, TypeError):
            pass


def attribute(home: Any, name: str) -> Any:
    return getattr(module_of(home.__name__), name)


def reduced(home: Any) -> tuple[Any, ...]:
    return module_of, (home.__name__,)


def itself(home: Any, memo: Any) -> Any:
    return home


def shown(home: Any) -> str:
    return f"<module {home.__name__!r}>"


class Home:
    """The module of a builtin, by its name: pickle and copy find what is a method of this where the builtin is.

    Programs can reach it, so its methods are bound, as stand-ins are.
    """

    __slots__ = ("__name__",)
    __getattr__, __reduce__, __deepcopy__, __repr__ = [
        bind(method, {}, {}) for method in (attribute, reduced, itself, shown)
    ]


def home_of(name: str) -> Any:
    home: Any = Home()
    home.__name__ = name
    return home


def as_builtin(made: Any, original: Any) -> Any:
    """A stand-in, dressed as its original and a method of its module: like a builtin, a class body does not bind it."""
    dress(made, original)
    return method_of(made, made.__module__)


def method_of(made: Any, module: str) -> Any:
    """A dressed stand-in as a method of what stands for this module.

    Its function is named by where it is found from there: dill and cloudpickle take a method apart and look for that,
    and would take a function that they do not find apart as well, into its code.
    """
    made.__module__, made.__qualname__ = module, f"{made.__name__}.__func__"
    return METHOD(made, home_of(module))


def unchanged(setting: Setting, original: Any) -> None:
    """For rows that are judged by another row's stand-in."""


def load_door(name: str) -> Any:
    """``"files.open_below"`` -> that function: ``door(setting, original) -> stand-in or None``."""
    module, _, function = name.partition(".")
    return getattr(__import__(f"{__name__}.{module}", None, None, [function]), function)
