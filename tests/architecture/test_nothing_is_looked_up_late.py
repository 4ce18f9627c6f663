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
