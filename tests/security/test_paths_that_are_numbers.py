"""An int that is a path as well: C takes a number for a descriptor, and one that is none for a path (``__fspath__``), of
which the event of the opening shows the number only.
"""

from __future__ import annotations

import pytest

HEAD = """
import io, os, ssl
class Number(int):
    def __fspath__(self): return os.fspath(self.path)
def numbered(path, size=2**40):
    number = Number(size)
    number.path = path
    return number
def attempt(name, act):
    try:
        print(name, act())
    except Exception as error:
        print(name, type(error).__name__)
def keys(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.keylog_filename = numbered(path, 3)
"""
WRITES = """
attempt("file", lambda: io.FileIO(numbered("w.txt"), "w"))
attempt("open", lambda: open(numbered("w.txt"), "w"))
attempt("keys", lambda: keys("w.txt"))
attempt("memory", lambda: io.FileIO(numbered("/proc/self/mem"), "r+"))
"""
READS = """
attempt("file", lambda: io.FileIO(numbered("../secret.txt")).read())
attempt("parameters", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_dh_params(numbered("../secret.txt", 3)))
"""
ENVIRONMENT = """
attempt("file", lambda: io.FileIO(numbered("/proc/self/environ")).read())
"""
REFUSED = ("FilesystemViolation", "EnvironmentViolation", "PolicyViolation")


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("lists", ["", " --allow-write w", " --deny-write w.txt"], ids=["", "allowed", "denied"])
def test_nothing_is_written(isolated, lists, seal):
    (isolated.folder / "w").mkdir()
    done = isolated.script(f"--kernel=off {seal}--fs-readonly{lists}", HEAD + WRITES)
    for line in done.stdout.splitlines():
        assert line.endswith((*REFUSED, " TypeError")), done  # open itself asks our stand-in, to which it is a number
    assert len(done.stdout.splitlines()) == 4
    assert not (isolated.folder / "w.txt").exists()


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("options", ["--fs-readonly=.", "--deny-read ../secret.txt"])
def test_nothing_is_read(isolated, options, seal):
    secret = isolated.folder.parent / "secret.txt"
    secret.write_text("the-secret-of-outside")
    done = isolated.script(f"--kernel=off {seal}{options}", HEAD + READS)
    names = [line.split()[0] for line in done.stdout.splitlines() if line.endswith(REFUSED)]
    assert names == ["file", "parameters"], done


def test_the_environment_is_not_read(isolated):
    done = isolated.script("--kernel=off --no-environment", HEAD + ENVIRONMENT)
    assert done.stdout.startswith("file ") and done.stdout.rstrip().endswith(REFUSED), done


def test_numbers_of_other_classes_are_descriptors(isolated):
    """A member of an enum, say."""
    code = """
    import enum, io, os
    class Known(enum.IntEnum):
        FILE = os.open("here.txt", os.O_RDONLY)
    print(io.FileIO(Known.FILE, closefd=False).read(), open(Known.FILE).name)
    """
    (isolated.folder / "here.txt").write_text("read")
    done = isolated.script("--kernel=off --fs-readonly=.", code)
    assert done.stdout.startswith("b'read' "), done
