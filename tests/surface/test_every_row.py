"""The table is the test list: every row's example, in every place, with the documented violation and trace.

One process per family and place runs all examples and prints what happened; each
row is then judged by itself. The examples are functions of an imported module,
because under --no-code-exec nothing else could run them.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from examples import AVAILABLE, HARMLESS, NO_EXAMPLE, PHRASES, SETTINGS

from _hermetic.capabilities import FAMILIES, load_family
from conftest import Isolated

ROWS = [(guard, number, row) for guard in FAMILIES for number, row in enumerate(load_family(guard).surface)]
TRIED = [(g, n, r) for g, n, r in ROWS if r.example]
PLACES = ("process", "block", "nested", "sealed")
# What differs from run to run: folders, processes, pipes, made-up names.
CHANGING = r"[^\s(]*/run\b/?|pid \d+|group \d+|pipe:\[\d+\]|tmp\w{8}\b"
TRACE = re.compile(r"\[hermetic\] (blocked|would block) (\S+)( (?:host|path|name)=.*)? reason=([a-z-]+)")


def door(row) -> str:
    return (*row.audit, *row.patch)[0]


def ids(value):
    return value if isinstance(value, str) else ""


RUNNER = """
import json, os, sys, threading, traceback
import examples
from _hermetic.errors import PolicyViolation
from hermetic.blocker import BlockConfig, hermetic_blocker, values_of
from hermetic.settings import policy_from
from _hermetic import events, start
from _hermetic.compiled import Compiled

place, settings = sys.argv[1], json.loads(sys.argv[2])
values = values_of(BlockConfig(**settings, trace=True, report_only=place == "report", sealed=place == "sealed"))
block = None
if place in ("process", "sealed", "report"):
    start.start_policies((policy_from(values),))
elif place == "block":
    start.enter_block(object(), Compiled(policy_from(values)))
else:
    hermetic_blocker(block_interpreter_mutation=True, report_only=True).__enter__()
    block = hermetic_blocker(BlockConfig(**settings, trace=True))
    block.__enter__()
pid, write, leave, flush = os.getpid(), os.write, os._exit, sys.stdout.flush
results = []
for name, function in examples.ALL:
    write(2, f"\\n=={name}\\n".encode())
    before = len(events.LOG)
    try:
        function()
        found = None
    except BaseException as error:
        found = error
    if os.getpid() != pid:
        leave(0)
    names = ("guard", "target", "reason", "remedy", "capability", "call", "message", "place")
    results.append([name, {
        "kind": found and type(found).__name__, "text": str(found), "violation": isinstance(found, PolicyViolation),
        "oserror": isinstance(found, OSError), "importerror": isinstance(found, ImportError),
        "recorded": [list(map(str, record[:4])) for record in list(events.LOG)[before:]],
        **({n: getattr(found, n) for n in names} if isinstance(found, PolicyViolation) else {}),
    }])
    sys.settrace and None
