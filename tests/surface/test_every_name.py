"""What a row replaces is replaced under every name that the standard library has for it.

The table names the doors; here they are looked for, so that a name which a row has lost, or a new Python has got, is
seen.
"""

from __future__ import annotations

import os

import pytest
from examples import SETTINGS

FIND = """
import json, sys
import asyncio, concurrent.futures, multiprocessing.popen_fork, multiprocessing.util, os, pty, shutil, signal, socket
import ssl, subprocess, tempfile, threading, types
from _hermetic.capabilities import FAMILIES, load_family
from hermetic import hermetic_blocker

def holders(thing):
    modules = [(name, module) for name, module in sys.modules.items() if isinstance(module, types.ModuleType)]
    return [
        f"{name}:{key}"
        for name, module in modules
        if name.partition(".")[0] not in ("_hermetic", "hermetic", "__main__", "__mp_main__")
        for key, value in list(vars(module).items())
        if value is thing
    ]

def found(door):
    module, _, name = door.partition(":")
    return None if "." in name else getattr(sys.modules.get(module), name, None)

# door -> what C has there
originals = {
    door: found(door)
    for guard in FAMILIES
    for row in load_family(guard).surface
    for door in row.patch
    if found(door) is not None
}
with hermetic_blocker(SETTINGS):
    replaced = [door for door, original in originals.items() if found(door) is not original]
    left = {door: holders(originals[door]) for door in replaced}
print(json.dumps([replaced, {door: names for door, names in left.items() if names}]))
"""
# Names that keep what others have lost, and why that gives nothing back.
KEPT = {
    "create_connection": "ssl's: Python, which connects by a socket's own method",
    "_builtin_open": "of bz2, tokenize: the hook hears of each opening",
    "ModuleType": "of types: the class itself, in whose place one module has another",
    "_module_type": "of zipimport: as above",
}
ASKED = {name: value for asked in SETTINGS.values() for name, value in asked.items()} | {
    "fs_root": ".",
    "allow_write": ["x"],
}


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX")
def test_what_is_replaced_has_no_other_name(isolated):
    replaced, left = isolated.passes(FIND.replace("SETTINGS", f"**{ASKED!r}")).data
    assert {"signal:pidfd_send_signal", "_posixsubprocess:fork_exec", "_socket:getaddrinfo"} <= set(replaced)
    assert not [name for names in left.values() for name in names if name.partition(":")[2] not in KEPT]
