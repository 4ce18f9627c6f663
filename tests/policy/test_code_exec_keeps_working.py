"""code_exec: what keeps working, and the guard in blocks."""

from __future__ import annotations

import sys
from typing import Any

import pytest

LIBRARIES = """argparse asyncio collections concurrent.futures csv ctypes.util dataclasses datetime decimal difflib email
email.message enum fractions functools gettext hashlib html http.client http.server importlib.metadata
importlib.resources inspect ipaddress json locale logging logging.config logging.handlers multiprocessing
numbers optparse pathlib platform pprint queue random re secrets sched shlex shutil signal socket socketserver
sqlite3 ssl statistics string subprocess tempfile textwrap threading timeit tokenize traceback types typing unittest
unittest.mock urllib.parse urllib.request uuid wave xml.dom.minidom xml.etree.ElementTree zipfile zoneinfo""".split()


@pytest.mark.parametrize("cached", [True, False])
def test_standard_library_imports(isolated: Any, cached: bool) -> None:
    """With bytecode and, under a prefix without any, for the first time."""
    isolated.write("target.py", f"import {', '.join(LIBRARIES)}\nprint('END')")
    env = {} if cached else {"PYTHONPYCACHEPREFIX": str(isolated.folder / "none")}
    done = isolated.cli("--no-code-exec", "--strict", "--", "./target.py", env=env)
    assert (done.code, done.stdout) == (0, "END\n"), done


def test_bytecode_written_under_a_prefix_is_read_again(isolated: Any) -> None:
    isolated.write("target.py", "import json, plain\nprint(plain.__cached__ if hasattr(plain, '__cached__') else '')")
    isolated.write("plain.py", "x = 1")
    env = {"PYTHONPYCACHEPREFIX": str(isolated.folder / "cache"), "PYTHONDONTWRITEBYTECODE": None}
    for _ in range(2):
        done = isolated.cli("--no-code-exec", "--strict", "--", "./target.py", env=env)
        assert done.code == 0, done
    assert list((isolated.folder / "cache").rglob("plain*.pyc"))


def test_every_way_to_import_source(isolated: Any) -> None:
    isolated.write("pkg/__init__.py", "")
    isolated.write("pkg/a.py", "X = 1")
    isolated.write("plain.py", "X = 5")
    isolated.write("space/b.py", "from pkg import a\nX = a.X + 1")
    isolated.write("run/__main__.py", "print('module', __name__, __spec__.name)")
    isolated.write("run/__init__.py", "")
    env = {"PYTHONDONTWRITEBYTECODE": None}
    code = """
        import importlib, importlib.util, sys, zipfile
        import space.b
        assert space.b.X == 2
        importlib.reload(space.b)
        import importlib.machinery
        assert importlib.machinery.SourceFileLoader("e", "plain.py").load_module().X == 5
        spec = importlib.util.spec_from_file_location("c", "pkg/a.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.X == 1
        lazy = importlib.util.LazyLoader.factory(type(spec.loader))("d", "pkg/a.py")
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("d", lazy))
        lazy.exec_module(module)
        assert module.X == 1
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            name = f"lib{method}.zip"
            with zipfile.ZipFile(name, "w", method) as z:
                z.writestr(f"zipped{method}/__init__.py", "X = 3\\r\\nfrom . import inner\\n")
                z.writestr(f"zipped{method}/inner.py", "Y = 4\\n" * 200)
            sys.path.append(name)
            module = importlib.import_module(f"zipped{method}")
            assert (module.X, module.inner.Y) == (3, 4)
        if sys.version_info >= (3, 11):
            import __hello__
        print("END")
        """
    for _ in range(2):  # without bytecode, and with it
        done = isolated.script("--no-code-exec --strict", code, env=env)
        assert done.code == 0 and done.stdout.endswith("END\n"), done
    done = isolated.cli("--no-code-exec", "--strict", "--", "python", "-m", "run", env=env)
    assert done.stdout == "module __main__ run.__main__\n", done


def test_the_program_itself_runs_however_it_is_given(isolated: Any) -> None:
    say = "import sys; f = lambda: 'END'; print(f())"
    isolated.write("folder/__main__.py", say)
    isolated.write("target.py", say)
    isolated.passes("import zipapp; zipapp.create_archive('folder', 'app.pyz')")
    for words in (
        ["./target.py"],
        ["python", "target.py"],
        ["python", "-c", say],
        ["python", "folder"],
        ["python", "app.pyz"],
    ):
        done = isolated.cli("--no-code-exec", "--strict", "--", *words)
        assert (done.code, done.stdout) == (0, "END\n"), (words, done)
    done = isolated.cli("--no-code-exec", "--strict", "--", "python", "-", stdin=say)
    assert (done.code, done.stdout) == (0, "END\n"), done


