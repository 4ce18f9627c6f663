"""Whose plumbing a socket is: what the standard library and its kin make for themselves; and whose look-ups are."""

from __future__ import annotations

import _socket
import os as _os
import sys

from ...callers import CALLER_DEPTH, CORE, asker, calling_frame
from ...extract import exact_text, is_a
from ...model import PRIVATE, PUBLIC

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

# Whose private pairs and adopted descriptors are plumbing. To forge these names gains nothing:
# a stream pair has both its ends here, and what a descriptor leads to was judged when it was opened.
PAIR_USERS = frozenset(
    {
        ("asyncio.selector_events", "_make_self_pipe"),
        ("asyncio.proactor_events", "_make_self_pipe"),
        ("asyncio.unix_events", "_start"),
        ("asyncio.base_events", "_start"),
        ("multiprocessing.connection", "Pipe"),
        ("trio._core._wakeup_socketpair", "__init__"),
        ("tornado.platform.asyncio", "__init__"),
        ("gevent._socketcommon", "socketpair"),
        ("curio.kernel", "__init__"),
        ("socket", "socketpair"),
        # A run inside of a run.
        ("_hermetic.enforce.kernel.linux.beside", "private_pair"),
    }
)
# Loops written in C ask for their pair without a frame, and for a new one at each run: the first frame is that of
# whoever runs the loop, which may be anybody, and is told by what its code calls.
NATIVE_LOOPS = ("uvloop", "winloop")
RUNS_A_LOOP = ("run_until_complete", "run_forever")
DESCRIPTOR_USERS = frozenset(
    {
        ("multiprocessing.reduction", "send_handle"),
        ("multiprocessing.reduction", "recv_handle"),
        ("multiprocessing.reduction", "sendfds"),
        ("multiprocessing.forkserver", "main"),
        ("socket", "fromfd"),
        ("socket", "_intenum_converter"),
    }
)
DESCRIPTOR_TAKER = ("socket", "__init__")
OWN_NAME_USERS = frozenset({("socket", "getfqdn")})
STAND_INS = (CORE + _os.path.join("enforce", "patches.py"), CORE + _os.path.join("enforce", "doors", ""))
MULTIPROCESSING_LISTENERS = (
    ("multiprocessing.connection", "__init__"),
    ("multiprocessing.forkserver", "ensure_running"),
)
# To forge this name gains nothing: the call is not made.
MULTIPROCESSING_CLIENT = ("multiprocessing.connection", "SocketClient")
LOADED = sys.modules
# Not that of sys, which has a class of a guard where another policy is in force.
MODULE, FUNCTION = type(_socket), type(lambda: None)
names_of: Any = vars(MODULE)["__dict__"].__get__
SOCKET = _socket.socket
bases_of: Any = vars(type)["__mro__"].__get__


def asked_by(users: frozenset[tuple[str, str]]) -> bool:
    """Whether the caller, or the caller of socket's own wrapper around it, is one of these functions.

    A block's stand-in may be in between, whose frame is to be seen by a policy for the process.
    """
    frame = behind_stand_ins(calling_frame(CALLER_DEPTH + 1))
    for _ in range(3):
        who = asker(frame)
        if who is None or who in users:
            return who is not None
        if who[0] != "socket":
            return users is PAIR_USERS and runs_native_loop(frame)
        frame = behind_stand_ins(frame.f_back)  # type: ignore[union-attr]  # it had a name
    return False


def runs_native_loop(frame: FrameType | None) -> bool:
    """Whether this code runs an event loop, where one is loaded that makes its pair in C."""
    if frame is None or all_missing(NATIVE_LOOPS):
        return False
    called = frame.f_code.co_names
    return RUNS_A_LOOP[0] in called or RUNS_A_LOOP[1] in called


def all_missing(names: tuple[str, ...]) -> bool:
    for name in names:
        if dict.get(LOADED, name) is not None:
            return False
    return True


def asks_for_own_name() -> bool:
    """socket.getfqdn, which smtplib and email call and which copes with no answer."""
    # Between examine and here: decide and decide_resolve.
    return asker(behind_stand_ins(calling_frame(CALLER_DEPTH + 2))) in OWN_NAME_USERS


def behind_stand_ins(frame: FrameType | None) -> FrameType | None:
    """The first frame that is not a stand-in's. Where no code can be made, those of a block keep the code they have."""
    while frame is not None and (
        frame.f_globals is PUBLIC
        or frame.f_globals is PRIVATE
        or exact_text(frame.f_code.co_filename).startswith(STAND_INS)
    ):
        frame = frame.f_back
    return frame


def is_multiprocessing_listener() -> bool:
    """forkserver and Manager listen on a Unix socket in a private directory of theirs."""
    # Between examine and here: decide and decide_bind.
    return asker(behind_stand_ins(calling_frame(CALLER_DEPTH + 2))) in MULTIPROCESSING_LISTENERS


def is_multiprocessing_client() -> bool:
    """The proxies of a Manager look for it, at the end of a worker too, when it may have gone."""
    # Between examine and here: decide, decide_connect and decide_unix.
    return asker(behind_stand_ins(calling_frame(CALLER_DEPTH + 3))) == MULTIPROCESSING_CLIENT


def is_looked_up() -> bool:
    """Whether the module socket looks names up by its own function, or by C's, which a failed reload has left there.
    A test may have put another in its place, that asks nobody.
    """
    names = names_loaded("socket")
    if names is None:
        return True
    found = dict.get(names, "getaddrinfo")
    if type(found) is FUNCTION and found.__globals__ is names:
        return True
    return found is dict.get(names_loaded("_socket") or {}, "getaddrinfo")


def is_connected() -> bool:
    """Whether what the module socket connects is a socket. A test may have put a mock in the place of its class."""
    names = names_loaded("socket")
    if names is None:
        return True
    found = dict.get(names, "socket")
    return is_a(found, (type,)) and SOCKET in bases_of(found)


def names_loaded(name: str) -> dict[str, Any] | None:
    """The namespace of a loaded module, if it is a module."""
    module = dict.get(LOADED, name)
    return names_of(module) if type(module) is MODULE else None
