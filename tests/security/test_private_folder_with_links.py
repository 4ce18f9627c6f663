"""What removes a run's temporary folder follows no link that the program left in it (CVE-2026-39861, sandlock#112)."""

from __future__ import annotations

import os


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
