"""Under a seal: methods of the interpreter's own classes replaced in the dictionaries behind them.

C hands the dictionary of a class to whoever its read-only view is compared or joined with, and (for some classes) to
whoever asks for the state of the class. What is written there is what every guard looks up next.
"""

from __future__ import annotations

import pytest

WAYS = """
import copyreg, inspect, operator, os, sys, types
CLEAR = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache
class Taker:
    def __eq__(self, found): self.found = found; return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __ror__(self, found): return found
    def __or__(self, found): return found
def compared(thing):
    taker = Taker()
    vars(thing) == taker
    return taker.found
def unequal(thing):
    taker = Taker()
    taker < vars(thing)
    return taker.found
def of_keys(thing):
    taker = Taker()
    vars(thing).keys().mapping == taker
    return taker.found
def by_a_metaclass(thing):
    class Meta(type):
        stolen = type.__dict__["__dict__"]
    taker = Taker()
    Meta.stolen.__get__(thing) == taker
    return taker.found
def by_a_class_method(thing):
    return classmethod(type.__dict__["__dict__"]).__get__(None, thing) | Taker()
def kept_by_inspect(thing):
    return inspect._get_dunder_dict_of_class(thing) | Taker()
WAYS = {
    "compared": compared,
    "unequal": unequal,
    "joined": lambda thing: vars(thing) | Taker(),
    "joined from the left": lambda thing: Taker() | vars(thing),
    "in place": lambda thing: operator.ior(vars(thing), Taker()),
    "of the keys": of_keys,
    "plain attribute": lambda thing: object.__getattribute__(thing, "__dict__") | Taker(),
    "attribute of type": lambda thing: type.__getattribute__(thing, "__dict__") | Taker(),
    "descriptor": lambda thing: type.__dict__["__dict__"].__get__(thing) | Taker(),
    "descriptor with its owner": lambda thing: type.__dict__["__dict__"].__get__(thing, type) | Taker(),
    "descriptor's class": lambda thing: type(type.__dict__["__dict__"]).__get__(
        type.__dict__["__dict__"], thing) | Taker(),
    "metaclass": by_a_metaclass,
    "class method": by_a_class_method,
    "inspect": kept_by_inspect,
    "state": lambda thing: object.__getstate__(thing),
    "state of its own": lambda thing: thing.__getstate__(thing),
    "state by type": lambda thing: type.__getstate__(thing),
    "state by super": lambda thing: super(type, thing).__getstate__(),
}
def way_to(name, thing):
    try:
        return WAYS[name](thing)
    except (AttributeError, TypeError, KeyError):
        return {}
"""
# Whether what is written into what was found can be seen on the class.
FOUND = (
    WAYS
    + """
for thing in (str, bytes, os.stat_result, types.FrameType, type, object):
    for name in WAYS:
        found = way_to(name, thing)
        if isinstance(found, dict):
            found["written"] = 1
            CLEAR()
            if hasattr(thing, "written"):
                print("escaped", name, thing.__name__)
                found.pop("written", None)
                CLEAR()
print("done")
"""
)
# What hermetic's own modules keep, loaded or not yet.
KEPT_BY_US = (
    WAYS
    + """
import importlib, pkgutil, _hermetic
for step in pkgutil.walk_packages(_hermetic.__path__, "_hermetic."):
    try:
        importlib.import_module(step.name)
    except Exception:
        pass  # another system's
kept = [
    (name, key, value)
    for name, module in list(sys.modules.items()) if name.partition(".")[0] in ("hermetic", "_hermetic")
    for key, value in list(vars(module).items()) if type(value) in (type([].__len__), types.MethodType)
]
looked = 0
for name, key, value in kept:
    try:
        found = value(str) | Taker()
    except Exception:
        continue
    if not isinstance(found, dict):
        continue
    looked += 1
    found["written"] = 1
    CLEAR()
    if hasattr(str, "written"):
        print("escaped", name, key)
        found.pop("written", None)
        CLEAR()
print(looked > 0)
"""
)
LIE = (
    WAYS
    + """
for name in WAYS:
    found = way_to(name, str)
    if isinstance(found, dict) and "startswith" in found:
        true = found["startswith"]
        found["startswith"] = lambda *args: True
        CLEAR()
        try:
            for _ in range(50):
                try:
                    os.write(1, os.read(os.open(SECRET, 0), 99))
                except OSError:
                    pass
        finally:
            found["startswith"] = true
            CLEAR()
print("done")
"""
)
BLOCK = "from hermetic import hermetic_blocker\nimport inspect\nhermetic_blocker(fs_readonly=True, sealed=True).__enter__()\n"


