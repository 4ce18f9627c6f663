"""What a program without writes may go on doing, and what Python itself reads under a root."""

from __future__ import annotations

import os
import pickle
import sqlite3
import sys
from types import SimpleNamespace

import pytest

from _hermetic.enforce.doors import memory

SAME_OPEN = """
import io, os, pathlib
def error(act):
    try:
        return act()
    except Exception as raised:
        return type(raised).__name__, getattr(raised, "errno", None), getattr(raised, "filename", None)
for kind in (str, os.fsencode, pathlib.Path):
    file = open(kind("in.txt"))
    print(file.name, file.mode, file.read(), type(file).__name__, file.buffer.raw.closefd, file.encoding)
    file.close()
for how in (dict(mode="rb"), dict(mode="rb", buffering=0), dict(mode="rt", newline=""), dict(encoding="latin-1"),
            dict(errors="ignore")):
    with open("in.txt", **how) as file:
        print(file.name, file.mode, repr(file.read()), type(file).__name__)
with open("in.txt", "r", -1, "utf-8", None, None, True, None) as file:
    print(file.read())
with open("in.txt", opener=lambda path, flags: os.open(path, flags)) as file:
    print(file.read(), file.name)
with open(os.open("in.txt", os.O_RDONLY)) as file:
    print(file.read())
for act in (lambda: open("nothing"), lambda: open("."), lambda: open("in.txt", "q"), lambda: open("loop"),
            lambda: open(3.5), lambda: open("in.txt", "r", 0), lambda: open("in.txt", encoding="nonsense"),
            lambda: open("in.txt/x"), lambda: open("in.txt", closefd=False), lambda: os.open("nothing", 0),
            lambda: os.open("link", os.O_NOFOLLOW), lambda: os.open("in.txt", os.O_DIRECTORY), lambda: open("a" * 300),
            lambda: open("a\\0b"), lambda: open(b"")):
    print(error(act))
number = os.open("link", os.O_RDONLY)
print(type(number) is int, os.get_inheritable(number), os.read(number, 9))
print(os.read(os.open("in.txt", os.O_RDONLY, 0o600, dir_fd=os.open(".", os.O_RDONLY | os.O_DIRECTORY)), 9))
print(sorted(os.listdir()), sorted(entry.name for entry in os.scandir(b".")))
class Holder:
    reader, opener = open, os.open
print(Holder().reader("in.txt").read(), os.read(Holder().opener("in.txt", 0), 2))
print(open is io.open, pathlib.Path("in.txt").read_text(), list(pathlib.Path(".").glob("*.txt")))
"""


@pytest.mark.parametrize(
    "options", ("--fs-readonly", "--fs-readonly=.", "--fs-readonly=/", "--fs-readonly=. --report-only")
)
def test_reading_is_the_same(isolated, options):
    isolated.write("in.txt", "text")
    (isolated.folder / "link").symlink_to("in.txt")
    (isolated.folder / "loop").symlink_to("loop")
    isolated.write("target.py", SAME_OPEN)
    plain = isolated.python("./target.py")
    guarded = isolated.cli(*options.split(), "--", "./target.py")
    assert plain.code == 0, plain
    assert (guarded.code, guarded.stdout) == (0, plain.stdout), guarded


def test_temporary_files_without_a_name_live_in_memory(isolated):
    code = """
        import tempfile
        for how in ({}, {"mode": "w+", "encoding": "utf-8", "newline": ""}, {"dir": "."}, {"mode": "r+b", "buffering": 0}):
            with tempfile.TemporaryFile(**how) as file:
                text = "mode" in how and "b" not in how["mode"]
                file.write("abc" if text else b"abc")
                file.seek(0)
                assert file.read() == ("abc" if text else b"abc")
                file.truncate(1)
        with tempfile.SpooledTemporaryFile(max_size=3) as file:
            file.write(b"x" * 9)
            file.seek(0)
            assert len(file.read()) == 9 and file._rolled
        assert tempfile.gettempdir()
        for act in (tempfile.NamedTemporaryFile, tempfile.mkstemp, tempfile.mkdtemp, tempfile.TemporaryDirectory):
            try:
                act()
            except PermissionError as error:
                assert "temporary files" in error.remedy, error.remedy
            else:
                raise SystemExit(act)
    """
    for options in ("--fs-readonly", "--fs-readonly=."):
        done = isolated.script(options, code)
        assert done.code == 0, done


POOL = """
import concurrent.futures, multiprocessing, sys
def square(number): return number * number
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(square, [1, 2])) == [1, 4]
    value, array, lock = context.Value("i", 3), context.Array("d", [1, 2]), context.Lock()
    with lock:
        value.value += 1
    assert (value.value, array[:]) == (4, [1, 2])
"""


