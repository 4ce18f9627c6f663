"""SQLite under policies that hold at once: what one of them refuses nobody opens, and what all allow is opened."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("sqlite3")

TRIES = """
import os, sqlite3
from hermetic import hermetic_blocker
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.own = True
for name in "abc":
    os.path.isdir(name) or os.mkdir(name)
def opened():
    "The folders whose database can be opened, and attached by each kind of connection."
    found = []
    for name in "abc":
        acts = [lambda: sqlite3.connect(f"{name}/x.db").execute("create table if not exists t (x)")]
        for factory in (sqlite3.Connection, Own):
            for ask in (lambda *asked: 0, None):
                connection = sqlite3.connect(":memory:", factory=factory)
                assert type(connection).__name__ == factory.__name__
                connection.set_authorizer(ask) if ask else None
                acts.append(lambda connection=connection: connection.execute(f"attach '{name}/x.db' as y"))
        answers = {allowed(act) for act in acts}
        assert len(answers) == 1, (name, answers)
        found += name * answers.pop()
    return "".join(found)
def allowed(act):
    try:
        act()
        return True
    except Exception as error:
        assert str(error).startswith("filesystem readonly: "), error
        return False
"""
BLOCKS = """
print(opened())
with hermetic_blocker(fs_readonly=True, allow_write=["a", "c"]):
    print(opened())
    with hermetic_blocker(fs_readonly=True, allow_write=["a", "b", "c"]):
        print(opened())
    with hermetic_blocker(fs_readonly=True):
        print(opened())
with hermetic_blocker(block_native=True):
    print(opened())
    with hermetic_blocker(fs_readonly=True, allow_write=["b", "c"]):
        print(opened())
with hermetic_blocker(fs_readonly=True, block_native=True, allow_write=["b"]):
    print(opened())
print(opened())
"""


def lines(done):
    assert done.code == 0, done
    return done.stdout.split("\n")[:-1]


@pytest.fixture
def folders(isolated):
    """Three folders: two of them are given by the run."""
    for name in "abc":
        (isolated.folder / name).mkdir()
    return isolated


@pytest.mark.parametrize("more", ["", "--block-native", "--seal --block-native", "--seal --no-code-exec"])
def test_a_block_inside_a_run(folders, more):
    """Both hold: the run's for as long as the process lives, the block's while it is entered."""
    done = folders.script(f"--fs-readonly --allow-write=a --allow-write=b {more}", TRIES + BLOCKS)
    assert lines(done) == ["ab", "a", "a", "", "ab", "b", "b", "ab"]


def test_a_block_inside_a_run_of_native_code_only(folders):
    """The run restricts no files; the block's restrictions do not depend on it."""
    done = folders.script("--block-native", TRIES + BLOCKS)
    assert lines(done) == ["abc", "ac", "ac", "", "abc", "bc", "b", "abc"]


def test_blocks_alone(folders):
    """The same without a run."""
    done = folders.code(TRIES + BLOCKS)
    assert lines(done) == ["abc", "ac", "ac", "", "abc", "bc", "b", "abc"]


@pytest.mark.parametrize("inner", ["", "--block-native", "--no-code-exec"])
@pytest.mark.parametrize(
    "outer",
    [
        "",
        "--block-native",
        pytest.param(
            "--seal", marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="there it refuses the command")
        ),
    ],
)
def test_a_run_inside_a_run(folders, outer, inner):
    """Two policies of one process. Where only the newer takes native code away, no connection is made: the older would
    make it, with a function that calls any address."""
    folders.write("target.py", TRIES + "print(opened())")
    words = f"--fs-readonly --allow-write=b --allow-write=c {inner}".split()
    code = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-m', 'hermetic', *{words}, '--', './target.py']).returncode)"
    options = f"--fs-readonly --allow-write=a --allow-write=b {outer}".split()
    done = folders.cli(*options, "--", "python", "-c", code)
    if inner == "--block-native" and outer != inner:
        assert (
            done.code == 2
            and done.stdout == ""
            and "giving --block-native before the policies around it" in done.stderr
        ), done
    else:
        assert lines(done) == ["b"], done


def test_what_the_run_refuses_stays_refused_in_a_block(folders):
    """A class that a block has made is no way around the run, nor one of the run's around the block."""
    code = """
inside = sqlite3.connect(":memory:")
with hermetic_blocker(fs_readonly=True):
    both = sqlite3.connect(":memory:")
    for kind in (type(inside), *type(both).__mro__[1:-2]):
        try:
            kind(":memory:").execute("attach 'a/x.db' as y")
        except Exception as error:
            assert "readonly" in str(error), error
        else:
            raise SystemExit(f"{kind} attaches")
for kind in type(both).__mro__[:-2]:
    try:
        kind(":memory:").execute("attach 'c/x.db' as y")
    except Exception as error:
        assert "readonly" in str(error), error
    else:
        raise SystemExit(f"{kind} attaches")
print("none")
"""
    done = folders.script("--fs-readonly --allow-write=a", TRIES + code)
    assert lines(done) == ["none"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there, None is no way to take an authorizer away")
def test_taking_an_authorizer_away_leaves_both(folders):
    """None takes the program's own away."""
    code = """
with hermetic_blocker(fs_readonly=True, allow_write=["a", "c"]):
    connection = sqlite3.connect(":memory:")
    connection.set_authorizer(lambda *asked: 1)
    connection.set_authorizer(None)
    print([name for name in "abc" if allowed(lambda: connection.execute(f"attach '{name}/x.db' as y{name}"))])
"""
    done = folders.script("--fs-readonly --allow-write=a --allow-write=b", TRIES + code)
    assert lines(done) == ["['a']"]
