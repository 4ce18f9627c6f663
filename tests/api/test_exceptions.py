"""What is raised: exact text, exact classes, attributes that survive a process border."""

from __future__ import annotations

import copy
import errno
import pickle
import sys

import pytest

import hermetic
from hermetic import errors
from hermetic.errors import BootstrapError, FilesystemViolation, HermeticError, ImportViolation, PolicyViolation

DETAILS = ("no-network", "--allow-domain h", "socket.connect", ("/p.py", 3, "main"), "network.connect")
FIELDS = ("message", "guard", "target", "reason", "remedy", "call", "place", "capability")


@pytest.mark.parametrize("cls", [PolicyViolation, FilesystemViolation, ImportViolation])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_violation_survives_pickling_with_everything(cls, protocol):
    one = cls("network disabled: connect(h)", "network", "h", *DETAILS)
    two = pickle.loads(pickle.dumps(one, protocol))
    assert type(two) is cls
    assert [getattr(two, f) for f in FIELDS] == [getattr(one, f) for f in FIELDS]
    assert str(two) == str(one) == "network disabled: connect(h)"


@pytest.mark.parametrize("cls", [PolicyViolation, FilesystemViolation, ImportViolation])
def test_violation_can_be_copied(cls):
    one = cls("m", "g", "t", *DETAILS)
    assert copy.copy(one).place == copy.deepcopy(one).place == ("/p.py", 3, "main")


def test_classes_are_the_documented_ones():
    assert issubclass(HermeticError, RuntimeError)
    assert issubclass(PolicyViolation, HermeticError)
    assert issubclass(BootstrapError, HermeticError)
    assert not issubclass(PolicyViolation, (OSError, ImportError))
    assert not issubclass(BootstrapError, PolicyViolation)


def test_filesystem_violation_is_a_permission_error():
    error = FilesystemViolation("filesystem readonly: /x", "filesystem", "/x")
    assert isinstance(error, PermissionError)
    assert (error.errno, error.filename, str(error)) == (errno.EACCES, "/x", "filesystem readonly: /x")


def test_import_violation_is_an_import_error():
    error = ImportViolation("import blocked: ctypes", "imports", "ctypes")
    assert isinstance(error, ImportError)
    assert not isinstance(error, ModuleNotFoundError)
    assert (error.name, str(error)) == ("ctypes", "import blocked: ctypes")


def test_public_names_have_their_public_home():
    for name in errors.__all__:
        assert getattr(errors, name).__module__ == "hermetic.errors"


BLOCKED = """
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True):
    import socket
    socket.gethostbyname("blocked.example")
"""
INSTALLED = """
from hermetic.guards import install_all
import socket
install_all(net={})
socket.gethostbyname("blocked.example")
"""


@pytest.mark.parametrize("program", [BLOCKED, INSTALLED], ids=["block", "installed"])
def test_tracebacks_show_the_public_name(isolated, program):
    lines = isolated.code(program).errors
    assert "hermetic.errors.PolicyViolation: network disabled: DNS(blocked.example)" in lines


LOOKS_UP = "import socket\nsocket.gethostbyname('blocked.example')\n"
STARTS_ONE = f"import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-c', {LOOKS_UP!r}])\n"


@pytest.mark.parametrize("program", [LOOKS_UP, STARTS_ONE], ids=["run", "child"])
@pytest.mark.parametrize("options", [(), ("--no-environment=unset",)], ids=["here", "new process"])
def test_tracebacks_of_runs_and_children_show_the_public_name(isolated, program, options):
    isolated.write("program.py", program)
    done = isolated.cli("--no-network", *options, "--", "program.py")
    assert "hermetic.errors.PolicyViolation: network disabled: DNS(blocked.example)" in done.errors


# Python runs it with the core alone, which is what a process has that hermetic was carried to.
CORE_ALONE = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
from _hermetic import errors
there = pickle.loads(bytes.fromhex(sys.argv[2]))
assert type(there) is errors.ImportViolation and there.target == "t", there
for kind in (errors.HermeticError, errors.BootstrapError):
    again = pickle.loads(pickle.dumps(kind("not started")))
    assert type(again) is kind and str(again) == "not started", again
assert "hermetic" not in sys.modules
print(pickle.dumps(there).hex())
"""


def test_violations_are_pickled_to_and_from_processes_with_the_core_alone(isolated, tmp_path):
    from pathlib import Path

    import _hermetic

    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "_hermetic").symlink_to(Path(_hermetic.__file__).parent)
    one = ImportViolation("import blocked: t", "imports", "t", *DETAILS)
    one.__notes__ = ["as shown"]
    sent = pickle.dumps(one).hex()
    back = isolated.python("-I", "-S", "-c", CORE_ALONE, str(tmp_path / "alone"), sent)
    two = pickle.loads(bytes.fromhex(back.stdout))
    assert type(two) is ImportViolation
    assert [getattr(two, f) for f in (*FIELDS, "__notes__")] == [getattr(one, f) for f in (*FIELDS, "__notes__")]


class Mine(PolicyViolation):
    """A program may have its own."""


def test_a_class_of_ones_own_is_pickled_by_its_own_name():
    two = pickle.loads(pickle.dumps(Mine("m", "network", "t")))
    assert (type(two), two.target) == (Mine, "t")


def test_package_exports_what_is_promised():
    expected = {"BlockConfig", "HermeticError", "PolicyViolation", "__version__", "hermetic_blocker", "with_hermetic"}
    assert expected <= set(hermetic.__all__)
    assert sorted(hermetic.__all__) == list(hermetic.__all__)
    for name in hermetic.__all__:
        assert getattr(hermetic, name) is not None
    assert hermetic.with_hermetic is hermetic.hermetic_blocker
    with pytest.raises(AttributeError):
        _ = hermetic.nonsense


CAUGHT = """
import hermetic, sys, json
from hermetic.errors import PolicyViolation
try:
    with hermetic.hermetic_blocker({keywords}):
        {act}
