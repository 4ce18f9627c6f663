"""Blocks: process-wide, nested by conjunction, left in any order, and nothing remains after the last."""

from __future__ import annotations

import os

import pytest

from amid import AMID

HELPERS = """
import asyncio, os, socket, sys, threading, time
from hermetic import BlockConfig, PolicyViolation, hermetic_blocker, with_hermetic

def guard_of(act):
    try:
        act()
    except PolicyViolation as error:
        return error.guard
    except Exception:
        return None
    return None

def net():
    return guard_of(lambda: socket.getaddrinfo("name.invalid", 80)) == "network"
def local():
    return guard_of(lambda: socket.create_connection(("127.0.0.1", 9), 1)) == "network"
def proc():
    return guard_of(lambda: os.kill(os.getppid(), 99)) == "subprocess"
"""


def test_inner_block_cannot_widen_outer(isolated):
    isolated.passes(
        HELPERS
        + """
with hermetic_blocker(block_network=True):
    with hermetic_blocker(block_network=True, allow_localhost=True, allow_domains=["invalid"]):
        assert net() and local()
    with hermetic_blocker(block_subprocess=True):
        assert net() and proc()
    with hermetic_blocker(block_network=True, report_only=True):
        assert net()
    assert net() and not proc()
assert not net() and not local()
"""
    )


def test_outer_allowance_is_narrowed_by_inner(isolated):
    isolated.passes(
        HELPERS
        + """
with hermetic_blocker(block_network=True, allow_localhost=True):
    assert not local()
    with hermetic_blocker(block_network=True):
        assert local()
    assert not local()
"""
    )


def test_blocks_can_be_left_in_any_order(isolated):
    isolated.passes(
        HELPERS
        + """
one, two, three = (hermetic_blocker(block_network=True), hermetic_blocker(block_subprocess=True),
                   hermetic_blocker(block_network=True))
for block in (one, two, three):
    block.__enter__()
one.__exit__(None, None, None)
assert net() and proc()
two.__exit__(None, None, None)
assert net() and not proc()
three.__exit__(None, None, None)
assert not net() and not proc()
"""
    )


def test_recursion_and_reuse_of_one_blocker(isolated):
    isolated.passes(
        HELPERS
        + """
block = hermetic_blocker(block_network=True)
for _ in range(3):
    with block:
        with block:
            assert net()
        assert net()
    assert not net()

@with_hermetic(block_network=True)
def deep(n):
    assert net()
    if n:
        deep(n - 1)
    assert net()
deep(20)
assert not net()
"""
    )


def test_block_holds_in_every_thread_and_many_threads_may_enter(isolated):
    isolated.passes(
        HELPERS
        + """
block = hermetic_blocker(block_network=True)
results = []
with hermetic_blocker(block_subprocess=True):
    def work():
        for _ in range(50):
            with block:
                results.append(net() and proc())
    threads = [threading.Thread(target=work) for _ in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
    assert proc()
assert len(results) == 400 and all(results)
assert not net() and not proc()
"""
    )


def test_no_gap_while_other_blocks_come_and_go(isolated):
    isolated.passes(
        HELPERS
        + """
stop, gaps = [], []
def churn():
    while not stop:
        with hermetic_blocker(block_subprocess=True):
            pass
        with hermetic_blocker(block_network=True, allow_localhost=True):
            pass
threads = [threading.Thread(target=churn) for _ in range(3)]
with hermetic_blocker(block_network=True):
    [t.start() for t in threads]
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        if not net() or not guard_of(lambda: socket.socketpair()) == "network":
            gaps.append(1)
    stop.append(1)
    [t.join() for t in threads]
assert not gaps, len(gaps)
assert not net()
"""
    )


def test_configuration_is_copied_when_its_block_is_entered(isolated):
    isolated.passes(
        HELPERS
        + """
config = BlockConfig(block_network=True, allow_domains=[])
block = hermetic_blocker(config)
with block:
    config.allow_domains.append("invalid")
    config.allow_localhost = True
    config.block_network = False
    assert net() and local()
"""
    )


