"""A change made behind the methods of the lists has no effect on the next import."""

from __future__ import annotations

import pytest
from interpreter_attempts import BLOCKED, CONTAINED, changed
from state_attempts import PLACES

LISTS = """
import bisect, gc, heapq, _heapq, operator
@change
def list_append(): list.append(sys.path, HIDDEN)
@change
def list_in_place_add(): list.__iadd__(sys.path, [HIDDEN])
@change
def list_set_slice(): list.__setitem__(sys.path, slice(0, 0), [HIDDEN])
@change
def list_initialise(): list.__init__(sys.path, [HIDDEN, *sys.path])
@change
def above_in_the_order(): super(type(sys.path), sys.path).append(HIDDEN)
@change
def heap(): _heapq.heappush(sys.path, HIDDEN)
@change
def heap_replace(): heapq.heapreplace(sys.path, HIDDEN)
@change
def bisected(): bisect.insort(sys.path, HIDDEN, key=lambda item: 0)
@change
def operated(): operator.iadd(sys.path, [HIDDEN])
@change
def finders(): list.insert(sys.meta_path, 0, Finder)
@change
def finders_replaced(): list.__setitem__(sys.meta_path, slice(None), [Finder])
@change
def hooks():
    list.insert(sys.path_hooks, 0, lambda folder: EntryFinder())
    dict.clear(sys.path_importer_cache)
@change
def lying_entry():
    class Entry(str):
        __hash__ = str.__hash__
        def __eq__(self, other): return True
    list.__setitem__(sys.path, 0, Entry(HIDDEN))
@change
def found_by_the_collector():
    if not SEALED:
        for thing in gc.get_objects():
            if isinstance(thing, list) and thing is not OUTCOMES and len(thing) > 2 and thing[-1] == sys.path[-1]:
                list.append(thing, HIDDEN)
@change
def tuples_found_by_the_collector():
    if not SEALED:
        for thing in gc.get_referrers(sys.path[-1]):
            if isinstance(thing, list): list.append(thing, HIDDEN)
"""
NAMESPACE = """
import _frozen_importlib as inner, _frozen_importlib_external as outer, types
@change
def path_by_name(): vars(sys)["path"] = [HIDDEN, *sys.path]
@change
def path_by_update(): vars(sys).update(path=[HIDDEN, *sys.path])
@change
def finders_by_name(): vars(sys)["meta_path"] = [Finder, *sys.meta_path]
@change
def hooks_by_name():
    vars(sys)["path_hooks"] = [lambda folder: EntryFinder()]
    dict.clear(sys.path_importer_cache)
@change
def cache_by_name(): vars(sys)["path_importer_cache"] = {folder: EntryFinder() for folder in sys.path}
@change
def lying_name():
    class Name(str):
        def __hash__(self): return hash("path")
        def __eq__(self, other): return True
    setattr(sys, Name("path"), [HIDDEN])
@change
def lying_name_the_other_way():
    class Name(str):
        def __hash__(self): return hash("stdout")
        def __eq__(self, other): return other == "stdout"
    setattr(sys, Name("path"), [HIDDEN])
def other_sys(**names):
    other = types.ModuleType("sys")
    vars(other).update({**vars(sys), **names})
    return other
@change
def another_sys_for_folders(): outer.sys = other_sys(path=[HIDDEN])
@change
def another_sys_for_finders(): inner.sys = other_sys(meta_path=[Finder])
@change
def sys_reloaded():
    importlib.reload(sys)
    vars(sys)["path"].append(HIDDEN)
@change
def sys_imported_again():
    kept = sys.modules.pop("sys")
    try:
        fresh = importlib.import_module("sys")
        fresh.path.append(HIDDEN)
    finally:
        sys.modules["sys"] = kept
@change
def module_setattr(): types.ModuleType.__setattr__(sys, "path", [HIDDEN])
@change
def object_setattr(): object.__setattr__(sys, "meta_path", [Finder])
"""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("code", [LISTS, NAMESPACE], ids=["lists", "namespace"])
def test_the_next_import_does_not_see_it(isolated, place, code):
    found = changed(isolated, place, f"SEALED = {place == 'sealed'}\n" + code)
    assert all(outcome in (BLOCKED, CONTAINED) for outcome in found.values()), found
