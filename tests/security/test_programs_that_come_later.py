"""A program that was missing, or another one, when hermetic looked, and is there by the same name when the child is
started: ``/proc/PID/exe`` of a process that is still to be made, a link that a ``preexec_fn`` makes, names below
``/proc/self``, by which a child finds its own files. An interpreter ran unguarded so, under a seal too.
"""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, and scripts as programs")

HEAD = """
import os, subprocess, sys
PY = os.path.realpath(sys.executable)
CODE = '''
import socket
mine = socket.socket()
mine.bind(("127.0.0.1", 0))
try:
    socket.socket().connect(mine.getsockname())
except ConnectionRefusedError:
    print("free")
except Exception as error:
    print("held" if type(error).__name__ == "PolicyViolation" else repr(error))
'''
WORDS = [PY, "-I", "-c", CODE]
# What starts a Python that nobody guards: a shell, which a seal refuses.
os.mkdir("other")
with open("other/tool", "w") as file:
    file.write("#!/bin/sh\\nexec " + PY + " -I " + os.path.abspath("code.py") + " </dev/null\\n")
with open("code.py", "w") as file:
    file.write(CODE)
os.chmod("other/tool", 0o755)
os.symlink(PY, "tool")
def output(*words, **how):
    done = subprocess.run(*words, capture_output=True, text=True, **how)
    return done.stdout + done.stderr
def spawned(path, actions):
    reader, writer = os.pipe()
    child = os.posix_spawn(path, WORDS, {}, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), *actions])
    os.close(writer)
    os.waitpid(child, 0)
    return os.fdopen(reader).read()
"""

WAYS = {
    "the next process": """
        for _ in range(40):
            child = subprocess.Popen([PY, "-V"], stdout=subprocess.DEVNULL)
            child.wait()
            for further in range(1, 4):
                try:
                    print(output(WORDS, executable=f"/proc/{child.pid + further}/exe"))
                except OSError:
                    continue
                sys.exit()
    """,
    "made before the exec": """
        print(output(WORDS, executable="./late", preexec_fn=lambda: os.symlink(PY, "late")))
    """,
    "made before the exec, on PATH": """
        os.environ["PATH"] = os.getcwd()
        print(output(["late", *WORDS[1:]], preexec_fn=lambda: os.symlink(PY, "late")))
    """,
    "its working directory": """
        print(output(WORDS, executable="/proc/self/cwd/tool", cwd="other"))
    """,
    "its stdin": """
        os.dup2(os.open(PY, os.O_RDONLY), 0)
        print(output(WORDS, executable="/dev/stdin", stdin=os.open("other/tool", os.O_RDONLY)))
    """,
    "its stdin, by a link": """
        os.dup2(os.open(PY, os.O_RDONLY), 0)
        os.symlink("/proc/thread-self/fd/0", "link")
        print(output(WORDS, executable="./link", stdin=os.open("other/tool", os.O_RDONLY)))
    """,
    "its stdin as its folder": """
        os.dup2(os.open(".", os.O_RDONLY), 0)
        print(output(WORDS, executable="./tool", cwd="/proc/self/fd/0", stdin=os.open("other", os.O_RDONLY)))
    """,
    "a descriptor, exchanged": """
        taken, other = os.open(PY, os.O_RDONLY), os.open("other/tool", os.O_RDONLY)
        print(spawned(f"/proc/self/fd/{taken}", [(os.POSIX_SPAWN_DUP2, other, taken)]))
    """,
}
# What does not start; Python wants no folder as stdin.
NOTHING = {"made before the exec", "made before the exec, on PATH", "the next process", "its stdin as its folder"}


def way(name: str) -> str:
    lines = [line[8:] for line in WAYS[name].splitlines()]
    return HEAD + "\n".join(lines) + "\n"


@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal"])
@pytest.mark.parametrize("name", WAYS)
def test_the_child_is_held_or_does_not_start(isolated, name, options):
    done = isolated.script(f"{options} --kernel=off", way(name))
    assert "free" not in done.stdout + done.stderr, done
    if name not in NOTHING:
        assert done.stdout.split() == ["held"], done


@pytest.mark.parametrize("name", WAYS)
def test_in_a_plain_run_it_starts(isolated, name):
    done = isolated.code(way(name))
    assert done.stdout.split() == ["free"], done


def test_a_working_directory_is_asked_once(isolated):
    code = """
os.mkdir("plain")
with open("plain/tool", "w") as file:
    file.write("#!/bin/sh\\necho held\\n")
os.chmod("plain/tool", 0o755)
class Folder:
    answers = [".", "plain"]
    def __fspath__(self): return self.answers.pop()
print(output(["./tool", *WORDS[1:]], cwd=Folder()))
"""
    done = isolated.script("--no-network --kernel=off", HEAD + code)
    assert done.stdout.split() == ["held"], done


MISSING = """
import os, subprocess
os.mkdir("folder")
open("text", "w").close()
os.symlink("round", "round")
NAMES = ["missing", "./missing", "folder", "./folder", "./text", "text", "text/x", "./round", "no/folder", "", "x" * 300, "./" + "x" * 300]
def tried(start):
    try:
        return start()
    except Exception as error:
        return type(error).__name__, getattr(error, "errno", 0), str(getattr(error, "filename", ""))
for name in NAMES:
    print(name[:9], tried(lambda: subprocess.run([name])))
    print(name[:9], tried(lambda: subprocess.run(["x"], executable=name, close_fds=False)))
    print(name[:9], tried(lambda: subprocess.run(["x"], executable=name, cwd="folder")))
    print(name[:9], tried(lambda: subprocess.run(["x"], executable=name, cwd="nowhere")))
    for start in (os.execv, os.execvp):
        print(name[:9], tried(lambda: start(name, ["x"])))
    print(name[:9], tried(lambda: os.execve(name, ["x"], {})))
    for start in (os.posix_spawn, os.posix_spawnp):
        print(name[:9], tried(lambda: start(name, ["x"], {})))
os.environ["PATH"] = "folder:."
for name in NAMES:
    print(name[:9], tried(lambda: subprocess.run([name])), tried(lambda: os.posix_spawnp(name, ["x"], {})))
"""


def test_what_is_missing_is_missing_as_in_a_plain_run(isolated):
    isolated.write("missing_ones.py", MISSING)
    plain = isolated.python("missing_ones.py")
    isolated.python("-c", "import os; os.rmdir('folder'); os.remove('text'); os.remove('round')")
    guarded = isolated.cli("--no-network", "--kernel=off", "--", "./missing_ones.py")
    assert guarded.stdout.splitlines() == plain.stdout.splitlines()


def test_a_file_without_a_name_is_started(isolated):
    """And the interpreter itself by /proc/self/exe, as always."""
    code = """
import os, subprocess, sys
with open("/bin/true", "rb") as file:
    data = file.read()
taken = os.memfd_create("tool")
os.write(taken, data)
print(subprocess.run(["tool"], executable=f"/proc/self/fd/{taken}", pass_fds=[taken]).returncode)
print(subprocess.run(["tool"], executable=f"/dev/fd/{taken}", pass_fds=[taken]).returncode)
print(subprocess.run([sys.executable, "-c", "print(1)"], executable="/proc/self/exe", capture_output=True).stdout)
child = os.posix_spawn("/proc/self/exe", [sys.executable, "-c", "import sys; sys.exit(3)"], {})
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = isolated.script("--no-network --kernel=off", code)
    assert done.stdout.split() == ["0", "0", "b'1\\n'", "3"], done
