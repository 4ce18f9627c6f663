"""An empty allowance allows nothing, an unclear one is refused, and what is always denied wins over what is allowed.

CVE-2025-66479: an empty list of domains meant that there was no filter. CVE-2024-21890: ``*.pub`` silently meant ``*``.
CVE-2025-48888: a permission that was given was believed before the denial was asked.

References: infinitsec.net.
"""

from __future__ import annotations

import pytest
from network_attack import PRELUDE, attack, listening


@pytest.mark.parametrize("empty", ["[]", "()", "set()", "frozenset()", "iter(())"])
def test_an_empty_list_of_domains_in_a_block_allows_nothing(isolated, empty):
    code = f"""
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True, allow_domains={empty}):
    attempt(lambda: real().connect(("127.0.0.1", PORT)))
    try:
        socket.getaddrinfo("example.com", 80)
    except Exception as error:
        print(error)
"""
    with listening() as guarded:
        done = isolated.code(PRELUDE + code, str(guarded.port), guarded.path)
        assert not guarded.reached()
    assert done.stdout == "network disabled: DNS(example.com)\n", done


@pytest.mark.parametrize(
    "options",
    [
        ["--no-network", "--allow-domain", ""],
        ["--no-network", "--allow-domain", "*"],
        ["--no-network", "--allow-domain", "*."],
        ["--no-network", "--allow-domain", "*.*"],
        ["--no-network", "--allow-domain", "exa*ple.com"],
        ["--no-network", "--allow-domain", "*example.com"],
        ["--no-network", "--allow-domain", "."],
        ["--no-network", "--allow-domain", ".com"],
        ["--no-network", "--allow-domain", "https://example.com"],
        ["--no-network", "--allow-domain", "10.0.0.0/8"],
        ["--no-network", "--allow-domain", "example.com:443"],
        ["--no-network", "--allow-domain", "a,b"],
        ["--no-network", "--allow-domain", "a" * 64 + ".com"],
        ["--no-network", "--allow-domain", ".".join(["a" * 60] * 5)],
        ["--no-network", "--allow-unix-socket", "@"],
        ["--no-network", "--allow-unix-socket", "unix:/run/x.sock"],
        ["--no-network", "--allow-unix-socket", "x/" * 4000 + "x"],
        ["--no-network", "--keep-fd", "\u0663"],
        ["--no-network", "--keep-fd", "99999999999999999999"],
        ["--no-environment", "--allow-env", "A,B"],
        ["--no-environment", "--allow-env", "A?"],
        ["--no-environment", "--allow-env", "[A]"],
        ["--no-environment", "--allow-env", "A\nB"],
        ["--deny-read", "file:///etc"],
        ["--deny-read", "$HOME/.ssh"],
        ["--fs-readonly", "--allow-write", "${TMPDIR}/x"],
        ["--fs-readonly="],
        ["--fs-readonly=*"],
        ["--deny-import", ""],
        ["--deny-import", "*"],
        ["--deny-import", "xml.*"],
        ["--deny-import", "os,sys"],
        ["--deny-import", "xml/etree"],
    ],
    ids=" ".join,
)
def test_what_cannot_mean_anything_is_refused_and_never_guessed(isolated, options):
    isolated.write("target.py", "print('ran')")
    done = isolated.cli(*options, "--", "./target.py")
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1), done


METADATA = "169.254.169.254", "metadata.google.internal", "metadata", "100.100.100.200", "fd00:ec2::254"


def test_what_is_always_denied_wins_over_every_allowance(isolated):
    options = ["--no-network", "--allow-localhost"]
    for name in (*METADATA, "internal", "google.internal"):
        options += ["--allow-domain", name]
    code = f"""
        import socket
        for host in {METADATA!r}:
            for act in (lambda: socket.getaddrinfo(host, 80), lambda: socket.create_connection((host, 80), 0.2),
                        lambda: socket.socket(socket.AF_INET6 if ":" in host else 2).connect((host, 80))):
                try:
                    act()
                except Exception as error:
                    assert type(error).__name__ == "PolicyViolation", (host, error)
                else:
                    raise SystemExit(host)
    """
    done = isolated.script(options, code)
    assert done.code == 0, done


def test_an_inner_allowance_does_not_lift_an_outer_denial(isolated):
    works, reached, done = attack(
        isolated,
        "from hermetic import hermetic_blocker\n"
        "with hermetic_blocker(block_network=True, allow_localhost=True, allow_domains=['localhost', '127.0.0.1']):\n"
        "    attempt(lambda: real().connect(('127.0.0.1', PORT)))\n",
    )
    assert works
    assert not reached
    assert done.code == 0, done
