"""The vocabulary: what a row of a surface says, and how one attempt is described.

On the deciding path everything is a tuple, a frozenset or a string, never an
instance of a class of ours: a class has attributes, attributes can be assigned,
and an assignment must not be able to lift a policy.
"""

from __future__ import annotations

import builtins
from _collections import _tuplegetter  # type: ignore[import-not-found]  # as collections.namedtuple has it

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias, TypeVar

    V = TypeVar("V", bound="Value")
    # What a call aims at, as the family's own `decide` understands it.
    Target: TypeAlias = Any
    # Reads a target from (args, kwargs); None means "not an act of this capability".
    Reader: TypeAlias = Callable[[tuple[Any, ...], "dict[str, Any] | None"], Target]
    # (message, what to show as target, option that blocks it, what would allow it[, the ordinary exception that a
    # library that only asks gets to see]). With an empty message nothing is recorded, and the fifth item is that
    # exception, or a function(rules, target) that puts something right.
    Denial: TypeAlias = tuple[str, "str | None", str, str] | tuple[str, "str | None", str, str, Any]
    # decide(rules, capability, target, call) -> Denial | None
    Decision: TypeAlias = Callable[[tuple[Any, ...], str, Target, str], "Denial | None"]

# The namespace of every bound function (enforce/bind.py), one object, by which they are told apart. Their code
# looks nothing up in it; C needs the builtins when it imports something from inside such a frame.
PRIVATE: dict[str, Any] = {"__builtins__": builtins}
# The same for stand-ins, which programs see and may inspect: their code may be read, not replaced.
PUBLIC: dict[str, Any] = {"__builtins__": builtins}

_assign = object.__setattr__


class Value:
    """A frozen record: ``__slots__``, keyword construction, equality.

    dataclasses would do the same, and importing them costs more than starting
    Python; this class is for policies and the like, which live as long as the process.
    """

    __slots__: tuple[str, ...] = ()
    DEFAULTS: dict[str, Any] = {}

    def __init__(self, **fields: Any) -> None:
        values = {**self.DEFAULTS, **fields}
        try:
            for name in self.__slots__:
                _assign(self, name, values[name])
        except KeyError as missing:
            raise TypeError(f"{type(self).__name__} needs {missing.args[0]}") from None
        if len(values) != len(self.__slots__):
            raise TypeError(f"{type(self).__name__} has no {', '.join(values.keys() - set(self.__slots__))}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, n) == getattr(other, n) for n in self.__slots__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, n) for n in self.__slots__))

    def but(self: V, **changes: Any) -> V:
        """The same with other fields. TypeError for one that there is not."""
        return type(self)(**{**{name: getattr(self, name) for name in self.__slots__}, **changes})

    def __repr__(self) -> str:
        fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__slots__)
        return f"{type(self).__name__}({fields})"


class BlockMemory(list):  # type: ignore[type-arg]  # list[Any] would be a class made at start
    """What ``engage`` remembers for the blocks in force; a bound policy finds None in its place in the rules."""

    __slots__ = ()


# A field of a row, by its place.
field: Any = _tuplegetter


class Row(tuple):  # type: ignore[type-arg]  # fields of many kinds
    """A line of a table: as ``Value``, and a tuple inside.

    Start-up makes some hundred of them, and a tuple is filled in one step, slots that nobody may assign to in one for
    each field, which took a tenth of the whole start.
    """

    __slots__ = ()


class GuardedCall(Row):
    """One row of a surface: a Python call that uses a capability.

    audit: audit events that announce it. patch: ``module:attribute`` doors to be
    replaced because CPython announces nothing there. read: takes the target out
    of the call's arguments. free: ``free(rules, args)``, asked first; it may say True where
    ``read`` and ``decide`` would certainly let the call through, so that the most frequent of them
    cost little; where it raises, they are asked. call: how the call is named in messages (default:
    the event, or the attribute). after: ``after(rules, args, kwargs, result)``,
    to remember a result. door: the name of a stand-in of its own (enforce/doors)
    instead of the plain check-then-call. late: its stand-in is made without the original,
    so the module is patched when it is loaded, not loaded to be patched. when: ``when(rules)``,
    whether these rules need the row at all. final: the rules never allow this call, so a
    policy that holds for the whole process drops the original and nobody can find it.
    note: what this row does not hold, for the docs. example: code that tries the act,
    for tests and docs.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        capability: str,
        audit: tuple[str, ...] = (),
        patch: tuple[str, ...] = (),
        read: Reader,
        free: Callable[[tuple[Any, ...], tuple[Any, ...]], bool] | None = None,
        call: str = "",
        after: Callable[..., None] | None = None,
        door: str = "",
        late: bool = False,
        when: Callable[[tuple[Any, ...]], bool] | None = None,
        final: bool = False,
        note: str = "",
        example: str = "",
    ) -> GuardedCall:
        fields = (capability, audit, patch, read, free, call, after, door, late, when, final, note, example)
        return tuple.__new__(cls, fields)

    capability: str = field(0, None)
    audit: tuple[str, ...] = field(1, None)
    patch: tuple[str, ...] = field(2, None)
    read: Reader = field(3, None)
    free: Callable[[tuple[Any, ...], tuple[Any, ...]], bool] | None = field(4, None)
    call: str = field(5, None)
    after: Callable[..., None] | None = field(6, None)
    door: str = field(7, None)
    late: bool = field(8, None)
    when: Callable[[tuple[Any, ...]], bool] | None = field(9, None)
    final: bool = field(10, None)
    note: str = field(11, None)
    example: str = field(12, None)


class Family(Value):
    """One capability family, as the engine sees it.

    guard: the documented ``PolicyViolation.guard``. decide: the pure decision.
    surface: its rows. prepare: ``prepare(rules) -> rules``, effects that must
    happen before the guards hold (resolving a root, importing what will be
    needed), or None. engage: ``engage(rules) -> undo or None``, called when a
    policy enters into force, for what no row can express (modules taken out of
    ``sys.modules``); undo is called when a block is left. stay: ``stay(undo)``,
    called where nobody will call undo, because the policy is for the rest of the process, or None. refresh: called when
    what the rows replaced was put in place for a block, perhaps not for the first time, or None.
    """

    __slots__ = ("guard", "decide", "surface", "prepare", "engage", "stay", "refresh")
    DEFAULTS = {"prepare": None, "engage": None, "stay": None, "refresh": None}

    guard: str
    decide: Decision
    surface: tuple[GuardedCall, ...]
    prepare: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    engage: Callable[[tuple[Any, ...]], Callable[[], None] | None] | None
    stay: Callable[[Any], None] | None
    refresh: Callable[[], None] | None
