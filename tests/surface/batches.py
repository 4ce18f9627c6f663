"""Runs every example of a family in one process, in each place where guards can be, and says what happened.

The examples are functions of an imported module, because under --no-code-exec nothing else could run them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from examples import AVAILABLE, HARMLESS, SETTINGS

from _hermetic.capabilities import FAMILIES, load_family
from conftest import LAUNCHER, SOURCE, Isolated
from hermetic.settings import SETTINGS as DECLARED

ROWS = [(guard, number, row) for guard in FAMILIES for number, row in enumerate(load_family(guard).surface)]
TRIED = [(g, n, r) for g, n, r in ROWS if r.example]
# foreign: a program of another environment, where hermetic is not installed. worker, forked: what multiprocessing
# starts in a block, anew and by a fork. within: a seal in a block that is left, with one of its own that is left, too.
PLACES = ("process", "block", "nested", "sealed", "within", "foreign", "worker", "forked")
# Workers that the family itself refuses: it starts no process, or lets nobody read the pickle that says what to run.
NO_WORKER = {("subprocess", "worker"), ("subprocess", "forked"), ("code_exec", "worker")}


# What a child may do, and its parent may not: it takes over the sockets that its parent was allowed to have.
OF_CHILDREN = {
    "import socket; socket.socket(fileno=0)",
    "import socket; socket.fromfd(0, socket.AF_INET, socket.SOCK_STREAM)",
}


def places_of(guard: str, example: str = "") -> list[str]:
    """The places where a family refuses its examples, or this one."""
    places = [place for place in PLACES if (guard, place) not in NO_WORKER]
    return [place for place in places if place != "worker" or example not in OF_CHILDREN]


# What differs from run to run: folders, processes, pipes, made-up names.
CHANGING = r"[^\s(]*/run\b/?|[^\s(]*/lib/python3\.\d+/site-packages/|pid \d+|group \d+|pipe:\[\d+\]|tmp\w{8}\b"

# Runs the examples; imported by every runner, so that what they share is one text.
TRYING = """
import os, sys, traceback
import examples

def try_all():
    pid, write, leave = os.getpid(), os.write, os._exit
    from _hermetic import events
    from _hermetic.errors import PolicyViolation
    results = []
    for name, function in examples.ALL:
        write(2, f"\\n=={name}\\n".encode())
        events.start_log(pid)
        try:
            function()
            found = None
        except BaseException as error:
            found = error
        if os.getpid() != pid:
            leave(0)
        names = ("guard", "target", "reason", "remedy", "capability", "call", "message", "place")
        results.append([name, {
            "python": list(sys.version_info[:2]),
            "kind": found and type(found).__name__, "text": str(found), "violation": isinstance(found, PolicyViolation),
            "oserror": isinstance(found, OSError), "importerror": isinstance(found, ImportError),
            "recorded": [list(map(str, record[:4])) for record in events.LOG],
            **({n: getattr(found, n) for n in names} if isinstance(found, PolicyViolation) else {}),
        }])
        sys.settrace and None
    write(1, (dumps(results) + "\\n").encode())
    leave(0)

# Loaded while that is still allowed.
from json import dumps
"""
RUNNER = """
import json, sys, threading
import trying

def main():
    from hermetic.blocker import BlockConfig, hermetic_blocker, values_of
    from hermetic.request import policy_from
    from _hermetic import blocks, start

    place, settings = sys.argv[1], json.loads(sys.argv[2])
    values = values_of(BlockConfig(**settings, trace=True, report_only=place == "report", sealed=place in ("sealed", "within")))
    block = None
    if place in ("process", "sealed", "report"):
        start.start_policies((policy_from(values),))
    elif place == "within":
        with hermetic_blocker(BlockConfig(**settings)):
            start.start_policies((policy_from(values),))
            with hermetic_blocker(BlockConfig(**settings)):
                pass
    elif place == "nested":
        hermetic_blocker(block_interpreter_mutation=True, report_only=True).__enter__()
        block = hermetic_blocker(BlockConfig(**settings, trace=True))
        block.__enter__()
    else:
        if place in ("worker", "forked"):
            import multiprocessing
            context = multiprocessing.get_context({"worker": "spawn", "forked": "fork"}[place])
            worker = context.Process(target=trying.try_all)
        from _hermetic.compiled import Compiled

        blocks.enter_block(object(), Compiled(policy_from(values)))
        if place in ("worker", "forked"):
            worker.start()
            worker.join()
            sys.exit(worker.exitcode)
    trying.try_all()

