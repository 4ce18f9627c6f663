"""What the tests of denied imports share: a folder with a denied module, and a script that tries many ways to it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TOKEN = "GOTIT"
DENIED = ("forbidden_mod", "forbidden_pkg")
OPTIONS = [word for name in DENIED for word in ("--deny-import", name)]

PRELUDE = """
import importlib, importlib._bootstrap as bootstrap, importlib.machinery as machinery, importlib.util as util
import _imp, json, os, sys, types
OUTCOMES = {}
def attempt(function):
    try:
        result = function()
        OUTCOMES[function.__name__] = "escaped " + str(getattr(result, "VALUE", result))
    except ImportError as error:
        cause = error
        while cause is not None and not hasattr(cause, "guard"):
            cause = cause.__cause__ or cause.__context__
        OUTCOMES[function.__name__] = f"{cause.guard}: {cause}" if cause is not None else f"unguarded {error}"
    except BaseException as error:
        OUTCOMES[function.__name__] = f"{getattr(error, 'guard', 'unguarded')}: {type(error).__name__} {error}"
    return function
def load(name, path, kind=machinery.SourceFileLoader):
    spec = util.spec_from_file_location(name, path, loader=kind(name, path))
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
"""
REPORT = """
print(json.dumps(OUTCOMES))
"""


def lay_out(folder: Path) -> None:
    """A denied module and a denied package, links to both, and neighbours that only sound like them."""
    text = "VALUE = 'GOT' + 'IT'\n"
    (folder / "forbidden_mod.py").write_text(text)
    os.symlink("forbidden_mod.py", folder / "alias_mod.py")
    os.link(folder / "forbidden_mod.py", folder / "hard_mod.py")
    package = folder / "forbidden_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sub.py").write_text(text)
    os.symlink("forbidden_pkg", folder / "alias_pkg")
    allowed = folder / "allowed_pkg"
    allowed.mkdir()
    (allowed / "__init__.py").write_text("")
    (allowed / "forbidden_mod.py").write_text("VALUE = 'another module of that name'\n")
    (folder / "forbidden_mod_too.py").write_text("VALUE = 'a longer name'\n")


def outcomes(isolated: Any, options: list[str], code: str) -> dict[str, str]:
    """How each attempt in the code ended, under the command line."""
    isolated.write("target.py", PRELUDE + code + REPORT)
    done = isolated.cli(*options, "--", "./target.py")
    assert done.stdout.strip(), done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    assert found
    return found


def assert_all_blocked(found: dict[str, str], *phrases: str) -> None:
    """Every attempt ended in a violation of the imports guard with one of these first words."""
    for name, outcome in found.items():
        if outcome == "interpreter: PolicyViolation interpreter mutation disabled: heap":
            continue  # under a seal the search for originals is refused already
        assert outcome.startswith(tuple(f"imports: {phrase}" for phrase in phrases)), f"{name}: {outcome}"
