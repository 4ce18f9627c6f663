"""The import system's own parts (finders, cached finders, path hooks) find what they found at the start."""

from __future__ import annotations

import zipfile

import pytest
from interpreter_attempts import BLOCKED, CONTAINED, changed
from state_attempts import PLACES

CACHED = """
@change
def finder_path():
    for finder in list(sys.path_importer_cache.values()):
        if hasattr(finder, "_path_mtime"):
            finder.path, finder._path_mtime = HIDDEN, -1
@change
def finder_method():
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None: finder.find_spec = EntryFinder().find_spec
@change
def finder_of_another_folder():
    from importlib.machinery import FileFinder
    for folder in list(sys.path):
        dict.__setitem__(sys.path_importer_cache, folder, FileFinder(HIDDEN, *DETAILS))
@change
def finder_with_other_suffixes():
    os.rename(f"{HIDDEN}/{name_now()}.py", f"{name_now()}.txt")
    for finder in list(sys.path_importer_cache.values()):
        if hasattr(finder, "_loaders"):
            finder._loaders.append((".txt", importlib.machinery.SourceFileLoader))
            finder._path_mtime = -1
@change
def finder_of_another_class():
    for folder in list(sys.path): dict.__setitem__(sys.path_importer_cache, folder, EntryFinder())
@change
def finder_of_a_subclass():
    class Sub(importlib.machinery.FileFinder):
        find_spec = EntryFinder.find_spec
    for folder in list(sys.path): dict.__setitem__(sys.path_importer_cache, folder, Sub(folder))
@change
def finder_with_another_class():
    class Sub(importlib.machinery.FileFinder):
        find_spec = EntryFinder.find_spec
    for finder in list(sys.path_importer_cache.values()):
        if type(finder) is importlib.machinery.FileFinder: finder.__class__ = Sub
"""
CLASSES = """
from importlib.machinery import BuiltinImporter, FileFinder, FrozenImporter, PathFinder
found = classmethod(lambda cls, name, path=None, target=None: Finder.find_spec(name))
@change
def path_finder(): PathFinder.find_spec = found
@change
def path_finder_inside(): PathFinder._get_spec = found
@change
def path_finder_cache(): PathFinder._path_importer_cache = classmethod(lambda cls, folder: EntryFinder())
@change
def path_finder_hooks():
    PathFinder._path_hooks = classmethod(lambda cls, folder: EntryFinder())
    dict.clear(sys.path_importer_cache)
@change
def file_finder(): FileFinder.find_spec = EntryFinder.find_spec
@change
def file_finder_attributes(): FileFinder.__getattribute__ = lambda self, name: object.__getattribute__(EntryFinder(), name)
@change
def builtin_importer(): BuiltinImporter.find_spec = found
@change
def frozen_importer(): FrozenImporter.find_spec = found
@change
def finder_code(): PathFinder.find_spec.__func__.__code__ = (lambda cls, name, path=None, target=None: Finder.find_spec(name)).__code__
@change
def finder_defaults(): PathFinder.find_spec.__func__.__defaults__ = ([HIDDEN], None)
@change
def hook_cells():
    for hook in sys.path_hooks:
        for cell in getattr(hook, "__closure__", None) or ():
            if isinstance(cell.cell_contents, type): cell.cell_contents = lambda *rest: EntryFinder()
    dict.clear(sys.path_importer_cache)
@change
def source_suffixes():
    os.rename(f"{HIDDEN}/{name_now()}.py", f"{name_now()}.txt")
    importlib.machinery.SOURCE_SUFFIXES.append(".txt")
    dict.clear(sys.path_importer_cache)
@change
def class_of_the_list(): type(sys.path).__iter__ = lambda self: iter([HIDDEN])
@change
def methods_of_the_list():
    del type(sys.path).append
    sys.path.append(HIDDEN)
@change
def class_of_the_finders(): type(sys.meta_path).__iter__ = lambda self: iter([Finder])
@change
def class_of_the_cache():
    type(sys.path_importer_cache).__getitem__ = lambda self, folder: EntryFinder()
@change
def class_of_sys(): type(sys).path = property(lambda self: [HIDDEN])
@change
def new_class_of_sys():
    class Module(type(os)):
        path = property(lambda self: [HIDDEN])
    sys.__class__ = Module
@change
def new_class_of_sys_by_object():
    class Module(type(os)):
        meta_path = property(lambda self: [Finder])
    object.__setattr__(sys, "__class__", Module)
@change
def new_base_of_sys():
    class Module(type(os)):
        path = property(lambda self: [HIDDEN])
    type(sys).__bases__ = (Module,)
@change
def new_class_of_the_list():
    class List(list):
        __slots__ = ("original",)
        def __iter__(self): return iter([HIDDEN])
    sys.path.__class__ = List
"""
NAMES = """
import _frozen_importlib as inner, _frozen_importlib_external as outer
def moved(path): return path.replace(sys.path[0], HIDDEN) if "hidden_" in path else path
@change
def join():
    plain = outer._path_join
    outer._path_join = lambda *parts: moved(plain(*parts))
    outer._path_isfile = lambda path: True
    for finder in list(sys.path_importer_cache.values()):
        if hasattr(finder, "_path_cache"): finder._path_cache.add(f"{name_now()}.py")
@change
def finder_of_specs(): inner._find_spec = lambda name, path, target=None: Finder.find_spec(name)
@change
def finder_and_loader():
    def found(name, import_):
        module = inner._load(Finder.find_spec(name))
        sys.modules[name] = module
        return module
    inner._find_and_load = inner._find_and_load_unlocked = found
@change
def separator():
    outer.path_sep = "/" + "../" * 40 + HIDDEN[1:] + "/"
    for finder in list(sys.path_importer_cache.values()):
        if hasattr(finder, "_path_cache"):
            finder._path_cache.add(f"{name_now()}.py")
            finder._path_mtime = os.stat(finder.path).st_mtime
def runs_inside(function):
    def changes(*args):
        outer.FileFinder.find_spec = EntryFinder.find_spec
        return function(*args)
    return changes
@change
def module_of_c():
    class System:
        def __getattr__(self, name): return runs_inside(getattr(sys.modules["posix"], name))
    outer._os = System()
@change
def builtin_hidden(): outer.isinstance = runs_inside(isinstance)
@change
def builtin_replaced():
    import builtins
    builtins.isinstance = runs_inside(isinstance)
@change
def function_of_c():
    import posix
    posix.stat = runs_inside(posix.stat)
@change
def lock_of_c():
    import _imp
    _imp.acquire_lock = runs_inside(_imp.acquire_lock)
@change
def namespace_of_stand_ins():
    import types, _hermetic.model
    space = _hermetic.model.PUBLIC
    space["found"] = Finder.find_spec
    outer.FileFinder.find_spec = types.FunctionType((lambda self, name, target=None: found(name)).__code__, space)
"""
SETUP = """
import importlib.machinery, _frozen_importlib_external
DETAILS = _frozen_importlib_external._get_supported_file_loaders()
def name_now(): return f"hidden_{len(NUMBER)}"
"""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("code", [CACHED, CLASSES, NAMES], ids=["cached", "classes", "names"])
def test_the_next_import_does_not_see_it(isolated, place, code):
    found = changed(isolated, place, SETUP + code)
    assert all(outcome in (BLOCKED, CONTAINED) for outcome in found.values()), found
    for name in set(found) & {
        "new_class_of_sys",
        "new_class_of_sys_by_object",
        "new_base_of_sys",
        "new_class_of_the_list",
    }:
        assert found[name] == BLOCKED, name


