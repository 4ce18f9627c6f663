"""A link that leads to itself leads nowhere: who may open what lies there hears so from the system, and nobody else."""

from __future__ import annotations

import pytest
from path_attempts import PLACES, tried

OPENINGS = (
    "open('{}')",
    "open('{}', 'a')",
    "open('{}', 'r+')",
    "os.open('{}', os.O_RDONLY)",
    "os.open('{}', os.O_RDWR | os.O_CREAT)",
    "open('{}/below')",
    "open('{}/below', 'w')",
    "__import__('io').FileIO('{}')",
    "__import__('io').FileIO('{}', 'w')",
    "os.listdir('{}')",
    "os.scandir('{}')",
)
NOWHERE = "OSError"  # ELOOP, which has no class of its own
WRITING = [act for act in OPENINGS if "'a'" in act or "'w'" in act]


def tried_at(isolated, place, link, options, lists):
    for name in ("open", "other"):
        (isolated.folder / name).mkdir()
        (isolated.folder / name / "round").symlink_to("round")
        (isolated.folder / name / "one").symlink_to("two")
        (isolated.folder / name / "two").symlink_to("one")
    acts = [act.format(link) for act in OPENINGS]
    return dict(zip(OPENINGS, tried(isolated, place, acts, options, lists), strict=True))


ALLOWED = (
    (["--deny-read=x", "--deny-write=x"], {"deny_read": ["x"], "deny_write": ["x"]}),
    (["--fs-readonly=open", "--allow-write=open"], {"fs_readonly": True, "fs_root": "open", "allow_write": ["open"]}),
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("options", "lists"), ALLOWED, ids=["denied elsewhere", "given back"])
@pytest.mark.parametrize("link", ["open/round", "open/one"])
def test_it_is_no_violation_where_nothing_is_denied(isolated, place, link, options, lists):
    found = tried_at(isolated, place, link, options, lists)
    assert found == dict.fromkeys(OPENINGS, NOWHERE)


@pytest.mark.parametrize("place", PLACES)
def test_a_denial_comes_before_it(isolated, place):
    options = ["--fs-readonly=open", "--allow-write=open", "--deny-read=other"]
    lists = {"fs_readonly": True, "fs_root": "open", "allow_write": ["open"], "deny_read": ["other"]}
    found = tried_at(isolated, place, "other/round", options, lists)
    expected = {act: "fs-readonly" if act in WRITING else "deny-read" for act in OPENINGS}
    assert found == expected


def test_what_changes_such_a_link_by_a_descriptor_is_refused(isolated):
    """The system takes a descriptor's name for the link itself, where a path leads nowhere."""
    (isolated.folder / "shut").mkdir()
    (isolated.folder / "shut/round").symlink_to("round")
    acts = ("os.utime(f'/proc/self/fd/{os.open(\"shut/round\", os.O_PATH | os.O_NOFOLLOW)}')",)
    assert tried(isolated, "process", acts, ["--kernel=off", "--deny-write=shut"]) == ["deny-write"]


@pytest.mark.parametrize("option", ["--allow-write", "--deny-write", "--deny-read"])
def test_an_entry_that_leads_nowhere_is_refused_at_the_start(isolated, option):
    (isolated.folder / "round").symlink_to("round")
    done = isolated.cli("--fs-readonly", f"{option}=round", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        [f"hermetic: error: {option}: 'round' leads nowhere: too many links (see hermetic --help)"],
    )
