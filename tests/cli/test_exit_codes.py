"""Status 2 means that a guard blocked an act and the program failed of it; anything else is the program's own."""

from __future__ import annotations

import textwrap

import pytest

ACT = "import os; os.system('true')"
NET = "import socket; socket.create_connection(('h.invalid', 80))"

CASES = {
    # name: (options, code, status, whether a blocked action is explained)
    "nothing handled it": ("--no-subprocess", ACT, 2, True),
    "swallowed, and the program succeeds": ("--no-subprocess", f"try:\n    {ACT}\nexcept Exception: pass", 0, False),
    "swallowed, and the program succeeds with sys.exit(0)": (
        "--no-subprocess",
        f"import sys\ntry:\n    {ACT}\nexcept Exception: sys.exit(0)",
        0,
        False,
    ),
    "swallowed, and the program fails later": (
        "--no-subprocess",
        f"import sys\ntry:\n    {ACT}\nexcept Exception: sys.exit(7)",
        2,
        True,
    ),
    "swallowed, and the program fails of something else": (
        "--no-subprocess",
        f"try:\n    {ACT}\nexcept Exception: pass\nraise ValueError('later')",
        2,
        True,
    ),
    "raised from it": (
        "--no-subprocess",
        f"try:\n    {ACT}\nexcept Exception as e:\n    raise ValueError('x') from e",
        2,
        True,
    ),
    "raised while handling it": (
        "--no-subprocess",
        f"try:\n    {ACT}\nexcept Exception:\n    raise ValueError('x')",
        2,
        True,
    ),
    "exit with a message": (
        "--no-subprocess",
        f"import sys\ntry:\n    {ACT}\nexcept Exception: sys.exit('gave up')",
        2,
        True,
    ),
    "sys.exit(2) without any violation": ("--no-subprocess", "import sys; sys.exit(2)", 2, False),
    "fails without any violation": ("--no-subprocess", "raise ValueError", 1, False),
    "os._exit after a swallowed one": (
        "--no-subprocess",
        f"import os\ntry:\n    {ACT}\nexcept Exception: pass\nos._exit(3)",
        2,
        True,
    ),
    "os._exit(0) after a swallowed one": (
        "--no-subprocess",
        f"import os\ntry:\n    {ACT}\nexcept Exception: pass\nos._exit(0)",
        0,
        False,
    ),
    "os._exit without any violation": ("--no-subprocess", "import os; os._exit(3)", 3, False),
    "posix._exit after a swallowed one": (
        "--no-subprocess",
        f"import posix\ntry:\n    {ACT}\nexcept Exception: pass\nposix._exit(3)",
        2,
        True,
    ),
    "death by signal keeps its status": (
        "--no-subprocess",
        f"import os, signal\ntry:\n    {ACT}\nexcept Exception: pass\nos.kill(os.getpid(), 9)",
        -9,
        False,
    ),
    "exec keeps its own": (
        "--no-network",
        f"import os, sys\ntry:\n    {NET}\nexcept Exception: pass\nos.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(6)'])",
        6,
        False,
    ),
    "thread that nothing handled": (
        "--no-subprocess",
        "import os, threading\nt = threading.Thread(target=os.system, args=('true',))\nt.start(); t.join()",
        2,
        True,
    ),
    "thread of the low-level kind": (
        "--no-subprocess",
        "import os, _thread, time\n_thread.start_new_thread(os.system, ('true',))\ntime.sleep(.3)",
        2,
        True,
    ),
    "thread that handled it": (
        "--no-subprocess",
        f"import threading\ndef run():\n    try:\n        {ACT}\n    except Exception: pass\nt = threading.Thread(target=run)\nt.start(); t.join()",
        0,
        False,
    ),
    "thread that ends after the main one": (
        "--no-subprocess",
        "import os, threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), os.system('true'))).start()",
        2,
        True,
    ),
    "programs own thread hook": (
        "--no-subprocess",
        "import os, threading\nthreading.excepthook = lambda a: None\nt = threading.Thread(target=os.system, args=('true',))\nt.start(); t.join()",
        0,
        False,
    ),
    "programs own excepthook": ("--no-subprocess", f"import sys\nsys.excepthook = lambda *a: None\n{ACT}", 2, True),
    "future that carries it to the main thread": (
        "--no-subprocess",
        "import os\nfrom concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p: p.submit(os.system, 'true').result()",
        2,
        True,
    ),
    "exception group": (
        "--no-subprocess",
        f"import sys\ntry:\n    {ACT}\nexcept Exception as e:\n    raise (ExceptionGroup('g', [e]) if sys.version_info > (3, 11) else e)",
        2,
        True,
    ),
    "caught write, then failure of something else": (
        "--fs-readonly",
        "try:\n    open('new', 'w')\nexcept OSError: pass\nraise ValueError",
        1,
        False,
    ),
    "caught write, then success": ("--fs-readonly", "try:\n    open('new', 'w')\nexcept OSError: pass", 0, False),
    "caught write, raised from it": (
        "--fs-readonly",
        "try:\n    open('new', 'w')\nexcept OSError as e: raise ValueError from e",
        2,
        True,
    ),
    "caught write, exit in the handler": (
        "--fs-readonly",
        "import sys\ntry:\n    open('new', 'w')\nexcept OSError: sys.exit(4)",
        2,
        True,
    ),
    "caught write, exit outside the handler": (
        "--fs-readonly",
        "import sys\ntry:\n    open('new', 'w')\nexcept OSError: pass\nsys.exit(4)",
        4,
        False,
    ),
    "write that nothing handled": ("--fs-readonly", "open('new', 'w')", 2, True),
    "caught import, then failure of something else": (
        "--deny-import colorsys",
        "try:\n    import colorsys\nexcept ImportError: pass\nraise ValueError",
        1,
        False,
    ),
    "import that nothing handled": ("--deny-import colorsys", "import colorsys", 2, True),
    "strict, swallowed": ("--no-subprocess --strict", f"try:\n    {ACT}\nexcept Exception: pass", 2, True),
    "strict, swallowed write": ("--fs-readonly --strict", "try:\n    open('new', 'w')\nexcept OSError: pass", 2, True),
    "strict, nothing blocked": ("--no-subprocess --strict", "print()", 0, False),
    "strict, own status": ("--no-subprocess --strict", "raise SystemExit(5)", 5, False),
    "strict, os._exit(0)": (
        "--no-subprocess --strict",
        f"import os\ntry:\n    {ACT}\nexcept Exception: pass\nos._exit(0)",
        2,
        True,
    ),
    "report only": ("--no-subprocess --report-only", f"{ACT}", 0, False),
    "report only, own failure": ("--no-subprocess --report-only", f"{ACT}\nraise SystemExit(4)", 4, False),
    "report only, os._exit": ("--no-subprocess --report-only", f"{ACT}\nos._exit(4)", 4, False),
    "report only and strict": ("--no-subprocess --report-only --strict", f"{ACT}", 0, False),
    "violation in an atexit handler": (
        "--no-subprocess",
        "import atexit, os\natexit.register(os.system, 'true')",
        0,
        False,
    ),
    "violation in __del__": (
        "--no-subprocess",
        "import os\nclass D:\n    def __del__(self): os.system('true')\nD()",
        0,
        False,
    ),
    "violation raised by the program itself": (
        "--no-subprocess",
        "from _hermetic.errors import PolicyViolation\nraise PolicyViolation('mine', 'network')",
        1,
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_exit_status(isolated, name):
    options, code, status, explained = CASES[name]
    done = isolated.script(options, code)
    assert done.code == status, done
    assert ("hermetic: blocked action: " in done.stderr) == explained, done.stderr


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if "_exit" not in n and "exec" not in n and "signal" not in n]
)
def test_exit_status_is_the_same_in_another_process(isolated, name):
    options, code, status, explained = CASES[name]
    isolated.write("target.py", code)
    done = isolated.cli(*options.split(), "--", "python", "-B", "target.py")
    assert done.code == status, done
    assert ("hermetic: blocked action: " in done.stderr) == explained, done.stderr