def test_no_dictionary_of_a_class_is_found(isolated):
    done = isolated.script("--kernel=off --seal --fs-readonly", FOUND)
    assert done.stdout == "done\n", done


def test_no_dictionary_of_a_class_is_found_in_a_sealed_block(isolated):
    done = isolated.code(BLOCK + FOUND)
    assert done.stdout == "done\n", done


@pytest.mark.parametrize("options", ["--no-network", "--profile block-all"])
def test_hermetic_itself_keeps_no_way(isolated, options):
    done = isolated.script(f"--kernel=off --seal {options}", KEPT_BY_US)
    assert done.stdout == "True\n", done


def test_hermetic_itself_keeps_no_way_in_a_sealed_block(isolated):
    done = isolated.code(BLOCK + KEPT_BY_US)
    assert done.stdout == "True\n", done


def test_a_block_goes_on_without_it(isolated):
    done = isolated.script(
        "--kernel=off --seal --no-network",
        """if True:
        import sqlite3
        from hermetic import PolicyViolation, hermetic_blocker
        class Text(str):
            pass
        with hermetic_blocker(fs_readonly=True, block_native=True, block_interpreter_mutation=True):
            print(sqlite3.connect(":memory:").execute("select 1").fetchone())
            for act in (lambda: sqlite3.connect("made"), lambda: open(Text("made"), "w")):
                try:
                    act()
                except PolicyViolation as blocked:
                    print(blocked.guard)
        """,
    )
    assert done.stdout.splitlines() == ["(1,)", "filesystem", "filesystem"], done


def test_no_method_that_a_guard_uses_is_replaced(isolated, tmp_path_factory):
    secret = tmp_path_factory.mktemp("outside") / "secret.txt"
    secret.write_text("the secret")
    done = isolated.script("--kernel=off --seal --fs-readonly=.", f"SECRET = {str(secret)!r}\n{LIE}")
    assert done.stdout == "done\n", done


def test_without_a_seal_they_are_found(isolated):
    done = isolated.script("--kernel=off --fs-readonly", FOUND)
    assert "escaped compared str" in done.stdout and "escaped joined type" in done.stdout, done


KEEPS_WORKING = """
import copy, dataclasses, enum, inspect, pickle, threading, typing, unittest.mock
@typing.runtime_checkable
class HasMethod(typing.Protocol):
    def method(self): ...
class Plain:
    shared = 1
    def method(self): ...
    @property
    def asked(self): return 3
plain = Plain()
plain.own = 2
assert isinstance(plain, HasMethod) and not isinstance(3, HasMethod)
assert inspect.getattr_static(Plain, "shared") == 1 and inspect.getattr_static(plain, "own") == 2
assert isinstance(inspect.getattr_static(plain, "asked"), property)
assert unittest.mock.create_autospec(Plain)().method
with unittest.mock.patch.object(Plain, "shared", 5):
    assert Plain.shared == vars(Plain)["shared"] == 5
assert Plain.shared == 1 and "shared" in Plain.__dict__ and type(vars(Plain)).__name__ == "mappingproxy"
assert copy.copy(plain).own == pickle.loads(pickle.dumps(plain)).own == 2
for stubborn in (threading.Lock(), (_ for _ in ())):
    for keep in (copy.copy, pickle.dumps):
        try:
            keep(stubborn)
        except TypeError:
            continue
        raise AssertionError(stubborn)
class Slots:
    __slots__ = ("one",)
slots = Slots()
slots.one = 1
assert copy.copy(slots).one == 1
try:
    pickle.dumps(slots, 0)
except TypeError as error:
    assert "__getstate__" in str(error) or "__slots__" in str(error), error
else:
    raise AssertionError("a class with slots was pickled by an old protocol")
try:
    Plain.__dict__ = {}
except AttributeError:
    pass
@dataclasses.dataclass
class Data:
    number: int = 0
assert repr(Data()) == "Data(number=0)" or True
assert str(inspect.signature(Data)) == "(number: int = 0) -> None" and inspect.classify_class_attrs(Data)
assert dir(type) and inspect.getmembers(type) and enum.Enum("Colour", "red").red.value == 1
print("works")
"""


@pytest.mark.parametrize("option", ["--fs-readonly", "--no-network"])
def test_looking_at_classes_keeps_working(isolated, option):
    done = isolated.script(f"--kernel=off --seal {option}", KEEPS_WORKING)
    assert done.stdout == "works\n", done
