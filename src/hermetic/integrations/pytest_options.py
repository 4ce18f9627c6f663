"""The options and ini keys of the pytest plugin, as the settings table declares them: only a run that asks has them."""

from __future__ import annotations

import pytest

from hermetic.integrations.pytest_words import (
    FAIL,
    OFF,
    POLICY,
    PREFIX,
    PROFILE,
    REFUSED,
    STRICT,
    WARN,
    as_options,
    flag_of,
    ini_key,
)
from hermetic.settings import SETTINGS
from hermetic.values import PROFILES

TYPE_CHECKING = False  # typing is loaded by pytest, but these names are not needed
if TYPE_CHECKING:
    from typing import Any

    from hermetic.settings import Setting

PROFILE_HELP = f"guard every test by this profile: {', '.join(PROFILES)}; repeatable; {OFF}: guard none in this run"
# What some rows mean in a test run.
HELP = {
    STRICT: "no marker or fixture may widen this run's policy; no child that is not Python is started",
    "report_only": "block nothing, and warn of each violation: as --hermetic-mode=warn",
}
POLICY_HELP = "guard by this policy file, or the profiles of it that are named; repeatable"
OWN_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--hermetic-policy", {"action": "append", "metavar": "FILE", "help": POLICY_HELP}),
    ("--hermetic-mode", {"choices": (FAIL, WARN), "help": "warn: nothing is blocked; one warning for each violation"}),
    (
        "--hermetic-baseline",
        {"metavar": "FILE", "help": "record today's violations in FILE; if it exists, fail only for new ones"},
    ),
    ("--hermetic-report", {"metavar": "FILE", "help": "write every violation to FILE, as JSON"}),
)
INI_KEYS = tuple(
    [ini_key(key) for key in (PROFILE, POLICY, "mode", *(s.key for s in SETTINGS if s.name and s.key not in REFUSED))]
)


def help_of(setting: Setting) -> str:
    """The row's help, with flags as this command line spells them."""
    if setting.key in REFUSED:
        return f"not for a test run: {REFUSED[setting.key]}"
    return HELP.get(setting.key) or as_options(setting.help)


def registered(setting: Setting) -> dict[str, Any]:
    """How one row's option is registered."""
    how: dict[str, Any] = {"dest": ini_key(setting.key), "default": None, "help": help_of(setting)}
    if setting.optional is not None:
        return {**how, "nargs": "?", "const": True, "metavar": setting.optional[0]}
    if setting.default is False:
        return {**how, "action": "store_true"}
    return {**how, "action": "store" if setting.default is None else "append", "metavar": setting.metavar}


def ini_kind(setting: Setting) -> Any:
    """The type of one row's ini key."""
    return {False: "bool", None: "string", (): "linelist"}[setting.default]


def register(parser: pytest.Parser) -> None:
    """Every option of the command line, and an ini key for everything that a block can be asked for."""
    group = parser.getgroup(PREFIX, "hermetic: take capabilities away from tests")
    # A default of None tells what is not there from what is empty. It is spoken out, because pytest before 9.1 gives no
    # default otherwise to an option that is registered after the words were parsed.
    group.addoption(f"--{PREFIX}", action="append", metavar="PROFILE", default=None, help=PROFILE_HELP)
    for flag, how in OWN_OPTIONS:
        group.addoption(flag, default=None, **how)
    parser.addini(ini_key(PROFILE), "profiles that guard every test", type="args", default=None)
    parser.addini(ini_key(POLICY), "policy files that guard every test, one a line", type="linelist", default=None)
    parser.addini(ini_key("mode"), "fail (the default), or warn: as --hermetic-mode", default=None)
    for setting in SETTINGS:
        if setting.flags:
            group.addoption(*map(flag_of, setting.flags), **registered(setting))
        if setting.name and setting.key not in REFUSED:
            parser.addini(ini_key(setting.key), help_of(setting), type=ini_kind(setting), default=None)


def is_asked(config: pytest.Config) -> bool:
    """Whether command line or ini file ask for anything."""
    if any(value is not None and name.startswith(PREFIX) for name, value in vars(config.option).items()):
        return True
    return any(is_given(config, key) for key in INI_KEYS)


def is_given(config: pytest.Config, key: str) -> bool:
    """Whether the ini file has this key with a value, though it may be one that cannot be read."""
    try:
        return bool(config.getini(key))
    except (ValueError, pytest.UsageError):
        return True
