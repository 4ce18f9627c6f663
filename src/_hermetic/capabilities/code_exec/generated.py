"""Text that the standard library generates from names, and compiles: what is left of it when names are only names.

The text itself is recognised, not the caller's arguments: whoever borrows the
generator's frame, lies about a field's name or replaces a function on the way can
have only what identifiers in these shapes can say. No literal, no call but the
generator's own, no statement that imports or defines anything else.
"""

from __future__ import annotations

import os as _os

from ...callers import STDLIB

_SEP = _os.sep
DATACLASSES = STDLIB + "dataclasses.py"
COLLECTIONS = STDLIB + "collections" + _SEP + "__init__.py"
INSPECT = STDLIB + "inspect.py"
GETTEXT = STDLIB + "gettext.py"
MOCK = STDLIB + "unittest" + _SEP + "mock.py"

# (file, function): who may execute what was generated.
GENERATORS = frozenset(
    {
        (COLLECTIONS, "namedtuple"),
        (DATACLASSES, "_create_fn"),
        (DATACLASSES, "add_fns_to_class"),
        (INSPECT, "wrap_value"),
        (GETTEXT, "c2py"),
        (MOCK, "_set_signature"),
        (MOCK, "_set_async_signature"),
    }
)


def is_generated(file: str, function: str, text: str) -> bool:
    """Whether this generator may compile this text."""
    if function == "namedtuple":
        return file == COLLECTIONS and is_tuple_maker(text)
    if file == DATACLASSES:
        return function in ("_create_fn", "add_fns_to_class") and is_dataclass_text(text)
    if file == INSPECT:
        return function == "wrap_value" and is_dotted_name(text)
    if file == GETTEXT:
        return function == "c2py" and is_plural_rule(text)
    if file == MOCK:
        return function in ("_set_signature", "_set_async_signature") and is_mock_signature(text)
    return False


# --- namedtuple ---

_LAMBDA, _BODY, _END = "lambda _cls, ", ": _tuple_new(_cls, (", "))"


def is_tuple_maker(text: str) -> bool:
    names = text[len(_LAMBDA) :].partition(_BODY)[0]
    if text != _LAMBDA + names + _BODY + names + _END:
        return False
    for name in names.removesuffix(",").split(", "):
        if name and not name.isidentifier():
            return False
    return True


# --- dataclasses ---

# A name is N; a call keeps its name, and D is a call of what holds a field's default.
ALLOWED_KEYWORDS = frozenset("def return if else is in or and not pass raise None True False".split())
OTHER_KEYWORDS = frozenset(
    """as assert async await break class continue del elif except finally for from global import lambda nonlocal try
    while with yield""".split()
)
CALLED = frozenset(
    """FrozenInstanceError __create_fn__ __dataclasses_recursive_repr __delattr__ __eq__ __ge__ __gt__ __hash__
    __init__ __le__ __lt__ __post_init__ __repr__ __setattr__ hash super type""".split()
)
DEFAULTS = ("_dflt_", "__dataclass_dflt_")
# What lies between commas and "and"s, without indentation; gathered from all options of 3.10 to 3.14.
SHAPES = frozenset(
    """\
raise FrozenInstanceError(N"N N N N {N!N}")
raise FrozenInstanceError(N"N N N {N!N}")
return ()
return ()<()
return ()<=()
return ()==()
return ()>()
return ()>=()
return (N.N
return N.N==N.N
return True
return N
return (N
return N"{N.N.N}()"
return N"{N.N.N}(N={N.N!N}
return N"{N.N.N}(N={N.N!N})"
return N.N.N + N"()"
return N.N.N + N"(N={N.N!N}
return N.N.N + N"(N={N.N!N})"
return hash(())
return hash((N.N
super(N
pass
if N is N:
if N.N is N.N:
if type(N) is N or N in ('N'
if type(N) is N or N in ():
if type(N) is N or N in {'N'
if type(N) is N or N in {'N'}:
if type(N) is N:
N.N=D()
N.N=D() if N is N else N
N.N=N
N.__post_init__()
N.__post_init__(N
N.__post_init__(N)
N.__setattr__(N
'N'
'N'}:
@__dataclasses_recursive_repr()
N
N)
N).__delattr__(N)
N).__setattr__(N
N):
N={N.N!N}
N={N.N!N})"
def __create_fn__():
def __create_fn__(N
def __create_fn__(N):
def __delattr__(N
def __eq__(N
def __ge__(N
def __gt__(N
def __hash__(N):
def __init__(N
def __init__(N):
def __init__(N)->N:
def __le__(N
def __lt__(N
def __repr__(N):
def __setattr__(N
)
))
):
)<(N.N
)<=(N.N
)==(N.N
)>(N.N
)>=(N.N
*
D() if N is N else N)
D())
N.N
N.N==N.N
N:N
N:N)->N:
N:N=N
N:N=N)->N:
N=N
N=N):

""".split("\n")
)


