"""Names of files that the interpreter has in another encoding than UTF-8: a program chooses it for its children, and a
guard that read them in UTF-8 would look at another file, or at none.
"""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the encoding of names is the locale's, and procfs")

PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
HEAD = """
import io, os, sqlite3, subprocess, sys
if sys.argv[1:] == ["as a child"]:
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    sys.exit(subprocess.run([sys.executable, "-X", "utf8=0", __file__], env=environment).returncode)
assert sys.getfilesystemencoding() == "ascii"
name = b"\\xc3\\xa9"
here = os.getcwdb()
"""
# What is tried, the options, and what is refused.
WAYS = {
    "memory": (
        "os.symlink('/proc/self/mem', name); open(name, 'r+b', 0)",
        "--seal --no-network",
        "interpreter mutation disabled: memory",
    ),
    "memory by its descriptor": (
        "os.symlink('/proc/self/mem', name); os.open(name, os.O_RDWR)",
        "--seal --no-network",
        "interpreter mutation disabled: memory",
    ),
    "variables": (
        "os.symlink('/proc/self/environ', name); print(io.FileIO(name).read())",
        "--seal --no-environment --allow-env LC_ALL",
        "environment disabled: ",
    ),
    "a database": (
        "os.symlink(b'../base', b'w/' + name); sqlite3.connect(':memory:').execute(\"attach 'w/\\xe9' as o\")",
        "--fs-readonly --allow-write w",
        "filesystem readonly: ",
    ),
    "a database by its address": (
        "os.symlink(b'../base', b'w/' + name); sqlite3.connect('file:w/%C3%A9', uri=True).execute('create table t (x)')",
        "--fs-readonly --allow-write w",
        "filesystem readonly: ",
    ),
}


@pytest.mark.parametrize("who", ["itself", "as a child"])
@pytest.mark.parametrize("way", WAYS)
def test_guards_read_names_as_c_does(isolated, way, who):
    attempt, options, refused = WAYS[way]
    (isolated.folder / "w").mkdir()
    code = f"{HEAD}try:\n    {attempt}\n    print('escaped')\nexcept Exception as error:\n    print(ascii(str(error)))"
    arguments, variables = ([], PLAIN) if who == "itself" else ([who], {})
    done = isolated.script(f"--kernel=off {options}", code, *arguments, env=variables)
    assert done.stdout.startswith(f"'{refused}"), done
    assert not (isolated.folder / "base").exists()


def test_words_and_variables_reach_children_as_they_are(isolated):
    code = (
        HEAD
        + """
child = "import os, sys; print(ascii(os.fsencode(sys.argv[1])), ascii(os.environb[b'WORD']))"
subprocess.run([sys.executable, "-c", child, name], env={**os.environb, b"WORD": name}, check=True)
os.symlink(sys.executable, name)
subprocess.run([here + b"/" + name, "-c", "import _hermetic; print('guarded')"], check=True)
"""
    )
    done = isolated.script("--kernel=off --no-network", code, env=PLAIN)
    assert done.stdout == r"b'\xc3\xa9' b'\xc3\xa9'" + "\nguarded\n", done
