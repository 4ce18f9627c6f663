"""Imports are reads: a root holds for them, and a module that comes by network is network.

CVE-2026-49406: the module loader followed a package's ``main: ../../x`` out of what could be read.
CVE-2024-21486: static imports were exempt from the check of the network, so a URL could carry data out.
"""

from __future__ import annotations

import pytest
from network_attack import attack
from state_attempts import PLACES

IMPORTS = """
import importlib, importlib.util, importlib.machinery, os, runpy, sys
OUTSIDE = {outside!r}
KEYS = []
def appended():
    sys.path.append(OUTSIDE)
    try: import outsider
    finally: sys.path.remove(OUTSIDE)
    return outsider.KEY
def package_path():
    import inside_pkg
    inside_pkg.__path__.append(OUTSIDE)
    import inside_pkg.outsider
    return inside_pkg.outsider.KEY
def dotted_package_path():
    import inside_pkg
    inside_pkg.__path__.append(os.path.join(inside_pkg.__path__[0], "..", "..", "outside"))
    import inside_pkg.outsider as found
    return found.KEY
def from_file():
    spec = importlib.util.spec_from_file_location("outsider2", OUTSIDE + "/outsider.py")
    module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
    return module.KEY
def compiled():
    return importlib.machinery.SourcelessFileLoader("c", OUTSIDE + "/outsider.pyc").load_module("c").KEY
def run_path(): return runpy.run_path(OUTSIDE + "/outsider.py")["KEY"]
def linked():
    import linked_outsider
    return linked_outsider.KEY
def data(): return importlib.machinery.SourceFileLoader("d", OUTSIDE + "/outsider.py").get_data(OUTSIDE + "/outsider.py")
def zipped():
    sys.path.append(OUTSIDE + "/outsider.zip")
    try: import zipped_outsider
    finally: sys.path.pop()
    return zipped_outsider.KEY
for way in (appended, package_path, dotted_package_path, from_file, compiled, run_path, linked, data, zipped):
    for name in ("outsider", "inside_pkg", "inside_pkg.outsider"): sys.modules.pop(name, None)
    sys.path_importer_cache.clear()
    try: print(way.__name__, way())
    except Exception as error: print(way.__name__, type(error).__name__)
"""


@pytest.mark.parametrize("place", ["plain", *PLACES])
def test_a_module_outside_the_root_is_not_imported(isolated, place):
    import py_compile
    import zipfile

    outside = isolated.folder.parent / "outside"
    outside.mkdir()
    (outside / "outsider.py").write_text("KEY = 'se' + 'cret'\n# secret\n")
    py_compile.compile(str(outside / "outsider.py"), str(outside / "outsider.pyc"), doraise=True)
    with zipfile.ZipFile(outside / "outsider.zip", "w") as archive:
        archive.writestr("zipped_outsider.py", "KEY = 'se' + 'cret'\n")
    isolated.write("inside_pkg/__init__.py", "")
    (isolated.folder / "linked_outsider.py").symlink_to(outside / "outsider.py")
    code = IMPORTS.format(outside=str(outside))
    if place in ("plain", "block"):
        head = "from hermetic import hermetic_blocker\n"
        text = head + f"with hermetic_blocker(fs_readonly=True, fs_root='.'):\n    exec({code!r})"
        isolated.write("target.py", code if place == "plain" else text)
        done = isolated.python("./target.py")
    else:
        options = ["--fs-readonly=.", *(["--seal"] if place == "sealed" else [])]
        done = isolated.script(options, code)
    assert done.code == 0, done
    lines = [line.split()[0] for line in done.stdout.splitlines() if "secret" in line]
    assert lines == ([line.split()[0] for line in done.stdout.splitlines()] if place == "plain" else []), done.stdout
    assert len(done.stdout.splitlines()) == 9


IMPORTERS = {
    "loader": """
import importlib.machinery, importlib.util, urllib.request
class Loader(importlib.machinery.SourceFileLoader):
    def get_data(self, path): return urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{path}?stolen", timeout=1).read()
attempt(lambda: Loader("stolen", "stolen.py").load_module("stolen"))
""",
    "finder": """
import importlib.machinery, importlib.util
class Finder:
    def find_spec(self, name, path=None, target=None):
        socket.create_connection(("127.0.0.1", PORT), 1).send(name.encode())
sys.meta_path.append(Finder())
def load(): import not_there
attempt(load)
""",
    "path hook": """
def hook(entry):
    if not entry.startswith("http:"): raise ImportError
    socket.create_connection(("127.0.0.1", PORT), 1)
    raise ImportError
sys.path_hooks.append(hook); sys.path.append(f"http://127.0.0.1:{PORT}/")
def load(): import not_there
attempt(load)
""",
}


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
@pytest.mark.parametrize("name", IMPORTERS)
def test_a_module_does_not_come_by_network(isolated, name, options):
    works, reached, done = attack(isolated, IMPORTERS[name], options)
    assert works
    assert not reached
    assert done.code == 0, done
