"""code_exec: the decision, what counts as an import's code, what counts as generated, and how calls are named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from _hermetic.capabilities import code_exec
from _hermetic.capabilities.code_exec import creation, generated, naming, provenance

# --- the decision ---


def test_refusal_names_the_call() -> None:
    message, target, reason, remedy = code_exec.decide((), code_exec.EXECUTE, "eval", "eval")
    assert message == "dynamic code execution disabled: eval"
    assert (target, reason) == ("eval", "no-code-exec")
    assert "--no-code-exec" in remedy


def test_only_the_admitted_code_object_runs() -> None:
    mine, other = compile("1", "<string>", "exec"), compile("1", "<string>", "exec")
    rules = ((mine,),)
    assert code_exec.decide(rules, code_exec.EXECUTE, mine, "exec") is None
    assert mine == other
    assert code_exec.decide(rules, code_exec.EXECUTE, other, "exec")[0] == "dynamic code execution disabled: exec"
    assert code_exec.decide((), code_exec.EXECUTE, mine, "exec") is not None


# --- provenance ---


def test_a_line_of_a_file_is_part_of_one_line_of_source(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_bytes(b"import os\nos.getcwd()\n")
    assert provenance.is_shown_line(str(path), b"os.getcwd()") == provenance.PARSES_TRACEBACKS
    assert not provenance.is_shown_line(str(path), b"import os\nos.getcwd()")
    assert not provenance.is_shown_line(str(path), b"os.system")
    assert not provenance.is_shown_line(str(tmp_path / "none.py"), b"os.getcwd()")


@pytest.mark.skipif(not provenance.PARSES_TRACEBACKS, reason="these versions show carets without parsing")
def test_a_line_that_may_be_shown_is_neither_compiled_nor_a_violation(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(b"import os  # os.getcwd()\n")
    target = code_exec.compiled((b"os.getcwd()", str(path)), None)
    message, *_, answer = code_exec.decide((), code_exec.CREATE, target, "compile")
    assert message == "" and type(answer) is SyntaxError
    assert code_exec.compiled((b"os.system", str(path)), None) == "compile"


def test_source_is_the_file_it_is_named_for(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_bytes(b"x = 1\n")
    (tmp_path / "m.txt").write_bytes(b"x = 1\n")
    assert provenance.is_source_file(str(path), b"x = 1\n")
    assert not provenance.is_source_file(str(path), b"x = 2\n")
    assert not provenance.is_source_file(str(path), b"x = 1")
    assert not provenance.is_source_file(str(tmp_path / "m.txt"), b"x = 1\n")
    assert not provenance.is_source_file(str(tmp_path / "none.py"), b"x = 1\n")
    assert not provenance.is_source_file(str(tmp_path), b"")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (b"x = 1\n", True),
        (b"# coding: utf-8\n", True),
        (b"\xef\xbb\xbf# -*- coding: UTF-8 -*-\n", True),
        (b"#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\n", True),
        (b"# coding\n# about coding in general\n", True),
        (b"'''coding: evil'''\n", True),
        (b"a\nb\n# coding: evil\n", True),
        (b"# coding: evil\n", False),
        (b"# coding:evil", False),
        (b"#\n\t# coding=koi8-r\n", False),
        (b"\r# coding: evil\r", False),
        (b"# coding coding: evil\n", False),
        (b"# coding: utf-8-evil\n", False),
        (b"# coding: utf_8x\n", False),
    ],
)
def test_encodings_that_ask_the_registry(text: bytes, plain: bool) -> None:
    assert provenance.has_plain_encoding(text) is plain


def test_cached_bytecode_lies_where_the_import_system_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__"
    folder.mkdir()
    for path in (folder / "m.pyc", tmp_path / "m.pyc", folder / "m.txt"):
        path.write_bytes(b"h" * 16 + b"code")
    assert provenance.is_cached_file(str(folder / "m.pyc"), b"code", False)
    assert not provenance.is_cached_file(str(folder / "m.pyc"), b"cod", False)
    assert not provenance.is_cached_file(str(folder / "m.txt"), b"code", False)
    assert not provenance.is_cached_file(str(tmp_path / "m.pyc"), b"code", False)
    assert not provenance.is_cached_file(str(folder / "m.pyc"), b"code", True)


def test_for_a_whole_process_only_code_with_the_mark_is_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = creation.parse_text.__code__
    bound = plain.replace(co_consts=(*plain.co_consts, creation.MARK))
    assert creation.is_step(plain, "parse_text")
    monkeypatch.setattr(creation, "for_whole_process", lambda: True)
    assert creation.is_step(bound, "parse_text")
    assert not creation.is_step(plain, "parse_text")  # a name and a file can be forged
    assert not creation.is_step(bound, "parse_bytes")


# --- generated text ---


def test_namedtuple_text() -> None:
    for good in ("", "x,", "x, y", "naïve, y"):
        assert generated.is_tuple_maker(f"lambda _cls, {good}: _tuple_new(_cls, ({good}))")
    for bad in ("x, y=print()", "x, y: print(1), z", "x y", "x,y", "1"):
        assert not generated.is_tuple_maker(f"lambda _cls, {bad}: _tuple_new(_cls, ({bad}))")
    assert not generated.is_tuple_maker("lambda _cls, x: _tuple_new(_cls, (y))")
    assert not generated.is_tuple_maker("print(1)")


@pytest.mark.parametrize(
    "part",
    [
        "print(1)",
        "  self.x=print()",
        "  self.x=1",
        "  self.x='text'",
        "  import os",
        "  self.x=lambda x",
        "  return [x for x in y]",
        "  (x)(y)",
        "  x[0]",
        " @x",
        ' return f"{eval(x)}"',
        "  exec(x)",
        "x:=x",
        "  self.x=_dflt_x(y)",
        "  return hash(print(x))",
        " def evil(self):",
        "N # comment",
        "\\",
    ],
)
def test_text_that_no_dataclass_needs(part: str) -> None:
    assert generated.is_dataclass_text("def __create_fn__():\n def __init__(self):\n  pass\n return __init__")
    assert not generated.is_dataclass_text(f"def __create_fn__():\n def __init__(self):\n{part}\n return __init__")


def test_other_generators() -> None:
    assert generated.is_dotted_name("os.R_OK")
    assert not generated.is_dotted_name("os.system('x')")
    rule = "if True:\n            def func(n):\n                if not isinstance(n, int):\n                    n = _as_int(n)\n                return int({})\n            "
    assert generated.is_plural_rule(rule.format("(0 if n%10==1 and n%100!=11 else 1)"))
    assert not generated.is_plural_rule(rule.format("print(n)"))
    assert not generated.is_plural_rule(rule.format("n.x"))
    body = "def {}(*args, **kwargs):\n    _checksig_(*args, **kwargs)\n    return mock(*args, **kwargs)"
    assert generated.is_mock_signature(body.format("f"))
    assert not generated.is_mock_signature(body.format("f(x=print()): pass\ndef g"))
    assert not generated.is_mock_signature(body.format("f[T: a.b]"))


# --- labels ---


def test_calls_are_named(isolated: Any) -> None:
    done = isolated.script(
        "--no-code-exec --trace",
        """
        import marshal, pickle, types, runpy, builtins
        def say(f):
            try:
                f()
            except RuntimeError as e:
                print(e.guard, e.target, str(e))
        say(lambda: eval("1")); say(lambda: exec("1")); say(lambda: compile("1", "x", "eval"))
        say(lambda: builtins.eval("1")); say(lambda: (lambda: 0).__code__.replace(co_name="x"))
        say(lambda: exec(say.__code__)); say(lambda: eval(say.__code__))
        say(lambda: marshal.loads(b"N")); say(lambda: pickle.loads(b"cbuiltins\\nlen\\n."))
        say(lambda: runpy.run_path("x.py")); say(lambda: runpy.run_module("this"))
        say(lambda: setattr(say, "__code__", (lambda: 0).__code__))
        try:
            eval("1")
        except RuntimeError as e:
            print(e.target)
        try:
            exec("1")
        except RuntimeError as e:
            print(e.target)
        """,
    )
    names = [line.rpartition(": ")[2] for line in done.stdout.splitlines()]
    expected = (
        "eval exec compile eval code.replace exec eval marshal.loads pickle.find_class runpy.run_path "
        "runpy.run_module function.__code__"
    ).split()
    assert names[:12] == expected, names
    assert names[-2:] == ["eval", "exec"], names
    assert all(line.split()[0] == "code_exec" for line in done.stdout.splitlines()[:12])
    assert done.errors[0] == "[hermetic] blocked eval name=eval reason=no-code-exec"


def test_tables_fit_this_python() -> None:
    """The label's opcodes are those of this interpreter."""
    import opcode

    numbers = {opcode.opmap[name] for name in ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_ATTR")}
    assert numbers <= set(naming.LOADS + naming.SHIFTED_LOADS)
    assert sys.modules["_frozen_importlib"]._call_with_frames_removed.__code__ is code_exec.CALL_IT