def test_stderr_ends_with_message_rule_place_and_remedy(isolated):
    done = isolated.script(
        "--no-network",
        """
        import socket

        def phone_home():
            socket.create_connection(("example.com", 443))

        phone_home()
        """,
    )
    assert done.errors[-4:] == [
        "hermetic: blocked action: network disabled: create_connection(example.com)",
        "  blocked by: --no-network",
        f"  where: {isolated.folder}/./target.py, line 4, in phone_home",
        "  to allow it: --allow-domain example.com",
    ]


def test_number_of_the_others_is_told(isolated):
    done = isolated.script(
        "--no-subprocess",
        """
        import os
        for name in "abc":
            try:
                os.system(name)
            except Exception:
                pass
        raise SystemExit(1)
        """,
    )
    assert "hermetic: blocked action: subprocess disabled: os.system (and 2 more)\n" in done.stderr


def test_culprit_is_the_one_that_ended_the_program(isolated):
    done = isolated.script(
        "--no-subprocess --no-network",
        """
        import os, socket
        try:
            os.system("true")
        except Exception:
            pass
        socket.create_connection(("h.invalid", 80))
        """,
    )
    assert "hermetic: blocked action: network disabled: create_connection(h.invalid) (and 1 more)" in done.stderr


def test_place_names_the_distribution(isolated):
    packages = next(p for p in __import__("sys").path if p.endswith("site-packages"))
    done = isolated.script(
        "--no-network",
        """
        import pluggy._tracing as library
        code = compile("import socket\\ndef go(): socket.create_connection(('h.invalid', 80))", library.__file__, "exec")
        names = {}
        exec(code, names)
        names["go"]()
        """,
        env={"PYTHONPATH": packages},
    )
    assert done.code == 2
    assert "_tracing.py, line 2, in go (distribution pluggy)\n" in done.stderr


