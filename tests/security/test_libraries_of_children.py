"""A standard library of the program's own making runs in no child: it would, before any guard could be there.

Evidence is a listener on loopback that is reached or not. Each way is proved in a plain run first.
"""

from __future__ import annotations

import os
import sys

import pytest

from _hermetic.pristine import now
from _hermetic.programs import library
from conftest import SOURCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="where CPython looks on Linux")

VERSION = "python%d.%d" % sys.version_info[:2]
BASE = os.path.realpath(sys.executable)
LIBRARY = os.path.dirname(os.__file__)
# Says whether it is guarded.
CHILD = """
import socket
mine = socket.socket()
mine.bind(('127.0.0.1', 0))
try:
    socket.socket().connect(mine.getsockname())
except ConnectionRefusedError:
    print('free')
except Exception as error:
    print('held' if type(error).__name__ == 'PolicyViolation' else repr(error))
"""


def knock(port: int) -> str:
    """Reaches the listener, and says nothing where it is refused."""
    return (
        "import _socket\nknock = _socket.socket(2, 1)\nknock.settimeout(5)\n"
        f"try: knock.connect(('127.0.0.1', {port}))\nexcept BaseException: pass\n"
    )


# `made()` makes a library that begins with the program's own code; PY is the file, WORDS its argv, HOW the rest.
HEAD = f"""
import glob, os, shutil, stat, subprocess, sys
BASE, LIBRARY, VERSION, CODE = {BASE!r}, {LIBRARY!r}, {VERSION!r}, {{code!r}}
PY, FIRST, HOW, OPTIONS = BASE, None, {{{{}}}}, []
def made(prefix, name="encodings/__init__.py"):
    folder = os.path.join(prefix, "lib", VERSION)
    os.makedirs(folder + "/encodings")
    for path in [*glob.glob(LIBRARY + "/*.py"), *glob.glob(LIBRARY + "/encodings/*.py")]:
        shutil.copy(path, folder + path.removeprefix(LIBRARY))
    for path in ("collections", "importlib", "re", "lib-dynload"):
        if os.path.isdir(LIBRARY + "/" + path):
            shutil.copytree(LIBRARY + "/" + path, folder + "/" + path)
    with open(folder + "/" + name) as file:
        text = file.read()
    with open(folder + "/" + name, "w") as file:
        file.write(text + "\\n" + CODE)
    return folder
def zipped(path):
    import zipfile
    with zipfile.ZipFile(path, "w") as archive:
        for file in glob.glob(LIBRARY + "/encodings/*.py"):
            with open(file) as opened:
                text = opened.read()
            archive.writestr("encodings/" + os.path.basename(file), text + (CODE if file.endswith("__init__.py") else ""))
def environment(home):
    os.makedirs("own/bin", exist_ok=True)
    # A copy: 3.10 follows a link before it looks for the file below.
    os.path.lexists("own/bin/python") or shutil.copy(BASE, "own/bin/python")
    with open("own/pyvenv.cfg", "w") as file:
        file.write("home = " + home + "\\n")
    return os.path.abspath("own/bin/python")
"""
# Said without a stream, which an interpreter lacks at first.
MINE = "import posix\nposix.write(1, b'mine\\n')"
START = """
done = subprocess.run([FIRST or PY, *OPTIONS, "-c", "print('the child ran')"], executable=PY, capture_output=True, text=True, **HOW)
print(done.stdout + done.stderr)
"""
WAYS = {
    "above a copy of the interpreter": "made('.')\nos.makedirs('deep/bin')\nPY = shutil.copy(BASE, os.path.abspath('deep/bin/tool'))\n",
    "home of an environment": "made('fake')\nos.makedirs('fake/bin')\nPY = environment(os.path.abspath('fake/bin'))\n",
    "home of an environment, isolated": "made('fake')\nos.makedirs('fake/bin')\nPY = environment(os.path.abspath('fake/bin'))\nOPTIONS = ['-IES']\n",
    "relative home": "made('fake')\nos.makedirs('fake/bin')\nPY = environment('fake/bin')\n",
    "home where the child begins": "made('fake')\nos.makedirs('fake/bin')\nPY = environment('../fake/bin')\nHOW = {'cwd': 'fake'}\n",
    "home by the process": "made('fake')\nos.makedirs('fake/bin')\nPY = environment('/proc/self/cwd/bin')\nHOW = {'cwd': 'fake'}\n",
    "home by a link": "made('fake')\nos.makedirs('fake/bin')\nos.symlink('fake', 'linked')\nPY = environment(os.path.abspath('linked/bin'))\n",
    "another module": "made('fake', 'os.py')\nos.makedirs('fake/bin')\nPY = environment(os.path.abspath('fake/bin'))\nOPTIONS = ['-X', 'frozen_modules=off']\n",
    "a copy of the interpreter": "made('fake')\nos.makedirs('fake/bin')\nPY = shutil.copy(BASE, os.path.abspath('fake/bin/tool'))\n",
    "its hard link": "made('fake')\nos.makedirs('fake/bin')\nshutil.copy(BASE, 'copy')\nos.link('copy', 'fake/bin/tool')\nPY = os.path.abspath('fake/bin/tool')\n",
    "its name, which is nowhere": "made('fake')\nFIRST = os.path.abspath('fake/bin/python')\n",
    "its name, along PATH": "made('fake')\nos.makedirs('fake/bin')\nos.path.lexists('fake/bin/tool') or shutil.copy('/bin/true', 'fake/bin/tool')\nFIRST, HOW = 'tool', {'env': {**os.environ, 'PATH': os.path.abspath('fake/bin')}}\n",
    "its folder, for a name that is not found": "made('fake')\nFIRST, HOW = 'nowhere', {'cwd': 'fake'}\n",
    "its folder, set by what runs before it": "made('fake')\nFIRST, HOW = 'nowhere', {'preexec_fn': lambda: os.chdir('fake')}\n",
    "a relative name, after what runs before it": "made('fake')\nFIRST, HOW = './python', {'preexec_fn': lambda: os.chdir('fake')}\n",
    "first line of a script": "made('fake')\nos.makedirs('fake/bin')\nshutil.copy(BASE, 'fake/bin/tool')\nopen('script', 'w').write('#!' + os.path.abspath('fake/bin/tool') + ' -I\\n')\nos.chmod('script', 0o755)\nPY = FIRST = './script'\n",
    "zipped library": "os.makedirs('fake/bin')\nos.makedirs('fake/lib')\nzipped('fake/lib/' + VERSION.replace('.', '') + '.zip')\nmade_by = made('real')\nshutil.move(made_by, 'fake/lib')\nshutil.copy(LIBRARY + '/encodings/__init__.py', 'fake/lib/' + VERSION + '/encodings/__init__.py')\nPY = environment(os.path.abspath('fake/bin'))\n",
}