@pytest.mark.parametrize("method", ("fork", "spawn"))
@pytest.mark.parametrize("options", ("--fs-readonly", "--fs-readonly=."))
def test_pools_of_processes(isolated, method, options):
    done = isolated.script(options, POOL, method)
    assert done.code == 0, done


PYTHONS_OWN = """
import importlib.metadata, importlib.resources, json, linecache, mimetypes, os, ssl, zoneinfo
assert open("/dev/urandom", "rb").read(3) and not open(os.devnull).read()
assert importlib.metadata.version("pytest")
assert importlib.resources.files("pytest").joinpath("py.typed").read_bytes() is not None
assert zoneinfo.ZoneInfo("Europe/Berlin")
assert mimetypes.guess_type("x.html")[0] == "text/html"
ssl.create_default_context()
assert linecache.getlines(json.__file__)
assert open("/proc/self/status").read()
import neighbour
assert neighbour.VALUE == 5
try:
    open(os.path.join(os.path.dirname(neighbour.__file__), "data.txt"))
except PermissionError:
    pass
else:
    raise SystemExit("only modules are readable beside the program")
"""


def test_python_itself_reads_what_it_needs(isolated):
    isolated.write("neighbour.py", "VALUE = 5")
    isolated.write("data.txt", "")
    (isolated.folder / "root").mkdir()
    assert isolated.script("--fs-readonly=root", PYTHONS_OWN).code == 0
    # --strict counts what a program swallowed: the one refusal is the attempt at the end.
    done = isolated.script("--fs-readonly=root --strict", PYTHONS_OWN)
    assert (done.code, "data.txt" in done.stderr, "more)" in done.stderr) == (2, True, False), done


def test_showing_an_error_of_code_without_a_file_is_no_read(isolated):
    """3.10 looks for a file ``<string>`` along the whole of sys.path."""
    code = "class A:\n    def __del__(self): 1 / 0\nA()\n"
    done = isolated.cli("--fs-readonly=.", "--strict", "--trace", "--", sys.executable, "-c", code)
    assert (done.code, "ZeroDivisionError: division by zero" in done.errors) == (0, True), done
    isolated.write("<string>", "there\n")
    done = isolated.cli("--fs-readonly=/usr", "--", sys.executable, "-c", "open('<string>')")
    assert f"hermetic: blocked action: read outside sandbox root: {isolated.folder / '<string>'}" in done.stderr


def test_bytecode_is_not_written_and_nobody_speaks_of_it(isolated):
    isolated.write("neighbour.py", "VALUE = 5")
    code = "import sys, neighbour\nassert neighbour.VALUE == 5"
    done = isolated.script("--fs-readonly --trace --strict", code, env={"PYTHONDONTWRITEBYTECODE": None})
    assert (done.code, done.stderr) == (0, ""), done
    assert not (isolated.folder / "__pycache__").exists()


def test_bytecode_is_written_again_after_the_last_block(isolated):
    isolated.passes(
        """
        import sys
        from hermetic import hermetic_blocker
        first, second = hermetic_blocker(fs_readonly=True), hermetic_blocker(fs_readonly=True, fs_root=".")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert sys.dont_write_bytecode
        second.__exit__(None, None, None)
        assert not sys.dont_write_bytecode
        """,
        env={"PYTHONDONTWRITEBYTECODE": None},
    )


def test_blocks_with_roots_are_a_conjunction(isolated):
    isolated.write("a/b/deep.txt", "deep")
    isolated.write("a/high.txt", "high")
    isolated.write("other.txt", "other")
    isolated.passes("""
        from hermetic import hermetic_blocker
        plain = open
        def readable(path):
            try:
                return bool(open(path).read())
            except PermissionError:
                return False
        def seen(): return [readable(p) for p in ("a/b/deep.txt", "a/high.txt", "other.txt")]
        with hermetic_blocker(fs_readonly=True):
            assert open is plain
            assert seen() == [True, True, True]
            with hermetic_blocker(fs_readonly=True, fs_root="a"):
                assert seen() == [True, True, False]
                with hermetic_blocker(fs_readonly=True, fs_root="a/b"):
                    assert seen() == [True, False, False]
                with hermetic_blocker(fs_readonly=True, fs_root="/"):
                    assert seen() == [True, True, False]
            assert seen() == [True, True, True]
        assert open is plain
    """)


@pytest.mark.skipif(sys.platform != "linux", reason="where files are kept in memory")
def test_what_is_kept_of_a_block_makes_temporary_files_after_it(isolated):
    isolated.passes("""
        import os
        from hermetic import hermetic_blocker
        def place():
            with make() as file:
                return os.readlink(f"/proc/self/fd/{file.fileno()}")
        with hermetic_blocker(fs_readonly=True):
            from tempfile import TemporaryFile as make
            assert place().startswith("/memfd:"), place()
        assert not place().startswith("/memfd:"), place()
    """)


