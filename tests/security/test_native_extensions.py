"""Extension modules beyond the standard library's own do not load, however they are named, linked or created."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest
from import_attempts import assert_all_blocked, outcomes

EXTENSIONS = """
import gc, select as neighbour
SUFFIX = machinery.EXTENSION_SUFFIXES[0]
FOLDER = os.path.dirname(neighbour.__file__)
PATH = os.path.join(FOLDER, "xxlimited" + SUFFIX)
def create(name, path): return _imp.create_dynamic(machinery.ModuleSpec(name, None, origin=path))
@attempt
def statement(): import xxlimited; return xxlimited
@attempt
def create_dynamic(): return create("xxlimited", PATH)
@attempt
def as_a_submodule_of_the_library(): return create("math.xxlimited", PATH)
@attempt
def loader(): return machinery.ExtensionFileLoader("xxlimited", PATH).load_module("xxlimited")
@attempt
def spec_and_loader(): return load("xxlimited", PATH, machinery.ExtensionFileLoader)
os.mkdir("own"); os.symlink(PATH, "own/math" + SUFFIX)
@attempt
def name_of_the_library(): return create("math", os.path.abspath("own/math" + SUFFIX))
@attempt
def path_that_only_reads_like_the_library():
    # As text this ends in the library's folder; the kernel follows the link first.
    os.makedirs("a/b"); os.symlink("a/b", "link"); os.makedirs("a" + FOLDER)
    os.symlink(PATH, "a" + FOLDER + "/math" + SUFFIX)
    return create("math", os.getcwd() + "/link/.." + FOLDER + "/math" + SUFFIX)
@attempt
def dotted_way_to_the_library(): return create("xxlimited", FOLDER + "/../lib-dynload/xxlimited" + SUFFIX)
@attempt
def original_found_in_memory():
    gc.unfreeze()
    found = [o for o in gc.get_objects() if type(o) is type(len) and o.__name__ == "create_dynamic"]
    return found[0](machinery.ModuleSpec("xxlimited", None, origin=PATH))
"""


@pytest.mark.skipif(
    find_spec("xxlimited") is None or "select" in sys.builtin_module_names, reason="no foreign library to try it with"
)
@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_foreign_extension_modules_do_not_load(isolated, seal):
    found = outcomes(isolated, ["--block-native", *seal], EXTENSIONS)
    in_memory = found.pop("original_found_in_memory")
    assert in_memory.startswith("interpreter: " if seal else "imports: native"), in_memory
    assert_all_blocked(found, "native import blocked: ")


def test_a_spec_cannot_change_its_name_on_the_way(isolated):
    code = """
class Spec(machinery.ModuleSpec):
    pass
@attempt
def subclass(): return _imp.create_dynamic(Spec("math", None, origin="/nowhere"))
class Duck:
    asked = 0
    origin = "/nowhere"
    @property
    def name(self): Duck.asked += 1; return "math" if Duck.asked < 3 else "xxlimited"
@attempt
def duck(): return _imp.create_dynamic(Duck())
@attempt
def builtin_duck(): return _imp.create_builtin(Duck())
class Text(str):
    def __str__(self): return "xxlimited"
@attempt
def text(): return "read as " + _imp.create_builtin(machinery.ModuleSpec(Text("sys"), None)).__name__
@attempt
def lying_class():
    machinery.ModuleSpec.name = property(lambda spec: "_ctypes")
    try: return "read as " + _imp.create_builtin(machinery.ModuleSpec("sys", None)).__name__
    except AttributeError: return "read as sys"  # the program's own property has no setter
    finally: del machinery.ModuleSpec.name
"""
    found = outcomes(isolated, ["--block-native"], code)
    for name in ("subclass", "duck", "builtin_duck"):
        assert found[name] == "unguarded: TypeError a ModuleSpec expected"
    assert found["text"] == found["lying_class"] == "escaped read as sys"


def test_the_standard_library_works(isolated):
    done = isolated.script(
        "--block-native",
        """
        import array, asyncio, bz2, csv, datetime, decimal, hashlib, json, lzma, math, mmap, multiprocessing, pickle
        import random, sqlite3, ssl, struct, unicodedata, uuid, zlib, zoneinfo, xml.etree.ElementTree
        assert json.dumps([1]) == "[1]" and hashlib.sha256(b"").hexdigest()[:4] == "e3b0" and random.random() < 1
        assert decimal.Decimal("1.10") + 1 == decimal.Decimal("2.10") and datetime.date(2020, 1, 1).year == 2020
        print(type(math).__name__, math.sqrt(4))
        """,
    )
    assert (done.code, done.stdout) == (0, "module 2.0\n"), done.stderr


def test_pure_fallbacks_engage(isolated):
    """An accelerator that is refused is an accelerator that is missing."""
    isolated.write(
        "codec/__init__.py",
        "try:\n    from codec import _fast as engine\nexcept ImportError:\n    from codec import slow as engine\n",
    )
    isolated.write("codec/slow.py", "NAME = 'slow'\n")
    code = """
        import importlib.machinery, os, shutil, select
        if select.__spec__.origin not in (None, "built-in"):
            suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
            shutil.copy(select.__spec__.origin, "codec/_fast" + suffix)
        import codec
        print(codec.engine.NAME)
    """
    done = isolated.script("--block-native", code)
    assert (done.code, done.stdout) == (0, "slow\n"), done.stderr


def test_libraries_that_start_processes_are_denied_with_both_options(isolated):
    for name in ("sh", "pexpect", "plumbum", "sarge", "delegator"):
        isolated.write(f"{name}.py", "VALUE = 'loaded'\n")
    code = "".join(
        f"@attempt\ndef {n}(): import {n}; return {n}\n" for n in ("sh", "pexpect", "plumbum", "sarge", "delegator")
    )
    assert_all_blocked(outcomes(isolated, ["--block-native", "--no-subprocess"], code), "import blocked: ")
    assert set(outcomes(isolated, ["--block-native"], code).values()) == {"escaped loaded"}
