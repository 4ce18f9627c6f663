"""Requests: what joins, what narrows, and which spellings are understood."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic import BlockConfig
from hermetic.blocker import values_of
from hermetic.profiles import PROFILES, GuardConfig, apply_profile
from hermetic.settings import BY_KEY, LIST, SETTINGS, SWITCH, TEXT


def test_from_kwargs_takes_the_command_lines_spellings():
    config = BlockConfig.from_kwargs(no_network=True, no_env=True, no_code_exec=True, no_subprocess=True)
    assert (config.block_network, config.block_environment, config.block_code_exec, config.block_subprocess) == (
        (True,) * 4
    )


@pytest.mark.parametrize("field", fields(BlockConfig), ids=lambda f: f.name)
def test_from_kwargs_takes_every_field(field):
    value = {SWITCH: True, TEXT: "/"}.get(BY_KEY[field.name].kind, ["x"])
    assert getattr(BlockConfig.from_kwargs(**{field.name: value}), field.name) == value


def test_merging_joins_restrictions():
    merged = BlockConfig(block_network=True).merged_with(BlockConfig(fs_readonly=True, trace=True))
    assert (merged.block_network, merged.fs_readonly, merged.trace, merged.block_subprocess) == (
        True,
        True,
        True,
        False,
    )


def test_merging_keeps_an_allowance_only_where_every_restricting_side_gives_it():
    allowing = BlockConfig(block_network=True, allow_localhost=True, allow_domains=["example.com"])
    strict = BlockConfig(block_network=True)
    silent = BlockConfig(fs_readonly=True)
    assert not (allowing | strict).allow_localhost
    assert list((allowing | strict).allow_domains) == []
    assert (allowing | silent).allow_localhost
    assert list((silent | allowing).allow_domains) == ["example.com"]


def test_merging_domains_keeps_the_narrower():
    wide = BlockConfig(block_network=True, allow_domains=["example.com", "a.org"])
    narrow = BlockConfig(block_network=True, allow_domains=["api.Example.com", "b.org"])
    assert list((wide | narrow).allow_domains) == ["api.example.com"]
    assert list((narrow | wide).allow_domains) == ["api.example.com"]


def test_merging_joins_deny_lists():
    merged = BlockConfig(deny_imports=["a", "b"]) | BlockConfig(deny_imports=["b", "c"])
    assert list(merged.deny_imports) == ["a", "b", "c"]


def test_merging_roots_takes_the_narrower_one(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in-not").mkdir()
    outer = BlockConfig(fs_readonly=True, fs_root=str(tmp_path))
    inner = BlockConfig(fs_readonly=True, fs_root=str(tmp_path / "in"))
    beside = BlockConfig(fs_readonly=True, fs_root=str(tmp_path / "in-not"))
    assert (outer | inner).fs_root == (inner | outer).fs_root == str(tmp_path / "in")
    assert (inner | BlockConfig(fs_readonly=True)).fs_root == str(tmp_path / "in")
    with pytest.raises(ValueError, match="fs_root"):
        inner.merged_with(beside)


def test_merging_reports_only_where_both_do():
    report, enforce = BlockConfig(block_network=True, report_only=True), BlockConfig(block_subprocess=True)
    assert not (report | enforce).report_only
    assert (report | BlockConfig(fs_readonly=True, report_only=True)).report_only
    assert (report | BlockConfig()).report_only


def test_merging_changes_neither_side():
    one, two = BlockConfig(block_network=True, allow_domains=["a.org"]), BlockConfig(block_network=True)
    before = (repr(one), repr(two))
    one.merged_with(two)
    assert (repr(one), repr(two)) == before


def test_merging_with_something_else_is_a_type_error():
    with pytest.raises(TypeError):
        BlockConfig() | {"block_network": True}


# --- properties ---

RESTRICTIONS = tuple(s.name for s in SETTINGS if s.name.startswith("block_") or s.name == "fs_readonly")


@st.composite
def configs(draw):
    """Configs that mean something."""
    values = {name: draw(st.booleans()) for name in RESTRICTIONS}
    if values["block_network"]:
        values["allow_localhost"] = draw(st.booleans())
        values["allow_domains"] = draw(st.lists(st.sampled_from(["a.org", "b.a.org", "c.com", "*.c.com"]), unique=True))
    if values["block_environment"]:
        values["environment_unset"] = draw(st.booleans())
    values["deny_imports"] = draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True))
    return BlockConfig(**values)


def comparable(config):
    return {k: frozenset(v) if isinstance(v, tuple) else v for k, v in values_of(config).items()}


@given(configs(), configs())
def test_merging_does_not_depend_on_the_order(one, two):
    assert comparable(one | two) == comparable(two | one)


@given(configs())
def test_merging_with_nothing_changes_nothing(config):
    normal = comparable(config | config)
    assert comparable(config | BlockConfig()) | {"allow_domains": None} == normal | {"allow_domains": None}


@given(configs(), configs())
def test_merging_never_restricts_less(one, two):
    merged = one | two
    for name in RESTRICTIONS:
        assert getattr(merged, name) == (getattr(one, name) or getattr(two, name))
    assert set(merged.deny_imports) == {*one.deny_imports, *two.deny_imports}
    for side in (one, two):
        if side.block_network and not side.allow_localhost:
            assert not merged.allow_localhost


# --- profiles ---


def test_profiles_are_the_documented_ones():
    assert set(PROFILES) == {"block-all", "net-hermetic", "exec-deny", "fs-readonly", "block-native"}
    everything = PROFILES["block-all"]
    assert all(
        (
            everything.no_network,
            everything.no_subprocess,
            everything.fs_readonly,
            everything.no_environment,
            everything.no_code_exec,
            everything.no_interpreter_mutation,
            everything.block_native,
        )
    )
    assert PROFILES["net-hermetic"].allow_localhost


def test_applying_a_profile_joins_and_changes_neither():
    base = GuardConfig(no_network=True, allow_domains=["a.org"])
    before = (repr(base), repr(PROFILES))
    joined = apply_profile(base, "net-hermetic")
    assert joined is not base
    assert (joined.no_network, joined.allow_localhost, joined.allow_domains) == (True, True, ["a.org"])
    joined.allow_domains.append("b.org")
    assert (repr(base), repr(PROFILES)) == before


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_only_adds(name):
    base = GuardConfig(no_subprocess=True, deny_imports=["x"], trace=True)
    joined = apply_profile(base, name)
    assert joined.no_subprocess
    assert joined.trace
    assert joined.deny_imports == ["x"]


def test_unknown_profile_is_a_value_error_with_the_known_names():
    with pytest.raises(ValueError, match="net-hermetic"):
        apply_profile(GuardConfig(), "nonsense")


def test_guard_config_has_read_only_block_names():
    config = GuardConfig(no_network=True, no_environment=True)
    assert config.block_network
    assert config.block_environment
    assert not config.block_subprocess
    with pytest.raises(AttributeError):
        config.block_network = False


def test_defaults_ask_for_nothing():
    values = values_of(BlockConfig())
    assert all(values[s.key] == {SWITCH: False, LIST: ()}.get(s.kind, values[s.key]) for s in SETTINGS)
    assert not any(values.values())
