"""Policy files: what they may say, and every mistake with its file, its line and the nearest valid word."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermetic import BlockConfig, PolicyViolation, hermetic_blocker
from hermetic.options import UsageError, read_choice, read_options
from hermetic.policies.errors import PolicyFileError, PolicyTypeError
from hermetic.policies.files import SPELLINGS, load, resolved
from hermetic.settings import LIST, PATHS, PROGRAMS, SETTINGS, SWITCH


@pytest.fixture
def write(tmp_path):
    def write(text, name="policy.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


MISTAKES = [
    ("block_netwrok = true", 1, "unknown key 'block_netwrok' (did you mean block_network?)"),
    ("# x\n\nallow-domains = []", 3, "did you mean allow-domain?"),
    ("block_network = 1", 1, "block_network is true or false, not a number"),
    ("fs_readonly = '/x'", 1, "fs_readonly is true or false, not a text; write fs_root beside it"),
    ("block_network = true\nallow_domains = 'a.org'", 2, "write allow_domains = ['a.org']"),
    ("allow_domains = [1]", 1, "holds a number"),
    ("allow_domains = ['']", 1, "cannot mean anything"),
    ('allow_write = ["a\\u0000b"]', 1, "'a\\x00b' cannot mean anything"),
    ("fs_root = true", 1, "fs_root is a text, not a boolean"),
    ("no-network = true\nblock_network = true", 2, "two spellings of one setting"),
    ("strict = true", 1, "for the command line alone: --strict"),
    ("keep-fd = [3]", 1, "for the command line alone: --keep-fd"),
    ("profile = 'x'", 1, "unknown key 'profile' (did you mean profiles?)"),
    ("[profiles.a]\nextends = ['b']\n[profiles.b]\nextends = ['a']", 4, "extends goes round: a -> b -> a"),
    ("[profiles.a]\nextends = ['a']", 2, "extends goes round: a -> a"),
    ("[profiles.a]\nextends = ['net-hermetik']", 2, "(did you mean net-hermetic?)"),
    ("extends = ['nothing']", 1, "unknown profile 'nothing'"),
    ("extends = 'net-hermetic'", 1, "write extends = ['net-hermetic']"),
    ("[profiles.block-all]\ntrace = true", 1, "is a built-in profile"),
    ("profiles = 1", 1, "profiles is a table"),
    ("[profiles]\na = 1", 2, "profile 'a' is a table: [profiles.a]"),
    ("[profiles.a]\nprofiles = 1", 2, "unknown key 'profiles'"),
    ("[profiles.'']\ntrace = true", 1, "'' cannot be the name of a profile"),
    ('[profiles."a\\u001b"]\ntrace = true', 1, "'a\\x1b' cannot be the name of a profile"),
    ("deny_imports = 1", 1, "deny_imports is a list of texts, not a number"),
    ("deny_imports = 2026-01-01", 1, "deny_imports is a list of texts, not a date or time"),
    ("[profiles.a]\n\nblok_native = true", 3, "did you mean block_native?"),
    ("[test]\nallow = 'read /x'", 1, "write [[test]]"),
    ("test = 'read /x'", 1, "write [[test]]"),
    ("trace = true\ntest = ['read /x']", 2, "write [[test]]"),
    ("[[test]]\nprofile = 'x'", 1, "a test says allow or deny"),
    ("[[test]]\nallow = 'read /x'\n[[test]]\nallow = 'read /x'\ndeny = 'read /x'", 3, "a test says allow or deny"),
    ("[[test]]\nalow = 'read /x'", 2, "did you mean allow?"),
    ("[[test]]\nallow = 'read'", 2, "is no act"),
    ("[[test]]\nallow = []", 2, "names no act"),
    ("[[test]]\nallow = 'read /x'\nprofile = 'x'", 3, "unknown profile 'x'"),
    ("[[test]]\nallow = 'read /x'\nprofile = ['x']", 3, "a profile is named by a text, not a list"),
    ("block_network = true\nblock_network = true", 2, "not TOML"),
    ("x = ", 1, "not TOML"),
]


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES, ids=lambda value: str(value)[:40])
def test_mistake_names_file_line_and_what_was_meant(write, text, line, said):
    path = write(text)
    with pytest.raises(PolicyFileError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert said in str(caught.value)


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES[:6], ids=lambda value: str(value)[:40])
def test_mistake_in_a_pyproject_names_its_line_too(write, text, line, said):
    path = write("[project]\nname = 'x'\n[tool.hermetic]\n" + text, "pyproject.toml")
    with pytest.raises(PolicyFileError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line + 3}: ")


def test_what_only_a_file_can_say_is_not_proposed_inside_of_a_profile(write):
    with pytest.raises(PolicyFileError) as caught:
        load(write("[profiles.a]\nprofile = 1"))
    assert "did you mean profiles?" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "tool = 1", "[tool]\nhermetic = true", "[tool.other]\nhermetic = 1"])
def test_a_pyproject_without_a_table_of_ours_is_refused(write, text):
    path = write(text, "pyproject.toml")
    with pytest.raises(PolicyFileError) as caught:
        load(path)
    assert str(caught.value) == f"{path} has no table [tool.hermetic]"


def test_wrong_type_is_a_type_error_and_the_rest_are_value_errors(write):
    path = write("trace = 1")
    with pytest.raises(TypeError):
        hermetic_blocker(policy=path)
    with pytest.raises(PolicyTypeError):
        load(path)
    with pytest.raises(ValueError):
        hermetic_blocker(policy=write("x = 1"))
    with pytest.raises(TypeError, match="policy is the name of a file"):
        hermetic_blocker(policy=b"policy.toml")
    with pytest.raises(TypeError):
        hermetic_blocker(policy=3)


def test_every_setting_can_be_said_by_keyword_and_by_option(write, tmp_path):
    for word, key in SPELLINGS.items():
        setting = next(s for s in SETTINGS if s.key == key)
        value = "true" if setting.kind == SWITCH else "['x']" if setting.kind == LIST else f"'{tmp_path}'"
        found = load(write(f"'{word}' = {value}" if "-" not in word else f"{word} = {value}"))
        assert set(found.own.own.values) == {key}
    assert {s.key for s in SETTINGS if s.name} == set(SPELLINGS.values())


def test_keys_in_tables_of_every_form_are_found(write):
    path = write(
        'profiles.a.trace = true\n"block_network" = true\ntext = """\nblock_native = true\n"""\n'.replace(
            "text", "fs_root"
        )
        + "[profiles.'b']\nextends = [\n  'a',\n]\n"
    )
    found = load(path)
    assert found.profiles["a"].own.origins["trace", True] == f"{path}:1 (profile a)"
    assert found.own.own.origins["block_network", True] == f"{path}:2"
    assert found.places["fs_root"] == f"{path}:3"
    assert found.profiles["b"].extended_at == f"{path}:7"


def test_the_mark_that_windows_editors_begin_with_is_passed_over(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbfblock_network = true\r\n")
    found = load(str(path))
    assert found.own.own.values == {"block_network": True}
    assert found.places["block_network"] == f"{path}:1"


def test_rows_that_hold_paths_say_so():
    for setting in SETTINGS:
        if setting.metavar in ("PATH", "ROOT"):
            assert setting.holds_paths == PATHS, (
                f"{setting.key}: relative paths of a policy file would mean other files"
            )
        elif setting.metavar == "PROGRAM":
            assert setting.holds_paths == PROGRAMS, setting.key
        else:
            assert setting.holds_paths == "", setting.key


def test_relative_paths_and_home_are_the_files_own(write, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "sub"))
    monkeypatch.chdir("/")
    path = write("fs_readonly = true\nfs_root = 'sub'\n[profiles.home]\nfs_root = '~'")
    assert BlockConfig.from_policy(path).fs_root == str(tmp_path / "sub")
    assert BlockConfig.from_policy(path, "home").fs_root == str(tmp_path / "sub")
    monkeypatch.chdir(tmp_path)
    assert read_options(["--policy", "policy.toml"])["fs_root"] == str(tmp_path / "sub")


def test_home_of_nobody_is_refused(write):
    with pytest.raises(PolicyFileError, match="no home directory is known"):
        load(write("fs_readonly = true\nfs_root = '~no-such-user-anywhere/x'"))


def test_two_roots_are_an_error_and_one_twice_is_not(write, tmp_path):
    (tmp_path / "sub").mkdir()
    path = write(
        "fs_readonly = true\nfs_root = 'sub'\n[profiles.wide]\nfs_root = '.'\n[profiles.same]\nfs_root = 'sub/.'"
    )
    with pytest.raises(ValueError, match="two roots"):
        hermetic_blocker(policy=path, profile="wide")
    assert os.path.realpath(BlockConfig.from_policy(path, "same").fs_root) == os.path.realpath(tmp_path / "sub")
    with pytest.raises(UsageError, match="two roots"):
        read_options(["--policy", path, f"--fs-readonly={tmp_path}"])


# --- what joins ---


def test_profiles_extend_built_in_and_other_ones(write):
    path = write(
        "block_subprocess = true\n[profiles.ci]\nextends = ['net-hermetic', 'base']\n"
        "[profiles.base]\nblock_native = true\nallow_native = ['numpy']"
    )
    values = read_options(["--policy", path, "--profile", "ci"])
    for key in ("block_subprocess", "block_network", "allow_localhost", "block_native"):
        assert values[key], key
    assert values["allow_native"] == ("numpy",)
    assert not read_options(["--policy", path])["block_network"]


def test_a_profile_that_comes_before_its_file_on_the_line_is_found(write):
    path = write("[profiles.ci]\nblock_network = true")
    assert read_options(["--profile=ci", f"--policy={path}"])["block_network"]


def test_a_profile_of_no_file_given_is_unknown(write, monkeypatch, tmp_path):
    write("[tool.hermetic.profiles.ci]\nblock_network = true", "pyproject.toml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="unknown profile 'ci'"):
        read_options(["--profile", "ci"])
    assert read_options(["--profile", "ci", "--policy", "pyproject.toml"])["block_network"]


def test_two_files_join_and_a_name_they_share_is_ambiguous(write):
    one = write("block_network = true\n[profiles.p]\ntrace = true", "one.toml")
    two = write("block_native = true\n[profiles.p]\ntrace = true", "two.toml")
    values = read_options(["--policy", one, "--policy", two])
    assert values["block_network"] and values["block_native"]
    with pytest.raises(UsageError, match="two profiles 'p'"):
        read_options(["--policy", one, "--policy", two, "--profile", "p"])


def test_a_file_that_takes_nothing_away_is_refused(write):
    with pytest.raises(UsageError, match="takes nothing away"):
        read_options(["--policy", write("")])
    with pytest.raises(PolicyFileError) as caught:
        hermetic_blocker(policy=write("trace = true"))
    assert str(caught.value).endswith("policy.toml takes nothing away")
    path = write("trace = true\n[profiles.ci]\nblock_network = true")
    with pytest.raises(UsageError, match="choose one of its profiles: ci"):
        read_options(["--policy", path])
    with pytest.raises(ValueError, match="takes nothing away"):
        hermetic_blocker(policy=path)


def test_an_allowance_with_nothing_to_relax_is_refused_with_its_place(write):
    path = write("block_native = true\n\nallow_domains = ['a.org']")
    with pytest.raises(UsageError) as caught:
        read_options(["--policy", path])
    assert str(caught.value) == f"{path}:3: --allow-domain needs --no-network or must be left out"
    with pytest.raises(ValueError) as said:
        hermetic_blocker(policy=path)
    assert str(said.value) == f"{path}:3: allow_domains needs block_network or must be left out"
    # Judged in what results, not in the file alone.
    assert read_options(["--policy", path, "--no-network"])["allow_domains"] == ("a.org",)


def test_a_value_that_cannot_mean_anything_is_refused_with_its_place(write):
    path = write("block_network = true\nallow_domains = [\n  'fine.org',\n  'not a name',\n]")
    with pytest.raises(ValueError) as caught:
        hermetic_blocker(policy=path)
    assert str(caught.value).startswith(f"{path}:4: 'not a name' is not a domain name")


def test_a_keyword_beside_a_file_is_refused_by_its_own_name(write):
    path = write("block_network = true\nallow_localhost = false\n[profiles.ci]\nallow_localhost = true")
    refused = {
        "allow_domains: 'not a name' is not a domain name": {"allow_domains": ["not a name"]},
        "allow_env needs block_environment": {"allow_env": ["A"]},
        "environment_unset needs block_environment": {"environment_unset": True},
        "fs_root needs fs_readonly": {"fs_root": "/nowhere"},
    }
    for said, keywords in refused.items():
        with pytest.raises(ValueError) as caught:
            hermetic_blocker(policy=path, **keywords)
        assert str(caught.value).startswith(said)
    hermetic_blocker(policy=path, allow_domains=["a.org"])


def test_a_test_may_be_of_a_built_in_profile(write):
    found = load(write("[[test]]\ndeny = 'connect a.org:1'\nprofile = 'net-hermetic'"))
    assert [test.profile for test in found.tests] == ["net-hermetic"]


def test_what_is_not_asked_for_is_the_place_of_nothing(write):
    path = write("block_network = false\n[profiles.ci]\nblock_network = true")
    assert read_choice(["--policy", path, "--profile", "ci"]).origins == {
        ("block_network", True): f"{path}:3 (profile ci)"
    }


LINES = [
    "block_network = true",
    "allow_domains = ['a.org', 'b.org']",
    "allow_localhost = true",
    "deny_imports = ['x', 'y']",
    "block_environment = true",
    "allow_env = ['HOME', 'AWS_*']",
    "extends = ['exec-deny', 'block-native']",
]


def decided(values):
    """What a set of values means, whatever the order it was said in."""
    return {key: frozenset(value) if isinstance(value, tuple) else value for key, value in values.items()}


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.permutations(LINES[:4]), min_size=1, max_size=1), order=st.permutations([0, 1, 2]))
def test_the_order_in_which_things_join_does_not_matter(tmp_path, pieces, order):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("\n".join(pieces[0]))
    two.write_text("\n".join(LINES[4:]))
    words = [["--policy", str(one)], ["--policy", str(two)], ["--profile=fs-readonly", "--deny-import", "z"]]
    first = read_options([word for place in range(3) for word in words[place]])
    assert decided(read_options([word for place in order for word in words[place]])) == decided(first)


# --- the API ---


def test_keyword_policy_guards_a_block(write):
    path = write("block_subprocess = true\n[profiles.ci]\nblock_environment = true")
    with hermetic_blocker(policy=path, block_code_exec=True), pytest.raises(PolicyViolation) as caught:
        os.system("true")
    assert caught.value.origin == f"{path}:1"
    assert caught.value.remedy == f'--allow-run sh, or allow_run = ["sh"] in {path}'
    with hermetic_blocker(policy=path, profile="ci"), pytest.raises(PolicyViolation) as caught:
        os.environ["HOME"]
    assert caught.value.origin == f"{path}:2".replace(":2", ":3") + " (profile ci)"


def test_keyword_policy_beside_a_config_is_refused(write):
    with pytest.raises(ValueError, match="not both"):
        hermetic_blocker(BlockConfig(block_network=True), policy=write("block_native = true"))


def test_the_file_is_read_once_when_the_blocker_is_made(write):
    path = write("block_subprocess = true")
    blocker = hermetic_blocker(policy=path)
    write("block_network = true")
    with blocker, pytest.raises(PolicyViolation):
        os.system("true")


def test_from_policy_is_the_same_as_the_keyword(write):
    path = write("block_network = true\nallow_domains = ['a.org']\n[profiles.ci]\ndeny_imports = ['x']")
    assert BlockConfig.from_policy(path) == BlockConfig(block_network=True, allow_domains=["a.org"])
    assert BlockConfig.from_policy(path, profile="ci").deny_imports == ["x"]


def test_first_place_of_an_entry_is_kept(write):
    path = write("block_network = true\nallow_domains = ['a.org']")
    choice = read_choice(["--no-network", "--policy", path, "--allow-domain", "a.org"])
    assert choice.origins["block_network", True] == "--no-network"
    assert choice.origins["allow_domains", "a.org"] == f"{path}:2"
    assert resolved(choice.files[0], choice.files[0].own).values["allow_domains"] == ("a.org",)


def test_a_socket_that_lies_nowhere_is_relative_to_nothing(write):
    path = write("block_network = true\nallow_unix_sockets = ['@name', 'served']")
    assert BlockConfig.from_policy(path).allow_unix_sockets == ["@name", os.path.join(os.path.dirname(path), "served")]
