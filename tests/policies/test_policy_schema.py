"""The published JSON Schema says what the reader accepts, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_policy_files import MISTAKES

from hermetic.policies.errors import PolicyFileError
from hermetic.policies.files import load
from hermetic.policies.text import parse

jsonschema = pytest.importorskip("jsonschema", reason="in the test group; nothing else here needs it")

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "policy.schema.json"
# What no schema can say: what two keys mean together, and which names are known.
BEYOND = ("two spellings", "goes round", "net-hermetic?", "unknown profile", "is no act", "not TOML")
GOOD = [
    "block_network = true\nallow-domain = ['a.org']",
    "extends = ['net-hermetic']\n[profiles.ci]\nfs-readonly = true\nfs_root = '.'",
    "seal = true\nno-env = true\n[[test]]\nallow = 'read x'\n[[test]]\ndeny = ['read x', 'run y']\nprofile = 'block-all'",
]


@pytest.fixture
def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be_read_is_valid(validator, tmp_path, text):
    (tmp_path / "policy.toml").write_text(text)
    load(str(tmp_path / "policy.toml"))
    validator.validate(parse("policy.toml", text))


WITHIN = [text for text, _, said in MISTAKES if not any(word in said for word in BEYOND)]


@pytest.mark.parametrize("text", WITHIN, ids=lambda text: text[:40])
def test_what_is_refused_is_not_valid(validator, text):
    assert not validator.is_valid(parse("policy.toml", text))


def test_every_key_has_its_line_of_explanation(validator):
    for table in (validator.schema["properties"], validator.schema["properties"]["profiles"]["additionalProperties"]):
        for word, value in table.get("properties", table).items():
            assert word in ("profiles", "test", "properties", "type") or value["description"]


def test_the_reader_and_the_schema_refuse_the_same_kinds(validator, tmp_path):
    for value in ("true", "1", "'x'", "['x']", "[1]", "{}", "2020-01-01", "['']", "''"):
        for word in validator.schema["properties"]:
            if word in ("extends", "profiles", "test"):
                continue
            text = f"{word} = {value}"
            (tmp_path / "p.toml").write_text(text)
            try:
                load(str(tmp_path / "p.toml"))
                read = True
            except PolicyFileError:
                read = False
            found = parse("p.toml", text)
            if value == "2020-01-01":
                found = {word: str}  # a date, which JSON has no word for
            assert validator.is_valid(found) == read, text
