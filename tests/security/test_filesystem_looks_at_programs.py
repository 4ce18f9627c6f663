"""Below a root, hermetic looks at what a program starts: a function of C's that is called back meanwhile has no frame of
its own, and passes for that look.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

# A handler that is a function of C's, at a time of chance: without the rule, one round in thirty opened the file.
CALLED_BACK = """
import functools, io, os, random, signal
opens = functools.lru_cache(io.FileIO)
signal.signal(signal.SIGALRM, functools.partial(min, SECRET, key=opens))
for _ in range(400):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 6e-4))
    try:
        os.posix_spawn("in/garbage", ["garbage"], {})
    except OSError:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    if opens.cache_info().currsize:
        print("ESC" + "APED")
        break
print("END")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="O_PATH, and paths as they are there")
@pytest.mark.parametrize("seal", ["", "--seal"])
def test_what_is_called_back_opens_no_file_outside_of_the_root(isolated: Any, seal: str) -> None:
    secret = isolated.write("secret", "text")
    garbage = isolated.write("in/garbage", "neither a program nor a first line")
    garbage.chmod(0o755)
    code = CALLED_BACK.replace("SECRET", repr(str(secret)))
    done = isolated.script(f"--kernel=off --fs-readonly=in {seal}", code)
    assert "ESCAPED" not in done.stdout, done


def test_a_program_outside_of_the_root_is_still_known(isolated: Any) -> None:
    isolated.write("in/file", "")
    isolated.write("tool", f"#!{sys.executable}\nimport socket; socket.gethostbyname('example.com')\n").chmod(0o755)
    code = "import subprocess; print(subprocess.run(['./tool'], capture_output=True, text=True).stderr)"
    done = isolated.script("--kernel=off --no-network --fs-readonly=in", code)
    assert "network disabled: DNS(example.com)" in done.stdout, done
