"""What removes a run's temporary folder follows no link that the program left in it (CVE-2026-39861, sandlock#112)."""

from __future__ import annotations

import os
import stat

import pytest

from hermetic import private_tmp


def test_what_links_lead_to_stays(isolated):
    (isolated.folder / "kept" / "below").mkdir(parents=True)
    (isolated.folder / "kept" / "file").write_text("kept")
    mode = os.stat(isolated.folder / "kept").st_mode
    code = """
        import os, sys, tempfile
        folder, kept = tempfile.gettempdir(), os.path.abspath("kept")
        os.makedirs(folder + "/a/b")
        os.symlink(kept, folder + "/link")
        os.symlink(kept, folder + "/a/b/link")
        os.symlink(kept + "/file", folder + "/file")
        os.chmod(folder + "/a/b", 0)
        os.rename(folder + "/a", folder + "/moved")
        os.symlink(kept, folder + "/a")
        print(folder)
    """
    done = isolated.script("--fs-readonly --private-tmp", code)
    assert done.code == 0, done
    assert not os.path.lexists(done.stdout.strip())
    assert (isolated.folder / "kept" / "file").read_text() == "kept"
    assert (isolated.folder / "kept" / "below").is_dir()
    assert os.stat(isolated.folder / "kept").st_mode == mode


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(isolated):
    (isolated.folder / "kept").mkdir()
    (isolated.folder / "kept" / "file").write_text("kept")
    code = """
        import os, tempfile
        folder, kept = tempfile.gettempdir(), os.path.abspath("kept")
        try:
            os.rmdir(folder)
            os.symlink(kept, folder)
        except OSError as error:
            print(error)
        print(folder)
    """
    done = isolated.script("--fs-readonly --private-tmp", code)
    folder = done.stdout.splitlines()[-1]
    assert (isolated.folder / "kept" / "file").read_text() == "kept"
    if os.path.islink(folder):
        os.unlink(folder)
        raise AssertionError("the link was left behind")


def test_what_cannot_be_removed_changes_nothing_around_it(tmp_path, monkeypatch):
    # As while a process that was left behind keeps writing: the folder around is /tmp, which everybody uses.
    (tmp_path / "around" / "folder" / "below").mkdir(parents=True)
    (tmp_path / "kept").mkdir(mode=0o755)
    os.symlink(tmp_path / "kept", tmp_path / "around" / "folder" / "link")
    os.chmod(tmp_path / "around", 0o777)
    monkeypatch.setattr("shutil.rmtree", lambda folder, **how: None)
    private_tmp.remove(str(tmp_path / "around" / "folder"))
    assert os.stat(tmp_path / "around").st_mode & 0o7777 == 0o777
    assert os.stat(tmp_path / "kept").st_mode & 0o7777 == 0o755


def test_an_ordinary_user_removes_what_was_made_unreadable(isolated):
    isolated.passes(
        """
        import os, shutil
        from hermetic import private_tmp
        os.mkdir("folder")
        if os.geteuid() == 0:
            os.chown(".", 65534, 65534)
            os.chown("folder", 65534, 65534)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os.chdir("folder")
        os.makedirs("a/b/c")
        open("a/b/c/file", "w").close()
        for name in ("a/b/c", "a/b", "a"):
            os.chmod(name, 0)
        os.chdir("..")
        private_tmp.remove("folder")  # by a name that this user can follow
        assert not os.path.exists("folder")
        """
    )


@pytest.mark.skipif(os.name == "nt", reason="modes and descriptors of folders")
def test_the_folder_is_its_makers_alone_and_lies_where_a_link_leads(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TEMP", str(tmp_path / "link"))
    before = os.umask(0)
    try:
        folder = private_tmp.make()
    finally:
        os.umask(before)
    assert os.path.dirname(folder) == os.path.realpath(tmp_path / "there")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_what_is_found_in_place_of_the_folder_goes_and_nothing_else(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("other")
    for name in ("file", "link"):
        private_tmp.remove(str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "other"]


@pytest.mark.skipif(os.name == "nt", reason="modes and descriptors of folders")
def test_a_link_that_is_put_where_a_folder_was_unlocks_nothing(tmp_path):
    (tmp_path / "other").mkdir(mode=0o500)
    (tmp_path / "link").symlink_to("other")
    private_tmp.unlock(str(tmp_path / "link"))
    assert stat.S_IMODE(os.stat(tmp_path / "other").st_mode) == 0o500
