"""Whatever pytest-socket's documentation shows has an equivalent, and what gets past it is held."""

from __future__ import annotations

import pytest

from .suites import verdicts

# pytest-socket's word -> a test in ours, in a suite with hermetic_block_network; those with "held" must fail.
EQUIVALENT = """
def connect():
    socket.create_connection(("127.0.0.1", PORT)).close()

def test_disable_held():
    connect()

def test_disable_lookup_held():
    socket.getaddrinfo("blocked.example", 80)

@pytest.mark.hermetic(block_network=False)
def test_enable_socket():
    connect()

def test_socket_enabled(hermetic):
    hermetic.allow("network")
    connect()

@pytest.mark.hermetic(off=True, reason="narrowed again inside")
class TestDisable:
    def test_enabled(self):
        connect()

    @pytest.mark.hermetic(block_network=True)
    def test_disable_socket_held(self):
        connect()

    def test_socket_disabled_held(self, hermetic):
        hermetic.block(block_network=True)
        connect()

@pytest.mark.hermetic(allow_localhost=True)
def test_allow_hosts():
    connect()

@pytest.mark.hermetic(allow_domains=["allowed.example"])
def test_allow_other_hosts_held():
    connect()

@pytest.mark.hermetic(allow_localhost=True)
def test_unix_socket_of_its_own():
    import os, tempfile
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.join(folder, "s"))
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(folder, "s"))

def test_event_loops_need_nothing():
    import asyncio
    asyncio.run(asyncio.sleep(0))

def test_context_manager(hermetic):
    with hermetic.expect("network"):
        connect()
    with hermetic.allow("network"):
        connect()
"""


def test_each_word_has_an_equivalent(suite):
    suite.ini("hermetic_block_network = true")
    suite.write(test_it=EQUIVALENT)
    result = suite.run()
    for name, verdict in verdicts(result).items():
        assert verdict == ("FAILED" if name.endswith("_held") else "PASSED"), name
    forced = verdicts(suite.run("--hermetic", "off", "-k", "test_disable_held or test_enable_socket"))
    assert set(forced.values()) == {"PASSED"}


PAST = {
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "udp": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "sendmsg": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
    "c_socket": "__import__('_socket').socket().connect(('192.0.2.1', 80))",
    "gethostbyname_ex": "socket.gethostbyname_ex('blocked.example')",
    "gethostbyaddr": "socket.gethostbyaddr('192.0.2.1')",
    "c_lookup": "__import__('_socket').getaddrinfo('blocked.example', 80)",
    "old_reference": "LOOKUP('blocked.example')",
}


def test_what_gets_past_it_is_held(suite):
    tests = "".join(
        f"def test_{name}():\n    try:\n        {act}\n    except Exception:\n        pass\n"
        for name, act in PAST.items()
    )
    child = """
def test_child_process():
    import subprocess, sys
    code = "import socket, sys; s = socket.socket(); s.settimeout(0.1); sys.exit(s.connect_ex(('192.0.2.1', 80)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 2

@pytest.fixture(scope="session")
def session():
    try:
        socket.gethostbyname("blocked.example")
    except Exception:
        pass

def test_session_fixture(session): pass
"""
    suite.write(test_it="LOOKUP = socket.gethostbyname\n" + tests + child)
    found = verdicts(suite.run("--hermetic", "net-hermetic"))
    assert found.pop("test_session_fixture") == "ERROR"
    assert found == {f"test_{name}": "FAILED" for name in (*PAST, "child_process")}


HINTS = {
    "option": ("def test_it(): pass", ["-p", "pytest_socket_options", "--disable-socket"], "--disable-socket"),
    "marker": ("@pytest.mark.enable_socket\ndef test_it(): pass", [], "@pytest.mark.enable_socket"),
    # A word of its own is nobody's marker.
    "none": (
        "@pytest.mark.parametrize('word', ['enable_socket'])\ndef test_it(word): pass\nclass Testallow_hosts: pass",
        [],
        None,
    ),
    "fixture": (
        "@pytest.fixture\ndef socket_enabled(): pass\ndef test_it(socket_enabled): pass",
        [],
        "the fixture socket_enabled",
    ),
}


@pytest.mark.parametrize("kind", HINTS)
def test_one_line_says_that_its_settings_are_not_read(suite, kind):
    text, words, shown = HINTS[kind]
    # As pytest-socket registers it, which is not installed for these tests.
    suite.pytester.makepyfile(
        pytest_socket_options="def pytest_addoption(parser): parser.addoption('--disable-socket', action='store_true')"
    )
    suite.write(test_it=text)
    result = suite.run("--hermetic", "net-hermetic", *words)
    result.assert_outcomes(passed=1, warnings=1 if kind == "marker" else 0)
    lines = [line for line in result.stdout.lines if "pytest-socket" in line]
    assert lines == (
        []
        if shown is None
        else [
            f"hermetic: {shown} is pytest-socket's, and not read by hermetic: "
            "docs/how-to/move-from-pytest-socket.md has what to write instead"
        ]
    )
    if kind == "option":
        pytest.importorskip("xdist")
        shared = suite.run("--hermetic", "net-hermetic", "-n", "1", *words, plugins=("xdist",)).stdout
        assert [line for line in shared.lines if "pytest-socket" in line] == lines
    # A run that hermetic does not guard is told nothing.
    assert "pytest-socket's" not in suite.run(*words).stdout.str()
