"""Every setting is declared once: a field without a row, or a row without a field, turns this red."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from hermetic import cli
from hermetic.blocker import BlockConfig, hermetic_blocker
from hermetic.options import FLAGS, SPELLED
from hermetic.profiles import GuardConfig
from hermetic.settings import (
    ANY,
    BOTH,
    BY_KEY,
    CHOICE,
    EXTEND,
    FIRST,
    HOSTS,
    LIST,
    NARROWER,
    NUMBERS,
    PATHS,
    PROGRAMS,
    SETTINGS,
    SWITCH,
    TEXT,
    VARIABLES,
    WORDS,
)
from hermetic.values import PROFILES, RESTRICTIONS


def test_block_config_fields_are_the_rows():
    assert [f.name for f in fields(BlockConfig)] == unique(BlockConfig)
    assert sorted(f.name for f in fields(BlockConfig)) == sorted(s.name for s in SETTINGS if s.name)


def unique(cls: type) -> list[str]:
    return list(dict.fromkeys(f.name for f in fields(cls)))


def test_guard_config_fields_are_the_rows():
    assert sorted(f.name for f in fields(GuardConfig)) == sorted(s.option_name for s in SETTINGS)


def test_keywords_of_the_blocker_are_the_rows():
    parameters = inspect.signature(hermetic_blocker).parameters
    names = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert sorted(names) == sorted([s.name for s in SETTINGS if s.name] + ["profile", "policy"])
    assert next(iter(parameters)) == "_config"
    for setting in SETTINGS:
        if setting.name:
            assert parameters[setting.name].default == setting.default


def test_documented_keywords_come_first_and_in_the_documented_order():
    documented = (
        "block_network block_subprocess fs_readonly fs_root block_environment block_code_exec "
        "block_interpreter_mutation block_native allow_localhost allow_domains deny_imports"
    ).split()
    assert list(inspect.signature(hermetic_blocker).parameters)[1 : 1 + len(documented)] == documented


def test_defaults_agree_everywhere():
    config, guard = BlockConfig(), GuardConfig()
    for setting in SETTINGS:
        empty = setting.default if setting.kind in (SWITCH, TEXT, CHOICE) else []
        if setting.name:
            assert getattr(config, setting.name) == empty
        assert getattr(guard, setting.option_name) == empty


def test_no_name_means_two_things():
    for names in (
        [s.key for s in SETTINGS],
        [s.option_name for s in SETTINGS],
        [flag for s in SETTINGS for flag in s.flags],
        [k for s in SETTINGS for k in (s.name, *s.keywords) if k],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_row_is_whole(setting):
    assert setting.kind in (SWITCH, TEXT, LIST, NUMBERS, CHOICE)
    assert bool(setting.choices) == (setting.kind == CHOICE)
    assert setting.join in ((ANY,) if setting.kind == SWITCH else (EXTEND, FIRST))
    assert (
        setting.narrow
        in {
            SWITCH: (ANY, BOTH, HOSTS),
            TEXT: (NARROWER,),
            LIST: (HOSTS, VARIABLES, WORDS, PATHS, PROGRAMS, EXTEND),
            NUMBERS: (WORDS,),
            CHOICE: (NARROWER,),
        }[setting.kind]
    )
    assert all(need in BY_KEY for need in setting.needs)
    assert setting.optional is None or setting.optional[1] in BY_KEY
    assert setting.help
    assert all(flag.startswith("--") and FLAGS[flag] is setting for flag in setting.flags)
    assert setting.flags or any(s.optional and s.optional[1] == setting.key for s in SETTINGS)


def test_every_restriction_is_a_row_and_is_named():
    taking_away = {s.key for s in SETTINGS if s.key.startswith(("block_", "deny_", "no_")) or s.key == "fs_readonly"}
    assert set(RESTRICTIONS) == taking_away


def test_profiles_name_rows():
    for bundle in PROFILES.values():
        assert set(bundle) <= set(BY_KEY)


def test_every_setting_has_a_spelling_for_the_command_line():
    assert set(SPELLED) == {s.key for s in SETTINGS}


def test_parser_and_table_have_the_same_flags():
    known = {o for action in cli.build_parser()._actions for o in action.option_strings}
    assert known == {f for s in SETTINGS for f in s.flags} | {"--profile", "--policy", "--version", "-h", "--help"}
