"""--allow-run: single programs, given back by every door, and nothing beside them."""

from __future__ import annotations

import os
import shutil
import sys
import threading

import pytest

# Two programs of the system that do nothing, and one that shows what it was given.
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses programs of Unix")
PLACES = ["process", "foreign", "block"]
TRY = """
import json, os, subprocess, sys

def outcome(act):
    try:
        found = act()
    except RuntimeError as blocked:
        return [str(blocked), blocked.guard, blocked.target, blocked.reason, blocked.remedy]
    except OSError as error:
        return type(error).__name__
    return found if isinstance(found, (str, int)) else found.returncode
"""


def tried(isolated, place, programs, code, env=None, options=()):
    """What the code leaves in ``found``, where these programs are allowed."""
    isolated.write("probe.py", TRY)
    head = "from probe import *\n"
    if place == "block":
        body = "".join(f"    {line}\n" for line in code.splitlines())
        text = f"from hermetic import hermetic_blocker\n{head}"
        text += f"with hermetic_blocker(block_subprocess=True, allow_run={programs!r}):\n{body}"
        return isolated.passes(text + "print(json.dumps(found))\n", env=env).data
    isolated.write("target.py", head + code + "\nprint(json.dumps(found))\n")
    given = ["--no-subprocess", *options, *[word for name in programs for word in ("--allow-run", name)]]
    done = isolated.foreign(given, "python", "./target.py", env=env) if place == "foreign" else None
    done = done or isolated.cli(*given, "--", "./target.py", env=env)
    assert done.code == 0, done.stderr
    return done.data


DOORS = """
import asyncio, pty
found = {}
for name in ("true", "false"):
    path = f"/bin/{name}"
    found[name] = [outcome(act) for act in (
        lambda: subprocess.run([name]).returncode,
        lambda: subprocess.run([name.encode()]).returncode,
        lambda: subprocess.run([path], env={}).returncode,
        lambda: subprocess.run([name], executable=path, close_fds=False).returncode,
        lambda: asyncio.run(awaited(name)),
        lambda: os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(path, [name], {}), 0)[1]),
        lambda: os.waitstatus_to_exitcode(os.waitpid(os.posix_spawnp(name, [name], {}), 0)[1]),
        lambda: os.spawnvp(os.P_WAIT, name, [name]),
        lambda: os.spawnve(os.P_WAIT, path, [name], {}),
        lambda: os.waitstatus_to_exitcode(pty.spawn([name])),
    )]
"""
AWAITED = """
async def awaited(name):
    process = await asyncio.create_subprocess_exec(name)
    return await process.wait()
"""


@pytest.mark.parametrize("place", PLACES)
def test_every_door_starts_what_is_allowed_and_nothing_else(isolated, place):
    found = tried(isolated, place, ["true"], AWAITED + DOORS)
    assert found["true"] == [0] * 10
    calls = ["subprocess.Popen"] * 5 + ["os.posix_spawn"] * 2 + ["os.spawn"] * 2 + ["pty.spawn"]
    assert [denial[0] for denial in found["false"]] == [f"subprocess disabled: {call}" for call in calls]
    assert {(denial[1], denial[3]) for denial in found["false"]} == {("subprocess", "no-subprocess")}
    assert {denial[4] for denial in found["false"]} == {"--allow-run false", "--allow-run /bin/false"}


@pytest.mark.parametrize("place", ["process", "foreign"])
@pytest.mark.parametrize(("name", "said"), [("true", []), ("false", ["subprocess disabled: os.exec"])])
def test_exec_replaces_the_program_by_what_is_allowed(isolated, place, name, said):
    code = f"try: os.execvp({name!r}, [{name!r}])\nexcept RuntimeError as blocked: found = [str(blocked)]"
    isolated.write("probe.py", TRY)
    isolated.write("target.py", f"from probe import *\n{code}\nprint(json.dumps(found))\n")
    given = ["--no-subprocess", "--allow-run", "true"]
    done = (
        isolated.foreign(given, "python", "./target.py")
        if place == "foreign"
        else isolated.cli(*given, "--", "./target.py")
    )
    assert done.code == 0, done.stderr
    assert (done.data if done.stdout else []) == said


@pytest.mark.parametrize("place", PLACES)
def test_a_shell_needs_its_own_entry(isolated, place):
    code = """
found = [outcome(lambda: subprocess.run("true", shell=True)), outcome(lambda: os.system("true")),
         outcome(lambda: os.popen("true").read())]
"""
    found = tried(isolated, place, ["true"], code)
    assert [denial[4] for denial in found] == ["--allow-run /bin/sh"] * 3
    assert tried(isolated, place, ["sh"], code) == [0, 0, ""]


