"""The real thing, on this machine's kernel: each irreversible act in its own process, as root and as another user."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

HERE = str(Path(__file__).resolve().parent)
NOBODY = 65534
USERS = ["as we are", "as an ordinary user"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["as we are"]


def current():
    """What this kernel offers; None where there is no backend."""
    if sys.platform != "linux":
        return None
    # Not in this process, which may have threads.
    code = "from _hermetic.enforce.kernel.linux.backend import probe; f = probe(waits=True); print([getattr(f, n) for n in f.__slots__])"
    source = str(Path(HERE).parent.parent / "src")
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": source}, capture_output=True, text=True)
    from _hermetic.enforce.kernel.plan import Support

    return Support(**dict(zip(Support.__slots__, ast.literal_eval(done.stdout), strict=True)))


SUPPORT = current()


@pytest.fixture
def support():
    if SUPPORT is None or not SUPPORT.filters:
        pytest.skip("no kernel layer here")
    return SUPPORT


@pytest.fixture
def landlock(support):
    if support.landlock < 6:
        pytest.skip("Landlock of ABI 6 is needed")
    return support


@pytest.fixture
def judged(landlock):
    if not landlock.supervisor:
        pytest.skip(landlock.no_supervisor)
    return landlock


HOLD = """
import json, os, sys
sys.path.insert(0, {here!r})
from attempts import *
from _hermetic.policy import Policy, make_rules
from _hermetic.enforce.kernel.backend import confine, table
rules = {{guard: make_rules(guard, keywords) for guard, keywords in {families!r}.items()}}
if {user}:
    # Another user may not even read where this interpreter lies: all has been loaded by now.
    os.setgroups([]); os.setgid({user}); os.setuid({user})
    C.prctl(4, 1, 0, 0, 0)  # a process that was never anybody else can be looked into
found = confine(Policy(rules=rules, sealed={sealed}), rules, {mode!r}, waits=True)
states = {{row.capability: row.state for row in found.rows}}
"""


class Held:
    """Code in a process that the kernel holds, and no guard: what native code could do."""

    def __init__(self, isolated, user: int) -> None:
        self.isolated, self.user = isolated, user

    def __call__(self, families: dict, code: str, mode: str = "auto", sealed: bool = False, before: str = "", **how):
        """before: code for the process while nothing holds it."""
        text = before + HOLD.format(here=HERE, user=self.user, families=families, mode=mode, sealed=sealed) + code
        # With its folder, by which the program finds who judges for it among those of other tests.
        done = self.isolated.python("-c", text, str(self.isolated.folder), **how)
        assert done.code == 0, done.stderr
        # A program may say something in between.
        self.said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return self.said[-1] if self.said else None


@pytest.fixture(params=USERS)
def held(request, isolated, support):
    if request.param == "as we are":
        yield Held(isolated, 0)
        return
    # Not below pytest's own folder, which every pytest that starts anywhere on the machine takes from other users again.
    with tempfile.TemporaryDirectory(prefix="h") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if not all(above.stat().st_mode & 0o001 for above in folder.resolve().parents):
            pytest.skip("no other user can come to this folder of temporary files")
        os.chown(folder, NOBODY, NOBODY)
        isolated.folder = folder
        yield Held(isolated, NOBODY)


# --- the supervisor ---


@pytest.fixture(params=["", "made", "above"], ids=["as it is", "in a container", "above"])
def supervised(request, isolated, monkeypatch):
    """What uses this holds wherever it stands: where it gets the program's sockets, where it makes them, and where it
    must be above the program to look into it: "", "made", "above".
    """
    plain = isolated.environment
    monkeypatch.setattr(
        isolated,
        "environment",
        lambda changes=None, bare=False: plain(
            {"HERMETIC_TEST_SUPERVISOR": request.param or None, **(changes or {})}, bare
        ),
    )
    return request.param


@pytest.fixture
def servers():
    """Two TCP ports of this test, and how often each was reached."""
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
    counts = [0, 0]

    def accept(which):
        while True:
            try:
                listeners[which].accept()[0].close()
            except OSError:
                return
            counts[which] += 1

    for which in range(2):
        threading.Thread(target=accept, args=(which,), daemon=True).start()
    yield [listener.getsockname()[1] for listener in listeners], counts
    for listener in listeners:
        listener.close()
