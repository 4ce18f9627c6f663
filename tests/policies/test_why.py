"""``hermetic why``: the families' own decisions, the entry that made them, and what would change them."""

from __future__ import annotations

import json
import socket

import pytest

from hermetic.cli import main
from hermetic.policies import judging

POLICY = """\
block_network = true
allow_domains = ["a.org"]
block_environment = true
allow_env = ["APP_*"]
deny_imports = ["secret", "other"]
block_native = true
fs_readonly = true
fs_root = "."

[profiles.ci]
extends = ["exec-deny"]
"""


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


def answer(capsys, *words, status):
    assert main(["why", *words]) == status
    out, err = capsys.readouterr()
    return (out if status != 1 else err).splitlines()


DENIED = [
    (
        "connect b.org:443",
        "network disabled: connect(b.org)",
        "--no-network (FILE:1)",
        '--allow-domain b.org, or "b.org" added to allow_domains (FILE:2)',
    ),
    (
        "connect [::1]:80",
        "network disabled: connect(::1)",
        "--no-network (FILE:1)",
        "--allow-localhost, or allow_localhost = true in FILE",
    ),
    ("resolve b.org", "network disabled: DNS(b.org)", "--no-network (FILE:1)", None),
    (
        "connect 169.254.169.254:80",
        "network disabled: connect(169.254.169.254)",
        "--no-network (FILE:1)",
        "nothing: cloud metadata services are always denied",
    ),
    ("connect /run/docker.sock", "network disabled: connect(/run/docker.sock)", "--no-network (FILE:1)", None),
    ("bind 0.0.0.0:80", "network disabled: bind(0.0.0.0)", "--no-network (FILE:1)", None),
    ("read /etc/hosts", "read outside sandbox root: /etc/hosts", "--fs-readonly (FILE:7)", None),
    ("read /etc", "read outside sandbox root: /etc", "--fs-readonly (FILE:7)", None),
    ("write /tmp/x", "filesystem readonly: /tmp/x", "--fs-readonly (FILE:7)", None),
    (
        "run git",
        "subprocess disabled: subprocess.Popen",
        "--no-subprocess (profile exec-deny, by FILE:11)",
        '--allow-run git, or allow_run = ["git"] in FILE',
    ),
    (
        "env HOME",
        "environment disabled: HOME",
        "--no-environment (FILE:3)",
        '--allow-env HOME, or "HOME" added to allow_env (FILE:4)',
    ),
    (
        "import other.part",
        "import blocked: other.part",
        "--deny-import other (FILE:5)",
        'running without --deny-import other, or removing "other" from deny_imports (FILE:5)',
    ),
    (
        "import ctypes",
        "native import blocked: ctypes",
        "--block-native (FILE:6)",
        "running without --block-native, or removing block_native = true (FILE:6)",
    ),
]


@pytest.mark.parametrize(("act", "message", "by", "change"), DENIED, ids=lambda value: str(value)[:24])
def test_denied_says_by_what_and_what_would_change_it(capsys, policy, act, message, by, change):
    lines = answer(capsys, "--policy", policy, "--profile", "ci", "--", *act.split(), status=2)
    assert lines[:2] == [f"denied: {act}", f"  {message}"]
    assert lines[2] == f"  blocked by: {by}".replace("FILE", policy)
    assert lines[3].startswith("  to allow it: ")
    if change is not None:
        assert lines[3] == f"  to allow it: {change}".replace("FILE", policy)


ALLOWED = [
    (
        "connect sub.a.org:443",
        "--allow-domain a.org (FILE:2)",
        'running without --allow-domain a.org, or removing "a.org" from allow_domains (FILE:2)',
    ),
    ("resolve a.org", "--allow-domain a.org (FILE:2)", None),
    ("env APP_NAME", "--allow-env APP_* (FILE:4)", None),
    ("bind 127.0.0.1:0", "nothing in this policy denies it", "--no-network, or block_network = true"),
    ("import json", "nothing in this policy denies it", '--deny-import json, or deny_imports = ["json"]'),
    ("run git", "nothing in this policy denies it", "--no-subprocess, or block_subprocess = true"),
]


@pytest.mark.parametrize(("act", "by", "change"), ALLOWED, ids=lambda value: str(value)[:24])
def test_allowed_says_by_what_and_what_would_change_it(capsys, policy, act, by, change):
    lines = answer(capsys, "--policy", policy, "--", *act.split(), status=0)
    assert lines[0] == f"allowed: {act}"
    assert lines[1] == f"  allowed by: {by}".replace("FILE", policy)
    assert lines[-1].startswith("  to deny it: ")
    if change is not None:
        assert lines[-1] == f"  to deny it: {change}".replace("FILE", policy)


