"""hermetic.allowed and hermetic.current_policy: answers of the policies in force, and nothing that lifts them."""

from __future__ import annotations

import pytest

import hermetic
from hermetic import allowed, current_policy, hermetic_blocker

pytestmark = pytest.mark.hermetic(off=True, reason="asks of this process what is in force in it")

ACTS = {
    ("connect", "a.invalid:443"): True,
    ("connect", "b.invalid:443"): False,
    ("connect", "127.0.0.1:80"): False,
    ("connect", "/run/x.sock"): False,
    ("resolve", "sub.a.invalid"): True,
    ("resolve", "b.invalid"): False,
    ("bind", "127.0.0.1:0"): True,
    ("bind", "0.0.0.0:0"): False,
    ("read", "/etc/hosts"): True,
    ("write", "x.txt"): False,
    ("write", "."): False,
    ("run", "git"): False,
    ("env", "APP_NAME"): True,
    ("env", "HOME"): False,
    ("import", "json"): True,
    ("import", "secret.part"): False,
    ("import", "ctypes"): False,
}
OPTIONS = (
    "--no-network --allow-domain a.invalid --fs-readonly --no-subprocess --no-environment --allow-env APP_* "
    "--deny-import secret --block-native"
)
BLOCK = {
    "block_network": True,
    "allow_domains": ["a.invalid"],
    "fs_readonly": True,
    "block_subprocess": True,
    "block_environment": True,
    "allow_env": ["APP_*"],
    "deny_imports": ["secret"],
    "block_native": True,
}
PROGRAM = f"""
import json, sys
import hermetic
print(json.dumps([hermetic.allowed(act, target) for act, target in {list(ACTS)!r}]))
"""


def test_a_start_makes_ready_what_questions_are_about_and_no_more():
    from _hermetic import acts, asking

    every = [*ACTS, ("bind", "/run/x.sock"), ("read", "."), ("run", "python")]
    assert {verb for verb, _ in every} == set(acts.ACTS)
    asked = [acts.questions(*pair) for pair in every]
    for questions in asked:
        acts.release(questions)
    about = {event for questions in asked for event, _ in questions}
    assert about == asking.ASKED | {asking.CONNECT, asking.RUN}


def test_in_a_block():
    with hermetic_blocker(**BLOCK):
        found = {pair: allowed(*pair) for pair in ACTS}
    assert found == ACTS
    assert all(allowed(*pair) for pair in ACTS)


@pytest.mark.parametrize("more", ["", "--seal", "--strict", "--no-code-exec", "--trace"])
def test_under_the_command_line(isolated, more):
    done = isolated.script(f"{OPTIONS} {more}", PROGRAM)
    # Asking is no act: it is not traced, not counted, and --strict ends well.
    assert (done.code, done.stderr) == (0, "")
    assert done.data == list(ACTS.values())


def test_in_another_interpreter_with_a_hermetic_of_its_own(isolated, other):
    import shutil
    from pathlib import Path

    shutil.copytree(Path(hermetic.__file__).parent, other.site / "hermetic")
    shutil.copytree(Path(hermetic.__file__).parents[1] / "_hermetic", other.site / "_hermetic")
    isolated.write("target.py", PROGRAM + "print(hermetic.__file__, file=sys.stderr)")
    done = isolated.foreign(OPTIONS, other.python, "./target.py")
    assert done.code == 0, done.stderr
    assert done.data == list(ACTS.values())
    assert str(other.site) in done.stderr


def test_carried_core_can_be_asked_where_no_hermetic_is(isolated, other):
    code = """
        import json
        from _hermetic.acts import policies_here, refusal_here
        print(json.dumps([refusal_here("run", "git"), refusal_here("connect", "127.0.0.1:1"), policies_here()]))
    """
    isolated.write("target.py", code)
    done = isolated.foreign("--no-subprocess --seal", other.python, "./target.py")
    refused, free, policies = done.data
    assert refused == ["subprocess disabled: subprocess.Popen", "no-subprocess", "--allow-run git"]
    assert free is None
    assert policies == [[[["subprocess", [["allow", []]]]], False, True]]


def test_blocks_only_narrow_what_a_run_allows(isolated):
    code = """
        import hermetic, json
        with hermetic.hermetic_blocker(block_network=True, allow_domains=["b.invalid", "c.invalid"]):
            inner = [hermetic.allowed("connect", f"{name}.invalid:1") for name in "abc"]
        print(json.dumps([inner, [hermetic.allowed("connect", f"{name}.invalid:1") for name in "abc"]]))
    """
    done = isolated.script("--no-network --allow-domain a.invalid --allow-domain b.invalid", code)
    assert done.data == [[False, True, False], [True, True, False]]


def test_report_only_allows_and_reports_nothing(isolated):
    done = isolated.script("--no-network --report-only", "import hermetic; print(hermetic.allowed('resolve', 'x'))")
    assert done.stdout == "True\n"
    assert "0 acts would be blocked" in done.stderr
    with hermetic_blocker(block_network=True, report_only=True):
        assert allowed("resolve", "x.invalid")


