"""Under --strict whatever a child was refused decides the status of the whole run."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not inherited by their numbers")

SWALLOW = "import socket\ntry: socket.gethostbyname('{host}')\nexcept Exception: print('coped')"
STARTS = {
    "child": "subprocess.run([sys.executable, '-c', CODE])",
    "isolated child": "subprocess.run([sys.executable, '-I', '-c', CODE], env={})",
    "close_fds=False": "subprocess.run([sys.executable, '-c', CODE], close_fds=False)",
    "posix_spawn": "os.waitpid(os.posix_spawn(sys.executable, [sys.executable, '-c', CODE], {}), 0)",
    "fork": "pid = os.fork()\nif not pid:\n    exec(CODE)\n    sys.stdout.flush()\n    os._exit(0)\nos.waitpid(pid, 0)",
    "child of a child": "subprocess.run([sys.executable, '-c', 'import subprocess, sys; subprocess.run(sys.argv[1:])', "
    "sys.executable, '-c', CODE])",
    "worker": "import multiprocessing\np = multiprocessing.get_context('spawn').Process(target=exec, args=(CODE,))\n"
    "if __name__ == '__main__':\n    p.start(); p.join()",
}


@pytest.mark.parametrize("name", STARTS)
def test_a_blocked_act_of_a_child_counts(isolated, name):
    code = f"import os, subprocess, sys\nCODE = {SWALLOW.format(host='child.example')!r}\n{STARTS[name]}\nprint('end')"
    done = isolated.script("--no-network --strict", code)
    assert done.code == 2
    assert sorted(set(done.stdout.split())) == ["coped", "end"]
    assert "hermetic: blocked action: network disabled: DNS(child.example)" in done.stderr
    assert done.errors[-2:] == ["hermetic: 1 act was blocked", "  network disabled: DNS(child.example)  [--no-network]"]


TAKING_OVER = {
    "what it did before": "import os, sys\nexec(sys.argv[1])\nos.execv(sys.executable, [sys.executable, '-c', 'print(1)'])",
    "what it does then": "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])",
    "its children": "import os, sys\nos.execve(sys.executable, [sys.executable, '-c', 'import subprocess, sys\\n"
    "subprocess.run([sys.executable, *sys.argv[1:]])', '-c', sys.argv[1]], {})",
    "its children, by a shell": "import os, sys\nos.execv('/bin/sh', ['sh', '-c', 'exec \"$@\"', 'sh', sys.executable, '-c', "
    "'import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])', '-c', sys.argv[1]])",
    "its children, the second time": "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'import os, sys\\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])', '-c', 'import subprocess, sys\\n"
    "subprocess.run([sys.executable, *sys.argv[1:]])', '-c', sys.argv[1]])",
}


@pytest.mark.parametrize("kernel", ["auto", "off"])
@pytest.mark.parametrize("name", TAKING_OVER)
def test_a_program_that_takes_the_process_over_hears_all(isolated, name, kernel):
    """As ``jupyter nbconvert`` replaces itself by ``jupyter-nbconvert``."""
    if kernel == "off" and "shell" in name:
        pytest.skip("no shell starts under --strict then")
    options = ["--no-network", "--strict", f"--kernel={kernel}"]
    done = isolated.script(options, TAKING_OVER[name], SWALLOW.format(host="then.example"))
    assert (done.code, "hermetic: blocked action: network disabled: DNS(then.example)" in done.stderr) == (2, True), (
        done
    )
    plain = isolated.script(options, TAKING_OVER[name], "print(2)")
    assert (plain.code, plain.stderr) == (0, ""), plain


def test_what_is_told_before_an_exec_that_fails_counts_once(isolated):
    """As of a script without a first line, which who asked for it gives to a shell then."""
    (isolated.folder / "bad").write_text("no format\n")
    (isolated.folder / "bad").chmod(0o755)
    code = f"""
        import os, subprocess, sys
        CODE = {SWALLOW.format(host="then.example")!r}
        exec(CODE)
        for _ in range(3):
            try:
                os.execv("./bad", ["bad"])
            except OSError:
                pass
        if sys.argv[1:]:
            subprocess.run([sys.executable, "-c", CODE])
    """
    options = ["--no-network", "--strict"]
    done = isolated.script(options, code)
    assert done.errors[-2:] == ["hermetic: 1 act was blocked", "  network disabled: DNS(then.example)  [--no-network]"]
    both = isolated.script(options, code, "child")
    assert both.errors[-2] == "hermetic: 2 acts were blocked", both


HEARS = """
import fcntl, os
ends = [n for n in range(3, 200) if os.path.exists(f"/proc/self/fd/{n}") and "pipe" in os.readlink(f"/proc/self/fd/{n}")]
print([n for n in ends if fcntl.fcntl(n, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nobody_else_hears(isolated):
    """What a fork starts would take from the pipe what the run is waiting for."""
    code = f"""
        import os, subprocess, sys
        CODE = {SWALLOW.format(host="child.example") + HEARS!r}
        pid = os.fork()
        if not pid:
            os.execv(sys.executable, [sys.executable, "-c", CODE])
        os.waitpid(pid, 0)
        subprocess.run([sys.executable, "-c", CODE], close_fds=False)
    """
    done = isolated.script("--no-network --strict", code)
    assert (done.code, done.stdout.split()) == (2, ["coped", "[]"] * 2), done


def test_the_acts_of_all_are_counted(isolated):
    code = f"import subprocess, sys\nexec({SWALLOW.format(host='parent.example')!r})\n"
    code += f"for n in range(3): subprocess.run([sys.executable, '-c', {SWALLOW.format(host='child.example')!r}])"
    done = isolated.script("--no-network --strict", code)
    assert "hermetic: blocked action: network disabled: DNS(parent.example) (and 3 more)" in done.stderr
    assert "  network disabled: DNS(child.example)  [--no-network] x3" in done.errors


def test_a_child_that_is_not_blocked_counts_nothing(isolated):
    done = isolated.script(
        "--no-network --strict", "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])"
    )
    assert (done.code, done.stderr) == (0, "")


def test_a_block_in_a_child_is_no_act(isolated):
    code = "import hermetic\nwith hermetic.hermetic_blocker(fs_readonly=True): print('in it')"
    done = isolated.script(
        "--no-network --strict", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])"
    )
    assert done == (0, "in it\n", "")


def test_without_strict_a_childs_acts_are_its_own(isolated):
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SWALLOW.format(host='h')!r}])"
    assert isolated.script("--no-network", code)[::2] == (0, "")


