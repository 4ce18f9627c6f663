"""What a guard calls, it has: no bound function asks a module, which the program may have changed meanwhile.

``posix.stat`` replaced by a function that lies made every child's program look missing; ``marshal.dumps`` wrote the
policy that a child was given.
"""

from __future__ import annotations

import json

import pytest

# What only the interpreter's state tells is looked up there, on purpose: it is what these functions guard or hand on.
STATE = {"sys"}
FAMILIES = {
    "all but processes": "block_network=True, fs_readonly=True, fs_root='/', block_environment=True, block_native=True, "
    "block_interpreter_mutation=True, block_code_exec=True, deny_imports=['colorsys']",
    "lists": "block_network=True, allow_localhost=True, allow_domains=['example.com'], block_subprocess=True, "
    "allow_run=['env'], fs_readonly=True, fs_root='.', allow_read=['.'], deny_write=['x'], block_environment=True, allow_env=['A']",
    "processes": "block_subprocess=True, fs_readonly=True",
}
FIND = """
import json, sys, types
import _hermetic.enforce.bind as bind
found, plain = set(), bind._bound_code
def noted(code, function, constants, memo, *rest):
    made = plain(code, function, constants, memo, *rest)
    for value in made.co_consts:
        if isinstance(value, types.ModuleType):
            found.add((f"{{function.__module__}}.{{code.co_name}}", value.__name__))
    return made
bind._bound_code = noted
from hermetic import hermetic_blocker
hermetic_blocker(sealed={sealed}, {family}).__enter__()
print(json.dumps(sorted(found)))
"""


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_bound_functions_hold_no_modules(isolated, family, sealed):
    found = json.loads(isolated.passes(FIND.format(family=FAMILIES[family], sealed=sealed)).stdout)
    assert [pair for pair in found if pair[1] not in STATE] == []


# What a bound function shares with a module, where the program finds it and may write it; each for a reason.
SHARED = {
    # They tell of refusals, and refuse nothing.
    "events": {
        "BEGAN",
        "COUNT",
        "GATHERED",
        "HANDED",
        "HEARD",
        "KNOWN",
        "LOG",
        "REPORTS",
        "SAID",
        "TIMES",
        "TOLD",
        "TRACE",
        "UNSET",
    },
    # Known by what they are, never by what is in them.
    "model": {"PRIVATE", "PUBLIC"},
    # Of blocks: a policy of the whole process has its own in what its stand-ins know (lasting). And what is done, once a
    # child has started, to variables that are the program's.
    "enforce.session": {"BEFORE", "CHILDREN", "ENVIRONMENT", "IN_FORCE", "ONWARD", "SHELLS", "SINCE"},
    # Code that a start knows in a copy of its own, and that blocks ask for here.
    "capabilities.processes.children": {"STARTING"},
    "sqlite": {"CLOSERS", "CONNECTORS"},
    # Forged, it changes what a refusal says; a stand-in rests on it where there is one thread and no seal.
    "capabilities.filesystem.told": {"ASKED"},
    # The error in place of SQLite's own: the act is refused by then.
    "enforce.doors.connections": {"REFUSED"},
    # How a child calls what is no file.
    "message": {"FIRST"},
    # The state that is guarded: variables, modules, the names in sys. And what may stand in a place already: tuples of
    # stand-ins, and nothing else of these is asked.
    "capabilities.environment": {"DATA"},
    "enforce.patches": {"LOADED", "STANDING"},
    "capabilities.interpreter.import_state": {"SYS_NAMES"},
}
# The interpreter's own, which are guarded themselves, or say what is there.
GUARDED = {"_frozen_importlib", "importlib._bootstrap_external", "importlib.machinery", "os", "sys"}
FIND_SHARED = """
import json, sys, types
import _hermetic.enforce.bind as bind
held, plain = {{}}, bind._bound_code
def look(value, deep=0):
    if isinstance(value, (dict, list, set, bytearray)):
        held[id(value)] = value
    elif isinstance(value, (tuple, frozenset)) and deep < 9:
        for item in value:
            look(item, deep + 1)
def noted(code, function, constants, memo, *rest):
    made = plain(code, function, constants, memo, *rest)
    look(made.co_consts)
    return made
bind._bound_code = noted
from hermetic.locking import lock
lock(kernel="off", sealed={sealed}, {family})
found = []
for name, module in sorted(sys.modules.items()):
    for key, value in list(vars(module).items()) if type(module) is types.ModuleType else ():
        if id(value) in held and not key.startswith("__"):
            found.append((name, key, id(value)))
print(json.dumps(found))
"""


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_bound_functions_share_no_table_that_a_program_could_write(isolated, family, sealed):
    """A mode of ``open`` that was taken for another one, because its table was a module's, was a way round a list."""
    found = json.loads(isolated.passes(FIND_SHARED.format(family=FAMILIES[family], sealed=sealed)).stdout)
    accounted = {
        number
        for name, key, number in found
        if name in GUARDED or key in SHARED.get(name.removeprefix("_hermetic."), ())
    }
    assert [(name, key) for name, key, number in found if number not in accounted] == []
