"""A policy file, read and checked: its own settings, its profiles, its tests.

The keys are the keywords of ``hermetic_blocker``, or the options of the command line without
their dashes. Nothing is guessed: what is not known is an error with its line.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from _hermetic.extract import printable
from hermetic.policies.errors import PolicyFileError, PolicyTypeError, at
from hermetic.policies.text import Lines, Path, parse, read_text
from hermetic.request import is_path
from hermetic.settings import BY_KEY, LIST, SETTINGS, SWITCH
from hermetic.values import PROFILES, defaults, joined, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.settings import Setting

PYPROJECT = "pyproject.toml"
EXTENDS, PROFILE_TABLES, TESTS = "extends", "profiles", "test"
ALLOW, DENY, PROFILE = "allow", "deny", "profile"
DEEPEST = 50  # more than anybody follows

# Every spelling of a key: the keyword, and the option without its leading dashes.
SPELLINGS = {
    word: setting.key
    for setting in SETTINGS
    if setting.name
    for word in (setting.name, *setting.keywords, *(flag[2:] for flag in setting.flags))
}
# What only a command line can mean.
ELSEWHERE = {
    word: setting.flags[0]
    for setting in SETTINGS
    if not setting.name
    for word in (setting.option_name, *(flag[2:] for flag in setting.flags))
}


class Layer(NamedTuple):
    """Settings, and where each entry of them was written: (key, entry or True) -> place."""

    values: dict[str, Any]
    origins: dict[tuple[str, Any], str]


class Profile(NamedTuple):
    """A named table: its own settings, what it builds on, its line, and where it says so."""

    own: Layer
    extends: tuple[str, ...]
    line: int
    extended_at: str


class Test(NamedTuple):
    """An assertion. expected: ALLOW or DENY; acts: in words."""

    expected: str
    acts: tuple[str, ...]
    profile: str | None
    line: int


class PolicyFile(NamedTuple):
    """file: as it was named. lines: of the keys that it has, by setting; 0 for the file's tables themselves."""

    file: str
    own: Profile
    profiles: dict[str, Profile]
    tests: tuple[Test, ...]
    places: dict[str, str]


def load(file: str) -> PolicyFile:
    """Read a policy file. PolicyFileError for anything that cannot mean something."""
    text = read_text(file)
    return Reader(file, text).policy_file()