write(1, (json.dumps(results) + "\\n").encode())
leave(0)
"""
# The parent of the runner is nobody who matters: some examples would stop or signal it.
SHIELD = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"


def module_of(guard: str, place: str) -> str:
    rows = [(n, r) for g, n, r in TRIED if g == guard and AVAILABLE.get(r.example, True)]
    if place == "report":
        rows = [(n, r) for n, r in rows if r.example in HARMLESS]
    parts = [f"def example_{n}():\n" + "".join(f"    {line}\n" for line in r.example.splitlines()) for n, r in rows]
    return "\n".join(parts) + "\nALL = [" + ", ".join(f"({n}, example_{n})" for n, _ in rows) + "]\n"


@lru_cache(maxsize=None)
def outcomes(guard: str, place: str) -> dict[int, dict[str, object]]:
    """Example number -> what happened, with the trace lines it wrote."""
    import json

    with TemporaryDirectory(prefix="h") as name:
        (folder := Path(name, "run")).mkdir()
        (folder / "root").mkdir()
        (temp := Path(name, "tmp")).mkdir()
        runner = Isolated(folder, temp)
        runner.write("examples.py", module_of(guard, place))
        runner.write("runner.py", RUNNER)
        words = ["-c", SHIELD, "runner.py", place, json.dumps(SETTINGS[guard])]
        done = runner.python(*words)
    if not done.stdout.strip():
        # Returned, not raised: what is raised is not remembered, and every row would run the batch again.
        return {-1: {"text": f"{guard} in {place}: status {done.code}\n{done.stderr[-3000:]}"}}
    found = dict(done.data)
    for part in done.stderr.split("\n==")[1:]:
        number, _, rest = part.partition("\n")
        if int(number) in found:
            found[int(number)]["trace"] = [line for line in rest.splitlines() if line.startswith("[hermetic]")]
    return found


def outcome(guard: str, place: str, number: int) -> dict[str, object]:
    """What one example did."""
    found = outcomes(guard, place)
    assert -1 not in found, found[-1]["text"]
    return found[number]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("guard", "number", "row"), TRIED, ids=ids)
def test_example_is_refused_as_documented(guard, number, row, place):
    if not AVAILABLE.get(row.example, True):
        pytest.skip("not on this interpreter")
    found = outcome(guard, place, number)
    assert found["violation"], f"{row.example}: {found['kind']}: {found['text']}"
    expected = found["guard"] if guard == "integrity" else guard
    assert found["guard"] == expected
    assert re.fullmatch(PHRASES[expected], str(found["text"]), re.DOTALL), found["text"]
    assert found["capability"] == row.capability
    assert found["oserror"] == (expected == "filesystem")
    assert found["importerror"] == (expected == "imports")
    assert found["remedy"]
    assert found["place"][0].endswith("examples.py"), found["place"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("guard", "number", "row"), TRIED, ids=ids)
def test_example_is_traced_as_documented(guard, number, row, place):
    if not AVAILABLE.get(row.example, True):
        pytest.skip("not on this interpreter")
    found = outcome(guard, place, number)
    lines = found["trace"]
    assert lines, "no trace line"
    for line in lines:
        assert TRACE.fullmatch(line), line
    verb, call, target, reason = TRACE.fullmatch(lines[-1]).groups()
    assert (verb, call, reason) == ("blocked", found["call"], found["reason"])
    assert (target or "").partition("=")[2] == (found["target"] or "")


@pytest.mark.parametrize(("guard", "number", "row"), TRIED, ids=ids)
def test_text_is_the_same_in_every_place(guard, number, row):
    if not AVAILABLE.get(row.example, True):
        pytest.skip("not on this interpreter")
    texts = {place: re.sub(CHANGING, "", str(outcome(guard, place, number)["text"])) for place in PLACES}
    assert len(set(texts.values())) == 1, texts


@pytest.mark.parametrize(("guard", "number", "row"), [t for t in TRIED if t[2].example in HARMLESS], ids=ids)
def test_report_only_records_and_does_not_block(guard, number, row):
    if not AVAILABLE.get(row.example, True):
        pytest.skip("not on this interpreter")
    found = outcome(guard, "report", number)
    assert not found["violation"], found
    assert any(record[0] == guard for record in found["recorded"]), found
    assert any(line.startswith("[hermetic] would block ") for line in found["trace"])


def test_every_row_has_an_example_or_a_reason():
    missing = {(guard, door(row)) for guard, _, row in ROWS if not row.example}
    assert not sorted(missing - set(NO_EXAMPLE)), "give the row an example, or say in examples.py where it is tested"
    assert not sorted(set(NO_EXAMPLE) - missing), "these rows have examples now, or are gone"


def test_harmless_examples_exist():
    assert not sorted(HARMLESS - {row.example for _, _, row in TRIED})


@pytest.mark.parametrize(("guard", "number", "row"), ROWS, ids=ids)
def test_row_is_whole(guard, number, row):
    assert row.audit or row.patch
    assert all(":" in name for name in row.patch)
    assert row.capability.partition(".")[0] in {*FAMILIES, "interpreter"}
    assert callable(row.read)
    assert sys.version_info >= (3, 10)
