"""Doors to native code other than modules: libraries that call it, and what C libraries load or call by themselves."""

from __future__ import annotations

import sys as _sys

from ...callers import CALLER_DEPTH, asker, calling_frame, runs_one_of
from ...extract import always, exact_text, has_mark
from ...model import GuardedCall
from ...pristine import get_ident
from ...sqlite import BEGINNING_NOTE, CLOSERS, CONNECTORS, SQLITE_CONNECT, STAYS_USABLE
from .given import GIVEN, NATIVE, blocks_native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Found: TypeAlias = "tuple[str, str | None, str, str] | tuple[str, str | None, str, str, Any] | None"
    Rules: TypeAlias = tuple[Any, ...]

BLOCK = "block-native"
INTERFACE, REPLACE = "imports.interface", "imports.replace"

# Doors to native code that stay shut whoever ships them. A Tcl interpreter (`_tkinter`) loads libraries by itself.
NEVER = frozenset({"ctypes", "_ctypes", "_tkinter"})
BY_REQUEST = frozenset({"cffi", "_cffi_backend"})
INTERFACES = NEVER | BY_REQUEST
# The interpreter does not count its test modules among its own.
STDLIB_NAMES = frozenset(_sys.stdlib_module_names) - INTERFACES


# --- decisions ---


def interface_denial(rules: Rules, target: str, call: str) -> Found:
    """ctypes, cffi and the others in use; target: what the call is about, or empty."""
    library = call.partition(".")[0]
    if not rules[NATIVE] or (library in BY_REQUEST and rules[GIVEN] & BY_REQUEST):
        return None
    if call == CONNECTION:
        return f"native interface blocked: {call}", library, BLOCK, target or CONNECTION_REMEDY
    shown, remedy = f"{call}({target})" if target else call, native_remedy(library)
    return f"native interface blocked: {shown}", target or library, BLOCK, remedy


CONNECTION = "sqlite3.Connection"
CONNECTION_REMEDY = "sqlite3.connect(), with a class of the program's as factory that calls super().__init__()"
OLDER_REMEDY = "giving --block-native before the policies around it, which make the connections, or together with them"


def replaced(rules: Rules) -> Found:
    """Not an attempt: whether something is to be put in the place of what calls any address."""
    return ("", None, BLOCK, "", True) if rules[NATIVE] else None


def native_remedy(top: str) -> str:
    """What gives this package's native code back, if anything but all of it does."""
    return "running without --block-native" if top in NEVER or top in STDLIB_NAMES else f"--allow-native {top}"


# --- readers ---


