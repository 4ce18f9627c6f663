"""Policies that somebody watches: told of every refusal, asked after all others, cheap to enter again."""

from __future__ import annotations

HEAD = """
    import socket
    from _hermetic import blocks
    from _hermetic.compiled import Compiled
    from hermetic import PolicyViolation, hermetic_blocker
    from hermetic.blocker import BlockConfig, values_of
    from hermetic.request import policy_from

    class Watcher:
        known = ()
        def __init__(self):
            self.seen = []
        def tolerates(self, guard, message):
            return guard == "network" and message in self.known
        def saw(self, violation, happened):
            self.seen.append((str(violation), happened))

    def compiled(watcher, **settings):
        return Compiled(policy_from(values_of(BlockConfig(**settings))), watcher=watcher)

    def refused(act):
        try:
            act()
        except PolicyViolation:
            return True
        except OSError:
            pass
        return False

    def look_up():
        socket.gethostbyname("blocked.invalid")
"""


def test_a_watcher_is_told_and_may_tolerate(isolated):
    isolated.passes(
        HEAD
        + """
    watcher = Watcher()
    blocks.enter_block("it", compiled(watcher, block_network=True))
    assert refused(look_up)
    assert watcher.seen == [("network disabled: DNS(blocked.invalid)", False)]
    watcher.known = ("network disabled: DNS(blocked.invalid)",)
    assert not refused(look_up)
    assert len(watcher.seen) == 1
    blocks.leave_block("it")
    assert not refused(look_up)
    blocks.enter_block("it", compiled(watcher, block_network=True, report_only=True))
    assert not refused(look_up)
    assert watcher.seen[1:] == [("network disabled: DNS(blocked.invalid)", True)]
    """
    )


def test_what_another_policy_refuses_as_well_is_not_the_watchers(isolated):
    isolated.passes(
        HEAD
        + """
    watcher = Watcher()
    blocks.enter_block("outer", compiled(watcher, block_network=True))
    with hermetic_blocker(block_network=True):
        assert refused(look_up)
        # Whoever is entered first: a watched policy that is put in place of another comes later.
        blocks.enter_block("again", compiled(watcher, block_network=True, block_subprocess=True))
        blocks.leave_block("outer")
        assert refused(look_up)
    assert watcher.seen == []
    assert refused(look_up)
    assert len(watcher.seen) == 1
    """
    )


def test_a_tolerant_watcher_lifts_no_other_policy(isolated):
    isolated.passes(
        HEAD
        + """
    watcher = Watcher()
    watcher.known = ("network disabled: DNS(blocked.invalid)",)
    blocks.enter_block("watched", compiled(watcher, block_network=True))
    assert not refused(look_up)
    with hermetic_blocker(block_network=True):
        assert refused(look_up)
    """
    )


def test_stand_ins_that_are_kept_are_inert_and_go_in_the_end(isolated):
    isolated.passes(
        HEAD
        + """
    before = socket.socketpair
    blocks.keep_installed("me")
    with hermetic_blocker(block_network=True):
        assert refused(socket.socketpair)
    assert socket.socketpair is not before
    for end in socket.socketpair():
        end.close()
    blocks.release_installed("me")
    assert socket.socketpair is before
    """
    )


def test_children_that_no_policy_in_force_guards_are_left_alone(isolated):
    # The block's stand-ins stay: what is around it was compiled for a process whose children are not guarded.
    isolated.passes(
        HEAD
        + """
    import subprocess, sys
    values = values_of(BlockConfig(block_network=True))
    blocks.enter_block("around", Compiled(policy_from(values), None))
    child = [sys.executable, "-c", "import hermetic, sys; print('_hermetic.start' in sys.modules)"]
    with hermetic_blocker(block_environment=True, allow_env=["PYTHONPATH"]):
        assert subprocess.check_output(child, text=True) == "True\\n"
    assert refused(look_up)
    assert subprocess.check_output(child, text=True) == "False\\n"
    """
    )
