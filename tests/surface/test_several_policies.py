"""Several policies in one process, a run's, a lock's and blocks', each with stand-ins of its own above the older ones'."""

from __future__ import annotations

import pytest

LATE = """
    import socket
    def judged(host):
        try:
            socket.gethostbyname(host)
        except Exception as error:
            return type(error).__name__
        return "found"
"""
LOCK = """
    import hermetic
    hermetic.lock(block_network=True, kernel="off")
"""
ASKED = """
    assert judged("x.example.com") == "PolicyViolation", judged("x.example.com")
    assert judged("localhost") == "found", judged("localhost")
"""
ONE = ["--no-network", "--kernel=off"]


@pytest.mark.parametrize("options", [ONE, []], ids=["run", "lock"])
def test_module_that_is_loaded_under_two_policies_for_the_process(isolated, options):
    script = LOCK + ("" if options else LOCK) + LATE + ASKED
    done = isolated.script(options, script) if options else isolated.code(script)
    assert done.code == 0, done.stderr


def test_module_that_is_loaded_in_a_block_of_a_run(isolated):
    done = isolated.script(
        ONE,
        """
        import hermetic
        with hermetic.hermetic_blocker(block_network=True):
            import socket
            with hermetic.hermetic_blocker(block_network=True):
                try:
                    socket.gethostbyname("x.example.com")
                    raise AssertionError
                except hermetic.PolicyViolation:
                    socket.gethostbyname("localhost")
        for _ in range(2):
            try:
                socket.gethostbyname("x.example.com")
                raise AssertionError
            except hermetic.PolicyViolation:
                socket.gethostbyname("localhost")
            with hermetic.hermetic_blocker(block_network=True):
                socket.gethostbyname("localhost")
        """,
    )
    assert done.code == 0, done.stderr


@pytest.mark.parametrize("options", ["", "--no-code-exec", "--seal"])
@pytest.mark.parametrize("early", ["", "import asyncio"], ids=["late", "early"])
def test_event_loop_in_a_block_of_a_run(isolated, early, options):
    """The loop's own pair of sockets is the loop's, though the block's stand-in hands it on to the run's.

    Where no code can be made, the block's stand-ins are not bound.
    """
    done = isolated.script(
        [*ONE, *options.split()],
        f"""
        {early}
        import hermetic
        with hermetic.hermetic_blocker(block_network=True):
            import asyncio, socket
            assert asyncio.run(asyncio.sleep(0, 7)) == 7
            try:
                socket.socketpair()
                raise AssertionError
            except hermetic.PolicyViolation:
                pass
        """,
    )
    assert done.code == 0, done.stderr


def test_stand_ins_never_lead_to_themselves(isolated):
    """Every name that waits for its module: from its stand-in, box after box leads to what was there without one."""
    isolated.passes("""
        import gc, hermetic, importlib
        from types import CodeType, FunctionType
        from _hermetic.capabilities import FAMILIES, load_family
        names = [name for guard in FAMILIES for row in load_family(guard).surface for name in row.patch]
        for _ in range(2):
            hermetic.lock(block_network=True, fs_readonly=True, block_environment=True, deny_imports=["colorsys"],
                          block_subprocess=True, kernel="off")
        modules = {}
        with hermetic.hermetic_blocker(block_network=True, fs_readonly=True, deny_imports=["colorsys"]):
            for module in dict.fromkeys(name.partition(":")[0] for name in names):
                try:
                    modules[module] = importlib.import_module(module)
                except (ImportError, hermetic.PolicyViolation):
                    pass
        assert len(modules) > 10, modules
        def constants(function):
            # The collector shows the code that a stand-in passes on to, which cannot be asked for.
            found = [one for code in gc.get_referents(function) if type(code) is CodeType for one in code.co_consts]
            inner = [one for one in found if type(one) is FunctionType and one.__name__ == function.__name__]
            return constants(inner[0]) if inner else found
        deepest = 0
        for name in names:
            module, _, path = name.partition(":")
            found = modules.get(module)
            for step in path.split("."):
                found = getattr(found, step, None)
            seen = []
            while type(found) is FunctionType:
                assert found not in seen, name
                seen.append(found)
                boxes = [one for one in constants(found) if type(one) is list and len(one) == 1]
                found = boxes[0][0] if boxes else None
            deepest = max(deepest, len(seen))
        assert deepest >= 2, deepest
    """)


def test_second_hook_is_not_vouched_for_by_the_first(isolated):
    """An earlier hook may refuse a later one without a word; whatever it says itself does not count as an answer."""
    isolated.passes("""
        import posix
        import hermetic
        make = posix.mkdir
        hermetic.lock(block_code_exec=True, kernel="off")
        try:
            hermetic.lock(fs_readonly=True, kernel="off")
            raise AssertionError("a hook that is not there")
        except hermetic.HermeticError as error:
            assert "--no-code-exec" in str(error), error
        make("made")  # nothing that was said to hold
    """)