class Reader:
    """One file being read."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.folder = os.path.dirname(os.path.abspath(file))
        self.data = parse(file, text)
        self.lines = Lines(text)
        self.places: dict[str, str] = {}
        self.root: Path = ()
        if os.path.basename(file) == PYPROJECT:
            self.root = ("tool", "hermetic")
            for word in self.root:
                found = self.data.get(word)
                if not isinstance(found, dict):
                    raise PolicyFileError(f"{at(file, 0)} has no table [tool.hermetic]")
                self.data = found

    def error(self, path: Path, text: str) -> PolicyFileError:
        return PolicyFileError(f"{at(self.file, self.lines.of(path))}: {text}")

    def policy_file(self) -> PolicyFile:
        data = dict(self.data)
        profiles = self.table(data.pop(PROFILE_TABLES, {}), PROFILE_TABLES)
        tests = data.pop(TESTS, [])
        own = self.profile(data, self.root, "")
        named = {name: self.named(name, table) for name, table in profiles.items()}
        if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
            raise PolicyTypeError(f"{at(self.file, self.lines.of((*self.root, TESTS)))}: write [[{TESTS}]]")
        read = tuple(self.test(test, number, named) for number, test in enumerate(tests))
        found = PolicyFile(self.file, own, named, read, self.places)
        depths = dict.fromkeys(PROFILES, 1)
        for name in named:
            self.check_parents(found, name, (), (), depths)
        for parent in own.extends:
            self.check_parents(found, parent, (), (*self.root, EXTENDS), depths)
        return found

    def table(self, value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise PolicyTypeError(f"{at(self.file, self.lines.of((*self.root, name)))}: {name} is a table")
        return value

    def named(self, name: str, table: Any) -> Profile:
        path = (*self.root, PROFILE_TABLES, name)
        if not isinstance(table, dict):
            raise PolicyTypeError(
                f"{at(self.file, self.lines.of(path))}: profile {name!r} is a table: "
                f"[{'.'.join((*self.root, PROFILE_TABLES, printable(name)))}]"
            )
        if name in PROFILES:
            raise self.error(path, f"{name!r} is a built-in profile; call this one something else")
        if not name or not name.isprintable():
            raise self.error(path, f"{name!r} cannot be the name of a profile")
        return self.profile(table, path, name)

    def profile(self, table: dict[str, Any], path: Path, name: str) -> Profile:
        """A table of settings, with what it extends."""
        table = dict(table)
        parents = self.strings(table.pop(EXTENDS, []), (*path, EXTENDS), EXTENDS)
        layer = Layer({}, {})
        spelled: dict[str, str] = {}
        for word, value in table.items():
            setting = self.setting(word, (*path, word), top=not name)
            key = setting.key
            if key in spelled:
                raise self.error((*path, word), f"{word} and {spelled[key]} are two spellings of one setting")
            spelled[key] = word
            self.add(layer, setting, word, value, (*path, word), name)
        return Profile(layer, parents, self.lines.of(path), at(self.file, self.lines.of((*path, EXTENDS))))

    def setting(self, word: str, path: Path, top: bool) -> Setting:
        if word in SPELLINGS:
            return BY_KEY[SPELLINGS[word]]
        if word in ELSEWHERE:
            raise self.error(path, f"{word} is for the command line alone: {ELSEWHERE[word]}")
        known = [*SPELLINGS, EXTENDS, *((PROFILE_TABLES, TESTS) if top else ())]
        raise self.error(path, f"unknown key {word!r}{nearest(word, known)}")

    def add(self, layer: Layer, setting: Setting, word: str, value: Any, path: Path, name: str) -> None:
        """One key's value, checked, and where it stands."""
        key = setting.key
        self.places.setdefault(key, at(self.file, self.lines.of(path)))
        suffix = f" (profile {name})" if name else ""
        if setting.kind == SWITCH:
            if type(value) is not bool:
                raise PolicyTypeError(
                    f"{at(self.file, self.lines.of(path))}: {word} is true or false, not {kind_of(value)}"
                    + (f"; write {setting.optional[1]} beside it" if setting.optional is not None else "")
                )
            layer.values[key] = value
            if value:
                layer.origins[key, True] = at(self.file, self.lines.of(path)) + suffix
        elif setting.kind == LIST:
            given = self.strings(value, path, word)
            items = tuple(self.placed(setting, item, path) for item in given)
            layer.values[key] = tuple(dict.fromkeys(items))
            for item, text in zip(items, given):
                layer.origins.setdefault((key, item), at(self.file, self.lines.of_item(path, text)) + suffix)
        else:
            if not isinstance(value, str):
                raise PolicyTypeError(f"{at(self.file, self.lines.of(path))}: {word} is a text, not {kind_of(value)}")
            layer.values[key] = item = self.placed(setting, self.filled(value, path, word), path)
            layer.origins[key, item] = at(self.file, self.lines.of(path)) + suffix

    def strings(self, value: Any, path: Path, word: str) -> tuple[str, ...]:
        place = at(self.file, self.lines.of(path))
        if isinstance(value, str):
            raise PolicyTypeError(f"{place}: {word} is a list: write {word} = [{value!r}]")
        if not isinstance(value, list):
            raise PolicyTypeError(f"{place}: {word} is a list of texts, not {kind_of(value)}")
        for item in value:
            if not isinstance(item, str):
                raise PolicyTypeError(f"{place}: {word} is a list of texts, and holds {kind_of(item)}")
        return tuple(self.filled(item, path, word) for item in value)

    def filled(self, item: str, path: Path, word: str) -> str:
        if not item or "\0" in item:
            raise self.error(path, f"{word}: {item!r} cannot mean anything")
        return item

    def placed(self, setting: Setting, item: str, path: Path) -> str:
        """A path relative to the file's folder, as it lies; any other value as it is."""
        if not is_path(setting, item):
            return item
        if item[:1] == "~":
            whole = os.path.expanduser(item)
            if whole[:1] == "~":
                raise self.error(path, f"{item!r}: no home directory is known for it")
            item = whole
        # Joined, not normalised: what `..` leads to behind a link is for the file system to say.
        return os.path.join(self.folder, item)

    def test(self, table: dict[str, Any], number: int, profiles: dict[str, Profile]) -> Test:
        path = (*self.root, TESTS, number)
        for word in table:
            if word not in (ALLOW, DENY, PROFILE):
                raise self.error((*path, word), f"unknown key {word!r}{nearest(word, (ALLOW, DENY, PROFILE))}")
        if (ALLOW in table) == (DENY in table):
            raise self.error(path, f"a test says {ALLOW} or {DENY}")
        expected = ALLOW if ALLOW in table else DENY
        acts = table[expected]
        given = self.strings([acts] if isinstance(acts, str) else acts, (*path, expected), expected)
        if not given:
            raise self.error((*path, expected), f"{expected} names no act")
        for act in given:
            if len(act.split(None, 1)) != 2:
                raise self.error((*path, expected), f'{act!r} is no act, such as "connect example.com:443"')
        named = table.get(PROFILE)
        if named is not None and (not isinstance(named, str) or (named not in profiles and named not in PROFILES)):
            raise self.error((*path, PROFILE), unknown_profile(named, profiles))
        return Test(expected, given, named, self.lines.of(path))

    def check_parents(self, found: PolicyFile, name: str, seen: Path, path: Path, depths: dict[str, int]) -> None:
        """Every parent exists, and none is its own. depths: of what has been checked; the way there may be long."""
        if name in depths:
            return
        path = path or (*self.root, PROFILE_TABLES, seen[-1] if seen else name, EXTENDS)
        if name not in found.profiles:
            raise self.error(path, unknown_profile(name, found.profiles))
        if name in seen:
            raise self.error(path, f"{EXTENDS} goes round: {' -> '.join((*seen[seen.index(name) :], name))}")
        parents = found.profiles[name].extends
        for parent in parents if len(seen) < DEEPEST else ():
            self.check_parents(found, parent, (*seen, name), (), depths)
        depths[name] = 1 + max([depths[parent] for parent in parents if parent in depths], default=0)
        if depths[name] > DEEPEST or len(seen) >= DEEPEST:
            raise self.error(path, f"{EXTENDS} leads over more than {DEEPEST} profiles")


