"""What a target is and where it runs: a pure choice, and one effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from _hermetic.programs.target import CALL, CODE, FOLDER, MODULE, SCRIPT, STDIN, Options, Target
from _hermetic.running.run import run_main
from hermetic.runner import status_of
from hermetic.targets import Launch, find

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BOOTSTRAP", "INPROCESS", "TargetSpec", "invoke_inprocess", "resolve"]

INPROCESS, BOOTSTRAP = "inprocess", "bootstrap"
_KINDS = (SCRIPT, MODULE, CALL, CODE, STDIN, FOLDER)


@dataclass
class TargetSpec:
    """A target that was found.

    module, attr: what to import and call (attr empty: run the module as ``__main__``); for a
    script, module is its path. mode: ``"inprocess"``, or ``"bootstrap"`` when it belongs to another
    interpreter or asks for options that only a new process honours. exe_path: the file that was
    found, if any. interp_path: the interpreter for bootstrap mode. kind: one of script, module,
    call, code, stdin, folder. flags: interpreter options. argv: what ``sys.argv`` will be.
    """

    module: str
    attr: str
    mode: str
    exe_path: str | None = None
    interp_path: str | None = None
    kind: str = MODULE
    flags: list[str] = field(default_factory=list)
    argv: list[str] = field(default_factory=list)


def resolve(target: str, target_argv: Sequence[str] = ()) -> TargetSpec:
    """Find a target in the documented order. HermeticError when it is nothing. Nothing is run."""
    return spec_of(find([target, *target_argv]))


def spec_of(launch: Launch) -> TargetSpec:
    """The public description of a launch."""
    target = launch.target
    new_process = launch.interpreter is not None or bool(launch.flags)
    return TargetSpec(
        module=target.name,
        attr=target.attr,
        mode=BOOTSTRAP if new_process else INPROCESS,
        exe_path=target.name if target.kind in (SCRIPT, FOLDER) else None,
        interp_path=launch.interpreter,
        kind=target.kind,
        flags=list(launch.flags),
        argv=list(target.argv),
    )


def invoke_inprocess(spec: TargetSpec) -> int:
    """Run a spec of mode ``inprocess`` here, without guards; returns its exit status.

    ValueError for another mode. An exception that ends the target is printed, as a plain run prints it, and is
    status 1; KeyboardInterrupt is raised.
    """
    if spec.mode != INPROCESS or spec.kind not in _KINDS:
        raise ValueError(f"not a target for this process: {spec!r}")
    target: Any = Target(kind=spec.kind, name=spec.module, attr=spec.attr, argv=list(spec.argv) or [spec.module])
    return status_of(lambda: run_main(target, (), Options()))
