"""Suites that run under the plugin, each in a process of its own."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from textwrap import dedent

import pytest

PLUGIN = "hermetic.integrations.pytest_plugin"
INSTALLED = any(found.value == PLUGIN for found in entry_points(group="pytest11"))
# Not in these runs unless a test is about them: each has its own idea of order and output.
ABSENT = ("randomly", "asyncio", "socket", "xdist", "timeout", "rerunfailures", "cov")
LINE = re.compile(r"^\S*?::(\S+) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN)", re.MULTILINE)


class Suite:
    """A suite in a folder of its own."""

    def __init__(self, pytester: pytest.Pytester, port: int) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.port = port

    def write(self, **files: str) -> None:
        """Modules by their names; PORT is that of a server on loopback."""
        head = f"import socket, pytest\nPORT = {self.port}\n"
        for name, text in files.items():
            self.pytester.makepyfile(**{name: head + dedent(text)})

    def ini(self, text: str) -> None:
        """A pytest.ini."""
        self.pytester.makefile(".ini", pytest="[pytest]\n" + text)

    def run(self, *words: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """pytest, with the plugin and these others."""
        command = ["-v", "--color=no"]
        command += [word for name in ABSENT if name not in plugins for word in ("-p", f"no:{name}")]
        return self.pytester.runpytest_subprocess(*command, *words, timeout=100)


def verdicts(result: pytest.RunResult) -> dict[str, str]:
    """Test -> how it ended; an error in its tear-down counts more than what it was before."""
    return dict(LINE.findall(result.stdout.str()))
