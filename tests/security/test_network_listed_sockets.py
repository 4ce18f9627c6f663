"""--allow-unix-socket: one place, reached by its own way, and no other socket that is put there or called so.

References: CVE-2026-21636, CVE-2026-47128, deno#2318, CVE-2025-53110.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets on this system")

PROGRAM = """
import os, socket, sys, _socket
def reached(path, kind=1):
    try:
        with socket.socket(socket.AF_UNIX, kind) as client:
            client.connect(path)
        return "reached"
    except Exception as error:
        return getattr(error, "reason", type(error).__name__)
"""
PLACES = ["process", "sealed", "foreign", "block"]


@contextmanager
def served(*places: object):
    """Sockets that listen at these places, so that a connection succeeds."""
    with ExitStack() as stack:
        for place in places:
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(place))
            server.listen(50)
        yield
    for place in places:
        if not str(place).startswith("\0"):
            Path(str(place)).unlink(missing_ok=True)


def run(isolated, place, entries, code, cwd=None):
    """What a program prints that is given these places."""
    if place == "block":
        body = "".join(f"    {line}\n" for line in code.splitlines())
        text = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True, "
        isolated.write("target.py", PROGRAM + f"{text}allow_unix_sockets={list(entries)!r}):\n{body}")
        return isolated.python(str(isolated.folder / "target.py"), cwd=cwd).stdout.split()
    options = ["--no-network", *(word for entry in entries for word in ("--allow-unix-socket", str(entry)))]
    isolated.write("target.py", PROGRAM + code)
    target = str(isolated.folder / "target.py")
    if place == "foreign":
        return isolated.foreign(options, "python", target, cwd=cwd).stdout.split()
    return isolated.cli(*options, *(["--seal"] if place == "sealed" else []), "--", target, cwd=cwd).stdout.split()


@pytest.mark.parametrize("place", PLACES)
def test_one_place_is_given_back_and_nothing_else(isolated, place):
    given, other = isolated.temp / "given", isolated.temp / "other"
    with served(given, other):
        code = f"print(reached({str(given)!r}), reached({str(given)!r}.encode()), reached({str(other)!r}), reached({str(isolated.temp)!r}))"
        assert run(isolated, place, [str(given)], code) == ["reached", "reached", "no-network", "no-network"]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_found_once_from_the_folder_of_the_start(isolated, place):
    (isolated.temp / "in").mkdir()
    with served(isolated.temp / "s"):
        code = "print(reached('s'), reached('./s'))\nos.chdir('in')\nprint(reached('../s'), reached('s'))"
        assert run(isolated, place, ["s"], code, cwd=isolated.temp) == ["reached", "reached", "reached", "no-network"]
    (isolated.temp / "in").rmdir()


@pytest.mark.parametrize("place", PLACES)
def test_what_was_a_link_at_the_start_leads_where_it_led(isolated, place):
    real, theirs, link = (isolated.temp / name for name in ("real", "theirs", "link"))
    link.symlink_to(real)
    with served(real, theirs):
        code = f"""
