"""What can be done: one file per family, each with its rules, its decision and its surface.

FAMILIES is the registry, in the documented order. A family is imported when a
policy restricts it: start-up pays for nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import ModuleType

    from ..model import Family

# guard name -> module of this package
FAMILIES = {
    "network": "network",
    "subprocess": "processes.denied",
    "filesystem": "filesystem",
    "environment": "environment",
    "code_exec": "code_exec",
    "imports": "imports",
    "interpreter": "interpreter",
    # Not capabilities anybody asks for: what no policy allows, whatever it restricts, and the processes that a policy
    # lets a program start.
    "integrity": "integrity",
    "children": "processes.children",
}


def load_module(guard: str) -> ModuleType:
    """The module of this guard name. KeyError for a name that is none."""
    # __import__ with a list of names returns the module itself; importlib's own door loads warnings first.
    return __import__(f"{__name__}.{FAMILIES[guard]}", None, None, ["FAMILY"])


def load_family(guard: str) -> Family:
    """The family of this guard name. KeyError for a name that is none."""
    family: Family = load_module(guard).FAMILY
    return family
