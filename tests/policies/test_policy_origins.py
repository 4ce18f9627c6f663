"""Under a violation: the entry that blocked it and its place, and what would allow it, in every kind of process."""

from __future__ import annotations

import pickle
import sys

import pytest

from hermetic import PolicyViolation, hermetic_blocker

POLICY = """\
block_network = true
allow_domains = ["a.invalid"]
deny_imports = ["secret"]

[profiles.ci]
extends = ["exec-deny"]
"""
ACT = "import socket; socket.create_connection(('b.invalid', 80), 1)"
CLOSING = [
    "hermetic: blocked action: network disabled: create_connection(b.invalid)",
    "  blocked by: --no-network (policy.toml:1)",
    '  to allow it: --allow-domain b.invalid, or "b.invalid" added to allow_domains (policy.toml:2)',
]


def closing(done):
    """The closing lines but for the place in the code."""
    at = next(n for n, line in enumerate(done.errors) if line.startswith("hermetic: blocked action"))
    return [line for line in done.errors[at:] if not line.startswith("  where:")]


def test_in_process(isolated):
    isolated.write("policy.toml", POLICY)
    done = isolated.script("--policy policy.toml", ACT)
    assert done.code == 2
    assert closing(done) == CLOSING


def test_in_a_process_of_its_own(isolated):
    isolated.write("policy.toml", POLICY)
    done = isolated.script("--policy policy.toml --no-environment", ACT)
    assert closing(done) == CLOSING


def test_in_another_interpreter(isolated):
    isolated.write("policy.toml", POLICY)
    isolated.write("target.py", ACT)
    done = isolated.foreign("--policy policy.toml", "python", "./target.py")
    assert done.code == 2
    assert closing(done) == CLOSING


def test_in_children(isolated):
    isolated.write("policy.toml", POLICY)
    isolated.write("child.py", ACT)
    done = isolated.script(
        "--policy policy.toml",
        f"import subprocess; raise SystemExit(subprocess.run([{sys.executable!r}, 'child.py']).returncode)",
    )
    assert done.code == 2
    assert closing(done)[: len(CLOSING)] == CLOSING


def test_strict_run_tells_the_place_of_a_childs_act(isolated):
    isolated.write("policy.toml", POLICY)
    isolated.write("child.py", f"try:\n    {ACT}\nexcept RuntimeError: pass")
    done = isolated.script(
        "--policy policy.toml --strict", f"import subprocess; subprocess.run([{sys.executable!r}, 'child.py'])"
    )
    assert done.code == 2
    assert closing(done)[:3] == CLOSING


def test_entry_and_profile_are_named(isolated):
    isolated.write("policy.toml", POLICY)
    done = isolated.script("--policy policy.toml --profile ci", "import secret")
    assert closing(done)[1:] == [
        "  blocked by: --deny-import (policy.toml:3)",
        '  to allow it: running without --deny-import secret, or removing "secret" from deny_imports (policy.toml:3)',
    ]
    done = isolated.script("--policy policy.toml --profile ci", "import os; os.system('true')")
    assert closing(done)[1] == "  blocked by: --no-subprocess (profile exec-deny, by policy.toml:6)"


def test_built_in_profile_is_named_and_an_option_is_as_ever(isolated):
    done = isolated.script("--profile net-hermetic", ACT)
    assert closing(done)[1:] == [
        "  blocked by: --no-network (profile net-hermetic)",
        "  to allow it: --allow-domain b.invalid",
    ]
    done = isolated.script("--profile block-all", "eval('1')")
    assert closing(done)[1:] == [
        "  blocked by: --no-code-exec (profile block-all)",
        "  to allow it: running without --no-code-exec (what else the profile takes away: "
        "hermetic policy show --profile block-all)",
    ]
    done = isolated.cli("why", "--profile", "block-all", "--", "import", "ctypes")
    assert done.stdout.splitlines()[-1] == (
        "  to allow it: running without --block-native (what else the profile takes away: "
        "hermetic policy show --profile block-all)"
    )
    done = isolated.script("--no-network", ACT)
    assert closing(done)[1:] == ["  blocked by: --no-network", "  to allow it: --allow-domain b.invalid"]


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


def test_violations_of_blocks_name_the_blocks_own_file(policy):
    import socket

    with hermetic_blocker(block_subprocess=True), hermetic_blocker(policy=policy):
        with pytest.raises(PolicyViolation) as caught:
            socket.getaddrinfo("b.invalid", 80)
        with pytest.raises(PolicyViolation) as other:
            import os

            os.system("true")
    violation = caught.value
    assert violation.origin == f"{policy}:1"
    assert (other.value.origin, other.value.remedy) == ("", "--allow-run sh")
    if sys.version_info >= (3, 11):
        assert violation.__notes__[0] == f"  blocked by: --no-network ({policy}:1)"
    assert pickle.loads(pickle.dumps(violation)).origin == violation.origin


def test_what_only_tells_people_is_left_out_where_it_is_long(policy):
    from _hermetic.policy import DESCRIBED, carried, carry
    from hermetic.request import policy_from
    from hermetic.values import defaults

    names = tuple(f"m{number}" for number in range(DESCRIBED + 1))
    origins = tuple(("deny-import", name, "", "p.toml:1") for name in names)
    whole = policy_from({**defaults(), "deny_imports": names}, origins)
    there = carried(carry(whole))
    assert there == whole
    assert (there.origins, there.asked) == ((), None)
    assert there.described()[0] == (("imports", None),)
