"""What to run, and how: two records that travel to the process which runs it.

Apart from ``run``, because the process that only starts another one needs no guards.
"""

from __future__ import annotations

from ..model import Value

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

SCRIPT, MODULE, CALL, CODE, STDIN, FOLDER = "script", "module", "call", "code", "stdin", "folder"
# No Python at all: its name is its path.
PROGRAM = "program"
# How the kernel layer is used.
AUTO, REQUIRE, OFF = "auto", "require", "off"


class Target(Value):
    """What to run. kind: one of the seven above; name: a path, a module, or the code itself.

    argv: what ``sys.argv`` shall be (for a module, its first item is filled in);
    orig_argv and executable: what they would be in a plain run, or None to leave them.
    second_line: whether a script begins with its second line (``python -x``).
    """

    __slots__ = ("kind", "name", "attr", "argv", "orig_argv", "executable", "second_line")
    DEFAULTS = {"attr": "", "orig_argv": None, "executable": None, "second_line": False}

    kind: str
    name: str
    attr: str
    argv: list[str]
    orig_argv: list[str] | None
    executable: str | None
    second_line: bool

    @property
    def not_found(self) -> str:
        """What to say of a module that is not there; whoever did not ask for ``-m`` may have meant another thing."""
        others = "" if self.executable else "; nor is there a command on PATH, or a file, of that name"
        return f"no module named {self.name}, or nothing in it to run{others}"


class Options(Value):
    """How the run behaves beside its policy.

    strict: any blocked act decides the status. keep_fds: sockets that stay open. child: started by a guarded
    process, whose open sockets are what the policy allowed. told: whether the run has been told of a child that
    nothing holds. reports: (descriptor, its inode) of the pipe where the children of a strict run report, or None.
    path: the ``sys.path`` of the process whose worker this is, or None. kernel: auto, require or off. held: of a
    child, the families that the kernel holds already. since: of a child, when the first
    guards of its run were started, in nanoseconds, or 0. heard: (descriptor, its inode,
    process id) of where the process that began the run reads what is reported: the program that takes that process
    over by exec goes on reading. waits: whether the process that was started may wait for the
    program, as a child of its own, where the kernel layer takes that.
    """

    __slots__ = ("strict", "keep_fds", "child", "told", "reports", "path", "kernel", "held", "since", "heard", "waits")
    DEFAULTS = {
        "strict": False,
        "keep_fds": (),
        "child": False,
        "told": False,
        "reports": None,
        "path": None,
        "kernel": OFF,
        "held": (),
        "since": 0,
        "heard": (),
        "waits": False,
    }

    strict: bool
    keep_fds: tuple[int, ...]
    child: bool
    told: bool
    reports: tuple[int, int] | None
    path: tuple[str, ...] | None
    kernel: str
    held: tuple[str, ...]
    since: int
    heard: tuple[int, ...]
    waits: bool

    def fields(self) -> tuple[Any, ...]:
        """What travels to another process, in the order of the slots."""
        return tuple([getattr(self, name) for name in self.__slots__])