def test_without_a_file_the_options_are_named(capsys):
    lines = answer(capsys, "--no-network", "--", "connect", "b.org:443", status=2)
    assert lines[2:] == [
        "  blocked by: --no-network",
        '  to allow it: --allow-domain b.org, or allow_domains = ["b.org"]',
    ]


def test_a_switch_that_allows_is_named_with_its_place(capsys, tmp_path):
    act = ("--", "connect", "127.0.0.1:80")
    assert answer(capsys, "--no-network", "--allow-localhost", *act, status=0)[1:] == [
        "  allowed by: --allow-localhost",
        "  to deny it: running without --allow-localhost, or removing allow_localhost = true",
    ]
    written = tmp_path / "switch.toml"
    written.write_text("block_network = true\nallow_localhost = true\n")
    assert answer(capsys, f"--policy={written}", *act, status=0)[1:] == [
        f"  allowed by: --allow-localhost ({written}:2)",
        f"  to deny it: running without --allow-localhost, or removing allow_localhost = true ({written}:2)",
    ]


def test_every_entry_that_allows_has_to_go(capsys):
    given = ("--no-network", "--allow-localhost", "--allow-domain", "b.org", "--allow-host", "b.org")
    lines = answer(capsys, *given, "--", "connect", "b.org:80", status=0)
    assert lines[1:3] == ["  allowed by: --allow-domain b.org", "  allowed by: --allow-host b.org"]
    assert lines[-1] == (
        "  to deny it: running without --allow-domain b.org, running without --allow-host b.org, "
        'or removing "b.org" from allow_domains, removing "b.org" from allow_hosts'
    )


def test_of_a_list_beside_a_rule_that_denies_too_the_entry_is_the_one_that_decides(capsys):
    given = ("--no-network", "--deny-host", "x.org", "--deny-host", "b.org")
    lines = answer(capsys, *given, "--", "connect", "b.org:80", status=2)
    assert lines[2] == "  blocked by: --deny-host b.org"


def test_the_guards_own_files_are_denied_by_no_option(capsys):
    lines = answer(capsys, "--no-network", "--", "write", judging.__file__, status=2)
    assert lines[2] == "  blocked by: any policy protects the guards themselves"
    assert lines[3].startswith("  to allow it: nothing: ")


def test_a_program_that_is_not_there_is_judged_all_the_same(capsys):
    answer(capsys, "--no-network", "--", "run", "no-such-program", status=0)
    lines = answer(capsys, "--no-subprocess", "--", "run", "no-such-program", status=2)
    assert lines[-1] == "  to allow it: running without --no-subprocess, or removing block_subprocess = true"


def test_without_a_file_an_entry_is_removed_from_its_list(capsys):
    lines = answer(capsys, "--deny-import", "json", "--", "import", "json", status=2)
    assert lines[-1] == '  to allow it: running without --deny-import json, or removing "json" from deny_imports'


def test_nothing_taken_away_allows_everything(capsys):
    assert answer(capsys, "--", "connect", "b.org:443", status=0)[0] == "allowed: connect b.org:443"


def test_report_only_is_asked_for_what_it_would_block(capsys):
    answer(capsys, "--no-network", "--report-only", "--", "connect", "b.org:443", status=2)


def test_json(capsys, policy):
    found = json.loads("\n".join(answer(capsys, "--json", "--policy", policy, "--", "env", "HOME", status=2)))
    assert found == {
        "act": "env",
        "target": "HOME",
        "allowed": False,
        "message": "environment disabled: HOME",
        "by": [{"option": "--no-environment", "origin": f"{policy}:3"}],
        "to_change": {"option": "--allow-env HOME", "toml": f'"HOME" added to allow_env ({policy}:4)'},
        "notes": [],
    }


def test_names_are_looked_up_only_when_asked(capsys, monkeypatch):
    asked = []

    def look_up(host, port, *rest, **keywords):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ANSWERS[0], port))]

    from _hermetic.capabilities.network import sockets

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(sockets, "_resolve_now", look_up)
    words = ("--no-network", "--allow-domain", "a.org", "--", "connect", "a.org:443")
    for ANSWERS[0] in ("192.0.2.1", "127.0.0.1"):
        lines = answer(capsys, *words, status=0)
        assert "was not looked up" in lines[2]
    assert not asked
    ANSWERS[0] = "192.0.2.1"
    assert "a.org resolves to 192.0.2.1" in answer(capsys, "--lookup", *words, status=0)[2]
    ANSWERS[0] = "127.0.0.1"
    lines = answer(capsys, "--lookup", *words, status=2)
    assert "  note: a.org resolves to 127.0.0.1" in lines
    assert "  note: the name is allowed, one of its addresses is not" in lines


