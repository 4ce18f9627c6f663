"""Nothing that the target shapes says what the target may do: not its folder, its files, its variables, or its links.

CVE-2025-59532: a working directory that the model chose became the writable root. CVE-2026-25725: a settings file that
did not exist at the start was created from inside.
"""

from __future__ import annotations

import pytest

READS = """
import os
def seen(path):
    try:
        return open(path).read()
    except PermissionError:
        return "refused"
"""


@pytest.mark.parametrize("spelled", [".", "root", "root/", "link", "../run/root"])
def test_a_root_is_what_it_was_at_the_start(isolated, spelled):
    """Whether it was named relative to a folder that is left, or by a link that is turned."""
    isolated.write("root/in.txt", "inside")
    isolated.write("other/in.txt", "outside")
    (isolated.folder / "link").symlink_to("root")
    (isolated.folder.parent / "secret.txt").write_text("outside")
    turned = "os.unlink('../link'); os.symlink('other', '../link')" if spelled == "link" else ""
    code = f"""
{READS}
from hermetic import hermetic_blocker
block = hermetic_blocker(fs_readonly=True, fs_root={spelled!r})
with block:
    os.chdir("root")
    print(seen("in.txt"), seen("../other/in.txt") if {spelled != "."} else "refused")
    os.chdir("../..")
    print(seen("secret.txt"), seen("run/root/in.txt"))
{"os.chdir('run'); os.chdir('root')" if turned else ""}
"""
    assert isolated.passes(code).stdout == "inside refused\nrefused inside\n"
    isolated.write("target.py", code.replace(f"fs_root={spelled!r}", "fs_root='/'"))
    done = isolated.cli(f"--fs-readonly={spelled}", "--", "./target.py")
    assert (done.code, done.stdout) == (0, "inside refused\nrefused inside\n"), done


def test_a_link_turned_after_the_start_moves_no_root(isolated):
    isolated.write("root/in.txt", "inside")
    isolated.write("other/in.txt", "outside")
    (isolated.folder / "link").symlink_to("root")
    isolated.passes(f"""
{READS}
from hermetic import hermetic_blocker
with hermetic_blocker(fs_readonly=True, fs_root="link"):
    # By another process: writing is taken away from this one.
    os.system("ln -sfn other link")
    assert os.readlink("link") == "other"
    print(seen("link/in.txt"), seen("root/in.txt"))
    assert seen("link/in.txt") == "refused" and seen("root/in.txt") == "inside"
""")


SETTINGS = {
    "pyproject.toml": "[tool.hermetic]\nallow-localhost = true\nno-network = false\nreport-only = true\n",
    "hermetic.toml": "allow-domain = ['*']\n",
    ".hermetic": "--report-only\n",
    ".hermetic.toml": "report-only = true\n",
    "hermetic.ini": "[hermetic]\nreport-only = true\n",
    "setup.cfg": "[hermetic]\nreport-only = true\n",
    "@args": "--report-only\n",
}
VARIABLES = {
    "HERMETIC_OPTIONS": "--report-only",
    "HERMETIC": "off",
    "HERMETIC_DISABLE": "1",
    "HERMETIC_FLAGS": "{}",
    "HERMETIC_POLICY": "",
    "HERMETIC_REPORT_ONLY": "1",
    "_HERMETIC_POLICY": "",
}


def test_files_and_variables_of_the_target_are_no_settings(isolated):
    for name, text in SETTINGS.items():
        isolated.write(name, text)
    code = "import socket\nsocket.create_connection(('127.0.0.1', 9), 0.2)\n"
    for how in ([], ["python"], ["python", "-B"]):
        isolated.write("target.py", code)
        done = isolated.cli("--no-network", "--", *how, "./target.py", env=VARIABLES)
        assert done.code == 2, done
        assert "network disabled: create_connection(127.0.0.1)" in done.stderr


def test_settings_made_or_set_from_inside_change_nothing(isolated):
    code = f"""
    import os, socket
    for name, text in {SETTINGS!r}.items(): open(name, "w").write(text)
    os.environ.update({VARIABLES!r})
    from hermetic import hermetic_blocker
    with hermetic_blocker(block_native=True):
        pass
    socket.create_connection(("127.0.0.1", 9), 0.2)
    """
    done = isolated.script("--no-network", code)
    assert done.code == 2, done
    assert "network disabled: create_connection(127.0.0.1)" in done.stderr