print(reached({str(link)!r}), reached({str(real)!r}))
os.unlink({str(link)!r}); os.symlink({str(theirs)!r}, {str(link)!r})
print(reached({str(link)!r}), reached({str(real)!r}))
"""
        assert run(isolated, place, [str(link)], code) == ["reached", "reached", "no-network", "reached"]
    link.unlink()


SWAPS = {
    "link in its place": "os.unlink(GIVEN); os.symlink(THEIRS, GIVEN)",
    "second name in its place": "os.unlink(GIVEN); os.link(THEIRS, GIVEN)",
    "folder in the place of its folder": "os.rename(FOLDER, FOLDER + '2'); os.symlink(os.path.dirname(THEIRS), FOLDER)",
    "link of a folder on the way": "os.symlink(os.path.dirname(THEIRS), FOLDER + '/up'); GIVEN = FOLDER + '/up/given'",
    "file in its place": "os.unlink(GIVEN); open(GIVEN, 'w').close()",
    "another way": "GIVEN = FOLDER + '/../other/given'",
    "a prefix": "GIVEN = GIVEN + '2'",
    "its folder": "GIVEN = FOLDER",
    "NUL": "GIVEN = THEIRS + chr(0) + GIVEN",
}


@pytest.mark.parametrize("place", ["process", "block"])
@pytest.mark.parametrize("swap", SWAPS)
def test_no_other_socket_is_reached_through_the_place(isolated, swap, place):
    folder, other = isolated.temp / "folder", isolated.temp / "other"
    folder.mkdir()
    other.mkdir()
    given, theirs, longer = folder / "given", other / "given", folder / "given2"
    with served(given, theirs, longer):
        code = f"FOLDER, GIVEN, THEIRS = {str(folder)!r}, {str(given)!r}, {str(theirs)!r}\n{SWAPS[swap]}\nprint(reached(GIVEN))"
        found = run(isolated, place, [str(given)], code)
    import shutil

    for path in isolated.temp.iterdir():
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
    assert found in (["no-network"], ["ValueError"]), found


@pytest.mark.parametrize("place", ["process", "block"])
def test_a_server_that_starts_again_is_reached(isolated, place):
    given = isolated.temp / "given"
    code = f"""
import subprocess
print(reached({str(given)!r}))
child = subprocess.Popen([sys.executable, "-c", "import socket, time; s = socket.socket(socket.AF_UNIX); s.bind({str(given)!r}); s.listen(); time.sleep(1)"])
child.wait()
"""
    # Whoever waits for it asks again.
    assert run(isolated, place, [str(given)], code)[0] == "FileNotFoundError"
    with served(given):
        assert run(isolated, place, [str(given)], f"print(reached({str(given)!r}))") == ["reached"]
    given.unlink(missing_ok=True)


@pytest.mark.parametrize("place", PLACES)
def test_datagrams_reach_it_and_binding_to_it_is_not_given_back(isolated, place):
    given = isolated.temp / "given"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(given))
        code = f"""
socket.socket(socket.AF_UNIX, 2).sendto(b"x", {str(given)!r})
os.unlink({str(given)!r})
try: socket.socket(socket.AF_UNIX).bind({str(given)!r})
except RuntimeError as error: print(error.remedy)
"""
        assert run(isolated, place, [str(given)], code) == ["--allow-localhost"]
        assert server.recv(1) == b"x"


@pytest.mark.skipif(sys.platform != "linux", reason="names without files are Linux's")
@pytest.mark.parametrize("place", PLACES)
def test_a_name_without_a_file_is_given_back_with_an_at_sign(isolated, place):
    name = str(isolated.temp / "given")
    with served("\0" + name, "\0" + name + "2"):
        code = f"print(reached(chr(0) + {name!r}), reached(chr(0) + {name + '2'!r}), reached({name!r}), reached('@' + {name!r}))"
        assert run(isolated, place, ["@" + name], code) == ["reached", "no-network", "no-network", "no-network"]


@pytest.mark.skipif(sys.platform != "linux", reason="names without files are Linux's")
@pytest.mark.parametrize("options", ["--no-network --allow-localhost", "--no-network --allow-localhost --seal"])
def test_a_file_that_begins_with_an_at_sign_is_not_taken_for_a_name_without_a_file(isolated, options):
    name = str(isolated.temp / "theirs")
    with served("\0" + name):
        code = f"""