def test_report_only_reports_and_does_everything(isolated):
    isolated.write("root/x.txt", "x")
    code = """
        import os, sqlite3, tempfile
        open("new.txt", "w").close()
        os.mkfifo("fifo")
        sqlite3.connect("new.db").execute("create table t (x)")
        assert open("new.txt").read() == ""
        assert tempfile.TemporaryFile().write(b"x") == 1
    """
    done = isolated.script("--fs-readonly=root --report-only", code)
    assert done.code == 0, done
    assert {"new.txt", "fifo", "new.db"} <= {path.name for path in isolated.folder.iterdir()}
    assert "would block open" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names below /proc")
def test_the_macos_way_of_opening_holds_too(isolated):
    """It asks what was opened for its path; the same code runs here, with Linux telling the path."""
    isolated.write("root/x.txt", "x")
    isolated.write("secret.txt", "y")
    (isolated.folder / "root" / "leak").symlink_to("../secret.txt")
    isolated.passes("""
        from _hermetic.enforce.doors import files
        files.F_GETPATH = 1
        import os
        from hermetic import hermetic_blocker
        with hermetic_blocker(fs_readonly=True, fs_root="root"):
            held = [thing for thing in open.__func__.__code__.co_consts if getattr(thing, "__name__", "") == "open_asked"]
            assert len(held) == 1
            assert open("root/x.txt").read() == "x" and os.read(os.open("root/x.txt", 0), 1) == b"x"
            os.chdir("root")
            assert os.read(os.open("x.txt", 0), 1) == b"x"
            for act in (lambda: open("leak"), lambda: os.open("leak", 0), lambda: open("../secret.txt")):
                try:
                    act()
                except PermissionError:
                    pass
                else:
                    raise SystemExit("read outside")
    """)