def kind_of(value: Any) -> str:
    """What a value is, in TOML's words."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def unknown_profile(name: Any, profiles: dict[str, Profile]) -> str:
    known = [*profiles, *PROFILES]
    if not isinstance(name, str):
        return f"a profile is named by a text, not {kind_of(name)}"
    return f"unknown profile {name!r}{nearest(name, known)} (known: {', '.join(known)})"


# --- what is in force ---


def join(base: Layer, other: Layer) -> Layer:
    """Both; of an entry that both have, the first place is kept."""
    return Layer(joined(base.values, other.values), {**other.origins, **base.origins})


def built_in(name: str, where: str) -> Layer:
    """A built-in profile's settings."""
    values = dict(PROFILES[name])
    return Layer(values, {(key, True): where for key, value in values.items() if value})


def resolved(found: PolicyFile, profile: Profile) -> Layer:
    """A profile with everything that it extends. The parents are known to be there, and to end."""
    layer = Layer(defaults(), {})
    for step in steps(found, profile, set()):
        layer = join(layer, step)
    return layer


def steps(found: PolicyFile, profile: Profile, seen: set[str]) -> Iterator[Layer]:
    """A profile's own settings, then those of each that it extends. seen: the names of those that came before: there
    may be many ways to one.
    """
    yield profile.own
    for parent in profile.extends:
        if parent in seen:
            continue
        seen.add(parent)
        if parent in PROFILES:
            yield built_in(parent, f"profile {parent}, by {profile.extended_at}")
        else:
            yield from steps(found, found.profiles[parent], seen)
