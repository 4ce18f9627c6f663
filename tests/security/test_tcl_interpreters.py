"""An interpreter of Tcl, with sockets, files, a working directory and variables of its own, which CPython announces not."""

from __future__ import annotations

import pytest

pytest.importorskip("_tkinter")

# What each policy's Tcl would do, and how the refusal begins.
ACTS = {
    "block_network": ("socket 127.0.0.1 9", "network disabled: Tcl"),
    "block_subprocess": ("exec echo acted", "subprocess disabled: "),
    "block_environment": ("set env(SECRET)", "environment disabled: Tcl"),
    "block_interpreter_mutation": ("cd /", "interpreter mutation disabled: Tcl"),
}
OPTIONS = {
    "--no-environment": "set env(PATH)",
    "--no-interpreter-mutation": "cd /",
    "--no-network": "socket 127.0.0.1 9",
    "--no-subprocess": "exec echo acted",
}


@pytest.mark.parametrize("keyword", ACTS)
def test_none_is_made_in_a_block_after_its_module_was_loaded(isolated, keyword):
    act, text = ACTS[keyword]
    done = isolated.code(
        f"""
import tkinter
from hermetic import PolicyViolation, hermetic_blocker
with hermetic_blocker({keyword}=True):
    try:
        print("escaped", tkinter.Tcl().eval({act!r}))
    except PolicyViolation as refused:
        print(str(refused))
tkinter.Tcl()
""",
        env={"SECRET": "the secret"},
    )
    assert done.stdout.startswith(text) and len(done.stdout.splitlines()) == 1, done


@pytest.mark.parametrize("seal", ["", " --seal"])
@pytest.mark.parametrize("option", OPTIONS)
def test_none_is_made_in_a_run(isolated, option, seal):
    code = f"""
import os
here = os.getcwd()
try:
    import _tkinter, tkinter
    for make in (tkinter.Tcl, lambda: _tkinter.create(None, "x", "Tk", 0, 1, 0, 0, None)):
        try:
            print("escaped", make().eval({OPTIONS[option]!r}))
        except Exception as error:
            print("refused" if "disabled: " in str(error) else error)
except Exception as error:
    print("refused" if "disabled: " in str(error) else error)
assert os.getcwd() == here
"""
    done = isolated.script("--kernel=off " + option + seal, code)
    assert set(done.stdout.splitlines()) == {"refused"}, done
