"""A link that lies in a denied folder is not followed, wherever it leads: with one thread and more, and under a seal."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")

REFUSED = [
    "open('shut/link').read()",
    "open(b'shut/link').read()",
    "open(os.path.abspath('shut/link')).read()",
    "pathlib.Path('shut/link').read_bytes()",
    "open('sub/../shut/link').read()",
    "open('shut/folder/file').read()",
    "open(b'shut/folder/file').read()",
    "open('shut/folder/../sub/file').read()",
    "open('sub/into').read()",
    "os.open('shut/link', os.O_RDONLY)",
    "os.open(b'shut/link', os.O_RDONLY)",
    "os.open('shut/link', os.O_RDONLY, dir_fd=here)",
    "os.open('folder/file', os.O_RDONLY, dir_fd=shut)",
    "os.open('file', os.O_RDONLY, dir_fd=shut)",  # which leads to what this names here
    "os.open('file', os.O_WRONLY, dir_fd=shut)",
    "open('shut/link', 'a')",
    "open('shut/folder/file', 'r+')",
    "open('shut/folder/new', 'w')",
    "os.open('shut/link', os.O_WRONLY | os.O_TRUNC)",
    "os.open(b'shut/folder/file', os.O_RDWR)",
    "os.open('shut/folder/new', os.O_WRONLY | os.O_CREAT)",
    "os.open('shut/folder/new', os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=here)",
    "os.open('folder/new', os.O_WRONLY | os.O_CREAT, dir_fd=shut)",
]
DONE = [
    "open('file').read()",
    "open('to_file').read()",
    "open(b'sub/file').read()",
    "open('sub/file', 'a')",
    "open('sub/made', 'w')",
    "os.open('sub/file', os.O_RDWR, dir_fd=here)",
]
PROGRAM = """
import os, pathlib, sys, threading
from hermetic import hermetic_blocker
# Older than a block: nobody opens the folder itself under the policies.
here, shut = os.open(".", os.O_RDONLY), SHUT
if THREADS:
    end = threading.Event()
    threading.Thread(target=end.wait).start()
block = hermetic_blocker(deny_read=["shut"], deny_write=["shut"])
if BLOCK:
    block.__enter__()
for act in ACTS:
    try:
        made = eval(act)
        if isinstance(made, int):
            os.close(made)
        print("done")
    except OSError as error:
        print(type(error).__name__)
if THREADS:
    end.set()
"""


@pytest.mark.parametrize("threads", [False, True], ids=["one thread", "threads"])
@pytest.mark.parametrize("where", ["run", "run under a seal", "root", "block"])
def test_a_link_in_a_denied_folder_is_not_followed(isolated, where, threads):
    (isolated.folder / "shut").mkdir()
    (isolated.folder / "sub").mkdir()
    for name in ("file", "sub/file"):
        (isolated.folder / name).write_text("text\n")
    for name, leads in {
        "shut/link": "../file",
        "shut/file": "../file",
        "shut/folder": "../sub",
        "sub/into": "../shut/link",
        "to_file": "file",
    }.items():
        (isolated.folder / name).symlink_to(leads)
    # A descriptor of a denied folder is had from before: of a block, or by who started the run.
    acts = [act for act in (*REFUSED, *DONE) if where == "block" or "dir_fd=shut" not in act]
    names = f"BLOCK, THREADS, ACTS = {where == 'block'}, {threads}, {acts!r}\n"
    code = names + PROGRAM.replace("SHUT", 'os.open("shut", os.O_RDONLY)' if where == "block" else "None")
    if where == "block":
        done = isolated.code(code)
    else:
        options = [
            "--deny-read",
            "shut",
            "--deny-write",
            "shut",
            *{"root": ["--fs-readonly=.", "--allow-write", "sub"]}.get(where, []),
        ]
        seal = ["--seal"] if where == "run under a seal" else []
        done = isolated.script(["--kernel=off", *options, *seal], code)
    expected = {act: "done" if act in DONE else "FilesystemViolation" for act in acts}
    assert done.code == 0, done
    assert dict(zip(acts, done.stdout.split(), strict=True)) == expected
    assert (isolated.folder / "file").read_text() == "text\n"
    assert not (isolated.folder / "sub/new").exists()
