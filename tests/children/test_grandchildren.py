"""A Python that another program starts finds the guards in its variables, or does not run."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from pathlib import Path

import pytest

import _hermetic
from conftest import no_sitecustomize

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")

CORE = Path(_hermetic.__file__).parent
THROUGH_A_SHELL = "import subprocess, sys\ncode = '''{code}'''\nwords = ['/bin/sh', '-c', '\"$0\" \"$@\"; exit $?']\n"
THROUGH_A_SHELL += "sys.exit(subprocess.run([*words, sys.executable, {flags}, '-c', code, 'a']).returncode)\n"


def behind_a_shell(isolated, options, code, flags="'-B'", **how):
    return isolated.script(options, THROUGH_A_SHELL.format(code=code, flags=flags), **how)


def test_it_ends_as_any_guarded_program(isolated):
    done = behind_a_shell(isolated, "--no-network", 'import socket; socket.gethostbyname("example.com")')
    assert done.code == 2
    assert "hermetic: blocked action: network disabled: DNS(example.com)" in done.stderr
    assert "  to allow it: --allow-domain example.com" in done.stderr


SEEN = """
import json, os, sys
print(json.dumps([sys.argv, sys.orig_argv, sys.path, sys.flags.dont_write_bytecode, sys.executable, __name__,
    sorted(vars(sys.modules["__main__"])), {n: v for n, v in os.environ.items() if n not in ("_", "OLDPWD", "SHLVL", "PWD")}]))
"""


@pytest.mark.parametrize("flags", ["'-B'", "'-B', '-u', '-Wignore', '-Xdev'", "'-bb', '-OO', '-B'"])
def test_it_sees_what_it_sees_in_a_plain_run(isolated, flags):
    plain = isolated.code(THROUGH_A_SHELL.format(code=SEEN, flags=flags))
    assert behind_a_shell(isolated, "--no-network", SEEN, flags).data == plain.data


def test_a_script_and_a_module_and_stdin_too(isolated):
    isolated.write("tool", f"#!{sys.executable}\nimport colorsys", mode=0o755)
    isolated.write("mod.py", "import colorsys")
    for command in (
        "./tool",
        f"{sys.executable} tool",
        f"{sys.executable} -m mod",
        f"echo import colorsys | {sys.executable}",
    ):
        done = isolated.script(
            "--deny-import colorsys", f"import os\nprint(os.waitstatus_to_exitcode(os.system({command!r})))"
        )
        assert done.stdout == "2\n", (command, done.stderr)
        assert "import blocked: colorsys" in done.stderr


def test_blocks_reach_through_a_shell(isolated):
    code = """
    import subprocess, sys
    from hermetic import hermetic_blocker
    with hermetic_blocker(deny_imports=["colorsys"]), hermetic_blocker(block_network=True):
        code = "import _socket\\ntry: import colorsys\\nexcept ImportError as e: print(e)\\nimport socket; socket.gethostbyname('h')"
        subprocess.run(["/bin/sh", "-c", '"$0" -c "$1"', sys.executable, code])
    """
    done = isolated.code(code)
    assert done.stdout == "import blocked: colorsys\n"
    assert "blocked action: network disabled: DNS(h)" in done.stderr


def test_its_own_startup_file_runs_once(isolated):
    isolated.write("site/sitecustomize.py", "import sys\nprint('customized', 'hermetic' in sys.modules)")
    done = behind_a_shell(isolated, "--no-network", "print(1)", env={"PYTHONPATH": str(isolated.folder / "site")})
    # Of the shell's parent, and of its child.
    assert sorted(done.stdout.splitlines()) == ["1", "customized False", "customized False"]


TRIED = """
import os, socket
try:
    mine = socket.socket()
    mine.bind(("127.0.0.1", 0))
    socket.socket().connect(mine.getsockname())
except ConnectionRefusedError:
    os.write(1, b"%s free\\n")
except Exception:
    os.write(1, b"%s held\\n")
