"""Nothing that a program wrote runs in its children before the guards: what an interpreter loads by itself runs under them.

Evidence is a listener on loopback that is reached or not, from code that no Python patch could stop. Each way is
proved in a plain run first.
"""

from __future__ import annotations

import os
import sys
from importlib.util import cache_from_source

import pytest
from starts import HEAD as CHILDREN_HEAD
from starts import STARTS, available

from conftest import HAS_SITECUSTOMIZE, SOURCE, no_sitecustomize

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the layout of a POSIX environment")

VERSION = "python%d.%d" % sys.version_info[:2]
BASE = os.path.join(sys.base_prefix, "bin", VERSION)


def knock(port: int) -> str:
    """Reaches the listener, in one line, and says nothing where it is refused."""
    return (
        "import _socket\nknock = _socket.socket(2, 1)\nknock.settimeout(5)\n"
        f"try: knock.connect(('127.0.0.1', {port}))\nexcept BaseException: pass\n"
    )


MAKE_VENV = """
import os, sys
base = os.path.realpath(sys.executable)
os.makedirs(f"own/bin"), os.makedirs(f"own/lib/{version}/site-packages")
os.symlink(base, "own/bin/python")
with open("own/pyvenv.cfg", "w") as file:
    file.write(f"home = {os.path.dirname(base)}\\ninclude-system-site-packages = false\\n")
PY = os.path.abspath("own/bin/python")
PACKAGES = f"own/lib/{version}/site-packages"
"""
# Each prepares what its child loads by itself: PY is the interpreter, WORDS its options, ENV its variables.
WAYS = {
    "pth of an own environment": MAKE_VENV
    + "open(PACKAGES + '/evil.pth', 'w').write('import evil\\n')\nput(PACKAGES + '/evil.py')\n",
    "code in a pth": MAKE_VENV + "open(PACKAGES + '/evil.pth', 'w').write(f'import sys; exec({CODE!r})\\n')\n",
    "sitecustomize of an own environment": MAKE_VENV + "put(PACKAGES + '/sitecustomize.py')\n",
    "sitecustomize that is a package": MAKE_VENV
    + "os.mkdir(PACKAGES + '/sitecustomize')\nput(PACKAGES + '/sitecustomize/__init__.py')\n",
    "path in a pth": MAKE_VENV
    + "os.mkdir('more')\nput('more/sitecustomize.py')\nopen(PACKAGES + '/more.pth', 'w').write(os.path.abspath('more') + '\\n')\n",
    "packages of another folder": MAKE_VENV
    + "open('own/pyvenv.cfg', 'a').write('include-system-site-packages = true\\n')\nput(PACKAGES + '/sitecustomize.py')\n",
    "usercustomize of another home": "os.makedirs(f'.local/lib/{version}/site-packages')\nput(f'.local/lib/{version}/site-packages/usercustomize.py')\nPY, ENV = BASE, {**os.environ, 'HOME': os.getcwd()}\n",
    "pth of another home": "os.makedirs(f'.local/lib/{version}/site-packages')\nopen(f'.local/lib/{version}/site-packages/x.pth', 'w').write(f'import os; exec({CODE!r})\\n')\nPY, ENV = BASE, {**os.environ, 'HOME': os.getcwd()}\n",
    "sitecustomize on PYTHONPATH": "put('shared/sitecustomize.py')\n",
    "encodings on PYTHONPATH": "os.mkdir('shared/encodings')\nput('shared/encodings/__init__.py')\n",
    "module that site needs on PYTHONPATH": "put('shared/locale.py')\n"
    + MAKE_VENV
    + "open(PACKAGES + '/bytes.pth', 'wb').write(b'caf\\xe9\\n')\n",
    "category of a warning": "put('shared/warned.py')\nWORDS = ['-W', 'ignore::warned.Category']\n",
    "category in a variable": "put('shared/warned.py')\n",
    "browser of a warning": "import stat\nopen('browser', 'w').write('#!' + sys.executable + ' -IS\\n' + CODE)\nos.chmod('browser', 0o755)\nWORDS, ENV = ['-W', 'ignore::antigravity.Category'], {**os.environ, 'BROWSER': os.path.abspath('browser')}\n",
    "cached bytecode by an option": "forge('cache', 'encodings')\nWORDS = ['-X', 'pycache_prefix=' + os.path.abspath('cache')]\n",
    "cached bytecode of the guards by an option": "forge('cache', 'core')\nWORDS = ['-X', 'pycache_prefix=' + os.path.abspath('cache')]\n",
    "cached bytecode by the variable of the start": "forge('prefix', 'encodings')\n",
    "cached bytecode of the guards by the variable of the start": "forge('prefix', 'core')\n",
}
# Ways that need no child but the plain run's own kind of evidence: hermetic's files are in no plain run.
WITHOUT_PLAIN = {
    "cached bytecode of the guards by an option",
    "cached bytecode of the guards by the variable of the start",
}
VARIABLES = {
    "category in a variable": {"PYTHONWARNINGS": "ignore::warned.Category"},
    "cached bytecode by the variable of the start": {"PYTHONPYCACHEPREFIX": "prefix"},
    "cached bytecode of the guards by the variable of the start": {"PYTHONPYCACHEPREFIX": "prefix"},
}
HEAD = """
import glob, importlib.util, marshal, os, subprocess, sys
version, BASE, PY, WORDS, ENV, CODE = {version!r}, {base!r}, sys.executable, [], None, {code!r}
def put(name):
    with open(name, "w") as file:
        file.write(CODE)
def forge(folder, what):
    # Bytecode that says it belongs to the source file, and does something else.
    import encodings
    files = [encodings.__file__] if what == "encodings" else glob.glob({core!r} + "/**/*.py", recursive=True)
    for file in files:
        found = os.stat(file)
        sys.pycache_prefix, before = os.path.abspath(folder), sys.pycache_prefix
        name = importlib.util.cache_from_source(file)
        sys.pycache_prefix = before
        head = importlib.util.MAGIC_NUMBER + bytes(4) + int(found.st_mtime).to_bytes(4, "little") + (found.st_size & 0xFFFFFFFF).to_bytes(4, "little")
        try:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as out:
                out.write(head + marshal.dumps(compile(CODE, file, "exec")))
        except OSError as error:
            print("not written", error)
"""
START = """
open("child.py", "w").write("print('the child ran')")
done = subprocess.run([PY, *WORDS, "child.py"], env=ENV, capture_output=True, text=True)
print(done.stdout + done.stderr)
"""


