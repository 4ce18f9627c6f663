"""Which environment variables a policy lets through, and what a scrubbed process starts with.

Apart from the family, because the process that only starts another one needs no guards.
"""

from __future__ import annotations

from ..pristine import IS_WINDOWS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

REST = "*"  # ends a prefix
NO_PART = frozenset("=\0,?[]{}")  # of a name; most would be taken for lists and patterns
# What children get whatever the policy says: without these, programs are not found or write in another language.
FIXED = frozenset(
    {"PATH", "LANG", "TZ", "TMPDIR"}
    | ({"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"} if IS_WINDOWS else set())
)
FIXED_PREFIXES = ("LC_",)
# What an interpreter that hermetic starts needs to come up at all; taken away again before the target runs.
INTERPRETER_ONLY = frozenset(
    {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "LIBPATH", "SHLIB_PATH", "__PYVENV_LAUNCHER__"}
)
INTERPRETER_PREFIXES = ("PYTHON",)


def is_allowed(rules: tuple[Any, ...], name: str) -> bool:
    """Whether the policy gives this variable back."""
    return name in rules[1] or name.startswith(rules[2])


def is_fixed(name: str) -> bool:
    """Whether every child gets it."""
    return name in FIXED or name.startswith(FIXED_PREFIXES)


def is_kept(rules: tuple[Any, ...], name: str) -> bool:
    """Whether a variable stays in a process whose environment is scrubbed."""
    if IS_WINDOWS:
        name = str.upper(name)
    return is_allowed(rules, name) or is_fixed(name)


def make_rules(unset: bool = False, allow: Iterable[str] = ()) -> tuple[bool, frozenset[str], tuple[str, ...]]:
    """Rules from settings: allowed names, and prefixes as ``AWS_*``. ValueError for what cannot name a variable."""
    names, prefixes = set(), []
    for entry in allow:
        name = entry.upper() if IS_WINDOWS else entry
        if not name or not NO_PART.isdisjoint(name) or "*" in name[:-1] or name == REST or not name.isprintable():
            raise ValueError(f"{entry!r} is not a variable's name, nor a prefix such as AWS_*; one entry each")
        if name[-1] == REST:
            prefixes.append(name[:-1])
        else:
            names.add(name)
    return bool(unset), frozenset(names), tuple(prefixes)


def scrubbed(environ: Mapping[str, str], rules: tuple[Any, ...]) -> dict[str, str]:
    """What a new interpreter is started with: what is kept, and what only the interpreter needs.

    rules: as ``make_rules`` gives them. The guards take the second part away when they start.
    """
    return {
        name: value
        for name, value in environ.items()
        if is_kept(rules, name) or name in INTERPRETER_ONLY or name.startswith(INTERPRETER_PREFIXES)
    }
