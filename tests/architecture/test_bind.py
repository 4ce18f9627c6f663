"""Bound functions: nothing that can be assigned changes what they do."""

from __future__ import annotations

import opcode
import shlex
import sys
import types

import pytest

import _hermetic.enforce.bind as module
from _hermetic.enforce.bind import CAN_BIND, FORMATS, bind
from _hermetic.errors import BootstrapError
from _hermetic.model import PRIVATE

pytestmark = pytest.mark.skipif(not CAN_BIND, reason="binding is for the classified CPython versions")


def make(source: str, **names: object) -> types.ModuleType:
    """A module of ours, as bind sees one."""
    made = types.ModuleType("_hermetic.made")
    made.__dict__.update(names)
    exec(compile(source, "made.py", "exec"), made.__dict__)
    return made


def test_formats_equal_this_interpreters():
    load_global, load_const, push_null, nop, extended, caches, _, resume, jump = FORMATS[sys.version_info[:2]]
    codes = opcode.opmap
    assert (load_global, load_const, nop, extended) == tuple(
        codes[n] for n in ("LOAD_GLOBAL", "LOAD_CONST", "NOP", "EXTENDED_ARG")
    )
    assert push_null == codes.get("PUSH_NULL", -1)
    assert resume == codes.get("RESUME", -1)
    assert jump == codes["JUMP_FORWARD"]
    counts = getattr(opcode, "_inline_cache_entries", None)
    if isinstance(counts, dict):
        assert caches == counts.get("LOAD_GLOBAL", 0)
    else:
        assert caches == (counts[load_global] if counts else 0)


def test_twin_ignores_reassigned_globals():
    made = make("limit = 3\ndef helper(x): return x + limit\ndef act(x): return helper(x) * 2")
    twin = bind(made.act, {}, {})
    assert twin(1) == 8
    made.limit = 100
    made.helper = lambda x: 0
    made.act.__globals__["helper"] = None
    assert twin(1) == 8


def test_twin_ignores_replaced_builtins(monkeypatch):
    made = make("def act(x): return len(x)")
    twin = bind(made.act, {}, {})
    monkeypatch.setitem(made.__dict__, "len", lambda x: 99)
    assert twin("abc") == 3


def test_twin_has_nothing_to_assign_to():
    made = make("limit = 3\ndef act(x): return x + limit")
    twin = bind(made.act, {}, {})
    assert twin.__globals__ is PRIVATE
    assert twin.__closure__ is None
    assert twin.__defaults__ is None
    assert twin.__kwdefaults__ is None
    assert twin.__doc__ is None


def test_constants_replace_names_and_memo_shares_twins():
    made = make("KEY = ''\ndef helper(): return 1\ndef act(): return KEY, helper")
    memo: dict[object, object] = {}
    one, two = bind(made.act, {"KEY": "a"}, memo), bind(made.act, {"KEY": "b"}, memo)
    assert one()[0] == "a"
    assert two()[0] == "b"
    assert one()[1] is two()[1]
    assert one()[1] is not made.helper


@pytest.mark.parametrize("filename", [None, "shown.py"])
def test_what_takes_everything_may_get_it_as_two(filename):
    source = "def act(*args, **kwargs):\n    more = len(args)\n    return args, kwargs, more, KEY"
    made = make(source)
    twin = bind(made.act, {"KEY": "key"}, {}, filename, as_two=True)
    args, kwargs = (1, 2), {"x": 3}
    got = twin(args, kwargs)
    assert got == (args, kwargs, 2, "key")
    assert got[0] is args
    assert got[1] is kwargs
    assert twin.__code__.co_filename == (filename or "made.py")
    with pytest.raises(TypeError):
        twin(1, 2, 3)


