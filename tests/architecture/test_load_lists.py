"""What a start loads by its files: everything, each after what it needs, and nothing that the run does without."""

from __future__ import annotations

import shutil
import sys
from py_compile import compile

import pytest

import _hermetic
from conftest import LAUNCHER, SOURCE

OPTIONS = [
    "",
    "--no-network",
    "--no-subprocess",
    "--fs-readonly",
    "--no-code-exec",
    "--block-native",
    "--no-interpreter-mutation",
]
TWO_PROCESSES = ["--no-environment", "--profile=block-all"]
# A command has them loaded by the process beside it, which is started before all else.
JUDGING = {
    f"_hermetic.enforce.kernel.linux.{name}"
    for name in ("asker", "interrupted", "clock", "outstanding", "judge", "supervisor")
}
NAMES = "import json, sys; print(json.dumps(sorted(n for n in sys.modules if n.startswith('_hermetic.'))))"


@pytest.mark.parametrize("option", [*OPTIONS, *TWO_PROCESSES])
def test_nothing_is_left_to_the_import_system(isolated, option):
    done = isolated.script(option, "pass", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.code == 0, done.stderr
    found = {line.rpartition("|")[2].strip() for line in done.errors}
    assert {name for name in found if "hermetic" in name} == {"hermetic"}


@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_loaded_in_vain(isolated, option):
    isolated.write("target.py", NAMES)
    words = [*option.split(), "--", "./target.py"]
    by_import = f"import sys, _hermetic; from hermetic.cli import main; _hermetic.load_for = len; main({words!r})"
    ordinary = set(isolated.code(by_import).data) - JUDGING
    command = (
        "import sys, _hermetic; _hermetic.let_layer_go = int; from hermetic.__main__ import program;"
        f" sys.argv[1:] = {words!r}; program()"
    )
    # The command reads its own words by way of this one.
    assert isolated.code(command).data == sorted({*ordinary, "_hermetic.startup.searchpath"})


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")
@pytest.mark.parametrize("option", ["--no-network", "--profile=block-all"])
def test_what_puts_the_kernel_layer_on_does_not_stay(isolated, option):
    staying = (
        "kernel",
        "kernel.receipts",
        "kernel.linux",
        "kernel.linux.abi",
        "kernel.linux.beside",
        "kernel.linux.ahead",
    )
    found = isolated.script(option, NAMES).data
    layer = {name for name in found if "kernel" in name or "confinement" in name}
    assert layer <= {f"_hermetic.enforce.{name}" for name in staying}


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")
def test_who_judges_leaves_nothing_to_the_import_system(isolated):
    found = isolated.code(
        "import json, sys, _hermetic; _hermetic.load_ahead(); _hermetic.load_for_judging(); loaded = set(sys.modules);"
        " import _hermetic.enforce.kernel.linux.supervisor as s; from _hermetic.capabilities import load_module;"
        " load_module('network'); print(json.dumps(sorted(set(sys.modules) - loaded)))"
    ).data
    assert [name for name in found if "hermetic" in name] == []


def test_every_family_has_its_list():
    from _hermetic.capabilities import FAMILIES

    # Every run loads the rules that come with every policy.
    assert set(_hermetic._FAMILIES) == set(FAMILIES) - {"integrity", "children"}


def test_what_lies_in_no_plain_file_is_left_alone(isolated):
    isolated.passes("""
        import sys, _hermetic
        from types import SimpleNamespace
        _hermetic.load_at_once(SimpleNamespace(name="x", loader=None, origin="/x/__init__.py"), ["y"])
        assert "x.y" not in sys.modules
    """)


def test_names_that_a_package_shares_with_its_modules_stay_its_own(isolated):
    done = isolated.script("--no-environment --fs-readonly=.", "print(open('target.py').read()[:5])")
    assert done.stdout == "print\n", done.stderr


ATTRIBUTES = """
import sys
from importlib.util import cache_from_source
found = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("_hermetic", "hermetic")]
assert len(found) > 40, len(found)
for module in found:
    spec = module.__spec__
    assert module.__file__ == spec.origin == spec.loader.path, module
    assert module.__cached__ == spec.cached == cache_from_source(module.__file__), (module.__cached__, module.__file__)
    assert spec.loader.get_code(spec.name).co_filename == module.__file__
    assert (spec.submodule_search_locations is not None) == hasattr(module, "__path__")
print("alike")
"""


@pytest.mark.parametrize("prefix", [None, "cache"])
def test_modules_are_as_the_import_system_makes_them(isolated, prefix):
    """Once without bytecode, and once from what that has written."""
    shutil.copytree(SOURCE, isolated.folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    isolated.write("target.py", ATTRIBUTES)
    launcher = LAUNCHER.replace(str(SOURCE), str(isolated.folder / "src"))
    env = {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPYCACHEPREFIX": prefix and str(isolated.folder / prefix)}
    for _ in range(2):
        done = isolated.python("-c", launcher, "--no-network", "--", "./target.py", env=env, bare=True)
        assert done.stdout == "alike\n", done.stderr
        written = isolated.folder / (prefix or "src/_hermetic/__pycache__")
        assert written.is_dir()


BYTECODE = """
import importlib.util, os, py_compile, sys
import _hermetic
from _frozen_importlib_external import SourceFileLoader
source, cached = "m.py", importlib.util.cache_from_source("m.py")
def stale(): os.utime(source, (1, 1))
def longer(): open(source, "a").write("# more\\n")
def cut(): os.truncate(cached, 12)
def empty(): os.truncate(cached, 0)
def other_format(): open(cached, "r+b").write(b"\\0\\0")
def by_hash(): py_compile.compile(source, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
def gone(): os.remove(cached)
for damage in (stale, longer, cut, empty, other_format, by_hash, gone):
    open(source, "w").write("x = 1\\n")
    py_compile.compile(source)
    assert _hermetic.cached_code(source, cached) == SourceFileLoader("m", source).get_code("m"), damage
    damage()
    assert _hermetic.cached_code(source, cached) is None, damage
print("left to the loader")
"""


def test_bytecode_that_is_not_plainly_up_to_date_is_left_to_the_loader(isolated):
    assert isolated.code(BYTECODE).stdout == "left to the loader\n"


def test_bytecode_made_elsewhere_names_its_source(tmp_path):
    source = tmp_path / "m.py"
    source.write_text("def outer():\n    def inner():\n        pass\n    return inner\n")
    cached = compile(str(source), dfile="elsewhere/m.py")
    names = {"__name__": "m"}
    exec(_hermetic.cached_code(str(source), cached), names)
    assert {f.__code__.co_filename for f in (names["outer"], names["outer"]())} == {str(source)}
