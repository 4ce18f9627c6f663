"""hermetic's own files are not replaced by way of what they lie in, nor by moving something onto them.

srt#8: the denied file, or a folder above it, was moved away first.
pmg#446, sandlock#155: a move *into* a denied path, and a truncation of it, were not checked.
"""

from __future__ import annotations

import os
import stat
import sys

import pytest

# In the child the number means something else; and the file has a name elsewhere, from before the start.
FORK = """
os.dup2(os.open("linked", os.O_RDONLY), 9)
name = f"/proc/{os.getpid()}/fd/9"
pid = os.fork()
if not pid:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 9)
"""
ENDED = "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
ACTS = {
    "package moved": "os.rename(folder, folder + '_old')",
    "folder above moved": "os.rename(above, above + '_old')",
    "two folders above moved": "os.rename(os.path.dirname(above), os.path.dirname(above) + '_old')",
    "moved by its relative name": "os.chdir(os.path.dirname(above)); os.rename('lib', 'lib_old')",
    "moved by a descriptor": "d = os.open(os.path.dirname(above), 0); os.rename('lib', 'lib_old', src_dir_fd=d, dst_dir_fd=d)",
    "moved through a link": "os.symlink(os.path.dirname(above), 'link'); os.rename('link/lib', 'lib_old')",
    "shutil.move": "shutil.move(above, 'elsewhere')",
    "file moved away": "os.rename(file, 'elsewhere')",
    "file moved onto": "open('mine', 'w').close(); os.replace('mine', file)",
    "folder moved onto": "os.mkdir('mine'); os.rename('mine', above)",
    "file moved into": "open('mine', 'w').close(); os.rename('mine', folder + '/new.py')",
    "link onto": "open('mine', 'w').close(); os.link('mine', folder + '/new.py')",
    "symlink into": "os.symlink('mine', folder + '/new.py')",
    "written through a link": "os.symlink(folder, 'link'); open('link/__init__.py', 'a').close()",
    "made through a link": "os.symlink(folder, 'link'); open('link/new.py', 'w').close()",
    "written through a link to the file": "os.symlink(file, 'link'); open('link', 'a').close()",
    "written through a link and back": "os.symlink(folder + '/enforce', 'link'); open('link/../__init__.py', 'w').close()",
    "cut through a link": "os.symlink(file, 'link'); os.truncate('link', 0)",
    "removed through a link": "os.symlink(folder, 'link'); os.remove('link/__init__.py')",
    "mode through a link": "os.symlink(file, 'link'); os.chmod('link', 0o777)",
    "written by another name of the root": "open('/proc/self/root' + file, 'a').close()",
    "written by a descriptor": "os.open('__init__.py', os.O_WRONLY, dir_fd=os.open(folder, os.O_PATH))",
    "written by a far descriptor": "os.open('lib/_hermetic/policy.py', os.O_WRONLY | os.O_TRUNC, "
    "dir_fd=os.open(os.path.dirname(above), 0))",
    "written by the working directory": "os.chdir(folder); open('policy.py', 'a').close()",
    "bytecode by a descriptor": "d = os.open(folder, 0); os.open('errors.cpython-312.pyc', os.O_CREAT | os.O_WRONLY, dir_fd=d)",
    "removed by a descriptor": "os.remove('__init__.py', dir_fd=os.open(folder, 0))",
    "made by a descriptor": "os.mkdir('new', dir_fd=os.open(folder, 0))",
    "linked by a descriptor": "os.link('__init__.py', 'handle', src_dir_fd=os.open(folder, 0))",
    "hard link out": "os.link(file, 'handle'); open('handle', 'w').close()",
    "copied onto": "open('mine', 'w').close(); shutil.copyfile('mine', file)",
    "written by the descriptor of who forked": f"{FORK}    open(name, 'a').write('x')\n{ENDED}",
    "opened by the descriptor of who forked": f"{FORK}    os.open(name, os.O_WRONLY | os.O_TRUNC)\n{ENDED}",
    "truncated": "os.truncate(file, 0)",
    "emptied": "os.remove(file)",
    "removed as a tree": "shutil.rmtree(above)",
    "folder's mode": "os.chmod(folder, 0o777)",
    "bytecode": "os.makedirs(folder + '/__pycache__', exist_ok=True)",
    "exchanged as bytes": "os.rename(os.fsencode(above), b'elsewhere')",
}


@pytest.mark.parametrize("place", ["cli", "sealed"])
@pytest.mark.parametrize("name", ACTS)
def test_they_are_what_they_were(isolated, name, place):
    copy = isolated.copy_hermetic("deep/lib")
    (isolated.folder / "linked").hardlink_to(copy / "_hermetic" / "__init__.py")
    code = f"""
import os, shutil, _hermetic
file = _hermetic.__file__
folder = os.path.dirname(file)
above = os.path.dirname(folder)
{ACTS[name]}
"""
    isolated.write("target.py", code)

    def content():
        return {
            str(path.relative_to(isolated.folder)): (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else None,
            )
            for path in (isolated.folder / "deep").rglob("*")
            if path.name != "__pycache__"
        }

    before = content()
    words = ["--no-network", *(["--seal"] if place == "sealed" else [])]
    start = (
        f"import sys; sys.path.insert(0, {str(copy)!r}); from hermetic.cli import program; "
        f"sys.argv = ['hermetic', *{words!r}, '--', './target.py']; sys.exit(program())"
    )
    done = isolated.run([sys.executable, "-c", start])
    assert content() == before
    # Python itself makes the folder of bytecode, and goes on without: it is refused, and no blocked act.
    assert done.code == (1 if name == "bytecode" else 2), done
    assert "filesystem" in done.stderr
    assert not list((copy / "_hermetic").glob("__pycache__"))


def test_a_number_that_was_given_again_is_nobodys(monkeypatch, tmp_path):
    # An editable install whose files are replaced, an upgrade beside a long run: what is made next gets their numbers.
    from _hermetic.capabilities.integrity import files

    made = tmp_path / "made"
    made.write_text("")
    found = made.stat()
    monkeypatch.setattr(files, "OWN_IDENTITIES", ((found.st_dev, frozenset([found.st_ino])),))
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr(files, "OWN_FOLDERS", (str(tmp_path / "gone"), str(own)))
    assert not files.is_ours(str(made))
    (own / "back").hardlink_to(made)
    assert files.is_ours(str(made))


def test_files_have_numbers_of_their_own_where_file_systems_lie_over_one_another(monkeypatch, tmp_path):
    """A container's files may have another device than the folder that they are in, and other numbers than it tells."""
    from _hermetic.capabilities.integrity import files

    (tmp_path / "below").mkdir()
    for name in ("one.py", "two.py", "below/three.py"):
        (tmp_path / name).write_text("")

    def laid_over(path):
        found = os.lstat(path)
        below = stat.S_ISREG(found.st_mode)
        return os.stat_result((found.st_mode, found.st_ino + 10**6 * below, 40 + below, *found[3:]))

    monkeypatch.setattr(files, "lstat", laid_over)
    monkeypatch.setattr(files, "stat", laid_over)
    known, _ = files.identities((str(tmp_path),))
    monkeypatch.setattr(files, "OWN_IDENTITIES", known)
    for path in (tmp_path, *tmp_path.rglob("*")):
        assert files.has_own_number(laid_over(str(path))), path
