"""Stand-ins for the look-ups by name: what is judged is what C asks for.

C has text encoded by the ``idna`` codec, ASCII or not, after the call has been
announced, and a codec can be replaced. Bytes go to the resolver as they are.
"""

from __future__ import annotations

from ..bind import bind

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
AFTER: Any = None
BOX: list[Any] = []
ASK: Any = None


def look_up(setting: Setting) -> Any:
    """A stand-in whose original is in the constants of private code only."""
    return setting.bind(
        ask, ASK=bind(ask_in_ascii, {"KEY": setting.key, "AFTER": setting.after, "BOX": setting.box}, setting.memo)
    )


def getaddrinfo(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyname(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyname_ex(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyaddr(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def ask(*args: Any, **kwargs: Any) -> Any:
    return ASK(args, kwargs)


def ask_in_ascii(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The host comes first. What is no ASCII text is refused by the hook, or an error of C's."""
    if args:
        args = (in_ascii(args[0]), *args[1:])
    elif "host" in kwargs:
        kwargs["host"] = in_ascii(kwargs["host"])
    result = BOX[0](*args, **kwargs)
    AFTER(KEY, args, kwargs, result)
    return result


def in_ascii(host: Any) -> Any:
    return str.encode(host, "ascii") if type(host) is str and str.isascii(host) else host