def test_distribution_is_the_one_that_lists_the_file(tmp_path, monkeypatch):
    """Of two that share a package; without reading all lists, which takes most of a second in a large environment."""
    from _hermetic.running.status import owner_of

    folder = tmp_path / "site-packages"
    for name, line in (("first", "shared/one.py,sha256=x,1"), ("second", "shared/two.py,,")):
        (folder / f"{name}-1.dist-info").mkdir(parents=True)
        (folder / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (folder / f"{name}-1.dist-info" / "RECORD").write_text(f"{line}\n")
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"shared": ["some"]})
    assert owner_of(str(folder / "shared" / "one.py")) == " (distribution first)"
    assert owner_of(str(folder / "shared" / "two.py")) == " (distribution second)"
    assert owner_of(str(folder / "shared" / "three.py")) == " (distribution some)"
    assert owner_of(str(folder / "alone.py")) == " (distribution alone)"


@pytest.mark.parametrize("options", ["--no-network", "--no-network --no-environment"])
def test_place_is_never_what_started_the_run(isolated, options):
    """A module of the standard library as the target: no frame is anybody's, and that of a console script is not."""
    command = isolated.write("command", "from hermetic.__main__ import program\nraise SystemExit(program())\n")
    done = isolated.python(str(command), *options.split(), "--", "http.server", "0")
    assert done.code == 2
    (place,) = [line for line in done.errors if line.startswith("  where: ")]
    assert place.endswith("in server_bind (standard library)")


@pytest.mark.parametrize(("options", "status"), [("--no-network", 3), ("--no-network --strict", 2)])
def test_a_hook_that_was_not_added_ends_nothing(isolated, options, status):
    """The interpreter drops what refuses an audit hook: who adds one, as filelock does, fails of something else."""
    done = isolated.script(options, "import sys\nsys.addaudithook(lambda *args: None)\nsys.exit(3)")
    assert done.code == status
    assert ("blocked action" in done.stderr) is (status == 2)