LOWEST = """
import os
os.close(0)
print(os.open("in.txt", os.O_RDONLY))
os.close(0)
with open("in.txt") as file:
    print(file.fileno(), open("in.txt", "rb").fileno() - os.dup(1))
"""
AGAIN = """
import os
read, write = os.pipe()
os.write(write, b"piped")
with open(f"/dev/fd/{read}", "rb", 0) as file:
    print(file.read(5), file.name == f"/dev/fd/{read}", file.mode)
print(os.write(os.open(f"/proc/self/fd/{write}", os.O_WRONLY), b"more"), os.read(read, 9))
memory = os.memfd_create("m")
os.write(memory, b"kept")
print(open(f"/proc/self/fd/{memory}").read(), os.lseek(memory, 0, os.SEEK_CUR))
with open(f"/proc/{os.getpid()}/fd/{memory}", "w") as file:
    file.write("new")
print(os.pread(memory, 9, 0))
with open(f"/dev/fd/{memory}", "a") as file:
    file.write("er")
print(os.pread(memory, 9, 0))
with open(f"/dev/fd/{memory}", "r+") as file:
    print(file.read())
held = open("in.txt")
print(held.read(1), open(f"/dev/fd/{held.fileno()}").read(1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memfd, /proc")
@pytest.mark.parametrize("code", (LOWEST, AGAIN), ids=("lowest", "again"))
@pytest.mark.parametrize("options", ("--fs-readonly=.", "--fs-readonly=. --seal"))
def test_descriptors_are_what_they_are_in_a_plain_run(isolated, options, code):
    isolated.write("in.txt", "text")
    plain = isolated.python(str(isolated.write("target.py", code)))
    assert plain.code == 0, plain
    done = isolated.script(options, code)
    assert (done.code, done.stdout) == (0, plain.stdout), done


@pytest.mark.parametrize("place", ["process", "sealed", "block"])
def test_modules_of_packages_beside_a_script_outside_the_root_are_imported(isolated, place):
    isolated.write("code/below/__init__.py", "")
    isolated.write("code/below/deeper/__init__.py", "")
    isolated.write("code/below/deeper/still.py", "print('imported')")
    (isolated.folder / "open").mkdir()
    code = "import below.deeper.still"
    if place == "block":
        code = f"from hermetic import hermetic_blocker\nwith hermetic_blocker(fs_readonly=True, fs_root='open'): {code}"
    isolated.write("code/target.py", code)
    options = ["--fs-readonly=open", *(["--seal"] if place == "sealed" else [])]
    done = isolated.python("code/target.py") if place == "block" else isolated.cli(*options, "--", "code/target.py")
    assert (done.code, done.stdout) == (0, "imported\n"), done


@pytest.mark.parametrize("words", ["", "--deny-write=elsewhere", "--fs-readonly --allow-write=/", "--seal"])
def test_hermetics_own_bytecode_is_not_written_and_nobody_speaks_of_it(isolated, words):
    """Its modules are loaded when they are needed, and whoever installed it may have compiled none of them."""
    copy = isolated.copy_hermetic("lib")
    isolated.write(
        "target.py",
        "from hermetic import hermetic_blocker\n"
        "with hermetic_blocker(block_network=True), hermetic_blocker(deny_write=['elsewhere']):\n"
        "    import hermetic.doctor, hermetic.policies.why\n",
    )
    start = (
        f"import sys; sys.path.insert(0, {str(copy)!r}); from hermetic.cli import program; "
        f"sys.argv = ['hermetic', '--no-network', '--trace', '--strict', *{words.split()!r}, '--', './target.py']; sys.exit(program())"
    )
    done = isolated.run([sys.executable, "-c", start], env={"PYTHONDONTWRITEBYTECODE": None, "PYTHONPATH": str(copy)})
    assert (done.code, done.stderr) == (0, ""), done


@pytest.mark.parametrize("options", ["--fs-readonly=.", "--fs-readonly", "--seal --fs-readonly=."])
def test_functions_are_pickled_and_copied_as_ever(isolated, options):
    code = """
    import copy, os, pickle, signal, sqlite3
    for function in (open, os.open, os.mkfifo, os.mknod, os.readlink, os.remove, sqlite3.connect, signal.signal):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(function, protocol)) is function, function
        assert copy.copy(function) == function == copy.deepcopy([function])[0], function
    print(pickle.dumps((open, os.mkfifo, sqlite3.connect)).hex())
    """
    done = isolated.script(options, code)
    assert done.code == 0, done.stderr
    # A process without hermetic finds its own.
    assert pickle.loads(bytes.fromhex(done.stdout)) == (open, os.mkfifo, sqlite3.connect)


@pytest.mark.parametrize(
    ("judged", "given", "expected"),
    [
        (None, ["WRITABLE"], "as ever"),
        ("private", ["WRITABLE"], "private"),
        (PermissionError(), ["MISSING", "WRITABLE"], "WRITABLE"),
        (PermissionError(), [], "LISTED"),
        (PermissionError(), None, "LISTED"),
        (PermissionError(), ["MISSING"], "as ever"),
    ],
    ids=["no policy", "a private one", "the first", "none given", "no argument", "none there"],
)
def test_where_temporary_files_go(monkeypatch, tmp_path, judged, given, expected):
    """tempfile tries its candidates by writing to them; where that is refused, the first that could be written is it."""
    places = {"WRITABLE": str(tmp_path), "LISTED": str(tmp_path / "listed"), "MISSING": str(tmp_path / "missing")}
    (tmp_path / "listed").mkdir()
    # As bind() puts it in their place.
    monkeypatch.setattr(memory, "JUDGE", lambda *asked: judged)
    monkeypatch.setattr(memory, "BOX", [lambda *asked: "as ever"])
    listed = SimpleNamespace(_candidate_tempdir_list=lambda: [places["MISSING"], places["LISTED"]])
    monkeypatch.setattr(memory, "MODULES", {"tempfile": listed})
    asked = () if given is None else ([places[name] for name in given],)
    assert memory.first_folder(*asked) == places.get(expected, expected)


@pytest.mark.parametrize("options", ["--fs-readonly=. --allow-write .", "--seal --fs-readonly=. --allow-write ."])
def test_functions_are_found_by_pickles_that_take_methods_apart(isolated, options):
    """As dill does for pylint -j, and cloudpickle for joblib: neither asks a method for its own way."""
    code = """
    import copyreg, io, os, pickle, signal, sqlite3, sys, types

    def put_together(function, owner):
        return types.MethodType(function, owner)

    class Pickler(pickle.Pickler):
        dispatch_table = copyreg.dispatch_table.copy()
        dispatch_table[types.MethodType] = lambda method: (put_together, (method.__func__, method.__self__))

    for function in (open, os.open, os.chmod, os.utime, sqlite3.connect, signal.signal, signal.getsignal):
        if type(function) is types.MethodType:
            there = sys.modules[function.__module__]
            for name in function.__qualname__.split("."):
                there = getattr(there, name)
            assert there is function.__func__, function
            assert pickle.loads(pickle.dumps(there)) is there, function
        for protocol in (4, 5):
            stream = io.BytesIO()
            Pickler(stream, protocol).dump(function)
            loaded = pickle.loads(stream.getvalue())
            assert loaded == function or loaded.__func__ is function.__func__, function
            if function is open:
                assert loaded(__file__).read(6) == "import", loaded
                try:
                    loaded("/hermetic-writes", "w")
                except PermissionError as error:
                    print(error)
    """
    done = isolated.script(options, code)
    assert done.code == 0, done.stderr
    assert done.stdout == "filesystem readonly: /hermetic-writes\n" * 2