def arrange(isolated, way, port):
    isolated.write("t.py", HEAD.format(code=knock(port)) + WAYS[way] + START)


@pytest.mark.parametrize("way", WAYS)
def test_the_way_is_one(isolated, listener, way):
    port, reached = listener
    arrange(isolated, way, port)
    done = isolated.python("t.py", bare=True)
    assert reached(), done


@pytest.mark.parametrize("options", ["--no-network --kernel=off", "--no-network --seal --kernel=off"])
@pytest.mark.parametrize("way", WAYS)
def test_a_library_that_the_program_wrote_runs_nothing(isolated, listener, way, options):
    port, reached = listener
    arrange(isolated, way, port)
    done = isolated.foreign(options, sys.executable, "t.py")
    assert not reached(), done
    refused = "subprocess disabled: subprocess.Popen" in done.stderr and "standard library" in done.stderr
    # Where argv[0] is no interpreter's name, the child finds the real library and runs, guarded.
    assert refused or "the child ran" in done.stdout or "hermetic: error" in done.stdout, done


# --- grown during the run ---

CHILD_OF_A_CHILD = """
open("inner.py", "w").write("import subprocess\\n" + f"PY, FIRST, HOW, OPTIONS = {PY!r}, None, {{}}, []\\n" + START)
print(subprocess.run([sys.executable, "inner.py"], capture_output=True, text=True))
"""


def test_what_a_parent_made_is_known_to_its_children(isolated, listener):
    """The time that counts is that of the first guards."""
    port, reached = listener
    text = HEAD.format(code=knock(port)) + WAYS["a copy of the interpreter"] + f"START = {START!r}\n" + CHILD_OF_A_CHILD
    isolated.write("t.py", text)
    done = isolated.foreign("--no-network --kernel=off", sys.executable, "t.py")
    assert not reached(), done
    assert "standard library" in done.stdout, done


def test_in_a_block_it_is_its_time_that_counts(isolated):
    """What the program made before is its own affair."""
    block = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True):\n"
    code = HEAD.format(code=MINE) + WAYS["a copy of the interpreter"]
    inside = "".join(f"    {line}\n" for line in START.splitlines())
    outside = isolated.code(code + "import time; time.sleep(0.1)\n" + block + inside)
    assert outside.stdout == "mine\nthe child ran\n\n", outside
    isolated.python("-c", "import shutil; shutil.rmtree('fake')")
    within = "".join(f"    {line}\n" for line in WAYS["a copy of the interpreter"].splitlines())
    done = isolated.code(HEAD.format(code=MINE) + block + within + inside)
    assert "PolicyViolation: subprocess disabled: subprocess.Popen" in done.stderr, done
    assert "mine" not in done.stdout


