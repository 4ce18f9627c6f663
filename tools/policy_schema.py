"""The JSON Schema of policy files, made from the settings table."""

from __future__ import annotations

import json
from typing import Any

from hermetic.policies.files import ALLOW, DENY, EXTENDS, PROFILE, PROFILE_TABLES, SPELLINGS, TESTS
from hermetic.settings import BY_KEY, LIST, SETTINGS, SWITCH, Setting
from hermetic.values import PROFILES

# As ECMA-262 writes them, which JSON Schema names: no NUL in a text, no control character in a profile's name.
TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]*$"}
NAMES = r"^[^\u0000-\u001f\u007f-\u009f]*$"
TEXTS = {"type": "array", "items": TEXT}


def value_schema(setting: Setting) -> dict[str, Any]:
    """What one setting may be."""
    kind: dict[str, Any] = {"type": "boolean"} if setting.kind == SWITCH else TEXTS if setting.kind == LIST else TEXT
    return {"description": setting.help, **kind}


def settings_schema() -> dict[str, Any]:
    """The keys of a table of settings, in every spelling."""
    order = [setting.key for setting in SETTINGS]
    words = sorted(SPELLINGS, key=lambda word: (order.index(SPELLINGS[word]), word != SPELLINGS[word], word))
    return {word: value_schema(BY_KEY[SPELLINGS[word]]) for word in words}


def schema() -> dict[str, Any]:
    """The whole. What it cannot say the reader does: two spellings, cycles, unknown profiles, vain values."""
    extends = {**TEXTS, "description": f"built-in profiles ({', '.join(PROFILES)}) or others of this file"}
    settings = {EXTENDS: extends, **settings_schema()}
    acts = {"anyOf": [TEXT, {**TEXTS, "minItems": 1}]}
    test = {
        "type": "object",
        "properties": {ALLOW: acts, DENY: acts, PROFILE: TEXT},
        "oneOf": [{"required": [ALLOW]}, {"required": [DENY]}],
        "additionalProperties": False,
    }
    profile = {"type": "object", "properties": settings, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hermetic policy file",
        "description": "A file of its own, or the table [tool.hermetic] of a pyproject.toml.",
        "type": "object",
        "properties": {
            **settings,
            PROFILE_TABLES: {
                "type": "object",
                "propertyNames": {"not": {"enum": list(PROFILES)}, "minLength": 1, "pattern": NAMES},
                "additionalProperties": profile,
            },
            TESTS: {"type": "array", "items": test},
        },
        "additionalProperties": False,
    }


def schema_text() -> str:
    """As it is checked in."""
    return json.dumps(schema(), indent=2) + "\n"
