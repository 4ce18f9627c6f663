"""An argument that cannot be read is refused, not passed on: CVE-2025-53109, where ``except`` swallowed the denial itself."""

from __future__ import annotations

import pytest
from network_attack import attack
from state_attempts import PLACES, outcomes

from _hermetic.capabilities import FAMILIES, load_family
from _hermetic.enforce.judge import UNREADABLE, unreadable

HOSTILE = """
class Angry:
    def __fspath__(self): raise self.kind
    __str__ = __index__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __getattr__ = __bytes__ = __fspath__
KINDS = [type(name, (Angry,), {"kind": error}) for name, error in
         (("Value", ValueError), ("Lookup", KeyError), ("Attribute", AttributeError), ("Permission", PermissionError),
          ("Stop", StopIteration), ("Recursion", RecursionError), ("Exit", SystemExit), ("Key", KeyboardInterrupt), ("Memory", MemoryError))]
class Text(str):
    def __getattribute__(self, name): raise ValueError
    __str__ = __eq__ = __hash__ = __len__ = __getitem__ = __iter__ = __contains__ = __add__ = lambda *a: 1 / 0
class Number(int):
    def __getattribute__(self, name): raise ValueError
    __index__ = __int__ = __eq__ = __and__ = __rand__ = __hash__ = lambda *a: 1 / 0
class Pair(tuple):
    def __getattribute__(self, name): raise ValueError
    __getitem__ = __iter__ = __len__ = __eq__ = lambda *a: 1 / 0
"""
WRITES = """
@attempt
def path(): return open(Text("made.txt"), "w")
@attempt
def mode(): return open("made.txt", Text("w"))
@attempt
def flags(): return os.open("made.txt", Number(os.O_CREAT | os.O_WRONLY))
@attempt
def folder(): return os.mkdir(Text("made"))
@attempt
def folder_and_mode(): return os.mkdir("made", Number(0o700))
@attempt
def target(): return os.symlink("x", Text("made"))
@attempt
def descriptor(): return os.open("made.txt", os.O_CREAT, dir_fd=Number(os.open(".", 0)))
@attempt
def surrogates(): return open("made\\udcff", "w")
@attempt
def lone_surrogate(): return open("made\\ud800", "w")
@attempt
def long_name(): return open("made/" * 3000, "w")
@attempt
def angry():
    for kind in KINDS:
        for act in (lambda: open(kind(), "w"), lambda: open("made.txt", kind()), lambda: os.open("made.txt", kind()), lambda: os.mkdir(kind()),
                    lambda: os.mkdir("made", kind())):
            try: act()
            except BaseException: pass
"""


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_written_through_an_argument_that_will_not_be_read(isolated, place):
    before = {path.name for path in isolated.folder.iterdir()}
    found = outcomes(isolated, place, "--fs-readonly", {"fs_readonly": True}, HOSTILE + WRITES)
    left = {path.name for path in isolated.folder.iterdir()} - before
    assert left <= {"target.py", "attempts.py"}
    assert found.pop("angry") == "None"
    # Refused by the guard, or by C, which cannot read it either.
    for name, outcome in found.items():
        refused = outcome.startswith(("filesystem readonly: ", "filesystem mutation disabled: "))
        assert refused or (name == "lone_surrogate" and outcome == "UnicodeEncodeError"), f"{name}: {outcome}"


ADDRESSES = [
    "('127.0.0.1', Number(PORT))",
    "Pair(('127.0.0.1', PORT))",
    "Pair(('127.0.0.1', Number(PORT)))",
    "(b'127.0.0.1', PORT)",
    "(bytearray(b'127.0.0.1'), PORT)",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_is_reached_through_an_address_that_will_not_be_read(isolated, address):
    code = HOSTILE + f"ADDRESS = {address}\n"
    for act in (
        "real().connect(ADDRESS)",
        "_socket.socket().connect(ADDRESS)",
        "_socket.socket.connect(real(), ADDRESS)",
        "real(2, 2).sendto(b'x', ADDRESS)",
        "real(2, 2).sendmsg([b'x'], [], 0, ADDRESS)",
        "socket.create_connection(ADDRESS, 1)",
    ):
        code += f"attempt(lambda: {act})\n"
    works, reached, done = attack(isolated, code, "--no-network --allow-domain allowed.test")
    assert works
    assert not reached
    assert done.code == 0, done


STARTS = """
import signal, subprocess
@attempt
def program(): return subprocess.Popen([Text("true")])
@attempt
def command(): return os.system(Text("true"))
@attempt
def signalled(): return os.kill(Number(os.getppid()), signal.SIGCONT)
@attempt
def number(): return os.kill(os.getppid(), Number(signal.SIGCONT))
@attempt
def listed(): return subprocess.Popen(Pair(("true",)))
@attempt
def angry_names(): return [os.system(kind()) for kind in KINDS]
"""


@pytest.mark.parametrize("place", PLACES)
def test_nothing_starts_by_a_name_that_will_not_be_read(isolated, place):
    found = outcomes(isolated, place, "--no-subprocess", {"block_subprocess": True}, HOSTILE + STARTS)
    assert found.pop("angry_names") in ("TypeError", "ValueError", "subprocess disabled: os.system")
    for name, outcome in found.items():
        assert outcome.startswith("subprocess disabled: ") or outcome in ("ValueError", "ZeroDivisionError"), (
            name,
            outcome,
        )


def test_the_refusal_is_in_the_documented_words(isolated):
    isolated.passes(
        HOSTILE
        + """
import socket
from hermetic import PolicyViolation, hermetic_blocker
with hermetic_blocker(block_network=True), socket.socket() as client:
    try:
        client.connect((Text("127.0.0.1"), 80))
    except PolicyViolation as violation:
        found = violation
assert str(found) == "network disabled: socket.connect(?)", found
assert (found.guard, found.target, found.reason) == ("network", None, "no-network")
assert found.remedy.endswith("argument that can be read"), found.remedy
"""
    )


def test_every_guard_has_words_for_what_it_cannot_read():
    guards = {row.capability.partition(".")[0] for family in FAMILIES for row in load_family(family).surface}
    assert guards == {guard for guard, _, _ in UNREADABLE}
    for guard, phrase, option in UNREADABLE:
        assert unreadable(guard, "call") == (f"{phrase}: call(?)", None, option, "an argument that can be read")
    path = "a path that is text: os.fspath(path)"
    assert unreadable("filesystem", "open") == ("filesystem mutation disabled: open(?)", None, "fs-readonly", path)
