"""The way that syntax trees take must not become a way for code."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

COMPILE = """
import ast, gc
genuine = compile
if not isinstance(genuine, type(len)):
    import _hermetic.capabilities.code_exec.creation
    genuine = _hermetic.capabilities.code_exec.creation._compile
"""

ATTACKS = {
    "flags that change their mind": """
        class Flags(int):
            def __and__(self, other): return 1024
            def __or__(self, other): return 0
            def __ror__(self, other): return 0
            def __index__(self): return 0
        for flags in (Flags(0), Flags(1024)):
            attack(lambda: exec(compile(SOURCE, "x.py", "exec", flags)))
            attack(lambda: exec(compile(SOURCE, "x.py", "exec", flags=flags, dont_inherit=True)))
        """,
    "the parser's flag taken away": """
        ast.PyCF_ONLY_AST = 0
        attack(lambda: exec(ast.parse(SOURCE)))
        """,
    "the parser's compile replaced": """
        import functools
        ast.compile = functools.partial(compile, SOURCE)
        attack(lambda: exec(ast.parse("x", "exec", 0)))
        ast.compile = functools.partial(genuine, SOURCE)
        attack(lambda: exec(ast.parse("x", "exec", 0)))
        """,
    "genuine compile found by the collector": """
        attack(lambda: exec(genuine(SOURCE, "x.py", "exec")))
        attack(lambda: exec(genuine(BYTES, "x.py", "exec")))
        attack(lambda: exec(genuine(BYTES, __file__, "exec")))
        """,
}

CALLBACKS = {
    "a file name that is asked": """
        found = []
        class Name:
            import functools
            __fspath__ = functools.partial(found.extend, map(genuine, [SOURCE], ["x.py"], ["exec"]))
        attack(lambda: compile("1", Name(), "exec", 1024))
        attack(lambda: exec(found[0]))
        """,
    "a warning's listener": """
        import functools, warnings
        found = []
        warnings.simplefilter("always")
        warnings._showwarnmsg = functools.partial(found.extend, map(genuine, [SOURCE], ["x.py"], ["exec"]))
        attack(lambda: compile("'\\\\d'", "x.py", "exec", 1024))
        class Match:
            match = functools.partial(next, map(found.append, map(genuine, ["'\\\\d'"] * 3, ["x.py"] * 3, ["exec"] * 3)))
        if sys.version_info < (3, 13):  # there a listener that is no text crashes the interpreter by itself
            warnings.filters.insert(0, ("always", Match(), Warning, None, 0))
        for _ in range(3):
            attack(lambda: compile("'\\\\d'", "x.py", "exec", 1024))
        assert not found, found
        """,
    "a collected object": """
        import functools, weakref, operator
        found = []
        class Ref(weakref.ref):
            run = functools.partial(found.extend, map(genuine, [SOURCE] * 50, ["x.py"] * 50, ["exec"] * 50))
        class Node: pass
        refs = []
        for tries in range(200):
            gc.set_threshold(1 + tries % 4)  # by how many objects it is, the collector runs now here, now there
            n = Node(); n.me = n
            refs.append(Ref(n, operator.methodcaller("run")))
            del n
            attack(lambda: compile(SOURCE, "x.py", "exec", 1024))
        gc.set_threshold(700)
        assert not found, found
        """,
    "a signal": """
        import functools, signal
        found = set()
        def listen():  # a set takes the first iterable before it complains about the signal's number
            texts = [SOURCE] * 50
            signal.signal(signal.SIGALRM, functools.partial(found.update, map(genuine, texts, texts, ["exec"] * 50)))
        def parse():
            listen()
            signal.setitimer(signal.ITIMER_REAL, 0.0003)
            for _ in range(50):
                compile(SOURCE, "x.py", "exec", 1024)
        for _ in range(100):
            attack(parse)
        def end():
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
        attack(end)
        attack(end)
        assert not found, found
        """,
    "a trace function": """
        found = []
        def tracer(frame, event, arg):
            frame.f_trace_opcodes = True
            for name, value in (("tree", 0), ("flags", 0), ("turns", iter([1] * 99))):
                if name in frame.f_locals and frame.f_code.co_name.startswith(("parse", "syntax", "compile")):
                    frame.f_locals[name] = value
            return tracer
        class Name(str):
            import functools
            __fspath__ = functools.partial(found.extend, map(genuine, [SOURCE], ["x.py"], ["exec"]))
        def swap(frame, event, arg):
            if frame.f_code.co_name.startswith("parse") and event == "opcode":
                frame.f_locals["filename"] = frame.f_locals["source"] = Name()
            frame.f_trace_opcodes = True
            return swap
        for tracing in (tracer, swap):
            def go():
                sys.settrace(tracing)
                try:
                    found.append(compile(SOURCE, "x.py", "exec", 1024))
                finally:
                    sys.settrace(None)
            attack(go)
        assert not any(type(x).__name__ == "code" for x in found), found
        """,
    "a frame's locals": """
        import itertools, signal
        found = []
        def handler(number, frame):
            while frame is not None:
                if frame.f_code.co_name.startswith(("parse", "syntax")):
                    for name in ("tree", "flags"):
                        if name in frame.f_locals:
                            frame.f_locals[name] = 0
                frame = frame.f_back
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        for _ in range(3000):
            attack(lambda: found.append(compile(SOURCE, "x.py", "exec", 1024)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        assert not any(type(x).__name__ == "code" for x in found), found
        """,
    "hermetic's own steps": """
        import _hermetic.capabilities.code_exec.creation as c
        attack(lambda: exec(c.parse_text(SOURCE, "x.py", "exec", 0, -1, -1)))
        attack(lambda: exec(c.compile_annotation(SOURCE)))
        twins = [o for o in gc.get_objects() if type(o) is type(attack)
                 and o.__name__ in ("parse_text", "compile_annotation", "mark_coroutine")]
        class Zero:
            def __or__(self, other): return 0
            __ror__ = __and__ = __or__
            def __index__(self): return 0
        for twin in twins:
            attack(lambda: exec(twin(SOURCE, "x.py", "exec", Zero(), -1, -1)))
            attack(lambda: exec(twin(SOURCE)))
            attack(lambda: exec(twin(SOURCE, "x.py", "exec", 0, -1, -1)))
        for name in ("_compile", "_either", "_turns", "MARK", "for_whole_process", "takes_turn", "is_step"):
            setattr(c, name, lambda *a, **k: True)
        attack(lambda: exec(SOURCE))
        import _hermetic.running.run as run, _hermetic.capabilities.code_exec as family
        attack(lambda: run.exec_main(SOURCE, {}))
        family.ADMITTED.append(SOURCE)
        family.decide = family.may_compile = family.may_execute = lambda *a: None
        attack(lambda: exec(SOURCE))
        import _hermetic.enforce.bind as bind
        def f(): print("plain text")
        bind.FIXED_CODE.clear()
        attack(lambda: bind.bind(c.parse_text, {"_compile": lambda *a, **k: exec(SOURCE)}, {})("1", "x", "exec", 0, -1, -1))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_trees_do_not_become_code(isolated: Any, name: str) -> None:
    import textwrap

    code = COMPILE + textwrap.dedent(ATTACKS[name])
    attempt(isolated, code)
    if name.startswith("genuine") or name.endswith("replaced"):
        both(isolated, code)


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_do_not_borrow_the_parser(isolated: Any, name: str) -> None:
    import textwrap

    attempt(isolated, COMPILE + textwrap.dedent(CALLBACKS[name]))


def test_trees_are_made(isolated: Any) -> None:
    attempt(
        isolated,
        """
        import ast, pathlib
        tree = ast.parse("a = 1\\nb: int = 2")
        assert ast.unparse(tree) == "a = 1\\nb: int = 2"
        assert ast.literal_eval("{'a': [1, 2.5, None]}") == {"a": [1, 2.5, None]}
        assert compile(b"x", "f", "eval", ast.PyCF_ONLY_AST).body.id == "x"
        assert compile("x", pathlib.Path("f"), "eval", flags=ast.PyCF_ONLY_AST).body.id == "x"
        assert compile(bytearray(b"x"), b"f", "eval", ast.PyCF_ONLY_AST).body.id == "x"
        assert compile(tree, "f", "exec", ast.PyCF_ONLY_AST) is tree
        assert ast.parse("x: int", type_comments=True, feature_version=(3, 8))
        for wrong in (("x y", SyntaxError), ("\\0", (SyntaxError, ValueError)), (3, TypeError)):
            try:
                ast.parse(wrong[0])
            except wrong[1]:
                pass
            else:
                raise SystemExit(wrong)
        """,
    )