def test_sealed_block_stays_and_inner_blocks_still_narrow(isolated):
    isolated.passes(
        HELPERS
        + """
block = hermetic_blocker(block_network=True, sealed=True)
with block:
    assert net()
assert net()
with hermetic_blocker(block_network=True, allow_domains=["invalid"], allow_localhost=True):
    assert net() and local()
with hermetic_blocker(block_subprocess=True):
    assert proc()
assert not proc() and net()
with block:
    assert net()
"""
    )


@pytest.mark.parametrize("asked", ('fs_readonly=True, fs_root="."', 'deny_read=["x"]'))
def test_a_second_seal_of_the_same_words_means_the_folder_it_is_put_on_in(isolated, asked):
    for folder in ("a", "a/a"):
        isolated.write(f"{folder}/x", "text")
    isolated.passes(
        f"""
import os
import sys
from hermetic import hermetic_blocker

paths = [os.path.abspath(path) for path in ("a/x", "a/a/x")]
def refused():
    found = []
    for path in paths:
        try:
            open(path).close()
        except PermissionError:
            found.append(path)
    return found

def seal():
    with hermetic_blocker({asked}, sealed=True):
        pass
    return refused()

denies = {"deny_read" in asked}
os.chdir("a")
assert seal() == (paths[:1] if denies else [])
assert seal() == (paths[:1] if denies else [])
os.chdir("a")
assert seal() == (paths if denies else paths[:1])
"""
    )


def test_profiles_by_name_and_by_keyword(isolated):
    isolated.passes(
        HELPERS
        + """
with hermetic_blocker("net-hermetic"):
    assert net() and not local()
with hermetic_blocker(profile="exec-deny", block_network=True):
    assert proc() and local()
assert not proc() and not net()
"""
    )


def test_report_only_blocks_nothing_and_says_what_it_would(isolated):
    done = isolated.passes(
        HELPERS
        + """
with hermetic_blocker(block_subprocess=True, report_only=True):
    assert not proc()
"""
    )
    assert (
        done.stderr
        == f"[hermetic] would block os.kill name={done.stderr.split('name=')[1].split(' reason')[0]} "
        + ("reason=no-subprocess\n")
    )


def test_an_exception_leaves_the_block_and_passes_through(isolated):
    isolated.passes(
        HELPERS
        + """
try:
    with hermetic_blocker(block_network=True):
        raise KeyError("mine")
except KeyError:
    pass
assert not net()
"""
    )


def test_async_with(isolated):
    isolated.passes(
        HELPERS
        + """
async def main():
    async with hermetic_blocker(block_network=True):
        assert net()
        await asyncio.sleep(0)
        assert net()
    assert not net()
asyncio.run(main())
"""
    )


def test_a_copy_stands_for_the_same_settings_and_is_entered_nowhere(isolated):
    """As for a task that is copied, or sent to another process."""
    isolated.write("policy.toml", "block_network = true\n")
    isolated.passes(
        HELPERS
        + """
import copy, pickle
class Mine(hermetic_blocker):
    pass
made = [hermetic_blocker(block_network=True), hermetic_blocker(BlockConfig(block_network=True)),
        hermetic_blocker(policy="policy.toml"), Mine("net-hermetic")]
made[-1].note = "kept"
for block in made:
    with block:
        copies = [copy.copy(block), copy.deepcopy(block), pickle.loads(pickle.dumps(block))]
    for other in copies:
        assert type(other) is type(block) and other.values == block.values and not net()
        try:
            other.__exit__(None, None, None)
        except RuntimeError:
            pass
        else:
            raise AssertionError("left")
        with other:
            assert net()
        assert not net()
assert copies[2].note == "kept"
"""
    )


