"""Libraries and interpreter settings that run text for a living."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both, works_unguarded

ATTACKS = {
    "runpy, a path": "import runpy\nattack(lambda: runpy.run_path('payload.txt'))",
    "runpy, private": """
        import runpy
        attack(lambda: runpy._run_code(compile(SOURCE, "x", "exec"), {}))
        attack(lambda: runpy._run_module_code(compile(SOURCE, "x", "exec")))
        """,
    "code": "import code\nattack(lambda: code.InteractiveInterpreter().runsource(SOURCE))",
    "codeop": "import codeop\nattack(lambda: exec(codeop.compile_command(SOURCE)))",
    "codeop compiler": "import codeop\nattack(lambda: exec(codeop.Compile()(SOURCE, 'x', 'exec')))",
    "timeit": "import timeit\nattack(lambda: timeit.timeit(SOURCE, number=1))",
    "timeit setup": "import timeit\nattack(lambda: timeit.Timer('pass', SOURCE).timeit(1))",
    "doctest": """
        import doctest
        attack(lambda: doctest.run_docstring_examples(">>> " + SOURCE, {}))
        """,
    "bdb": "import bdb\nattack(lambda: bdb.Bdb().run(SOURCE))",
    "cProfile": "import cProfile\nattack(lambda: cProfile.run(SOURCE))",
    "profile": "import profile\nattack(lambda: profile.run(SOURCE))",
    "trace": "import trace\nattack(lambda: trace.Trace(count=0, trace=0).run(SOURCE))",
    "pdb": "import pdb, io\nattack(lambda: pdb.Pdb(stdin=io.StringIO('c\\n'), stdout=io.StringIO()).run(SOURCE))",
    "site folder": """
        import os, site
        os.mkdir("evil"); open("evil/x.pth", "w").write("import sys; " + SOURCE + "\\n")
        attack(lambda: site.addsitedir(os.path.abspath("evil")))
        """,
    "site package file": """
        import os, site
        open("y.pth", "w").write("import sys; " + SOURCE + "\\n")
        attack(lambda: site.addpackage(os.getcwd(), "y.pth", set()))
        """,
    "eval": "attack(lambda: eval(SOURCE))",
    "compileall": """
        import importlib.machinery, py_compile
        def go():
            py_compile.compile("payload.txt", cfile="z.pyc", doraise=True)
            importlib.machinery.SourcelessFileLoader("z", "z.pyc").load_module()
        attack(go)
        """,
    "ast compiled": """
        import ast
        attack(lambda: exec(compile(ast.parse(SOURCE), "x", "exec")))
        attack(lambda: exec(compile(compile(SOURCE, "x", "exec", ast.PyCF_ONLY_AST), "x", "exec")))
        """,
    "expression tree": """
        import ast
        attack(lambda: eval(compile(ast.Expression(ast.parse(SOURCE, mode="eval").body), "x", "eval")))
        """,
    "turtle's demo": "import importlib.util\nattack(lambda: exec(compile(SOURCE, 'x', 'single')))",
    "test loader": """
        import unittest
        class L:
            def __getattr__(self, name): return lambda *a: eval(SOURCE)
        attack(lambda: unittest.TestLoader.loadTestsFromName(L(), SOURCE))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_text_is_not_run(isolated: Any, name: str) -> None:
    if name == "site folder":
        works_unguarded(isolated, ATTACKS[name])
        import shutil

        shutil.rmtree(isolated.folder / "evil")
        attempt(isolated, ATTACKS[name])
        return
    both(isolated, ATTACKS[name])


def test_no_prompt_after_the_program(isolated: Any) -> None:
    """PYTHONINSPECT, set by the program itself, makes the interpreter run what stdin holds."""
    import os
    import pty
    import sys

    isolated.write("target.py", "import os\nos.environ['PYTHONINSPECT'] = '1'\nprint('END', flush=True)\n")
    master, slave = pty.openpty()
    os.write(master, b'print("ESC" + "APED")\n\x04')
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "hermetic", "--no-code-exec", "--", "./target.py"],
        stdin=slave,
        capture_output=True,
        text=True,
        cwd=isolated.folder,
        env=isolated.environment(),
        timeout=30,
    )
    os.close(slave)
    os.close(master)
    assert "END" in done.stdout and "ESCAPED" not in done.stdout + done.stderr