ANSWERS = [""]


@pytest.mark.parametrize(
    ("words", "is_open"),
    [
        (["--no-network", "--allow-domain", "a.org", "--", "connect", "a.org:443"], True),
        (["--deny-host", "b.org", "--", "connect", "a.org:443"], True),
        (["--deny-private-network", "--", "connect", "a.org:443"], True),
        (["--no-subprocess", "--", "connect", "a.org:443"], False),
        (["--deny-host", "b.org", "--", "connect", "192.0.2.1:443"], False),
        (["--no-network", "--allow-localhost", "--", "connect", "localhost:443"], False),
        (["--no-network", "--allow-unix-socket", "/run/a", "--", "connect", "unix:/run/a"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_name_means_is_left_open_only_where_it_matters(capsys, words, is_open):
    assert any("was not looked up" in line for line in answer(capsys, *words, status=0)) is is_open


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "the act comes after --"),
        (["connect", "x:1"], "the act comes after --"),
        (["--", "connect"], "an act is two words"),
        (["--", "connect", "a", "b"], "an act is two words"),
        (["--", "fly", "x"], "unknown act 'fly'"),
        (["--", "connect", "a.org"], "connect needs HOST:PORT, not 'a.org'"),
        (["--", "connect", "a.org:99999"], "connect needs HOST:PORT"),
        (["--", "connect", "::1:80"], "an IPv6 address stands in brackets"),
        (["--", "read", ""], "read needs a target"),
        (["--", "read", "a\0b"], "read needs a target, not 'a\\x00b'"),
        (["--allow-localhost", "--", "read", "x"], "--allow-localhost needs --no-network"),
        (["--no-network", "--allow-domain", "a b", "--", "resolve", "x"], "--allow-domain: 'a b' is not a domain name"),
        (["--no-network", "--allow-domain", "a.org,b.org", "--", "resolve", "x"], "one name each"),
        (["--no-network", "--allow-host", "a.org,b.org", "--", "resolve", "x"], "one host each"),
        (["--no-network", "--allow-host", "unix:/x", "--", "resolve", "x"], "--allow-unix-socket"),
        (["--no-network", "--allow-host", "::1:80", "--", "resolve", "x"], "(ports: [ADDRESS]:PORT)"),
        (["--no-network", "--allow-host", "a.org/x", "--", "resolve", "x"], "only a range of addresses has a slash"),
        (["--allow-net", "a.org", "--", "resolve", "x"], "here that is --no-network with --allow-domain"),
        (["--deny-run", "git", "--", "resolve", "x"], "here that is --no-subprocess"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_is_one_line_and_status_1(capsys, words, text):
    lines = answer(capsys, *words, status=1)
    assert len(lines) == 1
    assert text in lines[0]


def test_target_is_shown_escaped(capsys):
    lines = answer(capsys, "--fs-readonly", "--", "write", "/tmp/\x1b[2K", status=2)
    assert all(line.isprintable() for line in lines)
    assert "\\x1b[2K" in lines[0]


def test_why_asks_from_a_frame_of_the_programs_own(isolated):
    # Started by runpy, which belongs to the standard library, the question is still the program's.
    done = isolated.cli("why", "--no-environment", "--", "env", "HOME")
    assert done.code == 2
    assert done.stdout.splitlines()[1] == "  environment disabled: HOME"


def test_native_parts_of_a_package_are_named(capsys, tmp_path, monkeypatch):
    from importlib.machinery import EXTENSION_SUFFIXES

    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / f"fast{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    (tmp_path / f"single{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = answer(capsys, "--block-native", "--", "import", "pkg", status=0)
    assert any("pkg has native code, which is blocked" in line and "--allow-native pkg" in line for line in lines)
    assert not any("note" in line for line in answer(capsys, "--no-network", "--", "import", "pkg", status=0))
    assert answer(capsys, "--block-native", "--", "import", "single", status=2)[1] == (
        "  native import blocked: single"
    )


def test_a_run_that_refuses_what_no_kernel_holds_says_so(capsys, tmp_path):
    import sys

    script = tmp_path / "tool"
    script.write_text(f"#!{sys.executable}\n")
    script.chmod(0o755)
    for option in ("--seal", "--strict"):
        lines = answer(capsys, "--no-network", option, "--", "run", "/bin/sh", status=2)
        assert lines[1] == "  subprocess disabled: os.posix_spawn"
        for python in (sys.executable, str(script)):
            answer(capsys, "--no-network", option, "--", "run", python, status=0)
    answer(capsys, "--no-network", "--", "run", "/bin/sh", status=0)


def test_every_restriction_can_be_asked_about():
    from _hermetic.acts import ACTS

    assert set(judging.TAKES_AWAY) == set(ACTS)


def test_a_list_of_programs_is_asked(capsys):
    given = ("--no-subprocess", "--allow-run", "true", "--allow-run", "sleep", "--", "run")
    assert answer(capsys, *given, "true", status=0)[1] == "  allowed by: --allow-run true"
    lines = answer(capsys, *given, "false", status=2)
    assert lines[1:3] == ["  subprocess disabled: subprocess.Popen", "  blocked by: --no-subprocess"]
    assert lines[3].startswith("  to allow it: --allow-run false, or ")


def test_native_code_inside_a_package_is_told(capsys, tmp_path, monkeypatch):
    import _ctypes
    import shutil

    (tmp_path / "given" / "below").mkdir(parents=True)
    for name in ("__init__.py", "below/__init__.py"):
        (tmp_path / "given" / name).touch()
    shutil.copy(_ctypes.__file__, tmp_path / "given" / "below" / "part.so")
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("--", "import", "given.below.part")
    assert answer(capsys, "--block-native", *words, status=2)[1] == "  native import blocked: given.below.part"
    assert answer(capsys, "--block-native", "--allow-native", "given", *words, status=0)
    around = answer(capsys, "--block-native", "--", "import", "given", status=0)
    assert f"{tmp_path / 'given' / 'below' / 'part.so'}; to allow it: --allow-native given" in around[2]
    for others in (
        answer(capsys, "--no-network", "--", "import", "given", status=0),
        answer(capsys, "--block-native", "--deny-import", "given", "--", "import", "given", status=2),
        answer(capsys, "--block-native", "--no-network", "--", "resolve", "given", status=2),
        answer(capsys, "--block-native", "--", "read", "given", status=0),
    ):
        assert not any("note:" in line for line in others)


def test_not_every_file_of_a_large_package_is_looked_at(capsys, tmp_path, monkeypatch):
    from hermetic.policies import why

    for name in ("large", "large/one", "large/one/two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "large" / "one" / "two" / "part.so").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("--block-native", "--", "import", "large")
    for most, told in ((3, "native code, which is blocked"), (1, "not all of them were looked at"), (2, "native code")):
        monkeypatch.setattr(why, "MOST_FILES", most)
        assert told in answer(capsys, *words, status=0)[2]


def test_home_is_understood_as_in_an_entry(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    kept = tmp_path / "kept"
    lines = answer(capsys, "--deny-read", "~/kept", "--", "read", "~/kept/x", status=2)
    assert lines[1] == f"  filesystem read denied: {kept}/x"
    assert answer(capsys, "--fs-readonly", "--", "write", "~/kept", status=2)[1] == f"  filesystem readonly: {kept}"
    kept.write_text("#!/bin/sh\n")
    kept.chmod(0o755)
    for name, status in (("kept", 0), ("other", 2)):
        answer(capsys, "--no-subprocess", "--allow-run", "~/kept", "--", "run", f"~/{name}", status=status)


@pytest.mark.parametrize(
    "options", [["--deny-host=b\u00fccher.de"], ["--deny-private-network"], ["--no-network"]], ids=" ".join
)
def test_a_name_that_no_guard_compares_is_refused_by_what_was_asked_for(capsys, options):
    lines = answer(capsys, *options, "--", "connect", "www.b\u00fccher.de:80", status=2)
    assert lines[2].startswith(f"  blocked by: {options[0].partition('=')[0]}")
    assert "a host name in ASCII (its xn-- form)" in lines[3]


def test_a_place_without_a_socket_is_the_runs_own_to_bind(capsys):
    said = answer(capsys, "--no-network", "--allow-localhost", "--", "connect", "/nowhere/x.sock", status=2)
    assert said[1] == "  No such file or directory"
    assert said[-1] == f"  to allow it: {judging.NOT_YET}"
