"""Annotations that are text: kept, never evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

ATTACKS = {
    "type hints": """
        import typing
        def f(x): pass
        f.__annotations__["x"] = SOURCE + " or int"
        attack(lambda: typing.get_type_hints(f))
        """,
    "inspect": """
        import inspect
        def f(x): pass
        f.__annotations__["x"] = SOURCE
        attack(lambda: inspect.get_annotations(f, eval_str=True))
        attack(lambda: inspect.signature(f, eval_str=True))
        """,
    "forward reference's code": """
        import typing, types
        def go():
            code = typing.ForwardRef(SOURCE).__forward_code__
            eval(code)
        attack(go)
        """,
    "forward reference's code as a function": """
        import typing, types
        code = typing.ForwardRef(SOURCE).__forward_code__
        attack(lambda: types.FunctionType(code, globals())())
        """,
    "forward reference's code renamed": """
        import _imp, typing, types
        code = typing.ForwardRef(SOURCE).__forward_code__
        _imp._fix_co_filename(code, __file__)
        attack(lambda: types.FunctionType(code, globals())())
        """,
    "starred": """
        import typing, types
        text = "*[" + SOURCE + "]" if sys.version_info >= (3, 11) else SOURCE
        attack(lambda: eval(typing.ForwardRef(text).__forward_code__))
        """,
    "singledispatch": """
        import functools
        @functools.singledispatch
        def f(x): pass
        def g(x: SOURCE + " or int"): pass
        attack(lambda: f.register(g))
        """,
    "evaluated by typing": """
        import typing
        ref = typing.ForwardRef(SOURCE + " or int")
        attack(lambda: typing._eval_type(ref, globals(), locals()))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_annotations_are_not_evaluated(isolated: Any, name: str) -> None:
    both(isolated, ATTACKS[name])


def test_forward_references_are_made_and_compared(isolated: Any) -> None:
    attempt(
        isolated,
        """
        import typing
        assert typing.Optional["Later"] == typing.Optional["Later"] != typing.Optional["Never"]
        assert repr(typing.List["Later"]) == "typing.List[ForwardRef('Later')]"
        try:
            typing.Optional["not an expression"]
        except SyntaxError:
            pass
        else:
            raise SystemExit("a forward reference must be an expression")
        """,
    )


def test_only_typing_is_given_code_that_does_nothing(isolated: Any) -> None:
    """Anybody's `__init__` compiles text as the one of a forward reference does, and is told that it may not."""
    done = attempt(
        isolated,
        """
        class Reference:
            def __init__(self, text):
                self.code = compile(text, "<string>", "eval")
        attack(lambda: Reference("1"))
        print(REFUSED)
        """,
    )
    assert "['PolicyViolation']" in done.stdout


def test_code_of_an_init_is_refused_in_a_block(isolated: Any) -> None:
    isolated.passes(
        """
        from hermetic import PolicyViolation, hermetic_blocker
        class Reference:
            def __init__(self, text):
                self.code = compile(text, "<string>", "eval")
        with hermetic_blocker(block_code_exec=True):
            try:
                Reference("1")
            except PolicyViolation as error:
                assert str(error) == "dynamic code execution disabled: compile", error
            else:
                raise SystemExit("compiled")
        """
    )
