"""The environment family's decision, and what a scrubbed environment keeps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import environment as env
from _hermetic.capabilities.environment import (
    DELETE,
    GET,
    LIBRARY,
    LIST,
    PROGRAM,
    SEE,
    SET,
    STARTER,
    decide,
    make_rules,
    prepare,
)
from _hermetic.policy import Policy, from_plain
from _hermetic.programs.variables import INTERPRETER_ONLY, scrubbed

NAMES = st.text("ABC_", min_size=1, max_size=4)
ALLOWED = st.lists(st.one_of(NAMES, NAMES.map(lambda name: name + "*")), max_size=3)
VERBS, ASKERS = st.sampled_from(env.READS + env.WRITES), st.sampled_from([PROGRAM, LIBRARY, STARTER])


def judged(rules, verb, name, who=PROGRAM):
    capability = env.READ if verb in env.READS else env.WRITE
    return decide(prepare(rules), capability, (verb, name, who), "os.environ")


def test_texts_are_the_documented_ones():
    read, write = judged(make_rules(), GET, "HOME"), judged(make_rules(), SET, "HOME")
    assert read[:3] == ("environment disabled: HOME", "HOME", "no-environment")
    assert write[:3] == ("environment mutation disabled: HOME", "HOME", "no-environment")
    assert read[3]
    assert len(read) == len(write) == 4


def test_the_library_sees_an_unset_variable_without_a_word():
    message, _, _, _, answer = judged(make_rules(), GET, "HOME", LIBRARY)
    assert message == ""
    assert isinstance(answer, KeyError)
    assert judged(make_rules(), SET, "HOME", LIBRARY)[0] == "environment mutation disabled: HOME"


def test_with_unset_the_program_gets_an_ordinary_answer_that_is_traced():
    message, shown, _, _, answer = judged(make_rules(unset=True), GET, "HOME")
    assert (message, shown, type(answer)) == ("environment disabled: HOME", "HOME", KeyError)
    assert len(judged(make_rules(unset=True), SET, "HOME")) == 4


@pytest.mark.parametrize("name", ["PATH", "LANG", "TZ", "TMPDIR", "LC_ALL", "LC_TIME"])
def test_what_starts_children_sees_what_they_get(name):
    assert judged(make_rules(), GET, name, STARTER) is None
    assert judged(make_rules(), SEE, name, STARTER) is None
    assert judged(make_rules(), GET, name, LIBRARY) is not None
    assert judged(make_rules(), GET, name, PROGRAM) is not None
    assert judged(make_rules(), SET, name, STARTER) is not None, "it may look, and change nothing"
    assert judged(make_rules(), DELETE, name, STARTER) is not None


@given(ALLOWED, NAMES, VERBS, ASKERS)
def test_only_an_allowance_gives_a_variable_back(allowed, name, verb, who):
    back = any(name == entry or (entry[-1] == "*" and name.startswith(entry[:-1])) for entry in allowed)
    assert (judged(make_rules(allow=allowed), verb, name, who) is None) == back


@given(ALLOWED, st.booleans())
def test_a_list_needs_every_variable(allowed, unset):
    assert judged(make_rules(unset, allowed), LIST, env.EVERY) is not None


@given(ALLOWED, st.booleans())
def test_nothing_gives_back_a_file_that_holds_every_variable(allowed, unset):
    rules = make_rules(unset, [*allowed, "environ", "A*"])
    for path in ("/proc/self/environ", "environ", "A"):
        found = judged(rules, env.COPY, path)
        assert found == (f"environment disabled: {path}", path, "no-environment", "nothing: it holds every variable")


@given(st.booleans(), ALLOWED)
def test_rules_survive_json(unset, allowed):
    policy = Policy(rules={"environment": make_rules(unset, allowed)})
    assert from_plain(json.loads(json.dumps(policy.to_plain()))) == policy


@pytest.mark.parametrize("name", ["", "A=B", "A\0", "*", "A*B", "*A"])
def test_what_names_no_variable_is_refused(name):
    with pytest.raises(ValueError, match="variable"):
        make_rules(allow=[name])


@given(
    st.dictionaries(
        st.one_of(NAMES, st.sampled_from(["PATH", "LC_ALL", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH"])), NAMES
    ),
    ALLOWED,
)
def test_scrubbed_keeps_a_short_list(environ, allowed):
    rules = make_rules(allow=allowed)
    kept = scrubbed(environ, rules)
    assert kept.items() <= environ.items()
    for name in environ:
        wanted = (
            name in ("PATH", "LC_ALL")
            or name.startswith("PYTHON")
            or name in INTERPRETER_ONLY
            or judged(rules, GET, name) is None
        )
        assert (name in kept) == wanted
