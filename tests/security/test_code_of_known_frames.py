"""Code by whose frames the guards know a stand-in of ours cannot be put in a function that calls what the program likes.

Found by attacking: an error that C raises below such a frame shows it in its traceback, and with it its code. Made a
function again, that opened a link below the root that led outside it, and an SQLite database that attaches others.
"""

from __future__ import annotations

import pytest

FRAMES = """
import io, os, sqlite3, sys, types

def code_named(name, act):
    try:
        act()
    except Exception as error:
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_name == name:
                return step.tb_frame.f_code
            step = step.tb_next
    raise SystemExit(f"{name} was not shown")

def made(code):
    return types.FunctionType(code, {"__builtins__": __builtins__})

def given(code):
    function = eval("lambda *args: 0")
    function.__code__ = code
    return function

def attempt(act):
    try:
        print(act())
    except BaseException as error:
        print(type(error).__name__)
"""
OPENING = """
code = code_named("open_told", lambda: open("folder"))
link = os.path.abspath("link")
for maker in (made, given):
    attempt(lambda: maker(code)(io.FileIO, (link,), None, None).read())
"""
CONNECTION = """
class Wild(sqlite3.Connection):
    pass
Wild._guarded = sqlite3.Connection
code = code_named("init_connection", lambda: sqlite3.connect("no/such/folder"))
for maker in (made, given):
    wild = Wild.__new__(Wild)
    attempt(lambda: (maker(code)(wild, (":memory:",), {}), wild.execute("attach 'stolen.db' as x"))[1])
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
@pytest.mark.parametrize("attack", [OPENING, CONNECTION], ids=["open", "sqlite3"])
def test_code_of_a_known_frame_is_not_made_a_function(isolated, seal, attack):
    isolated.write("outside/secret", "stolen")
    isolated.write("root/folder/kept", "")
    (isolated.folder / "root/link").symlink_to("../outside/secret")
    isolated.write("root/target.py", FRAMES + attack)
    options = ["--kernel=off", "--fs-readonly=root", "--allow-write=root/no", *seal]
    code = "import os; os.chdir('root'); exec(open('target.py').read())"
    done = isolated.cli(*options, "--", "python", "-c", code)
    assert done.stdout.split() == ["PolicyViolation"] * 2, done
