"""ctypes, cffi, Tcl, SQLite's and OpenSSL's loaders: native code without an extension module of one's own.

References: CVE-2023-30586.
"""

from __future__ import annotations

import sqlite3
import sys

import pytest
from import_attempts import assert_all_blocked, outcomes

INTERFACES = """
@attempt
def ctypes_import(): import ctypes; return ctypes
@attempt
def ctypes_submodule(): import ctypes.util; return ctypes
@attempt
def c_part(): import _ctypes; return _ctypes
@attempt
def c_part_by_name(): return importlib.import_module("_ctypes")
@attempt
def cffi(): import cffi; return cffi
@attempt
def cffi_backend(): return __import__("_cffi_backend")
@attempt
def tcl(): import _tkinter; return _tkinter
@attempt
def openssl_configuration(): os.environ["OPENSSL_CONF"] = "./engine.cnf"
@attempt
def openssl_modules(): os.putenv("OPENSSL_MODULES", ".")
@attempt
def iconv_modules(): os.putenv(b"GCONV_PATH", b".")
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_interfaces_are_shut(isolated, seal):
    found = outcomes(isolated, ["--block-native", *seal], INTERFACES)
    assert_all_blocked(found, "native import blocked: ", "native interface blocked: os.putenv(")


@pytest.mark.skipif(
    not hasattr(sqlite3.Connection, "enable_load_extension"), reason="this SQLite was built without extensions"
)
def test_sqlite_loads_nothing(isolated):
    code = """
import sqlite3
CONNECTION = sqlite3.connect(":memory:")
@attempt
def enable(): CONNECTION.enable_load_extension(True)
@attempt
def load_extension(): CONNECTION.load_extension("./evil.so")
CONNECTION.enable_load_extension(False)
"""
    found = outcomes(isolated, ["--block-native"], code)
    assert_all_blocked(found, "native interface blocked: sqlite3.")


def test_loaded_ctypes_is_shut_and_can_still_be_asked_about(isolated):
    isolated.passes(
        """
        import ctypes, sys
        from hermetic import PolicyViolation, hermetic_blocker

        library = ctypes.CDLL(None) if sys.platform != "win32" else ctypes.windll.kernel32
        buffer = ctypes.create_string_buffer(4)
        acts = {
            "ctypes.dlopen": lambda: ctypes.CDLL(None),
            "ctypes.dlsym": lambda: library.getppid,
            "ctypes.string_at": lambda: ctypes.string_at(ctypes.addressof(buffer)),
            "ctypes.cdata": lambda: ctypes.c_char.from_address(1),
            "ctypes.addressof": lambda: ctypes.addressof(buffer),
        }
        with hermetic_blocker(block_native=True):
            for call, act in acts.items():
                try:
                    act()
                except PolicyViolation as error:
                    assert error.guard == "imports" and str(error).startswith("native interface blocked: ctypes."), error
                else:
                    raise AssertionError(call)
            assert isinstance(library, ctypes.CDLL) and not isinstance(3, ctypes.CDLL)
            assert "ctypes" not in sys.modules and "_ctypes" not in sys.modules
        import ctypes as again
        assert again is ctypes and library.getpid() > 0
        """
    )


KEPT_FUNCTION = """
import ctypes, hermetic, sys, threading, types
library = ctypes.CDLL(None)
number, named = library.getpid, library.pthread_setname_np
named.argtypes = ctypes.c_void_p, ctypes.c_char_p
def call(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return str(error)
# Names its thread as trio does; whatever else is called by that name is refused.
trio = types.ModuleType("trio._core._thread_cache")
exec("def namefunc(function, *args): return function(*args)", vars(trio))
hermetic.hermetic_blocker(block_native=True).__enter__()
print(call(number))
mine = threading.get_ident()
for args in ((number,), (number, mine), (named, mine, b"x" * 16), (named, mine + 8, b"name"), (named, mine, b"name")):
    print(call(trio.namefunc, *args))
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before 3.14 calls of foreign functions are not announced")
def test_functions_that_were_looked_up_before_are_not_called(isolated):
    refused = "native interface blocked: ctypes.call_function\n"
    done = isolated.code(KEPT_FUNCTION)
    assert done.stdout == refused * 5 + "0\n", done