def test_asking_looks_nothing_up(monkeypatch):
    from _hermetic.capabilities.network import sockets

    monkeypatch.setattr(sockets, "_resolve_now", None)
    with hermetic_blocker(block_network=True, allow_domains=["a.invalid"]):
        assert allowed("connect", "a.invalid:443")


def test_asking_in_a_block_takes_no_variable_from_children(isolated):
    isolated.passes(
        """
        import os, subprocess
        from hermetic import allowed, hermetic_blocker
        with hermetic_blocker(block_environment=True):
            assert allowed("run", "env")
            from _hermetic.enforce import session
            rules = session.entered[-1][2][3].rules["environment"]
            assert rules[3] == [], rules[3]
        """
    )


@pytest.mark.parametrize("option", ["--seal", "--strict"])
def test_programs_that_nothing_holds_are_told_by_their_names(isolated, option):
    code = "import hermetic; print([hermetic.allowed('run', name) for name in ('sh', '/usr/bin/python3', 'x/tool.py')])"
    done = isolated.script(f"--kernel=off --no-network --fs-readonly=. {option}", code)
    assert (done.stdout, done.stderr) == ("[False, True, True]\n", "")
    assert isolated.script("--no-network", code).stdout == "[True, True, True]\n"


def test_what_is_no_act_is_refused():
    with pytest.raises(ValueError, match="unknown act 'fly'"):
        allowed("fly", "x")
    with pytest.raises(ValueError, match="HOST:PORT"):
        allowed("connect", "x")
    with pytest.raises(TypeError):
        allowed("read", 3)
    with pytest.raises(TypeError):
        allowed("read", b"/x")
    with pytest.raises(TypeError):
        allowed(b"read", "x")
    for name in ("a..b", ".a", "a."):
        with pytest.raises(ValueError, match="full name"):
            allowed("import", name)


def test_a_path_may_be_a_path_object(tmp_path):
    with hermetic_blocker(fs_readonly=True, allow_write=[tmp_path]):
        assert allowed("write", tmp_path / "x")
        assert not allowed("write", tmp_path.parent / "x")
        assert allowed("run", tmp_path / "x")


# --- the view ---


def test_view_of_nothing():
    found = current_policy()
    assert (found.policies, found.families, found.sealed, found.report_only) == ((), frozenset(), False, False)
    assert repr(found) == "CurrentPolicy(nothing restricted)"


def test_view_of_blocks():
    with hermetic_blocker(block_network=True, allow_domains=["a.org"]), hermetic_blocker(block_subprocess=True):
        found = current_policy()
    assert found.families == {"network", "subprocess"}
    assert found.restricts("network") and not found.restricts("filesystem")
    assert [dict(policy) for policy in found.policies] == [
        {"network": found.policies[0]["network"]},
        {"subprocess": {"allow": ()}},
    ]
    assert found.policies[0]["network"]["allow_domains"] == ("a.org",)


def test_view_changes_nothing():
    with hermetic_blocker(block_network=True):
        found = current_policy()
        with pytest.raises(AttributeError):
            found.policies = ()
        with pytest.raises(TypeError):
            found.policies[0]["network"]["allow_localhost"] = True
        with pytest.raises(TypeError):
            del found.policies[0]["network"]
        assert current_policy().policies[0]["network"]["allow_localhost"] is False


@pytest.mark.parametrize("more", ["", "--seal", "--no-code-exec"])
def test_view_of_a_run_and_its_children(isolated, more):
    code = """
        import json, subprocess, sys
        import hermetic
        found = hermetic.current_policy()
        print(json.dumps([sorted(found.families), found.policies[0]["network"]["allow_domains"], found.sealed]), flush=True)
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, __file__, "child"])
    """
    done = isolated.script(f"--no-network --allow-domain a.invalid {more}", code)
    first, second = done.stdout.splitlines()
    assert first == second
    assert '"network"' in first and '["a.invalid"]' in first
    assert first.endswith("true]" if more == "--seal" else "false]")


def test_questions_of_any_shape_lift_nothing(isolated):
    # The way in is an event that anybody can raise, with whatever they like.
    code = """
        import os, sys
        kept = []
        class Answers(list):
            def append(self, item):
                kept.append(sys._getframe(1))
        for args in ((), (1,), ("subprocess.Popen", ("x", ["x"], None, None), Answers()), ("hermetic.policy", (), Answers()),
                     ("hermetic.ask", ("hermetic.ask", (), []), []), ("hermetic.ask", (), []), (b"x", [], {}), ("x", (), None)):
            try:
                sys.audit("hermetic.ask", *args)
            except RuntimeError as refused:
                assert "hermetic.ask" in str(refused), refused
        assert not kept
        answers = []
        sys.audit("hermetic.ask", "subprocess.Popen", ("x", ["x"], None, None), answers)
        assert all(type(word) is str for word in answers[0]), answers
        sys.audit("hermetic.ask", "hermetic.policy", (), answers)
        def plain(value):
            return value is None or type(value) in (str, bool) or (type(value) is tuple and all(map(plain, value)))
        assert plain(answers[1]), answers
        try:
            os.system("true")
        except RuntimeError as refused:
            print(refused)
    """
    for option in ("--no-subprocess", "--no-subprocess --seal"):
        done = isolated.script(option, code)
        assert done.stdout == "subprocess disabled: os.system\n", done.stderr
