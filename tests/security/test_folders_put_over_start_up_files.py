"""A folder, or a link to one, put where a denied path or start-up files would lie: they came with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "lists"))
from path_attempts import PLACES, tried

LISTS = {"fs_readonly": True, "allow_write": ["open"], "deny_write": ["open/sub/shut"]}
OPTIONS = ["--fs-readonly", "--allow-write", "open", "--deny-write", "open/sub/shut"]
PUT = {
    "moved": "os.rename('open/other', 'open/sub')",
    "moved over nothing": "(os.rmdir('open/sub'), os.rename('open/other', 'open/sub'))",
    "linked": "(os.rmdir('open/sub'), os.symlink('other', 'open/sub'))",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", PUT)
def test_no_folder_is_put_above_a_denied_path(isolated, way, place):
    (isolated.folder / "open/sub").mkdir(parents=True)
    isolated.write("open/other/shut/file", "put there")
    assert tried(isolated, place, [PUT[way]], OPTIONS, LISTS) == ["fs-readonly"]
    assert not (isolated.folder / "open/sub/shut").exists()


@pytest.mark.parametrize("way", PUT)
@pytest.mark.parametrize("name", ["lib/site-packages", "lib"])
def test_no_folder_is_put_over_one_of_start_up_files(isolated, way, name):
    """Reference: the folders on sys.path when the guards start."""
    (isolated.folder / "open" / name).mkdir(parents=True)
    isolated.write("open/other/evil.pth", "")
    isolated.write("open/other/sitecustomize.py", "")
    act = PUT[way].replace("open/sub", f"open/{name}").replace("'other'", "HERE + '/open/other'")
    isolated.write(
        "target.py",
        f"import os\nHERE = os.getcwd()\ntry:\n    {act}\nexcept OSError as error:\n    print(error.reason)\n",
    )
    env = {"PYTHONPATH": str(isolated.folder / "open" / name)}
    done = isolated.cli("--fs-readonly", "--allow-write", "open", "--", "./target.py", env=env)
    assert (done.code, done.stdout) == (0, "fs-readonly\n"), done
    assert not (isolated.folder / "open" / name / "sitecustomize.py").exists()


def test_other_folders_and_links_are_put_where_they_are_wanted(isolated):
    (isolated.folder / "open/empty").mkdir(parents=True)
    isolated.write("open/other/file", "")
    acts = [
        "os.rename('open/other', 'open/empty')",
        "os.symlink('empty', 'open/link')",
        "os.rename('open/link', 'open/x')",
    ]
    assert tried(isolated, "process", acts, OPTIONS, LISTS) == ["done"] * 3
