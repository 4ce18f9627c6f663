"""The decision about imports, apart from everything that holds it."""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import imports
from _hermetic.capabilities.imports import decide, make_rules, prepare, settled
from _hermetic.capabilities.imports.loaded import take_away
from _hermetic.capabilities.imports.origins import place_of, source_of
from _hermetic.policy import Policy, from_plain


def module(rules, name, file=None):
    denial = decide(rules, imports.MODULE, ((name,), file, (), ()), "import")
    return denial and denial[0]


def test_a_name_denies_its_submodules_and_nothing_else():
    rules = make_rules(["a.b"])
    assert module(rules, "a.b") == "import blocked: a.b"
    assert module(rules, "a.b.c") == "import blocked: a.b.c"
    for name in ("a", "a.bb", "a.c", "b", "x.a.b", "ctypes"):
        assert module(rules, name) is None


def test_denials_name_option_and_remedy():
    denied = decide(make_rules(["a"]), imports.MODULE, (("a.b",), None, (), ()), "import")
    assert denied == ("import blocked: a.b", "a.b", "deny-import", "running without --deny-import a")
    native = decide(make_rules(block_native=True), imports.MODULE, (("ctypes",), None, (), ()), "import")
    assert native == ("native import blocked: ctypes", "ctypes", "block-native", "running without --block-native")
    used = decide(make_rules(block_native=True), imports.INTERFACE, "", "ctypes.dlopen")
    assert used[:3] == ("native interface blocked: ctypes.dlopen", "ctypes", "block-native")


def test_only_the_interpreters_own_extension_modules_are_exempt():
    rules = prepare(make_rules(block_native=True))
    own = next(iter(rules[imports.OWN_FOLDERS]))
    assert module(rules, "math", f"{own}{os.sep}math.so") is None
    for name, file in (
        ("math", f"{own}{os.sep}sub{os.sep}math.so"),
        ("math", f"{own}{os.sep}..{os.sep}math.so"),
        ("math", f"{os.sep}tmp{os.sep}math.so"),
        ("_ctypes", f"{own}{os.sep}_ctypes.so"),
        ("_testcapi", f"{own}{os.sep}_testcapi.so"),
        ("xxlimited", f"{own}{os.sep}xxlimited.so"),
        ("numpy.core", f"{own}{os.sep}math.so"),
    ):
        assert module(rules, name, file) == f"native import blocked: {name}"


def test_native_packages_are_given_back_by_name_and_place(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "numpy").mkdir()
    rules, paths = settled(make_rules(block_native=True, allow_native=["numpy", "absent"]))
    assert settled(rules) == (rules, ())
    rules = prepare(rules)
    here = str(tmp_path)
    assert {os.path.join(here, name) for name in ("numpy", "numpy.libs", "numpy.abi3.so")} <= set(paths)
    assert module(rules, "numpy._core", os.path.join(here, "numpy", "_core.so")) is None
    assert module(rules, "numpy", os.path.join(here, "numpy.abi3.so")) is None
    for name, file in (
        ("numpy._core", os.path.join(here, "evil", "_core.so")),
        ("numpy._core", os.path.join(here, "numpy", "..", "evil", "_core.so")),
        ("evil", os.path.join(here, "numpy", "evil.so")),
        ("numpy._core", os.path.join(here, "numpy_evil", "_core.so")),
        ("absent.part", os.path.join(here, "absent", "part.so")),
    ):
        assert module(rules, name, file) == f"native import blocked: {name}"
    assert module(rules, "ctypes") == "native import blocked: ctypes"
    assert module(rules, "cffi") == "native import blocked: cffi"
    assert module(make_rules(block_native=True, allow_native=["_cffi_backend"]), "cffi.api") is None