def test_os_exit_counts_them_too(isolated):
    code = (
        f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {SWALLOW.format(host='h')!r}])\nos._exit(0)"
    )
    assert isolated.script("--no-network --strict", code).code == 2


@pytest.mark.parametrize("end", ["", "sys.exit()", "raise ValueError"])
def test_a_fork_that_ends_first_takes_nothing_along(isolated, end):
    """Who began the run reads what was reported: it is its status that counts."""
    code = f"""
    import os, subprocess, sys
    subprocess.run([sys.executable, '-c', {SWALLOW.format(host="child.example")!r}])
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        print("parent")
    else:
        {end or "pass"}
    """
    done = isolated.script("--no-network --strict", code)
    assert done.code == 2
    assert done.errors[-2:] == ["hermetic: 1 act was blocked", "  network disabled: DNS(child.example)  [--no-network]"]


def test_a_descriptor_of_the_programs_own_is_not_read(isolated):
    """It may have closed all that there were, as daemons do: a pipe in their place would be waited for, and emptied."""
    code = """
    import os
    reading, writing = os.pipe()
    os.dup2(writing, 60)
    for number in range(3, 60):
        os.dup2(reading, number)
    os.set_blocking(60, True)
    os.write(60, b"mine")
    if os.fork():
        os.wait()
    else:
        os._exit(0)
    import atexit
    atexit.register(lambda: print(os.read(3, 10)))
    """
    done = isolated.script("--no-network --strict", code, timeout=60)
    assert (done.code, done.stdout) == (0, "b'mine'\n")


def test_what_is_no_report_is_passed_over(isolated):
    """The descriptor is inherited, so anybody among the children may write to it."""
    code = """
    import os, subprocess, sys
    junk = "import os\\nfor n in range(3, 20):\\n try: os.write(n, b'junk\\\\n,,\\\\nff,zz\\\\n' * 9)\\n except OSError: pass"
    subprocess.run([sys.executable, "-c", junk], close_fds=False)
    """
    done = isolated.script("--no-network --strict", code)
    assert done.code == 0
    assert "blocked" not in done.stderr


def test_more_than_a_pipe_takes_does_not_block(isolated):
    code = "import socket\nfor n in range(2000):\n    try: socket.gethostbyname(f'host-{n}.example')\n    except Exception: pass"
    done = isolated.script(
        "--no-network --strict", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])"
    )
    assert done.code == 2
    assert "acts were blocked" in done.stderr


REPEATING = """
import socket, subprocess, sys
CHILD = '''
import socket
for host in ["often.example"] * 5000 + ["once.example"]:
    try:
        socket.gethostbyname(host)
    except Exception:
        pass
'''
subprocess.run([sys.executable, "-c", CHILD])
"""


def test_what_a_child_repeats_leaves_room_for_what_comes_after(isolated):
    """Of the same act a child reports ten; the pipe is read when the run ends."""
    done = isolated.script("--no-network --strict", REPEATING)
    assert done.code == 2
    assert done.errors[-3:] == [
        "hermetic: 11 acts were blocked",
        "  network disabled: DNS(often.example)  [--no-network] x10",
        "  network disabled: DNS(once.example)  [--no-network]",
    ]
