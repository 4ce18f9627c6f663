"""The standard library's code generators as deputies: names, types and functions that carry code."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

SETUP = """
import collections, dataclasses, enum, typing
class Sly(str):
    "Says that it is an identifier."
    def isidentifier(self): return True
    def __format__(self, spec): return SOURCE
    def __str__(self): return SOURCE
    def startswith(self, *a): return False
    def replace(self, *a): return self
"""

WORKING = {
    "annotation's name, hash": """
        class C: pass
        C.__annotations__ = {"x,),) or [" + SOURCE + "] or ((self": int}
        attack(lambda: hash(dataclasses.dataclass(unsafe_hash=True, eq=False, repr=False, init=False)(C)()))
        class D: pass
        D.__annotations__ = {"__class__, " + SOURCE + ", self.__class__": int}
        attack(lambda: hash(dataclasses.dataclass(unsafe_hash=True, repr=False, init=False, match_args=False)(D)()))
        """,
    "annotation's name, init": """
        class C: pass
        C.__annotations__ = {"x=" + SOURCE + ", y": int}
        attack(lambda: dataclasses.dataclass(C))
        class D: pass
        D.__annotations__ = {"x": int}
        D.x = dataclasses.field()
        attack(lambda: dataclasses.dataclass(D))
        eval(SOURCE) if "_hermetic" not in sys.modules else None
        """,
    "create_fn called directly": """
        def go():
            if hasattr(dataclasses, "_create_fn"):
                dataclasses._create_fn("f", ["self"], [SOURCE])(None)
            else:
                b = dataclasses._FuncBuilder({})
                b.add_fn("f", ["self"], ["  " + SOURCE])
                class C: pass
                b.add_fns_to_class(C)
                C().f()
        attack(go)
        """,
    "generator's exec replaced": """
        def go():
            module, name = (dataclasses, "exec")
            import functools
            code = compile(SOURCE, "<string>", "exec")
            dataclasses.exec = lambda *a: exec(code)
            dataclasses.make_dataclass("C", ["x"])
        attack(go)
        """,
}

REFUSED = {
    "namedtuple, lying name": """
        attack(lambda: collections.namedtuple("T", [Sly("x")]))
        class L(list):
            def __iter__(self): return iter([Sly("x")])
        attack(lambda: collections.namedtuple("T", L()))
        attack(lambda: collections.namedtuple(Sly("T"), ["x"]))
        """,
    "make_dataclass, lying name": """
        attack(lambda: dataclasses.make_dataclass("T", [Sly("x")]))
        attack(lambda: dataclasses.make_dataclass("T", [(Sly("x"), int, dataclasses.field(default_factory=list))]))
        attack(lambda: dataclasses.make_dataclass("T", ["x"], namespace={"__annotations__": {Sly("y"): int}}))
        attack(lambda: dataclasses.make_dataclass(Sly("T"), ["x"]))
        """,
    "field renamed afterwards": """
        for change in (SOURCE, "x=" + SOURCE, "x,),) + (" + SOURCE):
            class F(dataclasses.Field):
                __slots__ = ()
            f = dataclasses.field()
            class C:
                x: int = f
            real = dataclasses._get_field
            def get(*a):
                g = real(*a)
                g.name = change
                return g
            dataclasses._get_field = get
            for how in ({}, {"order": True}, {"frozen": True}, {"unsafe_hash": True}):
                def go():
                    made = dataclasses.dataclass(**how)(C)
                    repr(made(1)); hash(made(1)); made(1) < made(1)
                attack(go)
            dataclasses._get_field = real
        """,
    "helper functions replaced": """
        for name in ("_tuple_str", "_init_param", "_field_init", "_field_assign"):
            real = getattr(dataclasses, name, None)
            if real is None: continue
            setattr(dataclasses, name, lambda *a, **k: SOURCE)
            class C:
                x: int = 1
            attack(lambda: dataclasses.dataclass(order=True)(C)() < C())
            setattr(dataclasses, name, real)
        dataclasses._POST_INIT_NAME = "__class__, " + SOURCE + ", self.__init__"
        class C:
            x: int = 1
            def __post_init__(self): pass
        setattr(C, dataclasses._POST_INIT_NAME, lambda s: None)
        attack(lambda: dataclasses.dataclass(C)())
        """,
    "typed tuples and enums": """
        attack(lambda: typing.NamedTuple("T", [(Sly("x"), int)]))
        attack(lambda: enum.Enum(Sly("E"), [Sly("x")]))
        attack(lambda: typing.TypedDict("T", {SOURCE: SOURCE}))
        """,
    "globals of the generator": """
        import builtins
        collections._sys.intern, keep = (lambda s: SOURCE), collections._sys.intern
        attack(lambda: collections.namedtuple("T", "x y"))
        collections._sys.intern = keep
        collections.map = lambda f, x: [SOURCE]
        collections._iskeyword = lambda n: False
        attack(lambda: collections.namedtuple("T", "x y"))
        """,
    "mock, gettext and inspect": """
        import gettext, inspect, unittest.mock
        def f(a): pass
        f.__name__ = Sly("f")
        attack(lambda: unittest.mock.create_autospec(f)(1))
        gettext._parse = lambda t: (SOURCE, "")
        attack(lambda: gettext.c2py("n")(1))
        class B: pass
        attack(lambda: inspect._signature_fromstr(inspect.Signature, len, "($module, x=" + SOURCE + ")"))
        """,
}


@pytest.mark.parametrize("name", WORKING)
def test_generators_execute_no_text_of_the_program(isolated: Any, name: str) -> None:
    import textwrap

    both(isolated, SETUP + textwrap.dedent(WORKING[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_lies_to_a_generator_execute_nothing(isolated: Any, name: str) -> None:
    import textwrap

    attempt(isolated, SETUP + textwrap.dedent(REFUSED[name]))