@pytest.mark.parametrize("place", PLACES)
def test_packages_look_into_their_own_folders_with_genuine_finders(isolated, place):
    isolated.write("package/__init__.py", "")
    isolated.write("package/inside.py", "VALUE = 'inside'\n")
    code = """
import package
@change
def finder_of_a_package():
    dict.__setitem__(sys.path_importer_cache, package.__path__[0], EntryFinder())
    importlib.import_module("package." + name_now())
"""
    found = changed(
        isolated, place, SETUP + code + "import package.inside\nOUTCOMES['inside'] = package.inside.VALUE\n"
    )
    assert found == {"finder_of_a_package": CONTAINED, "inside": "inside"}


ARCHIVED = """
import sys
import first
finder = next(found for folder, found in sys.path_importer_cache.items() if folder.endswith("lib.zip"))
WHERE.METHOD = lambda *args: None
import second
print(second.origin)
"""


@pytest.mark.parametrize(
    ("where", "method"),
    [("finder", "find_spec"), ("finder", "exec_module"), ("finder", "get_code"), ("type(finder)", "find_spec")],
)
def test_archives_are_read_as_they_were(isolated, where, method):
    with zipfile.ZipFile(isolated.folder / "lib.zip", "w") as archive:
        for name in ("first", "second"):
            archive.writestr(f"{name}.py", "origin = 'the archive'\n")
    code = ARCHIVED.replace("WHERE", where).replace("METHOD", method)
    env = {"PYTHONPATH": str(isolated.folder / "lib.zip")}
    done = isolated.script("--no-interpreter-mutation", code, env=env)
    assert done.stdout == "the archive\n", done.stderr


