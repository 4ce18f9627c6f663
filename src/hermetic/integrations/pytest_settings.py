"""What a test run asks for, as settings' values: command line, ini section and markers.

The nearest thing that asks wins: a profile starts anew, and settings alone change what the next wider
thing asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hermetic.integrations.pytest_words import PREFIX, REFUSED, flag_of, ini_key
from hermetic.settings import BY_KEY, EXTEND, SETTINGS, SWITCH
from hermetic.values import defaults, is_restrictive, joined, profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

    from hermetic.settings import Setting

    Values = dict[str, Any]

# Metavariables of the settings whose values are paths; in the ini file they are relative to it.
PATHS = ("ROOT", "PATH", "FILE")


def from_command_line(config: pytest.Config) -> tuple[list[str], Values]:
    """(profiles, values). ValueError for what cannot mean anything."""
    given = vars(config.option)
    values: Values = {}
    for setting in SETTINGS:
        value = given.get(f"{PREFIX}_{setting.key}")
        if not setting.flags or value is None:
            continue
        flag = flag_of(setting.flags[0])
        if setting.key in REFUSED:
            raise ValueError(f"{flag} is not for a test run: {REFUSED[setting.key]}")
        if setting.optional is not None:
            values.update(with_optional(setting, flag, value, config))
        else:
            values[setting.key] = tuple(value) if isinstance(value, list) else value
    return given.get(PREFIX) or [], values


def with_optional(setting: Setting, flag: str, value: Any, config: pytest.Config) -> Values:
    """A flag that may stand alone or have ``=VALUE``; a path of tests that follows it is no value."""
    assert setting.optional is not None
    metavar, key = setting.optional
    if value is True:
        return {setting.key: True}
    known = [*config.invocation_params.args, *os.environ.get("PYTEST_ADDOPTS", "").split(), *config.getini("addopts")]
    if not any(str(word).endswith(f"={value}") and str(word).startswith("--") for word in known):
        raise ValueError(f"{flag} was followed by {value!r}: write the tests before it, or {flag}={value}")
    if BY_KEY[key].kind == SWITCH:
        if value != metavar:
            raise ValueError(f"{flag} takes {flag}={metavar} or nothing, not {value!r}")
        value = True
    if not value:
        raise ValueError(f"{flag}= needs a {metavar}")
    return {setting.key: True, key: value}


def from_ini(config: pytest.Config) -> tuple[list[str], Values]:
    """(profiles, values) of the ini file."""
    values: Values = {}
    folder = str(config.rootpath if config.inipath is None else config.inipath.parent)
    for setting in SETTINGS:
        name = ini_key(setting.key)
        if not setting.name or setting.key in REFUSED:
            continue
        value = config.getini(name)
        if value is None or value == setting.default:
            continue
        if setting.metavar in PATHS:
            # Joined, unless it begins with the home directory, which whoever reads it knows how to find.
            value = os.path.join(folder, value) if setting.default is None else [os.path.join(folder, v) for v in value]
        values[setting.key] = tuple(value) if isinstance(value, list) else value
    return config.getini(ini_key("profile")) or [], values


def started_anew(profiles: Iterable[str]) -> Values:
    """What these profiles ask for together. ValueError for an unknown one."""
    values = defaults()
    for name in profiles:
        values = joined(values, profile(name))
    return values


def adjusted(around: Mapping[str, Any], given: Mapping[str, Any], whole: bool = False) -> Values:
    """What is asked for where the wider thing asked for ``around``: lists add, everything else is as given.

    whole: nothing wider is to come, so that an allowance with nothing to relax is wrong, not merely idle here.
    """
    values = dict(around)
    for key, value in given.items():
        if BY_KEY[key].join == EXTEND and value:
            value = tuple(dict.fromkeys((*values[key], *value)))
        values[key] = value
    for setting in SETTINGS:
        lifted = setting.needs and not any(values[need] for need in setting.needs)
        # What a nearer thing has lifted altogether needs no exceptions any more.
        if lifted and (setting.key not in given or not (whole or is_restrictive({**defaults(), **given}))):
            values[setting.key] = setting.default
    return values


def requested(
    profiles: Iterable[str], given: Mapping[str, Any], around: Mapping[str, Any], whole: bool = False
) -> Values:
    """One level's request: with profiles it starts anew, without it changes what is around."""
    profiles = list(profiles)
    return adjusted(started_anew(profiles) if profiles else around, given, whole)


# --- which of two policies allows more ---


def widened(one: Mapping[str, Any], two: Mapping[str, Any]) -> Values:
    """The request that allows what either allows: the counterpart of ``BlockConfig.merged_with``."""
    values = defaults()
    for setting in SETTINGS:
        key = setting.key
        mine, theirs = one[key], two[key]
        both = all(any(side[need] for need in setting.needs) for side in (one, two)) if setting.needs else True
        if setting.name and both:
            values[key] = wider(setting, mine, theirs)
    return values


def wider(setting: Setting, mine: Any, theirs: Any) -> Any:
    """One setting: of restrictions what both have, of allowances what either has."""
    takes_away = setting.narrow in ("any", "extend")
    if setting.default is False:
        return (mine and theirs) if takes_away else (mine or theirs)
    if setting.default is None:
        return wider_root(mine, theirs)
    if takes_away:
        return tuple(item for item in mine if item in theirs)
    return tuple(dict.fromkeys((*mine, *theirs)))


def wider_root(mine: str | None, theirs: str | None) -> str | None:
    """The root that holds the other; none where neither does."""
    if mine is None or theirs is None:
        return None
    one, two = os.path.realpath(mine), os.path.realpath(theirs)
    for outer, inner in ((one, two), (two, one)):
        if os.path.commonpath((outer, inner)) == outer:
            return outer
    return None


# --- markers and the fixture ---


def given(keywords: Mapping[str, Any]) -> Values:
    """Settings by their keys, of keywords as a block takes them. TypeError or ValueError for what is none."""
    from hermetic.blocker import ALIASES, BlockConfig, values_of

    checked = values_of(BlockConfig.from_kwargs(**keywords))
    values = {name: checked[name] for name in (ALIASES.get(keyword, keyword) for keyword in keywords)}
    for key in values.keys() & REFUSED.keys():
        raise ValueError(f"{key} is not for a test run: {REFUSED[key]}")
    return values


def marked(mark: pytest.Mark, around: Mapping[str, Any] | None) -> Values | None:
    """What a marker asks for inside what is around it; None for nothing at all. ValueError, TypeError."""
    keywords = dict(mark.kwargs)
    off, reason = keywords.pop("off", False), keywords.pop("reason", None)
    if not off:
        return requested(mark.args, given(keywords), around or defaults())
    if mark.args or keywords:
        raise ValueError("off=True stands alone, with its reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError('off=True needs a reason: @pytest.mark.hermetic(off=True, reason="talks to the device")')
    return None
