"""What is told not to follow a link changes the link, and is judged by where that lies."""

from __future__ import annotations

import os

import pytest
from path_attempts import PLACES, tree, tried

OWN = "os.getuid(), os.getgid()"
# (act, how it ends): "done", the option that refuses it, or the name of an ordinary error.
ACTS = (
    ("os.utime('open/to_other', (1, 2), follow_symlinks=False)", "done"),
    ("os.utime(b'open/to_other', ns=(1, 2), follow_symlinks=0)", "done"),
    ("os.utime(Path('open/to_other'), follow_symlinks=False)", "done"),
    ("os.utime(path='open/to_other', follow_symlinks=False)", "done"),
    ("os.utime('to_other', dir_fd=os.open('open', os.O_RDONLY), follow_symlinks=False)", "done"),
    ("os.utime('open/to_nothing', follow_symlinks=False)", "done"),
    ("os.utime('open/to_folder/file', follow_symlinks=False)", "fs-readonly"),
    ("os.utime('open/shut/file', follow_symlinks=False)", "deny-write"),
    ("os.utime('other/to_open', follow_symlinks=False)", "fs-readonly"),
    ("os.utime('to_open', dir_fd=os.open('other', os.O_RDONLY), follow_symlinks=False)", "fs-readonly"),
    ("os.utime('open/to_other', follow_symlinks=True)", "fs-readonly"),
    ("os.utime('open/to_other')", "fs-readonly"),
    ("os.utime('other/to_open')", "done"),
    ("os.utime('open/nothing', follow_symlinks=False)", "FileNotFoundError"),
    (f"os.chown('open/to_other', {OWN}, follow_symlinks=False)", "done"),
    (f"os.chown('open/to_other', {OWN})", "fs-readonly"),
    (f"os.chown('open/file', {OWN})", "done"),
    (f"os.lchown('open/to_other', {OWN})", "done"),
    (f"os.lchown('other/to_open', {OWN})", "fs-readonly"),
    ("os.chmod('open/to_other', 0o600)", "fs-readonly"),
    ("os.chmod('open/file', 0o600)", "done"),
    ("__import__('shutil').copystat('open/to_other', 'open/to_nothing', follow_symlinks=False)", "done"),
    ("__import__('shutil').copystat('open/file', 'open/to_other')", "fs-readonly"),
    ("__import__('shutil').copymode('open/file', 'open/to_other')", "fs-readonly"),
    ("__import__('shutil').copytree('open/sub', 'open/copied', symlinks=True)", "done"),
    ("__import__('shutil').move('open/file', 'open/to_other')", "done"),
)
INSIDE = "os.symlink('../../other/file', 'open/sub/link'); os.symlink('../../other', 'open/sub/away')"


@pytest.mark.parametrize("place", PLACES)
def test_a_link_is_judged_by_where_it_lies(isolated, place):
    tree(isolated)
    # The tree has a link to what may not be read, which is an error of its own.
    acts = [act for act, _ in ACTS]
    found = tried(isolated, place, acts, before=INSIDE)
    assert dict(zip(acts, found, strict=True)) == dict(ACTS)
    assert (isolated.folder / "open/copied/link").lstat().st_mtime == (
        isolated.folder / "open/sub/link"
    ).lstat().st_mtime
    assert (isolated.folder / "other/file").read_text() == "other/file\n"
    assert (isolated.folder / "other/file").stat().st_mtime > 2


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Linux only")
@pytest.mark.parametrize("place", PLACES)
def test_attributes_of_a_link_are_the_links(isolated, place):
    tree(isolated)
    acts = ("os.setxattr('open/to_other', 'user.x', b'1', follow_symlinks=False)",)
    acts += ("os.removexattr('open/to_other', 'user.x', follow_symlinks=False)",)
    acts += ("os.setxattr('open/to_other', 'user.x', b'1')", "os.removexattr('open/to_other', 'user.x')")
    # The kernel has none for links.
    assert tried(isolated, place, acts) == ["PermissionError", "PermissionError", "fs-readonly", "fs-readonly"]


def test_the_library_is_told_the_same_as_in_a_plain_run(isolated):
    code = """if True:
        import os, shutil, sys
        sets = [n for n in dir(os) if n.startswith("supports_") and isinstance(getattr(os, n), set)]
        def able():
            return sorted((n, name) for n in sets for name, f in vars(os).items() if callable(f) and f in getattr(os, n))
        print(able(), shutil.rmtree.avoids_symlink_attacks)
    """
    plain = isolated.code(code)
    for options in ("--fs-readonly --allow-write .", "--deny-read x", "--fs-readonly=/"):
        done = isolated.script(options, code)
        assert done.stdout == plain.stdout, (options, done)


def test_a_block_leaves_the_library_as_it_was(isolated):
    isolated.passes("""
        import os
        from hermetic import hermetic_blocker
        names = [n for n in dir(os) if n.startswith("supports_")]
        before = {n: set(getattr(os, n)) for n in names if isinstance(getattr(os, n), set)}
        for _ in range(2):
            with hermetic_blocker(fs_readonly=True, allow_write=["x"]):
                with hermetic_blocker(fs_readonly=True, fs_root="."):
                    assert os.utime in os.supports_follow_symlinks
                    assert os.open in os.supports_dir_fd
                assert os.open in os.supports_dir_fd
            assert {n: set(getattr(os, n)) for n in before} == before
    """)


@pytest.mark.parametrize("seal", ["", "--seal"])
def test_a_block_inside_a_guarded_process(isolated, seal):
    tree(isolated)
    code = """if True:
        import os
        from hermetic import PolicyViolation, hermetic_blocker
        with hermetic_blocker(fs_readonly=True, allow_write=["open"]):
            os.utime("open/to_other", follow_symlinks=False)
            for act in (lambda: os.utime("open/to_other"), lambda: os.lchown("other/to_open", -1, -1)):
                try:
                    act()
                except PolicyViolation:
                    continue
                raise SystemExit("done")
    """
    done = isolated.script(f"--fs-readonly --allow-write=. {seal}", code)
    assert done.code == 0, done


def test_the_stand_in_is_no_method_of_a_class_that_keeps_it(isolated):
    code = "class A: utime = os.utime\nA().utime('open/file')"
    tree(isolated)
    assert isolated.script("--fs-readonly --allow-write=open", f"import os\n{code}").code == 0
