"""A denied module is denied by every function that imports, with or without an audit event."""

from __future__ import annotations

import pytest
from import_attempts import OPTIONS, assert_all_blocked, lay_out, outcomes

ROUTES = """
@attempt
def statement(): import forbidden_mod; return forbidden_mod
@attempt
def submodule(): import forbidden_pkg.sub; return forbidden_pkg.sub
@attempt
def from_package():
    from forbidden_pkg import sub; return sub
@attempt
def import_module(): return importlib.import_module("forbidden_mod")
@attempt
def python_import(): return importlib.__import__("forbidden_mod")
@attempt
def c_import(): return __import__("forbidden_mod")
@attempt
def gcd_import(): return bootstrap._gcd_import("forbidden_mod")
@attempt
def gcd_import_relative(): return bootstrap._gcd_import("sub", "forbidden_pkg", 1)
@attempt
def gcd_import_by_name(): return bootstrap._gcd_import(name="forbidden_mod", package=None, level=0)
@attempt
def find_and_load(): return bootstrap._find_and_load("forbidden_mod", bootstrap._gcd_import)
@attempt
def find_and_load_unlocked(): return bootstrap._find_and_load_unlocked("forbidden_mod", bootstrap._gcd_import)
SPEC = machinery.PathFinder.find_spec("forbidden_mod")
@attempt
def load_unlocked(): return bootstrap._load_unlocked(SPEC)
@attempt
def load_spec(): return bootstrap._load(SPEC)
@attempt
def module_from_spec():
    module = bootstrap.module_from_spec(SPEC); SPEC.loader.exec_module(module); return module
@attempt
def load_module(): return SPEC.loader.load_module("forbidden_mod")
@attempt
def file_finder():
    spec = machinery.FileFinder(".", (machinery.SourceFileLoader, [".py"])).find_spec("forbidden_mod")
    return bootstrap._load(spec)
@attempt
def reload_of_a_prepared_module():
    module = sys.modules["forbidden_mod"] = types.ModuleType("forbidden_mod")
    try: return importlib.reload(module)
    finally: sys.modules.pop("forbidden_mod", None)
@attempt
def lazy_loader():
    spec = machinery.PathFinder.find_spec("forbidden_mod"); spec.loader = util.LazyLoader(spec.loader)
    module = util.module_from_spec(spec); spec.loader.exec_module(module); return module.VALUE
@attempt
def pickle_in_c():
    import pickle; return pickle.loads(b"cforbidden_mod\\nVALUE\\n.")
@attempt
def pickle_in_python():
    import pickle; return pickle._loads(b"cforbidden_mod\\nVALUE\\n.")
@attempt
def pkgutil_name():
    import pkgutil; return pkgutil.resolve_name("forbidden_mod:VALUE")
@attempt
def run_module():
    import runpy; return runpy.run_module("forbidden_mod")["VALUE"]
def copied(name):
    os.makedirs("copies", exist_ok=True)
    with open("copies/forbidden_mod.py", "w") as file: file.write("VALUE = 'GOT' + 'IT'\\n")
    sys.path.insert(0, "copies")
    importlib.invalidate_caches()
    try:
        import runpy; return runpy.run_module("forbidden_mod", run_name=name)["VALUE"]
    finally: sys.path.remove("copies")
@attempt
def run_a_module_of_that_name(): return copied(None)
@attempt
def run_a_module_of_that_name_as_the_program(): return copied("__main__")
@attempt
def run_path():
    import runpy; return runpy.run_path("forbidden_mod.py")["VALUE"]
@attempt
def in_a_thread():
    import concurrent.futures as futures
    with futures.ThreadPoolExecutor(1) as pool: return pool.submit(importlib.import_module, "forbidden_mod").result()
if sys.version_info < (3, 12):
    import warnings
    warnings.simplefilter("ignore")
    import imp
    @attempt
    def imp_load_source(): return imp.load_source("forbidden_mod", "forbidden_mod.py")
    @attempt
    def imp_load_module(): return imp.load_module("innocent", *imp.find_module("forbidden_mod"))
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_every_route_is_blocked(isolated, seal):
    lay_out(isolated.folder)
    assert_all_blocked(outcomes(isolated, [*OPTIONS, *seal], ROUTES), "import blocked: forbidden_")


def test_other_modules_are_imported(isolated):
    lay_out(isolated.folder)
    found = outcomes(
        isolated,
        OPTIONS,
        """
@attempt
def same_last_name():
    from allowed_pkg import forbidden_mod; return forbidden_mod
@attempt
def longer_name(): import forbidden_mod_too; return forbidden_mod_too
@attempt
def other_routes():
    import colorsys, json.decoder, pickle, runpy; runpy.run_module("colorsys"); pickle.loads(b"cjson\\nloads\\n.")
    return importlib.reload(colorsys).__name__
@attempt
def text_is_data(): return open("forbidden_mod.py").read().count("VALUE")
@attempt
def finding_is_not_importing(): return util.find_spec("forbidden_mod").name
""",
    )
    assert found == {
        "same_last_name": "escaped another module of that name",
        "longer_name": "escaped a longer name",
        "other_routes": "escaped colorsys",
        "text_is_data": "escaped 1",
        "finding_is_not_importing": "escaped forbidden_mod",
    }


def test_the_violation_is_an_import_error_and_coping_leaves_status_zero(isolated):
    lay_out(isolated.folder)
    done = isolated.script(
        "--deny-import forbidden_mod --trace",
        """
        try:
            import forbidden_mod
        except ImportError as error:
            print(error, error.name, type(error).__mro__[1].__name__)
        """,
    )
    assert (done.code, done.stdout) == (0, "import blocked: forbidden_mod forbidden_mod PolicyViolation\n")
    assert done.errors == ["[hermetic] blocked import name=forbidden_mod reason=deny-import"]


def test_an_import_statement_shows_no_frames_of_ours(isolated):
    lay_out(isolated.folder)
    done = isolated.script("--deny-import forbidden_mod", "import allowed_pkg\nimport forbidden_mod\n")
    assert done.code == 2
    assert [line for line in done.errors if line.startswith("  File")] == [
        f'  File "{isolated.folder}/./target.py", line 2, in <module>'
    ]


def test_report_only_says_each_module_once(isolated):
    lay_out(isolated.folder)
    code = "import forbidden_mod, importlib\nimportlib.import_module('alias_mod')\nprint(forbidden_mod.VALUE)\n"
    done = isolated.script("--deny-import forbidden_mod --report-only", code)
    assert (done.code, done.stdout) == (0, "GOTIT\n")
    assert [e for e in done.errors if e.startswith("[")] == [
        "[hermetic] would block import name=forbidden_mod reason=deny-import"
    ]