# Functions of other guards stand in the import system, too; they are no one's finders. This one returns whatever the
# program has put under a name in `sys.modules`.
GUARDED_FUNCTION = """
import sys, _frozen_importlib as inner, _frozen_importlib_external as outer
class Finder:
    @staticmethod
    def find_spec(*names): print("ESCAPED")
for folder in sys.path:
    sys.modules[folder] = Finder
try:
    PLACE = WRAPPER(inner._gcd_import)
except Exception as error:
    assert error.guard == "interpreter", error
import colorsys
print(colorsys.__name__)
"""
# The start of a block, of the process's second policy, or of a child's.
LATE_STARTS = {
    "block": "from hermetic import hermetic_blocker\nhermetic_blocker(block_interpreter_mutation=True).__enter__()\n",
    "lock": "from hermetic import lock\nlock(block_interpreter_mutation=True, kernel='off')\n",
}


@pytest.mark.parametrize("start", ["--seal", "", *LATE_STARTS])
@pytest.mark.parametrize(
    ("place", "wrapper"),
    [
        ("outer.PathFinder._path_importer_cache", "staticmethod"),
        ("outer.PathFinder._path_hooks", "staticmethod"),
        ("outer.PathFinder.find_spec", "staticmethod"),
        ("outer.FileFinder.find_spec", "staticmethod"),
        ("outer._path_join", ""),
        ("inner._find_and_load_unlocked", ""),
    ],
)
def test_functions_of_other_guards_are_no_finders(isolated, place, wrapper, start):
    code = GUARDED_FUNCTION.replace("PLACE", place).replace("WRAPPER", wrapper)
    options = "--block-native --no-network" + ("" if start in LATE_STARTS else f" --no-interpreter-mutation {start}")
    done = isolated.script(options, LATE_STARTS.get(start, "") + code)
    assert done.stdout == "colorsys\n", done


@pytest.mark.parametrize("start", LATE_STARTS)
@pytest.mark.parametrize("name", ["_load_unlocked", "_exec"])
def test_doors_of_an_older_policy_are_put_back_too(isolated, name, start):
    """A policy that comes when another one guards the import system already has its own parts to look after."""
    code = f"""
import importlib, colorsys, sys, _frozen_importlib as inner
before = inner.{name}
inner.{name} = changed = lambda *rest: print("ESCAPED") or before(*rest)
import bisect, queue, shlex
importlib.reload(colorsys)
print(inner.{name} is changed)
"""
    assert isolated.script("--no-network", LATE_STARTS[start] + code).stdout == "False\n"


@pytest.mark.parametrize("start", ["--seal", "", *LATE_STARTS])
@pytest.mark.parametrize("name", ["_load_unlocked", "_exec", "_gcd_import", "_find_spec"])
def test_what_is_loaded_after_a_door_was_replaced_is_guarded(isolated, name, start):
    """What is put back is the stand-in, by which modules that come later are guarded."""
    code = f"""
import _frozen_importlib as inner
inner.{name} = lambda *rest: None
import socket
try:
    socket.socket().listen()
except Exception as refusal:
    print(refusal)
"""
    options = "--no-network --kernel=off" + ("" if start in LATE_STARTS else f" --no-interpreter-mutation {start}")
    done = isolated.script(options, LATE_STARTS.get(start, "") + code)
    assert done.stdout == "network disabled: bind(0.0.0.0)\n", done


@pytest.mark.parametrize("first", ["older", "newer"])
def test_blocks_in_any_order_leave_the_import_system_as_it_was(isolated, first):
    code = f"""
import _frozen_importlib as inner, _frozen_importlib_external as outer
from hermetic import hermetic_blocker
def functions():
    return [{{name: value for name, value in vars(module).items() if callable(value)}} for module in (inner, outer)]
before = functions()
for turn in range(3):
    older, newer = hermetic_blocker(block_network=True), hermetic_blocker(block_interpreter_mutation=True)
    older.__enter__()
    newer.__enter__()
    import colorsys
    {first}.__exit__(None, None, None)
    for name in ("graphlib", "sched", "shlex"):
        sys.modules.pop(name, None)
        __import__(name)
    {"newer" if first == "older" else "older"}.__exit__(None, None, None)
    assert functions() == before
"""
    isolated.passes("import sys\n" + code)
