"""The command line, read by the settings table.

A well-formed line goes from argv to values here, without argparse, whose import
costs more than the guards; argparse only prints the help.
"""

from __future__ import annotations

from hermetic.settings import BY_KEY, LIST, NUMBERS, SETTINGS, SWITCH, check, defaults, joined, profile

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from hermetic.settings import Setting

PROFILE = "--profile"
FLAGS = {flag: setting for setting in SETTINGS for flag in setting.flags}
# How users of the command line spell a setting.
SPELLED = {setting.key: (setting.flags or (f"--{setting.key.replace('_', '-')}",))[0] for setting in SETTINGS}
SPELLED["fs_root"] = "--fs-readonly=ROOT"
SPELLED["environment_unset"] = "--no-environment=unset"


class UsageError(ValueError):
    """A command line that cannot mean anything; the text is the one line to show."""


def read_options(words: list[str]) -> dict[str, Any]:
    """Values from the words before ``--``. UsageError with one clear line."""
    values = defaults()
    remaining = list(reversed(words))
    while remaining:
        word = remaining.pop()
        flag, equals, text = word.partition("=")
        if flag == PROFILE:
            values = joined(values, known_profile(text if equals else next_word(flag, remaining)))
        elif flag in FLAGS:
            setting = FLAGS[flag]
            values = joined(values, setting_values(setting, flag, text if equals else None, remaining))
        elif word.startswith("-"):
            raise UsageError(f"unknown option {flag}{suggestion(flag)}")
        else:
            raise UsageError(f"unexpected word {word!r} before --{meant_as_value(words, word)}")
    try:
        check(values, SPELLED)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return values


def setting_values(setting: Setting, flag: str, text: str | None, remaining: list[str]) -> dict[str, Any]:
    """What one option says."""
    if setting.kind == SWITCH:
        if text is None:
            return {setting.key: True}
        if setting.optional is None:
            raise UsageError(f"{flag} takes no value")
        return {setting.key: True, **optional_value(setting, flag, text)}
    value = text if text is not None else next_word(flag, remaining)
    if not value:
        raise UsageError(f"{flag} needs a value")
    if setting.kind == NUMBERS:
        if not value.isdecimal():
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


def known_profile(name: str) -> dict[str, Any]:
    try:
        return profile(name)
    except ValueError as error:
        raise UsageError(str(error)) from None


def suggestion(flag: str) -> str:
    """`` (did you mean ...?)``; abbreviations are never accepted, only understood in the answer."""
    known = [*FLAGS, PROFILE, "--help", "--version"]
    near = [name for name in known if name.startswith(flag)] if len(flag) > 3 else []
    if not near:
        from difflib import get_close_matches  # only a wrong command line pays for this

        near = get_close_matches(flag, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def meant_as_value(words: list[str], word: str) -> str:
    """A hint when the word follows an option whose value needs ``=``."""
    place = words.index(word)
    before = words[place - 1] if place else ""
    if before in FLAGS and FLAGS[before].optional is not None:
        return f" (a value needs =: {before}={word})"
    return " (what to run comes after --)"