except PolicyViolation as error:
    print(json.dumps({{
        "text": str(error), "guard": error.guard, "target": error.target, "reason": error.reason,
        "remedy": error.remedy, "place": error.place, "notes": getattr(error, "__notes__", None),
        "oserror": isinstance(error, OSError), "importerror": isinstance(error, ImportError),
        "errno": getattr(error, "errno", None), "filename": getattr(error, "filename", None),
        "name": getattr(error, "name", None), "capability": error.capability,
    }}))
"""


def test_violation_of_a_block_carries_guard_target_rule_remedy_and_place(isolated):
    act = "import socket; socket.create_connection(('example.com', 80))"
    found = isolated.code(CAUGHT.format(keywords="block_network=True", act=act)).data
    assert found["text"] == "network disabled: create_connection(example.com)"
    assert (found["guard"], found["target"], found["reason"]) == ("network", "example.com", "no-network")
    assert found["remedy"] == "--allow-domain example.com"
    assert found["place"][0] == "<string>"
    assert found["place"][2] == "<module>"
    assert not found["oserror"]
    assert not found["importerror"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes exist since 3.11")
def test_rule_place_and_remedy_are_notes(isolated):
    act = "import os; os.system('true')"
    notes = isolated.code(CAUGHT.format(keywords="block_subprocess=True", act=act)).data["notes"]
    text = "\n".join(notes)
    assert "no-subprocess" in text
    assert "<string>" in text
    assert "to allow it: " in text


def test_filesystem_violation_of_a_block(isolated):
    found = isolated.code(CAUGHT.format(keywords="fs_readonly=True", act="open('new.txt', 'w')")).data
    path = str(isolated.folder / "new.txt")
    assert found["text"] == f"filesystem readonly: {path}"
    assert (found["guard"], found["oserror"], found["errno"], found["filename"]) == (
        "filesystem",
        True,
        errno.EACCES,
        path,
    )


def test_denial_comes_before_not_found_and_exists(isolated):
    isolated.write("there.txt", "x")
    for act in ("open('no/such/folder.txt', 'w')", "open('there.txt', 'x')", "import os; os.mkdir('.')"):
        assert isolated.code(CAUGHT.format(keywords="fs_readonly=True", act=act)).data["guard"] == "filesystem", act


def test_import_violation_of_a_block(isolated):
    found = isolated.code(CAUGHT.format(keywords="deny_imports=['colorsys']", act="import colorsys")).data
    assert (found["text"], found["guard"], found["importerror"], found["name"]) == (
        "import blocked: colorsys",
        "imports",
        True,
        "colorsys",
    )


def test_violation_crosses_a_spawned_process_pool(isolated):
    isolated.write(
        "pool.py",
        """
        import multiprocessing, socket
        from concurrent.futures import ProcessPoolExecutor
        from hermetic import PolicyViolation, hermetic_blocker

        def act():
            with hermetic_blocker(block_network=True):
                socket.create_connection(("example.com", 80))

        if __name__ == "__main__":
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                try:
                    pool.submit(act).result()
                except PolicyViolation as error:
                    assert error.guard == "network" and error.target == "example.com", vars(error)
                    assert str(error) == "network disabled: create_connection(example.com)"
                    print("caught")
        """,
    )
    done = isolated.python("pool.py")
    assert (done.code, done.stdout) == (0, "caught\n"), done.stderr


def test_where_the_stack_ends_a_violation_names_its_target_or_the_program_sees_that_it_ended(isolated):
    isolated.passes(
        """
    import os, sys
    from hermetic import hermetic_blocker

    def call_in_depth(depth, act):
        return act() if depth == 0 else call_in_depth(depth - 1, act)

    def all_that_is_raised(act):
        found = set()
        for depth in range(sys.getrecursionlimit() - 90, sys.getrecursionlimit()):
            try:
                found.add(call_in_depth(depth, act))
            except Exception as error:
                found.add(str(error).rpartition(os.sep)[2] if hasattr(error, "guard") else type(error))
        return found

    with hermetic_blocker(fs_readonly=True, block_environment=True):
        for act, words in (
            (lambda: os.environ["NAME"], "environment disabled: NAME"),
            (lambda: os.mkdir("made"), "made)"),
            (lambda: open("made", "w"), "made"),
        ):
            found = all_that_is_raised(act)
            assert found == {words, RecursionError}, found
    """
    )