"""


@no_sitecustomize
@pytest.mark.parametrize("options", ["", " -S", " -I", " -E"])
def test_what_runs_before_the_guards_behind_a_shell_is_what_the_documentation_says(isolated, other, options):
    """Code in .pth files: once unguarded and once more, guarded. sitecustomize: once, guarded. Options: unguarded."""
    other.install("tried.py", TRIED % ("pth", "pth"))
    other.install("tried.pth", "import tried\n")
    other.install("sitecustomize.py", TRIED % ("custom", "custom"))
    isolated.write("child.py", TRIED % ("program", "program"))
    command = f"{other.python}{options} child.py; exit $?"
    done = isolated.script("--no-network --kernel=off", f"import os\nos.system({command!r})\n")
    said = {
        "": ["pth free", "pth held", "custom held", "program held"],
        " -S": ["program free"],
        " -I": ["pth free", "custom free", "program free"],
        " -E": ["pth free", "custom free", "program free"],
    }[options]
    assert done.stdout.splitlines() == said, done
    # Said or not, the kernel holds what it was asked to.
    if "free" in done.stdout and sys.platform == "linux":
        held = isolated.script("--no-network --seal", f"import os\nos.system({command!r})\n")
        assert "free" not in held.stdout, held


@pytest.mark.parametrize("damage", ["gone", "empty", "truncated", "other version"])
def test_without_a_core_it_does_not_run(isolated, damage):
    """Whoever finds a policy and no guards stops."""
    core = isolated.folder / "lib" / "_hermetic"
    shutil.copytree(CORE, core, ignore=shutil.ignore_patterns("__pycache__"))
    text = "import subprocess, sys, shutil, os\ncore = sys.argv[1]\n"
    text += {
        "gone": "shutil.rmtree(core + '/enforce')\n",
        "empty": "open(core + '/entry.py', 'w').close()\n",
        "truncated": "open(core + '/message.py', 'r+').truncate(200)\n",
        "other version": "t = open(core + '/__init__.py').read()\nopen(core + '/__init__.py', 'w').write(t.replace('VERSION = \"', 'VERSION = \"9'))\n",
    }[damage]
    # A policy that was written by a core which is then damaged by somebody outside.
    isolated.write("damage.py", text)
    environment = {"PYTHONPATH": str(core / "carrier"), "HERMETIC_POLICY": policy()}
    isolated.python("damage.py", str(core), env={"PYTHONPATH": None})
    done = isolated.run([sys.executable, "-c", "print('ran')"], env=environment | {"NOTHING": "1"})
    assert (done.code, done.stdout) == (1, ""), done.stderr
    assert "hermetic: error: " in done.stderr


def policy() -> str:
    from _hermetic.message import message
    from _hermetic.policy import Policy, carry
    from _hermetic.programs.target import Options

    return message((carry(Policy(rules={"subprocess": (frozenset(), frozenset())})),), Options().fields(), None)


@pytest.mark.parametrize("text", ["", "nonsense", "00", "e3"])
def test_with_a_policy_that_cannot_be_read_it_does_not_run(isolated, text):
    environment = {"PYTHONPATH": str(CORE / "carrier"), "HERMETIC_POLICY": text}
    done = isolated.run([sys.executable, "-c", "print('ran')"], env=environment)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("hermetic: error: ")


def test_a_folder_without_a_policy_does_no_harm(isolated):
    done = isolated.run([sys.executable, "-c", "print('ran')"], env={"PYTHONPATH": str(CORE / "carrier")})
    assert (done.code, done.stdout, done.stderr) == (0, "ran\n", "")


@pytest.mark.parametrize("how", ["direct", "behind a shell"])
def test_a_session_at_a_terminal_is_guarded(isolated, how):
    words = "[sys.executable]" if how == "direct" else "['/bin/sh', '-c', sys.executable]"
    isolated.write("target.py", f"import subprocess, sys\nsubprocess.run({words})\n")
    done = typed(isolated, ["--no-network", "--", "./target.py"])
    assert "PolicyViolation: network disabled: DNS(example.com)" in done


def test_python_at_a_terminal_is_guarded(isolated):
    assert "PolicyViolation: network disabled: DNS(example.com)" in typed(
        isolated, ["--no-network", "--", sys.executable]
    )


def typed(isolated, words):
    """What a terminal shows after a blocked call was typed into a session."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(isolated.folder)
        command = [sys.executable, "-m", "hermetic", *words]
        os.execve(sys.executable, command, {**isolated.environment(), "TERM": "dumb", "PYTHON_BASIC_REPL": "1"})
    os.write(terminal, b"import socket; socket.gethostbyname('example.com')\nexit()\n")
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:
        pass  # the session has ended
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()
