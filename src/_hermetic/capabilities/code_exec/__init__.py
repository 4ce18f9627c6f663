"""Dynamic code: text, bytes and pickles that become code, and code objects that are run by hand.

Two fences. Code comes into being only where its text or bytes are the content of a
file that the import system loads, or what the standard library generates from plain
names (provenance.py, generated.py). And a code object is executed only by the import
system, by those generators, and by hermetic's runner. Syntax trees are no code.

Importing is not taken away: who can write a source file can import it (--fs-readonly).
Names of files and functions can be forged only by making code; here that is what is
refused, and what an exemption lets pass is verified by its content as well.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from ...callers import CALLER_DEPTH, CORE, FROZEN, RUN, calling_frame
from ...extract import always, exact_text, is_a
from ...model import Family, GuardedCall
from .creation import ITERABLE_COROUTINE, binds, is_step, takes_turn
from .generated import CYTHON_PATCH, GENERATORS, is_generated
from .naming import RUNS, run_name
from .provenance import is_cached_file, is_shown_line, is_source_file, is_zip_source

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, TypeAlias

    # () as asked for; by `prepare`: (code objects of the program itself,)
    Rules: TypeAlias = tuple[Any, ...]
    # The fifth, if there is one, is raised instead of a violation.
    Denial: TypeAlias = tuple[str, str, str, str] | tuple[str, "str | None", str, str, BaseException]

GUARD = "code_exec"
OPTION = "no-code-exec"
REMEDY = "running without --no-code-exec"
CREATE, EXECUTE, LOAD = "code_exec.create", "code_exec.execute", "code_exec.load"

_CODE = type((lambda: None).__code__)
_SEP = _os.sep
RUNNERS = ((RUN, "exec_main"), (CORE + "startup" + _SEP + "late.py", "run_line"))
DOORS = CORE + "enforce" + _SEP + "doors" + _SEP + "compile.py"

# --- the import system's own functions, known by their code ---

_import, _import_files, _zips = (
    _sys.modules["_frozen_importlib"],
    _sys.modules["_frozen_importlib_external"],
    _sys.modules.get("zipimport") or __import__("zipimport"),
)
CALL_IT = _import._call_with_frames_removed.__code__
FROZEN_EXEC = _import.FrozenImporter.exec_module.__code__
EXEC_MODULE = _import_files._LoaderBasics.exec_module.__code__
GET_CODE = _import_files.SourceLoader.get_code.__code__
TO_CODE = _import_files.SourceLoader.source_to_code.__code__
UNMARSHAL = _import_files._compile_bytecode.__code__
SOURCELESS = _import_files.SourcelessFileLoader.get_code.__code__
ZIP_COMPILE = _zips._compile_source.__code__
ZIP_CODE = _zips._get_module_code.__code__
NATIVE_STEPS = (
    _import_files.ExtensionFileLoader.create_module.__code__,
    _import_files.ExtensionFileLoader.exec_module.__code__,
)
OUR_STEPS = ("make_in_c", "exec_dynamic")  # of stand-ins, between them and C (enforce/fresh.py)
LOADERS = (_import_files.FileLoader, _zips.zipimporter)
# 3.10 cannot show a frozen module's bytes; what it has beside the import system itself are two demonstrations.
FIND_FROZEN = getattr(_sys.modules["_imp"], "find_frozen", None)

# --- decision ---

# Code objects of the program itself that no file holds (`python -c`), put here before the guards start.
ADMITTED: list[CodeType] = []


def admit(code: CodeType | None) -> None:
    """Let this one code object be executed by the runner. Before the start only: `prepare` makes a copy."""
    if code is not None:
        ADMITTED.append(code)


def make_rules() -> Rules:
    return ()


def prepare(rules: Rules) -> Rules:
    return (tuple(ADMITTED),)


PROMPT, CARETS = "interactive prompt", "line of a traceback"
_exit, _error = SystemExit, SyntaxError


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    if type(target) is _CODE:
        for code in rules[0] if rules else ():
            if code is target:
                return None
        target = ""
    target = target or call
    if target == CARETS:
        return "", None, OPTION, "", _error("dynamic code execution disabled: compile")
    message = f"dynamic code execution disabled: {target}"
    if target == PROMPT:
        # After any other exception the interpreter's prompt asks again, for ever.
        return message, target, OPTION, REMEDY, _exit(2)
    return message, target, OPTION, REMEDY


# --- readers: compile(source, filename) ---


def compiled(args: tuple[Any, ...], kwargs: Any) -> str | None:
    frame = calling_frame(CALLER_DEPTH)
    if may_compile(args[0], args[1], frame):
        return None
    if shows_line(args, frame):
        return CARETS
    if args[0] is None:
        return PROMPT  # the interpreter reads from a terminal (PYTHONINSPECT, set by the program)
    if frame is not None and is_our_step(frame.f_code):
        return "compile"
    name = run_name(frame, "exec" if type(args[1]) is str and args[1] == "<string>" else "compile")
    return None if name in RUNS else name


def compiled_by_eval(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return run_by("eval", args, calling_frame(CALLER_DEPTH))


def compiled_by_exec(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return run_by("exec", args, calling_frame(CALLER_DEPTH))


def run_by(wanted: str, args: tuple[Any, ...], frame: FrameType | None) -> str | None:
    """The same refusals, where they are named by who runs the text."""
    if frame is not None and is_our_step(frame.f_code):
        return None  # judged above; a frame of ours is good for one answer
    name = run_name(frame, "exec" if type(args[1]) is str and args[1] == "<string>" else "compile")
    if name != wanted or may_compile(args[0], args[1], frame):
        return None
    return None if shows_line(args, frame) else wanted


def parses(code: CodeType) -> bool:
    return is_step(code, "parse_text") or is_step(code, "parse_bytes")


def shows_line(args: tuple[Any, ...], frame: FrameType | None) -> bool:
    """Whether the interpreter may be parsing a line only to show it."""
    return (frame is None or not is_our_step(frame.f_code)) and is_shown_line(args[1], args[0])


def is_our_step(code: CodeType) -> bool:
    """Whether it makes trees or code at the program's request."""
    return is_stand_in(code) or parses(code) or is_step(code, "compile_annotation")


