"""--allow-run: what an entry means, what is refused at the start, and how lists meet."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities.processes import starting
from _hermetic.capabilities.processes.denied import make_rules
from _hermetic.capabilities.processes.permitted import (
    GONE,
    file_to_start,
    interpreter_denial,
    looked_up,
    missing_denial,
    start_denial,
)
from _hermetic.programs import executables as programs
from _hermetic.programs.executables import located
from hermetic import BlockConfig
from hermetic.runners import PYTHON, REASONS, reason_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses programs of Unix")
NAMES = ["true", "false", "ls", "cat", "sh", "env", "sleep"]
PROGRAMS = st.lists(st.sampled_from([*NAMES, *[f"/bin/{name}" for name in NAMES]]), max_size=6)
FOLDERS = ["/bin/", "/usr/bin/", "/tmp/"]


def refuses(rules, path, first):
    return start_denial(rules, (looked_up(path), first, path), "subprocess disabled: x") is not None


@given(PROGRAMS, PROGRAMS, st.sampled_from(NAMES), st.sampled_from(FOLDERS), st.sampled_from(NAMES))
def test_more_entries_never_refuse_more(some, more, name, folder, first):
    if not refuses(make_rules(some), folder + name, first):
        assert not refuses(make_rules([*some, *more]), folder + name, first)
    if missing_denial(make_rules(some), name, name, "") is None:
        assert missing_denial(make_rules([*some, *more]), name, name, "") is None


@given(PROGRAMS, st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(entries, random):
    mixed = list(entries)
    random.shuffle(mixed)
    assert make_rules(entries) == make_rules(mixed) == make_rules([*entries, *mixed])


@given(PROGRAMS, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_only_what_is_named_starts_and_only_under_its_name(entries, name, first):
    allowed = not refuses(make_rules(entries), f"/bin/{name}", first)
    assert allowed == (name == first and (name in entries or f"/bin/{name}" in entries))


@given(PROGRAMS, PROGRAMS, st.sampled_from(NAMES))
def test_two_configurations_allow_together_what_both_allow(one, two, name):
    both = BlockConfig(block_subprocess=True, allow_run=one) | BlockConfig(block_subprocess=True, allow_run=two)
    refused = [refuses(make_rules(entries), f"/bin/{name}", name) for entries in (one, two, both.allow_run)]
    assert refused[2] == (refused[0] or refused[1])


def test_an_empty_list_allows_nothing():
    assert make_rules([]) == (frozenset(), frozenset())
    assert refuses(make_rules([]), "/bin/true", "true")


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(os.path.realpath(name))


def script(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["busybox", "toybox", "coreutils", "busybox.static", "toybox-x86_64"])
def test_a_multi_call_program_is_refused_unless_it_is_named_itself(folder, name):
    real = script(folder / name)
    (folder / "ls").symlink_to(real)
    with pytest.raises(ValueError, match=f"name {name} itself"):
        make_rules([str(folder / "ls")])
    rules = make_rules([str(real)])
    assert not refuses(rules, str(folder / "ls"), "ls")
    assert not refuses(rules, str(real), name)


def test_a_program_that_nobody_knows_to_be_many_is_held_to_its_name(folder):
    unknown = script(folder / "many")
    (folder / "cat").symlink_to(unknown)
    (folder / "sh").symlink_to(unknown)
    rules = make_rules([str(folder / "cat")])
    assert not refuses(rules, str(folder / "cat"), "cat")
    assert not refuses(rules, str(folder / "cat"), str(folder / "cat"))
    assert refuses(rules, str(folder / "cat"), "sh")
    assert refuses(rules, str(folder / "cat"), str(folder / "sh"))
    assert refuses(rules, str(folder / "cat"), "")
    assert refuses(rules, str(folder / "sh"), "sh")
    assert refuses(rules, str(folder / "sh"), "cat")
    assert refuses(rules, str(unknown), "many")


def test_windows_names_have_no_case_and_batch_files_are_no_programs(folder, monkeypatch):
    monkeypatch.setattr(starting, "IS_WINDOWS", True)
    assert starting.own_name("Git.EXE") == starting.own_name("git") == "git"
    monkeypatch.setattr(programs, "IS_WINDOWS", True)
    for ending in (".bat", ".BaT", ".cmd", ".CMD"):
        with pytest.raises(ValueError, match="batch file"):
            located(str(script(folder / f"tool{ending}")))
    assert located(str(script(folder / "tool.exe"))) == str(folder / "tool.exe")


def test_the_versioned_name_behind_a_link_is_the_programs_own(folder):
    real = script(folder / "lib" / "tool-1.2")
    (folder / "bin").mkdir()
    (folder / "bin" / "tool").symlink_to(real)
    rules = make_rules([str(folder / "bin" / "tool")])
    assert not refuses(rules, str(folder / "bin" / "tool"), "tool")
    assert not refuses(rules, str(real), "tool-1.2")


def test_an_interpreter_is_started_by_its_link_and_all_else_by_what_it_is(folder):
    for name, real in (("tool", "tool-1.2"), ("python3", "python3.12"), ("snake", "python3.12"), ("python", "other")):
        (folder / name).symlink_to(script(folder / real))
        started = file_to_start(looked_up(str(folder / name)))
        assert started == str(folder / (real if name == "tool" else name))
        (folder / name).unlink()


def test_what_is_missing_is_missing_where_it_is_listed(folder):
    rules = make_rules(["true", str(script(folder / "tool"))])
    assert missing_denial(rules, "true", "true", "") is missing_denial(rules, "/none/tool", "/none/tool", "") is None
    assert missing_denial(rules, "false", "false", "x")[0] == missing_denial(rules, "/none/t", "t", "x")[0] == "x"


def test_a_script_is_refused_once_its_interpreter_is_another(folder):
    real, interpreter = script(folder / "tool"), script(folder / "runs")
    rules = make_rules([str(real)], [str(interpreter)])

    def refused(*used):
        return interpreter_denial(rules, used, looked_up(str(real)), "tool", "x") is not None

    known = looked_up(str(interpreter))[2]
    assert not refused(known)
    assert not refused()
    assert refused(GONE)
    assert refused(known, GONE)
    assert refused(looked_up(str(script(folder / "more")))[2])
    interpreter.write_text("#!/bin/sh\n# changed\n")
    assert refused(looked_up(str(interpreter))[2])


def test_a_program_is_where_the_links_of_its_folder_lead(folder, monkeypatch):
    real = script(folder / "real" / "tool")
    (folder / "link").symlink_to(folder / "real")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{folder}/none:{folder}/link")
    for entry in ("tool", "link/tool", "./real/../link//tool", f"{folder}/link/tool", "~/link/tool"):
        assert located(entry) == str(real)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("no-such-program", "none of this name is on PATH"),
        ("./missing", "no such file"),
        ("./folder", "is a folder"),
        ("./plain", "cannot be executed"),
        ("./dangling", "no such file"),
    ],
)
def test_what_is_no_program_is_refused_at_the_start(isolated, entry, reason):
    isolated.write("plain", "#!/bin/sh\n", 0o644)
    (isolated.folder / "folder").mkdir()
    (isolated.folder / "dangling").symlink_to("nowhere")
    done = isolated.cli("--no-subprocess", "--allow-run", entry, "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1)
    assert repr(entry) in done.stderr
    assert reason in done.stderr
    code = f"""
        from hermetic import hermetic_blocker
        try:
            hermetic_blocker(block_subprocess=True, allow_run=[{entry!r}])
        except ValueError as error:
            assert {reason!r} in str(error), error
        else:
            raise SystemExit("accepted")
    """
    isolated.passes(code)


def test_an_allowance_alone_is_refused(isolated):
    done = isolated.cli("--allow-run", "true", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        ["hermetic: error: --allow-run needs --no-subprocess or must be left out (see hermetic --help)"],
    )


def test_a_program_that_starts_others_is_warned_of_once(isolated):
    given = ["--no-subprocess", "--allow-run", "sh", "--allow-run", "/bin/sh", "--allow-run", "true"]
    done = isolated.cli(*given, "--", "python", "-c", "print('ran')")
    assert (done.code, done.stdout) == (0, "ran\n")
    assert done.errors == ["hermetic: warning: --allow-run sh: a shell starts whatever its command line says"]
    done = isolated.foreign(given, "python", "-c", "print('ran')")
    assert len(done.errors) == 1
    code = """
        from hermetic import hermetic_blocker
        for _ in range(2):
            with hermetic_blocker(block_subprocess=True, allow_run=["sh"]):
                pass
    """
    assert len(isolated.passes(code).errors) == 1


def test_every_known_starter_has_one_reason():
    names = [name for names in REASONS.values() for name in names]
    assert len(names) == len(set(names))
    assert {reason_for(f"/usr/bin/{name}") for name in names} == set(REASONS)
    assert reason_for("/usr/bin/python3.12") == PYTHON
    assert reason_for("/usr/bin/true") is None


def test_the_deciding_entry_is_looked_up_and_not_searched(folder):
    # The rules are two sets of texts, whatever the number of programs.
    entries = [str(script(folder / f"tool{number}")) for number in range(50)]
    rules = make_rules(entries)
    assert [type(part) for part in rules] == [frozenset, frozenset]
    assert all(type(text) is str for part in rules for text in part)
    assert not refuses(rules, entries[-1], "tool49")


def test_inner_block_cannot_give_a_program_back(isolated):
    isolated.passes(
        """
        import subprocess
        from hermetic import PolicyViolation, hermetic_blocker

        def starts(name):
            try:
                return subprocess.run([name]).returncode in (0, 1)
            except PolicyViolation:
                return False

        def started():
            return [name for name in ("true", "false", "sleep") if starts(name)]

        def listed(*names):
            return hermetic_blocker(block_subprocess=True, allow_run=names)

        with listed("true", "false"):
            with listed("false", "sleep"):
                assert started() == ["false"], started()
            with hermetic_blocker(block_network=True):
                assert started() == ["true", "false"], started()
            with hermetic_blocker(block_subprocess=True):
                assert started() == [], started()
            assert started() == ["true", "false"], started()
        with hermetic_blocker(block_network=True), listed("true"):
            assert started() == ["true"], started()
        with hermetic_blocker(block_subprocess=True), listed("true"):
            assert started() == [], started()
        assert len(started()) == 3
        """
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--no-network"], ["true"]),
        (["--no-subprocess", "--allow-run", "true", "--allow-run", "false"], ["true"]),
        (["--no-subprocess", "--allow-run", "false"], []),
        (["--no-subprocess"], []),
    ],
)
def test_a_block_narrows_the_list_of_the_run(isolated, options, expected):
    code = """
        import json, subprocess
        from hermetic import PolicyViolation, hermetic_blocker
        found = []
        with hermetic_blocker(block_subprocess=True, allow_run=["true"]):
            for name in ("true", "false"):
                try:
                    subprocess.run([name])
                    found.append(name)
                except PolicyViolation:
                    pass
        print(json.dumps(found))
    """
    assert isolated.script(options, code).data == expected


def test_a_sealed_list_starts_python_and_refuses_what_nothing_holds(isolated):
    code = """
        import json, subprocess, sys
        found = [subprocess.run([sys.executable, "-c", "pass"]).returncode]
        for name in ("true", "false"):
            try:
                subprocess.run([name])
            except RuntimeError as blocked:
                found.append([blocked.reason, blocked.remedy.partition(":")[0]])
        print(json.dumps(found))
    """
    given = ["--no-subprocess", "--allow-run", sys.executable, "--allow-run", "true", "--seal"]
    done = isolated.script(given, code)
    assert done.data == [0, ["seal", "running without --seal"], ["no-subprocess", "--allow-run false"]]


def test_a_run_that_only_reports_starts_everything_and_says_what_is_not_listed(isolated):
    code = "import subprocess\nprint([subprocess.run([name]).returncode for name in ('true', 'false')])"
    done = isolated.script(["--no-subprocess", "--allow-run", "true", "--report-only"], code)
    assert (done.code, done.stdout) == (0, "[0, 1]\n")
    lines = [line for line in done.errors if line.startswith("[hermetic]")]
    assert lines == ["[hermetic] would block subprocess.Popen name=false reason=no-subprocess"]


def test_the_trace_names_the_program_and_no_argument(isolated):
    code = """
        import subprocess
        for words in (["false", "secret"], ["false secret"], ["none secret"]):
            try:
                subprocess.run(words)
            except RuntimeError:
                pass
    """
    done = isolated.script(["--no-subprocess", "--allow-run", "true", "--trace"], code)
    assert [line.split(" name=")[1].split(" ")[0] for line in done.errors] == ["false", "false", "none"]
    assert "secret" not in done.stderr


def test_what_denies_everything_names_the_entry_that_would_allow(isolated):
    code = """
        import json, os, subprocess
        found = []
        for act in (lambda: subprocess.run(["true"]), lambda: os.system("true"), os.fork):
            try:
                act()
            except RuntimeError as blocked:
                found.append(blocked.remedy)
        print(json.dumps(found))
    """
    found = isolated.script(["--no-subprocess"], code).data
    assert found == ["--allow-run true", "--allow-run sh", "running without --no-subprocess"]
    assert shutil.which("sh")


def test_a_variable_of_the_start_finds_programs_though_the_environment_is_scrubbed(isolated):
    tool = isolated.write("bin/tool", "#!/bin/sh\nexit 5\n", 0o755)
    code = f"import subprocess\nprint(subprocess.run([{str(tool)!r}]).returncode)"
    given = ["--no-subprocess", "--no-environment", "--allow-run", "~/bin/tool"]
    assert isolated.script(given, code).stdout == "5\n"


@pytest.mark.parametrize("options", ["--no-environment", "--no-environment=unset"])
def test_a_name_is_found_along_a_path_that_the_program_may_not_read(isolated, options):
    code = """
        import subprocess
        from hermetic import BlockConfig, hermetic_blocker
        config = BlockConfig(block_subprocess=True, allow_run=["true"])
        with hermetic_blocker(config | BlockConfig(block_subprocess=True, allow_run=["/bin/true", "true"])):
            print(subprocess.run(["true"]).returncode)
    """
    done = isolated.script(options, code)
    assert (done.code, done.stdout) == (0, "0\n"), done
