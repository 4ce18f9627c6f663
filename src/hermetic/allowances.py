"""For a program that wants to know before it tries: what would be allowed, and which policies are in force.

Nothing here lifts anything, and asking is no act: it is neither traced nor counted.
"""

from __future__ import annotations

from os import fspath
from types import MappingProxyType

from _hermetic.acts import policies_here, refusal_here

TYPE_CHECKING = False  # typing costs more to import than this module
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Any

__all__ = ["CurrentPolicy", "allowed", "current_policy"]


def allowed(act: str, target: str | PathLike[str]) -> bool:
    """Whether every policy in force in this process would allow an act, without trying it.

    act: connect, resolve, bind, read, write, run, env or import. target: ``HOST:PORT`` or a Unix socket's path
    (connect, bind), a host name, a path, a program, a variable, a module; a path may be a path object. A host name is
    not looked up: what it resolves to is judged when it is used; a program counts as a Python by its name alone.
    ValueError for an unknown act, or a target that cannot be one; TypeError for no text.
    """
    text = fspath(target)
    if not all(isinstance(word, str) for word in (act, text)):
        raise TypeError("an act and its target are texts: allowed('connect', 'example.com:443')")
    return refusal_here(act, text) is None


class CurrentPolicy:
    """What is in force at one moment; a view that nothing can be changed by.

    policies: one mapping for each policy in force, the process's own first, then blocks from the outermost to the
    innermost: family -> the keywords its rules were made from, or None where too many of them were to be
    handed over to this process. An act must be allowed by every one. families: those that any of them
    restricts. sealed: whether any of them is sealed. report_only: whether none of them blocks anything.
    """

    __slots__ = ("families", "policies", "report_only", "sealed")

    families: frozenset[str]
    policies: tuple[Mapping[str, Mapping[str, Any] | None], ...]
    report_only: bool
    sealed: bool

    def __init__(self, described: list[tuple[Any, ...]]) -> None:
        assign = object.__setattr__
        assign(self, "policies", tuple([by_family(families) for families, _, _ in described]))
        assign(self, "families", frozenset([guard for policy in self.policies for guard in policy]))
        assign(self, "report_only", bool(described) and all(report_only for _, report_only, _ in described))
        assign(self, "sealed", any(sealed for _, _, sealed in described))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a view of the policy changes nothing")

    def restricts(self, family: str) -> bool:
        """Whether any policy in force restricts this family, such as ``network``."""
        return family in self.families

    def __repr__(self) -> str:
        return f"CurrentPolicy({', '.join(sorted(self.families)) or 'nothing restricted'})"


def by_family(families: tuple[Any, ...]) -> Mapping[str, Mapping[str, Any] | None]:
    """One policy. families: ((family, its keywords or None), ...)."""
    return MappingProxyType(
        {guard: None if asked is None else MappingProxyType(dict(asked)) for guard, asked in families}
    )


def current_policy() -> CurrentPolicy:
    """The policies in force in this process now."""
    return CurrentPolicy(policies_here())