def test_a_hook_that_was_not_added_is_not_what_a_strict_run_is_told_of_first(isolated):
    """gradio has filelock before it calls home; nothing allows the hook, and an option the call."""
    done = isolated.script(
        "--no-subprocess --strict", f"import sys\nsys.addaudithook(print)\ntry: {ACT}\nexcept Exception: pass"
    )
    assert done.code == 2
    (line,) = [line for line in done.errors if "blocked action" in line]
    assert line == "hermetic: blocked action: subprocess disabled: os.system (and 1 more)", done.stderr


def test_message_of_sys_exit_is_still_printed(isolated):
    done = isolated.script("--no-subprocess", f"import sys\ntry:\n    {ACT}\nexcept Exception: sys.exit('gave up')")
    assert done.errors[0] == "gave up"
    assert done.errors[1].startswith("hermetic: blocked action: ")


def test_traceback_of_a_violation_shows_only_the_programs_frames(isolated):
    done = isolated.script("--no-network", NET)
    assert "_hermetic/" not in done.stderr
    assert "PolicyViolation: network disabled: create_connection(h.invalid)" in done.stderr


def test_atexit_handlers_run_after_a_violation(isolated):
    done = isolated.script("--no-subprocess", f"import atexit\natexit.register(print, 'bye')\n{ACT}")
    assert (done.code, done.stdout) == (2, "bye\n")


def test_finally_and_with_run_after_a_violation(isolated):
    done = isolated.script("--no-subprocess", f"try:\n    {ACT}\nfinally:\n    print('cleaned')")
    assert (done.code, done.stdout) == (2, "cleaned\n")


def test_counting_starts_anew_after_a_fork(isolated):
    done = isolated.script(
        "--no-network",
        f"""
import os
try:
    {NET}
except Exception:
    pass
pid = os.fork()
if not pid:
    raise SystemExit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    )
    assert (done.code, done.stdout) == (0, "3\n"), done.stderr


def test_violation_in_a_forked_child_is_the_childs(isolated):
    done = isolated.script(
        "--no-network",
        f"""
import os, sys
pid = os.fork()
if not pid:
    {NET}
sys.stdout.flush()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    )
    assert (done.code, done.stdout.splitlines()[-1]) == (0, "2"), done.stderr


def test_deep_exception_chain_does_not_break_the_end(isolated):
    done = isolated.script(
        "--no-subprocess",
        textwrap.dedent(f"""
        error = None
        for n in range(3000):
            try:
                try:
                    raise ValueError(n)
                finally:
                    pass
            except ValueError as new:
                new.__context__ = error
                error = new
        def f():
            try:
                {ACT}
            except Exception as inner:
                inner.__cause__ = inner.__context__ = error
                error.__cause__ = inner
                raise
        import sys
        sys.excepthook = lambda *a: None
        f()
        """),
    )
    assert done.code == 2, done.stderr[-500:]


TRIES = "import os\nfor name in 'abcdefg':\n    try:\n        open(name, 'w')\n    except OSError:\n        pass\n"


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "os._exit(3)", "raise KeyError"])
def test_failure_after_refusals_that_were_handled_names_them(isolated, end):
    """The status is the program's own, as it copes; that it failed may have to do with it, and it may say nothing."""
    done = isolated.script("--fs-readonly", TRIES + end)
    assert done.code == (1 if "Key" in end else 3)
    told = [line for line in done.errors if line.startswith(("hermetic: ", "  "))][-12:]
    assert told == [
        "hermetic: 7 acts were blocked, and the program handled them; the status is its own (2 with --strict, each of "
        "them with --trace)",
        *[
            line
            for name in "abcde"
            for line in (
                f"  filesystem readonly: {isolated.folder / name}  [--fs-readonly]",
                f"    to allow it: --allow-write {isolated.folder / name}",
            )
        ],
        "  and 2 more",
    ], done.stderr


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "os._exit(0)"])
def test_success_after_refusals_that_were_handled_says_nothing(isolated, end):
    done = isolated.script("--fs-readonly", TRIES + end)
    assert (done.code, done.stderr) == (0, "")


