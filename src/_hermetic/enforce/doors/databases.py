"""Stand-in for ``sqlite3.connect``: connections that cannot be talked into opening another file.

ATTACH and VACUUM INTO raise no event, so every connection gets an authorizer that
asks the policy. The program may set one of its own: both are asked.
"""

from __future__ import annotations

import sys

from ...capabilities.filesystem import filecalls
from ...capabilities.filesystem.databases import anchored_uri
from ...capabilities.filesystem.descriptors import fixed_path, path_text
from ...capabilities.filesystem.filecalls import GUARDED_BY
from ...extract import argument
from ...pristine import get_ident, getcwd
from ..bind import bind
from ..judge import refusal
from . import METHOD

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []
GUARDED: Any = None
AUTHORIZE: Any = None
INIT: Any = None
CONNECTION: Any = None
CURSOR: Any = None
GUARDED_CURSOR: Any = None
ERROR: Any = None
HERE = None

# SQLite's numbers for what is asked, and for the answers.
OK, DENY, IGNORE, PRAGMA, ATTACH = 0, 1, 2, 19, 24
IN_MEMORY = "pragma temp_store = memory"
MEMORY_WORDS = frozenset({"memory", "2"})
DIRECTORIES = frozenset({"temp_store_directory", "data_store_directory"})
FACTORY, URI = 5, 7
# Thread -> what its authorizer refused: SQLite itself would only say "not authorized". No decision rests on it.
REFUSED: dict[int, Any] = {}
MODULES = sys.modules


def connect(setting: Setting, original: Any) -> Any:
    """For ``sqlite3.connect`` under its three names."""
    codes: list[Any] = []
    # Made at the start: the hook knows it by its code, and by nothing that can be forged.
    init = bind(init_connection, {}, setting.memo, codes=codes)
    setting.memo["CONNECTORS"] = (*setting.memo.get("CONNECTORS", ()), *codes)
    if not setting.whole_process:
        filecalls.CONNECTORS = (*filecalls.CONNECTORS, *codes)
    return METHOD(setting.bind(connect_guarded, GUARDED=Guards(setting, init).guarded), "sqlite3")


class Guards:
    """Makes guarded connection classes, one for each that the program asks for."""

    __slots__ = ("setting", "init", "made", "parts")

    def __init__(self, setting: Setting, init: Any) -> None:
        self.setting, self.init = setting, init
        self.made: dict[type, type] = {}
        self.parts: dict[str, Any] = {}

    def guarded(self, base: type) -> type:
        """A class that is ``base`` in everything but what it may open."""
        if not self.parts:
            self.parts = self.make_parts()
        if GUARDED_BY in vars(base):
            return base
        if base not in self.made:
            dress = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
            self.made[base] = type(base)(base.__name__, (base,), {**dress, **self.parts, GUARDED_BY: base})
        return self.made[base]

    def make_parts(self) -> dict[str, Any]:
        """What guarded classes have of their own."""
        module = MODULES["_sqlite3"]
        bind = self.setting.bind
        authorize = bind(authorize_act)
        run = {name: bind(run_statement, NAME=name, ERROR=module.DatabaseError) for name in STATEMENTS}
        cursor = type("Cursor", (module.Cursor,), {"__module__": "sqlite3", **run, GUARDED_BY: module.Cursor})
        constants = {"CONNECTION": module.Connection, "CURSOR": module.Cursor, "GUARDED_CURSOR": cursor}
        return {
            **run,
            "__init__": bind(construct, INIT=self.init, AUTHORIZE=authorize, CONNECTION=module.Connection),
            "cursor": bind(make_cursor, **constants),
            "set_authorizer": bind(set_authorizer, AUTHORIZE=authorize, **constants),
        }


STATEMENTS = ("execute", "executemany", "executescript")
NAME = ""


def connect_guarded(owner: Any, *args: Any, **kwargs: Any) -> Any:
    words = list(args)
    factory = argument(args, kwargs, FACTORY, "factory", None) or MODULES["_sqlite3"].Connection
    uri = bool(argument(args, kwargs, URI, "uri", False))
    if args:
        words[0] = readable_name(args[0], uri)
    elif "database" in kwargs:
        kwargs["database"] = readable_name(kwargs["database"], uri)
    if len(args) > URI:
        words[URI] = uri
    elif "uri" in kwargs:
        kwargs["uri"] = uri
    if isinstance(factory, type):
        factory = GUARDED(factory)
    if len(args) > FACTORY:
        words[FACTORY] = factory
    else:
        kwargs["factory"] = factory
    return BOX[0](*words, **kwargs)


def readable_name(database: Any, uri: bool) -> Any:
    """The name as it shall be judged and opened: fixed, and a URI in the form that says what it is."""
    name = fixed_path(database)
    if not uri:
        return name
    text = path_text(name)
    return anchored_uri(text, getcwd()) if text[:5] == "file:" else name


def construct(self: Any, *args: Any, **kwargs: Any) -> None:
    INIT(self, args, kwargs)
    # Sorting and VACUUM would make files of their own.
    CONNECTION.execute(self, IN_MEMORY)
    self.set_authorizer(None)


def init_connection(self: Any, args: Any, kwargs: Any) -> None:
    """The frame by which the guard knows that a connection is ours; it is seen with empty variables."""
    getattr(self, GUARDED_BY).__init__((self, self := None)[0], *(args, args := None)[0], **(kwargs, HERE)[0])


def set_authorizer(self: Any, *args: Any, **kwargs: Any) -> Any:
    """sqlite3.Connection.set_authorizer(callback), with ours in front."""
    callback = args[0] if args else kwargs.popitem()[1] if kwargs else None
    return CONNECTION.set_authorizer(self, AUTHORIZE if callback is None else METHOD(both, (AUTHORIZE, callback)))


def both(pair: tuple[Any, Any], *asked: Any) -> int:
    """Ours first: what it refuses, nobody allows."""
    answer: int = pair[0](*asked)
    return answer if answer != OK else pair[1](*asked)


def authorize_act(action: int, first: Any, second: Any, database: Any, trigger: Any) -> int:
    if action == ATTACH:
        found = JUDGE(KEY, (first,), None)
    elif action == PRAGMA and first is not None and first.lower() in DIRECTORIES and second:
        found = JUDGE(KEY, (second,), None)
    elif action == PRAGMA and first is not None and first.lower() == "temp_store" and second:
        return OK if second.lower() in MEMORY_WORDS else IGNORE
    else:
        return OK
    if found is None:
        return OK
    REFUSED[get_ident()] = refusal(found)
    return DENY


def make_cursor(self: Any, *args: Any, **kwargs: Any) -> Any:
    base = getattr(self, GUARDED_BY)
    if base is CONNECTION and not args and not kwargs:
        return CONNECTION.cursor(self, GUARDED_CURSOR)
    made = base.cursor(self, *args, **kwargs)
    return CONNECTION.cursor(self, GUARDED_CURSOR) if type(made) is CURSOR else made


def run_statement(self: Any, *args: Any) -> Any:
    try:
        return getattr(getattr(self, GUARDED_BY), NAME)(self, *args)
    except ERROR as error:
        found = REFUSED.pop(get_ident(), None)
        if found is None or not error.args or "authoriz" not in error.args[0]:
            raise
        raise found from error