@pytest.mark.parametrize("module", ["calendar", "this", "platform", "sysconfig", "json.tool", "tabnanny", "ast"])
def test_modules_run(isolated: Any, module: str) -> None:
    words = ["python", "-m", module] + (["-h"] if module in ("tabnanny", "calendar") else [])
    plain = isolated.python(*words[1:], stdin="[1]")
    done = isolated.cli("--no-code-exec", "--", *words, stdin="[1]")
    assert (done.code, done.stdout) == (plain.code, plain.stdout), done.stderr


GENERATORS = """
import collections, dataclasses, enum, functools, gettext, inspect, itertools, typing, unittest.mock, zlib
from dataclasses import InitVar, KW_ONLY, dataclass, field
P = collections.namedtuple("P", "x y", defaults=[2]); assert P(1)._replace(x=3) == (3, 2)
Empty, One = collections.namedtuple("Empty", ""), collections.namedtuple("One", ["x"])
assert Empty() == () and One(1) == (1,)
class N(typing.NamedTuple):
    a: int = 1
    b: "N" = None
class T(typing.TypedDict):
    a: "T"
class E(enum.Flag):
    A = 1
for order, frozen, unsafe_hash, kw_only, slots in itertools.product((False, True), repeat=5):
    for amount in range(4):
        names = {"__annotations__": {f"f{i}": int for i in range(amount)}}
        for i in range(amount):
            names[f"f{i}"] = field(default_factory=list, init=i != 1, repr=i != 2, compare=i != 0)
        C = dataclass(order=order, frozen=frozen, unsafe_hash=unsafe_hash, kw_only=kw_only, slots=slots)(type("C", (), names))
        assert C() == C() and repr(C())
        if order: assert not C() < C()
@dataclass
class Awkward:
    self: int
    cls: int
    name: "str"
    hash: int = 1
    other: list = field(default_factory=list)
    naïve: int = 2
    _: KW_ONLY
    type: InitVar[int] = 3
    value: int = 4
    def __post_init__(self_, type): self_.seen = type
a = Awkward(1, 2, "n"); assert a.seen == 3 and dataclasses.replace(a, cls=5, type=6).seen == 6
@dataclass(frozen=True, order=True, slots=True)
class Frozen:
    self: int
    name: str = "n"
try:
    Frozen(1).self = 2
except dataclasses.FrozenInstanceError:
    pass
@dataclass(init=False, repr=False, eq=False)
class Nothing: pass
Nothing()
M = dataclasses.make_dataclass("M", ["x", ("y", int, field(default=1))], bases=(Awkward,) * 0)
assert M(1).y == 1
assert gettext.c2py("n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2")(21) == 0
def f(a, b=1): return a
assert unittest.mock.create_autospec(f)(1) is not None
assert inspect.signature(zlib.decompress).parameters
@functools.singledispatch
def g(x): return 0
@g.register
def _(x: int): return 1
assert g(1) == 1
import asyncio, statistics, string, fractions, uuid
assert string.Template("$a").substitute(a=1) == "1"
print("END")
"""


@pytest.mark.parametrize("also", ["", "--fs-readonly=."])
def test_generators_keep_working(isolated: Any, also: str) -> None:
    done = isolated.script(f"--no-code-exec --strict {also}", GENERATORS)
    assert (done.code, done.stdout) == (0, "END\n"), done.stderr


@pytest.mark.parametrize(
    "act", ["eval('1 + 2')", "exec('1')", "compile('1', 'x', 'eval')", "compile(b'1', 'x', 'exec')"]
)
def test_what_a_guard_looks_at_is_no_act_of_the_program(isolated: Any, act: str) -> None:
    done = isolated.script("--no-code-exec --trace --fs-readonly=.", act)
    assert done.code == 2 and "(and " not in done.stderr, done
    assert done.stderr.count("[hermetic] blocked") == 1, done


def test_tracebacks_are_the_same(isolated: Any) -> None:
    """3.11 and 3.12 parse a line again to tell two kinds of carets below it; that is no act of the program. What a
    captured ``compile`` is asked for is announced alike, so there they show one kind.
    """
    code = """
        import threading
        def boom(): return (1 + 2) / 0 + 3
        t = threading.Thread(target=boom); t.start(); t.join()
        class D:
            def __del__(self): boom()
        D()
        boom()
        """
    done = isolated.script("--no-code-exec", code)
    plain = isolated.python("./target.py")
    shown = [line for line in done.errors if "object at 0x" not in line and "Thread-" not in line]
    assert done.code == plain.code == 1
    assert "hermetic" not in done.stderr
    carets = [line.strip().replace("~", "^") for line in shown if "^^" in line or "~~" in line]
    assert carets == [line.strip().replace("~", "^") for line in plain.errors if "^^" in line or "~~" in line]
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        assert sum("~~" in line for line in done.errors) == sum("~~" in line for line in plain.errors), (
            shown,
            plain.errors,
        )


