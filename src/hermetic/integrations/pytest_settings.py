"""What asks in a test run, read: command line, ini section, markers, and the fixture's keywords."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hermetic.integrations.pytest_values import adjusted
from hermetic.integrations.pytest_words import POLICY, PREFIX, PROFILE, REFUSED, as_option, as_options, flag_of, ini_key
from hermetic.request import is_path
from hermetic.settings import BY_KEY, EXTEND, SETTINGS, SWITCH
from hermetic.values import PROFILES, RESTRICTIONS, defaults, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.integrations.pytest_values import Files, Values
    from hermetic.policies.files import PolicyFile
    from hermetic.settings import Setting


class Asked(NamedTuple):
    """What one level asks for. files: the policy files that it names, read. source: the ini file; empty for options.
    overrides: the ini file's keys that ``-o`` has given instead.
    """

    profiles: list[str]
    values: Values
    files: Files
    source: str = ""
    overrides: frozenset[str] = frozenset()

    def spelled(self, key: str) -> str:
        """As this level writes a setting."""
        return ini_key(key) if self.source else as_option(key)

    def asker(self, key: str) -> str:
        """Who asks for a setting here, or for a profile."""
        if self.source:
            return f"-o {ini_key(key)}" if ini_key(key) in self.overrides else self.source
        return " ".join([f"--{PREFIX}", *self.profiles]) if key == PROFILE else flag_of(BY_KEY[key].flags[0])

    def askers(self, values: Values, around: Mapping[str, str]) -> dict[str, str]:
        """Who asked for what these values take away, this level having changed what was around it."""
        given = {key: self.asker(key) for key in self.values if key in RESTRICTIONS}
        return askers(values, around, self.asker(PROFILE) if self.profiles or self.files else "", given)

    def located(self, text: str) -> str | None:
        """An error about one of its values, with who wrote it; None for an error about something else."""
        where = f"{self.source}: " if self.source else ""
        for key, value in self.values.items():
            if text.startswith(f"{key} "):
                return where + " ".join([self.spelled(word) if word in BY_KEY else word for word in text.split(" ")])
            if any(
                repr(item) in text for item in (value if isinstance(value, tuple) else (value,)) if item is not True
            ):
                return f"{where}{self.spelled(key)}: {as_options(text)}"
        if any(repr(name) in text for name in self.profiles):
            return f"{where}{ini_key(PROFILE) if self.source else f'--{PREFIX}'}: {text}"
        return None


class Reader:
    """Reads the policy files that a run names, each once.

    folder: what the ini file and markers name them by: that of the ini file, or the root of the run. invoked: the one
    that the command line was written in.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.folder = str(config.rootpath if config.inipath is None else config.inipath.parent)
        self.invoked = str(config.invocation_params.dir)
        self._known: dict[str, PolicyFile] = {}

    def read(self, names: list[str], folder: str) -> Files:
        """PolicyFileError for a file that cannot mean anything."""
        if not names:
            return ()
        from hermetic.integrations.pytest_files import read  # only a run with policy files pays for these

        return read(names, folder, self._known)

    def marked(self, named: Any) -> Files:
        """The file of a marker, or of the fixture. TypeError for what names none."""
        if named is None:
            return ()
        path = os.fspath(named) if isinstance(named, (str, os.PathLike)) else None
        if not isinstance(path, str):
            raise TypeError(f"policy is the name of a file, not {named!r}")
        return self.read([path], self.folder)


def from_command_line(config: pytest.Config, reader: Reader) -> Asked:
    """What the command line asks for. ValueError for what cannot mean anything."""
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
    files = reader.read(given.get(ini_key(POLICY)) or [], reader.invoked)
    return Asked(given.get(PREFIX) or [], values, files)


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


def from_ini(config: pytest.Config, reader: Reader) -> Asked:
    """What the ini file asks for. ValueError for what cannot mean anything."""
    values: Values = {}
    for setting in SETTINGS:
        if not setting.name or setting.key in REFUSED:
            continue
        value = ini_value(config, setting)
        if value is None or value == setting.default:
            continue
        if isinstance(value, list):
            value = tuple([placed(setting, text_of(config, setting, item), reader.folder) for item in value])
        elif isinstance(value, str):
            value = placed(setting, value, reader.folder)
        values[setting.key] = value
    files = reader.read(config.getini(ini_key(POLICY)) or [], reader.folder)
    overrides = frozenset([word.partition("=")[0] for word in config.getoption("override_ini") or ()])
    return Asked(config.getini(ini_key(PROFILE)) or [], values, files, source_of(config), overrides)


