"""The start-up file by which a Python behind another program finds the guards says nothing of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import _hermetic

CARRIER = str(Path(_hermetic.__file__).parent / "carrier")


def test_without_a_policy_and_a_sitecustomize_nothing_is_said(isolated):
    environment = isolated.environment()
    environment["PYTHONPATH"] = CARRIER
    done = subprocess.run([sys.executable, "-c", "print(1)"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a session needs a terminal")
def test_a_session_behind_a_shell_is_guarded_and_says_nothing_else(isolated):
    parent = isolated.write(
        "parent.py",
        f"""
        import os, subprocess
        ours, theirs = os.openpty()
        os.write(ours, b"import socket; socket.gethostbyname('example.com')\\nexit()\\n")
        done = subprocess.run(
            ["sh", "-c", {sys.executable!r}], stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        print(done.stderr)
        """,
    )
    done = isolated.cli("--no-network", "--", str(parent))
    assert "network disabled: DNS(example.com)" in done.stdout
    assert "sitecustomize" not in done.stdout