def is_stand_in(code: CodeType) -> bool:
    return code.co_name == "compile_code" and code.co_filename == DOORS


def may_compile(source: object, filename: object, frame: FrameType | None) -> bool:
    """Whether a file or names are all that this text comes from."""
    if type(source) is not bytes:
        return False  # a syntax tree
    if frame is None:
        return False
    code = frame.f_code
    if parses(code):
        return takes_turn(frame)
    through = is_stand_in(code)
    if through:
        frame = frame.f_back
        if frame is None:
            return False
        code = frame.f_code
    if code is CALL_IT or code is ZIP_COMPILE:
        return may_import(source, filename, frame)
    if through:
        return False
    if is_generated(code.co_filename, code.co_name, bytes.decode(source, "utf-8", "surrogateescape")):
        return True
    if is_step(code, "compile_annotation"):
        return takes_turn(frame)  # in a block; for a whole process a forward reference holds no code
    return source == CYTHON_PATCH and loads_native(frame)


def may_import(source: bytes, filename: object, frame: FrameType) -> bool:
    """Whether the import system compiles this, on behalf of a loader, and it is the file's content."""
    maker = frame.f_back
    if maker is None:
        return False
    if frame.f_code is ZIP_COMPILE:
        return maker.f_code is ZIP_CODE and is_zip_source(filename, maker.f_locals.get("toc_entry"), source)
    asker = maker.f_back
    if asker is None or maker.f_code is not TO_CODE or asker.f_code is not GET_CODE:
        return source == CYTHON_PATCH and loads_native(frame)
    return is_source_file(filename, source)


# --- readers: exec(code) ---


def executed(args: tuple[Any, ...], kwargs: Any) -> Any:
    """The call, or, in the runner, the code object, for the rules to know it."""
    frame = calling_frame(CALLER_DEPTH)
    if may_execute(args[0], frame):
        return None
    if frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) in RUNNERS:
        return args[0]
    return "exec" if run_name(frame, "exec") == "exec" else None


def evaluated(args: tuple[Any, ...], kwargs: Any) -> str | None:
    frame = calling_frame(CALLER_DEPTH)
    return None if run_name(frame, "exec") == "exec" or may_execute(args[0], frame) else "eval"


def may_execute(code: Any, frame: FrameType | None) -> bool:
    """Whether the import system, a generator or the runner asks."""
    if frame is None:
        return False
    asker = frame.f_code
    if asker is CALL_IT:
        loader = frame.f_back
        if loader is None or loader.f_code is not EXEC_MODULE:
            return is_text_code(code) and loads_native(frame)
        names = loader.f_locals
        return names.get("code") is code and is_a(names.get("self"), LOADERS)
    if asker is FROZEN_EXEC:
        return frame.f_locals.get("code") is code
    file, function = asker.co_filename, asker.co_name
    if (file, function) in RUNNERS:
        return is_loaded(code)
    return is_text_code(code) and ((file, function) in GENERATORS or loads_native(frame))


def is_text_code(code: CodeType) -> bool:
    """Whether it was made by `exec` from text, which only generators may do."""
    return type(code.co_filename) is str and code.co_filename == "<string>"


def loads_native(frame: FrameType) -> bool:
    """Whether an extension module is being loaded, and its C code asks."""
    below: FrameType | None = frame
    if frame.f_code.co_name in OUR_STEPS and frame.f_code.co_filename.startswith(FROZEN):
        below = frame.f_back
    loader = None if below is None or below.f_code is not CALL_IT else below.f_back
    return loader is not None and loader.f_code in NATIVE_STEPS


def is_loaded(code: CodeType) -> bool:
    """Whether a code object shows a file's name, as what the import system loads does, and no text's."""
    name = exact_text(code.co_filename)
    return name[:1] != "<" or name.startswith(FROZEN)


# --- readers: code objects made or taken up in other ways ---


