"""Whatever pytest-socket's documentation shows has an equivalent, and what gets past it is held."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

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
def test_allow_hosts_loopback():
    connect()

@pytest.mark.hermetic(allow_hosts=["127.0.0.1"])
def test_allow_hosts_address(): connect()

@pytest.mark.hermetic(allow_hosts=["127.0.0.0/8"])
def test_allow_hosts_range(): connect()

@pytest.mark.hermetic(allow_hosts=["localhost"])
def test_allow_hosts_name():
    socket.create_connection(("localhost", PORT)).close()

@pytest.mark.hermetic(allow_hosts=[f"127.0.0.1:{PORT + 1}"])
def test_allow_hosts_other_port_held(): connect()

@pytest.mark.hermetic(allow_hosts=["192.0.2.0/24"])
def test_allow_hosts_other_range_held(): connect()

@pytest.mark.hermetic(allow_hosts=["127.0.0.0/8"], deny_hosts=["127.0.0.1"])
def test_deny_hosts_held(): connect()

@pytest.mark.hermetic(off=True, reason="narrowed again inside")
class TestAllowHosts:
    @pytest.mark.hermetic(block_network=True, allow_hosts=["127.0.0.1"])
    def test_where_nothing_is_blocked(self): connect()

    def test_socket_allow_hosts(self, hermetic):
        with hermetic.block(block_network=True, allow_hosts=["127.0.0.1"]):
            connect()
            with hermetic.expect("network"):
                socket.getaddrinfo("blocked.example", 80)
        with hermetic.block(block_network=True, allow_unix_sockets=[SOCKET]):
            reach_unix()
            with hermetic.expect("network"):
                connect()

def reach_unix():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(SOCKET)

@pytest.mark.hermetic(allow_unix_sockets=[SOCKET])
def test_unix_socket(): reach_unix()

def test_unix_socket_without_held(): reach_unix()

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


@pytest.fixture
def unix_socket():
    """The path of a server that the suite does not start."""
    with tempfile.TemporaryDirectory(prefix="h") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(folder, "s")
        listener.bind(path)
        listener.listen()
        yield path


# Everything that pytest-socket 0.8 documents -> the tests above that show what stands beside it on our page.
WORDS = {
    "--disable-socket": ("test_disable_held", "test_disable_lookup_held"),
    "--force-enable-socket": (),  # a run of its own, below
    "--allow-hosts": ("test_allow_hosts_address", "test_allow_hosts_range", "test_allow_hosts_name"),
    "--allow-unix-socket": ("test_unix_socket", "test_unix_socket_without_held", "test_event_loops_need_nothing"),
    "@pytest.mark.disable_socket": ("TestDisable::test_disable_socket_held",),
    "@pytest.mark.enable_socket": ("test_enable_socket",),
    "@pytest.mark.allow_hosts": ("TestAllowHosts::test_where_nothing_is_blocked", "test_allow_hosts_other_range_held"),
    "`socket_disabled`": ("TestDisable::test_socket_disabled_held",),
    "`socket_enabled`": ("test_socket_enabled",),
    "`disable_socket()` and `enable_socket()`": ("test_context_manager",),
    "`disable_socket(allow_unix_socket=True)`": ("TestAllowHosts::test_socket_allow_hosts",),
    "`socket_allow_hosts(": ("TestAllowHosts::test_socket_allow_hosts",),
    "`SocketBlockedError`": ("test_context_manager",),
    "`SocketConnectBlockedError`": ("test_context_manager",),
}
PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "move-from-pytest-socket.md"


def test_each_word_has_an_equivalent(suite, unix_socket):
    suite.ini("hermetic_block_network = true")
    suite.write(test_it=f"SOCKET = {unix_socket!r}\n" + EQUIVALENT)
    found = verdicts(suite.run())
    for name, verdict in found.items():
        assert verdict == ("FAILED" if name.endswith("_held") else "PASSED"), name
    page = PAGE.read_text(encoding="utf-8")
    for word, names in WORDS.items():
        assert word in page, word
        assert found.keys() >= set(names), word
    forced = verdicts(suite.run("--hermetic", "off", "-k", "test_disable_held or test_enable_socket"))
    assert set(forced.values()) == {"PASSED"}


# The options and ini keys that the page puts beside those of the command line.
OPTIONS = {
    "--hermetic-no-network": "FAILED",
    "--hermetic net-hermetic": "PASSED",
    "--hermetic-no-network --hermetic-allow-host 127.0.0.1": "PASSED",
    "--hermetic-no-network --hermetic-allow-host 10.0.0.0/8 --hermetic-allow-host 127.0.0.0/8": "PASSED",
    "--hermetic-no-network --hermetic-allow-host 10.0.0.0/8": "FAILED",
    "--hermetic net-hermetic --hermetic-deny-host 127.0.0.0/8": "FAILED",
    "--hermetic-no-network --hermetic-allow-unix-socket SOCKET": "UNIX",
    "hermetic_allow_hosts =\n    api.example.com\n    127.0.0.1": "PASSED",
    "hermetic_allow_hosts = 127.0.0.0/8\nhermetic_deny_hosts = 127.0.0.1": "FAILED",
    "hermetic_allow_unix_sockets = SOCKET": "UNIX",
}


@pytest.mark.parametrize("asked", OPTIONS)
def test_its_options_have_options_and_ini_keys(suite, unix_socket, asked):
    suite.write(
        test_it=f"""
        def test_it(): socket.create_connection(("127.0.0.1", PORT)).close()
        def test_unix():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect({unix_socket!r})
        """
    )
    asked, expected = asked.replace("SOCKET", unix_socket), OPTIONS[asked]
    if asked.startswith("--"):
        found = verdicts(suite.run(*asked.split()))
    else:
        suite.ini(f"hermetic_block_network = true\n{asked}")
        found = verdicts(suite.run())
    if expected == "UNIX":
        assert found == {"test_it": "FAILED", "test_unix": "PASSED"}
    else:
        assert found == {"test_it": expected, "test_unix": "FAILED"}


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
    quiet = suite.run("--hermetic", "net-hermetic", "-qq", *words).stdout  # -v is among its words already
    assert "test session starts" not in quiet.str()
    assert [line for line in quiet.lines if "pytest-socket" in line] == lines
    if kind == "option":
        pytest.importorskip("xdist")
        shared = suite.run("--hermetic", "net-hermetic", "-n", "1", *words, plugins=("xdist",)).stdout
        assert [line for line in shared.lines if "pytest-socket" in line] == lines
    # A run that hermetic does not guard is told nothing.
    assert "pytest-socket's" not in suite.run(*words).stdout.str()
