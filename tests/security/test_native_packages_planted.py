"""--allow-native gives back a package as it lay there at the start: what the program puts in its place is none of it.

The same for native code as for programs (deno#11964): whoever could write what is allowed could run anything.
"""

from __future__ import annotations

import _ctypes
import shutil

import pytest

TRY = """
import json, os, shutil, subprocess, sys
library, site = sys.argv[1:]
sys.dont_write_bytecode = True

def load(name):
    try:
        __import__(name)
    except ImportError as error:
        assert "blocked" not in str(error) or error.remedy.startswith("starting anew"), error.remedy
        return "blocked" if "blocked" in str(error) else "loaded" if "PyInit_" in str(error) else str(error)
    return "imported"

def change(act, *words):
    try:
        act(*words)
        return "done"
    except PermissionError:
        return "refused"

found = {"itself": load("given.part")}
for name in [name for name in sys.modules if name.startswith("given")]:
    del sys.modules[name]
os.makedirs("given/below"), os.makedirs("given.libs")
for name in ("given/__init__.py", "given/below/__init__.py", "absent/__init__.py", "single.py"):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    open(name, "w").close()
for name in ("given/part.so", "given/below/part.so", "absent/part.so", "part.so", "child/given/part.so", "single.so"):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    shutil.copy(library, name)
open("child/given/__init__.py", "w").close()
open("child/script.py", "w").write("try: import given.part\\nexcept ImportError as error: print(error)")
sys.path.insert(0, os.getcwd())
__import__("importlib").invalidate_caches()
found["first on the path"] = load("given.part")
found["a package that was not there"] = load("absent.part")
found["a module that was not there"] = load("single")
del sys.modules["given"]
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != os.getcwd()]
import given
assert given.__file__.startswith(site), given.__file__
changes = {
    "a new file": (shutil.copyfile, library, site + "/given/new.so"),
    "another file": (os.replace, "part.so", site + "/given/part.so"),
    "a link to a folder": (os.symlink, os.getcwd(), site + "/given/linked"),
    "a folder": (os.rename, "given/below", site + "/given/below"),
    "another package": (os.rename, site + "/given", site + "/taken"),
    "a second name": (os.link, site + "/given/part.so", "second.so"),
    "a module beside it": (shutil.copyfile, library, site + "/given.abi3.so"),
    "a library beside it": (shutil.copyfile, library, site + "/given.libs/new.so"),
}
found.update({name: change(*act) for name, act in changes.items()})
given.__path__[:] = [os.getcwd() + "/given"]
found["another folder"] = load("given.part")
said = subprocess.run([sys.executable, "child/script.py"], capture_output=True, text=True).stdout
found["beside a child's script"] = "blocked" if "native import blocked: given.part" in said else said
print(json.dumps(found))
"""


@pytest.fixture
def environment(isolated, other):
    """Another environment with a package that has native code; any extension module does."""
    for name in ("given/__init__.py", "given.libs/keep"):
        other.install(name, "")
    shutil.copy(_ctypes.__file__, other.site / "given" / "part.so")
    isolated.write("run/target.py", TRY)
    return other


@pytest.mark.parametrize("place", ["foreign", "sealed", "run", "block"])
def test_only_what_was_there_is_given_back(isolated, environment, place):
    names = ["given", "absent", "single"]
    options = ["--block-native", *[word for name in names for word in ("--allow-native", name)]]
    words = ["./target.py", _ctypes.__file__, str(environment.site)]
    folder = isolated.folder / "run"
    path = {"PYTHONPATH": str(environment.site)}
    if place == "foreign":
        done = isolated.foreign(options, environment.python, *words, cwd=folder)
    elif place == "block":
        code = (
            f"from hermetic import hermetic_blocker\nwith hermetic_blocker(block_native=True, allow_native={names}):\n"
        )
        isolated.write("run/block.py", code + "    exec(open('target.py').read())")
        done = isolated.python("block.py", *words[1:], cwd=folder, env=path)
    else:
        seal = ["--seal"] if place == "sealed" else []
        done = isolated.cli(*options, *seal, "--", *words, cwd=folder, env=path)
    assert done.code == 0, done
    found = done.data
    assert found.pop("itself") == "loaded"
    changed = [name for name, said in found.items() if said not in ("blocked", "refused")]
    assert not changed, found
    assert sorted(found.values()) == ["blocked"] * 5 + ["refused"] * 8


def test_the_package_of_a_listed_interpreter_is_its_own(isolated, environment):
    code = f"""
        import subprocess
        words = [{environment.python!r}, "-c", "import given.part"]
        print(subprocess.run(words, capture_output=True, text=True).stderr)
    """
    done = isolated.script("--block-native --allow-native given", code)
    assert "PyInit_part" in done.stdout, done
