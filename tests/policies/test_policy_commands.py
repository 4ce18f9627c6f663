"""``hermetic policy show``, ``check`` and ``test``."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermetic import BlockConfig
from hermetic.blocker import values_of
from hermetic.cli import main
from hermetic.options import Choice, read_choice
from hermetic.policies.show import as_json, as_toml, toml_text
from hermetic.settings import LIST, SETTINGS, SWITCH
from hermetic.values import defaults

POLICY = """\
block_network = true
allow_domains = ["a.org"]

[profiles.ci]
extends = ["exec-deny"]
deny_imports = ["secret"]

[[test]]
allow = ["connect a.org:443", "resolve sub.a.org"]

[[test]]
deny = "run git"
profile = "ci"
"""


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


def said(capsys, *words, status=0):
    assert main([*words]) == status
    out, err = capsys.readouterr()
    return out if status != 1 else err


def test_show_names_the_origin_of_every_entry(capsys, policy):
    shown = said(capsys, "policy", "show", "--policy", policy, "--profile", "ci", "--allow-domain", "b.org", "--strict")
    assert shown == (
        f"block_network = true  # {policy}:1\n"
        f'allow_domains = [\n    "a.org",  # {policy}:2\n    "b.org",  # --allow-domain\n]\n'
        f"block_subprocess = true  # profile exec-deny, by {policy}:5\n"
        f'deny_imports = [\n    "secret",  # {policy}:6 (profile ci)\n]\n'
        "# --strict is for the command line alone\n"
    )


def test_show_json_has_keywords_of_the_api_and_origins(capsys, policy):
    found = json.loads(said(capsys, "policy", "show", "--format", "json", "--policy", policy, "--no-env=unset"))
    assert BlockConfig(**found["policy"]) == BlockConfig(
        block_network=True, allow_domains=["a.org"], block_environment=True, environment_unset=True
    )
    assert {"setting": "allow_domains", "value": "a.org", "origin": f"{policy}:2"} in found["origins"]
    assert {"setting": "block_environment", "value": True, "origin": "--no-environment"} not in found["origins"]
    assert {"setting": "block_environment", "value": True, "origin": "--no-env"} in found["origins"]


# What no family would refuse, whichever list it stands in.
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8)


@st.composite
def anything(draw):
    values = defaults()
    for setting in SETTINGS:
        if setting.name:
            if setting.kind == SWITCH:
                values[setting.key] = draw(st.booleans())
            elif setting.kind == LIST:
                strategy = WORDS if not setting.holds_paths else WORDS.map(lambda word: f"/{word}")
                values[setting.key] = tuple(draw(st.lists(strategy, unique=True, max_size=3)))
            else:
                values[setting.key] = draw(st.none() | WORDS.map(lambda word: f"/{word}"))
    values["block_network"] = True
    origins = {(key, item): draw(WORDS) for key, v in values.items() for item in (v if isinstance(v, tuple) else (v,))}
    return Choice(values=values, origins=origins, files=())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(choice=anything())
def test_what_is_shown_means_the_same_when_it_is_read(tmp_path, choice):
    from hermetic.policies.files import load, resolved

    path = tmp_path / "shown.toml"
    path.write_bytes(as_toml(choice).encode())
    found = load(str(path))
    assert resolved(found, found.own).values == choice.values
    config = BlockConfig(**json.loads(as_json(choice))["policy"])
    assert values_of(config) == choice.values


def test_shown_again_it_is_the_same_policy(capsys, policy, tmp_path):
    (tmp_path / "again.toml").write_text(said(capsys, "policy", "show", "--policy", policy, "--profile", "block-all"))
    again = read_choice(["--policy", str(tmp_path / "again.toml")])
    assert again.values == read_choice(["--policy", policy, "--profile", "block-all"]).values


def test_what_no_toml_can_hold_is_refused():
    with pytest.raises(ValueError, match="not UTF-8"):
        toml_text("\udcff")


def test_check(capsys, policy, tmp_path):
    assert said(capsys, "policy", "check", policy) == f"{policy}: fine (2 policies, 2 tests)\n"
    assert said(capsys, "policy", "check", "--", policy) == f"{policy}: fine (2 policies, 2 tests)\n"
    broken = tmp_path / "broken.toml"
    broken.write_text("block_native = true\n[profiles.net]\nallow_localhost = true\n")
    assert said(capsys, "policy", "check", policy, str(broken), status=1) == (
        f"hermetic: error: {broken}:3 (profile net): allow_localhost needs block_network or must be left out\n"
    )
    broken.write_text("block_native = true\n[profiles.net]\nblock_network = true\nallow_domains = ['a b']\n")
    assert f"{broken}:4 (profile net): 'a b' is not a domain name" in said(
        capsys, "policy", "check", str(broken), status=1
    )
    broken.write_text("")
    assert said(capsys, "policy", "check", str(broken), status=1) == f"hermetic: error: {broken} takes nothing away\n"


def test_test_passes_and_fails(capsys, policy, tmp_path):
    shown = said(capsys, "policy", "test", policy)
    assert shown.splitlines()[-1] == "3 passed, 0 failed"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(POLICY + '[[test]]\nallow = "connect b.org:443"\n[[test]]\ndeny = "read x"\n')
    lines = said(capsys, "policy", "test", str(wrong), status=2).splitlines()
    assert lines[-1] == "3 passed, 2 failed"
    assert lines[3] == f"FAILED  {wrong}:14: allow connect b.org:443: network disabled: connect(b.org)"
    assert lines[4] == f"FAILED  {wrong}:16: deny read x: it is allowed"


def test_paths_of_tests_are_relative_to_the_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "data").mkdir()
    path = tmp_path / "policy.toml"
    path.write_text(
        "fs_readonly = true\nfs_root = 'data'\n[[test]]\nallow = 'read data/x'\n[[test]]\ndeny = 'read x'\n"
    )
    assert "2 passed" in said(capsys, "policy", "test", str(path))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["policy"], "policy needs show, check or test (see"),
        (["policy", "shwo"], "policy needs show, check or test, not 'shwo'"),
        (["policy", "check"], "policy check needs a file"),
        (["policy", "check", "--json"], "takes files, not --json"),
        (["policy", "show", "--format", "xml"], "--format is toml or json"),
        (["policy", "show", "--", "x"], "nothing may stand after --"),
        (["policy", "show", "--allow-localhost"], "--allow-localhost needs --no-network"),
        (["policy", "test", "/no/such.toml"], "cannot be read"),
        (["--policy", "--", "x"], "--policy needs a value"),
        (["--policy=", "--", "x"], "--policy needs a value"),
        (["--polic", "x", "--", "y"], "did you mean --policy?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_is_one_line_and_status_1(capsys, words, text):
    found = said(capsys, *words, status=1)
    assert text in found
    assert len(found.splitlines()) == 1


def test_a_file_without_tests_has_nothing_to_hold(capsys, tmp_path):
    (tmp_path / "p.toml").write_text("block_network = true")
    assert "has no [[test]]" in said(capsys, "policy", "test", str(tmp_path / "p.toml"), status=1)


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\x7f", "\x1b", "\U000e0041", "\u2028"])
def test_what_cannot_be_seen_is_shown_escaped_and_means_the_same(capsys, tmp_path, letter):
    shown = said(capsys, "policy", "show", f"--deny-write=/none/a{letter}b\u00e9")
    assert all(line.isprintable() for line in shown.splitlines()), ascii(shown)
    (tmp_path / "p.toml").write_text(shown, encoding="utf-8")
    again = said(capsys, "policy", "show", "--format", "json", "--policy", str(tmp_path / "p.toml"))
    assert json.loads(again)["policy"] == {"deny_write": [f"/none/a{letter}b\u00e9"]}
