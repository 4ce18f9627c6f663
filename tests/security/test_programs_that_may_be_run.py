"""What a list of programs gives back is that program and no other (deno#11964, deno#25221, deno#5152).

Its file cannot be written while it may be run, nothing that the program sets loads code into it, and a Python
child of it is guarded.
"""

from __future__ import annotations

import json
import os
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


# How a script names what runs it, beside ``bin``, a folder on PATH that the program may write.
FIRST_LINES = {
    "its place": "{here}/bin/interpreter",
    "its place behind a link": "{here}/link",
    "env": "/usr/bin/env interpreter",
    "env with words": "/usr/bin/env -S interpreter -x",
    "an env of its own": "{here}/bin/env interpreter",
    "a script that names it": "{here}/bin/nested",
}
REPLACE = """
import json, os, shutil, subprocess
def start():
    try:
        return subprocess.run(["./script"], capture_output=True, text=True).stdout.split("\\n")[0]
    except RuntimeError as refused:
        return refused.remedy
def change(act, *words):
    try:
        act(*words)
        return "done"
    except PermissionError:
        return "refused"
found = [start(), change(shutil.copyfile, "other", "bin/interpreter"), change(os.replace, "other", "bin/interpreter"),
         change(os.symlink, "../other", "first/interpreter"), change(os.symlink, "../other", "first/env")]
print(json.dumps([*found, start()]))
"""


@pytest.fixture
def script(isolated):
    for name, said in (("bin/interpreter", "listed"), ("other", "another")):
        isolated.write(name, f"#!/bin/sh\necho {said}\n", 0o755)
    isolated.write("bin/nested", f"#!{isolated.folder}/bin/interpreter\n", 0o755)
    (isolated.folder / "bin" / "env").symlink_to("/usr/bin/env")
    (isolated.folder / "link").symlink_to("bin/interpreter")
    (isolated.folder / "first").mkdir()
    return isolated


@pytest.mark.parametrize("line", FIRST_LINES.values(), ids=list(FIRST_LINES))
@pytest.mark.parametrize("place", ["run", "foreign", "block"])
def test_what_runs_a_script_stays_what_it_was(script, place, line):
    script.write("script", f"#!{line.format(here=script.folder)}\n", 0o755)
    path = {"PATH": f"{script.folder}/first:{script.folder}/bin:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    options = ["--no-subprocess", "--allow-run", "./script"]
    script.write("target.py", REPLACE)
    if place == "block":
        block = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_subprocess=True, allow_run=['./script']):\n"
        done = script.passes(block + "    exec(open('target.py').read())", env=path)
    elif place == "foreign":
        done = script.foreign(options, "python", "./target.py", env=path)
    else:
        done = script.cli(*options, "--", "./target.py", env=path)
    first, copied, replaced, *_, last = done.data
    assert (first, copied, replaced) == ("listed", "refused", "refused"), done
    # Another one first on PATH: either it is not asked for, or not started.
    assert last == "listed" or last.startswith("starting anew"), done
    assert last != "listed" or "env" not in line


@pytest.mark.parametrize(
    "line", ["bin/interpreter", "./link", "interpreter", "/usr/bin/env bin/interpreter", "/no/where"]
)
def test_a_script_whose_interpreter_is_nowhere_or_anywhere_is_refused_at_the_start(script, line):
    script.write("script", f"#!{line}\n", 0o755)
    done = script.cli("--no-subprocess", "--allow-run", "./script", "--", "python", "-c", "")
    assert (done.code, len(done.errors)) == (1, 1), done
    assert f"its first line names {line.split()[-1]}" in done.stderr


def test_programs_are_listed_where_the_program_may_not_look_into_them(script):
    script.write("root/keep", "")
    script.write("script", f"#!{script.folder}/bin/interpreter\n", 0o755)
    code = """
        import subprocess
        from hermetic import hermetic_blocker
        with hermetic_blocker(block_subprocess=True, allow_run=["true", "./script"]):
            print(subprocess.run(["true"]).returncode)
            try:
                subprocess.run(["./script"])
            except RuntimeError as refused:
                print(refused.remedy[:14])
    """
    done = script.script("--fs-readonly=root --kernel=off --trace", code)
    assert done.stdout == "0\nstarting anew:\n", done
    assert "read outside" not in done.stderr  # what is not looked into is no blocked act
