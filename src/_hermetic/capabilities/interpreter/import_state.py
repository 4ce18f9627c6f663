"""What modules are found with, as it was when a policy started, and putting it back.

``sys.path``, ``sys.meta_path``, ``sys.path_hooks`` and ``sys.path_importer_cache``
are replaced by a list and a dict whose methods refuse. Around those methods there
are ways: C functions that take any list, the namespace of ``sys``, the finders
themselves. So before anything is looked up, everything here is compared with what
it was, by identity (a program's ``__eq__`` may say anything), and put back.
"""

from __future__ import annotations

import _frozen_importlib as _machinery
import _frozen_importlib_external as _external
import _imp
import builtins as _builtins
import sys as _sys
from _operator import is_ as _is

from ...model import PRIVATE, PUBLIC
from ...pristine import IMPORT_DOORS, IS_WINDOWS, getcwd, native
from ...startup.searchpath import bytecode_folder, destined

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # (class of sys, the three lists as (name, object, items), the cache, its finders of unknown kinds,
    #  (class, absent names, present ones with their values) of what is asked, (list, items) of suffixes,
    #  (cell, value) of path hooks, (suffix, loader) of file finders, pycache_prefix,
    #  (namespace, names, values, absent names) of the import system, and of what it calls in C,
    #  what was seen last where guards have doors in it)
    State: TypeAlias = tuple[Any, ...]

SYS, SYS_NAMES = _sys, vars(_sys)
LISTS, CACHE, PREFIX = ("path", "meta_path", "path_hooks"), "path_importer_cache", "pycache_prefix"
WATCHED = frozenset((*LISTS, CACHE, PREFIX))
REBOUND = WATCHED | {"__class__"}
# The namespaces of the import system: in them, sys shall be sys.
IMPORTERS = (vars(_machinery), vars(_external))
MODULE, FUNCTION, MISSING, EVERYTHING = type(_machinery), type(vars(_external)["_path_join"]), object(), slice(None)

FILE_FINDER, NAMESPACE_PATH = _external.FileFinder, vars(_external)["_NamespacePath"]
fields_of = FILE_FINDER.__dict__["__dict__"].__get__
names_of = type.__dict__["__dict__"].__get__
folders_of = NAMESPACE_PATH.__dict__["__dict__"].__get__
FINDER_FIELDS = len(vars(FILE_FINDER("/")))
ARCHIVE_FIELDS = frozenset({"_files", "archive", "prefix"})

# What a look-up calls in C: (module, names). A function of the program's in the place of one would run in the middle.
CALLED = (
    (native, ("fspath", "getcwd", "listdir", "stat")),
    (_imp, ("acquire_lock", "find_frozen", "is_builtin", "is_frozen", "is_frozen_package", "release_lock")),
    (
        _builtins,
        (
            *("any", "bytearray", "bytes", "dict", "format", "getattr", "hasattr", "hash", "id", "int", "isinstance"),
            *("iter", "len", "list", "max", "memoryview", "object", "reversed", "set", "setattr", "sorted", "str"),
            *("super", "tuple", "type", "vars"),
        ),
    ),
)
BUILTINS = frozenset(vars(_builtins))
DOORS = frozenset([name for name, _ in IMPORT_DOORS])

# What of a class would change what a look-up sees.
LIST_METHODS = frozenset({"__getattribute__", "__iter__", "__len__", "__bool__", "__getitem__", "__contains__"})
CACHE_METHODS = frozenset({"__getattribute__", "__getitem__", "__missing__", "__contains__", "get"})
SYS_METHODS = frozenset({"__getattribute__", "__getattr__", "modules", *WATCHED})
FINDER_METHODS = frozenset(
    {
        "__getattribute__",
        "__getattr__",
        "__new__",
        "__init__",
        "__call__",
        "find_spec",
        "_get_spec",
        "_path_hooks",
        "_path_importer_cache",
        "_fill_cache",
    }
)


# --- taking note ---


class SysType(type):
    """The class of the class of ``sys``: programs write ``type(sys)`` for the class of all modules, and look up what
    they do with a module by its class.
    """

    def __eq__(cls, other: object) -> Any:
        return True if meant(cls) is meant(other) else NotImplemented

    def __hash__(cls) -> int:
        return type.__hash__(meant(cls))

    def __instancecheck__(cls, thing: Any) -> bool:
        return type.__instancecheck__(meant(cls), thing)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return type.__subclasscheck__(meant(cls), kind)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(meant(cls), *args, **kwargs)


# What a class for sys says that it stands for; what a program derives from it stands for itself.
MEANT = "MEANT"


def meant(kind: Any) -> Any:
    """The class of all modules for the one of ``sys``; for any other, itself."""
    return names_of(kind).get(MEANT, kind) if type(kind) is SysType else kind


