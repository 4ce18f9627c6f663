"""Variables by which a C library reads a file of the program's choice, and shows its lines as it complains of them."""

from __future__ import annotations

import sys

import pytest
from filesystem_attempts import SECRET, has_module

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's and readline's own variables")

# Standard error is a pipe meanwhile, so that the program sees what C says there.
SHOWN = """
import os, sys
read, write = os.pipe()
kept = os.dup(2)
os.dup2(write, 2)
error = None
try:
    ACT
except PermissionError as error_:
    error = error_
except OSError:
    pass  # no such host, which C has looked for
os.dup2(kept, 2)
os.close(write)
print(error if error else os.read(read, 4000))
"""
ACTS = {
    "hosts": "os.environ['RESOLV_HOST_CONF'] = sys.argv[1]; import socket; socket.gethostbyname('localhost')",
    "bytes": "os.putenv(b'RESOLV_HOST_CONF', os.fsencode(sys.argv[1])); import _socket; _socket.gethostbyname('localhost')",
    "aliases": "os.environ['HOSTALIASES'] = sys.argv[1]; raise PermissionError(open(os.environ['HOSTALIASES']).read())",
}
if has_module("readline"):
    ACTS["keys"] = "os.environ['INPUTRC'] = sys.argv[1]; import readline"
OPTIONS = {
    "root": ("--fs-readonly=.", "read outside sandbox root: "),
    "denied": ("--deny-read {}", "filesystem read denied: "),
    "sealed": ("--seal --deny-read {}", "filesystem read denied: "),
}


@pytest.mark.parametrize("act", ACTS)
def test_the_file_is_shown_without_guards(isolated, act):
    secret = isolated.folder.parent / "secret.txt"
    secret.write_text(f"${SECRET}\n")
    isolated.write("act.py", SHOWN.replace("ACT", ACTS[act]))
    done = isolated.python("./act.py", str(secret))
    if SECRET not in done.stdout:
        pytest.skip("a library that shows nothing")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("act", ACTS)
def test_no_file_is_named_to_c(isolated, act, options):
    secret = isolated.folder.parent / "secret.txt"
    secret.write_text(f"${SECRET}\n")
    words, phrase = OPTIONS[options]
    done = isolated.script("--kernel=off " + words.format(secret), SHOWN.replace("ACT", ACTS[act]), str(secret))
    assert done.stdout == f"{phrase}{secret}\n", done


CHILD = '''
import os, subprocess, sys
code = """
import os, readline, socket
try:
    socket.gethostbyname("localhost")
except OSError:
    pass  # the file was read before
print(os.environ.get("RESOLV_HOST_CONF"))
"""
mine = {**os.environ, "RESOLV_HOST_CONF": sys.argv[1], "INPUTRC": sys.argv[1], "HOSTALIASES": sys.argv[1]}
for words in ([sys.executable, "-c", code], ["env", "RESOLV_HOST_CONF=" + sys.argv[1], sys.executable, "-c", code]):
    done = subprocess.run(words, env=mine, capture_output=True, text=True)
    print(done.stdout, done.stderr)
os.system(f'RESOLV_HOST_CONF= {sys.executable} -c "print(1)"')
'''


@pytest.mark.skipif(not has_module("readline"), reason="readline")
def test_children_are_not_told_of_such_a_file(isolated):
    secret = isolated.folder.parent / "secret.txt"
    secret.write_text(f"${SECRET}\n")
    done = isolated.script(f"--kernel=off --deny-read {secret}", CHILD, str(secret))
    assert SECRET not in done.stdout + done.stderr, done
    assert sorted(done.stdout.split()) == ["1", "None", "None"], done


def test_what_was_there_at_the_start_may_be_put_back(isolated):
    code = """
        import os
        given = os.environ.pop("INPUTRC")
        os.environ["INPUTRC"] = given
        del os.environ["INPUTRC"]
        os.environ["PLAIN"] = "1"
        print(given)
    """
    done = isolated.script("--kernel=off --fs-readonly=.", code, env={"INPUTRC": "/etc/inputrc"})
    assert done.stdout == "/etc/inputrc\n", done
