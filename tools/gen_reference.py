"""Write docs/reference from the tables of the code; with --check, fail when a committed page differs.

Signatures are read from the syntax tree and the help text is laid out for a
fixed width, so every supported Python writes the same pages.
"""

from __future__ import annotations

import ast
import difflib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
REFERENCE = ROOT / "docs" / "reference"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent)]

from _hermetic.capabilities import FAMILIES, load_family  # noqa: E402  # the checkout's own, not an installed one
from _hermetic.events import trace_line  # noqa: E402  # as above
from hermetic.cli import build_parser  # noqa: E402  # as above
from hermetic.integrations.pytest_options import OWN_OPTIONS, PROFILE_HELP, help_of  # noqa: E402  # as above
from hermetic.integrations.pytest_words import POLICY, PREFIX, REFUSED, flag_of, ini_key  # noqa: E402  # as above
from hermetic.settings import SETTINGS, Setting  # noqa: E402  # as above
from hermetic.values import PROFILES  # noqa: E402  # as above
from policy_schema import schema_text  # noqa: E402  # found beside this file
from reference_phrases import EXIT_CODES, FAMILY_TITLES, PHRASES, PUBLIC  # noqa: E402  # found beside this file
from reference_words import (  # noqa: E402  # as above
    CLI_BLOCKED,
    CLI_TRACE,
    CLI_TRACE_NEVER,
    CLI_WORDS,
    ERRORS_INTRODUCTION,
    PYTEST_INTRODUCTION,
    PYTEST_MARKER,
    SETTINGS_COMBINED,
    SETTINGS_INTRODUCTION,
    SURFACE_INTRODUCTION,
)

HEADER = "<!-- Written by tools/gen_reference.py. Change the tables in src/, not this page. -->\n\n"
HELP_WIDTH = "100"
LONGEST_SIGNATURE = 100


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def code(items: Iterable[str]) -> str:
    """Names in code quotes, or a hyphen."""
    return ", ".join(f"`{item}`" for item in items) or "-"


# --- surface.md ---


def surface_page() -> str:
    """Every row of every family."""
    parts = [
        "# Surface: every guarded call\n",
        SURFACE_INTRODUCTION,
    ]
    for guard in FAMILIES:
        family = load_family(guard)
        title, about = FAMILY_TITLES[guard]
        parts.append(f'<a id="{guard}"></a>\n\n## {title}\n\n{about}\n')
        rows = []
        for row in family.surface:
            marks = [word for word, on in ((f"door `{row.door}`", row.door), ("final", row.final)) if on]
            note = "; ".join([*marks, *([row.note] if row.note else [])])
            calls = [row.call] if row.call else [*row.audit, *(name.replace(":", ".") for name in row.patch)]
            rows.append((f"`{row.capability}`", code(row.audit), code(row.patch), code(calls), note))
        parts.append(table(("capability", "events", "stand-ins", "shown as", "notes"), rows))
    return "\n".join(parts)


# --- settings.md ---


def spelled_flags(setting: Setting) -> list[str]:
    """Flags with their values, as they are typed."""
    if setting.optional is not None:
        return [f"{flag}[={setting.optional[0]}]" for flag in setting.flags]
    return [f"{flag} {setting.metavar}" if setting.metavar else flag for flag in setting.flags]


def settings_page() -> str:
    """Every setting, with all its spellings and how it combines."""
    rows = []
    for setting in SETTINGS:
        rows.append(
            (
                code(spelled_flags(setting)),
                code([setting.name] if setting.name else []),
                code([setting.option_name]),
                code(keyword for keyword in setting.keywords if keyword != setting.option_name),
                code(setting.needs),
                setting.join,
                setting.narrow if setting.name else "-",
                setting.help,
            )
        )
    head = ("flag", "keyword, `BlockConfig`", "`GuardConfig`", "also accepted", "needs", "join", "narrow", "meaning")
    return (
        f"# Settings\n\n{SETTINGS_INTRODUCTION}\n\n"
        + table(head, rows)
        + f"\n{SETTINGS_COMBINED}\n"
        + "\n## Profiles\n\n"
        + table(("profile", "same as"), ((f"`{n}`", f"`{profile_flags(b)}`") for n, b in PROFILES.items()))
    )


