"""Real programs that are given back just what they need."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from .conftest import program

pytestmark = pytest.mark.programs

WHEEL = {
    "sample/__init__.py": "VALUE = 7\n",
    "sample-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n",
    "sample-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "sample-1.0.dist-info/RECORD": "",
}


def wheel(isolated) -> str:
    path = isolated.folder / "sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in WHEEL.items():
            archive.writestr(name, text)
    return str(path)


def passes(isolated, options, *target, **how):
    done = isolated.cli(*options, "--", *target, **how)
    assert done.code == 0, done.stdout + done.stderr
    assert "blocked action" not in done.stderr
    return done


PIP = ("install", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-cache-dir", "--target", "lib")


def test_pip_installs_into_a_folder(isolated):
    options = ["--fs-readonly", "--allow-write", "lib", "--allow-write", str(isolated.temp)]
    passes(isolated, options, program("pip"), *PIP, wheel(isolated))
    assert (isolated.folder / "lib/sample/__init__.py").read_text() == "VALUE = 7\n"
    assert (isolated.folder / "lib/sample-1.0.dist-info/METADATA").exists()


def test_pip_installs_into_a_folder_with_a_temporary_one_of_its_own(isolated):
    passes(isolated, ["--fs-readonly", "--allow-write=lib", "--private-tmp"], program("pip"), *PIP, wheel(isolated))
    assert (isolated.folder / "lib/sample/__init__.py").exists()


def test_pip_installs_nowhere_else(isolated):
    options = ["--fs-readonly", "--allow-write=other", "--private-tmp"]
    done = isolated.cli(*options, "--", program("pip"), *PIP, wheel(isolated))
    assert done.code == 2, done
    assert not (isolated.folder / "lib/sample").exists()


def test_pytest_keeps_its_cache_and_its_folders(isolated):
    isolated.write(
        "test_sample.py",
        "def test_it(tmp_path):\n    (tmp_path / 'x').write_text('y')\n\ndef test_bad():\n    assert 0\n",
    )
    (isolated.folder / ".pytest_cache").mkdir()  # else pytest makes it beside, and moves it there
    command = (program("pytest"), "-q", "-p", "no:randomly", "test_sample.py")
    options = ["--fs-readonly", "--allow-write", ".pytest_cache", "--private-tmp"]
    for extra, said in (((), "1 failed, 1 passed"), (("--last-failed",), "1 failed, 1 deselected")):
        done = isolated.cli(*options, "--", *command, *extra)
        assert done.code == 1, done.stdout + done.stderr  # its own
        assert said in done.stdout
        assert "could not create cache" not in done.stdout
    assert (isolated.folder / ".pytest_cache/v/cache/lastfailed").exists()


def test_black_formats_a_tree_and_nothing_beside_it(isolated):
    isolated.write("tree/a.py", "x   =  1\n")
    isolated.write("tree/below/b.py", "y   =  1\n")
    isolated.write("beside.py", "z   =  1\n")
    # Since 3.14 multiprocessing has workers forked by a server, which listens on a socket in a temporary folder.
    options = ["--fs-readonly", "--allow-write", "tree", *(["--private-tmp"] if sys.version_info >= (3, 14) else [])]
    environment = {"BLACK_CACHE_DIR": str(isolated.folder / "tree/.cache")}
    passes(isolated, options, program("black"), "tree", env=environment)
    assert (isolated.folder / "tree/a.py").read_text() == "x = 1\n"
    assert (isolated.folder / "tree/below/b.py").read_text() == "y = 1\n"
    done = isolated.cli(*options, "--", program("black"), "beside.py", env=environment)
    assert done.code != 0, done
    assert (isolated.folder / "beside.py").read_text() == "z   =  1\n"


def test_numpy_is_given_back(isolated):
    code = "import numpy; print(numpy.arange(6).reshape(2, 3).T @ numpy.ones((2, 1)))"
    isolated.write("main.py", code)
    done = passes(isolated, ["--block-native", "--allow-native", "numpy"], "python", "main.py")
    assert done.stdout.split() == ["[[3.]", "[5.]", "[7.]]"]
    done = isolated.cli("--block-native", "--", "python", "main.py")
    assert done.code == 2, done
    assert "--allow-native numpy" in done.stderr


def test_numpy_does_not_bring_other_native_code(isolated):
    code = "import numpy\ntry:\n    import _ctypes\nexcept ImportError as blocked:\n    print(blocked)\n"
    done = passes(isolated, ["--block-native", "--allow-native=numpy"], "python", "-c", code)
    assert done.stdout == "native import blocked: _ctypes\n"


def test_git_tells_its_version_and_nothing_else_runs(isolated):
    code = """
        import subprocess
        print(subprocess.run(["git", "--version"], capture_output=True, text=True).stdout)
        try:
            subprocess.run(["ls"])
        except RuntimeError as blocked:
            print(blocked, blocked.remedy)
    """
    done = isolated.script(["--no-subprocess", "--allow-run", "git"], code)
    assert done.code == 0, done
    version, _, refused = done.stdout.splitlines()
    assert version.startswith("git version")
    assert refused == "subprocess disabled: subprocess.Popen --allow-run ls"


def test_a_virtual_environment_is_made_in_a_folder(isolated):
    options = ["--fs-readonly", "--allow-write", "env"]
    passes(isolated, options, "python", "-m", "venv", "--without-pip", "env")
    made = isolated.folder / "env/bin/python"
    assert subprocess.run([made, "-c", "import sys; sys.exit(sys.prefix != sys.base_prefix)"]).returncode == 1
    assert os.path.realpath(made) == os.path.realpath(sys.executable)
