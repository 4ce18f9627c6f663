"""What is readable beside a root was found where the program was started; what its children are given adds nothing.

Found by attacking: a child took a certificate variable, its own name, its working directory and ``PYTHONPATH`` for the
user's, all of which the program chooses.
"""

from __future__ import annotations

import json

import pytest

ATTACK = """
import json, multiprocessing, os, subprocess, sys
SECRET = sys.argv[1]
KEY, MODULE = SECRET + "/key", SECRET + "/module.py"
def read(path):
    return f"print(open({path!r}).read())"
def start(words, path, **how):
    how["env"] = {**os.environ, **how.get("env", {})}
    done = subprocess.run([*words, "-c", read(path)], capture_output=True, text=True, **how)
    return "outside" if "read outside sandbox root" in done.stderr else done.stdout + done.stderr
PYTHON = [sys.executable]
found = {
    "certificates": start(PYTHON, KEY, env={"SSL_CERT_DIR": SECRET}),
    "certificate": start(PYTHON, KEY, env={"SSL_CERT_FILE": KEY}),
    "own name": start([KEY], KEY, executable=sys.executable),
    "path": start(PYTHON, MODULE, env={"PYTHONPATH": SECRET}),
    "file on the path": start(PYTHON, KEY, env={"PYTHONPATH": KEY}),
    "packages": start(PYTHON, SECRET + "/site-packages/key", env={"PYTHONPATH": SECRET + "/site-packages"}),
    "folder": start(PYTHON, MODULE, cwd=SECRET),
    "folder above": start(PYTHON, MODULE, cwd=os.path.dirname(SECRET)),
    "user": start(PYTHON, KEY, env={"PYTHONUSERBASE": SECRET}),
}
print(json.dumps(found))
"""


@pytest.fixture
def secret(isolated):
    isolated.write("secret/key", "stolen")
    isolated.write("secret/module.py", "stolen = 1")
    isolated.write("secret/site-packages/key", "stolen")
    (isolated.folder / "open").mkdir()
    return str(isolated.folder / "secret")


@pytest.mark.parametrize("seal", ["", "--seal"])
def test_a_program_gives_its_children_nothing_to_read(isolated, secret, seal):
    isolated.write("code/target.py", ATTACK)
    done = isolated.cli("--kernel=off", "--fs-readonly=open", *seal.split(), "--", "code/target.py", secret)
    assert done.code in (0, 2), done
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == dict.fromkeys(found, "outside")


def test_a_block_gives_its_children_nothing_to_read(isolated, secret):
    body = "\n".join("    " + line for line in ATTACK.replace("sys.argv[1]", repr(secret)).splitlines())
    code = f"from hermetic import hermetic_blocker\nwith hermetic_blocker(fs_readonly=True, fs_root='open'):\n{body}"
    isolated.write("code/block.py", code)
    done = isolated.python("code/block.py")
    found = json.loads(done.stdout.splitlines()[-1])
    # The block's own process has the folder of its script on its path, and no other.
    assert found == dict.fromkeys(found, "outside"), done


def test_grandchildren_neither(isolated, secret):
    code = ATTACK.replace("sys.argv[1]", repr(secret))
    isolated.write("code/target.py", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])")
    done = isolated.cli("--kernel=off", "--fs-readonly=open", "--", "code/target.py")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == dict.fromkeys(found, "outside")


KEEPS_WORKING = """
import json, multiprocessing, os, subprocess, sys
import beside

def double(x):
    import below.deep
    return beside.VALUE * x

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(double, [1, 2]) == [7, 14]
    def run(*words, **how):
        return subprocess.run([sys.executable, *words], check=True, stdout=-1, text=True, **how).stdout
    here = os.path.dirname(os.path.abspath(__file__))
    assert run("-c", "import beside; print(beside.VALUE)", cwd=here) == "7\\n"
    assert run("-m", "below.deep", cwd=here) == "deep\\n"
    assert run("-c", "import importlib.metadata as m; print(len(list(m.distributions())) > 0)") == "True\\n"
    assert run("-c", "import platform; print(len(platform.libc_ver()))") == "2\\n"
    assert run("-c", "import ssl; ssl.create_default_context(); print(1)") == "1\\n"
    print("works")
"""


def test_what_the_program_itself_is_made_of_its_children_read(isolated, secret):
    isolated.write("code/target.py", KEEPS_WORKING)
    isolated.write("code/beside.py", "VALUE = 7\n")
    isolated.write("code/below/__init__.py", "")
    isolated.write("code/below/deep.py", "if __name__ == '__main__': print('deep')\n")
    for options in ("--fs-readonly=open", "--fs-readonly=open --strict"):
        done = isolated.cli("--kernel=off", *options.split(), "--", "code/target.py")
        assert (done.code, done.stdout) == (0, "works\n"), done
