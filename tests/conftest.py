"""Fixtures: everything irreversible runs in a fresh interpreter, which is judged from outside.

The suite resets no private state: an audit hook cannot be removed, so a test that
starts guards starts a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
TIME_LIMIT = 60
# Debian's Pythons have one, before which no other is found.
HAS_SITECUSTOMIZE = (Path(os.__file__).parent / "sitecustomize.py").exists()
no_sitecustomize = pytest.mark.skipif(HAS_SITECUSTOMIZE, reason="this Python's library has a sitecustomize of its own")
# What is tried is judged by what it says, not by how long a machine takes for it that has other things to do.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def import_path() -> str | None:
    """The folder that children need on PYTHONPATH to import hermetic; None when it is installed."""
    spec = find_spec("hermetic")
    if spec is None or spec.origin is None:
        sys.path.insert(0, str(SOURCE))
        return str(SOURCE)
    folder = Path(spec.origin).resolve().parent.parent
    return None if folder.name in ("site-packages", "dist-packages") else str(folder)


IMPORT_PATH = import_path()
# Suites in folders of their own, for the pytest plugin; and that plugin, which guards these tests, where it is not
# installed.
INSTALLED = any(found.name == "hermetic" for found in entry_points(group="pytest11"))
pytest_plugins = ("pytester", *(() if INSTALLED else ("hermetic.integrations.pytest_plugin",)))
# The command line, of an interpreter that finds hermetic nowhere else: nothing that its target would inherit. As for an
# installed command, the first folder of the path is its own.
LAUNCHER = f"import sys; sys.path[0] = {str(SOURCE)!r}; from hermetic.__main__ import program; sys.exit(program())"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """The plugin holds these tests, not the interpreters that they start, whose own guards are what is tested."""
    run = config.pluginmanager.get_plugin("hermetic-run")
    if run is not None:
        run.policies.children = None


class Outcome(NamedTuple):
    """How a process ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """The last line of stdout, as JSON."""
        assert self.stdout.strip(), f"nothing on stdout; status {self.code}\n{self.stderr}"
        return json.loads(self.stdout.strip().splitlines()[-1])

    @property
    def errors(self) -> list[str]:
        """The lines of stderr."""
        return self.stderr.splitlines()


