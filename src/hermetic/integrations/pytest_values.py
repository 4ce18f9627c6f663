"""What a test run asks for, as settings' values, and how one level's request changes that of the next wider one.

The nearest thing that asks wins: a profile or a policy file starts anew, and settings alone change what the next wider
thing asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hermetic.settings import BY_KEY, EXTEND, SETTINGS
from hermetic.values import defaults, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.policies.files import PolicyFile
    from hermetic.settings import Setting

    Values = dict[str, Any]
    Files = tuple[PolicyFile, ...]


class Written(dict[str, Any]):
    """Settings' values that policy files have a share in.

    origins: where in a file an entry was written, (key, entry or True) -> place. files: these files, read.
    protected: their paths, which nobody may write while these values hold.
    """

    origins: Mapping[tuple[str, Any], str] = {}
    files: Files = ()
    protected: tuple[str, ...] = ()

    def given(self, origins: Mapping[tuple[str, Any], str], files: Files, protected: Iterable[str]) -> Written:
        """These values, with where they were written. An entry that they have not, was not."""
        self.origins = {(key, item): where for (key, item), where in origins.items() if has(self, key, item)}
        self.files = files
        self.protected = tuple(dict.fromkeys(protected))
        return self


def has(values: Mapping[str, Any], key: str, item: Any) -> bool:
    """Whether an entry is among these values."""
    value = values[key]
    return bool(item in value if isinstance(value, tuple) else value == item)


def adjusted(around: Mapping[str, Any], given: Mapping[str, Any], whole: bool = False) -> Values:
    """What is asked for where the wider thing asked for ``around``: lists add, everything else is as given.

    whole: nothing wider is to come, so that an allowance with nothing to relax is wrong, not merely idle here.
    """
    values = Written(around)
    replaced = set()
    for key, value in given.items():
        if BY_KEY[key].join == EXTEND and value:
            value = tuple(dict.fromkeys((*values[key], *value)))
        else:
            replaced.add(key)
        values[key] = value
    for setting in SETTINGS:
        lifted = setting.needs and not any(values[need] for need in setting.needs)
        # What a nearer thing has lifted altogether needs no exceptions any more.
        if lifted and (setting.key not in given or not (whole or is_restrictive({**defaults(), **given}))):
            values[setting.key] = setting.default
    if not isinstance(around, Written):
        return values
    kept = {entry: where for entry, where in around.origins.items() if entry[0] not in replaced}
    return values.given(kept, around.files, around.protected)


# --- which of two policies allows more ---


def widened(one: Mapping[str, Any], two: Mapping[str, Any]) -> Values:
    """The request that allows what either allows: the counterpart of ``BlockConfig.merged_with``."""
    values = Written(defaults())
    for setting in SETTINGS:
        key = setting.key
        mine, theirs = one[key], two[key]
        both = all(any(side[need] for need in setting.needs) for side in (one, two)) if setting.needs else True
        if setting.name and both:
            values[key] = wider(setting, mine, theirs)
    sides = [side for side in (two, one) if isinstance(side, Written)]
    origins = {entry: where for side in sides for entry, where in side.origins.items()}
    files = tuple([found for side in reversed(sides) for found in side.files])
    return values.given(origins, files, [path for side in reversed(sides) for path in side.protected])


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
