"""Runs attempts on the disk in fresh processes, and judges from outside what they did.

Not a test module: the tests of this family share it. Every attempt has a folder of
its own as working directory. In the place "plain" there is no hermetic: an attempt
that does not succeed there proves nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PLACES = ("cli", "sealed", "block")
SECRET = "the-secret-of-outside"

# Attempts are text, because one process runs them all; each ends with its own exception or none.
RUNNER = """
import json, os, sys
attempts = json.load(open("attempts.json"))
here = os.getcwd()
outside = os.path.join(os.path.dirname(here), "outside")
move = os.chdir  # attempts replace what they can
shown = {}
def run_all():
    for name, code in attempts.items():
        move(here + "/" + name)
        said = []
        try:
            exec(code, {"show": said.append, "OUTSIDE": outside, "__name__": "attempt"})
        except BaseException as error:
            said.append(type(error).__name__)
        shown[name] = repr(said)
        move(here)
BLOCK
sys.stdout.write("\\n" + json.dumps(shown) + "\\n")
"""


def prepare(folder: Path, attempts: dict[str, str]) -> None:
    """Every attempt's folder, and one outside with a secret in it."""
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET + "\n")
    (outside / "shelf").mkdir()
    for name in attempts:
        own = folder / name
        (own / "sub").mkdir(parents=True)
        (own / "victim.txt").write_text("victim\n")
        (own / "sub" / "inner.txt").write_text("inner\n")
        (own / "sub" / "inner.py").write_text("")
        (own / "link").symlink_to("victim.txt")
        (own / "leak").symlink_to(outside / "secret.txt")
        (own / "sub" / "up").symlink_to(outside)
        for path in (own, own / "victim.txt"):
            os.utime(path, (1_000_000_000, 1_000_000_000))
    (folder / "attempts.json").write_text(json.dumps(attempts))


def state(folder: Path) -> dict[str, Any]:
    """Everything that an attempt could change below a folder."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        names = os.listxattr(path, follow_symlinks=False) if hasattr(os, "listxattr") else []
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        fields = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns)
        found[str(path.relative_to(folder))] = (*fields, tuple(names), content)
    return found


def run(isolated: Any, attempts: dict[str, str], place: str, root: bool = False) -> tuple[set[str], dict[str, str]]:
    """(attempts that changed their folder, what each showed)."""
    prepare(isolated.folder, attempts)
    before = {name: state(isolated.folder / name) for name in attempts}
    keywords = "fs_readonly=True" + (", fs_root='.'" if root else "")
    inside = f"from hermetic import hermetic_blocker\nwith hermetic_blocker({keywords}): run_all()"
    isolated.write("runner.py", RUNNER.replace("BLOCK", inside if place == "block" else "run_all()"))
    option = "--fs-readonly" + (f"={isolated.folder}" if root else "")
    options = {"cli": [option], "sealed": [option, "--seal"]}.get(place)
    done = isolated.python("./runner.py") if options is None else isolated.cli(*options, "--", "./runner.py")
    assert done.code == 0, done
    changed = {name for name in attempts if state(isolated.folder / name) != before[name]}
    return changed, done.data


def nothing_changes(isolated: Any, attempts: dict[str, str], place: str) -> None:
    """No attempt changes anything; in the place "plain" every one does."""
    changed, shown = run(isolated, attempts, place)
    expected = set(attempts) if place == "plain" else set()
    assert changed == expected, {name: shown[name] for name in changed ^ expected}


def nothing_leaks(isolated: Any, attempts: dict[str, str], place: str) -> None:
    """No attempt shows the secret; in the place "plain" every one does."""
    _, shown = run(isolated, attempts, place, root=place != "plain")
    told = {name for name, text in shown.items() if SECRET in text}
    expected = set(attempts) if place == "plain" else set()
    assert told == expected, {name: shown[name] for name in told ^ expected}


def has_module(name: str) -> bool:
    """Whether this interpreter has a module, without keeping it."""
    from importlib.util import find_spec

    return name in sys.builtin_module_names or find_spec(name) is not None
