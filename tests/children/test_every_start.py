"""A Python child is guarded like its parent, whoever starts it and however."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from starts import HEAD, STARTS, available

from conftest import Isolated

PLACES = {
    "command line": ("--no-network", "{body}"),
    "sealed": ("--no-network --seal", "{body}"),
    "sealed, without the kernel layer": ("--no-network --seal --kernel=off", "{body}"),
    "block": ("", "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True):\n{indented}"),
    "block inside": (
        "--deny-import colorsys",
        "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True):\n{indented}",
    ),
    "after a block": (
        "",
        "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True): pass\n{body}",
    ),
    "report only": ("--no-network --report-only", "{body}"),
}
BODY = """
for name, code in STARTS.items():
    names = dict(globals())
    try:
        exec(code, names)
        said = names["start"]()
    except BaseException as error:
        said = type(error).__name__ + ": " + str(error)
    # A terminal shows the child's stderr as well.
    found[name] = next((line for line in said.splitlines() if line in ("held", "free")), said.strip())
"""
# Under a seal a program that is not Python is refused where no kernel holds it.
NOT_PYTHON = {"shell", "shell, clean environment", "shell of a shell", "popen", "system", "exec -a", "loader"}


@lru_cache(maxsize=None)
def outcomes(place: str) -> dict[str, str]:
    """What each start's child said: one process starts them all."""
    options, template = PLACES[place]
    starts = {name: code for name, code in STARTS.items() if available(name)}
    indented = "".join(f"    {line}\n" for line in BODY.splitlines())
    code = f"{HEAD}import json\nSTARTS, found = {starts!r}, {{}}\n" + template.format(body=BODY, indented=indented)
    with TemporaryDirectory(prefix="h") as name:
        (folder := Path(name, "run")).mkdir()
        (temp := Path(name, "tmp")).mkdir()
        done = Isolated(folder, temp).script(options, code + "\nprint(json.dumps(found))\n")
    assert done.stdout.strip(), done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("place", PLACES)
def test_the_child_is_held_where_its_parent_is(place, name):
    if not available(name):
        pytest.skip("another system's")
    said = outcomes(place)[name]
    if place == "sealed, without the kernel layer" and name in NOT_PYTHON:
        assert said.startswith("PolicyViolation: subprocess disabled: "), said
    else:
        assert said == ("free" if place in ("after a block", "report only") else "held")
