"""``hermetic.lock``: for good, for the whole process, and held by the kernel."""

from __future__ import annotations

import pytest


def test_it_holds_and_says_what_does(isolated, judged):
    isolated.passes("""
        import ctypes, socket
        import hermetic
        found = hermetic.lock(block_network=True, fs_readonly=True, deny_imports=["colorsys"])
        assert found == {
            "network": "enforced and verified",
            "file writes": "enforced and verified",
            "imports by name": "guard only: no kernel can see it",
        }, found
        try:
            open("x", "w")
            raise AssertionError
        except hermetic.PolicyViolation as error:
            assert str(error).startswith("filesystem readonly: ")
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.open(b"x", 0o101, 0o600) == -1 and ctypes.get_errno() == 13
        with hermetic.hermetic_blocker(block_subprocess=True):
            pass
        try:
            open("x", "w")
            raise AssertionError
        except hermetic.PolicyViolation:
            pass
    """)


def test_a_second_one_narrows(isolated, landlock):
    isolated.passes("""
        import ctypes, os
        import hermetic
        hermetic.lock(fs_readonly=True)
        assert os.system("true") == 0
        hermetic.lock(block_subprocess=True)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.fork() == -1 and ctypes.get_errno() == 1
        assert libc.open(b"x", 0o101, 0o600) == -1
    """)


@pytest.mark.parametrize("options", ["--no-network --seal", "--fs-readonly", "--no-subprocess --deny-import colorsys"])
def test_in_a_run_that_the_kernel_layer_holds_already(isolated, landlock, options):
    done = isolated.script(
        options,
        """
        import hermetic, os
        print(hermetic.lock(block_subprocess=True))
        try:
            os.system("true")
            raise AssertionError
        except hermetic.PolicyViolation:
            pass
        """,
    )
    assert (done.code, done.stderr) == (0, "")


def test_other_threads_would_escape(isolated, landlock):
    isolated.passes("""
        import threading
        import hermetic
        done = threading.Event()
        threading.Thread(target=done.wait).start()
        try:
            hermetic.lock(fs_readonly=True)
            raise AssertionError
        except hermetic.HermeticError as error:
            assert str(error).startswith("other threads are running")
        open("x", "w").close()  # nothing holds
        assert hermetic.lock(fs_readonly=True, kernel="off") == {}
        try:
            open("x", "w")
            raise AssertionError
        except hermetic.PolicyViolation:
            pass
        done.set()
    """)


def test_require_refuses_before_anything_holds(isolated, landlock):
    isolated.passes("""
        import hermetic
        try:
            hermetic.lock(block_native=True, kernel="require")
            raise AssertionError
        except hermetic.HermeticError as error:
            assert "this kernel does not hold all of it" in str(error) and "native code" in str(error)
        import ctypes
    """)


def test_profiles_and_configs_do_too(isolated, landlock):
    isolated.passes("""
        import hermetic
        assert hermetic.lock("exec-deny") == {"processes": "enforced and verified"}
        assert hermetic.lock(hermetic.BlockConfig(fs_readonly=True)) == {"file writes": "enforced and verified"}
    """)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("hermetic.lock()", "ValueError"),
        ("hermetic.lock(block_network=True, kernel='maybe')", "ValueError"),
        ("hermetic.lock(block_nonsense=True)", "TypeError"),
        ("hermetic.lock(allow_localhost=True)", "ValueError"),
        ("hermetic.lock(lambda: None)", "TypeError"),
    ],
)
def test_what_cannot_mean_anything_is_an_error(isolated, call, error):
    isolated.passes(f"""
        import hermetic
        try:
            {call}
            raise AssertionError
        except {error}:
            pass
    """)


def test_a_block_never_uses_the_kernel(isolated):
    isolated.passes("""
        import hermetic, sys
        with hermetic.hermetic_blocker(block_network=True, fs_readonly=True):
            pass
        open("x", "w").close()
        assert "_hermetic.enforce.kernel.backend" not in sys.modules
    """)


@pytest.mark.parametrize("taken", ["block_environment=True", "block_subprocess=True"])
def test_block_that_takes_away_what_it_needs_is_named_as_the_reason(isolated, judged, taken):
    isolated.passes(f"""
        import hermetic
        with hermetic.hermetic_blocker({taken}):
            try:
                hermetic.lock(block_network=True, allow_localhost=True)
                raise AssertionError("held")
            except hermetic.PolicyViolation as error:
                raise AssertionError(error) from None
            except hermetic.HermeticError as error:
                assert "outside of blocks" in str(error) and "disabled: " in str(error), error
    """)


HEAD = "import hermetic, subprocess, sys"


def test_warning_names_what_either_takes_away(isolated, landlock):
    done = isolated.script(
        "--deny-import colorsys",
        f"{HEAD}; hermetic.lock(block_environment=True)\nsubprocess.run(['/bin/true'])\nsubprocess.run(['/bin/true'])",
    )
    told = "no kernel layer holds it to --deny-import --no-environment\n"
    assert done.stderr == f"hermetic: warning: /bin/true is not a Python program, and {told}"


def test_what_the_kernel_holds_of_one_alone_is_not_held_for_both(isolated, landlock):
    """The child of a child is told of what is not held in the same way."""
    inner = "import subprocess; subprocess.run(['/bin/true'])"
    code = f"{HEAD}; hermetic.lock(fs_readonly=True, kernel='off')\nsubprocess.run([sys.executable, '-c', {inner!r}])"
    done = isolated.script("--deny-write /nothing-here", code)
    assert "no kernel layer holds it to --deny-write --fs-readonly\n" in done.stderr, done
