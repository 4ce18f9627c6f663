"""Import paths and hooks are not changed by their ordinary methods, nor by putting others in their place."""

from __future__ import annotations

import pytest
from interpreter_attempts import KEYWORDS, OPTION
from state_attempts import PLACES, outcomes

LIST_METHODS = {
    "append": "{0}.append('x')",
    "insert": "{0}.insert(0, 'x')",
    "extend": "{0}.extend(['x'])",
    "remove": "{0}.remove({0}[0])",
    "pop": "{0}.pop()",
    "clear": "{0}.clear()",
    "sort": "{0}.sort(key=id)",
    "reverse": "{0}.reverse()",
    "in_place_add": "exec('import sys; {0} += [1]')",
    "in_place_repeat": "exec('import sys; {0} *= 2')",
    "set_item": "{0}.__setitem__(0, 'x')",
    "set_slice": "exec('import sys; {0}[:0] = [1]')",
    "delete_item": "exec('import sys; del {0}[0]')",
    "initialise": "{0}.__init__(['x'])",
    "rebind": "exec('import sys; {0} = []')",
    "rebind_by_name": "setattr(sys, '{0}'[4:], [])",
    "rebind_to_a_copy": "setattr(sys, '{0}'[4:], list({0}))",
    "delete": "delattr(sys, '{0}'[4:])",
}
CACHE_METHODS = {
    "set_item": "sys.path_importer_cache.__setitem__('x', None)",
    "delete_item": "sys.path_importer_cache.__delitem__(next(iter(sys.path_importer_cache)))",
    "clear": "sys.path_importer_cache.clear()",
    "update": "sys.path_importer_cache.update(x=None)",
    "in_place_union": "sys.path_importer_cache.__ior__({'x': None})",
    "setdefault": "sys.path_importer_cache.setdefault('x', None)",
    "pop": "sys.path_importer_cache.pop('x', None)",
    "popitem": "sys.path_importer_cache.popitem()",
    "initialise": "sys.path_importer_cache.__init__(x=None)",
    "rebind": "setattr(sys, 'path_importer_cache', {})",
    "delete": "delattr(sys, 'path_importer_cache')",
}


def code_of(expressions):
    return "".join(f"@attempt\ndef do_{name}(): return {text}\n" for name, text in expressions.items())


@pytest.mark.parametrize("name", ["sys.path", "sys.meta_path", "sys.path_hooks"])
@pytest.mark.parametrize("place", PLACES)
def test_lists_refuse_at_the_call(isolated, place, name):
    code = code_of({key: text.format(name) for key, text in LIST_METHODS.items()})
    found = outcomes(isolated, place, OPTION, KEYWORDS, code)
    assert found == {f"do_{key}": f"interpreter mutation disabled: {name}" for key in LIST_METHODS}


@pytest.mark.parametrize("place", PLACES)
def test_the_cache_refuses_at_the_call(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, code_of(CACHE_METHODS))
    assert found == {f"do_{key}": "interpreter mutation disabled: sys.path_importer_cache" for key in CACHE_METHODS}


