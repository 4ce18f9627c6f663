"""Two policies of the whole process, a run's and a lock's or two locks': a child is under both, and so are its own."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
from starts import STARTS, WAIT, available

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

CHILD = """
said = []
for name in ('colorsys', 'tabnanny'):
    try:
        __import__(name)
        said.append('free')
    except ImportError as error:
        said.append('held' if str(error) == f'import blocked: {name}' else repr(error))
print('|'.join(said))
"""
HEAD = f"import json, os, subprocess, sys\nimport hermetic\nPY, CODE = sys.executable, {CHILD!r}\n{WAIT}\n"
BODY = """
found = {}
for name, code in STARTS.items():
    names = dict(globals())
    try:
        exec(code, names)
        said = names["start"]()
    except BaseException as error:
        said = type(error).__name__ + ": " + str(error)
    found[name] = next((line for line in said.splitlines() if "|" in line), said.strip())
print(json.dumps(found))
"""
LOCK = "hermetic.lock(deny_imports=['{}'], kernel='off', sealed={})\n"
BLOCK = "block = hermetic.hermetic_blocker(deny_imports=['{}'], sealed={})\nblock.__enter__()\n"
FIRST = {
    "run": ("--deny-import colorsys --kernel=off", ""),
    "sealed run": ("--deny-import colorsys --kernel=off --seal", ""),
    "lock": ("", LOCK.format("colorsys", False)),
    "sealed lock": ("", LOCK.format("colorsys", True)),
    "sealed block": ("", BLOCK.format("colorsys", True)),
    "around it a block": ("", BLOCK.format("colorsys", False)),
}
LATER = {
    "lock": LOCK.format("tabnanny", False),
    "sealed lock": LOCK.format("tabnanny", True),
    "sealed block": BLOCK.format("tabnanny", True),
}
# Every way in the first of these, a few in the others.
EVERY = {("run", "lock"), ("sealed lock", "sealed lock"), ("around it a block", "lock")}
FEW = ("run, isolated", "run, no site", "run, copy", "run, bare stdin", "shell, clean environment", "child of a child")
FEW += ("system", "posix_spawn", "execve", "fork", "asyncio")
# Under a seal a program that is not Python is refused where no kernel holds it, whose seal it may be.
NOT_PYTHON = {"shell", "shell, clean environment", "shell of a shell", "popen", "system", "exec -a", "loader"}


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("first", FIRST)
def test_children_are_under_both(isolated, first, later):
    names = STARTS if (first, later) in EVERY else FEW
    options, before = FIRST[first]
    starts = {name: STARTS[name] for name in names if available(name)}
    code = f"{HEAD}STARTS = {starts!r}\n{before}{LATER[later]}{BODY}"
    done = isolated.script(options, code) if options else isolated.code(code)
    said = json.loads(done.stdout.splitlines()[-1])
    for name in starts:
        if "sealed" in first + later and name in NOT_PYTHON:
            assert said[name].startswith("PolicyViolation: subprocess disabled: "), (name, said[name])
        else:
            assert said[name] == "held|held", (name, said[name])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("pair", [("run", "lock"), ("sealed run", "sealed lock")])
def test_workers_are_under_both(isolated, pair, method):
    first, later = pair
    isolated.write(
        "target.py",
        f"""
import hermetic, multiprocessing, sys
def attempt(name):
    try:
        __import__(name)
        return "free"
    except ImportError as error:
        return str(error)
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    with context.Pool(1) as pool:  # a fork server is older than what comes next
        assert pool.map(attempt, ["colorsys", "poplib"]) == ["import blocked: colorsys", "free"]
    {LATER[later].strip()}
    with context.Pool(1) as pool:
        print(pool.map(attempt, ["colorsys", "tabnanny"]))
""",
    )
    done = isolated.cli(*FIRST[first][0].split(), "--", "./target.py")
    assert (done.stdout, done.stderr) == ("['import blocked: colorsys', 'import blocked: tabnanny']\n", "")


def test_fork_server_from_before_forks_none_that_is_not_held(isolated):
    """Neither in the process, nor in a block that was entered before the lock, nor after it."""
    isolated.write(
        "target.py",
        """
import hermetic, multiprocessing
def attempt(name):
    try:
        __import__(name)
        return "free"
    except ImportError as error:
        return str(error)
