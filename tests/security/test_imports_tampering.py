"""Loaders of the program's own, names that lie, and an import system that was tampered with."""

from __future__ import annotations

import pytest
from import_attempts import OPTIONS, assert_all_blocked, lay_out, outcomes

TAMPERING = """
import _io, builtins, gc
@attempt
def loader_that_reads_by_itself():
    class Loader(machinery.SourceFileLoader):
        def get_data(self, path):
            with open(path, "rb") as file: return file.read()
    return load("innocent", "forbidden_mod.py", Loader)
@attempt
def loader_that_names_it():
    class Loader:
        def create_module(self, spec): return None
        def exec_module(self, module): exec(open("forbidden_mod.py").read(), module.__dict__)
    spec = util.spec_from_loader("forbidden_mod", Loader())
    sys.meta_path.insert(0, types.SimpleNamespace(find_spec=lambda name, *rest: spec if name == spec.name else None))
    try: import forbidden_mod; return forbidden_mod
    finally: sys.meta_path.pop(0)
@attempt
def another_file_of_that_name():
    open("elsewhere.txt", "w").write("VALUE = 1\\n")
    return machinery.SourceFileLoader("forbidden_mod", "elsewhere.txt").load_module()
@attempt
def open_code_replaced():
    kept, _io.open_code = _io.open_code, lambda path: open(path, "rb")
    try: return load("innocent", "forbidden_mod.py")
    finally: _io.open_code = kept
@attempt
def open_code_replaced_for_an_alias():
    kept, _io.open_code = _io.open_code, lambda path: open(path, "rb")
    try: import alias_mod; return alias_mod
    finally: _io.open_code = kept
@attempt
def meta_path_replaced():
    sys.meta_path[:] = [machinery.BuiltinImporter, machinery.FrozenImporter, machinery.PathFinder]
    sys.path_importer_cache.clear()
    import forbidden_mod; return forbidden_mod
@attempt
def import_restored():
    kept, builtins.__import__ = builtins.__import__, bootstrap.__import__
    try: import forbidden_mod; return forbidden_mod
    finally: builtins.__import__ = kept
@attempt
def originals_put_back():
    if hasattr(gc, "unfreeze"): gc.unfreeze()
    kept = bootstrap._gcd_import
    try:
        for function in [o for o in gc.get_objects() if type(o) is type(load)]:
            if function.__name__ == "_gcd_import": bootstrap._gcd_import = function
    except BaseException as error:
        if "gc" not in str(error): raise
    try: return importlib.import_module("forbidden_mod")
    finally: bootstrap._gcd_import = kept
class Name(str):
    def __eq__(self, other): return False
    __ne__ = lambda self, other: True
    __hash__ = lambda self: hash("json")
    def split(self, *how): return ["json"]
    def partition(self, *how): return ("json", "", "")
    def rpartition(self, *how): return ("", "", "forbidden_mod")
    def startswith(self, *how): return False
    __str__ = __repr__ = lambda self: "json"
@attempt
def lying_name(): return importlib.import_module(Name("forbidden_mod"))
@attempt
def lying_name_in_c(): return __import__(Name("forbidden_mod"))
@attempt
def guards_cleared():
    import _hermetic.capabilities.imports as guard, _hermetic.enforce.session as session
    guard.decide = guard.denied_module = guard.entry_of = lambda *args: None
    guard.PROCESS_LIBRARIES = guard.SURFACE = (); session.watched[0] = frozenset()
    import forbidden_mod; return forbidden_mod
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_tampering_does_not_help(isolated, seal):
    lay_out(isolated.folder)
    assert_all_blocked(outcomes(isolated, [*OPTIONS, *seal], TAMPERING), "import blocked: forbidden_mod")
