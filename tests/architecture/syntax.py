"""The source tree as syntax trees: who imports whom, and who uses what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import _hermetic
import hermetic

CORE, FACES = Path(_hermetic.__file__).parent, Path(hermetic.__file__).parent


@cache  # every test asks for it, and parsing takes most of a second
def modules(folder: Path) -> dict[str, ast.Module]:
    """Dotted name below the folder -> syntax tree; a package's ``__init__`` is the package."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def is_for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk(tree: ast.AST, *, functions: bool = True) -> Iterator[ast.AST]:
    """Every node that runs: what stands under TYPE_CHECKING does not. functions: also what runs later."""
    for child in ast.iter_child_nodes(tree):
        if is_for_typing(child):
            continue
        if not functions and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        yield child
        yield from walk(child, functions=functions)


def imports(name: str, tree: ast.AST, package: str, is_package: bool, *, functions: bool = True) -> Iterator[str]:
    """Absolute names of what a module imports; ``from x import y`` gives ``x`` and ``x.y``."""
    for node in walk(tree, functions=functions):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = [package, *name.split(".")] if name else [package]
                if not is_package:
                    parts.pop()
                parts = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*parts, base]) if base else ".".join(parts)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@cache
def core_imports(*, functions: bool = True) -> dict[str, set[str]]:
    """Core module -> absolute names it imports."""
    return {
        name: set(imports(name, tree, "_hermetic", (CORE / name.replace(".", "/")).is_dir(), functions=functions))
        for name, tree in modules(CORE).items()
    }


@cache
def face_imports(*, functions: bool = True) -> dict[str, set[str]]:
    """Face -> absolute names it imports."""
    return {
        name: set(imports(name, tree, "hermetic", (FACES / name.replace(".", "/")).is_dir(), functions=functions))
        for name, tree in modules(FACES).items()
    }


def known(names: set[str], package: str, members: set[str]) -> set[str]:
    """Those of the imported names that are modules of the package, relative to it."""
    return {n.removeprefix(f"{package}.") for n in names if n.removeprefix(f"{package}.") in members and n != package}
