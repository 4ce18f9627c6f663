"""Stand-ins for what looks names up: what is judged is what C asks for, and what it connects to.

C has text encoded by the ``idna`` codec, ASCII or not, after the call has been
announced, and a codec can be replaced. Bytes go to the resolver as they are. And
what C finds for a name that it is to connect to it tells nobody: it gets an address.
"""

from __future__ import annotations

from ...capabilities.network.learning import learns
from ...capabilities.network.numeric import FLAGS, NO_HOST, is_no_number, numeric_answer
from ...capabilities.network.sockets import (
    LOOPBACK_ADDRESSES,
    NAME_IN_WRAP_BIO,
    NAME_IN_WRAP_SOCKET,
    SENDMSG_PLACE,
    pinned,
    place_in_sendto,
    settled,
)
from ...extract import plain_names, settled_text
from ..bind import bind
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
AFTER: Any = None
BOX: list[Any] = []
ASK: Any = None
PASS: Any = None

PLACE = 0

PARTS = 2  # where the ancillary data of sendmsg is


def private(setting: Setting, call: Any, after: Any) -> Any:
    """A function that has the original, which no program finds in the constants of a stand-in."""
    return bind(call, {"KEY": setting.key, "AFTER": after, "BOX": setting.box}, setting.memo)


def look_up(setting: Setting) -> Any:
    """A stand-in whose original is in the constants of private code only."""
    # A policy for the whole process may have nothing to remember.
    after = None if setting.whole_process and not learns(setting.rules) else setting.after
    return setting.bind(ask, ASK=private(setting, ask_in_ascii, after))


def getaddrinfo(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyname(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyname_ex(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def gethostbyaddr(setting: Setting, original: Any) -> Any:
    return look_up(setting)


def ask(*args: Any, **kwargs: Any) -> Any:
    if kwargs:
        plain_names(kwargs)
    return ASK(args, kwargs)


def ask_in_ascii(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The host comes first. What is no ASCII text is refused by the hook, or an error of C's."""
    flags = args[FLAGS] if len(args) > FLAGS else dict.get(kwargs, "flags", 0)
    if type(flags) is not int or flags:
        if args and is_no_number(args[0], flags):
            args = (NO_HOST, *args[1:])
        elif "host" in kwargs and is_no_number(kwargs["host"], flags):
            kwargs["host"] = NO_HOST
    if args:
        host = settled_text(args[0])
        if host is not args[0]:
            args = (host, *args[1:])
        if type(host) is str and str.isascii(host):
            args = (str.encode(host, "ascii"), *args[1:])
        result = BOX[0](*args, **kwargs) if kwargs else BOX[0](*args)
    else:
        if "host" in kwargs:
            kwargs["host"] = in_ascii(kwargs["host"])
        result = BOX[0](**kwargs)
    if AFTER is not None:
        AFTER(KEY, args, kwargs, result)
    return result


def in_ascii(host: Any) -> Any:
    host = settled_text(host)
    return str.encode(host, "ascii") if type(host) is str and str.isascii(host) else host


def getnameinfo(setting: Setting, original: Any) -> Any:
    return setting.bind(ask, ASK=private(setting, number_or_name, None))


def number_or_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Told to give numbers, it asks nobody. Any other question is for the hook, which C calls."""
    args = settled(args, 0)
    answer = None if kwargs else numeric_answer(args)
    return BOX[0](*args, **kwargs) if answer is None else answer


def connect(setting: Setting, original: Any) -> Any:
    """A name is judged here, its address when C announces the call."""
    return to_address(setting, connecting)


def connect_ex(setting: Setting, original: Any) -> Any:
    return to_address(setting, trying_to_connect)


def sendto(setting: Setting, original: Any) -> Any:
    return to_address(setting, sending)


def sendmsg(setting: Setting, original: Any) -> Any:
    """More of it is judged than the address, so the judge is asked each time."""
    return setting.bind(check_then_ask, ASK=private(setting, sending_parts, setting.after))


def check_then_ask(*args: Any, **kwargs: Any) -> Any:
    # C asks for the data first, which may be the program's own iterator: what it adds to a list is not judged any more.
    if args[PARTS:] and type(args[PARTS]) is list:
        args = (*args[:PARTS], tuple(args[PARTS]), *args[PARTS + 1 :])
    args = settled(args, SENDMSG_PLACE)
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    return ASK(args, kwargs)


def bind_to(setting: Setting, original: Any) -> Any:
    """A name is looked up by C, which is judged here; what was bound is remembered."""
    return setting.bind(settle_then_call)


def settle_then_call(*args: Any, **kwargs: Any) -> Any:
    args = settled(args, 1)
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    result = BOX[0](*args, **kwargs)
    AFTER(KEY, args, kwargs, result)
    return result


def wrap_socket(setting: Setting, original: Any) -> Any:
    """ssl asks the expected name of a peer to encode itself, too."""
    return setting.bind(settle_name_then_call, PLACE=NAME_IN_WRAP_SOCKET)


def wrap_bio(setting: Setting, original: Any) -> Any:
    return setting.bind(settle_name_then_call, PLACE=NAME_IN_WRAP_BIO)


def settle_name_then_call(*args: Any, **kwargs: Any) -> Any:
    if len(args) > PLACE:
        args = (*args[:PLACE], settled_text(args[PLACE]), *args[PLACE + 1 :])
    elif "server_hostname" in kwargs:
        kwargs["server_hostname"] = settled_text(kwargs["server_hostname"])
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    return BOX[0](*args, **kwargs)


def to_address(setting: Setting, call: Any) -> Any:
    """A stand-in whose own look-up is in the constants of private code only."""
    ask, straight = private(setting, call, setting.after), private(setting, passing, None)
    return setting.bind(check_names_then_ask, ASK=ask, PASS=straight)


def check_names_then_ask(*args: Any, **kwargs: Any) -> Any:
    # The address comes last, and most are this machine's: no name, so there is nothing to ask before C announces it.
    # Where there is something behind it, C takes nothing.
    address = args[-1] if args else None
    if type(address) is tuple and address and type(address[0]) is str and address[0] in LOOPBACK_ADDRESSES:
        return PASS(args, kwargs)
    args = settled(args, len(args) - 1)
    found = JUDGE(KEY, args, kwargs)
    if found is not None:
        raise refusal(found)
    return ASK(args, kwargs)


def passing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return BOX[0](*args, **kwargs) if kwargs else BOX[0](*args)


def connecting(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return BOX[0](*pinned(args, 1, KEY, AFTER), **kwargs)


def trying_to_connect(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    args = pinned(args, 1, KEY, AFTER)
    try:
        return BOX[0](*args, **kwargs)
    except (ConnectionRefusedError, FileNotFoundError) as error:
        # The hook's, in place of the act: C would have returned the number.
        return error.errno


def sending(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return BOX[0](*pinned(args, place_in_sendto(args), KEY, AFTER), **kwargs)


def sending_parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    place = SENDMSG_PLACE
    return BOX[0](
        *(pinned(args, place, KEY, AFTER) if len(args) > place and args[place] is not None else args), **kwargs
    )
