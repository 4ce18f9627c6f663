"""Code that runs while a file is being opened finds no descriptor of what may not be read."""

from __future__ import annotations

import os

import pytest

# A search for an encoding, a warning and a signal's handler run while a file is being opened.
PEEK = """
import codecs, signal, time, warnings
seen = []
def peek(*args, **kwargs):
    for number in range(3, 12):
        try:
            seen.append(os.pread(number, 99, 0))
        except OSError:
            pass
def attempt(*args, **kwargs):
    try:
        open("secret/file", *args, **kwargs)
    except (OSError, LookupError):
        pass
"""
CHANCES = {
    "encoding": "codecs.register(peek); attempt(encoding='unheard-of')",
    "warning": "warnings.simplefilter('always'); warnings.showwarning = peek; attempt('rb', buffering=1)",
    "signal": """
signal.signal(signal.SIGALRM, peek)
end = time.monotonic() + 2
while time.monotonic() < end:
    signal.setitimer(signal.ITIMER_REAL, 0.00001 + time.perf_counter_ns() % 40 / 1e6)
    attempt()
signal.setitimer(signal.ITIMER_REAL, 0)
""",
}


@pytest.mark.skipif(not hasattr(os, "pread"), reason="nothing reads by a descriptor's number here")
@pytest.mark.parametrize("chance", CHANCES)
def test_what_runs_during_an_opening_finds_no_descriptor_of_what_is_denied(isolated, chance):
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "secret/file").write_text("secret/file\n")
    isolated.write("target.py", "import os\n" + PEEK + CHANCES[chance] + "\nprint(b'secret/file\\n' in seen)")
    done = isolated.cli("--deny-read", "secret", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "False\n"), done
