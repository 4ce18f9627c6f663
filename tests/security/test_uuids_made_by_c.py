"""libuuid connects to a daemon and keeps a clock in a file, and no event tells of either: UUIDs are made without it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("_uuid") is None or sys.platform == "win32", reason="no libuuid in this interpreter"
)

OPTIONS = ["--no-network", "--no-network --allow-host=example.com", "--fs-readonly", "--fs-readonly=."]
# What is called in C meanwhile, too.
MADE = """
import json, sys, time, uuid
called = []
sys.setprofile(lambda frame, event, what: called.append(what.__name__) if event == "c_call" else None)
made = [uuid.uuid1() for _ in range(2000)]
node = uuid.getnode()
sys.setprofile(None)
since_1582 = made[0].time / 1e7 - 12219292800
print(json.dumps({
    "called": sorted(name for name in set(called) if "generate" in name),
    "versions": list({(one.version, one.variant) for one in made}),
    "different": len(set(made)),
    "in order": made == sorted(made, key=lambda one: one.time),
    # From 3.14 on getnode() asks libuuid only where it answers with the machine's own.
    "nodes": len({*(one.node for one in made), *([node] if getattr(uuid, "_has_stable_extractable_node", True) else ())}),
    "of a machine": not made[0].node >> 40 & 1,
    "late": time.time() - since_1582 < 60 and since_1582 <= time.time(),
    "safe": made[0].is_safe.name,
}))
"""
EXPECTED = {
    "called": [],
    "versions": [[1, "specified in RFC 4122"]],
    "different": 2000,
    "in order": True,
    "nodes": 1,
    "of a machine": False,
    "late": True,
    "safe": "unsafe",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_uuids_are_made_without_libuuid(isolated, option):
    done = isolated.script(f"--kernel=off {option}", MADE)
    assert done.code == 0, done.stderr
    assert done.data == EXPECTED


def test_without_a_policy_libuuid_makes_them(isolated):
    assert isolated.code(MADE).data["called"] == ["generate_time_safe"]


@pytest.mark.parametrize("option", ["--no-subprocess", "--no-environment", "--deny-host=example.com", "--deny-read=."])
def test_other_policies_leave_it_alone(isolated, option):
    assert isolated.script(f"--kernel=off {option}", MADE).data["called"] == ["generate_time_safe"]


@pytest.mark.parametrize("family", ["block_network", "fs_readonly"])
def test_blocks_put_it_back(isolated, family):
    done = isolated.code(f"""
        import json, sys
        from hermetic import hermetic_blocker

        def look():
            import uuid
            called = set()
            sys.setprofile(lambda frame, event, what: called.add(what.__name__) if event == "c_call" else None)
            uuid.uuid1()
            sys.setprofile(None)
            found.append("generate_time_safe" in called)

        found = []
        with hermetic_blocker({family}=True):  # loaded in a block
            look()
        look()
        with hermetic_blocker({family}=True):  # loaded before
            look()
            del sys.modules["_uuid"], sys.modules["uuid"]
            look()
        look()
        print(json.dumps(found))
    """)
    assert done.data == [False, True, False, False, True]


def test_either_of_two_blocks_is_enough(isolated):
    done = isolated.code("""
        import json, sys
        from hermetic import hermetic_blocker

        def is_called():
            import uuid
            called = set()
            sys.setprofile(lambda frame, event, what: called.add(what.__name__) if event == "c_call" else None)
            uuid.uuid1()
            sys.setprofile(None)
            return "generate_time_safe" in called

        found = []
        network, files = hermetic_blocker(block_network=True), hermetic_blocker(fs_readonly=True)
        for one, other in ((network, files), (files, network)):
            with one:
                with other:
                    found.append(is_called())
                found.append(is_called())
            found.append(is_called())
        one.__enter__(), other.__enter__()
        one.__exit__(None, None, None)  # the outer one first
        found.append(is_called())
        other.__exit__(None, None, None)
        found.append(is_called())
        print(json.dumps(found))
    """)
    assert done.data == [False, False, True] * 2 + [False, True], done.stderr


@pytest.mark.parametrize("words", ["1", "seconds=1"])
def test_a_wrong_call_is_one(isolated, words):
    done = isolated.script("--kernel=off --no-network", f"import _uuid; _uuid.generate_time_safe({words})")
    assert "TypeError" in done.stderr


def test_a_fork_makes_others(isolated):
    done = isolated.script(
        "--kernel=off --no-network",
        """
        import json, os, uuid
        uuid.uuid1()
        heard, told = os.pipe()
        if os.fork() == 0:
            os.write(told, "".join(uuid.uuid1().hex for _ in range(100)).encode())
            os._exit(0)
        made = {uuid.uuid1().hex for _ in range(100)}
        os.wait()
        data = os.read(heard, 1 << 16).decode()
        made.update(data[at : at + 32] for at in range(0, len(data), 32))
        print(json.dumps(len(made)))
        """,
    )
    assert done.data == 200