def test_blocks_inside_a_program_narrow_the_command_line(isolated):
    done = isolated.script(
        "--no-network",
        HELPERS
        + """
with hermetic_blocker(block_network=True, allow_localhost=True, allow_domains=["invalid"]):
    assert net() and local()
with hermetic_blocker(block_subprocess=True):
    assert proc() and net()
assert net() and local() and not proc()
print("end")
""",
    )
    assert (done.code, done.stdout) == (0, "end\n"), done.stderr


SNAPSHOT = """
import sys, os, gc
import _posixsubprocess, _signal, asyncio, builtins, importlib, io, posix, signal, site, socket, sqlite3, ssl, subprocess
import _imp, _frozen_importlib, _frozen_importlib_external, _io, _socket, ctypes, marshal, multiprocessing.util, code
import pickle, runpy, tempfile, threading, shutil, types, _thread, atexit, dataclasses, typing
from _hermetic.capabilities import FAMILIES, load_family
from hermetic import BlockConfig, hermetic_blocker

CONFIG = BlockConfig({keywords})

def rows():
    for guard in FAMILIES:
        for row in load_family(guard).surface:
            yield from row.patch

def snapshot():
    "Every attribute of every module and of the classes in it, by identity; what the rows name, by name."
    found = {{}}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("hermetic", "_hermetic", "__main__", "__mp_main__") or not hasattr(module, "__dict__"):
            continue
        for key, value in list(vars(module).items()):
            found[name, key] = value
            if isinstance(value, type) and name in WATCHED:
                for attribute, inner in list(vars(value).items()):
                    if attribute not in ("__dict__", "__weakref__", "__static_attributes__", "__abstractmethods__"):
                        found[name, key, attribute] = inner
    for name in rows():
        module, _, path = name.partition(":")
        thing = sys.modules.get(module)
        for step in path.split("."):
            thing = getattr(thing, step, None)
        found["row", name] = type(thing), thing if callable(thing) else id(thing)
    found["environ"] = (type(os.environ), type(os.environ).__mro__, id(os.environ), id(os.environ._data))
    found["path"] = (type(sys.path), list(sys.path), type(sys.meta_path), list(sys.meta_path), list(sys.path_hooks))
    found["modules"] = dict(sys.modules)
    return found

WATCHED = ("socket", "ssl", "subprocess", "os", "_io", "io", "types", "sqlite3", "asyncio", "_frozen_importlib",
           "_frozen_importlib_external")

def changes(before, after):
    for key in [*before, *(k for k in after if k not in before)]:
        if key == "modules":
            for name in before[key]:
                if after[key].get(name) is not before[key][name]:
                    yield "sys.modules", name
        elif key in ("environ", "path") or key[0] == "row":
            if before[key] != after[key]:
                yield key, before[key], after[key]
        elif key not in after:
            yield "gone", key
        elif key not in before:
            if key[0] in sys.modules and key[1] not in ("__warningregistry__",) and key[0] in loaded:
                yield "new", key
        elif after[key] is not before[key] and not isinstance(before[key], (int, str, tuple, float)):
            yield "changed", key

# The first block may load what it needs; what counts is that the second restores what it found.
with hermetic_blocker(CONFIG):
    pass
loaded = set(sys.modules)
before = snapshot()
with hermetic_blocker(CONFIG):
    inside = snapshot()
    with hermetic_blocker(CONFIG):
        pass
after = snapshot()
found = list(changes(before, after))
assert not found, found
"""
FAMILIES = [
    "block_network=True",
    "block_subprocess=True",
    "fs_readonly=True",
    "fs_readonly=True, fs_root='.'",
    "block_environment=True",
    "block_environment=True, environment_unset=True",
    "block_code_exec=True",
    "deny_imports=['colorsys', 'xml.etree', 'ctypes']",
    "block_native=True",
    "block_interpreter_mutation=True",
    "block_network=True, block_subprocess=True, fs_readonly=True, block_environment=True, block_code_exec=True, "
    "block_interpreter_mutation=True, block_native=True, deny_imports=['xml.etree']",
]


@pytest.mark.parametrize("keywords", FAMILIES)
def test_leaving_the_last_block_restores_every_attribute_and_module(isolated, keywords):
    isolated.passes(SNAPSHOT.format(keywords=keywords))


