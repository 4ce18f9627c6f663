"""hermetic's bytecode that was not there when the guards counted its files: it would run at the next start."""

from __future__ import annotations

import sys

import pytest

WAYS = {
    "by a link to it": "os.symlink(path, 'link'); open('link', 'r+b').close()",
    "by a link to a folder": "os.symlink(root, 'link'); open(path.replace(root, 'link'), 'r+b').close()",
    "by a link to its folder": "os.symlink(folder, 'link'); open('link/' + name, 'r+b').close()",
    "by the working directory": "os.chdir(folder + '/..'); open('__pycache__/' + name, 'r+b').close()",
    "by an open folder": "os.open(name, os.O_RDWR, dir_fd=os.open(folder, os.O_RDONLY))",
    "by its own descriptor": "open(f'/proc/self/fd/{os.open(path, os.O_RDONLY)}', 'r+b').close()",
    "by a name of the descriptor": "open(f'/proc/{os.getpid()}/fd/{os.open(path, os.O_RDONLY)}', 'r+b').close()",
    "by way of a removed folder": "os.mkdir('gone'); d = os.open('gone', os.O_RDONLY); os.rmdir('gone'); os.symlink(path, 'link'); "
    "open(f'/proc/self/fd/{d}/../link', 'r+b').close()",
    "cut": "os.symlink(path, 'link'); os.truncate('link', os.stat(path).st_size)",
    "its mode": "os.symlink(root, 'link'); os.chmod(path.replace(root, 'link'), 0o644)",
    "removed": "os.chdir(folder); os.remove(name)",
    "made beside it": "os.symlink(folder, 'link'); open('link/other.pyc', 'xb').close()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
@pytest.mark.parametrize(
    "options", ["--no-network", "--no-network --seal", "--fs-readonly --allow-write=. --kernel=off"]
)
def test_what_the_first_start_writes_is_not_written_again(isolated, options):
    """An installer need not compile: the first start makes the folders and files of bytecode."""
    copy = isolated.copy_hermetic("lib")
    code = f"""
import glob, os
here, root = os.getcwd(), {str(copy)!r}
written = glob.glob(root + "/_hermetic/**/*.pyc", recursive=True)
assert len(written) > 20
done = []
for path in written:
    folder, name = os.path.split(path)
    for way in {list(WAYS.values())!r}:
        try:
            exec(way)
        except PermissionError:
            pass
        else:
            done.append((way, path))
        os.chdir(here)
        if os.path.lexists("link"):
            os.remove("link")
raise SystemExit(str(done) if done else 0)
"""
    isolated.write("target.py", code)
    words = ["hermetic", *options.split(), "--", "./target.py"]
    start = (
        f"import sys; sys.path.insert(0, {str(copy)!r}); sys.dont_write_bytecode = False; "
        f"from hermetic.cli import program; sys.argv = {words!r}; sys.exit(program())"
    )
    done = isolated.run([sys.executable, "-c", start], env={"PYTHONDONTWRITEBYTECODE": None})
    assert done.code == 0, done