@pytest.mark.parametrize("place", PLACES)
def test_a_fork_alone_stays_refused(isolated, place):
    code = """
import multiprocessing, pty
found = [outcome(act) for act in (os.fork, os.forkpty, pty.fork, multiprocessing.get_context("fork").Process().start)]
"""
    found = tried(isolated, place, ["true", "python3"], code)
    calls = ["os.fork", "os.forkpty", "os.forkpty", "os.fork"]
    assert [denial[0] for denial in found] == [f"subprocess disabled: {call}" for call in calls]


# Each says which file the system would start; only "true" and "env" are allowed.
DISGUISES = {
    "a program under an allowed name, first on the child's PATH": "subprocess.run(['true'], env={'PATH': mine})",
    "the same, by a PATH that the program changes": (
        "[os.environ.__setitem__('PATH', mine), subprocess.run(['true']).returncode][1]"
    ),
    "the same, in a folder that PATH names from here": "subprocess.run(['true'], env={'PATH': 'mine'})",
    "the same, in a folder that PATH names from there": "subprocess.run(['true'], env={'PATH': '.'}, cwd=mine)",
    "the same, by a path from there": "subprocess.run(['./true'], cwd=mine)",
    "another program under an allowed argv[0]": "subprocess.run(['true'], executable='/bin/false')",
    "an allowed program under another argv[0]": "subprocess.run(['false'], executable='/bin/true')",
    "an allowed program under a path as argv[0]": "subprocess.run([mine + '/true'], executable='/bin/true')",
    "an allowed program as for a login": "subprocess.run(['-true'], executable='/bin/true')",
    "an allowed program without words": "subprocess.run([], executable='/bin/true')",
    "a link to an allowed program": "subprocess.run([mine + '/link'])",
    "a link to an allowed program under its name": "subprocess.run([mine + '/linked/true'])",
    "a hard link to an allowed program": "subprocess.run([mine + '/hard'])",
    "a descriptor": "subprocess.run(['true'], executable=f'/proc/self/fd/{held}', pass_fds=[held])",
    "a descriptor by its number": "os.execve(held, ['true'], {})",
    "a file in memory": "subprocess.run(['true'], executable=f'/proc/self/fd/{memory}', pass_fds=[memory])",
    "a text that says another thing": "subprocess.run([Liar('false')])",
    "the loader of programs": "subprocess.run([loader, '/bin/false'])",
}
SETTING = """
import shutil
mine, held = os.getcwd() + "/mine", os.open("/bin/true", os.O_RDONLY)
for folder in ("mine", "mine/linked"):
    os.makedirs(folder, exist_ok=True)
shutil.copy("/bin/false", "mine/true")
os.path.lexists("mine/link") or os.symlink("/bin/true", "mine/link")
os.path.lexists("mine/linked/true") or os.symlink("/bin/true", "mine/linked/true")
os.path.lexists("mine/hard") or os.link("mine/true", "mine/hard")
memory = os.memfd_create("true") if hasattr(os, "memfd_create") else os.open("mine/true", os.O_RDONLY)
if hasattr(os, "memfd_create"):
    os.write(memory, open("/bin/false", "rb").read())
loader = next((path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(path)), "/bin/false")

class Liar(str):
    def __eq__(self, other): return True
    def __hash__(self): return hash("true")
    def __str__(self): return "true"
    def __fspath__(self): return "true"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="uses descriptors' names and files in memory")
@pytest.mark.parametrize("place", PLACES)
def test_no_disguise_starts_another_program(isolated, place):
    tries = "\n".join(f"found[{name!r}] = outcome(lambda: {act})" for name, act in DISGUISES.items())
    found = tried(isolated, place, ["true", "env"], f"{SETTING}found = {{}}\n{tries}")
    started = {name: said for name, said in found.items() if not isinstance(said, list)}
    assert not started


@pytest.mark.parametrize("place", PLACES)
def test_allowed_programs_start_by_every_way_to_say_where_they_are(isolated, place):
    code = """
