"""From a policy and a target to a running program: in this process where that is enough, else in a new one."""

from __future__ import annotations

import os
import sys

from _hermetic.run import Options, run_main
from hermetic.targets import Launch

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from _hermetic.policy import Policy


def launch(found: Launch, policy: Policy | None, options: Options) -> int:
    """Run it; return its exit status, unless this process is replaced."""
    interpreter = found.interpreter or found.target.executable or sys.executable
    if found.informative:
        os.execv(interpreter, [interpreter, *found.flags])
    environment = dict(os.environ)
    scrub = policy is not None and "environment" in policy.rules and not policy.report_only
    if found.interpreter is None and not found.flags and not scrub:
        return run_main(found.target, policy, options)
    if policy is not None and scrub:
        from _hermetic.capabilities.environment import scrubbed

        environment = scrubbed(environment, policy.rules["environment"])
    from _hermetic.carried import hand_over

    hand_over(interpreter, list(found.flags), found.target, policy, options, environment)
    raise AssertionError("hand_over does not return")
