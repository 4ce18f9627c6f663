"""The standard library's own look-ups see unset variables: no violation, no record, nothing given away."""

from __future__ import annotations

import pytest
from state_attempts import PLACES, outcomes, told

LOOKUPS = """
import argparse, asyncio, locale, shutil, ssl, sysconfig, tempfile, urllib.request
@attempt
def terminal(): return tuple(shutil.get_terminal_size())
@attempt
def home(): return os.path.expanduser("~") != "/secret/home"
@attempt
def variables_in_paths(): return os.path.expandvars("$CANARY")
@attempt
def proxies(): return urllib.request.getproxies()
@attempt
def folder(): return tempfile.gettempdir()
@attempt
def certificates(): return ssl.get_default_verify_paths().cafile != "/secret"
@attempt
def context(): return type(ssl.create_default_context()).__name__
@attempt
def event_loop(): return asyncio.run(asyncio.sleep(0, "done"))
@attempt
def help_text(): return argparse.ArgumentParser(prog="x").format_help()[:8]
@attempt
def language(): return type(locale.getlocale()).__name__
"""
GIVEN = {
    "COLUMNS": "123",
    "LINES": "45",
    "HOME": "/secret/home",
    "http_proxy": "http://secret:1",
    "SSL_CERT_FILE": "/secret",
}


@pytest.mark.parametrize("place", PLACES)
def test_look_ups_see_unset_variables(isolated, place):
    found = outcomes(isolated, place, "--no-environment --trace", {"block_environment": True}, LOOKUPS, env=GIVEN)
    assert found == {
        "terminal": "(80, 24)", "home": "True", "variables_in_paths": "'$CANARY'", "proxies": "{}", "folder": "'/tmp'",
        "certificates": "True", "context": "'SSLContext'", "event_loop": "'done'", "help_text": "'usage: x'",
        "language": "'tuple'",
    }  # fmt: skip


def test_they_are_no_blocked_act(isolated):
    done = isolated.script(
        "--no-environment --trace --strict", "import argparse, shutil\nprint(shutil.get_terminal_size())\n"
    )
    assert (done.code, done.stderr) == (0, "")


DEPUTIES = """
from collections import ChainMap
import configparser, string, threading, unittest.mock
@attempt
def chained(): return ChainMap(os.environ)["CANARY"]
@attempt
def template(): return string.Template("$CANARY").substitute(os.environ)
@attempt
def thread():
    found = []
    worker = threading.Thread(target=lambda get: found.append(get("CANARY")), args=(os.environ.get,))
    worker.start(); worker.join()
    return found
@attempt
def as_thread_target():
    worker = threading.Thread(target=os.environ.get, args=("CANARY",))
    return worker.start() or worker.join()
@attempt
def patched():
    with unittest.mock.patch.dict(os.environ, {"X": "1"}): return os.environ["X"]
@attempt
def forged():
    names = {"os": os}
    code = "def ask(name): return os.environ[name]"
    exec(compile(code, os.path.join(os.path.dirname(os.__file__), "locale.py"), "exec"), names)
    return names["ask"]("CANARY")
@attempt
def forged_starter():
    names = {"os": os}
    code = "def ask(): return sorted(os.environ)"
    exec(compile(code, os.path.join(os.path.dirname(os.__file__), "subprocess.py"), "exec"), names)
    return "CANARY" in names["ask"]()
"""


@pytest.mark.parametrize("place", PLACES)
def test_the_library_as_a_deputy_gives_nothing_away(isolated, place):
    found = outcomes(isolated, place, "--no-environment", {"block_environment": True}, DEPUTIES)
    assert found.pop("patched").startswith("environment ")
    assert found == {
        "chained": "KeyError", "template": "KeyError", "thread": "[]", "as_thread_target": "None",
        "forged": "KeyError", "forged_starter": "False",
    }  # fmt: skip


def test_programs_are_still_found_on_the_path(isolated):
    isolated.write("bin/my-tool", "#!/bin/sh\necho found\n", 0o755)
    code = """
import shutil, subprocess
found = [shutil.which("my-tool") is not None, subprocess.run(["my-tool"], capture_output=True, text=True).stdout]
found.append(os.spawnlp(os.P_WAIT, "my-tool", "my-tool", ">/dev/null"))
print(json.dumps(found))
"""
    path = f"{isolated.folder}/bin:/usr/bin:/bin"
    assert told(isolated, ["--no-environment"], code, env={"PATH": path}) == [True, "found\n", 0]
