"""Every audit event of every supported CPython is guarded or listed with a reason: a new Python turns this red."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from not_guarded import NOT_GUARDED

from _hermetic.capabilities import FAMILIES, load_family
from _hermetic.start import CLASSIFIED

LISTS = {path.stem: set(path.read_text().split()) for path in (Path(__file__).parent / "audit_events").glob("*.txt")}
GUARDED = {event for guard in FAMILIES for row in load_family(guard).surface for event in row.audit}
EVERY = set().union(*LISTS.values())
# Not CPython's: the two halves into which the session divides "open".
OWN = {"open.read", "open.write"}


def test_every_classified_version_has_a_list():
    assert {f"{major}.{minor}" for major, minor in CLASSIFIED} == set(LISTS) - {"windows", "elsewhere"}


@pytest.mark.parametrize("name", LISTS)
def test_every_event_is_guarded_or_has_a_reason(name):
    unclassified = sorted(LISTS[name] - GUARDED - set(NOT_GUARDED))
    assert not unclassified, "add each to a family's surface, or to not_guarded.py with a reason"


def test_no_event_is_both_guarded_and_excused():
    assert not sorted(GUARDED & set(NOT_GUARDED))


def test_no_row_and_no_excuse_names_an_event_that_does_not_exist():
    assert not sorted((GUARDED - OWN | set(NOT_GUARDED)) - EVERY)


def test_every_excuse_has_a_reason():
    assert all(NOT_GUARDED.values())


def test_events_that_the_standard_library_raises_are_listed():
    """The cheap half of tools/refresh_audit_events.py, for the running interpreter."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = Path(__file__).parents[2] / "tools" / "refresh_audit_events.py"
    spec = spec_from_file_location("refresh_audit_events", path)
    assert spec is not None
    assert spec.loader is not None
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version not in LISTS:
        pytest.skip(f"{version} has not been classified")
    assert not sorted(tool.library_events() - LISTS[version])


LIVE = """
import json, sys
seen = set()
sys.addaudithook(lambda event, args: seen.add(event))
import asyncio, array, gc, marshal, os, pickle, socket, subprocess, sqlite3, tempfile, threading, shutil, glob, fcntl, mmap
for act in ("os.listdir('.')", "os.scandir('.').close()", "os.mkdir('d')", "os.rename('d', 'e')", "os.rmdir('e')",
            "open('f', 'w').close()", "os.chmod('f', 0o600)", "os.truncate('f', 3)", "os.utime('f')", "os.link('f', 'g')",
            "os.symlink('f', 'h')", "os.remove('f')", "os.system('true')", "subprocess.run(['true'])", "os.kill(os.getpid(), 0)",
            "socket.socketpair()", "socket.getaddrinfo('127.0.0.1', 1)", "socket.socket().bind(('127.0.0.1', 0))",
            "sqlite3.connect(':memory:')", "marshal.loads(marshal.dumps(1))", "pickle.loads(pickle.dumps(len))",
            "gc.get_objects()", "array.array('b')", "compile('1', '', 'exec')", "exec('1')", "os.putenv('A', 'b')",
            "os.unsetenv('A')", "os.chdir('.')", "threading.Thread(target=int).start()", "id(1)", "sys._getframe()",
            "tempfile.TemporaryFile().close()", "glob.glob('*')", "mmap.mmap(-1, 10)", "sys.setprofile(None)",
            "sys.settrace(None)", "(lambda: 1).__code__.replace(co_name='x')", "asyncio.run(asyncio.sleep(0))",
            "shutil.rmtree('nothing', True)", "fcntl.flock(1, 8)", "os.posix_spawn('/bin/true', ['true'], {})"):
    try:
        exec(act)
    except OSError:
        pass
print(json.dumps(sorted(seen)))
"""


def test_events_seen_live_are_listed(isolated):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version not in LISTS:
        pytest.skip(f"{version} has not been classified")
    seen = set(isolated.code(LIVE).data)
    assert len(seen) > 30
    assert not sorted(seen - LISTS[version])
