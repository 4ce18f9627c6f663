"""Every operation of os.environ and os.environb, by the program's own code, is refused and names the variable.

References: CVE-2025-48934, CVE-2026-49983.
"""

from __future__ import annotations

import pytest
from state_attempts import PLACES, outcomes

ENVIRONMENT = ("--no-environment", {"block_environment": True})
UNSET = ("--no-environment=unset", {"block_environment": True, "environment_unset": True})

READS = {
    "item": "os.environ['CANARY']",
    "get": "os.environ.get('CANARY')",
    "get_default": "os.environ.get('CANARY', default=1)",
    "getenv": "os.getenv('CANARY')",
    "getenvb": "os.getenvb(b'CANARY')",
    "bytes_item": "os.environb[b'CANARY']",
    "contains": "'CANARY' in os.environ",
    "missing": "os.environ['NOT_THERE']",
    "captured": "captured['CANARY']",
    "captured_get": "captured_get('CANARY')",
    "format_map": "'{CANARY}'.format_map(os.environ)",
    "shallow_copy": "__import__('copy').copy(os.environ)['CANARY']",
    "through_map": "list(map(os.environ.get, ['CANARY']))",
}
LISTINGS = {
    "iterate": "list(os.environ)",
    "iterate_bytes": "list(os.environb)",
    "keys": "os.environ.keys()",
    "values": "os.environ.values()",
    "items": "os.environ.items()",
    "length": "len(os.environ)",
    "truth": "bool(os.environ)",
    "text": "repr(os.environ)",
    "string": "str(os.environ)",
    "copy": "os.environ.copy()",
    "as_dict": "dict(os.environ)",
    "unpacked": "{**os.environ}",
    "union": "os.environ | {}",
    "reflected": "{} | os.environ",
    "equal": "os.environ == {}",
    "unequal_bytes": "os.environb != {}",
    "updated_from": "{}.update(os.environ)",
    "names_as_arguments": "(lambda **names: names)(**os.environ)",
}
CHANGES = {
    "set": ("os.environ.__setitem__('X', '1')", "X"),
    "set_bytes": ("os.environb.__setitem__(b'X', b'1')", "X"),
    "delete": ("os.environ.__delitem__('CANARY')", "CANARY"),
    "pop": ("os.environ.pop('CANARY')", "CANARY"),
    "pop_default": ("os.environ.pop('CANARY', None)", "CANARY"),
    "setdefault": ("os.environ.setdefault('X', '1')", "X"),
    "update": ("os.environ.update(X='1')", "X"),
    "in_place": ("os.environ.__ior__({'X': '1'})", "X"),
    "popitem": ("os.environ.popitem()", "*"),
    "clear": ("os.environ.clear()", "*"),
    "put": ("os.putenv('X', '1')", "X"),
    "unset": ("os.unsetenv('CANARY')", "CANARY"),
    "put_by_posix": ("posix.putenv(b'X', b'1')", "X"),
    "put_captured": ("putenv('X', '1')", "X"),
    "base_class": ("os._Environ.__setitem__(os.environ, 'X', '1')", "X"),
}
SETUP = """
import posix
from os import environ as captured, putenv
captured_get = os.environ.get
"""


def code_of(expressions):
    return SETUP + "".join(f"@attempt\ndef {name}(): return {text}\n" for name, text in expressions.items())


@pytest.mark.parametrize("place", PLACES)
def test_reading_is_refused_by_name(isolated, place):
    found = outcomes(isolated, place, *ENVIRONMENT, code_of(READS))
    expected = dict.fromkeys(READS, "environment disabled: CANARY") | {"missing": "environment disabled: NOT_THERE"}
    assert found == expected


@pytest.mark.parametrize("place", PLACES)
def test_listing_is_refused_as_a_whole(isolated, place):
    found = outcomes(isolated, place, *ENVIRONMENT, code_of(LISTINGS))
    assert found == dict.fromkeys(LISTINGS, "environment disabled: *")


@pytest.mark.parametrize("place", PLACES)
def test_changing_is_refused_by_name(isolated, place):
    found = outcomes(isolated, place, *ENVIRONMENT, code_of({name: text for name, (text, _) in CHANGES.items()}))
    assert found == {name: f"environment mutation disabled: {target}" for name, (_, target) in CHANGES.items()}


@pytest.mark.parametrize("place", PLACES)
def test_with_unset_readers_see_no_variable(isolated, place):
    found = outcomes(isolated, place, *UNSET, code_of({**READS, **LISTINGS}))
    assert found == {
        "item": "KeyError", "get": "None", "get_default": "1", "getenv": "None", "getenvb": "None",
        "bytes_item": "KeyError", "contains": "False", "missing": "KeyError", "captured": "KeyError",
        "captured_get": "None", "format_map": "KeyError", "shallow_copy": "KeyError", "through_map": "[None]",
        "iterate": "[]", "iterate_bytes": "[]", "keys": "KeysView(environ({}))", "values": "ValuesView(environ({}))",
        "items": "ItemsView(environ({}))", "length": "0", "truth": "False", "text": "'environ({})'",
        "string": "'environ({})'", "copy": "{}", "as_dict": "{}", "unpacked": "{}", "union": "{}", "reflected": "{}",
        "equal": "True", "unequal_bytes": "False", "updated_from": "None", "names_as_arguments": "{}",
    }  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_with_unset_changes_are_refused_and_removing_nothing_is_none(isolated, place):
    found = outcomes(isolated, place, *UNSET, code_of({name: text for name, (text, _) in CHANGES.items()}))
    gone = {"delete": "KeyError", "pop": "KeyError", "pop_default": "None"}
    assert {name: found[name] for name in gone} == gone
    for name in set(CHANGES) - set(gone):
        assert found[name] == f"environment mutation disabled: {CHANGES[name][1]}"