def unmarshalled(args: tuple[Any, ...], kwargs: Any) -> str | None:
    return None if may_unmarshal(args[0], calling_frame(CALLER_DEPTH)) else "marshal.loads"


def may_unmarshal(data: bytes, frame: FrameType | None) -> bool:
    if frame is None or frame.f_back is None:
        return False
    asker = frame.f_back
    if frame.f_code is UNMARSHAL:
        if asker.f_code is not GET_CODE and asker.f_code is not SOURCELESS:
            return False
        path = frame.f_locals.get("bytecode_path")
        return type(path) is str and is_cached_file(path, data, asker.f_code is SOURCELESS)
    if frame.f_code is CALL_IT and asker.f_code is FROZEN_EXEC and FIND_FROZEN is not None:
        name = asker.f_locals.get("name")
        found = FIND_FROZEN(name, withdata=True) if type(name) is str else None
        return found is not None and found[0] == data
    return False


def replaced(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """code.__new__(code, filename, name, ..., flags), which code.replace announces as well."""
    frame = calling_frame(CALLER_DEPTH)
    if frame is None:
        return "types.CodeType"
    asker = frame.f_code
    if args[0] == b"" and loads_native(frame):
        return None  # Cython's names for its functions in tracebacks; nothing to execute
    if is_step(asker, "mark_coroutine"):
        old = frame.f_locals.get("code")
        same = type(old) is _CODE and args[0] == old.co_code and args[8] == old.co_flags | ITERABLE_COROUTINE
        return None if same and takes_turn(frame) else "code.replace"
    if binds(asker):
        return None
    return "code.replace" if "replace" in asker.co_names else "types.CodeType"


def made_function(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """function.__new__(code): a function may be made again from loaded code, as decorators do."""
    return None if is_loaded(args[0]) and len(args[0].co_code) else "types.FunctionType"


def changed_function(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """object.__setattr__(object, name, value)."""
    if args[1] != "__code__":
        return None
    frame = calling_frame(CALLER_DEPTH)
    if frame is not None and is_step(frame.f_code, "mark_coroutine") and frame.f_locals.get("function") is args[0]:
        return None
    return "function.__code__"


SURFACE = (
    GuardedCall(
        capability=CREATE,
        audit=("compile",),
        read=compiled,
        example="compile('1', 'x', 'eval')",
        note="source files are code: who can write one can import it (--fs-readonly)",
    ),
    GuardedCall(capability=EXECUTE, audit=("compile",), call="eval", read=compiled_by_eval, example="eval('1')"),
    GuardedCall(capability=EXECUTE, audit=("compile",), call="exec", read=compiled_by_exec, example="exec('1')"),
    GuardedCall(capability=EXECUTE, audit=("exec",), read=executed, example="exec((lambda: 0).__code__)"),
    GuardedCall(capability=EXECUTE, audit=("exec",), call="eval", read=evaluated, example="eval((lambda: 0).__code__)"),
    GuardedCall(
        capability=CREATE,
        audit=("marshal.loads",),
        read=unmarshalled,
        example="import marshal; marshal.loads(b'N')",
    ),
    GuardedCall(
        capability=CREATE,
        audit=("marshal.load",),
        read=always,
        example="import io, marshal; marshal.load(io.BytesIO(b'N'))",
    ),
    GuardedCall(
        capability=CREATE,
        audit=("code.__new__",),
        call="code.replace",
        read=replaced,
        example="(lambda: 0).__code__.replace(co_name='x')",
    ),
    GuardedCall(
        capability=EXECUTE,
        audit=("function.__new__",),
        call="types.FunctionType",
        read=made_function,
        example="import collections, types; types.FunctionType(collections.namedtuple('T', 'x').__new__.__code__, {})",
    ),
    GuardedCall(
        capability=EXECUTE,
        audit=("object.__setattr__",),
        call="function.__code__",
        read=changed_function,
        example="f = lambda: 0; f.__code__ = (lambda: 1).__code__",
    ),
    GuardedCall(
        capability=LOAD,
        audit=("pickle.find_class",),
        read=always,
        example="import pickle; pickle.loads(b'cbuiltins\\nlen\\n.')",
    ),
    # What the interpreter runs on its own account.
    GuardedCall(
        capability=EXECUTE,
        audit=(
            "cpython.run_command",
            "cpython.run_file",
            "cpython.run_interactivehook",
            "cpython.run_module",
            "cpython.run_startup",
            "cpython.run_stdin",
        ),
        read=always,
    ),
    # These end in `exec` anyway; the row gives the refusal their name.
    GuardedCall(
        capability=EXECUTE,
        patch=("runpy:run_module", "runpy:run_path"),
        read=always,
        final=True,
        example="import runpy; runpy.run_module('this')",
    ),
    GuardedCall(
        capability=CREATE, patch=("builtins:compile",), call="compile", read=always, door="compile.compile_door"
    ),
    GuardedCall(
        capability=CREATE,
        patch=("types:coroutine",),
        call="types.coroutine",
        read=always,
        door="compile.coroutine_door",
    ),
)

FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE, prepare=prepare)
