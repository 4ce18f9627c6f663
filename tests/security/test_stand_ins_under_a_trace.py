"""A trace function that looks into the stand-ins of ``open``, and writes into their variables, reads nothing more.

Found by attacking: from 3.11 on tracing goes on under a seal, because deciding frames are hidden; these were not.
"""

from __future__ import annotations

import sys

import pytest

ATTACK = """
import os, sys
OUTSIDE, LINK = sys.argv[1], os.path.abspath("link")
seen = set()
def trace(frame, event, arg):
    if "/_hermetic/" in frame.f_code.co_filename:
        seen.add(frame.f_code.co_name)
        names = frame.f_locals
        for name, value in {"name": LINK, "real": "", "words": (LINK, FLAGS), "path": LINK}.items():
            if name in names:
                names[name] = value
        frame.f_trace_opcodes = True
    return trace
def tried(read):
    sys.settrace(trace)
    try:
        return read()
    except BaseException as error:
        return type(error).__name__
    finally:
        sys.settrace(None)
def by_open():
    with open("inside") as file:
        return file.read()
def by_os_open():
    return os.read(os.open("inside", os.O_RDONLY), 100).decode()
FLAGS = "r"
print(tried(by_open))
FLAGS = os.O_RDONLY
print(tried(by_os_open))
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no tracing under a seal")
def test_trace_function_opens_nothing_else(isolated):
    (isolated.folder / "root").mkdir()
    isolated.write("secret", "the secret")
    isolated.write("root/inside", "what was asked for")
    (isolated.folder / "root/link").symlink_to(isolated.folder / "secret")
    isolated.write("root/t.py", ATTACK)
    root = isolated.folder / "root"
    done = isolated.cli(f"--fs-readonly={root}", "--seal", "--", "./t.py", str(isolated.folder / "secret"), cwd=root)
    assert "the secret" not in done.stdout, done
    assert done.code == 0, done