def test_os_exit_under_report_only_sums_up(isolated):
    done = isolated.script("--fs-readonly --report-only", TRIES + "os._exit(3)")
    assert done.code == 3
    assert "hermetic: 7 acts would be blocked" in done.errors, done.stderr


def test_what_every_policy_protects_is_told_without_an_option(isolated):
    done = isolated.script("--no-network --strict", "import sys; sys.addaudithook(print)")
    told = "  interpreter mutation disabled: sys.addaudithook  [any policy protects the guards themselves]"
    assert (done.code, done.errors[-1]) == (2, told)


@pytest.mark.parametrize("mode", ["--strict", "--report-only"])
def test_what_no_program_notices_is_the_last_of_a_summary(isolated, mode):
    hooks = "import sys\nsys.addaudithook(print)\n"
    done = isolated.script(f"--fs-readonly {mode}", hooks + TRIES.replace("abcdefg", "ab"))
    acts = [line.split(":")[0].strip() for line in done.errors if line.startswith("  ") and "[" in line]
    assert acts == ["filesystem readonly", "filesystem readonly", "interpreter mutation disabled"], done.stderr


@pytest.mark.parametrize("times", [1, 3])
def test_of_what_no_program_notices_nothing_is_said_when_it_fails(isolated, times):
    """filelock adds an audit hook, and a test that tox runs fails: neither has to do with the other."""
    code = f"import sys\nfor _ in range({times}): sys.addaudithook(print)\nsys.exit(3)"
    done = isolated.script("--no-network", code)
    assert (done.code, done.stderr) == (3, "")


def test_what_no_program_notices_is_not_among_what_it_handled(isolated):
    """filelock adds an audit hook on the way to the write that tox and poetry fail of."""
    hooks = "import sys\nfor _ in range(2): sys.addaudithook(print)\n"
    done = isolated.script("--fs-readonly", hooks + TRIES.replace("abcdefg", "ab") + "sys.exit(3)")
    assert done.code == 3
    assert done.errors[0].startswith("hermetic: 2 acts were blocked, and the program handled them"), done.stderr
    assert len(done.errors) == 5
    assert "addaudithook" not in done.stderr


def test_what_was_handled_when_the_last_came_is_told_with_it(isolated):
    """sphinx writes a file for its traceback: to allow that alone is one step that leads nowhere."""
    code = """
    import os, tempfile
    try:
        os.mkdir("made")
    except OSError:
        tempfile.NamedTemporaryFile()
    """
    done = isolated.script("--fs-readonly", code)
    assert (done.code, done.errors[-2:]) == (
        2,
        [
            f"  while this was handled: filesystem mutation disabled: os.mkdir({isolated.folder}/made)  [--fs-readonly]",
            f"    to allow it: --allow-write {isolated.folder}/made",
        ],
    ), done.stderr
    assert "to allow it: --private-tmp" in done.errors[-3]
    once = isolated.script(
        "--no-subprocess", f"try:\n    {ACT}\nexcept Exception as e:\n    raise ValueError('x') from e"
    )
    assert "while this was handled" not in once.stderr