def profile_flags(bundle: dict[str, bool]) -> str:
    """The options a profile stands for."""
    flags = {setting.key: setting.flags[0] for setting in SETTINGS if setting.flags}
    return " ".join(flags[key] for key in bundle)


# --- cli.md ---


def help_text() -> str:
    """``hermetic --help`` at a fixed width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = HELP_WIDTH
    try:
        return build_parser().format_help()
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def cli_page() -> str:
    """Help text, exit codes, the trace."""
    samples = (
        trace_line("blocked", "socket.getaddrinfo", "network", "example.com", "no-network"),
        trace_line("blocked", "open", "filesystem", "/tmp/x", "fs-readonly"),
        trace_line("blocked", "import", "imports", "ctypes", "block-native"),
        trace_line("would block", "os.system", "subprocess", "git", "no-subprocess"),
    )
    return (
        "# Command line\n\n```text\n" + help_text() + "```\n\n"
        f"{CLI_WORDS}\n\n## Exit codes\n\n"
        + table(("code", "meaning"), EXIT_CODES)
        + f"\n{CLI_BLOCKED}\n\n## Trace\n\n{CLI_TRACE}\n\n"
        + "```text\n"
        + "\n".join(samples)
        + f"\n```\n\n{CLI_TRACE_NEVER}\n"
    )


# --- errors.md ---


def literals(path: Path) -> Iterator[str]:
    """The text of every string literal and the leading text of every f-string of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def unknown_phrases() -> list[str]:
    """Phrases of the page that no family says, and phrases that a family says and the page does not know."""
    said = {text for path in (SOURCE / "_hermetic" / "capabilities").rglob("*.py") for text in literals(path)}
    said |= {text for path in (SOURCE / "_hermetic" / "enforce" / "doors").rglob("*.py") for text in literals(path)}
    known = [row[0] for row in PHRASES]
    missing = [p for p in known if not any(text == p or text.startswith(f"{p}:") for text in said)]
    verbs = (" disabled: ", " blocked: ", " readonly: ", " sandbox root: ")
    openings = {text.partition(":")[0] for text in said for verb in verbs if verb in text and "\n" not in text}
    return [f"not said by any family: {p}" for p in missing] + [
        f"not on the page: {p}" for p in sorted(openings - set(known))
    ]


def anchor(phrase: str) -> str:
    return phrase.lower().replace(" ", "-")


def errors_page() -> str:
    """The message phrases, each with an anchor."""
    problems = unknown_phrases()
    if problems:
        raise SystemExit("errors.md: " + "; ".join(problems))
    parts = [
        "# Errors\n",
        ERRORS_INTRODUCTION,
        table(
            ("phrase", "`guard`", "`target`", "class"),
            ((f"[`{p}: ...`](#{anchor(p)})", f"`{guard}`", aim, f"`{cls}`") for p, guard, aim, cls, _, _ in PHRASES),
        ),
    ]
    for phrase, _, _, _, meaning, remedy in PHRASES:
        parts.append(f'<a id="{anchor(phrase)}"></a>\n\n## {phrase}\n\n{meaning}\n\n*What would allow it:* {remedy}\n')
    return "\n".join(parts)


# --- api.md ---


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, method: bool) -> str:
    """One line, or one argument a line when that would be too long."""
    arguments = node.args
    if method and arguments.args:
        arguments.args = arguments.args[1:]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None and name == node.name else ""
    text = f"{name}({ast.unparse(arguments)}){returns}"
    if len(text) <= LONGEST_SIGNATURE:
        return text
    return f"{name}(\n    " + ast.unparse(arguments).replace(", ", ",\n    ") + f",\n){returns}"


