"""One behaviour: what is blocked in another environment is blocked, said and counted as in hermetic's own process."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from conftest import SOURCE

# Where nothing is taken away the program really connects: the kernel refuses this address at once, and sends nothing.
CONNECT = "import socket\nsocket.create_connection(('255.255.255.255', 80), 1)\n"
CAUGHT = "import socket\ntry:\n    socket.create_connection(('255.255.255.255', 80), 1)\nexcept Exception as e:\n    print(type(e).__name__, e)\n"
PROGRAMS = {
    "fails of it": CONNECT,
    "copes": CAUGHT,
    "copes and fails": CAUGHT + "import sys; sys.exit(3)\n",
    "copes and leaves": CAUGHT + "import os; os._exit(4)\n",
    "says why": CAUGHT.replace("    print(", "    raise SystemExit(") + "",
    "chains": "try:\n    " + CONNECT.replace("\n", "\n    ") + "pass\nexcept OSError: pass\n",
    "in a thread": f"import threading\nt = threading.Thread(target=lambda: exec({CONNECT!r}))\nt.start(); t.join()\n",
    "at exit": f"import atexit\nclass F:\n    def __call__(self): exec({CONNECT!r})\n    def __repr__(self): return 'F'\natexit.register(F())\n",
    "after exit": f"import atexit\natexit.register(print, 'bye')\n{CONNECT}",
    "import caught": "try:\n    import colorsys\nexcept ImportError as e:\n    print(e)\n    raise SystemExit(5)\n",
    "import fails": "import colorsys\n",
    "file caught": "try:\n    open('x', 'w')\nexcept OSError as e:\n    print(e.errno, e)\n",
    "file fails": "open('x', 'w')\n",
    "twice": CAUGHT + CAUGHT + CONNECT,
    "details": CAUGHT.replace(
        "    print(type(e).__name__, e)",
        "    print(repr([getattr(e, n) for n in ('guard', 'target', 'capability', 'remedy', 'call', 'reason', 'message')]))\n"
        "    print(type(e).__mro__, type(e).__module__)",
    ),
    "nothing": "print('fine')\n",
    "its own status": "import sys; sys.exit(7)\n",
    "reads variables": "import os\nprint(os.environ.get('HOME'))\n",
    "runs code": "eval('1')\n",
    "starts a process": "import subprocess\nsubprocess.run(['true'])\n",
    "native": "import ctypes\n",
    "mutates": "import sys\nsys.path.append('x')\n",
    "ends at a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
}
OPTIONS = {
    "plain": "--no-network --deny-import=colorsys --fs-readonly",
    "trace": "--no-network --deny-import=colorsys --fs-readonly --trace",
    "strict": "--no-network --deny-import=colorsys --fs-readonly --strict",
    "seal": "--no-network --deny-import=colorsys --fs-readonly --seal --trace",
    "report-only": "--no-network --deny-import=colorsys --fs-readonly --report-only",
    "block-all": "--profile=block-all --trace",
    "unset": "--no-environment=unset --trace",
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("options", OPTIONS)
def test_run_ends_as_in_hermetics_own_process(isolated, other, program, options):
    isolated.write("t.py", PROGRAMS[program])
    words = OPTIONS[options].split()
    here = isolated.cli(*words, "--", sys.executable, "t.py")
    there = isolated.foreign(words, other.python, "t.py")
    changed = here.stderr.replace(sys.executable, other.python)
    # The installed core here, the source tree's there.
    ends = [re.sub(r'"[^"]*/_hermetic/', '"_hermetic/', text) for text in (there.stderr, changed)]
    assert (there.code, there.stdout, ends[0]) == (here.code, here.stdout, ends[1])
    assert program != "fails of it" or options in ("report-only", "unset") or there.code == 2


def test_violation_matches_in_a_target_that_has_its_own_hermetic(isolated, other):
    isolated.write(
        "t.py",
        """
        import hermetic, hermetic.errors, pickle, sys
        print(hermetic.__file__)
        import socket
        try:
            socket.create_connection(("192.0.2.1", 80), 1)
        except hermetic.errors.PolicyViolation as error:
            again = pickle.loads(pickle.dumps(error))
            print(type(again) is type(error) is hermetic.PolicyViolation, again.args == error.args, str(again))
            print([getattr(again, n) == getattr(error, n) for n in ("guard", "target", "capability", "remedy")])
        with hermetic.hermetic_blocker(fs_readonly=True):
            try:
                open("x", "w")
            except hermetic.PolicyViolation as error:
                print(error.guard)
        """,
    )
    # A copy: not the files that the guards came from.
    shutil.copytree(SOURCE, other.site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    done = isolated.foreign("--no-network", other.python, "t.py")
    assert done.code == 0, done.stderr
    file, same, fields, guard = done.stdout.splitlines()
    assert Path(file).is_relative_to(other.site)
    assert same == "True True network disabled: create_connection(192.0.2.1)"
    assert (fields, guard) == ("[True, True, True, True]", "filesystem")


def test_violation_travels_from_a_worker(isolated, other):
    isolated.write(
        "t.py",
        """
        import multiprocessing, socket
        from concurrent.futures import ProcessPoolExecutor

        def connect(port):
            socket.create_connection(("192.0.2.1", port), 1)

        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
                    error = pool.submit(connect, 80).exception()
                    print(method, type(error).__name__, error.guard, error.target, error)
        """,
    )
    done = isolated.foreign("--no-network", other.python, "t.py")
    expected = "PolicyViolation network 192.0.2.1 network disabled: create_connection(192.0.2.1)"
    lines = [f"{method} {expected}" for method in ("fork", "spawn")]
    assert done.stdout.splitlines() == lines, done


# --- interpreters that cannot be guarded ---

VERSIONS = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
OLD = ("2.7", "3.6", "3.7", "3.8", "3.9")
PRINT = "import sys; sys.stdout.write('ran')"


def old_python(version: str) -> str:
    found = sorted(VERSIONS.glob(f"{version}.*/bin/python{version}"))
    if not found:
        pytest.skip(f"this machine has no Python {version}")
    return str(found[-1])


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("options", ["--no-network", "--no-environment", "--profile=block-all", "--trace"])
def test_old_python_is_refused_by_name(isolated, version, options):
    python = old_python(version)
    isolated.write("t.py", PRINT)
    isolated.write("tool", f"#!{python} -E\n{PRINT}\n", mode=0o755)
    for words in ([python, "t.py"], [python, "-c", PRINT], ["./tool"], [python, "-S", "-E", "t.py"], [python, "-"]):
        done = isolated.foreign(options, *words, stdin=PRINT)
        assert (done.code, done.stdout) == (1, ""), done
        assert done.stderr.startswith(f"hermetic: error: {python} is "), done.stderr
        assert f" {version}; guards exist for CPython 3.10 and newer\n" in done.stderr


@pytest.mark.parametrize("version", OLD)
def test_old_python_as_a_child_is_refused_by_name(isolated, other, version):
    python = old_python(version)
    isolated.write(
        "t.py",
        f"""
        import os, subprocess, sys
        for words in (["-c", {PRINT!r}], ["-E", "-c", {PRINT!r}], ["t2.py"]):
            done = subprocess.run([{python!r}, *words], capture_output=True, text=True)
            print(done.returncode, repr(done.stdout), "guards exist for CPython 3.10 and newer" in done.stderr)
        print(os.spawnv(os.P_WAIT, {python!r}, ["python", "-c", {PRINT!r}]))
        """,
    )
    isolated.write("t2.py", PRINT)
    done = isolated.foreign("--no-network", other.python, "t.py")
    assert done.stdout == "1 '' True\n" * 3 + "1\n", done


@pytest.mark.parametrize("version", OLD)
def test_old_python_as_a_grandchild_is_refused_by_name(isolated, other, version):
    python = old_python(version)
    isolated.write(
        "t.py",
        f"""
        import subprocess
        done = subprocess.run(["/bin/sh", "-c", "{python} -c 'print(7)'; echo $?"], capture_output=True, text=True)
        print(repr(done.stdout), "guards exist for CPython 3.10 and newer" in done.stderr)
        """,
    )
    done = isolated.foreign("--no-network", other.python, "t.py")
    assert done.stdout == "'1\\n' True\n", done


def test_what_is_no_interpreter_is_refused(isolated):
    isolated.write("python3.11", "#!/bin/sh\necho ran\n", mode=0o755)
    done = isolated.foreign("--no-network", "./python3.11", "-c", "1")
    assert (done.code, done.stdout) == (1, "")
    done = isolated.foreign("--no-network --kernel=off", "/bin/sh", "-c", "echo ran")
    assert (done.code, done.stdout) == (1, "")


@pytest.mark.parametrize("code", ["q = 7", "1 / 0", "import sys; sys.exit(3)"])
def test_a_session_after_the_program_begins_as_in_a_plain_run(isolated, other, code):
    words = [other.python, "-i", "-c", code]
    plain = isolated.run(words, stdin="print(vars().get('q'))\n", bare=True)
    done = isolated.foreign("--no-network", *words, stdin="print(vars().get('q'))\n")
    assert (done.code, done.stdout) == (plain.code, plain.stdout)
    assert done.stderr.count("Traceback") == plain.stderr.count("Traceback"), done