def is_dataclass_text(text: str) -> bool:
    """Whether every part of it has one of the shapes."""
    for line in text.split("\n"):
        for part in line.replace(" and ", ",").split(","):
            if shape_of(part.lstrip(" ")) not in SHAPES:
                return False
    return True


def shape_of(text: str) -> str | None:
    """The text with every name replaced; None when something in it is neither a name nor punctuation."""
    shape = word = ""
    for char in text + "\n":
        if char == "_" or char.isalnum():
            word += char
            continue
        if word:
            if word in ALLOWED_KEYWORDS:
                shape += word
            elif word in OTHER_KEYWORDS or not word.isidentifier():
                return None
            elif char != "(":
                shape += "N"
            elif word in CALLED:
                shape += word
            else:
                shape += "D" if word.startswith(DEFAULTS) else "?"
            word = ""
        if char != "\n":
            shape += char
    return shape


# --- the others ---


def is_dotted_name(text: str) -> bool:
    """``os.R_OK``: how inspect finds a default in a C function's text signature."""
    for name in text.split("."):
        if not name.isidentifier():
            return False
    return True


_PLURAL = """if True:
            def func(n):
                if not isinstance(n, int):
                    n = _as_int(n)
                return int("""
_PLURAL_WORDS = frozenset("n and or not if else".split())
_PLURAL_SIGNS = "0123456789 ()<>=!%+-*/"


def is_plural_rule(text: str) -> bool:
    """A translation file's rule for plural forms: arithmetic on n."""
    rule = text.strip().removeprefix(_PLURAL)
    if text.strip() != _PLURAL + rule or rule[-1:] != ")":
        return False
    word = ""
    for char in rule + " ":
        if char.isalpha():
            word += char
            continue
        if char not in _PLURAL_SIGNS or (word and word not in _PLURAL_WORDS):
            return False
        word = ""
    return True


_CALL = "(*args, **kwargs)"
_DEF = "def "


def is_mock_signature(text: str) -> bool:
    """A function that checks its arguments and hands them to the mock."""
    name = text.removeprefix("async ").removeprefix(_DEF).partition("(")[0]
    plain = f"def {name}{_CALL}:\n    _checksig_{_CALL}\n    return mock{_CALL}"
    waiting = f"async def {name}{_CALL}:\n    _checksig_{_CALL}\n    return await mock{_CALL}"
    return name.isidentifier() and (text == plain or text == waiting)


# --- Cython ---

# What C code made by Cython executes when it is loaded, to register its types.
CYTHON_PATCH = b"""\
if _cython_generator_type is not None:
    try: Generator = _module.Generator
    except AttributeError: pass
    else: Generator.register(_cython_generator_type)
if _cython_coroutine_type is not None:
    try: Coroutine = _module.Coroutine
    except AttributeError: pass
    else: Coroutine.register(_cython_coroutine_type)
"""
