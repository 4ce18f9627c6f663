"""Fresh copies of C modules: whoever can make one has its functions as they were before they were guarded.

CPython announces a dynamic library that is loaded for the first time, but not a
module made anew: nothing for ``_imp.create_builtin``, and nothing for a library
of the old kind, which keeps a copy of its first namespace. The stand-ins here
announce both, by the event that CPython has for the others, and patch what they
make before anybody sees it. They call nothing of the program's: a spec is read
once, without its class having a say, and C is given a copy.

For a whole process the original ``_imp.create_builtin`` is not kept. What is
loaded is handed out again as it is, guarded; what is not loaded is made at the
start (30 us for 17 modules), unexecuted, and handed out when it is asked for. A
Python with the whole library linked in has modules that cost too much for that,
or write to the terminal when they are made; there the original stays.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec

from ..extract import exact_text

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Stand-ins for what bind() puts in place of these names.
AFTER: Any = None
BOX: list[Any] = []
MAKE: Any = None
HERE = None
NAMES: tuple[str, ...] = ()
STASH: tuple[Any, ...] = ()
# An exception may come at any time, from a signal handler: what is not patched to the end does not stay in here. It is
# taken out without a call, after each of which the next signal would be looked for.
LOADED = sys.modules
# (module, name it was asked for by) of modules that are made and not executed yet.
MADE: list[tuple[Any, str]] = []

AUDIT = sys.audit
NAMESPACE: Any = type(sys.implementation)
fields_of = ModuleSpec.__dict__["__dict__"].__get__
namespace_of = NAMESPACE.__dict__["__dict__"].__get__
get = dict.get

# Small, silent and without a thought for the program: these may be made before anybody asks.
HARMLESS = frozenset(
    {
        "_abc",
        "_ast",
        "_codecs",
        "_collections",
        "_functools",
        "_imp",
        "_io",
        "_locale",
        "_operator",
        "_signal",
        "_sre",
        "_stat",
        "_string",
        "_suggestions",
        "_symtable",
        "_sysconfig",
        "_thread",
        "_tokenize",
        "_tracemalloc",
        "_typing",
        "_warnings",
        "_weakref",
        "atexit",
        "builtins",
        "errno",
        "faulthandler",
        "gc",
        "itertools",
        "marshal",
        "nt",
        "posix",
        "pwd",
        "sys",
        "time",
        "winreg",
        "xxsubtype",
    }
)
# What Debian and others link in as well. Since 3.13 each of these is made in two steps, and the first does next to
# nothing; before, some import others or take milliseconds.
ALSO_LINKED = frozenset(
    """_bisect _blake2 _contextvars _csv _datetime _elementtree _heapq _hmac _json _md5 _opcode _pickle _posixsubprocess
    _random _sha1 _sha2 _sha3 _socket _statistics _struct _types array binascii cmath fcntl grp math pyexpat select
    syslog unicodedata zlib""".split()
)
MAKEABLE = HARMLESS | ALSO_LINKED if sys.version_info >= (3, 13) else HARMLESS


def read_spec(spec: Any) -> Any:
    """What C may know of a spec: a copy whose name and file stay what they are. TypeError for what is no spec."""
    if type(spec) is ModuleSpec:
        fields = fields_of(spec)
    elif type(spec) is NAMESPACE:  # what the stand-in of an outer policy made
        fields = namespace_of(spec)
    else:
        raise TypeError("a ModuleSpec expected")
    name, origin = exact_text(get(fields, "name")), get(fields, "origin")
    folders = get(fields, "submodule_search_locations")
    return NAMESPACE(
        name=name,
        origin=origin if origin is None else exact_text(origin),
        loader=get(fields, "loader"),
        submodule_search_locations=folders,
        parent=name if folders is not None else name.rpartition(".")[0],
        has_location=get(fields, "_set_fileattr", get(fields, "has_location")),
        cached=None,
        loader_state=None,
    )


def last_name(name: str) -> str:
    """C looks for the last part only, and so do the rows."""
    return name.rpartition(".")[2]


def make_in_c(make: Any, spec: Any, rest: Any) -> Any:
    """The frame by which the guard knows that a module is made by a stand-in; it is seen with empty variables.

    The original is given to it: an import that fails shows this frame in its traceback, and whoever has the code of a
    frame has its constants.
    """
    return make((spec, spec := None)[0], *(rest, rest := None, make := None, HERE)[0])


def create_dynamic(*args: Any) -> Any:
    """Stand-in for ``_imp.create_dynamic``; the file is in C's own event, which comes next if the library is new."""
    spec = read_spec(args[0])
    AUDIT("import", spec.name, None, None, None, None)
    name, last = spec.name, last_name(spec.name)
    before = LOADED.get(name)
    try:
        module = MAKE(BOX[0], spec, args[1:])
        AFTER(last, module)
    except BaseException:
        if name in LOADED and LOADED[name] is not before:
            del LOADED[name]
        raise
    MADE.append((module, name))
    return module


def exec_dynamic(module: Any) -> Any:
    """Stand-in for ``_imp.exec_dynamic``: types appear only when a module is executed."""
    made = [pair for pair in MADE if pair[0] is module]
    name, last = (made[0][1], last_name(made[0][1])) if made else ("", "")
    try:
        result = BOX[0](module)
        AFTER(last, module)
    except BaseException:
        if name in LOADED and LOADED[name] is module:
            del LOADED[name]
        AFTER(last, module)
        raise
    for pair in made:
        MADE.remove(pair)
    return result


def create_builtin(spec: Any) -> Any:
    """Stand-in for ``_imp.create_builtin`` that makes a module."""
    spec = read_spec(spec)
    AUDIT("import", spec.name, None, None, None, None)
    name = spec.name
    before = LOADED.get(name)
    try:
        module = MAKE(BOX[0], spec, ())
        AFTER(name, module)
    except BaseException:
        if name in LOADED and LOADED[name] is not before:
            del LOADED[name]
        raise
    return module


def hand_out_builtin(spec: Any) -> Any:
    """Stand-in for ``_imp.create_builtin`` that has no original: it knows every module there is."""
    name = read_spec(spec).name
    AUDIT("import", name, None, None, None, None)
    if name not in NAMES:
        return None  # as C answers
    module = STASH[NAMES.index(name)]
    AFTER(name, module)
    return module


def make_builtins() -> tuple[tuple[str, ...], tuple[Any, ...]] | None:
    """(names, modules) of everything that is linked into this interpreter; None when that cannot be made in advance."""
    import _imp

    names = sys.builtin_module_names
    if not MAKEABLE.issuperset([name for name in names if name not in sys.modules]):
        return None
    made = []
    for name in names:
        module = sys.modules.get(name)
        if module is None:
            module = _imp.create_builtin(ModuleSpec(name, None))
            sys.modules.pop(name, None)  # modules of the old kind register themselves
        made.append(module)
    return tuple(names), tuple(made)
