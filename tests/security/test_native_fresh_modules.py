"""Fresh copies of C modules bring no unguarded functions along; nobody finds what makes them."""

from __future__ import annotations

import sys

import pytest

from _hermetic.enforce.fresh import MAKEABLE

# Whether the modules that are linked in can all be made ahead of the guards, and none is made again.
AHEAD = MAKEABLE.issuperset(sys.builtin_module_names)


def linked_in(name: str) -> bool:
    return name in sys.builtin_module_names


@pytest.mark.parametrize("option", ["--no-subprocess", "--no-subprocess --seal"])
def test_modules_imported_again_are_the_guarded_ones(isolated, option):
    done = isolated.script(
        option,
        """
        import sys, _imp
        from importlib.machinery import ModuleSpec
        SAME = SAME_HERE
        live = {name: sys.modules[name] for name in ("posix", "_io", "_imp", "sys", "marshal", "_thread") if name in sys.modules}
        for name, module in live.items():
            assert not SAME or _imp.create_builtin(ModuleSpec(name, None)) is module, name
            del sys.modules[name]
            assert not SAME or __import__(name) is module, name
        for name in ("os", "io", "subprocess", "_posixsubprocess", "socket", "_socket"):
            sys.modules.pop(name, None)
        import os, io, socket, subprocess
        assert os.getpid() > 0 and io.StringIO("x").read() == "x" and socket.socket().close() is None
        for act in (lambda: subprocess.run(["true"]), lambda: os.system("true"), lambda: os.fork()):
            try:
                act()
            except Exception as error:
                assert str(error).startswith("subprocess disabled"), error
            else:
                raise AssertionError("a fresh copy started a process")
        print("held")
        """.replace("SAME_HERE", str(AHEAD)),
    )
    assert done.stdout == "held\n", done.stderr


@pytest.mark.skipif(not linked_in("_operator") or linked_in("_socket"), reason="the whole library is linked in")
def test_every_built_in_module_can_be_imported_and_imported_again(isolated):
    done = isolated.script(
        "--no-subprocess",
        """
        import sys
        for name in sys.builtin_module_names:
            before = sys.modules.pop(name, None)
            first = __import__(name)
            assert before is None or first is before, name
            sys.modules.pop(name)
            assert __import__(name) is first, name
        import collections, itertools, operator, signal, time
        assert list(itertools.islice(itertools.count(3), 2)) == [3, 4] and operator.add(1, 2) == 3
        assert collections.deque([1]).pop() == 1 and time.time() > 0 and signal.getsignal(signal.SIGINT)
        print("same")
        """,
    )
    assert done.stdout == "same\n", done.stderr


@pytest.mark.skipif(linked_in("_socket"), reason="the whole library is linked in, so the original is needed")
def test_the_original_maker_of_built_in_modules_is_gone(isolated):
    done = isolated.script(
        "--no-subprocess",
        """
        import gc
        gc.unfreeze(); gc.collect()
        print([o for o in gc.get_objects() if type(o) is type(len) and o.__name__ == "create_builtin"])
        """,
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.skipif(linked_in("_posixsubprocess"), reason="linked in")
def test_the_original_maker_of_extension_modules_is_useless(isolated):
    done = isolated.script(
        "--no-subprocess",
        """
        import _posixsubprocess as known, gc, sys
        from importlib.machinery import ModuleSpec
        gc.unfreeze()
        original = next(o for o in gc.get_objects() if type(o) is type(len) and o.__name__ == "create_dynamic")
        for name in ("_posixsubprocess", "innocent._posixsubprocess", "xxlimited"):
            try:
                print(original(ModuleSpec(name, None, origin=known.__file__.replace("_posixsubprocess", name.rpartition(".")[2]))))
            except Exception as error:
                print(error)
        """,
    )
    names = ("_posixsubprocess", "innocent._posixsubprocess", "xxlimited")
    assert done.stdout.splitlines() == [f"interpreter mutation disabled: {name}" for name in names], done.stderr


@pytest.mark.skipif(linked_in("_posixsubprocess"), reason="linked in")
def test_a_fresh_extension_module_is_guarded_under_any_name(isolated):
    done = isolated.script(
        "--no-subprocess",
        """
        import _imp, _posixsubprocess as known
        from importlib.machinery import ModuleSpec
        fresh = _imp.create_dynamic(ModuleSpec("innocent._posixsubprocess", None, origin=known.__file__))
        assert fresh is not known
        fresh.__name__ = "innocent"
        _imp.exec_dynamic(fresh)
        try:
            fresh.fork_exec([b"true"], [b"/bin/true"])
        except Exception as error:
            print(error)
        """,
    )
    assert done.stdout.startswith("subprocess disabled: _posixsubprocess.fork_exec"), done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--no-subprocess", "--no-code-exec", "--block-native"])
def test_blocks_inside_a_guarded_process_load_modules_too(isolated, option):
    """The stand-ins of the block lie on top of the process's own."""
    done = isolated.script(
        option,
        """
        import sys
        from hermetic import hermetic_blocker
        with hermetic_blocker(block_network=True, deny_imports=["not_there"]):
            import _csv, _queue, array, atexit, faulthandler
            del sys.modules["faulthandler"]
            import faulthandler
        print("loaded")
        """,
    )
    assert (done.code, done.stdout) == (0, "loaded\n"), done.stderr
