"""The command line, read by the settings table.

A well-formed line goes from argv to values here, without argparse, whose import
costs more than the guards; argparse only prints the help.
"""

from __future__ import annotations

from _hermetic.model import Value
from hermetic.settings import BY_KEY, CHOICE, LIST, NUMBERS, SETTINGS, SWITCH
from hermetic.values import PROFILES, check, defaults, joined, nearest

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from hermetic.settings import Setting

PROFILE, POLICY = "--profile", "--policy"
MOST_DIGITS = 10  # a descriptor is a C int
FLAGS = {flag: setting for setting in SETTINGS for flag in setting.flags}
# How users of the command line spell a setting.
SPELLED = {setting.key: (setting.flags or (f"--{setting.key.replace('_', '-')}",))[0] for setting in SETTINGS}
SPELLED["fs_root"] = "--fs-readonly=ROOT"
SPELLED["environment_unset"] = "--no-environment=unset"


class UsageError(ValueError):
    """A command line that cannot mean anything; the text is the one line to show."""


class Choice(Value):
    """What a command line chose.

    values: of the settings, by their keys. origins: where each entry comes from, (key, entry or True) -> the
    option, or a place in a policy file. files: the policy files, read.
    """

    __slots__ = ("values", "origins", "files")

    values: dict[str, Any]
    origins: dict[tuple[str, Any], str]
    files: tuple[Any, ...]


def read_options(words: list[str]) -> dict[str, Any]:
    """Values from the words before ``--``. UsageError with one clear line."""
    return read_choice(words).values


def read_choice(words: list[str]) -> Choice:
    """The same, with where everything comes from."""
    steps = read_steps(words)
    if any(flag == POLICY or (flag == PROFILE and found not in PROFILES) for flag, found in steps):
        return chosen(steps)
    values = defaults()
    origins: dict[tuple[str, Any], str] = {}
    for flag, found in steps:
        where = flag
        if flag == PROFILE:
            found, where = PROFILES[found], f"profile {found}"
        values = joined(values, found)
        origins = {**given_by(where, found), **origins}
    try:
        check(values, SPELLED)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Choice(values=values, origins=origins, files=())


def chosen(steps: list[tuple[str, Any]]) -> Choice:
    """The choice of a line that names policy files or profiles: everything joined, in the order of the words."""
    from hermetic.policies import choice as policies  # only such a line pays for these
    from hermetic.policies.errors import PolicyFileError
    from hermetic.policies.files import Layer

    layer = Layer(defaults(), {})
    steps = [(flag, policies.at_home(value) if flag == POLICY else value) for flag, value in steps]
    try:
        files = policies.load_all([value for flag, value in steps if flag == POLICY])
        by_name = {found.file: found for found in files}
        for flag, value in steps:
            if flag == POLICY:
                step = policies.own_layer(by_name[value])
            elif flag == PROFILE:
                step = policies.profile_layer(value, files)
            else:
                step = Layer(value, given_by(flag, value))
            layer = policies.joined_layers(layer, step)
        if files:
            policies.check_useful(layer.values, files)
    except PolicyFileError as error:
        raise UsageError(str(error)) from None
    try:
        check(layer.values, SPELLED)
    except ValueError as error:
        raise UsageError(policies.located(str(error), layer.origins, SPELLED)) from None
    return Choice(values=layer.values, origins=layer.origins, files=files)


def given_by(where: str, found: dict[str, Any]) -> dict[tuple[str, Any], str]:
    """The entries of one option or profile, and where they come from."""
    return {
        (key, item): where for key, value in found.items() for item in (value if type(value) is tuple else (value,))
    }


def read_steps(words: list[str]) -> list[tuple[str, Any]]:
    """What each option says, in order: (flag, settings), (PROFILE, name) or (POLICY, file)."""
    steps: list[tuple[str, Any]] = []
    remaining = list(reversed(words))
    while remaining:
        word = remaining.pop()
        flag, equals, text = word.partition("=")
        if flag in (PROFILE, POLICY):
            value = text if equals else next_word(flag, remaining)
            if not value:
                raise UsageError(f"{flag} needs a value")
            steps.append((flag, value))
        elif flag in FLAGS:
            steps.append((flag, setting_values(FLAGS[flag], flag, text if equals else None, remaining)))
        elif word.startswith("-"):
            raise UsageError(f"unknown option {flag}{suggestion(flag)}")
        else:
            raise UsageError(f"unexpected word {word!r} before --{meant_as_value(words, word)}")
    return steps


def setting_values(setting: Setting, flag: str, text: str | None, remaining: list[str]) -> dict[str, Any]:
    """What one option says."""
    if setting.kind == SWITCH:
        if text is None:
            return {setting.key: True}
        if setting.optional is None:
            raise UsageError(f"{flag} takes no value")
        return {setting.key: True, **optional_value(setting, flag, text)}
    if setting.kind == CHOICE:
        value = setting.choices[0] if text is None else text
        if value not in setting.choices:
            raise UsageError(
                f"{flag} takes {' or '.join(f'{flag}={choice}' for choice in setting.choices)}, not {value!r}"
            )
        return {setting.key: value}
    value = text if text is not None else next_word(flag, remaining)
    if not value:
        raise UsageError(f"{flag} needs a value")
    if setting.kind == NUMBERS:
        if not (value.isascii() and value.isdecimal() and len(value) < MOST_DIGITS):
            raise UsageError(f"{flag} needs a descriptor number, not {value!r}")
        return {setting.key: (int(value),)}
    assert setting.kind == LIST
    return {setting.key: (value,)}


def optional_value(setting: Setting, flag: str, text: str) -> dict[str, Any]:
    """The part behind ``=`` of an option that can also stand alone."""
    assert setting.optional is not None
    metavar, key = setting.optional
    if BY_KEY[key].kind == SWITCH:
        if text != metavar:
            raise UsageError(f"{flag} takes {flag}={metavar} or nothing, not {text!r}")
        return {key: True}
    if not text:
        raise UsageError(f"{flag}= needs a {metavar}")
    return {key: text}


def next_word(flag: str, remaining: list[str]) -> str:
    if not remaining or remaining[-1].startswith("--"):
        raise UsageError(f"{flag} needs a value")
    return remaining.pop()


def suggestion(flag: str) -> str:
    """`` (did you mean ...?)``; abbreviations are never accepted, only understood in the answer."""
    elsewhere = {
        **dict.fromkeys(("--allow-net", "-N"), "--no-network with --allow-domain or --allow-host"),
        **dict.fromkeys(("--deny-net", "--deny-domain"), "--deny-host"),
        "--deny-run": "--no-subprocess, with --allow-run for what may be run",
        "--deny-env": "--no-environment, with --allow-env for what may be read",
        "--allow-fs-read": "--fs-readonly=ROOT with --allow-read",
        "--allow-fs-write": "--fs-readonly with --allow-write",
    }
    if flag in elsewhere:  # words of Deno and Node
        return f" (here that is {elsewhere[flag]})"
    known = [*FLAGS, PROFILE, POLICY, "--help", "--version"]
    near = [name for name in known if name.startswith(flag)] if len(flag) > 3 else []
    return f" (did you mean {near[0]}?)" if near else nearest(flag, known)


def meant_as_value(words: list[str], word: str) -> str:
    """A hint when the word follows an option whose value needs ``=``."""
    place = words.index(word)
    before = words[place - 1] if place else ""
    if before in FLAGS and FLAGS[before].optional is not None:
        return f" (a value needs =: {before}={word})"
    return " (what to run comes after --)"
