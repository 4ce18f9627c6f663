"""Tracing, profiling and monitoring hooks see every frame; none is set.

References: CVE-2023-30587, CVE-2025-23083.
"""

from __future__ import annotations

import pytest
from interpreter_attempts import KEYWORDS, OPTION
from state_attempts import PLACES, outcomes

WAYS = """
import threading
from sys import settrace, setprofile
@attempt
def trace(): sys.settrace(print)
@attempt
def trace_captured(): settrace(print)
@attempt
def profile(): sys.setprofile(print)
@attempt
def profile_captured(): setprofile(print)
@attempt
def trace_threads(): threading.settrace(print)
@attempt
def profile_threads(): threading.setprofile(print)
@attempt
def every_thread(): threading.settrace_all_threads(print)
@attempt
def monitoring():
    sys.monitoring.use_tool_id(0, "x")
    sys.monitoring.register_callback(0, sys.monitoring.events.CALL, print)
@attempt
def debugger():
    import pdb
    pdb.Pdb().set_trace()
@attempt
def profiler():
    import cProfile
    cProfile.Profile().enable()
@attempt
def taken_away(): return sys.settrace(None), sys.setprofile(None), threading.settrace(None)
OUTCOMES["nothing_set"] = repr((sys.gettrace(), sys.getprofile()))
"""


@pytest.mark.parametrize("place", PLACES)
def test_no_hook_is_set(isolated, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, WAYS)
    assert found.pop("taken_away") == "(None, None, None)"
    assert found.pop("nothing_set") == "(None, None)"
    for name in [name for name, outcome in found.items() if outcome == "AttributeError"]:
        assert name in ("every_thread", "monitoring")  # this version has none
        found.pop(name)
    for name, outcome in found.items():
        assert outcome.startswith("interpreter mutation disabled: "), f"{name}: {outcome}"


def test_doctest_and_unittest_work(isolated):
    code = '''
def one():
    """
    >>> one()
    1
    """
    return 1
import doctest
print(doctest.testmod().failed)
'''
    done = isolated.script(OPTION, code)
    assert (done.code, done.stdout.strip()) == (0, "0"), done.stderr