HOOKS = {
    # name: (what the program's own hook does, status, what comes before the explanation)
    "fails of what is blocked, too": (ACT, 2, "Original exception was:\nTraceback (most recent call last):"),
    "fails of something else": ("1 / 0", 2, "ZeroDivisionError: division by zero\n\nOriginal exception was:\n"),
    "leaves": ("sys.exit(3)", 2, ""),
    "leaves with success": ("sys.exit()", 0, None),
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_of_programs_that_fail_change_nothing(isolated, name):
    act, status, shown = HOOKS[name]
    done = isolated.script("--no-subprocess", f"import os, sys\ndef hook(*a): {act}\nsys.excepthook = hook\n{ACT}")
    assert (done.code, "_hermetic" in done.stderr) == (status, False), done.stderr
    if shown is None:
        assert done.stderr == ""
    else:
        assert shown in done.stderr and "hermetic: blocked action: subprocess disabled: os.system" in done.stderr
        assert "Error in sys.excepthook:" in done.stderr or not shown


def test_a_hook_that_fails_ends_a_plain_failure_as_ever(isolated):
    code = "import sys\ndef hook(*a): 1 / 0\nsys.excepthook = hook\nraise ValueError('mine')"
    done = isolated.script("--no-subprocess", code)
    assert done.code == 1
    assert done.stderr.startswith("Error in sys.excepthook:\nTraceback")
    assert done.stderr.endswith("ValueError: mine\n") and "_hermetic" not in done.stderr


def test_a_variable_that_may_not_be_read_may_be_unset_for_all(isolated):
    """Most programs ask for a dozen that are not set: to name one at a time is a long way."""
    done = isolated.script("--no-environment", "import os; os.environ.get('NOT_SET')")
    unset = "--no-environment=unset for a program that copes with unset variables"
    assert (done.code, done.errors[-1]) == (2, f"  to allow it: --allow-env NOT_SET, or {unset}")
    done = isolated.script("--no-environment", "import os; os.environ['NOT_SET'] = '1'")
    assert (done.code, done.errors[-1]) == (2, "  to allow it: --allow-env NOT_SET")


@pytest.mark.parametrize("end", ["raise made from error", "raise made from None", "raise made"])
def test_what_was_refused_is_told_where_the_program_words_it_anew(isolated, end):
    """As dask does, which raises the error's own class with advice in its text."""
    done = isolated.script(
        "--deny-import colorsys",
        f"""
        try:
            import colorsys
        except ImportError as error:
            made = type(error)(str(error) + "\\n\\nPlease install it:\\n  pip install colorsys")
            {end}
        """,
    )
    assert done.code == 2, done
    assert done.errors[-4] == "hermetic: blocked action: import blocked: colorsys"
    assert done.errors[-3] == "  blocked by: --deny-import"
    assert done.errors[-1] == "  to allow it: running without --deny-import colorsys"


def test_a_violation_of_the_programs_own_making_ends_as_it_did(isolated):
    done = isolated.script("--no-network", "from hermetic import PolicyViolation\nraise PolicyViolation('mine')")
    assert done.code == 1, done
    assert "blocked" not in done.stderr


@pytest.mark.parametrize("end", ["raise", "sys.exit('no name')"])
def test_a_program_that_fails_of_an_unset_variable_is_told_why(isolated, end):
    """`python -m build` hands its backend what it needs by variables, and tells no more than the backend's error."""
    code = f"import os, sys\ntry: os.environ['A_NAME']\nexcept KeyError: {end}"
    done = isolated.script("--no-environment=unset", code)
    told = [line for line in done.errors if line.startswith(("  ", "hermetic")) and "File" not in line]
    assert done.code == 1
    assert told[-4:] == [
        "hermetic: shown as unset, and the program failed of it: environment disabled: A_NAME",
        "  blocked by: --no-environment",
        f"  where: {isolated.folder}/./target.py, line 2, in <module>",
        "  to allow it: --allow-env A_NAME",
    ], done.stderr


@pytest.mark.parametrize("code", ["os.environ.get('A_NAME'); {}['other']", "os.environ.get('A_NAME'); sys.exit(3)"])
def test_of_an_unset_variable_nothing_is_told_where_another_error_ends_it(isolated, code):
    assert "hermetic" not in isolated.script("--no-environment=unset", f"import os, sys\n{code}").stderr
