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
IN_THE_INI_FILE = """
hermetic_block_network = true
hermetic_fs_readonly = true
hermetic_allow_unix_sockets =
    @hermetic-NUMBER
    served
hermetic_allow_write =
    ~/below
    out
"""
PLACES = """
import os

def test_name_of_a_socket():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0hermetic-NUMBER")

def test_socket_beside_the_file():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("served")  # a whole path would be longer than it may be

def test_home():
    open(os.path.expanduser("~/below/x"), "w").close()

def test_beside_the_file():
    open(os.path.join(os.path.dirname(__file__), "out", "x"), "w").close()

def test_elsewhere_held():
    open(os.path.join(os.path.dirname(__file__), "x"), "w").close()
"""
PRIVATE = """
import os, tempfile

def test_named_folder():
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "x"), "w").close()
    with open(os.path.join(FOLDER, "named"), "a") as file:
        file.write(tempfile.gettempdir() + "\\n")

def test_one_for_the_run(tmp_path):
    test_named_folder()
    assert not str(tmp_path).startswith(tempfile.gettempdir())

def test_children():
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "import tempfile; tempfile.mkdtemp()"], check=True)

def test_elsewhere_held():
    open("x", "w").close()
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


def test_places_of_the_ini_file_are_relative_to_it_or_to_the_home_directory(suite, monkeypatch, tmp_path):
    for name in ("home/below", "out"):
        (suite.path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(suite.path / "home"))
    number = str(os.getpid())
    with socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as beside:
        named.bind(f"\0hermetic-{number}")
        monkeypatch.chdir(suite.path)
        beside.bind("served")
        for listener in (named, beside):
            listener.listen()
        suite.ini(IN_THE_INI_FILE.replace("NUMBER", number))
        suite.write(test_it=PLACES.replace("NUMBER", number))
        as_named(verdicts(suite.run()))


def test_a_private_temporary_folder_is_one_for_the_run(suite):
    (suite.path / "out").mkdir()
    suite.write(test_it=f"FOLDER = {str(suite.path / 'out')!r}\n" + PRIVATE)
    words = ("--hermetic", "fs-readonly", "--hermetic-private-tmp", "--hermetic-allow-write", "out")
    as_named(verdicts(suite.run(*words)))
    names = (suite.path / "out" / "named").read_text().splitlines()
    assert len(names) == 2
    assert len(set(names)) == 1
    assert not os.path.exists(names[0])


def test_the_settings_that_these_tests_wait_for_are_lists_where_they_exist():
    for name in ("allow_hosts", "allow_unix_sockets", "allow_write"):
        assert name not in BY_KEY or BY_KEY[name].default == ()
