"""The keywords of the API: how each is spelled, and whether it is given what it takes."""

from __future__ import annotations

from functools import wraps
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from _hermetic.extract import exact_text
from hermetic.settings import BY_KEY, SETTINGS, SWITCH, TEXT
from hermetic.values import nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec

    P = ParamSpec("P")

ALIASES = {alias: setting.name for setting in SETTINGS if setting.name for alias in setting.keywords}
NAMES = tuple(setting.name for setting in SETTINGS if setting.name)
_BASE = {setting.key: setting.default for setting in SETTINGS}
_SWITCHES = tuple(setting.name for setting in SETTINGS if setting.name and setting.kind == SWITCH)
_OTHERS = tuple(name for name in NAMES if name not in _SWITCHES)


def telling(init: Callable[P, None]) -> Callable[P, None]:
    """An ``__init__`` that says what an unknown keyword may have been meant for."""
    known = init.__annotations__
    settings = [name for name in known if name not in ("_config", "return")]

    @wraps(init)
    def init_telling(*args: P.args, **keywords: P.kwargs) -> None:
        for keyword in keywords:
            if keyword not in known:
                meant = f" (did you mean {ALIASES[keyword]}?)" if keyword in ALIASES else ""
                meant = meant or nearest(keyword, settings)
                owner = type(args[0]).__name__
                raise TypeError(f"{owner}() got an unexpected keyword argument {keyword!r}{meant}")
        init(*args, **keywords)

    return init_telling


def checked(name: str, value: Any) -> Any:
    """A setting's value as it is kept: a switch, a text, or strings. TypeError for what is none."""
    kind = BY_KEY[name].kind
    if kind == SWITCH:
        if not isinstance(value, bool):
            raise TypeError(f"{name} is True or False, not {value!r}{_meant(name, value)}")
        return value
    if kind == TEXT:
        return None if value is None else fspath(value)
    paths = BY_KEY[name].holds_paths
    if isinstance(value, (str, bytes)) or (paths and isinstance(value, PathLike)):
        raise TypeError(f"{name} is a list: write {name}=[{value!r}]")
    try:
        given = tuple(value)
    except TypeError:
        raise TypeError(f"{name} is a list of strings, not {value!r}") from None
    items = tuple(fspath(item) if paths and isinstance(item, PathLike) else item for item in given)
    for item in items:
        if not isinstance(item, str):
            raise TypeError(f"{name} holds strings, not {item!r}")
    # Members of an enumeration and the like: children get plain ones.
    return tuple(item if type(item) is str else exact_text(item) for item in items)


def _meant(name: str, value: object) -> str:
    """What to write for a value that the command line takes with the same option."""
    word, other = BY_KEY[name].optional or ("", "")
    if BY_KEY.get(other) is None or not isinstance(value, (str, PathLike)):
        return ""
    if BY_KEY[other].kind != SWITCH:
        return f" (did you mean {name}=True, {other}={fspath(value)!r}?)"
    return f" (did you mean {name}=True, {other}=True?)" if value == word else ""


def checked_all(keywords: dict[str, Any]) -> dict[str, Any]:
    """The settings of one call, each checked for its kind."""
    values = dict(_BASE)
    for name in _SWITCHES:
        value = keywords[name]
        if value is not False:
            values[name] = checked(name, value)
    for name in _OTHERS:
        value = keywords[name]
        if value is not None and value != ():
            values[name] = checked(name, value)
    return values