from pathlib import Path
real = os.path.realpath("/bin/true")
found = [outcome(act) for act in (
    lambda: subprocess.run([Path("/bin/true")]),
    lambda: subprocess.run([real]),
    lambda: subprocess.run(["bin/true"], cwd="/"),
    lambda: subprocess.run(["true"], cwd="/", env={"PATH": "bin"}),
    lambda: subprocess.run(["true"], executable="/bin/../bin//true"),
    lambda: subprocess.run(["true"], preexec_fn=lambda: os.chdir("/")),
)]
"""
    assert tried(isolated, place, ["true"], code) == [0] * 6


@pytest.mark.parametrize("place", PLACES)
def test_a_program_that_was_replaced_or_changed_is_refused(isolated, place):
    tool = isolated.write("tool", "#!/bin/sh\nexit 0\n", 0o755)
    shutil.copy(tool, isolated.folder / "other-tool")

    def change() -> None:
        before = tool.stat()
        tool.write_text("#!/bin/sh\nexit 7\n")
        os.utime(tool, ns=(before.st_atime_ns, before.st_mtime_ns))

    # The program itself cannot write it: somebody else does, when asked.
    acts = {
        "change": change,
        "replace": lambda: os.replace(isolated.folder / "other-tool", tool),
        "remove": tool.unlink,
    }
    code = """
import time
found = [outcome(lambda: subprocess.run(["./tool"]))]
for name in ("change", "replace", "remove"):
    open(name, "w").close()
    while os.path.exists(name):
        time.sleep(0.01)
    found.append(outcome(lambda: subprocess.run(["./tool"])))
"""
    ended = threading.Event()

    def answer() -> None:
        while acts and not ended.wait(0.01):
            for name in [name for name in acts if (isolated.folder / name).exists()]:
                acts.pop(name)()
                (isolated.folder / name).unlink()

    outsider = threading.Thread(target=answer)
    outsider.start()
    try:
        first, changed, replaced, removed = tried(isolated, place, ["./tool"], code)
    finally:
        ended.set()
        outsider.join()
    assert (first, removed) == (0, "FileNotFoundError")
    assert [changed[4], replaced[4]] == [f"starting anew: {tool} is not what it was at the start"] * 2


@pytest.mark.parametrize("place", PLACES)
def test_a_script_brings_its_interpreter(isolated, place):
    isolated.write("shell-tool", "#!/bin/sh\nexit 3\n", 0o755)
    isolated.write("python-tool", f"#!{sys.executable}\nimport sys\nsys.exit(4)\n", 0o755)
    code = """
found = [outcome(act) for act in (lambda: subprocess.run(["./shell-tool"]), lambda: subprocess.run(["./python-tool"]),
    lambda: subprocess.run(["sh", "./shell-tool"]), lambda: subprocess.run([sys.executable, "./python-tool"]))]
"""
    found = tried(isolated, place, ["./shell-tool", "./python-tool"], code)
    assert found[:2] == [3, 4]
    assert [denial[4] for denial in found[2:]] == [
        "--allow-run sh",
        f"--allow-run {sys.executable}",
    ] or place == "foreign"
    assert [len(denial) for denial in found[2:]] == [5, 5]


@pytest.mark.parametrize("place", PLACES)
def test_the_interpreter_of_a_script_is_not_looked_for_where_the_program_says(isolated, place):
    isolated.write("tool", "#!/usr/bin/env interpreter\n", 0o755)
    isolated.write("good/interpreter", "#!/bin/sh\nexit 0\n", 0o755)
    isolated.write("mine/interpreter", "#!/bin/sh\nexit 7\n", 0o755)
    code = "found = outcome(lambda: subprocess.run(['./tool'], env={'PATH': os.getcwd() + '/mine:/bin:/usr/bin'}))"
    path = f"{isolated.folder}/good:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    assert tried(isolated, place, ["./tool"], code, env={"PATH": path}) == 0


@pytest.mark.parametrize("place", PLACES)
def test_a_python_child_is_guarded_by_the_same_list(isolated, place):
    code = """
inner = "from probe import *; print(json.dumps([outcome(lambda: subprocess.run([name])) for name in ('true', 'false')]))"
words = [sys.executable, "-c", inner]
found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
"""
    allowed, refused = tried(isolated, place, ["true", "python"], code, env={"PYTHONPATH": str(isolated.folder)})
    assert allowed == 0
    assert refused[4] == "--allow-run false"


def test_an_interpreter_of_another_environment_is_another_program(isolated, other):
    found = tried(
        isolated, "process", [sys.executable], f"found = outcome(lambda: subprocess.run([{other.python!r}, '-V']))"
    )
    assert found[4] == f"--allow-run {other.python}"


def test_workers_of_multiprocessing_are_started_by_an_allowed_interpreter(isolated):
    isolated.write(
        "target.py",
        """
        import multiprocessing, os, sys

        def work(name):
            try:
                os.posix_spawn("/bin/false", ["false"], {})
            except RuntimeError as blocked:
                return f"{name}: {blocked}"

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, ["worker"])[0])
        """,
    )
    done = isolated.cli("--no-subprocess", "--allow-run", sys.executable, "--", "./target.py")
    assert done.stdout == "worker: subprocess disabled: os.posix_spawn\n", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux who its children are")
@pytest.mark.parametrize("place", PLACES)
def test_own_children_can_be_ended_and_nobody_else(isolated, place):
    code = """
