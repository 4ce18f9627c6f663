"""Where the measuring happens: a virtual environment with hermetic installed as users have it, and files to read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCHMARKS = os.path.join(ROOT, "benchmarks")
WORKER = os.path.join(BENCHMARKS, "worker.py")
# What pip writes for a console script since its version 25; before, it had the script import ``re``.
CONSOLE_SCRIPT = """\
#!{python}
import sys
from hermetic.__main__ import program
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(program())
"""
# Not what is measured, and each changes it: bytecode must be written, and nothing may be injected.
DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONSTARTUP", "PYTHONWARNINGS")


class Place:
    """A folder of its own with an installed hermetic."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
        self.home = os.path.join(folder, "venv")
        self.python = os.path.join(self.home, "bin", "python")
        self.hermetic = os.path.join(self.home, "bin", "hermetic")
        self.script = self.write("t.py", "print('hello')\n")
        self.missing: dict[str, str] = {}

    def console_scripts(self) -> dict[str, str]:
        """What starts hermetic here, by a note for its row: the script that this pip has written, and where that
        imports ``re``, the one that pip writes today.
        """
        with open(self.hermetic, encoding="utf-8") as file:
            imports = "import re\n" in file.read()
        if not imports:
            return {"": self.hermetic}
        script = self.write("venv/bin/hermetic-today", CONSOLE_SCRIPT.format(python=self.python))
        os.chmod(script, 0o755)
        return {"": self.hermetic, "  by the console script of pip 25 and later": script}

    def prepare(self) -> None:
        """Make the environment and install hermetic into it: by pip, not editable, bytecode written."""
        if not os.path.exists(self.python):
            venv.create(self.home, with_pip=True, symlinks=True)
        for module in ("hermetic", "_hermetic"):
            if ROOT in self.output([self.python, "-c", f"import importlib.util as u; print(u.find_spec('{module}'))"]):
                raise RuntimeError(f"{module} would be taken from the working copy")
        self.pip("--force-reinstall", "--no-deps", ROOT)

    def other_python(self) -> str:
        """The interpreter of a second environment, with nothing installed in it."""
        home = os.path.join(self.folder, "other")
        python = os.path.join(home, "bin", "python")
        if not os.path.exists(python):
            venv.create(home, symlinks=True)
        return python

    def python_without(self) -> str:
        """The interpreter of a copy of the environment from which hermetic is removed, and nothing else."""
        home = os.path.join(self.folder, "without")
        python = os.path.join(home, "bin", "python")
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home, symlinks=True)
        command = [python, "-m", "pip", "uninstall", "--quiet", "--disable-pip-version-check", "--yes", "hermetic"]
        subprocess.run(command, check=True, env=self.environment, cwd=self.folder)
        return python

    def pip(self, *words: str) -> None:
        """pip install into the environment. CalledProcessError when it fails."""
        command = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
        subprocess.run(command, check=True, env=self.environment, cwd=self.folder)

    def has(self, distribution: str, module: str) -> bool:
        """Whether a program is installed here, or could be installed now; what could not is remembered."""
        probe = [self.python, "-c", f"import {module}"]
        if subprocess.run(probe, env=self.environment, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return True
        try:
            self.pip(distribution)
        except subprocess.CalledProcessError:
            self.missing[distribution] = "not installed here, and pip could not get it"
            return False
        return True

    def output(self, command: list[str]) -> str:
        """What a command prints."""
        result = subprocess.run(
            command, check=True, env=self.environment, cwd=self.folder, capture_output=True, text=True
        )
        return result.stdout

    def write(self, name: str, text: str) -> str:
        """Make a file in the folder; returns its path."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def plain_worker(self, *words: str) -> list[str]:
        """A worker with no guard around it."""
        return [self.python, WORKER, *words]

    def guarded_worker(self, options: str, *words: str) -> list[str]:
        """A worker under the command line; the guards alone unless the options name the kernel layer."""
        return [self.hermetic, *alone(options), "--", WORKER, *words]


def alone(options: str) -> list[str]:
    """Options as words, without the kernel layer unless they name it: it has rows of its own."""
    words = options.split()
    return words if not words or any(word.startswith("--kernel") for word in words) else ["--kernel=off", *words]


def running() -> str:
    """Which interpreter and machine the figures are of."""
    return f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}, {os.cpu_count()} processors"