# --- what was there before ---

BEFORE = "made('fake')\nos.makedirs('fake/bin')\nshutil.copy(BASE, 'fake/bin/tool')\n"


@pytest.fixture
def installed(isolated):
    """The path of an interpreter with a library of its own, older than what is run next."""
    isolated.write("make.py", HEAD.format(code="") + BEFORE)
    assert isolated.python("make.py", bare=True).code == 0
    isolated.python("-c", "import time; time.sleep(0.1)")
    return str(isolated.folder / "fake" / "bin" / "tool")


def starting(isolated, tool, body="", code=CHILD, options="--no-network --seal --kernel=off", rest=""):
    isolated.write("child.py", code)
    start = f"done = subprocess.run([{tool!r}, 'child.py'], capture_output=True, text=True)\nprint(done.stdout + done.stderr)\n"
    isolated.write("t.py", HEAD.format(code=MINE) + body + start + rest)
    return isolated.foreign(options, sys.executable, "t.py", env={"PYTHONDONTWRITEBYTECODE": None})


def test_an_older_installation_is_one(isolated, installed):
    assert starting(isolated, installed).stdout == "held\n\n"


@pytest.mark.parametrize("options", ["", "--copies"])
def test_an_environment_made_now_is_one(isolated, options):
    make = f"subprocess.run([BASE, '-m', 'venv', '--without-pip', *{options.split()!r}, 'made'], check=True)\n"
    done = starting(isolated, str(isolated.folder / "made/bin/python"), make)
    assert done.stdout == "held\n\n", done


def test_a_copy_under_another_name_is_one(isolated):
    copy = "os.mkdir('x')\nshutil.copy(BASE, 'x/tool')\nos.link('x/tool', 'x/hard')\nos.symlink('x/tool', 'link')\n"
    for name in ("x/tool", "x/hard", "link"):
        assert starting(isolated, "./" + name, copy).stdout == "held\n\n"
        isolated.python("-c", "import os, shutil; shutil.rmtree('x'); os.remove('link')")


