"""What lies in the working directory, on PYTHONPATH or beside the script does not run before the guards.

References: cpython#81686.
"""

from __future__ import annotations

from pathlib import Path

import pytest

PLANTED = """
import sys
try:
    import socket
    socket.create_connection(("192.0.2.1", 80), 0.2)
except Exception as error:
    text = type(error).__name__
else:
    text = "connected"
with open({log!r}, "a") as file:
    file.write(__name__ + " " + text + "\\n")
raise ImportError("planted")
"""
NAMES = [
    "argparse",
    "_hermetic",
    "hermetic_",
    "marshal",
    "typing",
    "dataclasses",
    "json",
    "re",
    "runpy",
    "ctypes",
    "importlib",
    "sitecustomize_",
    "functools",
    "types",
    "encodings_",
    "zipimport",
    "difflib",
    "errno",
    "platform",
]


@pytest.mark.parametrize("place", ["cwd", "PYTHONPATH", "beside the script"])
def test_planted_modules_do_not_run_before_the_guards(isolated, place):
    log = str(isolated.folder / "log.txt")
    for name in NAMES:
        isolated.write(f"plant/{name}.py", PLANTED.format(log=log))
    isolated.write("bin/hermetic", "import sys\nfrom hermetic.cli import program\nsys.exit(program())\n")
    isolated.write("plant/target.py" if place == "beside the script" else "target.py", "print('ran')")
    plant = isolated.folder / "plant"
    where = {"cwd": plant} if place == "cwd" else {"env": {"PYTHONPATH": str(plant)}} if place == "PYTHONPATH" else {}
    target = str(plant / "target.py") if place == "beside the script" else str(isolated.folder / "target.py")
    for options in (
        ["--no-network"],
        ["--profile", "net-hermetic", "--trace"],
        ["--no-network", "--no-subprocess", "--seal"],
        ["--profile", "block-all"],
    ):
        done = isolated.python(str(isolated.folder / "bin" / "hermetic"), *options, "--", target, **where)
        seen = Path(log).read_text() if Path(log).exists() else ""
        assert not seen, (options, seen, done.stderr)
        assert done.stdout == "ran\n", done.stderr
    # A wrong command line imports more.
    done = isolated.python(str(isolated.folder / "bin" / "hermetic"), "--nonsense", **where)
    assert (done.code, len(done.errors)) == (1, 1)
    assert isolated.python(str(isolated.folder / "bin" / "hermetic"), "--help", **where).code == 0
    assert not Path(log).exists(), Path(log).read_text()
