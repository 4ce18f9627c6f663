"""The code of a program is what ``compile()`` makes of its text, though most texts never come to it."""

from __future__ import annotations

import sys

import pytest

from _hermetic.running import source

TEXTS = {
    "empty": b"",
    "a comment": b"# nothing\n",
    "docstring and future": b"'''Doc.'''\nfrom __future__ import annotations\ndef f(x: int) -> str: return x\n",
    "no future": b"def f(x: int) -> str: ...\nx: int = 1\n",
    "nested": b"class A:\n  def f(self):\n    return [lambda: (y for y in x) for x in 'ab']\n  async def g(self): yield 1\n",
    "latin-1": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "a codec in Python": b"# -*- coding: cp1252 -*-\nx = '\x80'\n",
    "a mark of byte order": b"\xef\xbb\xbfx = '\xc3\xa9'\n",
    "no last line end": b"if 1:\n    x = 1",
    "carriage returns": b"x = 1\r\ny = '''a\r\nb'''\r\n",
    "text": "x = 'é'  # -*- coding: ascii -*-\n",
    "long": b"def f():\n    return 1\n" * 3000,
}


def parts(code):
    """All that a code object says, and those in it."""
    names = [name for name in dir(code) if name.startswith("co_") and name not in ("co_consts", "co_lnotab")]
    found = {name: getattr(code, name) for name in names if not callable(getattr(code, name))}
    found["lines"] = list(code.co_lines())
    found["consts"] = [parts(value) if hasattr(value, "co_code") else repr(value) for value in code.co_consts]
    return found


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_is_the_code_that_compile_makes(text):
    if sys.gettrace() is None:  # else coverage is measured, and every text goes to compile()
        assert (source.stopped(text) is not None) or text == TEXTS["long"]
    made = source.code_of(text, "/x/t.py", True)
    assert parts(made) == parts(compile(text, "/x/t.py", "exec", dont_inherit=True))


def test_nothing_of_the_text_runs(tmp_path):
    witness = tmp_path / "ran"
    attempts = (
        f"open({str(witness)!r}, 'w')",
        f"import io; io.open({str(witness)!r}, 'w')",
        "().__class__.__base__.__subclasses__().append(print('ran'))",
        "while True: pass",
        "raise SystemExit(3)",
        "class A: print('ran')",
    )
    for text in attempts:
        assert source.stopped(text.encode()) is not None
    assert not witness.exists()
    assert sys.gettrace() is None


@pytest.mark.parametrize(
    "text", [b"x = ", b"x = '\xff'\n", b"\0", b"# coding: nowhere\n", b"return\n", b"x = 1 is 1\n", b"x = '\\d'\n"]
)
def test_what_has_an_error_or_a_warning_is_left_to_compile(text):
    import _warnings

    before = list(_warnings.filters)
    assert source.stopped(text) is None
    assert _warnings.filters == before
    assert sys.gettrace() is None


def test_a_traced_process_stays_traced(isolated):
    isolated.passes("""
        import sys
        from _hermetic.running import source
        def trace(frame, event, arg): return None
        sys.settrace(trace)
        assert source.code_of(b"x = 1", "t.py", True).co_filename == "t.py"
        assert sys.gettrace() is trace
    """)


@pytest.mark.parametrize("options", ["", "--no-network"])
def test_warnings_of_the_compiler_name_the_file(isolated, options):
    done = isolated.script(options, "import sys\nx = 1 is 1\nprint(x)\n")
    plain = isolated.python("./target.py")
    assert (done.stdout, done.stderr) == (plain.stdout, plain.stderr)
    assert "target.py:2: SyntaxWarning" in done.stderr


def test_tracebacks_name_the_file(isolated):
    done = isolated.script("--no-network", "def f():\n    return 1 / 0\nf()\n")
    plain = isolated.python("./target.py")
    assert done.stderr == plain.stderr


def test_a_start_makes_no_classes_of_the_syntax_tree(isolated):
    """They take longer than everything else that becomes of a script."""
    code = "print(any(kind.__name__ == 'AST' for kind in object.__subclasses__()))"
    cached = {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPYCACHEPREFIX": str(isolated.folder / "cache")}
    isolated.script("--no-network", code, env=cached)
    assert isolated.script("--no-network", code, env=cached).stdout == "False\n"
