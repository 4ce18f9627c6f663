"""Acts in words, ``connect api.example.com:443``, and what the policies in force would say of them.

One table: each verb makes, of its text, the events that the act itself would raise. They
are put to the same entries, by the same judge, as the act would be; nothing is recorded.
"""

from __future__ import annotations

import os
import sys

from .asking import ASK, ENVIRONMENT_DOOR, POLICY, RUN, questions_of
from .asking import CONNECT as CONNECT
from .asking import START_DOOR as START_DOOR
from .enforce import session
from .enforce.judge import examine
from .extract import exact_text
from .paths import is_folder
from .pristine import IS_WINDOWS, native
from .programs.executables import base_name, is_python_name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from .compiled import Compiled

    # (event, its arguments)
    Question: TypeAlias = tuple[str, tuple[Any, ...]]
    # (message, option without dashes, what would allow it)
    Refusal: TypeAlias = tuple[str, str, str]

UNIX = "unix:"
MOST_PORT = 65535


def place_of(text: str, verb: str) -> tuple[str, int]:
    """HOST:PORT, with IPv6 in brackets. ValueError."""
    host, colon, port = text.rpartition(":")
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{verb}: an IPv6 address stands in brackets: [::1]:443")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > MOST_PORT:
        raise ValueError(f"{verb} needs HOST:PORT, not {text!r}")
    return host, int(port)


def is_unix(text: str) -> bool:
    return text.startswith(("/", "./", "../", UNIX))


def on_socket(event: str, text: str) -> tuple[Question, ...]:
    """An act of a Unix socket, which only a socket says of itself. Nothing is done with it."""
    import _socket

    if not hasattr(_socket, "AF_UNIX"):
        raise ValueError("this system's Python has no Unix sockets")
    return ((event, (_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM), text.removeprefix(UNIX))),)


def connect(text: str) -> tuple[Question, ...]:
    if is_unix(text):
        return on_socket("socket.connect", text)
    host, port = place_of(text, "connect")
    return (CONNECT, (host, port)), ("socket.getaddrinfo", (host, port, 0, 0, 0))


def resolve(text: str) -> tuple[Question, ...]:
    return (("socket.getaddrinfo", (text, None, 0, 0, 0)),)


def bind(text: str) -> tuple[Question, ...]:
    if is_unix(text):
        return on_socket("socket.bind", text)
    import _socket

    host, port = place_of(text, "bind")
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    return (("socket.bind", (_socket.socket(family, _socket.SOCK_STREAM), (host, port))),)


def read(text: str) -> tuple[Question, ...]:
    if is_folder(text):
        return (("os.listdir", (text,)),)
    opening = (text, "r", native.O_RDONLY)
    return (session.OPEN_TO_READ, opening), (session.OPEN, opening)


def write(text: str) -> tuple[Question, ...]:
    if is_folder(text):
        return (("os.mkdir", (text, 0o777, -1)),)
    opening = (text, "w", native.O_WRONLY | native.O_CREAT | native.O_TRUNC)
    return (session.OPEN_TO_WRITE, opening), (session.OPEN, opening)


def run(text: str) -> tuple[Question, ...]:
    """By its name a program is a Python or none: to look into it would be an act."""
    asked = ("subprocess.Popen", (text, [text], None, None)), (RUN, (text, search_path()))
    name = base_name(text)
    if is_python_name(name) or name.endswith((".py", ".pyw")):
        return asked
    return *asked, (START_DOOR, (text, ""))


def search_path() -> str:
    """Along which folders children are looked for, whatever the program may read of its variables."""
    data = session.ENVIRONMENT[0]
    return exact_text(data.get("PATH" if IS_WINDOWS else b"PATH", os.defpath))


def env(text: str) -> tuple[Question, ...]:
    return ((ENVIRONMENT_DOOR, ("get", text)),)


def import_(text: str) -> tuple[Question, ...]:
    if "" in text.split("."):
        raise ValueError(f"import needs a module's full name, not {text!r}")
    paths = (sys.path, sys.meta_path, sys.path_hooks)
    native_parts = [("import", (name, file, *paths)) for name, file in extensions_of(text)]
    return ("import", (text, None, *paths)), *native_parts


def extensions_of(name: str) -> list[tuple[str, str]]:
    """(name, file) of what is native code among a module and the packages around it. Nothing is imported."""
    from _frozen_importlib_external import ExtensionFileLoader, PathFinder

    found: list[tuple[str, str]] = []
    where: Any = None
    whole, _, rest = name.partition(".")
    while True:
        spec = PathFinder.find_spec(whole, where)
        if spec is None:
            return found  # another finder's, or nowhere
        if type(spec.loader) is ExtensionFileLoader and spec.origin is not None:
            found.append((whole, spec.origin))
        where = spec.submodule_search_locations
        if not rest or where is None:
            return found
        part, _, rest = rest.partition(".")
        whole = f"{whole}.{part}"


ACTS: dict[str, Callable[[str], tuple[Question, ...]]] = {
    "connect": connect,
    "resolve": resolve,
    "bind": bind,
    "read": read,
    "write": write,
    "run": run,
    "env": env,
    "import": import_,
}


def questions(verb: str, text: str) -> tuple[Question, ...]:
    """What an act in words asks. ValueError for an unknown verb, or a text that cannot be its target."""
    if verb not in ACTS:
        raise ValueError(f"unknown act {verb!r} (known: {', '.join(ACTS)})")
    if not text or "\0" in text:
        raise ValueError(f"{verb} needs a target, not {text!r}")
    return ACTS[verb](text)


def release(asked: Iterable[Question]) -> None:
    """Close what was opened only to ask about it."""
    for _, args in asked:
        if hasattr(args[0], "getsockname"):
            args[0].close()


def refusal_under(compiled: Compiled, asked: Iterable[Question]) -> Refusal | None:
    """What a policy that need not be in force would say."""
    entries = questions_of(compiled.entries)
    for event, args in asked:
        for entry in entries:
            if entry[0] == event:
                found = examine(entry, args, None)
                if type(found) is tuple:
                    return found[1][0], found[1][2], found[1][3]
                if isinstance(found, BaseException):  # no refusal, but what the act would be told in its place
                    return str(getattr(found, "strerror", None) or found), "", ""
    return None


def refusal_here(verb: str, text: str) -> Refusal | None:
    """What the policies in force in this process would say of an act. ValueError as ``questions``."""
    asked = questions(verb, text)
    try:
        for event, args in asked:
            found = refusal_of_blocks(event, args) or refusal_of_process(event, args)
            if found is not None:
                return found
        return None
    finally:
        release(asked)


def refusal_of_process(event: str, args: tuple[Any, ...]) -> Refusal | None:
    """The first refusal under a policy of the whole process."""
    answers: list[Refusal] = []
    sys.audit(ASK, event, args, answers)
    return answers[0] if answers else None


def refusal_of_blocks(event: str, args: tuple[Any, ...]) -> Refusal | None:
    """The first refusal under a block in force; one that only reports refuses nothing."""
    for _, _, carried, _ in session.entered:
        compiled = carried[3]
        if compiled is not None and not compiled.modes[1]:
            found = refusal_under(compiled, ((event, args),))
            if found is not None:
                return found
    return None


def policies_here() -> list[tuple[Any, ...]]:
    """Every policy in force (``Policy.described``): the process's own, then blocks, outermost first."""
    answers: list[tuple[Any, ...]] = []
    sys.audit(ASK, POLICY, (), answers)
    return answers + [carried[3].described for _, _, carried, _ in session.entered if carried[3] is not None]