def ended(how, **options):
    process = subprocess.Popen(["sleep", "60"], **options)
    how(process)
    return process.wait()

def late(process):
    process.kill()
    process.wait()
    os.kill(process.pid, 15)

found = [outcome(act) for act in (
    lambda: ended(subprocess.Popen.terminate),
    lambda: ended(subprocess.Popen.kill),
    lambda: ended(lambda p: p.send_signal(1)),
    lambda: ended(lambda p: os.kill(p.pid, 15)),
    lambda: ended(lambda p: os.killpg(p.pid, 15), start_new_session=True),
    lambda: ended(lambda p: os.kill(-p.pid, 15), start_new_session=True),
    lambda: [__import__("signal").signal(10, lambda *_: None), os.kill(os.getpid(), 10), 0][2],
    lambda: ended(late),
    lambda: os.kill(os.getppid(), 15),
    lambda: os.kill(1, 15),
    lambda: os.kill(-1, 15),
    lambda: os.kill(0, 15),
    lambda: os.killpg(os.getpgid(os.getppid()), 15),
    lambda: os.killpg(1, 15),
)]
"""
    found = tried(isolated, place, ["sleep"], code)
    assert found[:7] == [-15, -9, -1, -15, -15, -15, 0]
    assert [denial[0] for denial in found[7:]] == ["subprocess disabled: os.kill"] * 5 + [
        "subprocess disabled: os.killpg"
    ] * 2


@pytest.mark.parametrize("place", PLACES)
def test_variables_by_which_a_child_would_run_more_stay_as_they_were(isolated, place):
    code = """
mine = {"LD_PRELOAD": "x", "PYTHONSTARTUP": "x", "BASH_ENV": "x", "GIT_SSH_COMMAND": "x", "GIT_CONFIG_COUNT": "1",
        "PAGER": "x", "EDITOR": "mine", "PATH": "/mine", "PERL5OPT": "x", "GIT_AUTHOR_NAME": "kept", "MINE": "kept",
        "MAKEFILES": "x", "OPENSSL_CONF": "x", "RIPGREP_CONFIG_PATH": "x", "VIMINIT": "x", "LESSKEY_CONTENT": "x",
        "GH_PAGER": "x", "SSH_ASKPASS": "x", "npm_config_script_shell": "x", "RUSTC_WRAPPER": "x"}
found = subprocess.run(["env"], env=mine, capture_output=True, text=True, executable="/usr/bin/env").stdout
"""
    lines = tried(isolated, place, ["env"], code, env={"EDITOR": "given", "PAGER": "x"}).split("\n")
    names = {line.partition("=")[0] for line in lines if line}
    assert names == {"PATH", "PAGER", "GIT_AUTHOR_NAME", "MINE", "PYTHONPATH", "HERMETIC_POLICY"}
    assert "PATH=/mine" not in lines


@pytest.mark.parametrize("place", PLACES)
def test_a_child_without_a_path_is_given_that_of_the_start(isolated, place):
    """bash looks in its own, which may end with the folder where it begins."""
    code = """
os.mkdir("here")
with open("here/only-there", "w") as file:
    file.write("#!/bin/sh\\necho mine\\n")
os.chmod("here/only-there", 0o755)
found = [subprocess.run(["./tool"], env=mine, capture_output=True, text=True).stdout for mine in ({}, {"PATH": "."})]
"""
    isolated.write("tool", "#!/bin/bash\ncd here\nonly-there\necho $PATH\n", 0o755)
    lines = tried(isolated, place, ["./tool"], code)
    assert lines == [isolated.environment()["PATH"] + "\n"] * 2


@pytest.mark.parametrize("place", PLACES)
def test_the_library_finds_missing_what_it_asks_for_information(isolated, place):
    code = "import platform, uuid\nfound = [bool(platform.platform()), uuid.getnode() > 0]"
    assert tried(isolated, place, ["true"], code) == [True, True]


def test_a_real_program_runs_in_a_run_and_in_a_block(isolated):
    if shutil.which("git") is None:
        pytest.skip("no git here")
    for place in PLACES:
        code = "found = subprocess.run(['git', '--version'], capture_output=True, text=True, check=True).stdout"
        assert tried(isolated, place, ["git"], code).startswith("git version")
