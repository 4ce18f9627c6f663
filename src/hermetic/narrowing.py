"""What two configurations both allow: the one that results from nesting them."""

from __future__ import annotations

from hermetic.settings import BOTH, BY_KEY, EXTEND, HOSTS, NARROWER, PATHS, PROGRAMS, VARIABLES, WORDS
from hermetic.values import is_restrictive

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Values = Mapping[str, Any]

REST = "*"  # ends a prefix


def narrowed(key: str, mine: Values, theirs: Values) -> Any:
    """One setting of the configuration that allows only what both allow. ValueError for disjoint roots."""
    setting = BY_KEY[key]
    one, two = mine[key], theirs[key]
    if setting.narrow == HOSTS:
        from hermetic.common_hosts import common_hosts

        return common_hosts(mine, theirs)[key]
    # An allowance is judged only by the sides that restrict what it relaxes; where neither does, it means nothing.
    sides = [v for v, side in ((one, mine), (two, theirs)) if not setting.needs or any(side[n] for n in setting.needs)]
    if setting.narrow == BOTH:
        return reports_only(mine, theirs) if key == "report_only" else bool(sides) and all(sides)
    if key == "allow_read":
        return common_reads(mine, theirs, sides)
    if setting.narrow in MEETS:
        return common(sides, MEETS[setting.narrow])
    if setting.narrow == EXTEND:
        return list(dict.fromkeys((*one, *two)))
    if setting.narrow == NARROWER:
        return narrower_root(one, two)
    return bool(one) or bool(two)


def reports_only(mine: Values, theirs: Values) -> bool:
    """Only when every side that restricts anything merely reports."""
    sides = [side["report_only"] for side in (mine, theirs) if is_restrictive(side)]
    return bool(sides) and all(sides)


def common(sides: list[tuple[str, ...]], meet: Callable[[str, str], str | None]) -> list[str]:
    """The entries that every side gives back. meet: what two entries have in common, as an entry, or None."""
    if len(sides) < 2:
        return list(sides[0]) if sides else []
    met = [meet(one, two) for one in sides[0] for two in sides[1]]
    return list(dict.fromkeys([entry for entry in met if entry is not None]))


def common_variables(one: str, two: str) -> str | None:
    """Names, and prefixes as ``AWS_*``."""
    if one == two or (two.endswith(REST) and one.startswith(two[:-1])):
        return one
    return two if one.endswith(REST) and two.startswith(one[:-1]) else None


def common_word(one: str, two: str) -> str | None:
    return one if one == two else None


def common_path(one: str, two: str) -> str | None:
    """Of two paths one of which lies below the other, the inner one."""
    from os.path import expanduser, realpath

    from _hermetic.paths import is_below

    first, second = realpath(expanduser(one)), realpath(expanduser(two))
    if is_below(first, (second,)):
        return one
    return two if is_below(second, (first,)) else None


def common_program(one: str, two: str) -> str | None:
    """Two spellings of one place have the program in common. What is no program is refused where a policy is made."""
    if one == two:
        return one
    from hermetic.runners import place_of

    try:
        return one if place_of(one) == place_of(two) else None
    except ValueError:
        return None


MEETS = {
    VARIABLES: common_variables,
    WORDS: common_word,
    PATHS: common_path,
    PROGRAMS: common_program,
}


def common_reads(mine: Values, theirs: Values, sides: list[tuple[str, ...]]) -> list[str]:
    """What both sides let be read beside the root that results: each side's root counts among its list."""
    if len(sides) < 2:
        return list(sides[0]) if sides else []
    one, two = ((side["fs_root"], *side["allow_read"]) for side in (mine, theirs))
    root = narrower_root(mine["fs_root"], theirs["fs_root"])
    return [path for path in common([one, two], common_path) if path != root]


def narrower_root(one: str | None, two: str | None) -> str | None:
    """Of two nested roots, the inner one. ValueError when neither contains the other."""
    if one is None or two is None:
        return one if two is None else two
    from os.path import realpath

    from _hermetic.paths import is_below

    if is_below(realpath(one), (realpath(two),)):
        return one
    if is_below(realpath(two), (realpath(one),)):
        return two
    raise ValueError(f"no file lies below both fs_root={one!r} and fs_root={two!r}")