def prepare(isolated, way, port):
    (isolated.folder / "shared").mkdir()
    head = HEAD.format(version=VERSION, base=BASE, code=knock(port), core=str(SOURCE / "_hermetic"))
    isolated.write("t.py", head + WAYS[way] + START)
    return {
        "PYTHONPATH": str(isolated.folder / "shared"),
        **{
            name: str(isolated.folder / value) if value == "prefix" else value
            for name, value in VARIABLES.get(way, {}).items()
        },
    }


@pytest.mark.parametrize("way", [way for way in WAYS if way not in WITHOUT_PLAIN])
def test_the_way_is_one(isolated, listener, way):
    port, reached = listener
    env = prepare(isolated, way, port)
    done = isolated.python("t.py", env=env, bare=True)
    if HAS_SITECUSTOMIZE and "sitecustomize" in WAYS[way] and "shared/" not in WAYS[way]:
        pytest.skip("this Python's library has a sitecustomize of its own")
    if way == "module that site needs on PYTHONPATH" and not reached():
        pytest.skip("this version's site needs none")
    assert way == "module that site needs on PYTHONPATH" or reached(), done


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_program_wrote_runs_under_the_guards(isolated, listener, way, options):
    port, reached = listener
    env = prepare(isolated, way, port)
    done = isolated.foreign(options, sys.executable, "t.py", env=env)
    assert not reached(), done
    # Where it takes the place of what an interpreter needs, nothing of the program's may run.
    assert "the child ran" in done.stdout or "hermetic: error" in done.stdout, done


ALL_STARTS = """
import json
for name, code in {starts!r}.items():
    names = dict(globals())
    try:
        exec(code, names)
        names["start"]()
    except BaseException as error:
        print(name, type(error).__name__, error)
print("all were started")
"""


