"""Stand-in for ``sqlite3.connect``: connections that cannot be talked into opening another file.

ATTACH and VACUUM INTO raise no event, so every connection gets an authorizer that
asks the policy. The program may set one of its own, and other policies do: all are asked.
"""

from __future__ import annotations

from ...capabilities.filesystem.databases import anchored_uri
from ...capabilities.filesystem.descriptors import fixed_path, path_text
from ...extract import argument
from ...pristine import get_ident, getcwd
from ..judge import refusal
from . import METHOD
from .connections import REFUSED, SUPER, guards_of, names_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
AUTHORIZE: Any = None
OWN: Any = None
EXECUTE: Any = None
SET: Any = None

# SQLite's numbers for what is asked, and for the answers.
OK, DENY, IGNORE, PRAGMA, ATTACH = 0, 1, 2, 19, 24
IN_MEMORY = "pragma temp_store = memory"
MEMORY_WORDS = frozenset({"memory", "2"})
DIRECTORIES = frozenset({"temp_store_directory", "data_store_directory"})
URI = 7


def connect(setting: Setting, original: Any) -> Any:
    """For ``sqlite3.connect`` under its three names."""

    authorize = setting.bind(authorize_act)

    def make(own: type, connection: Any) -> tuple[dict[str, Any], Any]:
        set_own = setting.bind(set_authorizer, AUTHORIZE=authorize, OWN=own)
        step = setting.bind(confine, EXECUTE=names_of(connection)["execute"], SET=set_own)
        return {"set_authorizer": set_own}, step

    named = setting.bind(fix_name)
    # Before anybody can use the connection. Later comes the same with what newer policies ask for.
    calls = (("set_authorizer", (authorize,)),)
    return guards_of(setting).stand_in(setting, "FILES_MARK", named, make, calls)


def fix_name(words: list[Any], kwargs: dict[str, Any]) -> None:
    """Have the arguments say what shall be judged and opened: nothing in them changes afterwards."""
    uri = bool(argument(tuple(words), kwargs, URI, "uri", False))
    if len(words) > URI:
        words[URI] = uri
    elif "uri" in kwargs:
        kwargs["uri"] = uri
    if words:
        words[0] = readable_name(words[0], uri)
    elif "database" in kwargs:
        kwargs["database"] = readable_name(kwargs["database"], uri)


def readable_name(database: Any, uri: bool) -> Any:
    """The name as it shall be judged and opened: fixed, and a URI in the form that says what it is."""
    name = fixed_path(database)
    if not uri:
        return name
    text = path_text(name)
    return anchored_uri(text, getcwd()) if text[:5] == "file:" else name


def confine(self: Any, at_once: bool) -> None:
    """What is done with a new connection. at_once: C has set our authorizer already. To set it again, C would wait for
    whoever uses the connection by now, who may be waiting to be asked by us.
    """
    # Sorting and VACUUM would make files of their own.
    EXECUTE(self, IN_MEMORY)
    if not at_once:
        SET(self, None)


def set_authorizer(self: Any, *args: Any, **kwargs: Any) -> Any:
    """sqlite3.Connection.set_authorizer(callback), with ours in front, and what older policies ask in front of that."""
    callback = args[0] if args else kwargs.popitem()[1] if kwargs else None
    asked = AUTHORIZE if callback is None else METHOD(both, (AUTHORIZE, callback))
    return SUPER(OWN, self).set_authorizer(asked)


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
