"""A policy for the whole process that begins inside of a block: leaving the block gives nothing back that it has taken.

What each row of every family refuses there is tried in tests/surface, as the place "within".
"""

from __future__ import annotations

import pytest

# For the whole process, inside of a block that takes the same away.
STARTS = {
    "seal": "hermetic_blocker({keywords}, sealed=True).__enter__()",
    "lock": "hermetic.lock({keywords}, kernel='off')",
}
BLOCK = """
import gc, os, posix, sys
import hermetic
from hermetic import hermetic_blocker

{before}
with hermetic_blocker({around}):
    {start}
gc.collect()
{after}
"""
IMPORTED = """
for attempt in ("import colorsys", "from xml import etree", "import xml.etree.ElementTree"):
    try:
        exec(attempt)
    except ImportError:
        continue
    raise AssertionError(attempt)
assert not [name for name in sys.modules if name == "colorsys" or name.startswith("xml.etree")]
"""
READ = """
def text(read):
    try:
        return str(read())
    except hermetic.PolicyViolation as error:
        return error.guard

for read in (
    lambda: os.environ._data.get(b"TOKEN"),
    lambda: vars(os.environ)["_data"].get(b"TOKEN"),
    lambda: os.environb._data.get(b"TOKEN"),
    lambda: posix.environ.get(b"TOKEN"),
    lambda: os.environ["TOKEN"],
    lambda: os.environb[b"TOKEN"],
):
    assert text(read) == "environment", text(read)
assert not kept
assert os.environ["LISTED"] == os.environb[b"LISTED"].decode() == os.getenv("LISTED") == "yes"
with hermetic_blocker(block_environment=True):
    assert text(lambda: os.environ["LISTED"]) == "environment"
assert os.environ["LISTED"] == "yes"
"""


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("around", ["deny_imports=['colorsys', 'xml']", "deny_imports=['xml.etree', 'colorsys']"])
def test_modules_that_the_block_took_away_stay_away(isolated, start, around):
    keywords = "deny_imports=['colorsys', 'xml.etree']"
    isolated.passes(
        BLOCK.format(
            before="import colorsys, xml.etree.ElementTree",
            around=around,
            start=STARTS[start].format(keywords=keywords),
            after=IMPORTED,
        )
    )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("around", ["block_environment=True", "block_environment=True, allow_env=['LISTED', 'OTHER']"])
def test_variables_stay_away(isolated, start, around):
    keywords = "block_environment=True, allow_env=['LISTED']"
    isolated.passes(
        BLOCK.format(
            before="os.environ.update(TOKEN='secret', LISTED='yes'); kept = os.environ._data",
            around=around,
            start=STARTS[start].format(keywords=keywords),
            after=READ,
        )
    )


def test_variables_that_both_allow_can_be_read_and_set_in_the_block(isolated):
    isolated.passes(
        """
import os, subprocess, sys
from hermetic import hermetic_blocker

os.environ.update(TOKEN="secret", LISTED="yes")
SHOW = "import os; print(os.environ.get('LISTED'), os.environ.get('TOKEN'))"
with hermetic_blocker(block_environment=True, environment_unset=True, allow_env=["LISTED", "TOKEN"]):
    assert os.environ["LISTED"] == "yes"
    hermetic_blocker(block_environment=True, environment_unset=True, allow_env=["LISTED"], sealed=True).__enter__()
    assert os.environ["LISTED"] == os.environb[b"LISTED"].decode() == "yes"
    os.environ["LISTED"] = "still"
    assert os.environ["LISTED"] == "still" and os.environ.get("TOKEN") is None
    assert subprocess.check_output([sys.executable, "-c", SHOW], text=True) == "still None\\n"
assert os.environ["LISTED"] == "still" and os.environ.get("TOKEN") is None
assert subprocess.check_output([sys.executable, "-c", SHOW], text=True) == "still None\\n"
"""
    )
