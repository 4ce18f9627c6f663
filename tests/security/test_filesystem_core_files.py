"""Core files: a program that raises its limit and ends itself has the system write one where it stands."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="core files as Linux writes them")

CODE = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
class Turning(tuple):
    def __getitem__(self, at): return 0
class Zero(int):
    pass
for act in (
    lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
    lambda: resource.setrlimit(resource.RLIMIT_CORE, [hard, hard]),
    lambda: resource.setrlimit(resource.RLIMIT_CORE, Turning((hard, hard))),
    lambda: resource.setrlimit(resource.RLIMIT_CORE, (Zero(hard), hard)),
    lambda: resource.prlimit(0, resource.RLIMIT_CORE, (hard, hard)),
    lambda: resource.prlimit(os.getpid(), resource.RLIMIT_CORE, (hard, hard)),
):
    try:
        act()
        print("done")
    except PermissionError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
resource.prlimit(0, resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
print("others")
"""
EXPECTED = [f"filesystem mutation disabled: resource.{name}(core)" for name in ("setrlimit",) * 4 + ("prlimit",) * 2]


@pytest.mark.parametrize("options", ["--fs-readonly", "--seal --fs-readonly --allow-write .", "--deny-write sub"])
def test_no_limit_for_core_files_is_raised(isolated, options):
    done = isolated.script(f"--kernel=off {options}", CODE)
    assert done.stdout.splitlines() == [*EXPECTED, "others"], done


@pytest.mark.parametrize("options", ["--no-network", "--deny-read sub"])
def test_it_is_raised_where_writing_is_free(isolated, options):
    done = isolated.script(f"--kernel=off {options}", CODE)
    assert done.stdout.splitlines() == [*["done"] * 6, "others"], done


def test_none_is_written(isolated):
    code = """
        import os, resource
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        finally:
            os.abort()
    """
    isolated.script("--kernel=off --fs-readonly", code)
    assert not list(isolated.folder.glob("core*"))
