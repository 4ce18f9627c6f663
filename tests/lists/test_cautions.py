"""Entries that do less, or more, than their words say: one line at the start, and the run goes on."""

from __future__ import annotations

import os

import pytest

from hermetic import cautions

LIBRARY = os.path.dirname(os.__file__)

NOTHING = [
    ("--allow-host", "169.254.169.254"),
    ("--allow-host", "169.254.169.254:80"),
    ("--allow-host", "[fd00:ec2::254]:80-90"),
    ("--allow-host", "fd00:ec2::254"),
    ("--allow-host", "::ffff:169.254.169.254"),
    ("--allow-host", "Metadata.google.internal."),
    ("--allow-domain", "metadata.google.internal"),
]
SOMETHING = ["169.254.0.0/16", "example.com", "*.google.internal", "169.254.169.253:80", "[::1]:80"]


@pytest.mark.parametrize(("option", "entry"), NOTHING)
def test_entry_that_names_metadata_alone_is_warned_of(isolated, option, entry):
    done = isolated.cli("--no-network", option, entry, "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout) == (0, "ran\n")
    assert done.errors == [f"hermetic: warning: {option} {entry}: {cautions.METADATA}"]


def test_loopback_among_the_domains_is_warned_of(isolated):
    done = isolated.cli("--no-network", "--allow-domain", "localhost", "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout) == (0, "ran\n")
    assert done.errors == [f"hermetic: warning: --allow-domain localhost: {cautions.LOOPBACK}"]


def test_entries_that_give_something_back_are_not(isolated):
    given = [word for entry in SOMETHING for word in ("--allow-host", entry)]
    given += ["--allow-domain", "example.com", "--allow-domain", "localhost.example.com"]
    done = isolated.cli("--no-network", *given, "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout, done.errors) == (0, "ran\n", [])


def test_denying_what_holds_the_interpreters_library_is_warned_of(capfd):
    above = os.path.dirname(os.path.dirname(LIBRARY))
    cautions.of_denied_reads([above, above, os.path.join(LIBRARY, "json"), LIBRARY + "x"], True)
    assert capfd.readouterr().err == f"hermetic: warning: --deny-read {above}: {cautions.LIBRARY}\n"


def test_a_folder_whose_name_only_begins_the_librarys_holds_nothing_of_it(capfd):
    """Nor does a folder in it."""
    for path in (LIBRARY[:-1], LIBRARY + "x", os.path.join(LIBRARY, "json")):
        cautions.of_denied_reads([path], True)
    assert capfd.readouterr().err == ""


def test_a_run_that_denies_another_folder_says_nothing(isolated, tmp_path):
    done = isolated.cli("--deny-read", str(tmp_path), "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout, done.errors) == (0, "ran\n", [])


def test_a_run_that_denies_the_library_says_so(isolated):
    done = isolated.cli("--deny-read", LIBRARY, "--", "python", "-c", "print('ran')")
    assert f"hermetic: warning: --deny-read {LIBRARY}: {cautions.LIBRARY}" in done.errors


SPELLED = """
import hermetic, sys
given = {"allow_run": ["sh"], "allow_hosts": ["metadata"], "deny_read": [sys.argv[1]]}
with hermetic.hermetic_blocker(block_network=True, block_subprocess=True, **given):
    pass
"""


def test_a_block_is_warned_in_its_own_words(isolated):
    isolated.write("program.py", SPELLED)
    said = isolated.python("program.py", LIBRARY).errors
    entries = (("allow_hosts", "metadata"), ("deny_read", LIBRARY), ("allow_run", "sh"))
    assert [line.rpartition(": ")[0] for line in said] == [f"hermetic: warning: {k}=[{e!r}]" for k, e in entries]


def test_a_question_on_the_command_line_is_warned_in_options(isolated):
    done = isolated.cli("why", "--no-subprocess", "--allow-run", "sh", "--", "run", "sh")
    assert done.errors == ["hermetic: warning: --allow-run sh: a shell starts whatever its command line says"]