def test_only_what_mypyc_made_comes_with_a_package(tmp_path, monkeypatch):
    """What else its distribution installs beside it is another package."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("given/__init__.py", "a1__mypyc.so", "b2__mypyc.so", "neighbour.so", "other/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for owner, files in (
        ("given", ["given/__init__.py", "a1__mypyc.so", "neighbour.so"]),
        ("other", ["other/__init__.py", "b2__mypyc.so"]),
    ):
        (tmp_path / f"{owner}-1.dist-info").mkdir()
        (tmp_path / f"{owner}-1.dist-info" / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    rules = prepare(settled(make_rules(block_native=True, allow_native=["given"]))[0])
    found = [
        name
        for name in ("a1__mypyc", "b2__mypyc", "neighbour", "other")
        if module(rules, name, str(tmp_path / f"{name}.so")) is None
    ]
    assert found == ["a1__mypyc"]


def test_the_options_that_restrict_imports_are_two():
    assert imports.taken_options(make_rules(["a"])) == ("deny-import",)
    assert imports.taken_options(make_rules(block_native=True)) == ("block-native",)
    assert imports.taken_options(make_rules(["a"], True)) == ("deny-import", "block-native")


@pytest.mark.parametrize("name", ["sh", "pexpect", "plumbum", "sarge", "delegator", "plumbum.commands"])
def test_process_libraries_need_both_options(name):
    assert module(make_rules(block_native=True, block_subprocess_libraries=True), name) == f"import blocked: {name}"
    assert module(make_rules(block_native=True), name) is None
    assert module(make_rules(block_subprocess_libraries=True), name) is None


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.", ".a", "a-b", "a b", "a/b", "*", "a\0"])
def test_names_that_no_module_can_have_are_refused(name):
    with pytest.raises(ValueError, match="not a module name"):
        make_rules([name])


@pytest.mark.parametrize("value", ["json", b"json", [1], [None]])
def test_kinds_that_mean_nothing_are_refused(value):
    with pytest.raises(TypeError):
        make_rules(value)


@pytest.mark.parametrize("name", ["numpy.core", "ctypes", "_ctypes"])
def test_what_is_never_given_back(name):
    with pytest.raises(ValueError):
        make_rules(block_native=True, allow_native=[name])


def test_a_denied_file_is_known_by_place_and_number(tmp_path, monkeypatch):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mod.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rules = prepare(make_rules(["pkg.mod"]))
    real = os.path.realpath(tmp_path)
    status = os.stat(tmp_path / "pkg" / "mod.py")

    def file(place=(), number=()):
        return decide(rules, imports.FILE, ((), None, place, number), "import")

    assert file((f"{real}/pkg/mod",))[0] == file((f"{real}/pkg/mod/sub",))[0] == "import blocked: pkg.mod"
    assert file((), ((status.st_dev, status.st_ino),))[0] == "import blocked: pkg.mod"
    assert (
        file((f"{real}/pkg",)) is file((f"{real}/pkg/mod2",)) is file(("/elsewhere/mod",)) is file((), (None,)) is None
    )


@pytest.mark.parametrize(
    "path",
    [
        "/l/p/m.py",
        "/l/p/m.pyc",
        "/l/p/m.cpython-312-x86_64-linux-gnu.so",
        "/l/p/__pycache__/m.cpython-312.pyc",
        "/l/p/m/__init__.py",
        "/l/p/m/__pycache__/__init__.cpython-312.opt-1.pyc",
    ],
)
@pytest.mark.skipif(os.sep != "/", reason="POSIX paths")
def test_all_forms_of_a_module_have_one_place(path):
    assert place_of(path) == "/l/p/m"
    assert (source_of(path) is not None) == ("__pycache__" in path)


names = st.lists(st.from_regex(r"[a-c]{1,2}", fullmatch=True), min_size=1, max_size=3).map(".".join)


@given(st.sets(names), st.sets(names), names)
def test_denying_more_never_allows_more(some, more, name):
    if module(make_rules(some), name) is not None:
        assert module(make_rules(some | more), name) is not None


@given(st.sets(names), st.booleans(), st.booleans())
def test_rules_survive_json(deny, native, libraries):
    policy = Policy(rules={"imports": make_rules(deny, native, libraries)})
    assert from_plain(json.loads(json.dumps(policy.to_plain()))) == policy


def test_of_the_loaded_modules_only_those_near_a_denied_one_are_asked_for(monkeypatch):
    for name in ("meant", "meant.here", "meant.there", "meant.there.below", "meanty", "other"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    asked = []

    def wants(name):
        asked.append(name)
        return name.startswith("meant.there")

    put_back = take_away(wants, ["meant.there", "absent"])
    try:
        assert sorted(asked) == ["meant", "meant.here", "meant.there", "meant.there.below"]
        assert "meant" in sys.modules
        assert "meant.there" not in sys.modules
        assert "meant.there.below" not in sys.modules
    finally:
        put_back()
    assert sys.modules["meant.there.below"].__name__ == "meant.there.below"
