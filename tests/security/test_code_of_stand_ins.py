"""What a stand-in has of C is not among the constants of code that the program can read. 3.10 shows it (sealing.md)."""

from __future__ import annotations

import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="frames cannot be hidden")

FIND = """
import os, signal, socket, types
def constants(thing, seen):
    thing = getattr(thing, "__func__", thing)
    if type(thing) in (list, tuple):
        for item in thing:
            yield from constants(item, seen)
    elif type(thing) is types.FunctionType and id(thing) not in seen:
        seen.add(id(thing))
        try:
            code = thing.__code__
        except Exception:
            return
        for item in code.co_consts:
            yield from constants(item, seen)
    else:
        yield thing
"""
CASES = {
    "a pipe": (
        "--fs-readonly --allow-write given",
        "[f('made') for f in constants(os.mkfifo, set()) if getattr(f, '__name__', '') == 'mkfifo']",
        "os.path.exists('made')",
    ),
    "a listener": (
        "--no-network --allow-localhost",
        "found = [f for f in constants(socket.socket.listen, set()) if getattr(f, '__name__', '') == 'listen']",
        "found",
    ),
    "variables": (
        "--no-environment --allow-env HOME",
        "kind = type(os.environ)\nfound = [f for n in vars(kind) for f in constants(getattr(kind, n), set())\n"
        "    if isinstance(f, kind.__base__) and object.__getattribute__(f, '__dict__').get('_data') is not None\n"
        "    and type(object.__getattribute__(f, '__dict__')['_data']) is dict]",
        "found",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
def test_no_original_is_found(isolated, case, seal):
    options, attempt, escaped = CASES[case]
    done = isolated.script(f"--kernel=off {seal}{options}", f"{FIND}\n{attempt}\nprint(bool({escaped}))")
    assert done.stdout == "False\n", done


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
def test_failed_import_shows_no_original(isolated, seal):
    """With C's own function a module of the old kind is made anew without an event, and nothing in it is guarded."""
    code = """
    import importlib.machinery, os, sys
    def frames(make):
        try:
            make()
        except Exception as error:
            step = error.__traceback__
            while step is not None:
                yield step.tb_frame
                step = step.tb_next
    def broken():
        loader = importlib.machinery.ExtensionFileLoader("broken", "broken.so")
        loader.create_module(importlib.machinery.ModuleSpec("broken", loader, origin="broken.so"))
    codes = [frame.f_code for frame in frames(broken)]
    print("create_module" in [code.co_name for code in codes])
    print([c for code in codes for c in constants(code.co_consts, set()) if getattr(c, "__name__", "") == "create_dynamic"])
    """
    done = isolated.script(f"--kernel=off {seal}--fs-readonly", FIND + textwrap.dedent(code))
    assert done.stdout == "True\n[]\n", done


def test_library_still_asks_for_code(isolated):
    code = """
    import inspect, os, signal
    for stand_in in (os.mkfifo, signal.signal, type(os.environ).__getitem__, os.environ.get):
        inspect.iscoroutinefunction(stand_in), inspect.signature(stand_in), inspect.getdoc(stand_in)
    print(os.mkfifo.__name__, os.environ.get.__name__)
    """
    done = isolated.script("--kernel=off --seal --fs-readonly --no-environment", code)
    assert done.stdout.startswith("mkfifo "), done


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("given", ["", " --allow-write given"])
def test_what_os_can_do_names_no_original(isolated, seal, given):
    """By these sets the library asks what a function takes; they hold the functions themselves."""
    code = """if True:
        import os, sys
        sets = [os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks]
        sets += sys.modules["_hermetic.enforce.patches"].ABLE
        found = {f for able in sets for f in able if f.__name__ in ("mkfifo", "mknod", "chroot")}
        for make in found:
            try:
                make("made")
            except PermissionError as error:
                print(type(error).__name__)
        print(os.path.exists("made"), {os.mkfifo, os.mknod} <= os.supports_dir_fd)
    """
    done = isolated.script(f"--kernel=off {seal}--fs-readonly{given}", code)
    assert done.stdout.splitlines() == ["FilesystemViolation", "FilesystemViolation", "False True"], done


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
def test_no_stand_in_is_given_other_code(isolated, seal):
    code = """
    import os, socket
    for thing in (open, os.open, os.mkfifo, socket.socket.listen):
        thing = getattr(thing, "__func__", thing)
        for name, value in (("__code__", (lambda *a, **k: "mine").__code__), ("__defaults__", ())):
            try:
                setattr(thing, name, value)
            except Exception as error:
                print(error)
    """
    done = isolated.script(f"--kernel=off {seal}--fs-readonly=. --allow-write=. --no-network --allow-localhost", code)
    assert done.stdout == "interpreter mutation disabled: guards\n" * 8, done