@pytest.mark.parametrize("keywords", FAMILIES)
def test_first_block_restores_what_was_loaded_before_it(isolated, keywords):
    code = SNAPSHOT.format(keywords=keywords)
    first = code.index("# The first block")
    isolated.passes(code[:first] + "loaded = set(sys.modules)\n" + code[code.index("before = snapshot()") :])


def test_programs_own_patch_on_top_is_left_alone(isolated):
    isolated.passes(
        HELPERS
        + """
with hermetic_blocker(block_network=True):
    guarded = socket.create_connection
    mine = lambda *a, **k: guarded(*a, **k)
    socket.create_connection = mine
assert socket.create_connection is mine
assert not local()
with hermetic_blocker(block_network=True):
    assert local()
assert not local()
"""
    )


def test_a_block_judges_openings_by_what_was_taken_before_it(isolated):
    isolated.passes("""
        import io, os
        from hermetic import hermetic_blocker
        kept, opened, bare = open, os.open, io.FileIO
        with hermetic_blocker(fs_readonly=True):
            for act in (lambda: bare("x", "w"), lambda: bare("x", "a"), lambda: kept("x", "w"),
                        lambda: opened("x", os.O_CREAT | os.O_WRONLY), lambda: opened("x", os.O_CREAT)):
                try:
                    act()
                except PermissionError:
                    continue
                raise SystemExit("made")
        assert not os.path.exists("x")
    """)


def test_a_block_that_is_entered_amid_of_another_leaves_that_whole(isolated):
    """As signal handlers and finalizers do: at every line by which the other is entered or left."""
    isolated.passes(
        HELPERS
        + AMID
        + """
import runpy, sys, threading
block = hermetic_blocker(block_environment=True, deny_imports=["colorsys"])
inner = hermetic_blocker(block_environment=True, block_code_exec=True)
FILES = tuple([os.path.join("_hermetic", *name) for name in [
    ("blocks.py",), ("enforce", "session.py"), ("enforce", "journal.py")]])

def env():
    return guard_of(lambda: os.environ["PATH"]) == guard_of(lambda: os.environ._data.get(b"PATH")) == "environment"

def code():
    return guard_of(lambda: runpy.run_path("x")) == "code_exec"

def state():
    return type(os.environ), type(os.environ._data), runpy.run_path, type(lambda: 0), sys.modules.get("colorsys")

def both():
    with inner:
        return env() and code()

import colorsys
for blocker in block, inner:
    with blocker:
        pass
before = state()
for act in block.__enter__, lambda: block.__exit__(None, None, None):
    for number in range(1, 1000):
        amid = Amid(number, both)
        if act != block.__enter__:
            block.__enter__()
        sys.settrace(amid)
        act()
        sys.settrace(None)
        if act == block.__enter__:
            assert env(), number
            block.__exit__(None, None, None)
        assert amid.held in (True, None), number
        assert state() == before, (number, state(), before)
        assert not env() and not code(), number
        if amid.held is None:
            break
    assert 20 < number < 999, number
"""
    )


def test_a_block_that_is_left_amid_of_another_leaves_nothing_behind(isolated):
    """By a signal handler, or by the finalizer of a generator: wherever it comes, one of both is the last."""
    isolated.passes(
        HELPERS
        + AMID
        + """
FILES = ("blocks.py", "session.py", "journal.py", "forkservers.py")
first, last = hermetic_blocker(block_environment=True), hermetic_blocker(block_code_exec=True)
def state():
    return vars(os)["getenv"], type(os.environ), os.environ.__class__, vars(__builtins__)["eval"]

with first, last:
    pass
before = state()
for number in range(1, 1000):
    first.__enter__()
    last.__enter__()
    sys.settrace(amid := Amid(number, lambda: first.__exit__(None, None, None)))
    last.__exit__(None, None, None)
    sys.settrace(None)
    if amid.left > 0:
        first.__exit__(None, None, None)
        break
    assert state() == before, number
assert 20 < number < 999, number
assert state() == before
"""
    )