def documented(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").strip()


def class_lines(node: ast.ClassDef, level: str) -> Iterator[str]:
    """A class: constructor, fields, docstring, public methods."""
    methods = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
    if "__init__" in methods:
        head = signature(methods["__init__"], node.name, True)
    elif any("dataclass" in ast.unparse(d) for d in node.decorator_list):
        head = "@dataclass\nclass " + node.name + ":\n" + "\n".join(f"    {ast.unparse(n)}" for n in fields)
    else:
        head = f"class {node.name}({', '.join(ast.unparse(base) for base in node.bases)})"
    yield f"{level} {node.name}\n\n```text\n{head}\n```\n\n{documented(node)}\n"
    for name, method in methods.items():
        if not documented(method) or (name.startswith("_") and name not in ("__or__", "__call__")):
            continue
        plain = any(ast.unparse(d) == "property" for d in method.decorator_list)
        text = name if plain else signature(method, name, True)
        yield f"{level}# {node.name}.{name}\n\n```text\n{text}\n```\n\n{documented(method)}\n"


def api_page() -> str:
    """Signatures and docstrings of the public names."""
    parts = ["# Python API\n"]
    for module, home, names in PUBLIC:
        tree = ast.parse((SOURCE / home).read_text(encoding="utf-8"))
        parts.append(f"## `{module}`\n\n{(ast.get_docstring(tree) or '').strip()}\n")
        found = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        for name in names:
            node = found.get(name)
            if isinstance(node, ast.ClassDef):
                parts += class_lines(node, "###")
            elif node is not None:
                parts.append(f"### {name}\n\n```text\n{signature(node, name, False)}\n```\n\n{documented(node)}\n")
            else:
                parts.append(f"### {name}\n\n{alias_text(tree, name)}\n")
    return "\n".join(parts)


def alias_text(tree: ast.Module, name: str) -> str:
    """A public name that is an assignment."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name:
            kind = f": {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""
            value = ast.unparse(node.value) if isinstance(node, ast.Assign) else "..."
            return f"```text\n{name}{kind} = {value}\n```"
    raise SystemExit(f"api.md: no public name {name}")


# --- pytest.md ---


def pytest_page() -> str:
    """Every option, ini key and marker keyword of the plugin."""
    rows = []
    for setting in SETTINGS:
        flags = [flag_of(flag) for flag in spelled_flags(setting) if setting.flags]
        spoken = bool(setting.name) and setting.key not in REFUSED
        ini = [ini_key(setting.key)] if spoken else []
        rows.append((code(flags), code(ini), code([setting.name] if spoken else []), help_of(setting)))
    own = [(code([f"--{PREFIX} PROFILE"]), code([ini_key("profile")]), "`PROFILE`", PROFILE_HELP)]
    for flag, how in OWN_OPTIONS:
        value = how.get("metavar") or "|".join(how["choices"])
        word = flag.removeprefix(f"--{PREFIX}-")
        ini = [ini_key(word)] if word in (POLICY, "mode") else []
        own.append((code([f"{flag} {value}"]), code(ini), code([word] if word == POLICY else []), how["help"]))
    head = ("option", "ini key", "marker, fixture", "meaning")
    parts = ["# pytest plugin\n", PYTEST_INTRODUCTION, table(head, [*own, *rows]), PYTEST_MARKER]
    tree = ast.parse((SOURCE / "hermetic" / "integrations" / "pytest_fixture.py").read_text(encoding="utf-8"))
    parts.append("## The fixture `hermetic`\n")
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            parts += class_lines(node, "###")
    return "\n".join(parts)


PAGES = {
    "surface.md": surface_page,
    "settings.md": settings_page,
    "cli.md": cli_page,
    "errors.md": errors_page,
    "api.md": api_page,
    "policy.schema.json": schema_text,
    "pytest.md": pytest_page,
}


def main(words: list[str]) -> int:
    """Write the pages, or compare them."""
    if words not in ([], ["--check"]):
        sys.exit("usage: gen_reference.py [--check]")
    stale = 0
    for name, page in PAGES.items():
        path = REFERENCE / name
        text = ("" if name.endswith(".json") else HEADER) + page().rstrip("\n") + "\n"
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if words and text != old:
            stale += 1
            sys.stdout.writelines(
                difflib.unified_diff(old.splitlines(True), text.splitlines(True), f"committed {name}", name)
            )
        elif text != old:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    if stale:
        print(f"{stale} pages of docs/reference differ from the tables: run python tools/gen_reference.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