def asked(name):
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.map(attempt, [name])[0]
if __name__ == "__main__":
    assert asked("tabnanny") == "free"
    with hermetic.hermetic_blocker(deny_imports=["colorsys"]):
        assert asked("tabnanny") == "free"
        hermetic.lock(deny_imports=["tabnanny"], kernel="off")
        assert asked("tabnanny") == "import blocked: tabnanny"
    assert asked("tabnanny") == "import blocked: tabnanny"
    with hermetic.hermetic_blocker(deny_imports=["colorsys"]):
        assert asked("tabnanny") == "import blocked: tabnanny"
""",
    )
    done = isolated.python("target.py")
    assert (done.code, done.stderr) == (0, "")


# --- what else the two say of children ---


LIST = "hermetic.lock(block_subprocess=True, allow_run=[{}], kernel='off')\n"


@pytest.mark.parametrize("first", ["run", "lock"])
def test_list_of_programs_of_the_later_one_holds(isolated, first):
    options, before = FIRST[first]
    code = f"""
{HEAD}
{before}{LIST.format("PY")}
assert subprocess.run([PY, "-I", "-c", "import tabnanny; print('ran')"], capture_output=True, text=True).stdout == "ran\\n"
code = CODE.replace("tabnanny", "colorsys")
assert subprocess.run([PY, "-c", code], capture_output=True, text=True).stdout == "held|held\\n"
for start in (lambda: subprocess.run(["/bin/true"]), lambda: os.system("true"), lambda: os.posix_spawn("/bin/true", ["true"], {{}})):
    try:
        start()
        raise AssertionError("started")
    except hermetic.PolicyViolation as error:
        assert str(error).startswith("subprocess disabled: "), error
inner = "import subprocess, hermetic\\ntry:\\n    subprocess.run(['/bin/true'])\\nexcept hermetic.PolicyViolation as error:\\n    print(error)"
print(subprocess.run([PY, "-c", inner], capture_output=True, text=True).stdout, end="")
"""
    done = isolated.script(options, code) if options else isolated.code(code)
    assert done.stdout == "subprocess disabled: subprocess.Popen\n", done


def test_variables_that_the_later_one_takes_away_stay_away(isolated):
    done = isolated.script(
        "--deny-import colorsys --kernel=off",
        f"""
{HEAD}
hermetic.lock(block_environment=True, allow_env=["KEPT"], kernel="off")
code = "import os; print(os.environ['KEPT']); os.environ['SECRET']"
child = subprocess.run([PY, "-c", code], env={{"KEPT": "1", "SECRET": "2"}}, capture_output=True, text=True)
print(child.stdout, "environment disabled: SECRET" in child.stderr)
print(subprocess.run(["/usr/bin/env"], env={{"SECRET": "2"}}, capture_output=True, text=True).stdout.count("SECRET"))
""",
        env={"KEPT": "0", "SECRET": "0"},
    )
    assert done.stdout == "1\n True\n0\n", done


OTHER = """
try:
    print(subprocess.run(["/bin/true"]).returncode)
except hermetic.PolicyViolation as error:
    print(error, error.reason, error.place[2])
"""


@pytest.mark.parametrize(
    ("first", "later", "said"),
    [
        ("", "hermetic.lock(deny_imports=['tabnanny'], kernel='off', sealed=True)", "seal"),
        ("--seal", "hermetic.lock(deny_imports=['tabnanny'], kernel='off')", "seal"),
        ("--strict", "hermetic.lock(deny_imports=['tabnanny'], kernel='off')", "strict"),
    ],
)
def test_program_that_is_no_python_needs_the_leave_of_both(isolated, first, later, said):
    """And so it is in a child, whose two policies begin together."""
    code = f"{HEAD}{later}\n{OTHER}"
    inner = f"import subprocess, hermetic\n{OTHER}"
    code += f"print(subprocess.run([PY, '-c', {inner!r}], capture_output=True, text=True).stdout, end='')"
    done = isolated.script(f"--deny-import colorsys --kernel=off {first}", code)
    assert done.stdout == 2 * f"subprocess disabled: subprocess.Popen {said} <module>\n", done


def test_first_that_only_reports_lets_the_later_one_hold(isolated):
    done = isolated.script(
        "--deny-import colorsys --report-only --kernel=off",
        f"""
{HEAD}{LATER["lock"]}
print(subprocess.run([PY, "-I", "-c", CODE], capture_output=True, text=True).stdout, end="")
child = "import os; print(os.environ.get('PYTHONSTARTUP'))"
print(subprocess.run([PY, "-c", child], env={{"PYTHONSTARTUP": "x"}}, capture_output=True, text=True).stdout, end="")
""",
    )
    assert done.stdout == "free|held\nNone\n", done


def test_third_one_holds_too(isolated):
    done = isolated.code(f"""
{HEAD}{FIRST["lock"][1]}{LATER["sealed lock"]}
hermetic.lock(deny_imports=["chunk_or_so", "poplib"], kernel="off")
child = "import subprocess, sys\\nsubprocess.run([sys.executable, '-I', '-c', sys.argv[1]])"
for code in (CODE, CODE.replace("colorsys", "poplib")):
    print(subprocess.run([PY, "-c", child, code], capture_output=True, text=True).stdout, end="")
