"""deno#23703: closing ``/proc/self/environ`` must not close ``/proc/self/fd/N``, by which shells hand pipes to programs."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="process substitution is a shell's")
SUMS = "import sys\nprint(sum(int(open(name).read()) for name in sys.argv[1:]))"


@pytest.mark.parametrize("options", ["--fs-readonly", "--fs-readonly=.", "--no-environment", "--profile block-all"])
def test_a_pipe_of_the_shell_is_read_by_name(isolated, options):
    isolated.write("sums.py", SUMS)
    command = f"{sys.executable} -m hermetic {options} -- ./sums.py <(echo 3) <(echo 4) /dev/stdin <<< 5"
    done = isolated.run(["bash", "-c", command])
    assert (done.code, done.stdout) == (0, "12\n"), done


def test_an_open_pipe_is_read_by_every_name_in_a_block(isolated):
    names = ["/dev/fd", "/proc/self/fd"] if os.path.exists("/proc/self/fd") else ["/dev/fd"]
    isolated.passes(f"""
        import os
        from hermetic import hermetic_blocker
        with hermetic_blocker(fs_readonly=True, fs_root="."):
            for folder in {names!r}:
                read, write = os.pipe()
                os.write(write, b"text")
                os.close(write)
                assert open(f"{{folder}}/{{read}}").read() == "text"
    """)
