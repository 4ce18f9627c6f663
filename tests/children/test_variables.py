"""What children are given: nothing that runs code before the guards, and the guards where they are needed."""

from __future__ import annotations

import json
import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX programs")

HARMFUL = {
    "LD_PRELOAD": "/x.so",
    "LD_AUDIT": "/x.so",
    "DYLD_INSERT_LIBRARIES": "/x",
    "PYTHONPATH": "/x",
    "PYTHONSTARTUP": "/x",
    "PYTHONWARNINGS": "ignore",
    "BASH_ENV": "/x",
    "ENV": "/x",
    # libraries for OpenSSL and iconv, which the interpreter itself uses
    "OPENSSL_CONF": "/x",
    "OPENSSL_CONF_INCLUDE": "/x",
    "OPENSSL_ENGINES": "/x",
    "OPENSSL_MODULES": "/x",
    "GCONV_PATH": "/x",
}
SHOW = "[sys.executable, '-c', 'import json, os; print(json.dumps(dict(os.environ)))']"
SHELL = "['/bin/sh', '-c', 'env -0']"
HEAD = """
import json, os, subprocess, sys
def of_python(**how):
    return json.loads(subprocess.run({python}, capture_output=True, text=True, **how).stdout)
def of_shell(**how):
    return pairs(subprocess.run({shell}, capture_output=True, text=True, **how).stdout)
def pairs(text):
    return dict(entry.split("=", 1) for entry in text.split(chr(0)) if entry)
def of_system():
    os.system("env -0 > found.txt")
    return pairs(open("found.txt").read())
""".format(python=SHOW, shell=SHELL)


def told(isolated, options, code, **env):
    done = isolated.script(options, HEAD + code, env=env)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("how", ["env={**os.environ, **bad}", "env=bad", "own"])
@pytest.mark.parametrize("child", ["of_python", "of_shell", "of_system"])
def test_what_runs_code_is_dropped(isolated, how, child):
    if child == "of_system" and how != "own":
        pytest.skip("takes no variables")
    code = f"bad = {HARMFUL!r}\n"
    code += "os.environ.update(bad)\n" if how == "own" else ""
    found = told(isolated, "--no-network", code + f"print(json.dumps({child}({'' if how == 'own' else how})))")
    own = os.environ.get("LD_LIBRARY_PATH")
    assert {name: found.get(name) for name in HARMFUL if name != "PYTHONPATH"} == dict.fromkeys(
        set(HARMFUL) - {"PYTHONPATH"}
    )
    assert "/x" not in found.get("PYTHONPATH", "").split(":")
    assert found.get("LD_LIBRARY_PATH") == (own if how != "env=bad" else None)


@pytest.mark.parametrize("child", ["of_python()", "of_shell()", "of_system()"])
def test_what_only_c_was_told_is_dropped(isolated, child):
    found = told(isolated, "--no-network", f"os.putenv('LD_PRELOAD', '/x.so')\nprint(json.dumps({child}))")
    assert "LD_PRELOAD" not in found


def test_what_was_there_at_the_start_stays(isolated):
    given = {"PYTHONWARNINGS": "ignore", "PYTHONPATH": "/nowhere", "BASH_ENV": "/nowhere/rc"}
    code = "print(json.dumps([of_python(), of_python(env=os.environ), of_shell(), of_system()]))"
    for found in told(isolated, "--no-network", code, **given):
        assert (found["PYTHONWARNINGS"], found["BASH_ENV"]) == ("ignore", "/nowhere/rc")
        assert "/nowhere" in found["PYTHONPATH"].split(":")


def test_a_value_that_was_changed_is_dropped(isolated):
    code = "os.environ['PYTHONWARNINGS'] = 'error'\nprint(json.dumps([of_python(), of_shell(), of_system()]))"
    found = told(isolated, "--no-network", code, PYTHONWARNINGS="ignore")
    assert ["PYTHONWARNINGS" in one for one in found[:2]] == [False, False]
    assert found[2].get("PYTHONWARNINGS") != "error"


def test_a_python_child_sees_what_it_sees_in_a_plain_run(isolated):
    code = HEAD + "print(json.dumps([of_python(), of_python(env={'A': '1'}), dict(os.environ)]))"
    plain, guarded = isolated.code(code).data, isolated.script("--no-network", code).data
    assert guarded == plain


def test_other_programs_are_given_the_guards(isolated):
    found = told(isolated, "--no-network", "print(json.dumps([of_shell(), of_shell(env={}), of_system()]))")
    for names in found:
        assert names["PYTHONPATH"].split(":")[0].endswith("carrier")
        bytes.fromhex(names["HERMETIC_POLICY"])


def test_the_program_itself_does_not_see_them(isolated):
    code = "of_shell(); of_system()\nprint(json.dumps([dict(os.environ), os.getenv('HERMETIC_POLICY')]))"
    names, own = told(isolated, "--no-network", code)
    assert "HERMETIC_POLICY" not in names
    assert own is None


def test_nothing_stays_behind_a_block(isolated):
    code = (
        HEAD
        + """
from hermetic import hermetic_blocker
before = of_shell()
with hermetic_blocker(block_network=True):
    inside = [of_shell(), of_system()]
after = [of_shell(), of_system()]
for one in (before, *after): one.pop("_", None)
print(json.dumps([all("HERMETIC_POLICY" in one for one in inside), before == after[0] == after[1]]))
"""
    )
    assert isolated.code(code).data == [True, True]


def test_variables_set_before_a_block_are_not_the_blocks_business(isolated):
    code = (
        HEAD
        + """
from hermetic import hermetic_blocker
os.environ["PYTHONWARNINGS"] = "ignore"
with hermetic_blocker(block_network=True):
    first = of_python().get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "error"
    second = of_python().get("PYTHONWARNINGS")
print(json.dumps([first, second]))
"""
    )
    assert isolated.code(code).data == ["ignore", None]


def test_report_only_drops_nothing(isolated):
    code = f"print(json.dumps(of_python(env={HARMFUL!r})))"
    found = told(isolated, "--no-network --report-only", code)
    assert found["PYTHONSTARTUP"] == "/x"


C_GETENV = """
import ctypes, json
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
names = [b"SECRET", b"HOME", b"HERMETIC_POLICY", b"PYTHONHASHSEED", b"TZ"]
print(json.dumps([name.decode() for name in names if getenv(name)]))
"""


@pytest.mark.parametrize("how", ["", ", env={'SECRET': 'x', 'TZ': 'UTC', 'PATH': os.defpath, 'PYTHONHASHSEED': '0'}"])
def test_without_environment_children_get_the_fixed_list(isolated, how):
    words = f"[sys.executable, '-c', {C_GETENV!r}]"
    code = f"python = json.loads(subprocess.run({words}, capture_output=True, text=True{how}).stdout)\n"
    code += f"print(json.dumps([python, of_shell({how[2:]})]))"
    python, shell = told(isolated, "--no-environment", code, SECRET="x", TZ="UTC", PYTHONHASHSEED="0")
    assert python == ["TZ"]
    assert not {"SECRET", "HOME", "PYTHONHASHSEED"} & set(shell)
    assert {"PATH", "TZ"} <= set(shell)


def test_two_policies_on_variables_are_a_conjunction(isolated):
    code = """
from hermetic import hermetic_blocker
with hermetic_blocker(block_environment=True):
    found = of_shell()
print(json.dumps(found))
"""
    found = told(isolated, "--no-network", code, SECRET="x")
    assert "SECRET" not in found
    assert "PATH" in found
