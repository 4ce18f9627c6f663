"""Options do not get into one another's way: what several report is what each of them reports."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

PROGRAM = """
import ast, collections, ctypes, dataclasses, gzip, importlib, io, json, os, pathlib, pickle, runpy, shutil, signal, socket
import sqlite3, ssl, subprocess, sys, threading, time, traceback, types, typing, urllib.request, zipfile

Pair = collections.namedtuple("Pair", "one other")
@dataclasses.dataclass
class Made:
    one: "typing.List[int]" = None
class Late:
    def __del__(self): return 1 / len("")

for act in (
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
):
    try:
        act()
    except Exception:
        pass
thread = threading.Thread(target=len, args=("",))
thread.start(), thread.join()
print("END")
"""
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