def enabling(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sqlite3.enable_load_extension(connection, enabled): turning it off is no act."""
    return "" if args[1] else None


# Variables that make C libraries of the interpreter itself load code: OpenSSL's engines and providers, iconv's modules.
LOADING_VARIABLES = frozenset(
    {"OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "GCONV_PATH"}
)


def loading_variable(args: tuple[Any, ...], kwargs: Any) -> str | None:
    name = exact_text(args[0])
    return name if name in LOADING_VARIABLES else None


# What the stand-in's connections have among their classes' names.
CLOSED_MARK = "_closed"


def connection_open(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sqlite3.connect/handle(connection): one with a function that calls any address is not handed out.

    A constructor of ours must be asking that leaves it without the function or, in a block, one that is going to.
    Returned is the remedy, or empty.
    """
    frame = calling_frame(CALLER_DEPTH)
    if runs_one_of(frame, CLOSERS) or (runs_one_of(frame, ADMITTED) and has_mark(args[0], CLOSED_MARK)):
        return None
    return OLDER_REMEDY if runs_one_of(frame, CONNECTORS) else ""


def connection_begun(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """sqlite3.connect(database), where no constructor of ours is asking."""
    frame = calling_frame(CALLER_DEPTH)
    if runs_one_of(frame, CLOSERS) or runs_one_of(frame, ADMITTED):
        return None
    return OLDER_REMEDY if runs_one_of(frame, CONNECTORS) else ""


def keeps_connections(rules: Rules) -> bool:
    """Whether a connection that is made anew stays usable when that is refused at its end."""
    return bool(rules[NATIVE]) and STAYS_USABLE


# Blocks know each other's; a start puts its own in the place of this, if it holds nothing.
ADMITTED = CONNECTORS


def function_called(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(None, name) from what has taken the place of a function of SQLite's."""
    return exact_text(args[1]) if len(args) > 1 and args[1] is not None else None


def function_taken(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """(None, None) from the stand-in of ``connect``: whether something shall take that place."""
    return "" if len(args) > 1 and args[1] is None else None


# What names the threads of trio, which end with their work undone where it fails. To forge this name gains nothing: a
# thread's own number and a short text are all that the function gets.
NAMES_THREADS = ("trio._core._thread_cache", "namefunc")
LONGEST_THREAD_NAME = 15


def foreign_call(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """ctypes.call_function(address, arguments), announced since 3.14 wherever the function was looked up."""
    given = args[1]
    if type(given) is tuple and len(given) == 2 and type(given[0]) is int and type(given[1]) is bytes:
        is_own = given[0] == get_ident() and len(given[1]) <= LONGEST_THREAD_NAME
        if is_own and asker(calling_frame(CALLER_DEPTH)) == NAMES_THREADS:
            return None
    return ""


# --- rows ---


INTERFACE_ROWS = (
    GuardedCall(
        capability=INTERFACE,
        audit=(
            "ctypes.dlopen",
            "ctypes.dlsym",
            "ctypes.dlsym/handle",
            "ctypes.cdata",
            "ctypes.cdata/buffer",
            "ctypes.addressof",
            "ctypes.string_at",
            "ctypes.wstring_at",
            "ctypes.memoryview_at",
            "ctypes.PyObj_FromPtr",
            "ctypes.create_string_buffer",
            "ctypes.create_unicode_buffer",
            "ctypes.get_errno",
            "ctypes.set_errno",
            "ctypes.get_last_error",
            "ctypes.set_last_error",
            "ctypes.set_exception",
        ),
        read=always,
        when=blocks_native,
    ),
    GuardedCall(
        capability=INTERFACE,
        audit=("ctypes.call_function",),
        read=foreign_call,
        when=blocks_native,
        note="before 3.14 a foreign function that was looked up before the policy holds can still be called",
    ),
    GuardedCall(
        capability=INTERFACE,
        audit=("sqlite3.enable_load_extension",),
        read=enabling,
        when=blocks_native,
        example="import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)",
    ),
    GuardedCall(
        capability=INTERFACE,
        audit=("sqlite3.load_extension",),
        read=always,
        when=blocks_native,
    ),
    GuardedCall(
        capability=INTERFACE,
        patch=("_cffi_backend:load_library",),
        read=always,
        when=blocks_native,
        call="cffi.load_library",
        note="`_cffi_backend.FFI().dlopen` of a backend that was loaded before the policy holds is C only",
    ),
    GuardedCall(
        capability=INTERFACE,
        patch=("cffi.api:FFI.dlopen", "cffi.api:FFI.verify", "cffi.api:FFI.compile"),
        read=always,
        when=blocks_native,
        call="cffi.FFI.dlopen",
    ),
    GuardedCall(
        capability=INTERFACE,
        audit=("os.putenv",),
        read=loading_variable,
        when=blocks_native,
        example="import os; os.environ['OPENSSL_CONF'] = 'x'",
    ),
    # Whatever lies at an address of the program's choice is called by SQLite.
    GuardedCall(
        capability=INTERFACE,
        audit=("sqlite3.connect/handle",),
        read=connection_open,
        call=CONNECTION,
        when=blocks_native,
        example="import sqlite3; sqlite3.Connection(':memory:')",
    ),
    GuardedCall(
        capability=INTERFACE,
        audit=("sqlite3.connect",),
        read=connection_begun,
        call=CONNECTION,
        when=keeps_connections,
        note=BEGINNING_NOTE,
    ),
    GuardedCall(
        capability=INTERFACE,
        patch=SQLITE_CONNECT,
        read=function_called,
        call="sqlite3.execute",
        door="tokenizers.connect",
        late=True,
        when=blocks_native,
        note="a connection that was made before the policy holds keeps the function `fts3_tokenizer`",
        example="""import sqlite3; sqlite3.connect(':memory:').execute("select fts3_tokenizer('simple')")""",
    ),
    GuardedCall(
        capability=REPLACE,
        patch=SQLITE_CONNECT,
        read=function_taken,
        door="tokenizers.connect",
        late=True,
        when=blocks_native,
    ),
)
