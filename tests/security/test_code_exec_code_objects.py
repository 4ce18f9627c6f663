"""Code objects made, changed, unmarshalled or run by hand."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

ATTACKS = {
    "compile and FunctionType": """
        import types
        attack(lambda: types.FunctionType(compile(SOURCE, "x.py", "exec"), globals())())
        """,
    "FunctionType from a function": """
        attack(lambda: type(attack)(compile(SOURCE, "x.py", "exec"), globals())())
        """,
    "constants replaced": """
        def f(): print("plain text")
        code = f.__code__
        words = tuple("ESC" + "APED" if c == "plain text" else c for c in code.co_consts)
        attack(lambda: type(f)(code.replace(co_consts=words), globals())())
        """,
    "constants replaced in place": """
        def f(): print("plain text")
        words = tuple("ESC" + "APED" if c == "plain text" else c for c in f.__code__.co_consts)
        def go():
            f.__code__ = f.__code__.replace(co_consts=words)
            f()
        attack(go)
        """,
    "copy.replace": """
        import copy
        def f(): print("plain text")
        words = tuple("ESC" + "APED" if c == "plain text" else c for c in f.__code__.co_consts)
        change = getattr(copy, "replace", lambda code, **k: code.replace(**k))
        attack(lambda: type(f)(change(f.__code__, co_consts=words), globals())())
        """,
    "CodeType": """
        def f(): print("plain text")
        c = f.__code__
        words = tuple("ESC" + "APED" if x == "plain text" else x for x in c.co_consts)
        def go():
            if sys.version_info >= (3, 11):
                code = type(c)(0, 0, 0, c.co_nlocals, c.co_stacksize, c.co_flags, c.co_code, words, c.co_names, (),
                               "x.py", "f", "f", 1, c.co_linetable, c.co_exceptiontable, (), ())
            else:
                code = type(c)(0, 0, 0, c.co_nlocals, c.co_stacksize, c.co_flags, c.co_code, words, c.co_names, (),
                               "x.py", "f", 1, c.co_linetable, (), ())
            type(f)(code, globals())()
        attack(go)
        """,
    "marshal": """
        import marshal
        data = open("payload.marshal", "rb").read()
        attack(lambda: type(attack)(marshal.loads(data), globals())())
        """,
    "marshal from a file": """
        import marshal
        attack(lambda: exec(marshal.load(open("payload.marshal", "rb"))))
        """,
    "marshal through callers": """
        import functools, marshal
        attack(lambda: exec(next(map(marshal.loads, [open("payload.marshal", "rb").read()]))))
        attack(lambda: exec(functools.partial(marshal.loads, open("payload.marshal", "rb").read())()))
        """,
    "a fresh marshal": """
        import _imp, importlib.machinery
        marshal = _imp.create_builtin(importlib.machinery.ModuleSpec("marshal", None))
        attack(lambda: exec(marshal.loads(open("payload.marshal", "rb").read())))
        """,
    "types.coroutine as a deputy": """
        import types
        def f(): yield
        class Code:
            co_flags = 0x20
            def replace(self, **k): return compile(SOURCE, "x.py", "exec")
        class F:
            __code__ = Code()
            def __call__(self): pass
        attack(lambda: exec(types.coroutine(F()).__code__))
        types.CodeType, types.FunctionType = Code, F
        attack(lambda: exec(types.coroutine(F()).__code__))
        """,
    "the generator expression's code": """
        g = (eval(x) for x in [SOURCE])
        attack(lambda: list(g))
        """,
    "pyc run by pkgutil": """
        import runpy
        attack(lambda: runpy.run_path("payload.pyc"))
        """,
    "pyc read by pkgutil": """
        import io, pkgutil
        attack(lambda: exec(pkgutil.read_code(open("payload.pyc", "rb"))))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_code_objects_are_not_made_by_hand(isolated: Any, name: str) -> None:
    prepare(isolated)
    both(isolated, ATTACKS[name])


def prepare(isolated: Any) -> None:
    isolated.passes(
        """
        import marshal, py_compile
        text = 'print("ESC" + "APED", flush=True)'
        open("payload.txt", "w").write(text)
        open("payload.marshal", "wb").write(marshal.dumps(compile(text, "x.py", "exec")))
        py_compile.compile("payload.txt", cfile="payload.pyc", doraise=True)
        """
    )


def test_code_of_a_function_is_not_exchanged(isolated: Any) -> None:
    attempt(
        isolated,
        """
        def f(): return 1
        def g(): return 2
        attack(lambda: setattr(f, "__code__", g.__code__))
        attack(lambda: object.__setattr__(f, "__code__", g.__code__))
        attack(lambda: type(f).__code__.__set__(f, g.__code__))
        assert f() == 1 and len(REFUSED) == 3
        """,
    )


def test_coroutines_are_still_marked(isolated: Any) -> None:
    attempt(
        isolated,
        """
        import asyncio, types
        @types.coroutine
        def pause(): yield
        assert pause.__code__.co_flags & 0x100
        # What is marked already, or is a coroutine function, is given back with the code that it has.
        async def other(): pass
        for function in (pause, other):
            code = function.__code__
            assert types.coroutine(function) is function and function.__code__ is code
        async def main():
            await pause()
            return 7
        assert asyncio.run(main()) == 7
        """,
    )


def test_functions_of_loaded_code_may_be_made_again(isolated: Any) -> None:
    attempt(
        isolated,
        """
        import types
        def f(x): return x + y
        assert types.FunctionType(f.__code__, {"y": 2})(1) == 3
        """,
    )
