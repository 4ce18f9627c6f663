"""Policy files that are no policy files: whatever lies there, one clear line and status 1, and nothing runs.

GHSA-hc4m-q9jh-xw4j: a lock file was deleted, and a profile that nobody had verified was loaded. CVE-2026-25725: a settings
file that did not exist at the start was created from inside. CVE-2025-59532: a working directory that the model chose
became the writable root. CVE-2023-28446, CVE-2024-27936: ANSI sequences in a path rewrote what the user saw.
CVE-2024-21890: ``*.pub`` silently meant ``*``. CVE-2025-66479: an empty list of domains meant that there was no filter.
"""

from __future__ import annotations

import os
import sys

import pytest

from hermetic.cli import main
from hermetic.options import read_choice
from hermetic.policies import text
from hermetic.policies.errors import PolicyFileError
from hermetic.policies.files import load

POLICY = "block_network = true\n"


def refused(capsys, path):
    """The one line on stderr."""
    assert main(["--policy", str(path), "--", "no_such_module_ever"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.isprintable() or err[:-1].isprintable(), ascii(err)
    return err


def test_missing(capsys, tmp_path):
    assert "cannot be read: No such file or directory" in refused(capsys, tmp_path / "none.toml")


def test_deleted_after_the_start_is_no_matter_and_before_it_is(capsys, tmp_path):
    # GHSA-hc4m-q9jh-xw4j: without its file there is no policy, so there is no run either.
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    path.unlink()
    assert "cannot be read" in refused(capsys, path)


def test_directory(capsys, tmp_path):
    assert "is a directory" in refused(capsys, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
def test_fifo_does_not_hold_up_the_start(capsys, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "no ordinary file" in refused(capsys, tmp_path / "fifo")


def test_device(capsys):
    assert "no ordinary file" in refused(capsys, os.devnull)


def test_utf_16_is_named(capsys, tmp_path):
    # As PowerShell's `>` writes it.
    for encoding in ("utf-16-le", "utf-16-be"):
        path = tmp_path / f"{encoding}.toml"
        path.write_bytes(("\ufeff" + POLICY).encode(encoding))
        assert f"{path} is UTF-16; save it as UTF-8" in refused(capsys, path)


def test_a_second_mark_is_none(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbf" * 2 + POLICY.encode())
    assert f"{path}:1: not TOML" in refused(capsys, path)


def test_not_utf_8_names_the_line(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(POLICY.encode() + b'deny_imports = ["\xff"]\n')
    assert f"{path}:2: not UTF-8" in refused(capsys, path)


def test_huge(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("#" * (text.LARGEST + 1))
    assert "larger than 1 MiB" in refused(capsys, path)


def test_deeply_nested(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("deny_imports = " + "[" * 100_000)
    assert str(path) in refused(capsys, path)


def test_nul_in_the_name_and_in_the_file(capsys, tmp_path):
    assert "is no path" in refused(capsys, "policy\0.toml")
    path = tmp_path / "policy.toml"
    path.write_text(POLICY + 'deny_imports = ["\\u0000"]\n')
    assert f"{path}:2: deny_imports: '\\x00' cannot mean anything" in refused(capsys, path)
    path.write_bytes(POLICY.encode() + b"\0")
    assert f"{path}:2: not TOML" in refused(capsys, path)


def test_control_characters_are_shown_escaped(capsys, tmp_path):
    # CVE-2023-28446: a name must not be able to rewrite the terminal.
    path = tmp_path / "p\x1b[2K\n.toml"
    path.write_text("'\\u001b[1m' = true\n" + '"a\\u001b[31mb" = true')
    said = refused(capsys, path)
    assert "\\x1b[2K\\n.toml:" in said


def test_control_characters_of_entries_are_shown_escaped(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('fs_readonly = true\nfs_root = "no\\u001b[2Kroot"')
    assert "\\x1b[2K" in refused(capsys, path)


def test_a_link_is_followed_and_its_folder_is_where_it_was_named(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "named").mkdir()
    (tmp_path / "real" / "policy.toml").write_text("fs_readonly = true\nfs_root = 'x'")
    os.symlink(tmp_path / "real" / "policy.toml", tmp_path / "named" / "policy.toml")
    found = load(str(tmp_path / "named" / "policy.toml"))
    assert found.own.own.values["fs_root"] == str(tmp_path / "named" / "x")


def test_the_link_and_what_it_leads_to_are_both_protected(tmp_path):
    from hermetic.policies.choice import protected_files

    (tmp_path / "real.toml").write_text(POLICY)
    os.symlink(tmp_path / "real.toml", tmp_path / "named.toml")
    choice = read_choice(["--policy", str(tmp_path / "named.toml")])
    assert protected_files(choice.files) == (str(tmp_path / "named.toml"), os.path.realpath(tmp_path / "real.toml"))


def test_links_that_go_round(capsys, tmp_path):
    os.symlink(tmp_path / "a", tmp_path / "b")
    os.symlink(tmp_path / "b", tmp_path / "a")
    assert "cannot be read" in refused(capsys, tmp_path / "a")


def test_empty_lists_allow_nothing(tmp_path):
    # CVE-2025-66479: an empty list is a list.
    path = tmp_path / "policy.toml"
    path.write_text(POLICY + "allow_domains = []")
    choice = read_choice(["--policy", str(path)])
    assert choice.values["block_network"] is True and choice.values["allow_domains"] == ()


@pytest.mark.parametrize("entry", ["*", "*.*", "a*.org", "a.org/x", "a.org:443 "])
def test_patterns_are_refused_and_not_guessed(capsys, tmp_path, entry):
    # CVE-2024-21890.
    path = tmp_path / "policy.toml"
    path.write_text(f"{POLICY}allow_domains = ['{entry}']")
    assert f"{path}:2: " in refused(capsys, path)


def test_a_policy_is_not_picked_up_from_the_working_directory(isolated):
    # CVE-2026-25725, CVE-2025-59532: what lies where the target works says nothing.
    for name in ("policy.toml", "hermetic.toml", ".hermetic.toml"):
        isolated.write(name, "block_native = true\nblock_network = true\nallow_localhost = true")
    isolated.write("pyproject.toml", "[tool.hermetic]\nblock_subprocess = true")
    done = isolated.script("--no-network", "import os, hermetic; print(sorted(hermetic.current_policy().families))")
    assert done.stdout == "['network']\n", done.stderr


def test_a_change_after_the_start_lifts_nothing(isolated):
    isolated.write("policy.toml", "block_subprocess = true\nblock_network = true\n")
    code = """
        import os
        from pathlib import Path
        try:
            Path("policy.toml").write_text("trace = true")
        except OSError:
            pass  # where it is protected
        try:
            os.system("true")
        except RuntimeError as blocked:
            print(blocked)
    """
    done = isolated.script("--policy policy.toml", code)
    assert done.stdout == "subprocess disabled: os.system\n", done.stderr


NEEDS_TOMLI = """
import sys
sys.modules["tomli"] = None
sys.modules["tomllib"] = None
from hermetic.cli import main
raise SystemExit(main(["--policy", "policy.toml", "--", "python", "-c", "print('ran')"]))
"""


def test_without_a_reader_the_extra_is_named(isolated):
    isolated.write("policy.toml", POLICY)
    done = isolated.code(NEEDS_TOMLI)
    assert (done.code, done.stdout) == (1, "")
    assert done.errors == [
        "hermetic: error: policy.toml: reading policy files on Python 3.10 needs tomli: pip install 'hermetic[toml]' "
        "(see hermetic --help)"
    ]


def test_reader_of_this_version_is_there():
    found = text.toml_module("x")
    assert found.__name__ == ("tomllib" if sys.version_info >= (3, 11) else "tomli")


def test_two_roots_in_a_text_of_several_lines_are_no_keys(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("fs_readonly = true\nfs_root = '''\nblock_network = true'''\nblock_network = 1")
    with pytest.raises(PolicyFileError, match=r"policy\.toml:4: "):
        load(str(path))


CHAIN = "".join(f'[profiles.p{n}]\nextends = ["p{n + 1}"]\n' for n in range(1500)) + "[profiles.p1500]\ntrace = true\n"
UPWARDS = "[profiles.p0]\ntrace = true\n" + "".join(
    f'[profiles.p{n}]\nextends = ["p{n - 1}"]\n' for n in range(1, 1500)
)
DOUBLED = "".join(
    f'[profiles.p{n}]\nextends = ["p{n - 1}", "q{n - 1}"]\n[profiles.q{n}]\nextends = ["q{n - 1}", "p{n - 1}"]\n'
    for n in range(1, 45)
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("written", "said"),
    [
        (CHAIN, ":100: extends leads over more than 50 profiles"),
        (UPWARDS, "extends leads over more than 50 profiles"),
        ("a." * 300_000 + "a = 1", ":1: nested too deeply"),
        ("[" + "a." * 300_000 + "a]", ":1: nested too deeply"),
        ("x = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("".join(f"k{n} = 1\n" for n in range(60_000)), ":1: unknown key 'k0'"),
    ],
    ids=["a chain", "the same upwards", "a key", "a table", "a list", "many keys"],
)
def test_what_would_take_for_ever_is_refused_at_once(capsys, tmp_path, written, said):
    path = tmp_path / "policy.toml"
    path.write_text(written)
    assert said in refused(capsys, path)


@pytest.mark.timeout(60)
def test_many_ways_to_one_profile_are_one(capsys, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("[profiles.p0]\nblock_network = true\n[profiles.q0]\nfs_readonly = true\n" + DOUBLED)
    assert main(["policy", "check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: fine (90 policies)\n"


def test_long_lists_are_read_and_asked_at_once(capsys, tmp_path):
    many = "".join(f'    "e{n}.example.com",\n' for n in range(10_000))
    path = tmp_path / "policy.toml"
    path.write_text(f"block_network = true\nallow_hosts = [\n{many}]\ndeny_read = [\n{many}]\n")
    assert main(["policy", "check", str(path)]) == 0
    assert main(["why", "--policy", str(path), "--", "connect", "e77.example.com:1"]) == 0
    assert f"allowed by: --allow-host e77.example.com ({path}:80)" in capsys.readouterr().out
    assert main(["why", "--policy", str(path), "--", "read", str(tmp_path / "e77.example.com")]) == 2
    assert f"e77.example.com ({path}:10082)" in capsys.readouterr().out
