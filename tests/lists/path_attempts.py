"""Code for the tests of path lists: tries acts in a tree of folders and says how each ended."""

from __future__ import annotations

import json
import textwrap

# Run in the tree's folder: what may be written, what may not, secrets, and links between them.
TRY = """
import json, os, sys
from pathlib import Path

def tried(*acts):
    found = []
    for act in acts:
        try:
            result = act()
            if hasattr(result, "close"): result.close()
            found.append("done")
        except OSError as error:
            found.append(getattr(error, "reason", None) or type(error).__name__)
        except RuntimeError as error:
            found.append("refused: " + str(error))
    return found
"""
PLACES = ("process", "foreign", "block", "sealed")


def tree(isolated):
    """``open/`` may be written, but not ``open/shut/``; ``other/`` may not; ``secret/`` may not be read."""
    for name in ("open/shut", "open/sub", "other", "secret"):
        (isolated.folder / name).mkdir(parents=True)
    for name in ("open/file", "open/shut/file", "other/file", "secret/file", "openly"):
        (isolated.folder / name).write_text(f"{name}\n")
    for name, target in (
        ("open/to_other", "../other/file"),
        ("open/to_nothing", "../other/nothing"),
        ("open/to_new", "sub/../new"),
        ("open/to_folder", "../other"),
        ("open/to_secret", "../secret/file"),
        ("other/to_open", "../open/file"),
        ("round", "round"),
    ):
        (isolated.folder / name).symlink_to(target)


LISTS = {"fs_readonly": True, "allow_write": ["open"], "deny_write": ["open/shut"], "deny_read": ["secret"]}
OPTIONS = ["--fs-readonly", "--allow-write", "open", "--deny-write", "open/shut", "--deny-read", "secret"]


def tried(isolated, place, acts, options=OPTIONS, lists=LISTS, before=""):
    """How acts (Python expressions) end in a place, one word each. In a "child", of the command line's, too."""
    calls = ", ".join(f"lambda: {act}" for act in acts)
    code = f"{TRY}{textwrap.dedent(before)}\nprint(json.dumps(tried({calls})))\n"
    if place == "block":
        body = textwrap.indent(code, "    ")
        done = isolated.code(f"from hermetic import hermetic_blocker\nwith hermetic_blocker(**{lists!r}):\n{body}")
    else:
        words = [*options, "--seal"] if place == "sealed" else options
        isolated.write("child.py" if place == "child" else "target.py", code)
        if place == "child":
            isolated.write(
                "target.py", "import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'], check=True)\n"
            )
        run = isolated.foreign if place == "foreign" else isolated.cli
        first = [words, "python"] if place == "foreign" else [*words, "--"]
        done = run(*first, "./target.py")
    assert done.code == 0, done
    return json.loads(done.stdout.splitlines()[-1])