def make_held() -> tuple[type, tuple[tuple[str, Any, tuple[Any, ...]], ...], Any]:
    """(class for sys, the three lists, the cache): what will stand in ``sys``. Doors give the classes their methods.

    Where a policy for the whole process has put its own there, no door takes them away again: they stand for this one.
    """
    there = [type(_sys), *[type(SYS_NAMES[name]) for name in (*LISTS, CACHE)]]
    if all(map(is_final, there)):
        return type(_sys), tuple([(name, SYS_NAMES[name], tuple(SYS_NAMES[name])) for name in LISTS]), SYS_NAMES[CACHE]
    body = {"__slots__": ("original",), "__module__": "sys"}
    list_class, cache_class = type("list", (list,), dict(body)), type("dict", (dict,), dict(body))
    lists = []
    for name in LISTS:
        items = tuple(destined() if name == "path" else SYS_NAMES[name])
        held: Any = list.__new__(list_class)
        list.extend(held, items)
        lists.append((name, held, items))
    cache: Any = dict.__new__(cache_class)
    dict.update(cache, SYS_NAMES[CACHE])
    sys_class = SysType("module", (type(_sys),), {"__slots__": (), "__module__": "builtins", MEANT: MODULE})
    return sys_class, tuple(lists), cache


def is_final(kind: type) -> bool:
    """Whether a policy for the whole process guards this already: it refuses whatever another would."""
    return "FINAL" in kind.__dict__


def noted(sys_class: type, lists: Any, cache: Any) -> State:
    """Everything that ``put_back`` compares with."""
    hooks = lists[2][2]
    known = (FILE_FINDER, type(None), *hooks)
    strange = tuple([finder for finder in dict.values(cache) if type(finder) not in known])
    shapes: list[Any] = [
        (sys_class, SYS_METHODS, ()),
        (type(lists[0][1]), LIST_METHODS, ()),
        (type(cache), CACHE_METHODS, ()),
    ]
    shapes += [shape_of(finder) for finder in (FILE_FINDER, *hooks, *lists[1][2]) if type(finder) is type]
    cells = [cell for hook in hooks if type(hook) is FUNCTION for cell in hook.__closure__ or ()]
    details = vars(_external)["_get_supported_file_loaders"]()
    return (
        sys_class,
        lists,
        cache,
        strange,
        tuple(shapes),
        tuple([(suffixes, tuple(suffixes)) for _, suffixes in details]),
        tuple([(cell, cell.cell_contents) for cell in cells]),
        tuple([(suffix, loader) for loader, suffixes in details for suffix in suffixes]),
        bytecode_folder(),
        (*[parts_of(names) for names in IMPORTERS], *[called_of(vars(module), names) for module, names in CALLED]),
        doors_now(),
    )


def doors_now() -> list[Any]:
    """What stands where guards put doors of theirs into the import system."""
    return [IMPORTERS[0].get(name) for name, _ in IMPORT_DOORS]


def parts_of(names: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...], tuple[Any, ...], frozenset[str]]:
    """What a look-up finds by its name: separators of paths and modules of C, too; where an older policy has its door,
    that. And the names of builtins, which a global of the same name would hide.
    """
    parts = {name: value for name, value in names.items() if name[:2] != "__" or type(value) is FUNCTION}
    return names, tuple(parts), tuple(parts.values()), BUILTINS - names.keys()


def called_of(
    names: dict[str, Any], called: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[str, ...], tuple[Any, ...], frozenset[str]]:
    """The same of a module of C."""
    parts = {name: names[name] for name in called if name in names}
    return names, tuple(parts), tuple(parts.values()), frozenset()


def shape_of(finder: type) -> tuple[type, frozenset[str], tuple[tuple[str, Any], ...]]:
    """What this class has of the methods that find, and what it has not."""
    names = vars(finder)
    present = [(name, names[name]) for name in FINDER_METHODS if name in names]
    return finder, FINDER_METHODS - names.keys(), tuple(present)


def noted_now(state: State) -> State:
    """The same, of what is in force now; state: an earlier one, which is mostly still right."""
    if type(_sys) is state[0] and SYS_NAMES[CACHE] is state[2] and SYS_NAMES.get(PREFIX) is state[8]:
        for name, held, items in state[1]:
            if SYS_NAMES[name] is not held or not same_items(held, items):
                break
        else:
            state[10][:] = doors_now()
            return state
    lists = tuple([(name, SYS_NAMES[name], tuple(SYS_NAMES[name])) for name in LISTS])
    return noted(type(_sys), lists, SYS_NAMES[CACHE])


# --- putting back ---


