"""Options and blocks do not get into one another's way: what several report or refuse is what each of them does."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

ACTS = """
import ast, collections, ctypes, dataclasses, gzip, importlib, io, json, os, pathlib, pickle, runpy, shutil, signal, socket
import sqlite3, ssl, subprocess, sys, threading, time, traceback, types, typing, urllib.request, zipfile

Pair = collections.namedtuple("Pair", "one other")
@dataclasses.dataclass
class Made:
    one: "typing.List[int]" = None
class Late:
    def __del__(self): return 1 / len("")

acts = (
    lambda: socket.create_connection(("192.0.2.1", 9), 0.001), lambda: socket.socketpair(),
    lambda: socket.getaddrinfo("192.0.2.1", 80, flags=socket.AI_NUMERICHOST), lambda: ssl.create_default_context(),
    lambda: subprocess.run(["true"]), lambda: os.system("true"), lambda: os.kill(os.getpid(), 0),
    lambda: open("in.txt").read(), lambda: open("new.txt", "w").close(), lambda: open("/etc/hosts").read(),
    lambda: pathlib.Path("new.txt").unlink(), lambda: os.listdir("/etc"), lambda: os.mkdir("made"), lambda: os.rmdir("made"),
    lambda: shutil.copy("in.txt", "copy.txt"), lambda: gzip.open("new.gz", "wb").close(),
    lambda: sqlite3.connect(":memory:").execute("select 1"), lambda: sqlite3.connect("new.db").execute("create table t (x)"),
    lambda: os.environ["PATH"], lambda: os.environ.get("HOME"), lambda: os.path.expanduser("~"), lambda: os.putenv("A", "b"),
    lambda: eval("1 + 1"), lambda: exec("x = 1"), lambda: compile("1", "f", "eval"), lambda: ast.literal_eval("[1]"),
    lambda: pickle.loads(pickle.dumps(Made)), lambda: types.FunctionType((lambda: 0).__code__, {}),
    lambda: ctypes.CDLL(None).getpid(), lambda: ctypes.string_at(id(1), 1),
    lambda: os.chdir("."), lambda: sys.path.append("x"), lambda: sys.setrecursionlimit(1000),
    lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN), lambda: time.tzset(), lambda: Late(),
    lambda: importlib.import_module("this_is_not_there"), lambda: traceback.print_stack(file=io.StringIO()),
    lambda: zipfile.ZipFile("new.zip", "w").close(), lambda: runpy.run_path("in.txt"), lambda: Pair(1, Made()),
)
"""
PROGRAM = (
    ACTS
    + """
for act in acts:
    try:
        act()
    except Exception:
        pass
thread = threading.Thread(target=len, args=("",))
thread.start(), thread.join()
print("END")
"""
)
OPTIONS = (
    "--no-network",
    "--no-subprocess",
    "--no-code-exec",
    "--block-native",
    "--no-interpreter-mutation",
    "--deny-import=json",
)
WRITTEN = ("new.txt", "new.gz", "new.db", "new.zip", "copy.txt")
# Addresses in memory, and descriptors.
RANDOM = re.compile(r"0x[0-9a-f]+|(?<=path=)\d+")


def reported(isolated: Any, options: tuple[str, ...]) -> Counter[str]:
    """What a run reports, each with how often."""
    done = isolated.script(["--kernel=off", "--report-only", *options], PROGRAM)
    assert (done.code, done.stdout) == (0, "END\n"), done
    for name in WRITTEN:
        (isolated.folder / name).unlink(missing_ok=True)
    lines = [RANDOM.sub("#", line) for line in done.errors if line.startswith("[hermetic]")]
    # Refused under every policy, so that each of them tells it.
    return Counter(line for line in lines if not line.endswith("reason=integrity"))


@pytest.mark.parametrize("environment", ["--no-environment", "--no-environment=unset"])
@pytest.mark.parametrize("files", ["--fs-readonly", "--fs-readonly=."])
def test_all_report_what_each_reports(isolated: Any, files: str, environment: str) -> None:
    isolated.write("in.txt", "text")
    options = (*OPTIONS, files, environment)
    each: Counter[str] = Counter()
    for option in options:
        found = reported(isolated, (option,))
        assert found, option
        each += found
    assert reported(isolated, options) == each


BLOCKS = """
import contextlib, re, warnings
from hermetic import PolicyViolation, hermetic_blocker
ALL = [
    {"block_network": True}, {"block_subprocess": True}, {"block_code_exec": True}, {"block_native": True},
    {"block_interpreter_mutation": True}, {"deny_imports": ["this_is_not_there"]}, {"fs_readonly": True, **FILES},
    {"block_environment": True},
]

def answers(*layers):
    found = []
    for act in acts:
        with contextlib.ExitStack() as stack:
            for keywords in layers:
                stack.enter_context(hermetic_blocker(**keywords))
            try:
                act()
                answer = "done"
            except PolicyViolation as violation:
                answer = re.sub(RANDOM, "#", violation.message)
            except BaseException as error:
                answer = type(error)
        for name in WRITTEN:
            if os.path.exists(name):
                os.unlink(name)
        if os.path.isdir("made"):
            os.rmdir("made")
        found.append(answer)
    return found

warnings.simplefilter("ignore")
plain, each = answers(), [answers(keywords) for keywords in ALL]
assert all(found != plain for found in each)
together = {key: value for keywords in ALL for key, value in keywords.items()}
for layers in ([together], ALL, ALL[::-1]):
    for number, found in enumerate(answers(*layers)):
        changed = {answers[number] for answers in each} - {plain[number]}
        assert found in (changed or {plain[number]}), (len(layers), number, found, changed)
"""


@pytest.mark.parametrize("files", [{}, {"fs_root": "."}], ids=str)
def test_blocks_refuse_what_each_of_them_refuses(isolated: Any, files: dict[str, str]) -> None:
    """In one block, one inside the other, and the other way round."""
    isolated.write("in.txt", "text")
    names = f"FILES, WRITTEN, RANDOM = {files!r}, {WRITTEN!r}, {RANDOM.pattern!r}\n"
    isolated.passes(names + ACTS + BLOCKS)


HARMLESS = """
import collections, dataclasses, enum, functools, json, re, threading, traceback, typing
Pair = collections.namedtuple("Pair", "one other")
@dataclasses.dataclass(order=True)
class Made:
    one: "typing.List[int]" = dataclasses.field(default_factory=list)
class Late:
    def __del__(self): return 1 / len("")
Late()
def fails(): return 1 / len("")
thread = threading.Thread(target=fails)
thread.start(), thread.join()
try:
    fails()
except ZeroDivisionError:
    traceback.print_exc()
print(json.dumps([Pair(1, 2), Made().one]), open("in.txt").read(), re.sub("a", "b", "a"))
"""


@pytest.mark.parametrize("seal", ["", "--seal"])
def test_a_program_that_needs_nothing_is_refused_nothing_by_all_of_them(isolated: Any, seal: str) -> None:
    isolated.write("in.txt", "text")
    options = "--no-network --no-subprocess --no-code-exec --block-native --no-interpreter-mutation --fs-readonly=."
    done = isolated.script(f"{options} --no-environment=unset --deny-import=pickle --strict --trace {seal}", HARMLESS)
    assert (done.code, done.stdout) == (0, "[[1, 2], []] text b\n"), done
    assert "[hermetic]" not in done.stderr, done
