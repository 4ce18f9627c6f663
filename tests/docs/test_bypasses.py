"""The page of known bypasses and the tests agree: no reference without a test, no test without a line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "bypasses.md"
TESTS = {path.name: path for path in (ROOT / "tests" / "security").glob("test_*.py")}
# What has the form of a reference; words like `pytest-socket` are found on the page only.
REFERENCE = re.compile(r"CVE-\d{4}-\d+|GHSA(?:-\w{4}){3}|(?<![\w/-])[A-Za-z-]+#\d+")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    assert len(found) > 5, heading
    return found[1:]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def description(name: str) -> str:
    return ast.get_docstring(ast.parse(TESTS[name].read_text(encoding="utf-8"))) or ""


def names_it(text: str, reference: str) -> bool:
    return re.search(rf"(?<![\w#-]){re.escape(reference)}(?![\w-])", text) is not None


HELD, FOUND, LATER = rows("Held by a test"), rows("Found while building hermetic"), rows("Not tested in this version")


@pytest.mark.parametrize("row", HELD, ids=lambda row: row[0])
def test_every_reference_is_named_by_a_test_beside_it(row):
    references, what, tests = quoted(row[0]), row[1], quoted(row[2])
    assert references and what and tests
    for reference in references:
        assert any(names_it(description(test), reference) for test in tests), reference
    for test in tests:
        assert any(names_it(description(test), reference) for reference in references), test


def test_every_security_test_is_on_the_page():
    named = {test for row in (*HELD, *FOUND) for test in quoted(row[-1])}
    assert named == set(TESTS)


def test_every_reference_of_a_test_is_on_the_page():
    known = {reference for row in HELD for reference in quoted(row[0])}
    named = {reference for test in TESTS for reference in REFERENCE.findall(description(test))}
    assert named <= known


def test_what_is_not_tested_has_a_reason():
    for references, what, reason in LATER:
        assert quoted(references) and what and len(reason) > 20
    # The same reference may stand for two ways in, but one that is held is not also excused.
    held = {reference for row in HELD for reference in quoted(row[0])}
    assert not held & {reference for row in LATER for reference in quoted(row[0])}


def test_every_short_name_is_explained():
    known = {quoted(row[0])[0] for row in rows("How to find a reference")}
    used = {reference.partition("#")[0] for row in (*HELD, *LATER) for reference in quoted(row[0]) if "#" in reference}
    assert used == known
