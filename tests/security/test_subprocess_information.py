"""Programs that the standard library starts only for information are missing: traced, and no violation."""

from __future__ import annotations

import os

import pytest
from state_attempts import PLACES, outcomes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="posix")
OPTION, KEYWORDS = "--no-subprocess", {"block_subprocess": True}
TOOLS = (
    "gcc",
    "cc",
    "ld",
    "objdump",
    "uname",
    "ldconfig",
    "file",
    "ip",
    "arp",
    "ifconfig",
    "netstat",
    "xdg-open",
    "firefox",
    "xdg-settings",
)

ASKING = """
import ctypes.util, platform, uuid, webbrowser
@attempt
def whole(): return type(platform.platform()).__name__
@attempt
def names(): return type(platform.uname().processor).__name__
@attempt
def processor(): return type(platform.processor()).__name__
@attempt
def architecture(): return len(platform.architecture())
@attempt
def node(): return uuid.getnode() > 0
@attempt
def time_based(): return uuid.uuid1().version
@attempt
def each_getter(): return {getter() for getter in uuid._GETTERS} and None
@attempt
def library(): return ctypes.util.find_library("no-such-library")
@attempt
def known_library(): return type(ctypes.util.find_library("c")) in (str, type(None))
@attempt
def page(): return webbrowser.open("http://example.com")
@attempt
def named_browser(): return webbrowser.get("firefox").open("http://example.com")
@attempt
def any_program(): return webbrowser.get("gcc %s").open("marker")
@attempt
def background(): return webbrowser.BackgroundBrowser("gcc").open("marker")
@attempt
def text_browser(): return webbrowser.Elinks("gcc").open("marker")
@attempt
def konqueror(): return webbrowser.Konqueror("gcc").open("marker")
"""


@pytest.fixture
def tools(isolated):
    """Programs of those names that tell on whoever starts them."""
    for name in TOOLS:
        isolated.write(f"bin/{name}", f"#!/bin/sh\ntouch {isolated.folder}/started\n", 0o755)
    yield {"PATH": f"{isolated.folder}/bin:/usr/bin:/bin", "DISPLAY": ":0", "BROWSER": ""}
    assert not (isolated.folder / "started").exists()


@pytest.mark.parametrize("place", PLACES)
def test_they_degrade(isolated, tools, place):
    found = outcomes(isolated, place, OPTION, KEYWORDS, ASKING, env=tools)
    assert found == {
        "whole": "'str'", "names": "'str'", "processor": "'str'", "architecture": "2", "node": "True", "time_based": "1",
        "each_getter": "None", "library": "None", "known_library": "True", "page": "False", "named_browser": "False",
        "any_program": "False", "background": "False", "text_browser": "False", "konqueror": "False",
    }  # fmt: skip


def test_they_are_traced_and_do_not_count(isolated, tools):
    done = isolated.script([OPTION, "--trace", "--strict"], "import platform; print(platform.processor())", env=tools)
    assert done.code == 0
    assert done.stderr == "[hermetic] blocked subprocess.Popen name=uname reason=no-subprocess\n"


def test_forging_an_asker_starts_nothing(isolated, tools):
    code = """
import platform
@attempt
def forged():
    names = {}
    exec(compile("import subprocess\\ndef ask(): return subprocess.run(['gcc'])", platform.__file__, "exec"), names)
    return names["ask"]()
@attempt
def not_the_library(): return __import__("subprocess").run(["gcc"])
"""
    found = outcomes(isolated, "command line", OPTION, KEYWORDS, code, env=tools)
    assert found == {"forged": "FileNotFoundError", "not_the_library": "subprocess disabled: subprocess.Popen"}


def test_with_no_environment_too(isolated, tools):
    found = outcomes(isolated, "command line", OPTION + " --no-environment", KEYWORDS, ASKING, env=tools)
    assert found["whole"] == "'str'"
    assert found["each_getter"] == found["library"] == "None"


# A compiler would be asked by way of a temporary file, and where none can be made, looking fails before. There is no
# child to try it in: what may be started at all may be asked.
LOOKING = "import ctypes.util; print(ctypes.util.find_library('no-such-library'), ctypes.util._findLib_gcc.__name__)"


@pytest.mark.parametrize("options", ["", "--seal"])
@pytest.mark.parametrize("place", ["cli", "foreign"])
def test_a_library_is_looked_for_without_a_file(isolated, other, tools, place, options):
    isolated.write("looking.py", LOOKING)
    words = f"{OPTION} --fs-readonly {options}"
    if place == "cli":
        done = isolated.cli(*words.split(), "--", "./looking.py", env=tools)
    else:
        done = isolated.foreign(words, other.python, "looking.py", env=tools)
    assert done.stdout == "None _findLib_gcc\n", done.stderr


def test_a_library_is_looked_for_without_a_file_in_a_block(isolated, tools):
    isolated.write("looking.py", LOOKING)
    code = """
    from hermetic import hermetic_blocker
    with hermetic_blocker(block_subprocess=True, fs_readonly=True):
        import looking
    """
    assert isolated.passes(code, env=tools).stdout == "None _findLib_gcc\n"
