"""Code that runs while a file is being opened finds no descriptor of what may not be read."""

from __future__ import annotations

import os

import pytest

# A search for an encoding, a warning and a signal's handler run while a file is being opened.
PEEK = """
import codecs, signal, time, warnings
seen = []
def peek(*args, **kwargs):
    for number in range(3, 12):
        try:
            seen.append(os.pread(number, 99, 0))
        except OSError:
            pass
def attempt(*args, **kwargs):
    try:
        open("secret/file", *args, **kwargs)
    except (OSError, LookupError):
        pass
"""
CHANCES = {
    "encoding": "codecs.register(peek); attempt(encoding='unheard-of')",
    "warning": "warnings.simplefilter('always'); warnings.showwarning = peek; attempt('rb', buffering=1)",
    "signal": """
signal.signal(signal.SIGALRM, peek)
end = time.monotonic() + 2
while time.monotonic() < end:
    signal.setitimer(signal.ITIMER_REAL, 0.00001 + time.perf_counter_ns() % 40 / 1e6)
    attempt()
signal.setitimer(signal.ITIMER_REAL, 0)
""",
}


@pytest.mark.skipif(not hasattr(os, "pread"), reason="nothing reads by a descriptor's number here")
@pytest.mark.parametrize("chance", CHANCES)
def test_what_runs_during_an_opening_finds_no_descriptor_of_what_is_denied(isolated, chance):
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "secret/file").write_text("secret/file\n")
    isolated.write("target.py", "import os\n" + PEEK + CHANCES[chance] + "\nprint(b'secret/file\\n' in seen)")
    done = isolated.cli("--deny-read", "secret", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "False\n"), done


FORGED = """
import codecs, io, sqlite3, sys, types
frames = []
def look(name):
    frame = sys._getframe(1)
    while frame is not None:
        frames.append(frame.f_code)
        frame = frame.f_back
codecs.register(look)
for mode in ("r", "r+", "a"):
    try:
        open("target.py", mode, encoding="unheard-of")
    except (LookupError, OSError):
        pass
seen = []
def take(make):
    for words in ((io.FileIO, ("link", "r")), (io.FileIO, ("secret/file", "r"))):
        try:
            with make()(*words, "x", None) as file:
                seen.append(file.read())
        except Exception:
            pass
def again(*words): pass
def set_code(): again.__code__ = code
for code in frames:
    if code.co_filename != __file__:
        take(lambda: types.FunctionType(code, {}))
        take(lambda: (set_code(), again)[1])
print(len(frames) > 3, b"secret/file\\n" in seen)
"""


@pytest.mark.parametrize(
    "options", [["--deny-read", "secret"], ["--deny-read", "secret", "--seal"], ["--fs-readonly=inside"]]
)
def test_the_code_of_what_opens_files_opens_nothing_for_others(isolated, options):
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "secret/file").write_text("secret/file\n")
    (isolated.folder / "inside").mkdir()
    (isolated.folder / "link").symlink_to("secret/file")
    isolated.write("target.py", FORGED)
    done = isolated.cli(*options, "--", "./target.py")
    assert (done.code, done.stdout) == (0, "True False\n"), done


FINALIZER = """
import functools, gc, io, os, sys, threading
if sys.argv[1] == "thread":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.unraisablehook = lambda told: None
seen = []
class Reader(io.FileIO):
    def close(self):
        try:
            seen.append(self.readall())
        except (OSError, ValueError):
            pass
        super().close()
class Dropped:
    # C calls what is no function as it is, without a frame of its own: it has that of whoever is running.
    __del__ = functools.partial(Reader, os.path.abspath("link"))
gc.set_threshold(1)
def drop():
    for _ in range(3):
        dropped = Dropped()
        dropped.itself = dropped
for _ in range(1500):
    drop()
    open("inside/file").close()
    drop()
    os.close(os.open("inside/file", os.O_RDONLY))
print(b"secret/file\\n" in seen)
"""


@pytest.mark.parametrize("place", ["alone", "thread"])
@pytest.mark.parametrize(
    "options", [["--deny-read", "secret"], ["--deny-read", "secret", "--seal"], ["--fs-readonly=inside"]]
)
def test_a_finalizer_that_runs_during_an_opening_opens_no_link_as_the_stand_in_does(isolated, options, place):
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "secret/file").write_text("secret/file\n")
    (isolated.folder / "inside").mkdir()
    (isolated.folder / "inside/file").write_text("inside\n")
    (isolated.folder / "link").symlink_to("secret/file")
    isolated.write("target.py", FINALIZER)
    done = isolated.cli(*options, "--", "./target.py", place)
    assert (done.code, done.stdout) == (0, "False\n"), done


AMID = """
import gc, os
gc.set_threshold(1)
busy = []
def opens(phase, info):
    if not busy:
        busy.append(True)
        try:
            open("inside/file").close()
        except OSError:
            pass
        busy.clear()
gc.callbacks.append(opens)
opened = 0
for path in ("secret/link", b"secret/link"):
    for open_it in (lambda: open(path).close(), lambda: os.close(os.open(path, os.O_RDONLY))):
        for _ in range(100):
            try:
                open_it()
                opened += 1
            except OSError:
                pass
gc.callbacks.clear()
print(opened)
"""


@pytest.mark.parametrize("options", [["--deny-read", "secret"], ["--deny-read", "secret", "--seal"]])
def test_an_opening_amid_of_another_is_not_taken_for_it(isolated, options):
    """The link on the way of the first is what nobody would look at."""
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "inside").mkdir()
    (isolated.folder / "inside/file").write_text("inside\n")
    (isolated.folder / "secret/link").symlink_to("../inside/file")
    isolated.write("target.py", AMID)
    done = isolated.cli(*options, "--", "./target.py")
    assert (done.code, done.stdout) == (0, "0\n"), done


TURNED = """
import os, signal, time
hidden = os.open("secret/file", os.O_PATH)
lowest = os.dup(hidden)
os.close(lowest)
turned, seen = [], []
def turns(*_):
    for number in (lowest, lowest + 1):
        try:
            if os.readlink(f"/proc/self/fd/{number}").endswith("inside/file"):
                os.dup2(hidden, number)
                turned.append(number)
        except OSError:
            pass
signal.signal(signal.SIGALRM, turns)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    signal.setitimer(signal.ITIMER_REAL, 0.00001 + time.perf_counter_ns() % 60 / 1e6)
    try:
        number = os.open("inside/file", os.O_RDONLY)
        try:
            seen.append(os.read(number, 99))
        finally:
            os.close(number)
    except OSError:
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(turned) > 0, b"secret/file\\n" in seen)
"""


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="no handles here")
def test_a_number_that_is_turned_to_another_file_amid_of_an_opening_opens_nothing_under_a_seal(isolated):
    (isolated.folder / "secret").mkdir()
    (isolated.folder / "secret/file").write_text("secret/file\n")
    (isolated.folder / "inside").mkdir()
    (isolated.folder / "inside/file").write_text("inside\n")
    isolated.write("target.py", TURNED)
    done = isolated.cli("--kernel=off", "--deny-read", "secret", "--seal", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "True False\n"), done
