"""Programs that are not Python, as targets and as children: held by the kernel alone."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp")


@pytest.fixture
def server():
    """A TCP port of this test, and the connections that came."""
    listener = socket.create_server(("127.0.0.1", 0))
    came = []

    def accept():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            came.append(connection)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], came
    listener.close()


def bash(isolated, options, code, *arguments, **how):
    return isolated.cli(*options.split(), "--", "bash", "-c", code, *arguments, **how)


def test_it_runs_as_it_would(isolated, landlock):
    (isolated.folder / "folder").mkdir()
    code = 'echo "$0 $1"; read line; echo "got $line"; echo $$ >&2; exit 7'
    done = bash(isolated, "--fs-readonly", code, "name", "argument", stdin="typed\n")
    assert (done.code, done.stdout) == (7, "name argument\ngot typed\n")
    assert done.stderr.strip().isdigit()


@pytest.mark.parametrize("options", ["", "--no-subprocess --kernel=require", "--no-network --allow-localhost"])
def test_signals_that_python_ignores_end_it(isolated, options, request):
    request.getfixturevalue("judged" if "network" in options else "landlock")
    told = 'while read -r line; do case $line in SigIgn*) echo "$line";; esac; done </proc/self/status'
    plain = subprocess.run(["bash", "-c", told], capture_output=True, text=True, check=True)
    assert bash(isolated, options, told).stdout == plain.stdout
    process = isolated.start("-m", "hermetic", *options.split(), "--", "yes")
    process.stdout.read(2)
    process.stdout.close()
    assert process.wait(60) == -signal.SIGPIPE
    process.stderr.close()


def test_it_is_the_process_that_was_started(isolated, landlock):
    process = isolated.start("-m", "hermetic", "--no-subprocess", "--", "bash", "-c", "echo $$")
    said, _ = process.communicate(timeout=60)
    assert int(said) == process.pid


def test_refused_addresses_are_traced(isolated, judged):
    """The program says what the system said; who judges for the kernel knows the address and the option."""
    code = "exec 3<>/dev/tcp/169.254.169.254/80; ls -l /proc/self/fd"
    done = bash(isolated, "--no-network --allow-localhost --trace --kernel=require", code)
    assert "[hermetic] blocked connect host=169.254.169.254 reason=no-network" in done.errors
    assert sorted(line.split()[-3] for line in done.stdout.splitlines()[1:]) == ["0", "1", "2", "3"]


def test_without_the_layer_the_remedy_is_the_layer(isolated):
    done = bash(isolated, "--no-network --kernel=off", "true")
    assert done.code == 1
    assert done.stderr.endswith(
        "bash is not a Python program; only the kernel layer can hold it: leave out --kernel=off\n"
    )


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_no_network(isolated, judged, server, mode):
    port, came = server
    code = f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected"
    done = bash(isolated, f"--no-network --kernel={mode}", code)
    assert "connected" not in done.stdout
    assert "Permission denied" in done.stderr
    assert not came


def test_loopback_given_back(isolated, judged, server):
    port, came = server
    code = f"exec 3<>/dev/tcp/127.0.0.1/{port} && head -n 1 <&3"
    done = bash(isolated, "--no-network --allow-localhost", code)
    assert done.stdout.startswith("HTTP/1.0 200 OK"), done.stderr
    assert len(came) == 1


def test_readonly(isolated, landlock):
    done = bash(isolated, "--fs-readonly", "echo x > new; mkdir folder; chmod 600 old; touch old; cat old")
    assert done.stdout == "" and done.code == 1
    assert not (isolated.folder / "new").exists() and not (isolated.folder / "folder").exists()
    (isolated.folder / "old").write_text("kept")
    assert bash(isolated, "--fs-readonly", "echo y > /dev/null; rm old; cat old").stdout == "kept"


def test_reads_below_a_root(isolated, landlock):
    (isolated.folder / "root").mkdir()
    (isolated.folder / "root" / "in").write_text("in")
    (isolated.folder / "out").write_text("secret")
    done = bash(isolated, "--fs-readonly=root", "cat root/in; cat out")
    assert done.stdout == "in"
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("option", ["", "--no-subprocess", "--no-subprocess --kernel=require"])
@pytest.mark.parametrize("name", ["cat", "./outside"])
def test_a_program_outside_of_the_root_is_started_all_the_same(isolated, landlock, option, name):
    shutil.copy(shutil.which("cat"), isolated.folder / "outside")
    isolated.write("root/in", "in")
    isolated.write("out", "secret")
    done = isolated.cli("--fs-readonly=root", *option.split(), "--", name, "root/in", "out")
    assert (done.code, done.stdout) == (1, "in"), done
    assert "Permission denied" in done.stderr


def test_no_subprocess(isolated, landlock):
    done = bash(isolated, "--no-subprocess", "echo itself; /bin/true; (echo subshell); exec /bin/echo replaced")
    assert done.stdout == "itself\n"
    assert "Operation not permitted" in done.stderr


def test_no_environment(isolated, landlock):
    done = isolated.cli("--no-environment", "--no-subprocess", "--", "env", env={"SECRET": "x", "LC_ALL": "C"})
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert names <= {"PATH", "LANG", "TZ", "TMPDIR", "LC_ALL"}
    assert "LC_ALL" in names


@pytest.mark.parametrize("option", ["--no-environment", "--no-environment=unset", "--no-environment --kernel=require"])
def test_variables_alone_leave_a_kernel_nothing_to_hold(isolated, option):
    """The program starts without them; on any system, as no kernel is asked."""
    done = isolated.cli(*option.split(), "--", "bash", "-c", "echo ran $SECRET; exit 3", env={"SECRET": "x"})
    assert (done.code, done.stdout, done.stderr) == (3, "ran\n", "")


@pytest.mark.parametrize("options", ["", "--no-environment", "--no-network"])
def test_what_the_system_cannot_start_is_told_in_one_line(isolated, options):
    isolated.write("script", "echo no first line\n", mode=0o755)
    done = isolated.cli(*options.split(), "--", "./script")
    assert done.code == 1
    assert done.errors == [f"hermetic: error: cannot start {isolated.folder}/script: Exec format error"]


def test_a_python_that_such_a_program_starts_is_guarded(isolated):
    code = f"{sys.executable} -c 'import os; os.environ[\"SECRET\"]'"
    done = bash(isolated, "--no-environment", code)
    assert "environment disabled: SECRET" in done.stderr


@pytest.mark.parametrize(
    "option", ["--no-code-exec", "--deny-import=json", "--no-interpreter-mutation", "--block-native"]
)
def test_what_only_the_interpreter_can_hold_is_refused(isolated, option):
    done = isolated.cli("--no-network", option, "--", "bash", "-c", "echo ran")
    assert (done.code, done.stdout) == (1, "")
    assert "is not a Python program, and the kernel does not hold all that was taken away" in done.stderr
    assert "guard only" in done.stderr


def test_report_only_starts_nothing_that_cannot_report(isolated):
    done = isolated.cli("--no-network", "--report-only", "--", "bash", "-c", "echo ran")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.endswith("/bash is not a Python program: what it does cannot be reported, only refused\n")


def test_nothing_taken_away_is_a_plain_run(isolated):
    done = isolated.cli("--", "bash", "-c", "echo ran; exit 3")
    assert (done.code, done.stdout) == (3, "ran\n")


def test_what_cannot_be_started_is_said(isolated, landlock):
    isolated.write("tool", "#!/no/such/program\n", mode=0o755)
    done = isolated.cli("--no-network", "--", "./tool")
    assert done.code == 1
    assert "cannot start" in done.stderr and "No such file" in done.stderr


def test_a_python_behind_it_finds_the_guards(isolated, judged):
    code = f"{sys.executable} -c 'import socket; socket.getaddrinfo(\"example.com\", 1)'"
    done = bash(isolated, "--no-network", code)
    assert "network disabled: DNS(example.com)" in done.stderr
    assert done.code == 2


TRIED = "(exec 5<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; exit {code}"


@pytest.mark.parametrize("code", [0, 7])
def test_under_strict_what_it_was_refused_decides_the_status(isolated, judged, server, code):
    port, came = server
    done = bash(isolated, "--no-network --strict", TRIED.format(port=port, code=code))
    assert (done.code, done.stdout, came) == (2, "", [])
    assert done.errors == [
        "hermetic: blocked action: network disabled: connect(127.0.0.1)",
        "  blocked by: --no-network",
        "  to allow it: --allow-localhost",
        "hermetic: 1 act was blocked",
        "  network disabled: connect(127.0.0.1)  [--no-network]",
    ]


def test_under_strict_so_does_what_a_python_was_refused_that_it_starts(isolated, judged):
    code = f"{sys.executable} -c 'import socket; socket.getaddrinfo(chr(97), 1)' 2>/dev/null; exit 0"
    done = bash(isolated, "--no-network --strict", code)
    assert done.code == 2
    assert done.errors[0] == "hermetic: blocked action: network disabled: DNS(a)"
    assert "hermetic: 1 act was blocked" in done.errors


def test_under_strict_it_ends_as_it_would_where_nothing_was_refused(isolated, judged):
    code = 'read line; echo "got $line"; exit 7'
    done = bash(isolated, "--no-network --strict", code, stdin="typed\n")
    assert (done.code, done.stdout, done.stderr) == (7, "got typed\n", "")
    assert bash(isolated, "--no-network --strict", "kill -TERM $$").code == -signal.SIGTERM
    assert isolated.cli("--no-network", "--strict", "--kernel=off", "--", "bash", "-c", "exit 0").code == 1


def test_under_strict_a_signal_reaches_it_once(isolated, judged):
    code = "trap 'echo came' INT; echo ready; for i in 1 2 3 4 5 6; do sleep 0.1; done; exit 5"
    process = isolated.start("-m", "hermetic", "--no-network", "--strict", "--", "bash", "-c", code)
    assert process.stdout.readline().strip() == "ready"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read().split() == ["came"]
    assert process.wait(60) == 5
    process.stdout.close()
    process.stderr.close()


# --- as children ---


@pytest.mark.parametrize("option", ["", "--seal", "--strict", "--kernel=require"])
def test_children_that_the_kernel_holds_are_nothing_to_talk_about(isolated, judged, option):
    code = "import subprocess\nprint(subprocess.run(['echo', 'ran'], capture_output=True, text=True).stdout)"
    done = isolated.script(f"--no-network --fs-readonly {option}", code)
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n\n", "")


@pytest.mark.parametrize("option", ["--seal", "--strict", "--kernel=require"])
def test_children_are_refused_where_no_kernel_could_hold_all(isolated, judged, option):
    code = "import subprocess\nsubprocess.run(['echo', 'ran'])"
    done = isolated.script(f"--no-network --deny-import colorsys {option}", code)
    assert (done.code, done.stdout) == (2, "")
    assert f"blocked by: {option}" in done.stderr


def test_what_is_not_held_is_said_once_and_nothing_else(isolated, judged):
    code = "import subprocess\nfor _ in range(2): subprocess.run(['true'])"
    done = isolated.script("--no-network --deny-import colorsys", code)
    (line,) = done.errors
    assert line.endswith("is not a Python program, and no kernel layer holds it to --deny-import")


def test_what_is_held_in_part_is_not_called_unheld(isolated, judged):
    """Datagrams are left under --allow-localhost, and under nothing else: the remedy is the mode that has none."""
    code = "import subprocess, sys\nsubprocess.run(['true'])\nsubprocess.run([sys.executable, '-c', 'import os; os.system(\"true\")'])"
    done = isolated.script("--profile net-hermetic", code)
    (line,) = done.errors
    assert line.endswith("the kernel layer holds it to --no-network in part (in full with --kernel=require)")
    done = isolated.script("--profile net-hermetic --deny-import colorsys", code)
    (line,) = done.errors
    assert "no kernel layer holds it to --deny-import, and the kernel layer holds it to --no-network in part" in line
    done = isolated.script("--profile net-hermetic --strict", code)
    assert (done.code, done.errors[-3].split(",")[0]) == (2, "  to allow it: --kernel=require")
    done = isolated.script("--profile net-hermetic --strict --kernel=require", code)
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["env -i", "exec"])
def test_a_python_that_finds_no_guards_is_held_all_the_same(isolated, judged, server, shell):
    port, came = server
    child = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    line = f'{shell} {sys.executable} -I -c "$0"'
    code = f"import subprocess\nsubprocess.run(['sh', '-c', {line!r}, {child!r}])"
    done = isolated.script("--no-network", code)
    assert "PermissionError: [Errno 13]" in done.stderr
    assert not came


PROGRAMS = {
    "curl": ["curl", "-sS", "--max-time", "5", "http://127.0.0.1:{port}/"],
    "node": ["node", "-e", "require('http').get('http://127.0.0.1:{port}/', r => r.pipe(process.stdout))"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_unmodified_programs(isolated, judged, server, name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    port, came = server
    words = [word.format(port=port) for word in PROGRAMS[name]]
    denied = isolated.cli("--no-network", "--", *words)
    assert denied.code != 0 and not came, denied.stderr
    allowed = isolated.cli("--no-network", "--allow-localhost", "--kernel=require", "--", *words)
    assert allowed.stdout == "hello", allowed.stderr


def test_a_script_called_python_starts_as_any_shell_does(isolated, judged):
    """A version manager's stand-in, asked for a Python that looks for no variables: it is unguarded, and held in full."""
    shim = isolated.write("bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n', mode=0o755)
    connects = "import socket; print('runs', flush=True); socket.create_connection(('192.0.2.1', 9), 1)"
    code = f"import subprocess\nsubprocess.run([{str(shim)!r}, '-I', '-c', {connects!r}])"
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (0, "runs\n") and "PermissionError" in done.stderr, done
    for options in ("--no-network --deny-import colorsys", "--no-network --kernel=off"):
        done = isolated.script(options, code)
        assert (done.code, done.stdout) == (2, ""), done
