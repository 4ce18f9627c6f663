"""From a request and a target to a running program: in this process where that is enough, else in a new one.

Each way imports only what it needs: a process that will be replaced loads no guards.
"""

from __future__ import annotations

import os
import sys

import _hermetic
from _hermetic import searchpath

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from _hermetic.policy import Request
    from _hermetic.target import Options
    from hermetic.targets import Launch


def launch(found: Launch, request: Request | None, options: Options) -> int:
    """Run it; return its exit status, unless this process is replaced."""
    interpreter = found.interpreter or found.target.executable or sys.executable
    if found.informative:
        os.execv(interpreter, [interpreter, *found.flags])
    quickly = searchpath.is_set_aside()
    scrub = request is not None and "environment" in request.families and not request.report_only
    if found.interpreter is None and not found.flags and not found.variables and not scrub:
        if quickly:
            _hermetic.load_for(() if request is None else request.families)
        from _hermetic.run import run_main

        return run_main(found.target, () if request is None else (request.policy(),), options)
    environment = dict(os.environ)
    environment.update([(name, value) for name, _, value in [text.partition("=") for text in found.variables]])
    if quickly:
        _hermetic.load_at_once(_hermetic.__spec__, _hermetic.HAND_OVER)
    if request is not None and scrub:
        from _hermetic.variables import make_rules, scrubbed

        environment = scrubbed(environment, make_rules(**request.families["environment"]))
    from _hermetic.carried import hand_over, words
    from _hermetic.early import held_back
    from _hermetic.policy import carry

    held = () if request is None else (carry(request),)
    flags, kept, variables = held_back(found.flags, environment.items())
    command = [interpreter, *flags, *words(found.target, held, options, kept)]
    return hand_over(interpreter, command, dict(variables))
