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
    import os
    from hermetic import PolicyViolation, hermetic_blocker
    with hermetic_blocker(block_subprocess=True):
        try:
            os.system("true")
        except PolicyViolation as error:
            print(error)
    print(os.system("true"))
    """
    for options in ("--no-network", "--no-network --seal"):
        assert isolated.script(options, code).stdout == "subprocess disabled: os.system\n0\n"
