"""A policy for the whole process that begins inside of a block: leaving the block gives nothing back that it has taken.

What each row of every family refuses there is tried in tests/surface, as the place "within".
"""

from __future__ import annotations

import pytest

from amid import AMID

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


WHILE_ENTERED = """
import os, sys, threading
from hermetic import hermetic_blocker
from hermetic.errors import HermeticError

KEYWORDS = dict(block_environment=True, environment_unset=True, block_interpreter_mutation=True)
NUMBER, IN_THREAD = {number}, {in_thread}
FILES = ("blocks.py", "session.py", "journal.py", "patches.py", "start.py")
os.environ["TOKEN"] = "secret"
errors, threads = [], []

def seal():
    try:
        hermetic_blocker(**KEYWORDS, sealed=True).__enter__()
    except HermeticError as error:
        errors.append(error)

def seal_in_thread():
    threads.append(threading.Thread(target=seal))
    threads[0].start()
    threads[0].join(0.5)

block = hermetic_blocker(**KEYWORDS)
sys.settrace(Amid(NUMBER, seal_in_thread if IN_THREAD else seal))
block.__enter__()
sys.settrace(None)
block.__exit__(None, None, None)
for thread in threads:
    thread.join()
if errors:
    assert "amid of entering or leaving a block" in str(errors[0]), errors
    assert not IN_THREAD
    seal()
assert len(errors) < 2
assert os.environ.get("TOKEN") is os.environ.copy().get("TOKEN") is os.getenv("TOKEN") is None
try:
    sys.path.append("x")
except HermeticError:
    pass
else:
    raise AssertionError("changed")
"""


@pytest.mark.parametrize("in_thread", [True, False], ids=["thread", "handler"])
@pytest.mark.parametrize("number", [1, 600, 800, 1000, 1200, 1500, 2000])
def test_a_seal_while_a_block_is_entered_takes_the_same_away(isolated, number, in_thread):
    """What a block is replacing at that moment is what the seal replaces as well."""
    isolated.passes(AMID + WHILE_ENTERED.format(number=number, in_thread=in_thread))
