"""Running a target under a configuration, for programs that embed the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from _hermetic import VERSION
from _hermetic.programs.target import Options
from _hermetic.running.status import plain_status, say
from hermetic.launch import launch
from hermetic.options import SPELLED
from hermetic.private_tmp import PrivateFolder
from hermetic.profiles import GuardConfig, to_values
from hermetic.request import policy_from, request_from
from hermetic.targets import find
from hermetic.values import check, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["config_to_flags", "run"]


def run(target: str, target_argv: Sequence[str], cfg: GuardConfig) -> int:
    """Run ``target`` with ``target_argv`` under ``cfg``; returns its exit status.

    An exception that ends the target is printed, as a plain run prints it, and is status 1; KeyboardInterrupt is
    raised. A target of another interpreter takes the place of this process.

    The guards stay in force in this process afterwards; so does the kernel layer, which holds a target in this
    process only where ``cfg.kernel`` asks for it. HermeticError when the target
    is not found or the guards cannot start; ValueError for a config that cannot mean anything.
    """
    values = to_values(cfg)
    check(values, SPELLED)
    request = request_from(values) if is_restrictive(values) else None
    options = Options(strict=cfg.strict, keep_fds=tuple(cfg.keep_fds), kernel=cfg.kernel or "off")
    found = find([target, *target_argv])
    if not values["private_tmp"]:
        return status_of(lambda: launch(found, request, options))
    folder = PrivateFolder()
    folder.keep()
    inside = request_from(values, folder=folder.path)
    return status_of(lambda: launch(found, inside, options))


def status_of(end: Callable[[], int]) -> int:
    """The exit status of what ends as a process does: by a number, SystemExit, or an exception that was printed."""
    hook = sys.excepthook
    try:
        return end()
    except SystemExit as error:
        if error.code is not None and not isinstance(error.code, int):
            say(f"{error.code}\n")
        return plain_status(error)
    except Exception as error:
        if sys.excepthook is hook:
            raise  # no end of the target, which would have been printed, and the hook made silent
        return plain_status(error)
    finally:
        sys.excepthook = hook


def config_to_flags(cfg: GuardConfig) -> dict[str, Any]:
    """Everything ``cfg`` asks for, JSON-ready: the settings by their option names, and the policy they make.

    ValueError for what cannot mean anything.
    """
    values = to_values(cfg)
    flags: dict[str, Any] = {name: list(v) if isinstance(v, (list, tuple)) else v for name, v in vars(cfg).items()}
    flags["version"] = VERSION
    flags["policy"] = policy_from(values).to_plain() if is_restrictive(values) else None
    return flags