""")
    assert done.stdout == "held|held\nheld|held\n", done


def test_start_that_was_kept_from_a_block_is_under_a_later_lock(isolated):
    """The stand-in of the block knows the block; to the lock's hook it is no stranger."""
    done = isolated.code(f"""
{HEAD}{BLOCK.format("colorsys", False)}
kept = os.posix_spawn
{LATER["lock"]}
print(spawned(lambda: kept(PY, [PY, "-c", CODE], {{}})), end="")
""")
    assert done.stdout == "held|held\n", done


IMPORT_STATE = """
import sys
import colorsys
for attempt in ("sys.path.append('x')", "sys.path = []", "sys.__class__ = type(colorsys)", "sys.path_hooks.clear()"):
    try:
        exec(attempt)
    except Exception as error:
        print(str(error).removeprefix("interpreter mutation disabled: "))
list.append(sys.path, "x")
import tabnanny
print("x" in sys.path)
"""
STATE_SAID = "sys.path\nsys.path\nsys\nsys.path_hooks\nFalse\n"


def test_import_state_that_both_hold(isolated):
    """No second lists come in the place of the first's; what was put back were lists that nobody had put there."""
    done = isolated.script(
        "--no-interpreter-mutation --deny-import poplib --kernel=off",
        f"""
{HEAD}
hermetic.lock(block_interpreter_mutation=True, kernel="off")
exec({IMPORT_STATE!r})
print(subprocess.run([PY, "-c", {IMPORT_STATE!r}], capture_output=True, text=True).stdout, end="")
""",
    )
    assert done.stdout == 2 * STATE_SAID, done


def test_import_state_that_a_run_and_a_block_hold_in_a_child(isolated):
    done = isolated.script(
        "--no-interpreter-mutation --deny-import poplib --kernel=off",
        f"""
{HEAD}
with hermetic.hermetic_blocker(block_interpreter_mutation=True):
    print(subprocess.run([PY, "-c", {IMPORT_STATE!r}], capture_output=True, text=True).stdout, end="")
""",
    )
    assert done.stdout == STATE_SAID, done


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("later", [False, True])
def test_what_one_policy_asks_of_the_kernel_or_by_strict_holds_for_all(monkeypatch, first, later):
    from _hermetic.enforce import lasting

    monkeypatch.setattr(lasting, "answers", lambda number: [((), (), (), None, (later, (), later, ()))])
    context = [()] * 10
    context[lasting.OPTIONS] = (first, False, (), first, (), ())
    strict, _, _, required, *_ = lasting.in_force(tuple(context))[4]
    assert (strict, required) == (first or later, first or later)


@pytest.mark.parametrize("error", [LookupError(1, ()), LookupError(0), KeyError(0, ()), LookupError("0", ())], ids=repr)
def test_what_no_policy_has_answered_is_raised(monkeypatch, error):
    from _hermetic.enforce import lasting

    def asked(question, number):
        raise error

    monkeypatch.setattr(lasting, "AUDIT", asked)
    with pytest.raises(LookupError) as found:
        lasting.answers(0)
    assert found.value is error


@pytest.mark.skipif(os.name != "posix", reason="posix")
@pytest.mark.parametrize(
    "start",
    [
        "posix_spawn('/bin/echo', ['echo', 'ran'], {})",
        "system('echo ran')",
        "execv('/bin/echo', ['echo', 'ran'])",
        "execve('/bin/echo', ['echo', 'ran'], {})",
    ],
)
def test_a_start_that_was_kept_from_before_a_block_is_refused(isolated, start):
    """Nobody could give what it starts the policy of the block."""
    code = f"""
        from os import execv, execve, posix_spawn, system
        from hermetic import PolicyViolation, hermetic_blocker
        with hermetic_blocker(block_network=True):
            try:
                {start}
            except PolicyViolation as blocked:
                print(blocked, flush=True)
    """
    done = isolated.passes(code)
    assert re.fullmatch(r"subprocess disabled: os\.(posix_spawn|system|exec)\n", done.stdout)
