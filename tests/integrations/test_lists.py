"""Lists of hosts, sockets and paths in a test run. Each is here as soon as the settings table has its row."""

from __future__ import annotations

import os
import socket
import tempfile

from hermetic.settings import BY_KEY

from .suites import verdicts

HOSTS = """
def connect(host="127.0.0.1"):
    socket.create_connection((host, PORT)).close()

@pytest.mark.hermetic(allow_hosts=["127.0.0.1"])
def test_address(): connect()

@pytest.mark.hermetic(allow_hosts=["127.0.0.0/8"])
def test_range(): connect()

@pytest.mark.hermetic(allow_hosts=["localhost"])
def test_name(): connect("localhost")

@pytest.mark.hermetic(allow_hosts=[f"127.0.0.1:{PORT}"])
def test_port(): connect()

@pytest.mark.hermetic(allow_hosts=["192.0.2.0/24"])
def test_another_range_held(): connect()

def test_without_held(): connect()

def test_fixture(hermetic):
    with hermetic.allow(allow_hosts=["127.0.0.1"]):
        connect()
"""
SOCKETS = """
def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(SOCKET)

@pytest.mark.hermetic(allow_unix_sockets=[SOCKET])
def test_this_one(): connect()

@pytest.mark.hermetic(allow_unix_sockets=[SOCKET + "x"])
def test_another_held(): connect()

def test_without_held(): connect()
"""
FOLDERS = """
def test_temporary_folder(tmp_path, tmp_path_factory):
    (tmp_path / "x").write_text("x")
    (tmp_path_factory.mktemp("more") / "x").write_text("x")

def test_elsewhere_held(tmp_path):
    open("x", "w").close()

@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("prepared") / "x"
    path.write_text("x")
    return path

def test_prepared(prepared):
    assert prepared.read_text() == "x"
"""


def as_named(found):
    """Those that must be held say so in their names."""
    assert found
    for name, verdict in found.items():
        assert verdict == ("FAILED" if name.endswith("_held") else "PASSED"), name


if "allow_hosts" in BY_KEY:

    def test_hosts_by_name_address_range_and_port(suite):
        suite.write(test_it=HOSTS)
        as_named(verdicts(suite.run("--hermetic-no-network")))

    def test_hosts_of_the_whole_run(suite):
        suite.write(test_it="def test_it(): socket.create_connection(('127.0.0.1', PORT)).close()")
        suite.run("--hermetic-no-network", "--hermetic-allow-host", "127.0.0.1").assert_outcomes(passed=1)
        suite.ini("hermetic_block_network = true\nhermetic_allow_hosts =\n    127.0.0.0/8")
        suite.run().assert_outcomes(passed=1)


if "allow_unix_sockets" in BY_KEY:

    def test_unix_sockets_by_their_paths(suite):
        with tempfile.TemporaryDirectory(prefix="h") as folder, socket.socket(socket.AF_UNIX) as server:
            path = os.path.join(folder, "s")
            server.bind(path)
            server.listen()
            suite.write(test_it=f"SOCKET = {path!r}\n" + SOCKETS)
            as_named(verdicts(suite.run("--hermetic-no-network")))


if "allow_write" in BY_KEY:

    def test_pytests_temporary_folders_are_writable_for_tests(suite):
        suite.write(test_it=FOLDERS)
        as_named(verdicts(suite.run("--hermetic", "fs-readonly")))

    def test_they_are_readable_and_writable_under_a_root(suite):
        (suite.path / "root").mkdir()
        suite.write(test_it=FOLDERS)
        as_named(verdicts(suite.run("--hermetic-fs-readonly=root")))


def test_the_settings_that_these_tests_wait_for_are_lists_where_they_exist():
    for name in ("allow_hosts", "allow_unix_sockets", "allow_write"):
        assert name not in BY_KEY or BY_KEY[name].default == ()