@pytest.mark.parametrize("act", ["__enter__", "__exit__"])
def test_a_block_that_is_entered_amid_of_another_and_stays_is_in_force(isolated, act):
    isolated.passes(
        HELPERS
        + AMID
        + f"""
import hermetic
FILES = ("blocks.py", "session.py", "journal.py", "forkservers.py")
def env():
    try:
        os.environ["HOME"]
    except hermetic.PolicyViolation:
        return True
    return False
def code():
    try:
        eval("1")
    except hermetic.PolicyViolation:
        return True
    return False
first, later = hermetic_blocker(block_environment=True), hermetic_blocker(block_code_exec=True)

with first, later:
    pass
for number in range(1, 1000):
    if {act!r} == "__exit__":
        first.__enter__()
    sys.settrace(amid := Amid(number, later.__enter__))
    first.{act}(*(None,) * 3 * ({act!r} == "__exit__"))
    sys.settrace(None)
    assert env() is ({act!r} == "__enter__"), number
    if {act!r} == "__enter__":
        first.__exit__(None, None, None)
    if amid.left > 0:
        break
    assert code(), number
    later.__exit__(None, None, None)
    assert not code() and not env(), number
assert 20 < number < 999, number
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_while_other_threads_enter_and_leave_can_enter_a_block(isolated):
    isolated.passes(
        HELPERS
        + """
block = hermetic_blocker(block_network=True, block_environment=True)
stop = []
def churn():
    while not stop:
        with block:
            pass
with block:
    pass
threads = [threading.Thread(target=churn) for _ in range(3)]
[t.start() for t in threads]
for _ in range(40):
    child = os.fork()
    if not child:
        with block:
            os._exit(0 if net() else 1)
    end = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            stop.append(1)
            raise AssertionError("the child hangs")
        time.sleep(0.002)
stop.append(1)
[t.join() for t in threads]
assert not net()
"""
    )


@pytest.mark.parametrize("outer", [True, False])
def test_what_one_block_shows_as_unset_and_another_refuses_is_refused(isolated, outer):
    isolated.passes(
        f"""
    import os
    from hermetic import PolicyViolation, hermetic_blocker

    def seen():
        try:
            return os.environ["HOME"]
        except KeyError:
            return "unset"
        except PolicyViolation as violation:
            return str(violation)

    refused = "environment disabled: HOME"
    with hermetic_blocker(block_environment=True, environment_unset={outer}):
        assert seen() == ("unset" if {outer} else refused), seen()
        with hermetic_blocker(block_environment=True, environment_unset={not outer}):
            assert seen() == refused, seen()
    with hermetic_blocker(block_environment=True, environment_unset=True):
        with hermetic_blocker(block_environment=True, environment_unset=True):
            assert seen() == "unset", seen()
    """
    )


def test_blocks_remember_what_an_allowed_name_resolved_to_each_for_itself(isolated):
    isolated.passes(
        """
    import _socket
    answer = [(_socket.AF_INET, _socket.SOCK_DGRAM, 17, "", ("192.0.2.1", 80))]
    _socket.getaddrinfo = lambda *args, **kwargs: answer  # in place of C's, before anybody has it

    import socket
    from hermetic import PolicyViolation, hermetic_blocker

    def reached():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            try:
                client.connect(("192.0.2.1", 80))  # it sends nothing
            except PolicyViolation:
                return False
            except OSError:
                pass  # a machine without a network
            return True

    with hermetic_blocker(block_network=True, allow_domains=["allowed.test"]):
        assert not reached()
        socket.getaddrinfo("allowed.test", 80)
        assert reached()
        with hermetic_blocker(block_network=True, allow_domains=["allowed.test"]):
            socket.getaddrinfo("allowed.test", 80)
            assert reached()
        with hermetic_blocker(block_network=True):
            assert not reached()
        assert reached()
    """
    )
