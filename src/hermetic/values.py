"""What values of the settings mean together: profiles, joining, and which need others to mean anything."""

from __future__ import annotations

from hermetic.settings import ANY, BY_KEY, EXTEND, SETTINGS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# What takes something away; a seal or an allowance needs one of these.
RESTRICTIONS = (
    "block_network",
    "deny_hosts",
    "deny_private_network",
    "block_subprocess",
    "fs_readonly",
    "deny_read",
    "deny_write",
    "block_environment",
    "block_code_exec",
    "deny_imports",
    "block_native",
    "block_interpreter_mutation",
)

PROFILES: dict[str, dict[str, bool]] = {
    "block-all": {
        "block_network": True,
        "block_subprocess": True,
        "fs_readonly": True,
        "block_environment": True,
        "block_code_exec": True,
        "block_interpreter_mutation": True,
        "block_native": True,
    },
    "net-hermetic": {"block_network": True, "allow_localhost": True},
    "exec-deny": {"block_subprocess": True},
    "fs-readonly": {"fs_readonly": True},
    "block-native": {"block_native": True},
}


def defaults() -> dict[str, Any]:
    """Values that ask for nothing."""
    return {setting.key: setting.default for setting in SETTINGS}


def joined(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """One request from two: what either takes away is taken away, what either gives back is given back."""
    result = dict(base)
    for key, value in other.items():
        how = BY_KEY[key].join
        if how == ANY:
            result[key] = bool(result[key]) or bool(value)
        elif how == EXTEND:
            result[key] = tuple(dict.fromkeys((*result[key], *value)))
        elif result[key] is None:
            result[key] = value
    return result


def profile(name: str) -> dict[str, Any]:
    """The values of a named profile. ValueError with the known names for another."""
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r} (known: {', '.join(PROFILES)})")
    return PROFILES[name]


def is_restrictive(values: Mapping[str, Any]) -> bool:
    """Whether these values take anything away."""
    return any(values[key] for key in RESTRICTIONS)


def check(values: Mapping[str, Any], spelled: Mapping[str, str]) -> None:
    """ValueError for an allowance with nothing to relax. spelled: how to name a setting to this user."""
    for setting in SETTINGS:
        if values.get(setting.key) and setting.needs and not any(values[need] for need in setting.needs):
            needs = " or ".join(spelled[need] for need in setting.needs)
            raise ValueError(f"{spelled[setting.key]} needs {needs} or must be left out")
    for key in ("sealed", "report_only"):
        if values.get(key) and not is_restrictive(values):
            raise ValueError(f"{spelled[key]} needs something to block, such as {spelled['block_network']}")
    if values.get("kernel") == "require" and values.get("report_only"):
        raise ValueError(f"{spelled['report_only']} blocks nothing, so {spelled['kernel']}=require has nothing to hold")
    if values.get("sealed") and values.get("report_only"):
        raise ValueError(f"{spelled['report_only']} blocks nothing, so {spelled['sealed']} has nothing to hold")


def naming_setting(error: Exception, given: Mapping[str, Any]) -> str:
    """The text of an error, with the keyword or option that its item was given by, if it begins with one."""
    text = str(error)
    for name, value in given.items():
        if isinstance(value, (list, tuple, set, frozenset)) and any(text.startswith(f"{item!r} ") for item in value):
            return f"{name}: {text}"
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)``, or nothing."""
    from difflib import get_close_matches  # only a mistake pays for this

    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""
