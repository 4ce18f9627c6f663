"""Keywords, and numbers of folders, that C understands and a guard passed over: a subclass of str with a hash of its own
is in no dictionary under its name, and an object with ``__index__`` is no int.
"""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fifos, and posix_spawn")

HEAD = """
import os, socket, sys
class Hidden(str):
    def __hash__(self): return 1
class Number:
    def __index__(self): return other
other = os.open("other", os.O_RDONLY)
actions = [(os.POSIX_SPAWN_OPEN, 1, "../other/made", os.O_CREAT | os.O_WRONLY, 0o600)]
"""
WAYS = {
    "a fifo by a keyword": "os.mkfifo('made', **{Hidden('dir_fd'): other})",
    "a fifo by a number": "os.mkfifo('made', dir_fd=Number())",
    "a node by a number": "os.mknod('made', dir_fd=Number())",
    "an opening for a child": (
        "os.waitpid(os.posix_spawn(sys.executable, ['python', '-c', ''], os.environ, **{Hidden('file_actions'): actions}), 0)"
    ),
}


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_made_elsewhere(isolated, way, seal):
    for name in ("other", "w"):
        (isolated.folder / name).mkdir()
    code = f"{HEAD}os.chdir('w')\ntry:\n    {WAYS[way]}\nexcept Exception:\n    print('refused')"
    done = isolated.script(f"--kernel=off {seal}--fs-readonly --allow-write w", code)
    assert done.stdout == "refused\n", done
    assert not list((isolated.folder / "other").iterdir())


def test_a_host_is_asked_for_as_it_is(isolated):
    (isolated.folder / "other").mkdir()
    attempt = "__import__('_socket').getaddrinfo(**{Hidden('host'): 'localhost', 'port': 1})"
    code = f"{HEAD}try:\n    {attempt}\nexcept TypeError as error:\n    print(error)"
    done = isolated.script("--kernel=off --no-network --allow-domain example.com", code)
    assert done.stdout == "keywords are exactly str\n", done
