"""The file of a denied module is known under any other name: links, renames, loaders, archives, compiled copies."""

from __future__ import annotations

import py_compile
import zipfile

import pytest
from import_attempts import OPTIONS, assert_all_blocked, lay_out, outcomes

NAMES = """
@attempt
def symlink(): import alias_mod; return alias_mod
@attempt
def symlink_with_cached_bytecode(): import cached_alias; return cached_alias
@attempt
def hard_link(): import hard_mod; return hard_mod
@attempt
def renamed(): os.rename("hard_mod.py", "moved_mod.py"); return importlib.import_module("moved_mod")
@attempt
def linked_folder(): return load("innocent", "alias_pkg/sub.py")
@attempt
def file_of_a_submodule(): return load("innocent", "forbidden_pkg/sub.py")
@attempt
def relative_path(): return load("innocent", "forbidden_mod.py")
@attempt
def roundabout_path(): return load("innocent", os.getcwd() + "/allowed_pkg/../forbidden_mod.py")
@attempt
def through_proc(): return load("innocent", f"/proc/self/cwd/forbidden_mod.py")
@attempt
def through_a_descriptor(): return load("innocent", f"/proc/self/fd/{os.open('forbidden_mod.py', 0)}")
@attempt
def bytecode(): return load("innocent", "__pycache__/" + CACHED, machinery.SourcelessFileLoader)
@attempt
def descriptor_of_bytecode():
    class Loader(machinery.SourcelessFileLoader):
        def get_data(self, path):
            with open(os.open("__pycache__/" + CACHED, 0), "rb") as file: return file.read()
    return load("innocent", "innocent.pyc", Loader)
@attempt
def compiled_copy():
    import py_compile
    py_compile.compile("forbidden_mod.py", cfile="copy.pyc", doraise=True)
    return load("copy", "copy.pyc", machinery.SourcelessFileLoader)
@attempt
def archive_on_path():
    sys.path.insert(0, "forbidden.zip")
    try: return importlib.import_module("forbidden_mod")
    finally: sys.path.remove("forbidden.zip")
@attempt
def archive_loader():
    import zipimport; return zipimport.zipimporter("forbidden.zip").load_module("forbidden_mod")
@attempt
def archive_under_another_name():
    import zipimport
    module = types.ModuleType("innocent.forbidden_mod")
    zipimport.zipimporter("forbidden.zip").exec_module(module); return module
@attempt
def code_from_an_archive():
    import zipimport
    names = {}; exec(zipimport.zipimporter("forbidden.zip").get_code("forbidden_mod"), names); return names["VALUE"]
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_the_file_is_known_under_any_name(isolated, seal):
    lay_out(isolated.folder)
    (isolated.folder / "cached_alias.py").symlink_to("forbidden_mod.py")
    py_compile.compile(str(isolated.folder / "cached_alias.py"))
    cached = py_compile.compile(str(isolated.folder / "forbidden_mod.py"))
    with zipfile.ZipFile(isolated.folder / "forbidden.zip", "w") as archive:
        archive.write(isolated.folder / "forbidden_mod.py", "forbidden_mod.py")
    code = f"CACHED = {cached.rpartition('/')[2]!r}\n{NAMES}"
    assert_all_blocked(outcomes(isolated, [*OPTIONS, *seal], code), "import blocked: forbidden_")


def test_a_module_in_a_folder_that_comes_later_is_denied_by_its_name(isolated):
    lay_out(isolated.folder)
    isolated.write("later/forbidden_mod.py", "VALUE = 'GOTIT'\n")
    code = "@attempt\ndef later(): sys.path.insert(0, 'later'); return importlib.import_module('forbidden_mod')\n"
    assert_all_blocked(outcomes(isolated, OPTIONS, code), "import blocked: forbidden_mod")


def test_empty_files_are_not_taken_for_one_another(isolated):
    """Some package stores make one file of all empty ones."""
    isolated.write("empty_one/__init__.py", "")
    (isolated.folder / "empty_two").mkdir()
    (isolated.folder / "empty_two" / "__init__.py").hardlink_to(isolated.folder / "empty_one" / "__init__.py")
    done = isolated.script("--deny-import empty_one", "import empty_two\nprint('ok')\n")
    assert (done.code, done.stdout) == (0, "ok\n")
