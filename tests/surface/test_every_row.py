"""The table is the test list: every row's example, in every place, with the documented violation and trace.

One process per family and place (batches.py) runs all examples and prints what happened; each
row is then judged by itself.
"""

from __future__ import annotations

import re
import sys

import pytest
from batches import CHANGING, NO_WORKER, ROWS, TRIED, outcome, outcomes, places_of
from batches import folders as folders
from examples import AVAILABLE, HARMLESS, NO_EXAMPLE, PHRASES

from _hermetic.capabilities import FAMILIES

TRACE = re.compile(r"\[hermetic\] (blocked|would block) (\S+)( (?:host|path|name)=.*)? reason=([a-z-]+)")


def door(row) -> str:
    return (*row.audit, *row.patch)[0]


def ids(value):
    return value if isinstance(value, str) else ""


# Every row in every place where a process of that kind can be.
EVERYWHERE = [
    pytest.param(guard, number, row, place, id=f"{guard}-{number}-{place}")
    for guard, number, row in TRIED
    for place in places_of(guard, row.example)
]


@pytest.mark.parametrize(("guard", "number", "row", "place"), EVERYWHERE)
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


@pytest.mark.parametrize(("guard", "number", "row", "place"), EVERYWHERE)
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
    texts = {
        place: re.sub(CHANGING, "", str(outcome(guard, place, number)["text"]))
        for place in places_of(guard, row.example)
        # In a block that takes native code away, too, connections are the block's: a seal takes none of those.
        if place != "within" or "sqlite3.connect" not in row.example
    }
    assert len(set(texts.values())) == 1, texts


@pytest.mark.parametrize(("guard", "place"), sorted(NO_WORKER))
def test_worker_that_a_family_refuses_does_not_run(guard, place):
    said = outcomes(guard, place)[-1]["text"]
    assert re.search(PHRASES[guard], said), said


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
    # The halves into which hermetic divides CPython's event are no name that a program or its user knows.
    assert row.call or not {"open.read", "open.write"}.intersection(row.audit)
    assert sys.version_info >= (3, 10)
