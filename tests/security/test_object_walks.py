"""Walks over objects to a captured function: hermetic judges acts, so whoever finds the function has found a guarded one.

The attacks on language-level sandboxes, which hid names instead: smolagents (CVE-2025-5120, CVE-2025-9959) by subclasses,
RestrictedPython by generator frames (CVE-2023-37271), format strings (CVE-2023-41039), ``AttributeError.obj``
(CVE-2024-47532), exception groups (CVE-2025-22153) and shadowed arguments (CVE-2026-55830).

References: smolagents#2125, smolagents#2094.
"""

from __future__ import annotations

import sys

import pytest
from state_attempts import PLACES, outcomes

WALKS = """
def subclass(name): return next(c for c in object.__subclasses__() if c.__name__ == name)
@attempt
def subclasses(): return subclass("_wrap_close").__init__.__globals__["system"]("true")
@attempt
def subclasses_of_a_literal():
    for found in ().__class__.__base__.__subclasses__():
        space = getattr(getattr(found, "__init__", None), "__globals__", {})
        if "sys" in space: return space["sys"].modules["os"].system("true")
@attempt
def importer(): return subclass("BuiltinImporter").load_module("posix").system("true")
@attempt
def builtins_of_a_function():
    import enum
    return enum.unique.__builtins__["__import__"]("os").system("true")
@attempt
def generator_frame():
    def walk(): yield made.gi_frame.f_back
    made = walk()
    frame = next(made)
    while frame.f_back: frame = frame.f_back
    return frame.f_globals["os"].system("true")
@attempt
def frame_of_an_error():
    try: 1 / 0
    except ZeroDivisionError as error: return error.__traceback__.tb_frame.f_builtins["__import__"]("os").system("true")
@attempt
def format_string():
    import string
    class Found(string.Formatter):
        def format_field(self, value, spec): return str(value("true"))
    return Found().format("{0.__init__.__globals__[system]}", subclass("_wrap_close"))
@attempt
def object_of_an_error():
    # The error hands out the object that it could not find the attribute on.
    try: os.nothing
    except AttributeError as error: return error.obj.system("true")
@attempt
def key_function(): return max(["true"], key=[os.system].pop()) and os.system("true")
@attempt
def mapped(): return list(map(os.system, ["true"]))
@attempt
def sorted_by(): return sorted(["true"], key=os.system)
@attempt
def partial():
    import functools, operator
    return operator.methodcaller("system", "true")(functools.partial(getattr, os)("__spec__").loader and os)
@attempt
def descriptor():
    class Holder: act = property(lambda self: os.system("true"))
    return Holder().act
@attempt
def weak_reference():
    import weakref
    return weakref.ref(os)().system("true")
@attempt
def shadowed_arguments():
    def call(getattr, /, act): return getattr(act)("true")
    return call(lambda name: os.__dict__[name], act="system")
"""
GROUPS = """
@attempt
def exception_group():
    try:
        try: raise ExceptionGroup("", [AttributeError(obj=os)])
        except* AttributeError as group: found = group.exceptions[0].obj.system("true")
    except ExceptionGroup as wrapped: raise wrapped.exceptions[0]  # so does 3.11 before 3.11.4
    return found
"""


@pytest.mark.parametrize("place", PLACES)
def test_the_function_that_is_found_is_guarded(isolated, place):
    code = WALKS + (GROUPS if sys.version_info >= (3, 11) else "")
    found = outcomes(isolated, place, "--no-subprocess", {"block_subprocess": True}, code)
    assert len(found) > 13
    for name, outcome in found.items():
        assert outcome == "subprocess disabled: os.system", f"{name}: {outcome}"