# --- blocks ---


def test_blocks_nest_and_restore(isolated: Any) -> None:
    isolated.passes(
        """
        import ast, builtins, types, typing
        from hermetic import PolicyViolation, hermetic_blocker
        before = builtins.compile, types.coroutine
        for _ in range(3):
            with hermetic_blocker(block_code_exec=True):
                with hermetic_blocker(block_network=True):
                    try:
                        eval("1")
                    except PolicyViolation as e:
                        assert str(e) == "dynamic code execution disabled: eval"
                    else:
                        raise SystemExit("not blocked")
                    assert ast.literal_eval("[1]") == [1]
                with hermetic_blocker(block_code_exec=True, block_subprocess=True):
                    assert ast.literal_eval("[1]") == [1]
                    import fractions, wave
                later = typing.Optional["ast.AST"]
                @types.coroutine
                def pause(): yield
                assert pause.__code__.co_flags & 0x100
            assert (builtins.compile, types.coroutine) == before
            assert eval("1 + 1") == 2
            class X: pass
            X.__annotations__ = {"a": later}
            assert typing.get_type_hints(X)["a"] == typing.Optional[ast.AST]
        """
    )


def test_blocks_inside_a_guarded_program(isolated: Any) -> None:
    done = isolated.script(
        "--no-code-exec --strict",
        """
        import ast
        from hermetic import hermetic_blocker
        with hermetic_blocker(block_network=True, block_code_exec=True, block_subprocess=True):
            assert ast.literal_eval("[1]") == [1]
            import fractions, wave, dataclasses
            @dataclasses.dataclass
            class C:
                x: int
            assert C(1).x == 1
        with hermetic_blocker(block_network=True):
            import colorsys
        print("END")
        """,
    )
    assert (done.code, done.stdout) == (0, "END\n"), done.stderr


def test_report_only_changes_nothing(isolated: Any) -> None:
    done = isolated.script(
        "--no-code-exec --report-only",
        """
        import ast, asyncio, dataclasses, marshal, pickle, runpy, types, typing
        assert eval("1 + 1") == 2
        names = {}
        exec("x = 1", names)
        x = 5
        def f():
            y = 6
            return eval("x + y")
        assert f() == 11
        assert eval(compile("x", "f", "eval")) == 5 and ast.literal_eval("1") == 1
        assert eval(marshal.loads(marshal.dumps(compile("x", "f", "eval")))) == 5
        assert pickle.loads(pickle.dumps(len)) is len
        def g(a: "int"): pass
        assert typing.get_type_hints(g) == {"a": int}
        g.__code__ = g.__code__.replace(co_name="h")
        print("END")
        """,
    )
    assert (done.code, done.stdout) == (0, "END\n"), done.stderr
    assert "would block eval" in done.stderr and "hermetic: " in done.stderr


def test_report_only_reports_nothing_that_would_not_be_refused(isolated: Any) -> None:
    code = """
        import ast, collections, dataclasses, typing
        ast.parse("1"), ast.parse(b"1", "<string>"), ast.literal_eval("[1]")
        Pair = collections.namedtuple("Pair", "one other")
        @dataclasses.dataclass
        class Made:
            one: "typing.List[int]"
            other: typing.Optional["Made"] = None
        typing.ForwardRef("Made"), typing.Callable[["Made"], "int"]
        print("END")
    """
    for option in ("", "--seal", "--report-only"):
        done = isolated.script(f"--no-code-exec --trace {option}", code)
        assert (done.code, done.stdout) == (0, "END\n"), done.stderr
        assert "block exec" not in done.stderr
        assert "block eval" not in done.stderr
        assert "block compile" not in done.stderr
    assert "hermetic: 0 acts would be blocked" in done.stderr


def test_what_is_bound_when_a_module_comes_is_not_reported(isolated: Any) -> None:
    code = "import ctypes, socket, sqlite3, ssl; sqlite3.connect(':memory:').execute('select 1'); print('END')"
    done = isolated.script("--no-code-exec --no-network --fs-readonly --no-subprocess --report-only", code)
    assert (done.code, done.stdout, done.stderr) == (0, "END\n", "hermetic: 0 acts would be blocked\n"), done
