"""Imports, caches and libraries work as they do without the guard."""

from __future__ import annotations

import textwrap

import pytest
from interpreter_attempts import KEYWORDS, OPTION
from state_attempts import PLACES, outcomes

ORDINARY = """
import pkgutil, warnings, zipfile
@attempt
def standard_library():
    import colorsys, xml.dom.minidom, email.mime.text, sqlite3, multiprocessing.pool, concurrent.futures, asyncio
    return xml.dom.minidom.parseString("<a/>").documentElement.tagName
@attempt
def own_modules():
    import own_package.own_module
    return own_package.own_module.VALUE
@attempt
def namespace_package():
    import spaces.inside
    return spaces.inside.VALUE
@attempt
def written_while_running():
    open("later.py", "w").write("VALUE = 'later'\\n")
    importlib.invalidate_caches()
    import later
    return later.VALUE
@attempt
def listing(): return sorted(m.name for m in pkgutil.iter_modules() if m.name.startswith("own_"))
@attempt
def reloading():
    import own_package.own_module as module
    return importlib.reload(module).VALUE
@attempt
def resources(): return pkgutil.get_data("own_package", "own_module.py")[:5]
@attempt
def modules_table():
    sys.modules.setdefault("something", sys)
    import something
    return something is sys
@attempt
def filters(): return warnings.simplefilter("ignore")
@attempt
def other_modules():
    made = type(os)("made")
    type(sys).__setattr__(made, "path", 1)
    type(sys).__delattr__(made, "path")
    return hasattr(made, "path")
@attempt
def missing(): import does_not_exist
@attempt
def metadata():
    import importlib.metadata
    return len(list(importlib.metadata.distributions())) >= 0
@attempt
def failing(): import own_broken
"""


@pytest.mark.parametrize("place", PLACES)
def test_imports_work(isolated, place):
    isolated.write("own_package/__init__.py", "")
    isolated.write("own_package/own_module.py", "VALUE = 'own'\n")
    isolated.write("spaces/inside.py", "VALUE = 'space'\n")
    isolated.write("own_broken.py", "1 +\n")
    found = outcomes(isolated, place, OPTION, KEYWORDS, ORDINARY)
    assert found == {
        "standard_library": "'a'", "own_modules": "'own'", "namespace_package": "'space'", "written_while_running": "'later'",
        "listing": "['own_broken', 'own_package']", "reloading": "'own'", "resources": "b'VALUE'", "modules_table": "True",
        "filters": "None", "other_modules": "False", "missing": "ModuleNotFoundError", "metadata": "True", "failing": "SyntaxError",
    }  # fmt: skip


def test_the_target_sees_the_sys_path_of_a_plain_run(isolated):
    code = "import json, sys\nprint(json.dumps(sys.path))\n"
    plain = isolated.python(str(isolated.write("target.py", code)))
    assert isolated.script(OPTION, code).data == plain.data
    isolated.write("extra/mod.py", code)
    environment = {"PYTHONPATH": str(isolated.folder / "extra")}
    for words in (["-m", "mod"], ["-c", code], ["extra/mod.py"]):
        plain = isolated.python(*words, env=environment)
        assert isolated.cli(OPTION, "--", "python", *words, env=environment).data == plain.data


def test_tracebacks_of_failing_imports_show_no_frame_of_the_guard(isolated):
    isolated.write("own_broken.py", "1 / 0\n")
    plain = isolated.python(str(isolated.write("target.py", "import own_broken\n")), cwd=isolated.folder)
    held = isolated.script(OPTION, "import own_broken\n")
    assert "hermetic" not in held.stderr
    assert held.stderr.count("File") == plain.stderr.count("File")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_work_where_processes_are_allowed(isolated, method):
    code = f"""
    import multiprocessing
    def double(x): return 2 * x
    if __name__ == "__main__":
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            print(pool.map(double, [1, 2]))
    """
    done = isolated.script(OPTION, code)
    assert (done.code, done.stdout.strip()) == (0, "[2, 4]"), done.stderr


NOTHING_CHANGES = """
@attempt
def extended(): return sys.path.extend(()), sys.meta_path.extend([])
@attempt
def added():
    sys.path += []
@attempt
def extended_by_a_list_that_grows():
    class Growing(list):
        __len__ = lambda self: 0
    sys.path.extend(Growing(["/hidden"]))
@attempt
def rebound_after(): return type(sys.path).__name__, "/hidden" in sys.path
"""


@pytest.mark.parametrize("place", PLACES)
def test_adding_nothing_is_no_change(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, NOTHING_CHANGES)
    assert found == {
        "extended": "(None, None)",
        "added": "None",
        "extended_by_a_list_that_grows": "interpreter mutation disabled: sys.path",
        "rebound_after": "('list', False)",
    }


def test_discovery_of_tests_works_where_its_folder_is_on_the_path(isolated):
    isolated.write(
        "tests/test_one.py", "import unittest\nclass One(unittest.TestCase):\n    def test_one(self): pass\n"
    )
    words = [OPTION, "--", "python", "-m", "unittest", "discover", "-s", "tests"]
    refused = isolated.cli(*words)
    assert refused.code == 2
    assert refused.errors[-1].strip().startswith("to allow it: PYTHONPATH, where the program adds a folder only if"), (
        refused
    )
    for more, env in (([], {"PYTHONPATH": str(isolated.folder / "tests")}), (["-t", "."], {})):
        isolated.write("tests/__init__.py", "")
        done = isolated.cli(*words, *more, env=env)
        assert (done.code, done.errors[-1]) == (0, "OK"), done


# As joblib's worker does with what its parent sends.
LOKY = """
import os, sys

def prepare(path, folder):
    sys.path = path
    os.chdir(folder)
"""


def test_a_worker_of_joblib_is_told_what_it_has_already(isolated):
    isolated.write("loky/backend/spawn.py", LOKY)
    done = isolated.script(
        OPTION,
        """
        import os, sys
        from loky.backend.spawn import prepare
        prepare(list(sys.path), os.getcwd())
        for path, folder in ((sys.path + ["x"], os.getcwd()), (list(sys.path), os.path.dirname(os.getcwd()))):
            try:
                prepare(path, folder)
            except Exception as error:
                print(error)
        import colorsys
        try:
            sys.path.append("x")
        except Exception as error:
            print(error)
        """,
    )
    paths = "interpreter mutation disabled: sys.path"
    assert done.stdout.splitlines() == [paths, "interpreter mutation disabled: os.chdir", paths], done


def test_a_worker_of_joblib_has_the_path_of_a_program_that_lies_elsewhere(isolated):
    isolated.write("lib/loky/backend/spawn.py", LOKY)
    worker = (
        "import json, sys\nfrom loky.backend.spawn import prepare\nprepare(*json.loads(sys.argv[1]))\nimport beside"
    )
    isolated.write("lib/loky/backend/popen_loky_posix.py", worker)
    isolated.write("app/beside.py", "print('found')")
    main = """
    import json, os, subprocess, sys
    told = json.dumps([sys.path, os.getcwd()])
    subprocess.run([sys.executable, "-m", "loky.backend.popen_loky_posix", told], check=True)
    """
    isolated.write("app/main.py", textwrap.dedent(main))
    done = isolated.cli(OPTION, "--", "app/main.py", env={"PYTHONPATH": str(isolated.folder / "lib")})
    assert (done.code, done.stdout) == (0, "found\n"), done
