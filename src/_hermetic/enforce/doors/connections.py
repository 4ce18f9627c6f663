"""Guarded connections of SQLite: a class of ours between SQLite's own and whatever class the program asks for.

A constructor of the program's comes to ours by ``super().__init__()``. Policies that hold at once have a class each:
that of the oldest is innermost, and only the innermost calls C, from a frame that its hook knows.
"""

from __future__ import annotations

import sys
from _functools import partial  # type: ignore[import-not-found]  # functools itself would load others

from ...extract import TEXT, argument, exact_text, is_a
from ...pristine import fspath, get_ident
from ...sqlite import CLOSERS, CONNECTORS
from ..bind import bind
from . import method_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
BOX: list[Any] = []
GUARDED: Any = None
NAMED: Any = None
INIT: Any = None
STEPS: tuple[Any, ...] = ()
ALL = False
OWN: Any = None
BEGIN: Any = None
CURSOR: Any = None
GUARDED_CURSOR: Any = None
CURSOR_OF: Any = None
RUN: Any = None
ERROR: Any = None
AT_ONCE: tuple[tuple[str, tuple[Any, ...]], ...] = ()
HERE = None

FACTORY = 5
MODULES = sys.modules
SUPER: Any = super
CALL: Any = partial.__call__
METHOD_DESCRIPTOR: Any = type(str.join)
METHOD_OF_C = type("".__str__)
names_of = type.__dict__["__dict__"].__get__
classes_of = type.__dict__["__mro__"].__get__
# Thread -> what was refused inside a statement: SQLite would only say that something was. No decision rests on it.
REFUSED: dict[int, Any] = {}
# How its errors say so.
REFUSALS = ("authoriz", "user-defined function")
STATEMENTS = ("execute", "executemany", "executescript")


def guards_of(setting: Setting) -> Guards:
    """What all doors to SQLite of one start have in common: one class has it all."""
    memo = setting.memo
    if "GUARDS" not in memo:
        memo["GUARDS"] = Guards(setting)
    guards: Guards = memo["GUARDS"]
    return guards


class Guards:
    """Makes guarded connection classes, one for each that the program asks for.

    made: base -> class. own: the class of ours below them. init: what calls C's constructor. at_once: by mark, the
    methods of C, with their arguments, that C calls behind that. makers: each makes parts of the class, and what is
    done with a new connection later, from (the class, SQLite's). proofs: each tries whether a class holds; it raises,
    or is asked again. trial: the class that is tried now.
    """

    __slots__ = ("at_once", "bind", "init", "made", "own", "marks", "makers", "proofs", "trial")

    def __init__(self, setting: Setting) -> None:
        self.bind = setting.bind
        self.made: dict[type, type] = {}
        self.own: Any = None
        self.trial: Any = None
        self.init: Any = None
        self.at_once: dict[str, tuple[Any, ...]] = {}
        self.marks: list[str] = []
        self.makers: list[Callable[[type, type], tuple[dict[str, Any], Any]]] = []
        self.proofs: list[Callable[[type, type], bool]] = []

    def stand_in(self, setting: Setting, mark: str, named: Any, maker: Any, calls: tuple[Any, ...]) -> Any:
        """For ``sqlite3.connect``. mark: what the class is known by. calls: what C does at once, see ``at_once``."""
        memo, whole = setting.memo, setting.whole_process
        if mark not in self.at_once:
            self.at_once[mark] = calls
            codes: list[Any] = []
            # Made at the start: the hook knows it by its code, and by nothing that can be forged.
            every = tuple([call for known in self.at_once.values() for call in known])
            self.init = bind(init_connection, {"AT_ONCE": every}, memo, codes=codes)
            CONNECTORS.extend(codes)
            if self.at_once.get("CLOSED_MARK"):
                CLOSERS.extend(codes)
        # Of older policies, too: theirs is innermost.
        memo["CONNECTORS"], memo["CLOSERS"] = tuple(CONNECTORS), tuple(CLOSERS)
        if whole:
            # A name of its own: a class that an older policy has made is no mark of this one.
            memo[mark] = f"{MARKS[mark]}_{len(CONNECTORS)}"
        else:
            memo["ADMITTED"] = memo["CONNECTORS"]
        self.marks.append(memo.get(mark, MARKS[mark]))
        self.makers.append(maker)
        made = setting.bind(connect_guarded, GUARDED=self.guarded, NAMED=named)
        made.__name__ = "connect"
        return method_of(made, "sqlite3")

    def guarded(self, base: Any) -> Any:
        """A class that is ``base`` in everything but what its connections may do."""
        connection = connection_class()
        own = self.own
        if own is None:
            if self.trial in classes_of(base):
                return base
            own = self.trial = self.make_class(connection)
            # With what newer policies ask for; nothing of the program's.
            asked = [one for one in classes_of(base) for known in OWNS if one is known]
            OWNS.append(own)
            whole = type("Connection", (*asked, own), {}) if asked else own
            if not [prove for prove in self.proofs if not prove(whole, connection)]:
                self.own = own
        if own in classes_of(base):
            return base
        if base is connection:
            return own
        made = self.made.get(base)
        if made is None or own not in classes_of(made):
            dress = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
            made = self.made[base] = type(base)(base.__name__, (base, own), dress)
        return made

    def make_class(self, connection: Any) -> Any:
        """The class of ours."""
        dress = {"__module__": "sqlite3", "__doc__": connection.__doc__, "__slots__": ()}
        own: Any = type("Connection", (connection,), {**dress, **dict.fromkeys(self.marks, True)})
        module = MODULES["_sqlite3"]
        cursor_class, bind = module.Cursor, self.bind
        run = {
            name: bind(run_statement, RUN=names_of(cursor_class)[name], ERROR=module.DatabaseError)
            for name in STATEMENTS
        }
        cursor = type("Cursor", (cursor_class,), {"__module__": "sqlite3", "__doc__": cursor_class.__doc__, **run})
        parts = {
            name: bind(run_statement, RUN=names_of(connection)[name], ERROR=module.DatabaseError) for name in STATEMENTS
        }
        cursor_of = names_of(connection)["cursor"]
        parts["cursor"] = bind(make_cursor, CURSOR=cursor_class, GUARDED_CURSOR=cursor, CURSOR_OF=cursor_of)
        steps = []
        for maker in self.makers:
            more, step = maker(own, connection)
            parts.update(more)
            if step is not None:
                steps.append(step)
        begin = names_of(connection).get("autocommit")
        all_at_once = "FILES_MARK" in self.at_once
        parts["__init__"] = bind(construct, INIT=self.init, STEPS=tuple(steps), OWN=own, BEGIN=begin, ALL=all_at_once)
        for name, part in parts.items():
            setattr(own, name, part)
        return own


