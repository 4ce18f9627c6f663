"""--allow-env: single variables, and prefixes, given back to the program and to its children."""

from __future__ import annotations

import pytest

GIVEN = {"APP_NAME": "app", "APP_SECRET": "hidden", "AWS_REGION": "eu", "AWS": "bare", "OTHER": "hidden"}
SHOW = """
import json, os, subprocess, sys
from hermetic_probe import read
found = {name: read(name) for name in ("APP_NAME", "APP_SECRET", "AWS_REGION", "AWS", "OTHER")}
"""
READ = """
import os

def read(name):
    try:
        return os.environ[name]
    except KeyError:
        return None
    except RuntimeError as blocked:
        return [str(blocked), blocked.remedy]
"""
REFUSED = {name: [f"environment disabled: {name}", f"--allow-env {name}"] for name in ("APP_SECRET", "AWS", "OTHER")}
OPTIONS = ["--no-environment", "--allow-env", "APP_NAME", "--allow-env=AWS_*"]
SETTINGS = "block_environment=True, allow_env=['APP_NAME', 'AWS_*']"


def shown(isolated, place, code):
    """What the code found, under the command line or in a block."""
    isolated.write("hermetic_probe.py", READ)
    if place == "block":
        body = "".join(f"    {line}\n" for line in code.splitlines())
        text = f"from hermetic import hermetic_blocker\nwith hermetic_blocker({SETTINGS}):\n{body}"
        return isolated.passes(text, env=GIVEN).data
    run = isolated.cli if place == "process" else isolated.foreign
    isolated.write("target.py", code)
    first = [] if place == "process" else ["python"]
    words = [*OPTIONS, "--", *first, "./target.py"] if place == "process" else [OPTIONS, *first, "./target.py"]
    done = run(*words, env=GIVEN)
    assert done.code == 0, done.stderr
    return done.data


@pytest.mark.parametrize("place", ["process", "foreign", "block"])
def test_what_is_allowed_is_read_and_nothing_else(isolated, place):
    found = shown(isolated, place, SHOW + "print(json.dumps(found))")
    assert found == {"APP_NAME": "app", "AWS_REGION": "eu", **REFUSED}


@pytest.mark.parametrize("place", ["process", "block"])
def test_children_get_what_is_allowed(isolated, place):
    code = SHOW + "print(subprocess.run(['env'], capture_output=True, text=True).stdout.replace('\\n', ' '))\n"
    code += "print(json.dumps(subprocess.run(['env'], capture_output=True, text=True).stdout.split('\\n')))"
    lines = shown(isolated, place, code)
    assert {"APP_NAME=app", "AWS_REGION=eu"} <= set(lines)
    assert not [line for line in lines if "hidden" in line or line.startswith("AWS=")]


@pytest.mark.parametrize("place", ["process", "block"])
def test_allowed_variables_can_be_changed_and_others_not(isolated, place):
    code = SHOW + (
        "os.environ['APP_NAME'] = 'new'; os.environ['AWS_NEW'] = 'x'; del os.environ['AWS_REGION']\n"
        "tried = []\n"
        "for act in (lambda: os.environ.update(OTHER='x'), lambda: os.putenv('OTHER', 'x'), os.environ.clear):\n"
        "    try: act()\n"
        "    except RuntimeError as blocked: tried.append(str(blocked))\n"
        "print(json.dumps([read('APP_NAME'), read('AWS_NEW'), read('AWS_REGION'), tried]))"
    )
    assert shown(isolated, place, code) == [
        "new",
        "x",
        None,
        [
            "environment mutation disabled: OTHER",
            "environment mutation disabled: OTHER",
            "environment mutation disabled: *",
        ],
    ]


@pytest.mark.parametrize("entry", ["", "*", "A*B", "A=B", "A\0"])
def test_what_names_no_variable_is_refused_at_the_start(isolated, entry):
    if entry and "\0" not in entry:
        done = isolated.cli("--no-environment", "--allow-env", entry, "--", "python", "-c", "")
        assert (done.code, len(done.errors)) == (1, 1)
        assert repr(entry) in done.stderr
    code = f"""
        from hermetic import hermetic_blocker
        try:
            hermetic_blocker(block_environment=True, allow_env=[{entry!r}])
        except ValueError as error:
            assert "variable" in str(error)
        else:
            raise SystemExit("accepted")
    """
    isolated.passes(code)


def test_an_allowance_alone_is_refused(isolated):
    done = isolated.cli("--allow-env", "X", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        ["hermetic: error: --allow-env needs --no-environment or must be left out (see hermetic --help)"],
    )


def test_inner_block_cannot_give_a_variable_back(isolated):
    isolated.passes(
        """
        import os
        from hermetic import PolicyViolation, hermetic_blocker
        with hermetic_blocker(block_environment=True, allow_env=["A", "B"]):
            with hermetic_blocker(block_environment=True, allow_env=["B", "C"]):
                assert os.environ["B"] == "b"
                for name in "AC":
                    try:
                        os.environ[name]
                    except PolicyViolation:
                        continue
                    raise SystemExit(name)
            assert os.environ["A"] == "a"
        """,
        env={"A": "a", "B": "b", "C": "c"},
    )
