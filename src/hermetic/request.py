"""From settings' values to a policy: what they ask of each family. There is no way back."""

from __future__ import annotations

from _hermetic.policy import Policy, Request, make_rules

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def policy_from(values: Mapping[str, Any], folder: str | None = None) -> Policy:
    """The policy that these values ask for. ValueError for a value that cannot mean anything.

    folder: the one that private_tmp stands for, if there is one already.
    """
    return requested(values, folder).policy()


def request_from(values: Mapping[str, Any], folder: str | None = None) -> Request:
    """The same before families are loaded, for a run that may belong to another process.

    What can be wrong with a value is wrong here: only switches cannot mean nothing.
    """
    request = requested(values, folder)
    for guard, keywords in request.families.items():
        if any(value and value is not True for value in keywords.values()):
            make_rules(guard, keywords)
    return request


def programs(entries: Iterable[str]) -> tuple[str, ...]:
    """Where these programs are: whoever gets the request may look along another path, or from another folder."""
    if not entries:
        return ()
    from _hermetic.programs import located
    from hermetic.runners import warn

    found = tuple([located(entry) for entry in entries])
    warn(entries)
    return found


def requested(values: Mapping[str, Any], folder: str | None = None) -> Request:
    """What these values ask of each family."""
    families: dict[str, dict[str, Any]] = {}
    if values["block_network"]:
        families["network"] = {
            "allow_localhost": values["allow_localhost"],
            "allow_domains": values["allow_domains"],
        }
    allowed = programs(values["allow_run"])
    if values["block_subprocess"]:
        families["subprocess"] = {"allow": allowed}
    if any(values[name] for name in ("fs_readonly", "deny_read", "deny_write")) or allowed:
        families["filesystem"] = {
            "root": values["fs_root"],
            "readonly": values["fs_readonly"],
            **{name: values[name] for name in ("allow_read", "allow_write", "deny_read", "deny_write")},
            "protected": allowed,  # whoever could change a program that may be run could run anything
            "private_tmp": folder,
        }
    if values["block_environment"]:
        families["environment"] = {"unset": values["environment_unset"], "allow": values["allow_env"]}
    if values["block_code_exec"]:
        families["code_exec"] = {}
    if values["block_native"] or values["deny_imports"]:
        families["imports"] = {
            "deny": values["deny_imports"],
            "block_native": values["block_native"],
            "block_subprocess_libraries": values["block_native"] and values["block_subprocess"],
            "allow_native": values["allow_native"],
        }
    if values["block_interpreter_mutation"]:
        families["interpreter"] = {}
    return Request(families=families, trace=values["trace"], report_only=values["report_only"], sealed=values["sealed"])
