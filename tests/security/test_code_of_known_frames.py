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
# With a second thread the frame is one that guards know.
OPENING = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
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


LINK = """
import os, types
FRAMES
original = [f for f in os.supports_follow_symlinks if f.__name__ == "utime" and type(f) is type(len)][0]
code = code_named("link_told", lambda: os.utime("no/such", follow_symlinks=False))
for maker in (made, given):
    attempt(lambda: maker(code)(original, ("link", (1, 1)), {}))
"""
DEPUTY = """
import functools, os
original = [f for f in os.supports_follow_symlinks if f.__name__ == "utime" and type(f) is type(len)][0]
class Number:
    __index__ = functools.partial(original, "link", (1, 1))
class Path:
    __fspath__ = functools.partial(original, "link", (1, 1))
class Text(str):
    encode = functools.partial(original, "link", (1, 1))
for act in (
    lambda: os.lchown("own", Number(), -1),
    lambda: os.utime("own", (Number(), 1), follow_symlinks=False),
    lambda: os.utime(Path(), follow_symlinks=False),
    lambda: os.utime(Text("own"), follow_symlinks=False),
    lambda: os.chown("own", -1, -1, dir_fd=Number(), follow_symlinks=False),
):
    try:
        act()
    except BaseException as error:
        pass
"""


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
@pytest.mark.parametrize("attack", [FRAMES + LINK.replace("FRAMES\n", ""), DEPUTY], ids=["code", "deputy"])
def test_nobody_else_leaves_links_unfollowed(isolated, seal, attack):
    """The frame that says so is passed by nothing of the program's, which would call what follows a link."""
    outside = isolated.folder / "outside"
    outside.write_text("")
    before = outside.stat().st_mtime
    isolated.write("open/own", "")
    (isolated.folder / "open/link").symlink_to("../outside")
    isolated.write("target.py", f"import os\nos.chdir('open')\n{attack}\nprint('came to its end')")
    done = isolated.cli("--kernel=off", "--fs-readonly", "--allow-write=open", *seal, "--", "./target.py")
    assert done.stdout.endswith("came to its end\n"), done
    assert outside.stat().st_mtime == before, done
