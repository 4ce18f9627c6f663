"""Stand-in for what hands C the name of a file to read: the name is settled, judged, and then handed on."""

from __future__ import annotations

from os import pathsep as _separator

from ...capabilities.filesystem.descriptors import fixed_path
from ..judge import refusal

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []

# Of ``ssl.SSLContext``'s methods and ``bindtextdomain``: where they take names, and how those are called.
PLACES = slice(1, 3)
SEPARATOR = _separator
NAMES = ("cafile", "capath", "certfile", "keyfile")


def verify_locations(setting: Setting, original: Any) -> Any:
    """For ``ssl.SSLContext.load_verify_locations``."""
    return setting.bind(hand_on_folders)


def cert_chain(setting: Setting, original: Any) -> Any:
    """For ``ssl.SSLContext.load_cert_chain``."""
    return setting.bind(hand_on_settled)


def settled_words(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    words = list(args)
    words[PLACES] = [name if name is None else fixed_path(name) for name in args[PLACES]]
    for name in NAMES:
        if kwargs.get(name) is not None:
            kwargs[name] = fixed_path(kwargs[name])
    return words


def hand_on_settled(*args: Any, **kwargs: Any) -> Any:
    words = settled_words(args, kwargs)
    found = JUDGE(KEY, words, kwargs)
    if found is not None:
        raise refusal(found)
    return BOX[0](*words, **kwargs)


def hand_on_folders(*args: Any, **kwargs: Any) -> Any:
    """OpenSSL takes the third argument, ``capath``, for a list, of which each folder is judged."""
    words = settled_words(args, kwargs)
    folders = words[2] if len(words) > 2 else kwargs.get("capath")
    parts = [] if folders is None else folders.split(SEPARATOR if type(folders) is str else SEPARATOR.encode())
    found = JUDGE(KEY, words, kwargs)
    for part in parts if len(parts) > 1 else ():
        found = found or (JUDGE(KEY, (args[0], None, part), None) if part else None)
    if found is not None:
        raise refusal(found)
    return BOX[0](*words, **kwargs)


def catalogue(setting: Setting, original: Any) -> Any:
    """For ``locale.bindtextdomain``."""
    return setting.bind(bind_settled)


def bind_settled(*args: Any) -> Any:
    words = [args[0], *[name if name is None else fixed_path(name) for name in args[1:]]] if args else []
    found = JUDGE(KEY, words, None)
    if found is not None:
        raise refusal(found)
    return BOX[0](*words)