def source_of(config: pytest.Config) -> str:
    """The ini file, as messages name it."""
    return "the ini file" if config.inipath is None else config.inipath.name  # without one, -o has given it


def text_of(config: pytest.Config, setting: Setting, item: Any) -> str:
    """An item of a list, which in TOML may be anything. ValueError for what is no text."""
    if not isinstance(item, str):
        raise ValueError(f"{source_of(config)}: {ini_key(setting.key)} is a list of strings, and {item!r} is none")
    return item


def ini_value(config: pytest.Config, setting: Setting) -> Any:
    """The value of one row's key. ValueError with the key: pytest names the value alone."""
    key = ini_key(setting.key)
    try:
        return config.getini(key)
    except (ValueError, pytest.UsageError) as error:
        text = str(error)
        # Of a value in TOML pytest says where it is.
        raise ValueError(text if key in text else f"{source_of(config)}: {key}: {text}; write true or false") from None


def placed(setting: Setting, item: str, folder: str) -> str:
    """A path relative to a folder, or to the home directory; any other value as it is."""
    return os.path.join(folder, os.path.expanduser(item)) if is_path(setting, item) else item


# --- one level's request ---


def started_anew(profiles: list[str], given: Iterable[str], files: Files, scope: Files) -> Values:
    """What these profiles and files ask for together. ValueError for an unknown profile.

    given: what is going to be set beside them. scope: the files whose profiles may be named as well; one that is brings
    what its file says for all.
    """
    if files or not all(name in PROFILES for name in profiles):
        from hermetic.integrations.pytest_files import chosen  # only a run with policy files pays for these

        return chosen(profiles, files, files or scope, given)
    values = defaults()
    for name in profiles:
        values = joined(values, PROFILES[name])
    return values


def requested(
    profiles: Iterable[str],
    given: Mapping[str, Any],
    around: Mapping[str, Any],
    whole: bool = False,
    files: Files = (),
    scope: Files = (),
) -> Values:
    """One level's request: with profiles or files it starts anew, without them it changes what is around.

    files, scope: see ``started_anew``.
    """
    profiles = list(profiles)
    for name in profiles:
        if not isinstance(name, str):
            raise TypeError(f"a profile is a name, not {name!r}")
    return adjusted(started_anew(profiles, given, files, scope) if profiles or files else around, given, whole)


# --- who asked ---


def askers(values: Mapping[str, Any], around: Mapping[str, str], anew: str, given: Mapping[str, str]) -> dict[str, str]:
    """Who asked for what these values take away: a restriction's key -> how a message names it.

    around: the same of the next wider thing. anew: who starts anew, so that nothing of that is left; empty for nobody.
    given: who asked for settings by their keys.
    """
    found = {}
    for key in RESTRICTIONS:
        if not values[key]:
            continue
        before = anew or around.get(key, "")
        # Entries of a list add to those that are there already.
        kept = [before] if key not in given or BY_KEY[key].join == EXTEND else []
        found[key] = " and ".join(dict.fromkeys([who for who in (*kept, given.get(key, "")) if who]))
    return found


# --- markers and the fixture ---


def given(keywords: Mapping[str, Any]) -> Values:
    """Settings by their keys, of keywords as a block takes them. TypeError or ValueError for what is none."""
    from hermetic.blocker import BlockConfig, values_of
    from hermetic.keywords import ALIASES

    if PROFILE in keywords:
        raise TypeError(f"a profile is named without a keyword: {keywords[PROFILE]!r}")
    checked = values_of(BlockConfig.from_kwargs(**keywords))
    values = {name: checked[name] for name in (ALIASES.get(keyword, keyword) for keyword in keywords)}
    for key in values.keys() & REFUSED.keys():
        raise ValueError(f"{key} is not for a test run: {REFUSED[key]}")
    return values


def marked(mark: pytest.Mark, around: Mapping[str, Any] | None, files: Files, scope: Files) -> Values | None:
    """What a marker asks for inside what is around it; None for nothing at all. ValueError, TypeError.

    files: the policy file that it names, read. scope: those that a profile may be of as well.
    """
    if not mark.args and not mark.kwargs.keys() - {"reason"}:
        raise ValueError('nothing is asked for: name a profile ("net-hermetic"), a policy file, or settings')
    keywords = {name: value for name, value in mark.kwargs.items() if name != POLICY}
    off, reason = keywords.pop("off", False), keywords.pop("reason", None)
    if not off:
        return requested(mark.args, given(keywords), around or defaults(), files=files, scope=scope)
    if mark.args or keywords or files:
        raise ValueError("off=True stands alone, with its reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError('off=True needs a reason: @pytest.mark.hermetic(off=True, reason="talks to the device")')
    return None