def test_ordinary_mistakes_stay_what_they_are(isolated):
    found = outcomes(
        isolated, "block", *ENVIRONMENT, code_of({"number": "os.environ[1]", "nothing": "os.environ[None]"})
    )
    assert found == {"number": "TypeError", "nothing": "TypeError"}


def test_report_only_changes_nothing_and_says_so(isolated):
    done = isolated.script(
        "--no-environment --report-only",
        """
        import os
        os.environ["X"] = "1"
        assert os.environ["X"] == "1" and os.environb[b"X"] == b"1"
        assert os.getenv("CANARY") == "seen" and dict(os.environ)["CANARY"] == "seen"
        assert os.environ.pop("X") == "1" and "X" not in os.environ
        assert os.popen("echo $CANARY").read() == "seen\\n"
        """,
        env={"CANARY": "seen"},
    )
    assert done.code == 0, done.stderr
    assert "would block os.environ name=CANARY reason=no-environment" in done.stderr


def test_leaving_a_block_gives_back_what_was_there(isolated):
    isolated.passes(
        """
        import os, posix
        from hermetic import hermetic_blocker
        held = os.environ, type(os.environ), posix.environ, os.environ._data
        before = dict(os.environ)
        for _ in range(3):
            with hermetic_blocker(block_environment=True):
                pass
            assert dict(os.environ) == before
        assert all(a is b for a, b in zip(held, (os.environ, type(os.environ), posix.environ, os.environ._data)))
        os.environ["X"] = "1"
        with hermetic_blocker(block_environment=True):
            with hermetic_blocker(block_environment=True, environment_unset=True):
                pass
        assert os.environ.pop("X") == "1"
        """
    )


NESTED = """
import os, sys
from hermetic import hermetic_blocker
def refused(act, guard):
    try:
        act()
    except RuntimeError as error:
        assert error.guard == guard, error
    else:
        raise AssertionError("nothing happened")
def all_refused():
    refused(lambda: os.environ["CANARY"], "environment")
    refused(lambda: os.environ.get("CANARY"), "environment")
    refused(lambda: "CANARY" in os.environ, "environment")
    refused(lambda: os.environ.keys(), "environment")
    refused(lambda: os.environ.pop("CANARY", None), "environment")
    refused(lambda: os.environ.update(X="1"), "environment")
    refused(lambda: sys.path.append("x"), "interpreter")
    refused(lambda: setattr(sys, "path", []), "interpreter")
both = dict(block_environment=True, block_interpreter_mutation=True)
def inner_blocks():
    for inner in (both, dict(both, environment_unset=True), dict(both, report_only=True), dict(block_network=True)):
        with hermetic_blocker(**inner):
            all_refused()
            import colorsys, subprocess
            assert subprocess.run([sys.executable, "-c", "pass"], env=os.environ).returncode == 0
        all_refused()
"""


@pytest.mark.parametrize(
    "options", ["--no-environment --no-interpreter-mutation", "--no-environment --no-interpreter-mutation --seal"]
)
def test_inner_blocks_cannot_quiet_the_command_line(isolated, options):
    done = isolated.script(options, NESTED + "all_refused()\ninner_blocks()\nprint('held')\n", env={"CANARY": "x"})
    assert (done.code, done.stdout.strip()) == (0, "held"), done.stderr


def test_inner_blocks_cannot_quiet_outer_ones(isolated):
    code = (
        NESTED
        + "with hermetic_blocker(**both):\n    all_refused()\n    inner_blocks()\nassert os.environ['CANARY'] == 'x'\n"
    )
    isolated.passes(code, env={"CANARY": "x"})


def test_sealing_inside_a_block_outlives_it(isolated):
    isolated.passes(
        NESTED
        + """
block = hermetic_blocker(**both)
block.__enter__()
hermetic_blocker(sealed=True, **both).__enter__()
all_refused()
block.__exit__(None, None, None)
all_refused()
""",
        env={"CANARY": "x"},
    )


def test_blocks_in_many_threads_restore_everything(isolated):
    isolated.passes(
        """
        import os, random, sys, threading
        from hermetic import hermetic_blocker
        before, path, entries, errors = dict(os.environ), sys.path, list(sys.path), []
        kinds = [dict(block_environment=True), dict(block_interpreter_mutation=True),
                 dict(block_environment=True, environment_unset=True, block_interpreter_mutation=True)]
        def work():
            try:
                for _ in range(60):
                    with hermetic_blocker(**random.choice(kinds)):
                        pass
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not errors, errors
        assert dict(os.environ) == before and sys.path is path and list(path) == entries and type(os.environ) is os._Environ
        """
    )