if __name__ == "__main__":
    main()
"""
# The program of another environment: the command line starts the guards before its first line.
FOREIGN = "import trying\ntrying.try_all()\n"
# The parent of the runner is nobody who matters: some examples would stop or signal it.
SHIELD = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


# What makes folders, which pytest removes, after a run that was killed, too.
FOLDERS: list[pytest.TempPathFactory] = []


@pytest.fixture(scope="session", autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For whoever asks for an interpreter: what has been made is remembered until the end."""
    FOLDERS.append(tmp_path_factory)
    yield
    FOLDERS.pop()


@lru_cache(maxsize=None)
def other_python(base: str = sys.executable) -> str:
    """The interpreter of a fresh environment on this one's base, without hermetic."""
    folder = str(FOLDERS[-1].mktemp("other"))
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    found = Path(folder, "Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return str(found)


def options(settings: dict[str, object]) -> list[str]:
    """The words of a command line that ask for this."""
    words = []
    declared = {setting.key: setting for setting in DECLARED}
    for name, value in settings.items():
        if name == "fs_root":
            words[words.index("--fs-readonly")] += f"={value}"
        elif value is True:
            words.append(declared[name].flags[0])
        else:
            words += [f"{declared[name].flags[0]}={item}" for item in value]
    return words


def module_of(rows: list[tuple[int, str]]) -> str:
    """The module of the examples."""
    parts = [f"def example_{n}():\n" + "".join(f"    {line}\n" for line in text.splitlines()) for n, text in rows]
    return "\n".join(parts) + "\nALL = [" + ", ".join(f"({n}, example_{n})" for n, _ in rows) + "]\n"


def batch(
    guard: str, place: str, rows: list[tuple[int, str]], python: str, target: str
) -> dict[int, dict[str, object]]:
    """Example number -> what happened, with the trace lines it wrote; -1 -> why there is nothing to judge."""
    settings = SETTINGS[guard]
    with TemporaryDirectory(prefix="h") as name:
        (folder := Path(name, "run")).mkdir()
        (folder / "root").mkdir()
        (temp := Path(name, "tmp")).mkdir()
        runner = Isolated(folder, temp)
        runner.write("examples.py", module_of(rows))
        runner.write("trying.py", TRYING)
        if place == "foreign":
            runner.write("runner.py", FOREIGN)
            words = [python, "-c", LAUNCHER, *options(settings), "--trace", "--", target, "runner.py"]
            # Nothing of this environment but what every program has.
            how = {"env": {"PYTHONPATH": None}, "bare": True}
        else:
            runner.write("runner.py", RUNNER)
            words = [python, "runner.py", place, json.dumps(settings)]
            how = {"env": {"PYTHONPATH": str(SOURCE)}}
        done = runner.run([sys.executable, "-c", SHIELD, *words], **how)
    if not done.stdout.strip():
        # Returned, not raised: what is raised is not remembered, and every row would run the batch again.
        return {-1: {"text": f"{guard} in {place}: status {done.code}\n{done.stderr[-3000:]}"}}
    found = dict(done.data)
    for part in done.stderr.split("\n==")[1:]:
        number, _, rest = part.partition("\n")
        if int(number) in found:
            found[int(number)]["trace"] = [line for line in rest.splitlines() if line.startswith("[hermetic]")]
    return found


@lru_cache(maxsize=None)
def outcomes(guard: str, place: str) -> dict[int, dict[str, object]]:
    """Example number -> what happened, for this interpreter's rows."""
    rows = [(n, r.example) for g, n, r in TRIED if g == guard and AVAILABLE.get(r.example, True)]
    if place == "report":
        rows = [(n, example) for n, example in rows if example in HARMLESS]
    return batch(guard, place, rows, sys.executable, other_python() if place == "foreign" else "")


def outcome(guard: str, place: str, number: int) -> dict[str, object]:
    """What one example did."""
    found = outcomes(guard, place)
    assert -1 not in found, found[-1]["text"]
    return found[number]