class Isolated:
    """Runs code in fresh interpreters, in a folder of its own."""

    def __init__(self, folder: Path, temp: Path) -> None:
        self.folder = folder
        self.temp = temp
        self._started: list[subprocess.Popen[str]] = []

    def environment(self, changes: dict[str, str | None] | None = None, bare: bool = False) -> dict[str, str]:
        """A short, known environment; a change to None takes a variable away, PYTHONPATH is added to hermetic's.

        bare: PYTHONPATH is only what the changes say, as for a program in whose environment hermetic is not.
        """
        found: dict[str, str | None] = {
            "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(self.temp),
            "LANG": "C.UTF-8",
            # Names that nobody has are asked for: where no server of names answers, that shall not take long.
            "RES_OPTIONS": "timeout:1 attempts:1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in ("SYSTEMROOT", "COMSPEC", "PATHEXT", "LD_LIBRARY_PATH"):
            found[name] = os.environ.get(name)
        found.update(changes or {})
        paths = [p for p in (None if bare else IMPORT_PATH, found.get("PYTHONPATH")) if p]
        found["PYTHONPATH"] = os.pathsep.join(paths) or None
        return {name: value for name, value in found.items() if value is not None}

    def write(self, name: str, text: str, mode: int | None = None) -> Path:
        """A file in the folder; the text's common indentation is taken off."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        if mode is not None:
            path.chmod(mode)
        return path

    def copy_hermetic(self, name: str) -> Path:
        """Both packages in a folder of this name, without bytecode, as some installers leave them."""
        copy = self.folder / name
        for package in ("_hermetic", "hermetic"):
            (place,) = find_spec(package).submodule_search_locations
            shutil.copytree(place, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
        return copy

    def run(
        self,
        command: list[str],
        *,
        env: dict[str, str | None] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        pass_fds: tuple[int, ...] = (),
        timeout: float = TIME_LIMIT,
        bare: bool = False,
    ) -> Outcome:
        """Run a command line to its end; bare: hermetic is not put on its PYTHONPATH."""
        done = subprocess.run(
            command,
            env=self.environment(env, bare),
            cwd=cwd or self.folder,
            input=stdin if stdin is not None else "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            pass_fds=pass_fds,
            timeout=timeout,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def python(self, *words: str, **how: Any) -> Outcome:
        """``python WORDS``."""
        return self.run([sys.executable, *words], **how)

    def code(self, code: str, *arguments: str, **how: Any) -> Outcome:
        """Python code in a fresh interpreter that can import hermetic."""
        return self.python("-c", textwrap.dedent(code), *arguments, **how)

    def passes(self, code: str, *arguments: str, **how: Any) -> Outcome:
        """The same, for code that asserts by itself: it must reach its end."""
        done = self.code(code, *arguments, **how)
        assert done.code == 0, f"status {done.code}\n{done.stdout}\n{done.stderr}"
        return done

    def cli(self, *words: str, **how: Any) -> Outcome:
        """``python -m hermetic WORDS``."""
        return self.python("-m", "hermetic", *words, **how)

    def foreign(self, options: str | list[str], *words: str, **how: Any) -> Outcome:
        """``hermetic OPTIONS -- WORDS`` where the target's environment has no hermetic, nor a PYTHONPATH to it."""
        given = options.split() if isinstance(options, str) else options
        return self.python("-c", LAUNCHER, *given, "--", *words, bare=True, **how)

    def script(self, options: str | list[str], code: str, *arguments: str, **how: Any) -> Outcome:
        """A script under the command line: ``hermetic OPTIONS -- ./target.py ARGUMENTS``."""
        words = options.split() if isinstance(options, str) else options
        self.write("target.py", code)
        return self.cli(*words, "--", "./target.py", *arguments, **how)

    def start(
        self, *words: str, env: dict[str, str | None] | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """``python WORDS``, running; for signals. The caller waits for it; where that fails it ends with the test."""
        process = subprocess.Popen(
            [sys.executable, *words],
            env=self.environment(env),
            cwd=self.folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what a test that failed has left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()


class Environment:
    """An environment of its own on a base interpreter, in which hermetic is not installed: what venv makes, by hand."""

    def __init__(self, folder: Path, base: str = sys.executable) -> None:
        real = Path(base).resolve()
        (folder / "bin").mkdir(parents=True)
        for name in ("python", "python3", version := real.name):
            (folder / "bin" / name).symlink_to(real)
        if not version.startswith("python3."):
            version = "python%d.%d" % sys.version_info[:2]
            (folder / "bin" / version).symlink_to(real)
        (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n")
        self.site = folder / "lib" / version / "site-packages"
        self.site.mkdir(parents=True)
        self.folder = folder
        self.bin = folder / "bin"
        self.python = str(folder / "bin" / "python")

    def install(self, name: str, text: str) -> None:
        """A module of its site-packages."""
        (path := self.site / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def command(self, name: str, module: str, first: str | None = None) -> Path:
        """A console script as pip writes it, with this first line."""
        text = f"#!{first or self.python}\nimport sys\nfrom {module} import main\nif __name__ == '__main__':\n"
        (path := self.bin / name).write_text(text + "    sys.exit(main())\n")
        path.chmod(0o755)
        return path


@pytest.fixture
def listener() -> Iterator[tuple[int, Callable[[], bool]]]:
    """(its port, a function that tells whether somebody came)."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)

        def reached() -> bool:
            try:
                server.accept()[0].close()
            except TimeoutError:
                return False
            return True

        yield server.getsockname()[1], reached


@pytest.fixture
def other(isolated: Isolated) -> Environment:
    """Another environment on the running interpreter's base."""
    return Environment(isolated.folder / "other")


@pytest.fixture
def isolated(tmp_path: Path) -> Iterator[Isolated]:
    """A runner of fresh interpreters; the temporary folder it gives them must be empty in the end."""
    folder = tmp_path / "run"
    folder.mkdir()
    # Not below tmp_path: a Unix socket's path has room for about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="h") as temp:
        found = Isolated(folder, Path(temp))
        yield found
        found.end()
        left = [path.name for path in Path(temp).iterdir()]
    assert not left, "left behind in TMPDIR"