# All classes of ours, to be told from the program's.
OWNS: list[Any] = []
# By these names readers find marks, and here is what they are for blocks.
MARKS = {"FILES_MARK": "_guarded", "CLOSED_MARK": "_closed"}


def connection_class() -> Any:
    """SQLite's own class, whatever the program has put in its place."""
    method: Any = MODULES["_sqlite3"].Connection.create_function
    if type(method) is METHOD_DESCRIPTOR and method.__name__ == "create_function":
        return method.__objclass__
    raise TypeError("sqlite3.Connection is no longer SQLite's own")


def connect_guarded(owner: Any, *args: Any, **kwargs: Any) -> Any:
    words = list(args)
    factory = argument(args, kwargs, FACTORY, "factory", None) or connection_class()
    if NAMED is not None:
        NAMED(words, kwargs)
    if issubclass(type(factory), type):
        factory = GUARDED(factory)
    if len(args) > FACTORY:
        words[FACTORY] = factory
    else:
        kwargs["factory"] = factory
    return BOX[0](*words, **kwargs)


def construct(self: Any, *args: Any, **kwargs: Any) -> None:
    following = SUPER(OWN, self).__init__
    innermost = type(following) is METHOD_OF_C
    if innermost:
        # C would begin a transaction, and let other threads run before our steps are done.
        begins = BEGIN is not None and kwargs.get("autocommit") is False
        if begins:
            del kwargs["autocommit"]
        INIT(self, plain_arguments(args, kwargs))
        if begins:
            BEGIN.__set__(self, False)
    else:
        following(*args, **kwargs)
    for step in STEPS:
        step(self, innermost and ALL)


def init_connection(self: Any, kwargs: Any) -> None:
    """The frame by which a guard knows that a connection is ours; it is seen with empty variables.

    What is done at once is done when C comes back: no thread, no signal handler and no collector comes in between.
    """
    names = names_of(connection_class())
    steps: Any = [partial(names["__init__"], self, **kwargs)]
    for name, arguments in AT_ONCE:
        steps.append(partial(names[name], self, *arguments))
    # None of it is true, so all of it is called, by C alone.
    any((map(CALL, steps), self := None, kwargs := None, names := None, steps := None, HERE)[0])


# --- arguments ---

ARGUMENTS = (
    *("database", "timeout", "detect_types", "isolation_level"),
    *("check_same_thread", "factory", "cached_statements", "uri"),
)
PLAIN = frozenset({str, bytes, int, float, bool, type(None)})
FLAGS = frozenset({"check_same_thread", "uri"})
COUNTS = frozenset({"detect_types", "cached_statements"})


def plain_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What C's constructor is given: to read it calls nothing that could make another connection below our frame."""
    if len(args) > len(ARGUMENTS):
        raise TypeError(f"Connection() takes at most {len(ARGUMENTS)} positional arguments ({len(args)} given)")
    found = {}
    for name, value in [*zip(ARGUMENTS, args, strict=False), *kwargs.items()]:
        name = exact_text(name)
        if name in found:
            raise TypeError(f"Connection() got multiple values for argument {name!r}")
        found[name] = value if type(value) in PLAIN else plain(name, value)
    found.pop("factory", None)  # it has been asked by now
    return found


def plain(name: str, value: Any) -> Any:
    """One that is of no plain class. Raises what it raises."""
    if name == "database":
        value = fspath(value)
        return str.__getitem__(value, slice(None)) if is_a(value, TEXT) else bytes.__getitem__(value, slice(None))
    if name == "timeout":
        return float(value)
    if name == "isolation_level":
        return exact_text(value)
    if name in FLAGS:
        return bool(value)
    return int(value) if name in COUNTS else None


# --- statements ---


def make_cursor(self: Any, *args: Any, **kwargs: Any) -> Any:
    if not args and not kwargs:
        return CURSOR_OF(self, GUARDED_CURSOR)
    made = CURSOR_OF(self, *args, **kwargs)
    return CURSOR_OF(self, GUARDED_CURSOR) if type(made) is CURSOR else made


def run_statement(self: Any, *args: Any) -> Any:
    try:
        return RUN(self, *args)
    except ERROR as error:
        found = REFUSED.pop(get_ident(), None)
        if found is None or not error.args:
            raise
        for words in REFUSALS:
            if words in error.args[0]:
                raise found from error
        raise
