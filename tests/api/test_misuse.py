"""What cannot mean anything is refused at the call, with words that say what to write instead."""

from __future__ import annotations

from enum import Enum

import pytest

from hermetic import BlockConfig, PolicyViolation, hermetic_blocker, lock, with_hermetic
from hermetic.guards import install_all

VALUE_ERRORS = [
    ({"allow_localhost": True}, "allow_localhost needs block_network"),
    ({"allow_domains": ["example.com"]}, "allow_domains needs block_network"),
    ({"fs_root": "."}, "fs_root needs fs_readonly"),
    ({"environment_unset": True}, "environment_unset needs block_environment"),
    ({"sealed": True}, "sealed needs something to block"),
    ({"report_only": True}, "report_only needs something to block"),
    ({"block_network": True, "sealed": True, "report_only": True}, "report_only blocks nothing"),
    ({"profile": "block-everything"}, "unknown profile 'block-everything'"),
    ({"block_network": True, "allow_domains": [""]}, "not a domain name"),
    ({"block_network": True, "allow_domains": ["*"]}, "not a domain name"),
    ({"block_network": True, "allow_domains": ["a b"]}, "host name"),
    ({"block_network": True, "allow_unix_sockets": ["x/" * 4000 + "x"]}, "leads nowhere"),
    ({"block_network": True, "allow_domains": ["evil\0.example.com"]}, "name"),
    ({"block_network": True, "allow_domains": ["http://example.com"]}, "name"),
    # Which of several lists it was.
    ({"block_network": True, "allow_hosts": ["a b"]}, "^allow_hosts: 'a b' is not a host"),
    ({"deny_hosts": ["x", "a b"]}, "^deny_hosts: 'a b' is not a host"),
    ({"block_subprocess": True, "allow_run": ["no-such-program"]}, "^allow_run: 'no-such-program' is no program"),
    ({"fs_readonly": True, "allow_write": ["*x"]}, r"^allow_write: '\*x' does not exist"),
    ({"deny_imports": ["a b"]}, "^deny_imports: 'a b' is not"),
]
TYPE_ERRORS = [
    ({"block_network": True, "allow_domains": "example.com"}, r"allow_domains=\['example.com'\]"),
    ({"block_network": True, "allow_domains": b"example.com"}, "list"),
    ({"block_network": True, "allow_domains": [1]}, "strings"),
    ({"block_network": True, "allow_hosts": 1}, "allow_hosts is a list of strings, not 1"),
    ({"deny_imports": "ctypes"}, r"deny_imports=\['ctypes'\]"),
    ({"block_network": 1}, "True or False"),
    ({"block_network": "no"}, "True or False, not 'no'$"),
    # What the command line takes with the same option.
    ({"fs_readonly": "."}, r"not '\.' \(did you mean fs_readonly=True, fs_root='\.'\?\)"),
    ({"block_environment": "unset"}, r"\(did you mean block_environment=True, environment_unset=True\?\)"),
    ({"block_environment": "all"}, "True or False, not 'all'$"),
    ({"fs_readonly": True, "fs_root": 5}, "fs_root|PathLike"),
]


@pytest.mark.parametrize(("keywords", "words"), VALUE_ERRORS, ids=repr)
def test_value_that_cannot_mean_anything_is_a_value_error(keywords, words):
    with pytest.raises(ValueError, match=words):
        hermetic_blocker(**keywords)


@pytest.mark.parametrize(("keywords", "words"), TYPE_ERRORS, ids=repr)
def test_wrong_type_is_a_type_error(keywords, words):
    with pytest.raises(TypeError, match=words):
        hermetic_blocker(**keywords)


@pytest.mark.parametrize(("keywords", "words"), [pair for pair in VALUE_ERRORS if "profile" not in pair[0]], ids=repr)
def test_config_is_checked_like_keywords(keywords, words):
    with pytest.raises(ValueError, match=words):
        hermetic_blocker(BlockConfig(**keywords)).__enter__()


def test_root_that_does_not_exist_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        hermetic_blocker(fs_readonly=True, fs_root=str(tmp_path / "nowhere"))


def test_keywords_beside_a_config_are_refused():
    with pytest.raises(ValueError, match="not both"):
        hermetic_blocker(BlockConfig(block_network=True), block_subprocess=True)
    with pytest.raises(ValueError, match="not both"):
        hermetic_blocker(BlockConfig(block_network=True), profile="block-all")


def test_two_profiles_are_refused():
    with pytest.raises(ValueError, match="one profile"):
        hermetic_blocker("net-hermetic", profile="exec-deny")


def test_decorator_without_parentheses_says_so():
    with pytest.raises(TypeError, match="parentheses"):

        @with_hermetic
        def function() -> None: ...


@pytest.mark.parametrize("thing", [3, ["block-all"], {"block_network": True}, b"block-all"], ids=repr)
def test_another_first_argument_is_a_type_error(thing):
    with pytest.raises(TypeError):
        hermetic_blocker(thing)


def test_settings_are_keywords_only():
    with pytest.raises((TypeError, ValueError)):
        hermetic_blocker(None, True)


@pytest.mark.parametrize("make", [hermetic_blocker, with_hermetic, BlockConfig, lock])
@pytest.mark.parametrize(
    ("written", "meant"),
    [("block_networks", "block_network"), ("alow_domains", "allow_domains"), ("no_env", "block_environment")],
)
def test_a_keyword_that_is_none_names_the_one_that_was_meant(make, written, meant):
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{written}' \(did you mean {meant}\?\)"):
        make(**{written: True})


def test_from_kwargs_names_the_nearest_setting():
    with pytest.raises(TypeError, match="block_network"):
        BlockConfig.from_kwargs(block_networks=True)


def test_from_kwargs_refuses_one_setting_twice():
    with pytest.raises(TypeError, match="another spelling"):
        BlockConfig.from_kwargs(no_network=True, block_network=False)


def test_something_that_is_not_callable_cannot_be_decorated():
    with pytest.raises(TypeError, match="not callable"):
        with_hermetic(block_network=True)(5)


def test_unknown_group_of_guards_is_a_type_error():
    with pytest.raises(TypeError, match="network"):
        install_all(network={})


def test_leaving_a_block_that_is_not_active_is_a_clear_error():
    block = hermetic_blocker(block_subprocess=True)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="never entered, or left already"):
            block.__exit__(None, None, None)
        with block:
            pass
    with hermetic_blocker(block_subprocess=True), pytest.raises(RuntimeError, match="not active"):
        block.__exit__(None, None, None)


class Place(str, Enum):
    OPEN = "open"


def test_texts_of_other_classes_are_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with hermetic_blocker(fs_readonly=True, allow_write=[Place.OPEN], block_network=True, allow_hosts=[Place.OPEN]):
        (tmp_path / "open").mkdir()
        with pytest.raises(PolicyViolation):
            (tmp_path / "Place.OPEN").mkdir()
