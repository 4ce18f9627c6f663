"""From a request and a target to a running program: in this process where that is enough, else in a new one.

Each way imports only what it needs: a process that will be replaced loads no guards.
"""

from __future__ import annotations

import os
import sys

import _hermetic
from _hermetic.errors import BootstrapError
from _hermetic.programs.executables import give_signals_back
from _hermetic.programs.target import OFF, PROGRAM, REQUIRE
from _hermetic.startup import searchpath

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import NoReturn

    from _hermetic.policy import Request
    from _hermetic.programs.target import Options, Target
    from hermetic.targets import Launch


def launch(found: Launch, request: Request | None, options: Options) -> int:
    """Run it; return its exit status, unless this process is replaced."""
    interpreter = found.interpreter or found.target.executable or sys.executable
    if found.informative:
        os.execv(interpreter, [interpreter, *found.flags])
    if found.target.kind == PROGRAM:
        return launch_program(found.target, request, options)
    quickly = searchpath.is_set_aside()
    scrub = request is not None and "environment" in request.families and not request.report_only
    if found.interpreter is None and not found.flags and not found.variables and not scrub:
        if quickly:
            if request is not None and is_judged(request, options):
                options = with_supervisor(options)
            _hermetic.load_for(() if request is None else request.families, options.kernel != OFF)
        from _hermetic.running.run import run_main

        return run_main(found.target, () if request is None else (request.policy(),), options)
    environment = dict(os.environ)
    environment.update([(name, value) for name, _, value in [text.partition("=") for text in found.variables]])
    if quickly:
        _hermetic.load_at_once(_hermetic.__spec__, _hermetic.HAND_OVER)
    if request is not None and scrub:
        from _hermetic.programs.variables import make_rules, scrubbed

        environment = scrubbed(environment, make_rules(**request.families["environment"]))
    from _hermetic.policy import carry
    from _hermetic.running.carried import hand_over, words
    from _hermetic.startup.early import held_back

    held = () if request is None else (carry(request),)
    flags, kept, variables = held_back(found.flags, environment.items())
    command = [interpreter, *flags, *words(found.target, held, options, kept)]
    return hand_over(interpreter, command, dict(variables))


def is_judged(request: Request, options: Options) -> bool:
    """Whether somebody is going to judge beside the program."""
    judged = "network" in request.families and not request.report_only and options.kernel != OFF
    # Only Linux has such a process; for tests it may have to be above the program.
    return judged and sys.platform == "linux" and "above" not in os.environ.get("HERMETIC_TEST_SUPERVISOR", "")


def with_supervisor(options: Options) -> Options:
    """Start who judges before the guards are loaded: it loads its part meanwhile. The socket to it stays open."""
    _hermetic.load_ahead()
    from _hermetic.enforce.kernel.linux.ahead import start_early

    try:
        kept = start_early()
    except OSError:
        return options  # it is tried again when it is needed
    return options if kept < 0 else options.but(keep_fds=(*options.keep_fds, kept))


def launch_program(target: Target, request: Request | None, options: Options) -> int:
    """Replace this process by a program that is no Python. BootstrapError if the kernel alone cannot hold it."""
    environment = dict(os.environ)
    if request is None:
        replace(target, environment)
    if options.kernel == OFF:
        raise BootstrapError(
            f"{target.name} is not a Python program; only the kernel layer can hold it: leave out --kernel=off"
        )
    from _hermetic import HELD_BY_KERNEL
    from _hermetic.capabilities.processes.children import with_carriers
    from _hermetic.kernel import become
    from _hermetic.message import message
    from _hermetic.policy import carry
    from _hermetic.pristine import now
    from _hermetic.programs.variables import is_kept, make_rules

    if "environment" in request.families:
        rules = make_rules(**request.families["environment"])
        environment = {name: value for name, value in environment.items() if is_kept(rules, name)}
    if "network" in request.families:
        from _hermetic.running import sockets

        sockets.close(options.keep_fds)
    told = None
    if options.strict and not request.report_only and hasattr(os, "fork"):
        from _hermetic.running.awaited import in_child

        told = in_child()
    if "subprocess" not in request.families:
        # A Python that the program starts finds the guards in its variables.
        held = tuple(sorted(HELD_BY_KERNEL.intersection(request.families)))
        fields = (options.strict, (), True, True, told, None, options.kernel, held, now())
        environment = dict(with_carriers(list(environment.items()), message((carry(request),), fields, None)))
    reports = -1 if told is None else told[0]
    become(request.policy(), target.name, target.argv, environment, options.kernel == REQUIRE, options.waits, reports)
    # It comes back where variables are all that was taken away, and they are gone.
    replace(target, environment)


def replace(target: Target, environment: dict[str, str]) -> NoReturn:
    """Replace this process by the program, with nothing to hold it."""
    give_signals_back()
    try:
        os.execve(target.name, target.argv, environment)
    except OSError as error:
        raise BootstrapError(f"cannot start {target.name}: {error.strerror or error}") from error
