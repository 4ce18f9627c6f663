"""A policy written out, as TOML that means the same or as JSON, with the origin of each entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from _hermetic.extract import printable
from hermetic.policies.errors import PolicyFileError
from hermetic.settings import LIST, SETTINGS, SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.options import Choice


def toml_text(text: str) -> str:
    """A basic string of TOML. PolicyFileError for what no TOML can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PolicyFileError(f"{text!r} is not UTF-8, and no policy file can say it") from None
    return "".join(
        [letter if letter.isprintable() else escaped(letter) for letter in json.dumps(text, ensure_ascii=False)]
    )


def escaped(letter: str) -> str:
    """One that would not be seen, or would change how the others look."""
    number = ord(letter)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"


def as_toml(choice: Choice) -> str:
    """A policy file that says the same."""
    return "\n".join(toml_lines(choice)) + "\n"


def toml_lines(choice: Choice) -> Iterator[str]:
    for setting in SETTINGS:
        key, value = setting.key, choice.values[setting.key]
        if not value:
            continue
        if not setting.name:
            yield f"# {setting.flags[0]} is for the command line alone"
        elif setting.kind == SWITCH:
            yield f"{key} = true{comment(choice, key, True)}"
        elif setting.kind == LIST:
            yield f"{key} = ["
            for item in value:
                yield f"    {toml_text(item)},{comment(choice, key, item)}"
            yield "]"
        else:
            yield f"{key} = {toml_text(value)}{comment(choice, key, value)}"


def comment(choice: Choice, key: str, item: Any) -> str:
    where = choice.origins.get((key, item), "")
    return f"  # {printable(where)}" if where else ""


def as_json(choice: Choice) -> str:
    """The keywords of ``hermetic_blocker``, and where each entry comes from."""
    policy: dict[str, Any] = {}
    origins = []
    for setting in SETTINGS:
        key, value = setting.key, choice.values[setting.key]
        if value and setting.name:
            items = value if setting.kind == LIST else (value,)
            policy[key] = list(value) if setting.kind == LIST else value
            for item in items:
                origins.append({"setting": key, "value": item, "origin": choice.origins.get((key, item), "")})
    return json.dumps({"policy": policy, "origins": origins}, indent=2) + "\n"
