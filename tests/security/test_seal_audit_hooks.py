"""A program's own audit hook would run between a check and its act, and above the guard's frames: it is not added."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_descriptor_swapped_by_a_hook_is_not_written(isolated, seal):
    victim = isolated.write("victim.txt", "original")
    code = """
    import os, sys
    held = os.open("victim.txt", os.O_RDONLY)
    null = os.open("/dev/null", os.O_RDWR)
    sys.addaudithook(lambda event, args: event == "open" and os.dup2(held, null))
    try:
        open(f"/proc/self/fd/{null}", "w").write("changed")
    except Exception as error:
        print(type(error).__name__)
    """
    isolated.script(["--fs-readonly", *seal], code)
    assert victim.read_text() == "original"


def test_hook_of_the_program_is_never_called(isolated):
    code = """
    import sys
    seen = []
    sys.addaudithook(lambda event, args: seen.append(event))
    sys.audit("program.event")
    print(seen)
    """
    assert isolated.script("--no-network", code).stdout == "[]\n"


def test_blocks_still_nest_in_a_guarded_program(isolated):
    code = """
    import os, sys
    from hermetic import PolicyViolation, hermetic_blocker
    start = lambda: os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], os.environ), 0)[1]
    with hermetic_blocker(block_subprocess=True):
        try:
            start()
        except PolicyViolation as error:
            print(error)
    print(start())
    """
    for options in ("--no-network", "--no-network --seal"):
        assert isolated.script(options, code).stdout == "subprocess disabled: os.posix_spawn\n0\n"
