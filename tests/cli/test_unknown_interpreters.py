"""An interpreter that nobody has looked at: its guards hold as well as they can, and what promises more is refused."""

from __future__ import annotations

import pytest

# What a build without the GIL says of itself, and a version whose audit events are not listed.
UNKNOWN = {
    "without the GIL": "sys.version = sys.version.replace(' (', ' free-threading build (', 1)",
    "another version": "import _hermetic.start; _hermetic.start.CLASSIFIED = ()",
}
WARNED = "have not been classified yet; some calls may not be seen"
TARGET = """
import socket, subprocess, sys
for act in (lambda: socket.gethostbyname("example.com"), lambda: socket.socket().connect(("192.0.2.1", 80))):
    try:
        act()
    except Exception as error:
        print(error)
"""


def run(isolated, way, *options):
    isolated.write("target.py", TARGET)
    code = f"import sys; {UNKNOWN[way]}; from hermetic.__main__ import program; sys.exit(program())"
    return isolated.code(code, "--kernel=off", *options, "--", "./target.py")


@pytest.mark.parametrize("way", UNKNOWN)
def test_it_is_said_and_guarded(isolated, way):
    done = run(isolated, way, "--no-network")
    assert done.stdout == "network disabled: DNS(example.com)\nnetwork disabled: connect(192.0.2.1)\n", done
    assert done.stderr.count(WARNED) == 1, done
    assert (" without the GIL " in done.stderr) is (way == "without the GIL"), done


@pytest.mark.parametrize("option", ["--seal", "--strict"])
@pytest.mark.parametrize("way", UNKNOWN)
def test_what_promises_more_is_refused(isolated, way, option):
    done = run(isolated, way, "--no-network", option)
    assert (done.code, done.stdout) == (1, ""), done
    assert f"hermetic: error: {option} needs a Python version whose audit events are classified" in done.stderr, done
