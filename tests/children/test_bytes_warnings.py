"""Under ``-bb`` a comparison of bytes and text is an error, in the guards as well."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from conftest import import_path

CODE = """
import os
from hermetic import hermetic_blocker

POLICIES = (
    {"profile": "block-all"},
    {"fs_readonly": True, "fs_root": ROOT},
    {"block_network": True, "allow_localhost": True, "allow_hosts": ["192.0.2.1"]},
)
with hermetic_blocker(**POLICIES[NUMBER]):
    for name in ("/dev/null", "/proc/self/status", "HERE"):
        for path in (name, os.fsencode(name)):
            for use in (open, lambda path: os.close(os.open(path, os.O_RDONLY)), lambda path: open(path, "w")):
                try:
                    use(path)
                except OSError:
                    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the paths are POSIX's")
@pytest.mark.parametrize("number", range(3))
def test_guards_start_and_judge(number, tmp_path):
    code = CODE.replace("NUMBER", str(number)).replace("ROOT", repr(str(tmp_path))).replace("HERE", str(tmp_path / "x"))
    environment = {**os.environ, "PYTHONPATH": import_path() or ""}
    done = subprocess.run([sys.executable, "-bb", "-c", code], env=environment, capture_output=True, text=True)
    assert "BytesWarning" not in done.stderr
    assert done.returncode == 0, done.stderr
