"""Ways to the variables that do not pass the methods of os.environ: its data, its base class, what it was made from."""

from __future__ import annotations

import os

import pytest
from state_attempts import PLACES, outcomes

# Since 3.14.
READ_AGAIN = """
@attempt
def what_c_holds(): return posix._create_environ()[b"CANARY"]
@attempt
def what_c_keeps_for_children(): return posix._create_environ()[b"PATH"]
@attempt
def what_c_holds_by_a_fresh_module(): return _imp.create_builtin(ModuleSpec("posix", None))._create_environ()
@attempt
def read_again():
    os.reload_environ()
    return os.environ["CANARY"]
"""
WAYS = """
import copy, gc, posix, _imp, types
from importlib.machinery import ModuleSpec

@attempt
def data(): return os.environ._data[b"CANARY"]
@attempt
def data_of_bytes(): return os.environb._data[b"CANARY"]
@attempt
def data_past_getattr(): return object.__getattribute__(os.environ, "_data").get(b"CANARY")
@attempt
def base_class(): return os._Environ.__getitem__(os.environ, "CANARY")
@attempt
def base_iteration(): return list(os._Environ.__iter__(os.environ))
@attempt
def class_put_back():
    os.environ.__class__ = os._Environ
    return os.environ["CANARY"]
@attempt
def method_replaced():
    type(os.environ).__getitem__ = lambda self, key: self._data[key.encode()]
    return os.environ["CANARY"]
@attempt
def deep_copy(): return copy.deepcopy(os.environ)["CANARY"]
@attempt
def made_from(): return posix.environ[b"CANARY"]
@attempt
def made_from_listing(): return dict(posix.environ)
@attempt
def lying_name():
    class Name(str):
        def encode(self, *args): return b"CANARY"
    return os.environ[Name("PATH")]
@attempt
def lying_bytes():
    class Name(bytes):
        def __hash__(self): return hash(b"CANARY")
        def __eq__(self, other): return True
    return os.environb[Name(b"PATH")]
@attempt
def os_reloaded(): return importlib.reload(os).environ["CANARY"]
@attempt
def os_imported_again():
    kept = sys.modules.pop("os")
    try:
        import os
        return os.environ["CANARY"]
    finally:
        sys.modules["os"] = kept
@attempt
def posix_imported_again():
    kept = sys.modules.pop("posix")
    try:
        import posix
        return posix.environ[b"CANARY"]
    finally:
        sys.modules["posix"] = kept
@attempt
def fresh_posix():
    module = _imp.create_builtin(ModuleSpec("posix", None))
    _imp.exec_builtin(module)
    return module.environ[b"CANARY"]
@attempt
def frames():
    try:
        os.environ["CANARY"]
    except BaseException as error:
        step, seen = error.__traceback__, []
        while step:
            seen += [dict(step.tb_frame.f_locals), dict(step.tb_frame.f_globals)]
            step = step.tb_next
        return [value["CANARY"] for names in seen for value in names.values() if isinstance(value, os._Environ)]
@attempt
def every_dict():
    if SEALED_OR_BLOCK: return []
    return [thing for thing in gc.get_objects() if type(thing) is dict and b"CANARY" in thing]
"""


@pytest.mark.parametrize("place", PLACES)
def test_no_way_leads_to_a_value(isolated, place):
    code = (
        f"SEALED_OR_BLOCK = {place != 'command line'}\n" + WAYS + (READ_AGAIN if hasattr(os, "reload_environ") else "")
    )
    found = outcomes(isolated, place, "--no-environment", {"block_environment": True}, code)
    assert found.pop("every_dict") == "[]"
    for name, outcome in found.items():
        assert outcome.startswith("environment disabled: ") or outcome in ("KeyError", "TypeError"), (
            f"{name}: {outcome}"
        )


@pytest.mark.parametrize("place", PLACES)
def test_the_usual_ways_are_refused_and_not_only_empty(isolated, place):
    found = outcomes(isolated, place, "--no-environment", {"block_environment": True}, WAYS.partition("@attempt\ndef class_")[0]
                     + "@attempt\ndef made_from(): return posix.environ[b'CANARY']\n")  # fmt: skip
    assert {outcome.partition(":")[0] for outcome in found.values()} == {"environment disabled"}


def test_hermetic_itself_tells_nobody_what_a_variable_was(isolated):
    code = """
    import sys
    texts = {
        (name, repr(value))
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in ("hermetic", "_hermetic")
        for value in vars(module).values()
        if type(value) in (str, bytes, list, tuple, frozenset)
    }
    print([name for name, text in texts if "/home/of/mine" in text])
    """
    done = isolated.script(
        "--no-environment --fs-readonly", code, env={"HOME": "/home/of/mine", "OTHER": "/home/of/mine"}
    )
    assert done.stdout == "[]\n", done