@pytest.mark.parametrize("place", PLACES)
def test_reading_and_copying_work(isolated, place):
    code = """
import copy, json, pickle, types
@attempt
def reading(): return bool(list(sys.path) and list(sys.meta_path) and len(sys.path_hooks) and dict(sys.path_importer_cache))
@attempt
def searching(): return "nowhere" in sys.path, sys.path.index(sys.path[0]), sys.path.count("nowhere")
@attempt
def copies_are_plain():
    kinds = {type(x) for x in (sys.path[:], sys.path.copy(), sys.path + [], copy.copy(sys.path), copy.deepcopy(sys.path),
                               pickle.loads(pickle.dumps(sys.path)), [*sys.path], sorted(sys.path), sys.path * 2)}
    return kinds == {list}
@attempt
def copies_of_the_cache(): return {type(x) for x in (copy.copy(sys.path_importer_cache), sys.path_importer_cache | {})} == {dict}
@attempt
def as_json(): return json.loads(json.dumps(sys.path)) == sys.path == list(sys.path)
@attempt
def own_copies_change():
    mine = list(sys.path)
    mine.append("x")
    return mine != sys.path
@attempt
def other_attributes():
    sys.stdout = sys.stdout
    sys.dont_write_bytecode = True
    sys.anything = 1
    del sys.anything
    sys.setswitchinterval(0.005)
    return sys.setrecursionlimit(900)
@attempt
def what_sys_is():
    return isinstance(sys, types.ModuleType), isinstance(json, type(sys)), isinstance(1, type(sys)), types.ModuleType is type(json)
@attempt
def modules_by_the_class_of_sys():
    made = type(sys)("made")
    made.path = made.meta_path = 1
    class Own(type(sys)): pass
    return type(made).__name__, type(Own("x")).__name__, isinstance(json, Own)
@attempt
def what_is_looked_up_by_class():
    class Own(type(sys)): pass
    table = {types.ModuleType: "a module", Own: "own"}
    return [table.get(kind) for kind in (type(sys), type(json), type(Own("x")), type(1))]
@attempt
def classes_compared():
    class Own(type(sys)): pass
    kinds = type(sys), types.ModuleType, Own, int
    return [(one == other, one != other, issubclass(one, other)) for one in kinds[:3] for other in kinds] == [
        (one == other, one != other, issubclass(one, other)) for one in (types.ModuleType, types.ModuleType, Own)
        for other in (types.ModuleType, types.ModuleType, Own, int)]
@attempt
def pickled_by_class():
    import copyreg, importlib, pickle
    copyreg.pickle(types.ModuleType, lambda module: (importlib.import_module, (module.__name__,)))
    return [pickle.loads(pickle.dumps([sys, json], protocol)) == [sys, json] for protocol in (2, 5)]
"""
    found = outcomes(isolated, place, OPTION, KEYWORDS, code)
    assert found == {
        "reading": "True", "searching": "(False, 0, 0)", "copies_are_plain": "True", "copies_of_the_cache": "True",
        "as_json": "True", "own_copies_change": "True", "other_attributes": "None",
        "what_sys_is": "(True, True, False, True)", "modules_by_the_class_of_sys": "('module', 'Own', False)",
        "what_is_looked_up_by_class": "['a module', 'a module', 'own', None]", "classes_compared": "True",
        "pickled_by_class": "[True, True]",
    }  # fmt: skip


def test_leaving_a_block_gives_back_the_programs_own(isolated):
    isolated.passes(
        """
        import sys
        from hermetic import hermetic_blocker
        def state(): return [sys.path, sys.meta_path, sys.path_hooks, sys.path_importer_cache, type(sys), sys.settrace]
        before, items = state(), list(sys.path)
        for _ in range(3):
            with hermetic_blocker(block_interpreter_mutation=True):
                assert list(sys.path) == items
                import colorsys
            assert all(a is b for a, b in zip(before, state())) and sys.path == items
        sys.path.append("later")
        with hermetic_blocker(block_interpreter_mutation=True):
            assert sys.path[-1] == "later"
            with hermetic_blocker(block_interpreter_mutation=True, report_only=True):
                try: sys.path.append("x")
                except RuntimeError as error: assert error.guard == "interpreter"
                else: raise AssertionError
        sys.path = list(sys.path) + ["another"]
        with hermetic_blocker(block_interpreter_mutation=True):
            assert sys.path[-1] == "another"
        assert type(sys.path) is list
        """
    )


def test_report_only_changes_nothing_and_says_so(isolated):
    isolated.write("hidden_dir/hidden_mod.py", "VALUE = 1\n")
    done = isolated.script(
        "--no-interpreter-mutation --report-only",
        """
        import os, sys
        sys.path.insert(0, "hidden_dir")
        import hidden_mod
        sys.path = [entry for entry in sys.path if entry != "hidden_dir"]
        sys.path_importer_cache.clear()
        assert "hidden_dir" not in sys.path and type(sys.path) is list
        os.chdir("hidden_dir")
        assert os.path.exists("hidden_mod.py")
        """,
    )
    assert done.code == 0, done.stderr
    assert "would block sys.path name=sys.path reason=no-interpreter-mutation" in done.stderr


def test_with_report_only_blocks_changes_reach_the_programs_own_list(isolated):
    isolated.passes(
        """
        import sys
        from hermetic import hermetic_blocker
        own = sys.path
        with hermetic_blocker(block_interpreter_mutation=True, report_only=True):
            sys.path.append("kept")
        assert sys.path is own and own[-1] == "kept"
        with hermetic_blocker(block_interpreter_mutation=True, report_only=True):
            assert sys.path.pop() == "kept"
        assert "kept" not in own
        """
    )
