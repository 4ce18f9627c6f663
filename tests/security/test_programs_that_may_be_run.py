"""What a list of programs gives back is that program and no other (deno#11964, deno#25221, deno#5152).

Its file cannot be written while it may be run, nothing that the program sets loads code into it, and a Python
child of it is guarded.
"""

from __future__ import annotations

import json
import sys

import pytest

TOOL = "#!/bin/sh\necho tool\n"
OPTIONS = ["--no-subprocess", "--allow-run", "./tool"]
TRY = """
import json, os, shutil, subprocess, sys
found = []
for act in ({acts}):
    try:
        act()
        found.append("done")
    except OSError as error:
        found.append(getattr(error, "remedy", type(error).__name__)[:7])
    except RuntimeError as error:
        found.append(error.remedy)
print(json.dumps(found))
"""
OVERWRITES = (
    "open('tool', 'w')",
    "open('link', 'a')",
    "os.open('tool', os.O_WRONLY | os.O_TRUNC)",
    "os.remove('tool')",
    "os.rename('other', 'tool')",
    "os.rename('tool', 'moved')",
    "os.link('tool', 'second')",
    "os.chmod('tool', 0o777)",
    "os.truncate('tool', 0)",
    "os.symlink('other', 'tool')",
    "os.rename('../run', '../moved')",
    "shutil.copyfile('other', 'tool')",
)


@pytest.fixture
def tool(isolated):
    isolated.write("tool", TOOL, 0o755)
    isolated.write("other", "#!/bin/sh\necho other\n", 0o755)
    (isolated.folder / "link").symlink_to("tool")
    return isolated


@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["plain", "sealed"])
def test_its_file_cannot_be_written(tool, seal):
    acts = ", ".join(f"lambda: {act}" for act in OVERWRITES)
    done = tool.script([*OPTIONS, *seal], TRY.format(acts=acts))
    # "nothing gives this back", or for the folder above: "leaving it where it is".
    expected = ["leaving" if "../" in act else "nothing" for act in OVERWRITES]
    assert (done.code, done.data) == (0, expected), done
    assert (tool.folder / "tool").read_text() == TOOL


def test_other_files_can(tool):
    done = tool.script(OPTIONS, TRY.format(acts="lambda: open('other', 'w'), lambda: os.remove('other')"))
    assert done.data == ["done", "done"], done


def test_in_a_block_too(tool):
    tool.passes(f"""
        from hermetic import PolicyViolation, hermetic_blocker
        with hermetic_blocker(block_subprocess=True, allow_run=["./tool"], fs_readonly=True, allow_write=["."]):
            open("other", "w").close()
            try:
                open("tool", "w")
            except PolicyViolation as blocked:
                assert "cannot be written" in blocked.remedy
            else:
                raise SystemExit("written")
        open("tool", "w").write({TOOL!r})
    """)


def test_nothing_is_loaded_into_it(tool):
    tool.write("bash_env", "echo loaded")
    code = """
        import json, os, subprocess
        os.environ.update(LD_PRELOAD="/nothing.so", BASH_ENV="bash_env", ENV="bash_env", PYTHONPATH="planted")
        print(json.dumps(subprocess.run(["./tool"], capture_output=True, text=True).stdout))
    """
    done = tool.script(OPTIONS, code)
    assert done.data == "tool\n", done
    assert "nothing.so" not in done.stderr


def test_a_python_child_runs_under_the_rules(tool):
    code = f"""
        import json, subprocess
        child = "import os\\ntry: os.system('true')\\nexcept RuntimeError as e: print(e)"
        print(json.dumps(subprocess.run([{sys.executable!r}, "-I", "-c", child], capture_output=True, text=True).stdout))
    """
    done = tool.script([*OPTIONS, "--allow-run", sys.executable], code)
    assert json.loads(done.stdout.splitlines()[-1]) == "subprocess disabled: os.system\n", done