CHANGES = {
    "a file": "open(f'fake/lib/{VERSION}/os.py', 'a').write('\\n' + CODE)\n",
    "a file, with its time": "path = f'fake/lib/{VERSION}/encodings/aliases.py'\nold = os.stat(path)\nopen(path, 'a').write('\\n' + CODE)\nos.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))\n",
    "a file in another's place": "open('x', 'w').write(CODE)\nos.replace('x', f'fake/lib/{VERSION}/encodings/utf_8.py')\n",
    "a link": "os.remove(f'fake/lib/{VERSION}/encodings/utf_8.py')\nos.symlink(LIBRARY + '/encodings/ascii.py', f'fake/lib/{VERSION}/encodings/utf_8.py')\n",
    "a folder that comes first": "os.mkdir(f'fake/lib/{VERSION}/stat')\nopen(f'fake/lib/{VERSION}/stat/__init__.py', 'w').write(CODE)\n",
    "a package's folder": "os.mkdir(f'fake/lib/{VERSION}/encodings/aliases')\nopen(f'fake/lib/{VERSION}/encodings/aliases/__init__.py', 'w').write(CODE)\n",
    "C modules": "name = os.path.basename(glob.glob(LIBRARY + '/lib-dynload/mmap.*')[0])\nshutil.copy('/bin/true', f'fake/lib/{VERSION}/lib-dynload/{name}')\n",
    "an archive": "zipped('fake/lib/' + VERSION.replace('.', '') + '.zip')\n",
    "a list of folders": "open('fake/bin/tool._pth', 'w').write('../lib/' + VERSION)\n",
    "a mark of a build": "open('fake/bin/pybuilddir.txt', 'w').write('x')\n",
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_older_library_that_the_program_changed_is_none(isolated, installed, change):
    done = starting(isolated, installed, CHANGES[change])
    assert "mine" not in done.stdout, done
    assert "standard library that is as it was when the guards started" in done.stderr, done


FORGE = """
import importlib.util, marshal
for name in ("os", "stat", "encodings/aliases", "encodings/__init__"):
    source = os.path.abspath(f"fake/lib/{VERSION}/{name}.py")
    found, cached = os.stat(source), importlib.util.cache_from_source(source)
    head = importlib.util.MAGIC_NUMBER + bytes(4) + int(found.st_mtime).to_bytes(4, "little") + found.st_size.to_bytes(4, "little")
    os.makedirs(os.path.dirname(cached), exist_ok=True)
    with open(cached, "wb") as file:
        file.write(head + marshal.dumps(compile(CODE, source, "exec")))
"""


def test_bytecode_that_is_not_to_be_believed_is_not_read(isolated, installed):
    """An interpreter writes what it lacks, in a run as at any time: what is new is no reason to refuse."""
    show = "import sys; print(sys.pycache_prefix, sys._xoptions, sys.flags)\n"
    again = "subprocess.run(['./fake/bin/tool', 'child.py'])\n"
    done = starting(isolated, installed, FORGE, CHILD + show, rest=again)
    shown = done.stdout.split("held\n")[1:]
    assert "mine" not in done.stdout, done
    assert len(shown) == 2, done
    assert shown[0].strip().startswith("None {} sys.flags("), done
    assert shown[0].strip() == shown[1].strip()


def test_home_of_the_users_own_is_one(isolated, installed):
    code = (
        "import subprocess, sys\nprint(subprocess.run([sys.executable, 'child.py'], capture_output=True, text=True))\n"
    )
    isolated.write("child.py", CHILD)
    isolated.write("t.py", code)
    home = {"PYTHONHOME": str(isolated.folder / "fake")}
    done = isolated.run([installed, "-c", LAUNCH, "t.py"], env=home, bare=True)
    assert "held" in done.stdout, done


LAUNCH = (
    f"import sys; sys.path.insert(0, {str(SOURCE)!r}); sys.argv[1:1] = ['--no-network', '--'];"
    "from hermetic.__main__ import program; sys.exit(program())"
)


# --- the table ---

SHOWN = """
import sys
print(sorted({module.__file__ for module in list(sys.modules.values()) if (getattr(module, "__file__", None) or "").startswith(%r)}))
"""
OPTIONS = (
    [],
    ["-X", "dev"],
    ["-W", "error"],
    ["-OO"],
    ["-X", "frozen_modules=off"],
    ["-X", "tracemalloc"],
    ["-I", "-S"],
)


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_every_module_that_comes_first_is_in_the_table(isolated, options):
    """As many as there are when the program begins: some of them have come under the guards already."""
    known = {LIBRARY + part + name + ".py" for part, names in library.FIRST for name in names}
    dynamic = set(library.FIRST_EXTENSIONS)
    isolated.write("child.py", SHOWN % (LIBRARY + "/"))
    isolated.write("t.py", f"import subprocess, sys\nsubprocess.run([sys.executable, *{options!r}, 'child.py'])\n")
    for families in ("--no-network --kernel=off", EVERYTHING):
        done = isolated.foreign(families, sys.executable, "t.py")
        for path in eval(done.stdout):
            # A start-up file, which some systems keep in the library, has run under the guards.
            if "/site-packages/" not in path and os.path.basename(path) != "sitecustomize.py":
                assert path in known or os.path.basename(path).partition(".")[0] in dynamic, path


EVERYTHING = (
    "--no-network --fs-readonly=/ --no-environment=unset --no-code-exec --no-interpreter-mutation --block-native "
    "--deny-import=colorsys --seal --kernel=off"
)


def test_where_every_process_finds_something_else(tmp_path):
    (tmp_path / "link").symlink_to("/proc/self/cwd")
    (tmp_path / "chain").symlink_to("link/bin")
    (tmp_path / "round").symlink_to("round")
    for name in ("/proc/self/cwd/bin", f"{tmp_path}/link/lib", f"{tmp_path}/chain", f"{tmp_path}/round", "/dev/fd/3"):
        assert library.is_by_process(name), name
    for name in (f"{tmp_path}/x/../link2", str(tmp_path), "/", "/procedures", sys.executable):
        assert not library.is_by_process(name), name


def test_a_file_is_young_by_a_time_that_only_the_system_sets(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    assert not library.is_young(str(path), now() + 1_000_000_000)
    began = now()
    path.write_text("x")
    os.utime(path, ns=(0, 0))
    assert library.is_young(str(path), began)
    assert not library.is_young(str(tmp_path / "none"), 0)


@pytest.mark.parametrize(("length", "believed"), [(library.LONGEST_LINE, True), (library.LONGEST_LINE + 1, False)])
def test_a_line_that_c_would_read_in_two_is_not_believed(tmp_path, length, believed):
    (tmp_path / "bin").mkdir()
    config = tmp_path / "pyvenv.cfg"
    config.write_text("home = /elsewhere".ljust(length) + "\n")
    starts: dict[str, int] = {}
    found = library.find_starts(0, (f"{tmp_path}/bin/python",), "", starts, {})
    assert found == ("" if believed else str(config))
    assert ("/elsewhere" in starts) is believed
