"""What the target names is shown escaped and compared as it is.

CVE-2023-28446: ANSI sequences in a path rewrote the question on the screen. CVE-2024-27936: the fix took them out of the
name that was then granted as well. hermetic asks nothing, but its messages are read by people, who decide by them.
"""

from __future__ import annotations

import pytest
from state_attempts import PLACES, outcomes

NAMES = [
    "a\x1b[2Kb",
    "a\rb",
    "a\nhermetic: all is well",
    "a\x9bmb",
    "a\u202eb",
    "a\u2028b",
    "a\x00b",
    "a\x7fb",
    "a\x08b",
]
ACTS = {
    "--no-subprocess": "__import__('os').system(NAME)",
    "--fs-readonly": "open(NAME, 'w')",
    "--no-environment": "__import__('os').environ[NAME]",
    "--deny-import": "__import__(NAME)",
    "--no-network": "__import__('socket').getaddrinfo(NAME, 80)",
}


@pytest.mark.parametrize("option", ACTS)
def test_stderr_stays_readable(isolated, option):
    for name in NAMES:
        words = [option, name] if option == "--deny-import" else [option]
        if "\0" in name and option in ("--deny-import", "--fs-readonly", "--no-subprocess"):
            continue  # no argument of a program, and C refuses it before anybody is asked
        isolated.write("target.py", f"NAME = {name!r}\ntry: {ACTS[option]}\nexcept Exception: pass")
        done = isolated.cli(*words, "--trace", "--strict", "--", "./target.py")
        seen = done.stderr.replace("\n", "")
        assert seen.isprintable(), (name, done.stderr)
        assert not any(line.startswith("hermetic: all") for line in done.errors)


@pytest.mark.parametrize("place", PLACES)
def test_a_name_is_compared_with_its_control_characters(isolated, place):
    """A denial of ``forbidden`` is no denial of another name, and a root holds for names that only look like it."""
    isolated.write("root/in.txt", "inside")
    isolated.write("ro\x1b[0mot/in.txt", "outside")
    code = """
@attempt
def inside(): return open("root/in.txt").read()
@attempt
def outside(): return open("ro\\x1b[0mot/in.txt").read()
"""
    found = outcomes(isolated, place, "--fs-readonly=root", {"fs_readonly": True, "fs_root": "root"}, code)
    assert found["inside"] == "'inside'"
    assert found["outside"].startswith("read outside sandbox root: ")
    assert "\x1b" not in found["outside"]
