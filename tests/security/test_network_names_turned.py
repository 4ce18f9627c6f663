"""Variables by which the C library looks an allowed name up as another one: below a domain, or by an alias.

With ``LOCALDOMAIN=evil.example`` and ``RES_OPTIONS=ndots:9``, ``api.example.com`` is asked as
``api.example.com.evil.example`` first, and the address of the answer would be an allowed one.
"""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="glibc's and BIND's variables")

NAMES = ["LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"]
SET = """
import os, posix
for name in ("LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"):
    for put in (os.environ.__setitem__, os.putenv, lambda name, value: posix.putenv(name.encode(), value)):
        try:
            put(name, "evil.example")
        except Exception as error:
            print(error)
        else:
            print("escaped")
"""


@pytest.mark.parametrize(
    "option",
    ["--no-network --allow-domain api.example.com", "--deny-host evil.example", "--no-network --allow-host db"],
)
def test_no_variable_of_the_resolver_is_set(isolated, option):
    done = isolated.script(f"--kernel=off {option}", SET)
    lines = done.stdout.splitlines()
    assert lines == [f"network disabled: {name}" for name in NAMES for _ in range(3)], done


def test_what_was_there_may_be_put_back(isolated):
    code = """
import os
os.environ["RES_OPTIONS"] = os.environ["RES_OPTIONS"]
saved = dict(os.environ)
os.environ.clear()
os.environ.update(saved)
try:
    os.environ["RES_OPTIONS"] = "ndots:9"
except Exception as error:
    print(error)
"""
    option = "--kernel=off --no-network --allow-domain api.example.com"
    done = isolated.script(option, code, env={"RES_OPTIONS": "timeout:1"})
    assert done.stdout == "network disabled: RES_OPTIONS\n", done


def test_where_no_name_is_looked_up_they_are_free(isolated):
    assert isolated.script("--kernel=off --no-network", SET).stdout == "escaped\n" * 9


def test_children_get_none_that_the_program_sets(isolated):
    code = """
import json, os, subprocess, sys
wanted = {**os.environ, "LOCALDOMAIN": "evil.example", "HOSTALIASES": "/tmp/x", "RES_OPTIONS": "ndots:9"}
ask = "import json, os; print(json.dumps({n: os.environ.get(n) for n in ('LOCALDOMAIN', 'RES_OPTIONS', 'HOSTALIASES')}))"
print(subprocess.run([sys.executable, "-c", ask], env=wanted, capture_output=True, text=True).stdout)
"""
    option = "--kernel=off --no-network --allow-domain api.example.com"
    done = isolated.script(option, code)
    assert json.loads(done.stdout) == dict.fromkeys(NAMES), done