def put_back(state: State, folders: Any) -> None:  # noqa: PLR0912  # one comparison after another
    """Undo what was changed behind the methods. folders: where is going to be looked; None for ``sys.path``."""
    sys_class, lists, cache, strange, shapes, suffixes, cells, loaders, prefix, importers = state[:10]
    if type(SYS) is not sys_class:
        MODULE.__setattr__(SYS, "__class__", sys_class)
    for name, held, items in lists:
        if dict.get(SYS_NAMES, name) is not held:
            dict.__setitem__(SYS_NAMES, name, held)
        if not same_items(held, items):
            list.__setitem__(held, EVERYTHING, items)
    if dict.get(SYS_NAMES, CACHE) is not cache:
        dict.__setitem__(SYS_NAMES, CACHE, cache)
    if dict.get(SYS_NAMES, PREFIX) is not prefix:
        dict.__setitem__(SYS_NAMES, PREFIX, prefix)
    for names in IMPORTERS:
        if dict.get(names, "sys") is not SYS:
            dict.__setitem__(names, "sys", SYS)
    for names, parts, values, absent in importers:
        if not all(map(_is, map(names.get, parts), values)):
            for name, value in zip(parts, values):
                if dict.get(names, name) is not value and name not in DOORS:
                    dict.__setitem__(names, name, value)
        if not names.keys().isdisjoint(absent):
            for name in absent:
                dict.pop(names, name, None)
    keep_doors(state)
    for held, items in suffixes:
        if not same_items(held, items):
            list.__setitem__(held, EVERYTHING, items)
    for cell, value in cells:
        if cell.cell_contents is not value:
            cell.cell_contents = value
    for owner, absent, present in shapes:
        names = names_of(owner)
        if not names.keys().isdisjoint(absent):
            for name in absent:
                if name in names:
                    type.__delattr__(owner, name)
        for name, value in present:
            if names.get(name) is not value:
                type.__setattr__(owner, name, value)
    for folder in folders_in(folders, lists[0][2]):
        if not is_genuine(dict.get(cache, folder), folder, lists[2][2], strange, loaders):
            dict.pop(cache, folder, None)


def same_items(held: Any, items: tuple[Any, ...]) -> bool:
    """Whether a list holds these very objects."""
    if list.__len__(held) != len(items):
        return False
    for one, other in zip(list.__iter__(held), items):
        if one is not other:
            return False
    return True


def keep_doors(state: State) -> None:
    """Note the stand-ins that guards have put into the import system, and put back the last ones where the program has
    put something else.

    Anywhere else a stand-in is the program's means: some return whatever it likes.
    """
    kept, names = state[10], IMPORTERS[0]
    for place, (name, original) in enumerate(IMPORT_DOORS):
        thing: Any = dict.get(names, name)
        if thing is kept[place]:
            continue
        if thing is original or (
            type(thing) is FUNCTION and (thing.__globals__ is PUBLIC or thing.__globals__ is PRIVATE)
        ):
            kept[place] = thing
        else:
            dict.__setitem__(names, name, kept[place])


def folders_in(folders: Any, path: tuple[Any, ...]) -> list[str]:
    """The folders of a look-up as the cache knows them."""
    kind = type(folders)
    if folders is None:
        items: Any = path
    elif kind is list or kind is tuple:
        items = folders
    elif kind is NAMESPACE_PATH:
        items = dict.get(folders_of(folders), "_path", ())
    else:
        return []
    return [item or getcwd() for item in items if type(item) is str]


def is_genuine(
    finder: Any, folder: str, hooks: tuple[Any, ...], strange: tuple[Any, ...], loaders: tuple[Any, ...]
) -> bool:
    """Whether a cached finder is what the path hooks make for this folder."""
    kind = type(finder)
    if finder is None:
        return True
    if kind is FILE_FINDER:
        fields = fields_of(finder)
        return (
            len(fields) == FINDER_FIELDS
            and same_folder(dict.get(fields, "path"), folder)
            and same_loaders(dict.get(fields, "_loaders"), loaders)
        )
    for hook in hooks:
        if kind is hook:
            return same_archive(finder, folder)
    for known in strange:
        if finder is known:
            return True
    return False


def same_folder(path: Any, folder: str) -> bool:
    if type(path) is not str:
        return False
    if path == folder or IS_WINDOWS:
        return path == folder or str.lower(path).endswith(str.lower(folder))
    return folder[:1] != "/" and path in (getcwd() + "/" + folder, getcwd())


def same_loaders(found: Any, loaders: tuple[Any, ...]) -> bool:
    if type(found) is not list or len(found) != len(loaders):
        return False
    for one, other in zip(found, loaders):
        if type(one) is not tuple or len(one) != 2 or one[1] is not other[1] or type(one[0]) is not str:
            return False
        if one[0] != other[0]:
            return False
    return True


def same_archive(finder: Any, folder: str) -> bool:
    """zipimporter(folder): its archive, and a prefix inside it; it loads what it finds, by no methods of its own."""
    archive, prefix = finder.archive, finder.prefix
    if type(archive) is not str or type(prefix) is not str:
        return False
    for name in finder.__dict__:
        if type(name) is not str or name not in ARCHIVE_FIELDS:
            return False
    whole = archive + ("/" + prefix if prefix else "")
    return whole.replace("\\", "/").rstrip("/") == folder.replace("\\", "/").rstrip("/")


def refresh() -> None:
    """A block has put its list and dict in place again: they shall say what the program's own say now."""
    for name in LISTS:
        held = SYS_NAMES[name]
        source = getattr(held, "original", None)
        if source is not None and not same_items(held, tuple(source)):
            list.__setitem__(held, EVERYTHING, source)
    held = SYS_NAMES[CACHE]
    source = getattr(held, "original", None)
    if source is not None and held != source:
        dict.clear(held)
        dict.update(held, source)