@pytest.mark.parametrize(
    "signature", ["", "*args", "**kwargs", "x, *args, **kwargs", "x, /, *args, **kwargs", "*args, x, **kwargs"]
)
def test_what_takes_less_or_more_gets_it_as_it_is(signature):
    assert module.takes_all(make("def act(*args, **kwargs): pass").act)
    assert not module.takes_all(make(f"def act({signature}): pass").act)


def test_nested_code_is_bound():
    made = make(
        "limit = 3\ndef act(xs): return [x + limit for x in xs], {x: limit for x in xs}, sum(limit for x in xs)"
    )
    twin = bind(made.act, {}, {})
    made.limit = 0
    assert twin([1, 2]) == ([4, 5], {1: 3, 2: 3}, 6)


def test_exceptions_and_lines_stay_right():
    made = make(
        "def act(x):\n    try:\n        return int(x)\n    except ValueError:\n        raise KeyError(x) from None"
    )
    twin = bind(made.act, {}, {})
    with pytest.raises(KeyError) as caught:
        twin("x")
    assert caught.traceback[-1].lineno == 4


def test_methods_attributes_and_calls_of_every_shape():
    made = make(
        "import os\n"
        "def act(*args, **kwargs):\n"
        "    return os.path.join('a', *args), dict(**kwargs), len(args), str(object=1), print\n"
    )
    assert bind(made.act, {}, {})("b", "c", k=1) == (made.os.path.join("a", "b", "c"), {"k": 1}, 2, "1", print)


@pytest.mark.parametrize(
    "source",
    [
        "def act(x=1): return x",
        "def act(*, x=1): return x",
        "def outer():\n    y = 1\n    def act(): return y\n    return act\nact = outer()",
        "def act(): return nowhere_defined",
        "def act(): return " + ", ".join(f"name{n}" for n in range(300)),
    ],
    ids=["default", "keyword default", "closure", "unknown name", "too many names"],
)
def test_what_cannot_be_bound_is_refused(source):
    made = make(source, **{f"name{n}": n for n in range(300)})
    with pytest.raises(BootstrapError):
        bind(made.act, {}, {})


@pytest.mark.parametrize(("count", "fits"), [(256, True), (257, False)])
def test_constants_are_counted_in_a_byte(count, fits):
    """Those that a function has, and one for each global name."""

    def made_with(own):
        return make("def act():\n" + "".join(f" it = '{n}'\n" for n in range(own)) + " return name", name="found")

    made = made_with(count - 1 - (len(made_with(9).act.__code__.co_consts) - 9))
    assert len(made.act.__code__.co_consts) + 1 == count
    if fits:
        assert bind(made.act, {}, {})() == "found"
    else:
        with pytest.raises(BootstrapError, match="too many constants"):
            bind(made.act, {}, {})


@pytest.mark.skipif(not module.SHIFT, reason="here a name's number fills its byte, as a constant's does")
@pytest.mark.parametrize(("count", "fits"), [(128, True), (129, False)])
def test_names_are_counted_in_seven_bits(count, fits):
    """The eighth says whether a call has a NULL."""
    names = {f"name{n}": n for n in range(count)}
    made = make("def act(): return [" + ", ".join(names) + "]", **names)
    if fits:
        assert bind(made.act, {}, {})() == list(range(count))
    else:
        with pytest.raises(BootstrapError, match="too many globals"):
            bind(made.act, {}, {})


@pytest.mark.parametrize("source", ["def act(): yield", "async def act(): pass", "async def act(): yield"])
def test_what_always_shows_its_frame_is_not_hidden(source):
    made = make(source)
    bind(made.act, {}, {})
    with pytest.raises(BootstrapError, match="always to be seen"):
        bind(made.act, {}, {module.HIDDEN: True})


def test_functions_that_are_not_the_cores_stay_what_they_are():
    """What a guard calls of the standard library is that, not a copy that reads its globals from nowhere."""
    made = make("def act(): return quote, helper\ndef helper(): pass", quote=shlex.quote)
    found, helper = bind(made.act, {}, {})()
    assert found is shlex.quote
    assert helper is not made.helper


