"""What the documentation shows is what happens: its code blocks run, and the output it prints is compared.

A block is told what to do by an HTML comment on the line before its fence:
``file: NAME`` writes it, ``prints`` compares it with the output of the Python
block before, ``skip: REASON`` leaves it alone. A console block runs its lines
that begin with ``$ hermetic``, ``$ python`` or ``$ echo $?``; ``...`` in shown
output stands for anything.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
INSTALLED = any(found.name == "hermetic" for found in entry_points(group="pytest11"))
FENCE = re.compile(
    r"^(?:<!-- *(?P<note>[^>]*?) *-->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
# How pages spell the folder they are in.
SHOWN_FOLDER = "/home/you/project"
GENERATED = ROOT / "docs" / "reference"


class Block(NamedTuple):
    """A fenced block, and the comment before it."""

    note: str
    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["note"] or "", m["language"], m["text"]) for m in found]


def pages() -> list[Path]:
    return [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if not is_generated(page))]


def is_generated(page: Path) -> bool:
    return page.read_text(encoding="utf-8").startswith("<!-- Written by tools/")


class Folder:
    """One page's working folder, and what the last command in it ended with."""

    def __init__(self, isolated: Any) -> None:
        self.path = isolated.folder
        shutil.copytree(ROOT / "examples", self.path / "examples")
        scripts = os.path.dirname(sys.executable)
        self.environment = isolated.environment(
            {
                "PATH": scripts + os.pathsep + os.environ.get("PATH", os.defpath),
                "PYTHONUNBUFFERED": "1",
                # Installed for a program under test; here it would only warn about settings. Ours, where it is not.
                "PYTEST_ADDOPTS": "-p no:asyncio" + ("" if INSTALLED else " -p hermetic.integrations.pytest_plugin"),
            }
        )
        self.status = 0

    def run(self, words: list[str]) -> str:
        """What a command writes to stdout and stderr, in order, with this folder as the pages spell it."""
        done = subprocess.run(
            words,
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
        )
        self.status = done.returncode
        return done.stdout.replace(str(self.path), SHOWN_FOLDER)

    def command(self, line: str) -> str | None:
        """The output of one line of a console block, or None for one that is only shown."""
        if line == "echo $?":
            return f"{self.status}\n"
        words = shlex.split(line)
        if words[0] == "hermetic":
            return self.run([sys.executable, "-m", *words])
        if words[0] == "python":
            return self.run([sys.executable, *words[1:]])
        return None


def commands_of(text: str) -> Iterator[tuple[str, str]]:
    """(command, shown output) of a console block; a command's line may go on after a backslash."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, output = part.replace("\\\n", "").partition("\n")
        yield line, output


def same(shown: str, real: str) -> bool:
    """Whether shown output is the real one; a line of ``...`` stands for any lines, and in a line for any text."""
    pattern = re.escape(shown.strip()).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, real.strip(), re.DOTALL) is not None


def check_console(folder: Folder, text: str) -> None:
    for line, shown in commands_of(text):
        real = folder.command(line)
        if real is not None:
            assert same(shown, real), f"$ {line}\nshown:\n{shown}\nreal:\n{real}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_of_a_page_do_what_it_says(page: Path, isolated: Any) -> None:
    folder = Folder(isolated)
    printed = ""
    for number, block in enumerate(blocks_of(page)):
        if block.note.startswith(("skip:", "command:")):
            continue
        if block.note.startswith("file:"):
            (folder.path / block.note.partition(":")[2].strip()).write_text(block.text, encoding="utf-8")
        elif block.note == "prints":
            assert same(block.text, printed), f"shown:\n{block.text}\nreal:\n{printed}"
        elif block.language == "python":
            script = folder.path / f"block_{number}.py"
            script.write_text(block.text, encoding="utf-8")
            printed = folder.run([sys.executable, script.name])
            assert folder.status == 0, f"{block.text}\n{printed}"
        elif block.language == "console":
            check_console(folder, block.text)


def readme_command(name: str) -> str:
    """The one line of the README's block of this name."""
    (block,) = [b for b in blocks_of(ROOT / "README.md") if b.note == f"command: {name}"]
    (line,) = block.text.splitlines()
    return line


def test_first_command_shows_what_a_user_sees(isolated: Any) -> None:
    folder = Folder(isolated)
    line = readme_command("main-job")
    found = re.search(r"\{ \.venv/bin/(hermetic .*?) \|\| echo \"exit status \$\?\"; \}$", line)
    assert found is not None, line
    real = folder.command(found[1])
    assert real is not None
    shown = next(b.text for b in blocks_of(ROOT / "README.md") if b.note == "command: main-job output")
    assert same(shown, f"{real.strip()}\nexit status {folder.status}")


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [*pages(), *GENERATED.glob("*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken


def test_generated_pages_are_what_the_tables_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "gen_reference.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "command: tests" in script
    assert readme_command("tests") not in script, "it must be taken from the README, not copied"
