"""What a policy asks of a kernel, and what each kernel makes of it: values, without any kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import filesystem
from _hermetic.capabilities.confinement import (
    FAMILY_OF,
    NO_CODE,
    NO_IMPORTS,
    NO_MEMORY,
    NO_NATIVE,
    NO_NETWORK,
    NO_READS,
    NO_STARTS,
    NO_VARIABLES,
    NO_WRITES,
    TAKEN,
    kernel_rules,
)
from _hermetic.enforce.kernel.linux import abi
from _hermetic.enforce.kernel.linux.landlock import UNMADE, grants, handled, with_unmade
from _hermetic.enforce.kernel.plan import (
    CLOSED,
    GUARD_ONLY,
    HELD,
    IN_PART,
    JUDGED,
    LEFT_TO_GUARDS,
    ROUGHLY,
    Plan,
    Support,
    open_folders,
    plan_for,
)
from _hermetic.enforce.kernel.receipts import receipt
from hermetic.request import policy_from
from hermetic.values import defaults

CURRENT = Support(landlock=7, filters=True, supervisor=True)
NO_SUPERVISOR = Support(landlock=7, filters=True)
# Debian 11, or a kernel without Landlock; Ubuntu 22.04; Debian 12; WSL2; gVisor has filters and nobody to judge.
KERNELS = {
    "5.10": Support(landlock=0, filters=True, supervisor=True),
    "5.15": Support(landlock=1, filters=True, supervisor=True),
    "6.1": Support(landlock=2, filters=True, supervisor=True),
    "6.6": Support(landlock=3, filters=True, supervisor=True),
    "gvisor": Support(landlock=0, filters=True),
    "container without seccomp": Support(landlock=7),
    "old container": Support(landlock=0),
    "threads": Support(landlock=7, filters=True, threads=True),
}


def asked(whole=False, **settings):
    return plan_for(kernel_rules(policy_from({**defaults(), **settings}).rules), whole)


def states(plan, support):
    within, gaps = plan.within(support)
    return {row.capability: row.state for row in receipt(plan, within, gaps, {}, {}).rows}


def test_what_a_policy_asks():
    plan = asked(block_network=True, block_subprocess=True, fs_readonly=True, block_native=True)
    assert plan == Plan(taken=frozenset({NO_NETWORK, NO_STARTS, NO_WRITES, NO_NATIVE}))
    assert asked().taken == frozenset()
    plan = asked(block_network=True, allow_localhost=True, allow_domains=("b.example", "a.example"))
    assert (plan.localhost, plan.names) == (True, ("a.example", "b.example"))


def test_what_no_kernel_can_hold_is_named():
    plan = asked(block_environment=True, block_code_exec=True, deny_imports=("x",), block_network=True)
    assert plan.beyond == (NO_VARIABLES, NO_CODE, NO_IMPORTS)
    found = receipt(plan, *plan.within(CURRENT), {}, {})
    assert found.held() == ("network",)
    assert found.extent == "full"


def test_a_root_is_read_below_and_nowhere_else(tmp_path):
    plan = asked(fs_readonly=True, fs_root=str(tmp_path))
    assert plan.read == (str(tmp_path),)
    assert plan.taken == {NO_WRITES, NO_READS}


def test_without_filters_a_root_is_held_in_part(tmp_path):
    plan = asked(fs_readonly=True, fs_root=str(tmp_path))
    assert states(plan, CURRENT)[NO_READS] == HELD
    assert states(plan, CURRENT.but(filters=False, supervisor=False))[NO_READS] == IN_PART


def test_folders_of_modules_stay_open_unless_they_lie_below_the_root():
    bare = filesystem.make_rules()
    seen = ("/root", ("/root/", "/usr/lib/"), frozenset({"/root", "/work", "/dev/null"}), ("/work/", "/root/lib/"))
    rules = (*seen, *bare[len(seen) :])
    plan = plan_for(kernel_rules({"filesystem": rules}), False)
    assert plan.modules == ("/work", "/root/lib")
    assert "/work" not in plan.read
    assert plan.within(CURRENT) == (plan.but(metadata=LEFT_TO_GUARDS), ())
    assert open_folders(plan) == ("/work",)
    assert open_folders(plan.but(read=("/",))) == ()


EVERYTHING = {"block_network": True, "block_subprocess": True, "fs_readonly": True}


def test_datagrams_on_loopback_are_a_gap_that_require_closes():
    with_loopback = {"block_network": True, "allow_localhost": True}
    assert states(asked(False, **with_loopback), CURRENT) == {NO_NETWORK: IN_PART}
    assert states(asked(True, **with_loopback), CURRENT) == {NO_NETWORK: HELD}
    assert states(asked(False, block_network=True, allow_domains=("example.com",)), CURRENT) == {NO_NETWORK: HELD}
    assert states(asked(False, block_network=True, allow_hosts=("api.example.com:443", "*.example.org")), CURRENT) == {
        NO_NETWORK: HELD
    }


@pytest.mark.parametrize("entry", ["localhost:8000", "127.0.0.2", "::1", "10.0.0.0/8", "fd00::/8", "0.0.0.0/0"])
def test_datagrams_stay_where_a_host_is_listed_by_its_address(entry):
    """They may be what is allowed there, and nobody else can judge them."""
    listed = {"block_network": True, "allow_hosts": ("api.example.com", entry)}
    assert states(asked(False, **listed), CURRENT) == {NO_NETWORK: IN_PART}
    assert states(asked(True, **listed), CURRENT) == {NO_NETWORK: HELD}


@pytest.mark.parametrize("whole", [False, True])
def test_this_kernel_holds_everything(whole):
    plan = asked(whole, **EVERYTHING)
    assert set(states(plan, CURRENT).values()) == {HELD}


def test_require_closes_the_network_where_nobody_judges():
    plan, gaps = asked(True, block_network=True).within(NO_SUPERVISOR)
    assert (plan.network, gaps) == (CLOSED, ())
    plan, gaps = asked(False, block_network=True).within(NO_SUPERVISOR)
    assert plan.network == ROUGHLY
    assert [g[:2] for g in gaps] == [(NO_NETWORK, True)]
    assert asked(False, block_network=True).within(CURRENT)[0].network == JUDGED


@pytest.mark.parametrize(
    ("kernel", "settings", "whole", "expected"),
    [
        ("5.10", {"fs_readonly": True}, False, {NO_WRITES: GUARD_ONLY}),
        ("5.10", {"fs_readonly": True}, True, {NO_WRITES: HELD}),
        ("5.10", {"block_subprocess": True}, False, {NO_STARTS: IN_PART}),
        ("5.10", {"block_network": True}, False, {NO_NETWORK: HELD}),
        ("5.15", {"fs_readonly": True}, False, {NO_WRITES: HELD}),
        ("6.1", {"fs_readonly": True, "block_subprocess": True}, False, {NO_WRITES: HELD, NO_STARTS: IN_PART}),
        ("6.6", {"block_network": True}, False, {NO_NETWORK: HELD}),
        ("gvisor", {"block_network": True, "block_subprocess": True}, False, {NO_NETWORK: IN_PART, NO_STARTS: IN_PART}),
        ("gvisor", {"block_network": True, "allow_localhost": True}, True, {NO_NETWORK: IN_PART}),
        ("gvisor", {"block_network": True}, True, {NO_NETWORK: HELD}),
        (
            "container without seccomp",
            {"block_network": True, "block_subprocess": True, "fs_readonly": True},
            False,
            {NO_NETWORK: GUARD_ONLY, NO_STARTS: GUARD_ONLY, NO_WRITES: IN_PART},
        ),
        (
            "old container",
            {"fs_readonly": True, "block_network": True},
            True,
            {NO_WRITES: GUARD_ONLY, NO_NETWORK: GUARD_ONLY},
        ),
        (
            "threads",
            {"fs_readonly": True, "block_subprocess": True},
            False,
            {NO_WRITES: GUARD_ONLY, NO_STARTS: IN_PART},
        ),
    ],
)
def test_what_other_kernels_make_of_it(kernel, settings, whole, expected):
    assert states(asked(whole, **settings), KERNELS[kernel]) == expected


IN = "/some/folder"


def metadata_gaps(plan, support):
    return [why for capability, held, why in plan.within(support)[1] if capability == NO_WRITES]


def test_modes_and_owners_are_judged_where_somebody_judges_anyway_or_all_is_held():
    alone, both = (
        asked(fs_readonly=True, allow_write=(IN,)),
        asked(fs_readonly=True, allow_write=(IN,), block_network=True),
    )
    elsewhere = "modes, owners, times and attributes of files elsewhere, message queues"
    assert metadata_gaps(alone, CURRENT) == [f"{elsewhere} (--kernel=require and --no-network have them judged)"]
    assert not metadata_gaps(both, CURRENT) and not metadata_gaps(alone.but(whole=True), CURRENT)
    assert metadata_gaps(both, NO_SUPERVISOR) == [f"{elsewhere} (nobody judges addresses)"]
    for plan, support, judged in ((alone, CURRENT, False), (both, CURRENT, True), (both, NO_SUPERVISOR, False)):
        assert plan.within(support)[0].is_judged() is judged
    # Also where the network is left to the guards.
    listed = both.but(limits=((NO_NETWORK, False, "a list"),))
    assert listed.within(CURRENT)[0].is_judged() and not metadata_gaps(listed, CURRENT)
    around = both.but(around="/in/new")
    expected = "the folder around a single file, or around a path that is not there yet: /in/new"
    assert metadata_gaps(around, CURRENT) == [expected]


def test_native_code_takes_no_subprocess_as_well():
    assert states(asked(block_native=True), CURRENT) == {NO_NATIVE: GUARD_ONLY}
    both = {"block_native": True, "block_subprocess": True}
    assert states(asked(**both), CURRENT)[NO_NATIVE] == IN_PART
    assert states(asked(True, **both), CURRENT)[NO_NATIVE] == HELD


@pytest.mark.parametrize(
    ("kernel", "whole", "settings", "expected"),
    [
        ("5.10", False, {}, GUARD_ONLY),
        ("5.15", False, {}, GUARD_ONLY),  # it would forbid moving files
        ("5.15", True, {}, HELD),
        ("5.15", False, {"fs_readonly": True}, HELD),
        ("6.1", False, {}, HELD),
        ("gvisor", True, {}, GUARD_ONLY),
        ("container without seccomp", False, {}, HELD),
        ("threads", False, {}, GUARD_ONLY),
    ],
)
def test_what_other_kernels_make_of_a_seal(kernel, whole, settings, expected):
    rules = policy_from({**defaults(), "block_environment": True, **settings}).rules
    assert states(plan_for(kernel_rules(rules, True), whole), KERNELS[kernel])[NO_MEMORY] == expected
    assert NO_MEMORY not in plan_for(kernel_rules(rules), whole).taken


def test_every_capability_has_its_limits_and_its_family():
    assert set(TAKEN) <= set(FAMILY_OF)
    from _hermetic.enforce.kernel import plan
    from _hermetic.enforce.kernel.linux import backend

    assert set(plan.LIMITS) == set(TAKEN) == set(backend.TESTS)


def test_what_is_to_be_made_in_the_root_folder_is_left_to_the_guards(tmp_path):
    """No rule can give it back alone; without one the kernel would refuse what the policy allows."""
    missing = "/hermetic-makes-no-such-file"
    asked = Plan(taken=frozenset([NO_WRITES]), write=(str(tmp_path), str(tmp_path / "new"), "/", missing))
    plan, gaps = with_unmade(asked).within(CURRENT)
    assert (NO_WRITES, False, f"{missing} {UNMADE}") in gaps
    assert NO_WRITES not in plan.taken
    plan, gaps = with_unmade(asked.but(write=asked.write[:3])).within(CURRENT)
    assert NO_WRITES in plan.taken
    assert not [text for _, _, text in gaps if UNMADE in text]


SUPPORTS = st.builds(
    lambda landlock, filters, supervisor, threads: Support(
        landlock=landlock, filters=filters, supervisor=supervisor and filters, threads=threads
    ),
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
PLANS = st.builds(
    lambda taken, write, localhost, names, loads, whole: Plan(
        taken=frozenset(taken), write=write, localhost=localhost, names=names, loads=loads, whole=whole
    ),
    st.sets(st.sampled_from(TAKEN)),
    st.sampled_from([(), ("/tmp",)]),
    st.booleans(),
    st.sampled_from([(), ("example.com",)]),
    st.sampled_from([(), ("numpy",)]),
    st.booleans(),
)


@given(PLANS, SUPPORTS)
def test_best_effort_never_exceeds_the_plan_and_says_what_is_missing(plan, support):
    within, gaps = plan.within(support)
    assert within.taken <= plan.taken
    assert within.but(taken=plan.taken, network=plan.network, metadata=plan.metadata) == plan
    assert {c for c, held, _ in gaps if not held} == plan.taken - within.taken
    assert all(text for _, _, text in gaps)
    # What is taken is what handled rights can express: no kernel is asked for what it does not know.
    known = abi.known(support.landlock)
    assert all(a & ~b == 0 for a, b in zip(handled(within, support.landlock), known, strict=True))


@given(PLANS, SUPPORTS, SUPPORTS)
def test_a_kernel_that_can_more_holds_no_less(plan, one, other):
    better = Support(
        landlock=max(one.landlock, other.landlock),
        filters=one.filters or other.filters,
        supervisor=one.supervisor or other.supervisor,
        threads=one.threads and other.threads,
    )
    order = [GUARD_ONLY, IN_PART, HELD]
    for capability, state in states(plan, one).items():
        assert order.index(states(plan, better)[capability]) >= order.index(state)


# --- Landlock's part ---


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        ({"fs_readonly": True}, 7, (0x1FF2 | 0x2000 | 0x4000 | 0x8000, 0, 0)),
        ({"fs_readonly": True}, 2, (0x1FF2 | 0x2000, 0, 0)),
        ({"fs_readonly": True}, 1, (0x1FF2, 0, 0)),
        # Any rules for files forbid moving them, unless that is handled and given back.
        ({"block_subprocess": True}, 7, (1 | 0x2000, 0, 2)),
        ({"block_subprocess": True}, 5, (1 | 0x2000, 0, 0)),
        ({"block_subprocess": True}, 1, (1, 0, 0)),
        ({"block_network": True}, 7, (0, 3, 3)),
        # Nothing is asked of such rules but that they are there.
        ({"block_network": True}, 3, (0x2000, 0, 0)),
        ({"block_native": True}, 7, (0x2000, 0, 0)),
        ({"block_network": True}, 1, (0, 0, 0)),
        ({"block_environment": True}, 7, (0, 0, 0)),
    ],
)
def test_what_landlock_handles(settings, version, expected):
    assert handled(asked(**settings), version) == expected


@pytest.mark.parametrize(("version", "said"), [(0, True), (1, True), (2, False), (7, False)])
def test_memory_of_others_is_said_to_be_open_where_no_rule_keeps_it(version, said):
    from _hermetic.enforce.kernel.linux.backend import OTHERS_MEMORY, left_open

    found = left_open(asked(block_network=True), Support(landlock=version, filters=True))
    assert (OTHERS_MEMORY in found["network"]) == said


def test_files_are_moved_where_writing_is_not_taken_away():
    assert ("/", abi.REFER) in list(grants(asked(block_subprocess=True)))
    assert "/" not in dict(grants(asked(fs_readonly=True, block_subprocess=True)))


def test_writing_stays_open_where_it_leads_nowhere():
    plan = asked(fs_readonly=True)
    given_back = dict(grants(plan, ["/proc/self/fd/1"]))
    assert {"/dev/null", "/dev/tty", "/proc/self/fd/1", "/dev/shm"} <= set(given_back)
    assert all(
        rights & abi.WRITE & ~(abi.WRITE_FILE | abi.MAKE_REG | abi.REMOVE_FILE) == 0 for rights in given_back.values()
    )
    assert "/dev/shm" not in dict(grants(asked(True, fs_readonly=True)))


def test_what_is_read_for_the_program():
    base = {"fs_readonly": True, "fs_root": "/tmp"}
    confined = dict(grants(asked(**base, block_subprocess=True, block_network=True)))
    assert confined["/proc/self"] == abi.READ
    assert "/proc" not in confined and "/usr/bin" not in confined and "/etc/resolv.conf" not in confined
    free = dict(grants(asked(**base)))
    assert {"/proc", "/usr/bin", "/etc/resolv.conf"} <= set(free)