os.makedirs("@" + os.path.dirname({name!r}))
socket.socket(socket.AF_UNIX).bind("@" + {name!r})
print(reached(chr(0) + {name!r}))
"""
        done = isolated.script(options, PROGRAM + code)
    assert done.stdout == "no-network\n", done


@pytest.mark.parametrize("entry", ["", "/run/", "a\0b", "~nobody-of-this-name/s"])
def test_what_is_no_place_is_refused_at_the_start(isolated, entry):
    code = f"""
    from hermetic import hermetic_blocker
    try:
        hermetic_blocker(block_network=True, allow_unix_sockets=[{entry!r}])
    except ValueError as error:
        assert "Unix socket" in str(error) or "home folder" in str(error)
    else:
        raise SystemExit("accepted")
    """
    isolated.passes(code)


def test_an_allowance_alone_is_refused(isolated):
    done = isolated.cli("--allow-unix-socket", "/run/x", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        ["hermetic: error: --allow-unix-socket needs --no-network or must be left out (see hermetic --help)"],
    )


def test_home_is_meant_by_a_tilde(isolated):
    folder = isolated.temp
    with served(folder / "s"):
        isolated.write("target.py", PROGRAM + f"print(reached({str(folder / 's')!r}))")
        words = ["--no-network", "--no-environment=unset", "--allow-unix-socket", "~/s", "--", "./target.py"]
        done = isolated.cli(*words, env={"HOME": str(folder)})
    assert done.stdout == "reached\n", done


@pytest.mark.parametrize(
    ("options", "made", "remedy"),
    [
        ("--no-network", False, "--allow-localhost for a socket that this run binds itself, or --allow-unix-socket {}"),
        ("--no-network", True, "--allow-unix-socket {}, or --allow-localhost for a socket that this run binds itself"),
        ("--no-network --allow-localhost", True, "--allow-unix-socket {}"),
    ],
)
def test_what_would_allow_it_is_told_by_what_lies_there(isolated, options, made, remedy):
    """A place where nothing lies yet may be for the run's own, with another name each time; what is given is not told."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        place = f"{folder}/s"
        if made:
            server.bind(place)
            server.listen()
        done = isolated.script(options, f"import socket; socket.socket(socket.AF_UNIX).connect({place!r})")
    assert (done.code, done.errors[-1]) == (2, f"  to allow it: {remedy.format(place)}"), done.stderr


STARTED = """
import socket, subprocess, sys
served = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print(1, flush=True); s.accept()"
child = subprocess.Popen([sys.executable, "-c", served, sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    print("reached")
finally:
    child.kill()
    child.wait()
    child.stdout.close()
"""


def test_what_a_started_program_binds_is_reached_at_a_place_that_is_given(isolated):
    """It is not known as the run's own, which the message says where the run has started something."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/s"
        done = isolated.script("--no-network --allow-localhost", STARTED, place)
        assert (done.code, done.errors[-2]) == (2, f"  to allow it: --allow-unix-socket {place}"), done.stderr
        assert done.errors[-1].startswith("  what a started program binds is not known as the run's own")
        Path(place).unlink()
        options = ["--no-network", "--allow-localhost", "--allow-unix-socket", place]
        assert isolated.script(options, STARTED, place).stdout == "reached\n"


# Masked, so that the machine's own log gets nothing.
LOG = "import syslog; syslog.setlogmask(1); syslog.openlog('x'); syslog.syslog('hello'); print('logged')"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere C's syslog() sends to no socket of a known place")
@pytest.mark.parametrize(
    "options", ["--allow-unix-socket /dev/log", "--allow-unix-socket /dev/log --seal --kernel=off"]
)
def test_the_systems_log_is_the_socket_that_c_sends_to(isolated, options):
    done = isolated.script(f"--no-network {options}", LOG)
    assert (done.code, done.stdout) == (0, "logged\n"), done


@pytest.mark.parametrize(
    "options", ["", "--allow-localhost", "--allow-unix-socket ./other", "--allow-unix-socket @log"]
)
def test_the_systems_log_is_refused_with_what_gives_it_back(isolated, options):
    done = isolated.script(f"--no-network {options}", LOG)
    assert (done.code, done.stdout) == (2, ""), done
    assert "hermetic: blocked action: network disabled: syslog\n" in done.stderr
    if sys.platform == "linux":
        assert done.stderr.endswith("to allow it: --allow-unix-socket /dev/log\n")