def test_in_every_way_to_start_a_child(isolated, listener):
    """Under a seal: without one, what a shell starts finds the guards by variables, and so after its start-up files."""
    port, reached = listener
    prepare(isolated, "sitecustomize of an own environment", port)
    text = (isolated.folder / "t.py").read_text().removesuffix(START)
    starts = {name: code for name, code in STARTS.items() if available(name)}
    body = CHILDREN_HEAD.replace("PY, CODE = sys.executable, ", "CODE = ") + ALL_STARTS.format(starts=starts)
    isolated.write("t.py", text + "open(PACKAGES + '/evil.pth', 'w').write(f'import sys; exec({CODE!r})\\n')\n" + body)
    done = isolated.foreign("--no-network --seal", sys.executable, "t.py")
    assert done.stdout.splitlines()[-1] == "all were started", done
    assert not reached(), done


# What a start-up file tries, under the option that takes it away; each ends with "held" or "free".
FAMILIES = {
    "--no-environment": "import os; done = os.environ.get('PATH_OF_MINE') or open(f'/proc/{os.getppid()}/environ').read()",
    "--no-code-exec": "done = eval('1 + 1')",
    "--block-native": "import ctypes",
    "--deny-import=colorsys": "import colorsys",
    "--no-network": "import socket; socket.socketpair()",
}


@pytest.mark.parametrize("file", [pytest.param("sitecustomize.py", marks=no_sitecustomize), "x.pth"])
@pytest.mark.parametrize("option", FAMILIES)
def test_every_family_holds_there(isolated, option, file):
    code = (
        f"try:\n    {FAMILIES[option]}\n    print('free')\nexcept BaseException as error: print('held', type(error))\n"
    )
    isolated.write("tried.py", code)
    head = HEAD.format(version=VERSION, base=BASE, code=code, core="")
    write = MAKE_VENV + (
        "put(PACKAGES + '/tried.py')\nopen(PACKAGES + '/x.pth', 'w').write('import tried\\n')\n"
        if file == "x.pth"
        else "put(PACKAGES + '/sitecustomize.py')\n"
    )
    isolated.write("t.py", head + write + START)
    plain = isolated.python("t.py", bare=True, env={"PATH_OF_MINE": "x"})
    assert "free" in plain.stdout.splitlines(), plain
    isolated.python("-c", "import shutil; shutil.rmtree('own')")
    done = isolated.foreign(option, sys.executable, "t.py", env={"PATH_OF_MINE": "x"})
    assert "held" in done.stdout, done
    assert "free" not in done.stdout, done


def test_forged_bytecode_is_where_the_interpreter_looks():
    """The tests above rest on it."""
    assert cache_from_source("/a/b.py").endswith("b.%s.pyc" % sys.implementation.cache_tag)


def test_own_bytecode_cannot_be_written_where_the_user_has_it_lie(isolated):
    """The next run of hermetic would load it from there."""
    code = """
    import importlib.util, os, _hermetic, hermetic, json
    for file, writable in ((_hermetic.__file__, False), (hermetic.__file__, False), (json.__file__, True)):
        name = importlib.util.cache_from_source(file)
        try:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            open(name, "ab").close()
            print("written", writable)
        except OSError as error:
            print("kept", not writable, type(error).__name__)
    import hermetic.decorate
    """
    env = {"PYTHONPYCACHEPREFIX": str(isolated.folder / "prefix"), "PYTHONDONTWRITEBYTECODE": None}
    done = isolated.script("--no-network --strict", code, env=env)
    assert done.stdout.splitlines() == ["kept True PermissionError", "kept True PermissionError", "written True"], done
    # Python that caches bytecode there and may not is no blocked act of the program's.
    assert done.code == 0, done


def test_what_a_line_is_refused_is_told_without_frames_of_ours(isolated, listener):
    env = prepare(isolated, "code in a pth", listener[0])
    text = (isolated.folder / "t.py").read_text("utf-8").replace("exec({CODE!r})", "print(1); exec(str(2))")
    isolated.write("t.py", text)
    done = isolated.foreign("--no-code-exec --kernel=off", sys.executable, "t.py", env=env)
    assert "Error processing line 1 of " in done.stdout and "dynamic code execution disabled: exec" in done.stdout, done
    assert "the child ran" in done.stdout and f"_hermetic{os.sep}" not in done.stdout, done
