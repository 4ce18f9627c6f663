"""What a start loads by its files: everything, each after what it needs, and nothing that the run does without."""

from __future__ import annotations

import json

import pytest

import _hermetic

OPTIONS = [
    "",
    "--no-network",
    "--no-subprocess",
    "--fs-readonly",
    "--no-code-exec",
    "--block-native",
    "--no-interpreter-mutation",
]
TWO_PROCESSES = ["--no-environment", "--profile=block-all"]
NAMES = "import json, sys; print(json.dumps(sorted(n for n in sys.modules if n.startswith('_hermetic.'))))"


@pytest.mark.parametrize("option", [*OPTIONS, *TWO_PROCESSES])
def test_nothing_is_left_to_the_import_system(isolated, option):
    done = isolated.script(option, "pass", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.code == 0, done.stderr
    found = {line.rpartition("|")[2].strip() for line in done.errors}
    assert {name for name in found if "hermetic" in name} == {"hermetic"}


@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_loaded_in_vain(isolated, option):
    isolated.write("target.py", NAMES)
    words = [*option.split(), "--", "./target.py"]
    by_import = f"import sys, _hermetic; from hermetic.cli import main; _hermetic.load_for = len; main({words!r})"
    ordinary = isolated.code(by_import).data
    # The command reads its own words by way of this one.
    assert json.loads(isolated.cli(*words).stdout) == sorted({*ordinary, "_hermetic.searchpath"})


def test_every_family_has_its_list():
    from _hermetic.capabilities import FAMILIES

    # Every run loads the rules that come with every policy.
    assert set(_hermetic._FAMILIES) == set(FAMILIES) - {"integrity", "children"}


def test_what_lies_in_no_plain_file_is_left_alone(isolated):
    isolated.passes("""
        import sys, _hermetic
        from types import SimpleNamespace
        _hermetic.load_at_once(SimpleNamespace(name="x", loader=None, origin="/x/__init__.py"), ["y"])
        assert "x.y" not in sys.modules
    """)


def test_names_that_a_package_shares_with_its_modules_stay_its_own(isolated):
    done = isolated.script("--no-environment --fs-readonly=.", "print(open('target.py').read()[:5])")
    assert done.stdout == "print\n", done.stderr