def test_code_that_was_edited_is_known_by_itself_not_by_where_it_was():
    """Code that is gone leaves its number to the next."""
    made = make("def act(): return one\ndef other(): return two", one=1, two=2)
    module._edited(made.other.__code__, False, True)
    module._plans[id(made.act.__code__), False] = module._plans.pop((id(made.other.__code__), False))
    assert bind(made.act, {}, {})() == 1


def test_what_shows_a_file_of_its_own_is_a_twin_of_its_own():
    made = make("def act(): return 1")
    memo = {}
    twins = [bind(made.act, {}, memo, filename) for filename in (None, "shown", None, "shown", "other")]
    assert [twin.__code__.co_filename for twin in twins] == ["made.py", "shown", "made.py", "shown", "other"]
    assert twins[0] is twins[2] and twins[1] is twins[3]


def test_a_twin_has_no_documentation():
    made = make('def act(): "What it is for."')
    assert bind(made.act, {}, {}).__doc__ is None


def test_code_is_fixed_once_a_policy_refuses_new_code(monkeypatch):
    made = make("def act(): return limit", limit=1)
    monkeypatch.setattr(module, "FIXED_CODE", [True])
    twin = bind(made.act, {}, {})
    assert twin.__code__ is made.act.__code__
    made.limit = 2
    assert twin() == 1


def test_what_is_no_function_is_returned_as_it_is():
    assert bind(len, {}, {}) is len
    assert bind(None, {}, {}) is None


def test_unknown_interpreter_gets_a_private_namespace(monkeypatch):
    monkeypatch.setattr(module, "CAN_BIND", False)
    made = make("limit = 3\ndef act(x): return x + limit")
    twin = bind(made.act, {}, {})
    made.limit = 100
    assert twin(1) == 4


def test_every_function_of_the_deciding_path_can_be_bound():
    from _hermetic.capabilities import FAMILIES, load_family
    from _hermetic.enforce import audit, judge, patches

    for function in (
        judge.examine,
        audit.sealed_hook,
        audit.sealed_answer,
        audit.sealed_judge,
        patches.check_then_call,
        patches.refuse,
    ):
        bind(function, {"SLOTS": (), "MASK": 0, "GUARDED": frozenset(), "JUDGE": None, "KEY": "", "BOX": []}, {})
    for guard in FAMILIES:
        family = load_family(guard)
        bind(family.decide, {}, {})
        for row in family.surface:
            bind(row.read, {}, {})
            bind(row.after, {}, {})


def test_frames_are_hidden_where_the_interpreter_can():
    hidden = module.HIDDEN in module.new_memo()
    assert hidden == (sys.version_info >= (3, 11))
    made = make("import sys\ndef inner(): return sys._getframe(1)\ndef act(look): return inner(), look()")
    frames = bind(made.act, {}, module.new_memo())(lambda: sys._getframe(1))
    names = [frame.f_code.co_name for frame in frames]
    assert names == (["test_frames_are_hidden_where_the_interpreter_can"] * 2 if hidden else ["act"] * 2)


def test_everything_that_decides_can_be_hidden():
    """A generator's frame cannot; a start would refuse."""
    from _hermetic.capabilities import FAMILIES, load_family

    for guard in FAMILIES:
        family = load_family(guard)
        for function in (family.decide, *[f for row in family.surface for f in (row.read, row.after)]):
            bind(function, {}, module.new_memo())


def test_what_was_taken_out_of_its_variables_is_neither_read_nor_written():
    made = make("HERE = None\ndef start_in_c(x): return look((x, x := None, HERE)[0])")
    seen = []

    def look(given):
        held = sys._getframe(1).f_locals
        if "x" in held:
            seen.append(held["x"])
            held["x"] = "written"
        return given

    made.look = look
    assert bind(made.start_in_c, {}, module.new_memo())(1) == 1
    assert seen == [None]
