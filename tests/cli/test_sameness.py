"""Until it is blocked, a program cannot tell the difference from a plain run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from sameness import ENDS, FORMS, REPORT, prepare

OPTIONS = ["--no-network", "--no-subprocess"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [OPTIONS, ["--trace"]], ids=["guarded", "unguarded"])
def test_program_sees_what_it_sees_in_a_plain_run(isolated, form, options):
    if form == "no first entry" and sys.version_info < (3, 11):
        pytest.skip("-P came with 3.11")
    prepare(isolated)
    stdin = REPORT if form == "stdin form" else "input"
    plain = isolated.python(*FORMS[form], stdin=stdin)
    assert plain.code == 0, plain.stderr
    guarded = isolated.cli(*options, "--", sys.executable, *FORMS[form], stdin=stdin)
    assert guarded.code == 0, guarded.stderr
    assert guarded.stderr == plain.stderr
    assert guarded.data == plain.data


@pytest.mark.parametrize(
    "body",
    ENDS,
    ids=lambda body: body.replace("\n", "; ")[:50],
)
def test_status_and_output_are_those_of_a_plain_run(isolated, body):
    isolated.write("t.py", body)
    plain = isolated.python("./t.py")
    guarded = isolated.cli("--no-network", "--", sys.executable, "./t.py")
    assert guarded == plain


def test_traceback_shows_none_of_our_frames_in_the_documented_modes(isolated):
    isolated.write("mod.py", "def main():\n    raise ValueError('x')\n")
    for target in (["mod:main"], ["./t.py"], ["mod2"]):
        isolated.write("t.py", "import mod; mod.main()")
        isolated.write("mod2.py", "import mod; mod.main()")
        done = isolated.cli("--no-network", "--", *target)
        assert done.code == 1
        assert "hermetic" not in done.stderr, done.stderr
        assert done.stderr.endswith("ValueError: x\n")


@pytest.mark.parametrize(
    ("result", "code", "text"),
    [
        ("None", 0, ""),
        ("0", 0, ""),
        ("3", 3, ""),
        ("'failed'", 1, "failed\n"),
        ("True", 1, ""),
        ("[]", 1, "[]\n"),
        ("False", 0, ""),
        ("''", 1, "\n"),
    ],
)
def test_return_value_of_a_callable_means_what_sys_exit_makes_of_it(isolated, result, code, text):
    isolated.write("mod.py", f"def main():\n    return {result}\n")
    assert isolated.cli("--no-network", "--", "mod:main") == (code, "", text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_signals_end_the_program_as_they_would(isolated, number):
    isolated.write("t.py", "import time\nprint('ready', flush=True)\ntime.sleep(30)\n")
    ends = []
    for command in (["./t.py"], ["-m", "hermetic", "--no-network", "--", sys.executable, "./t.py"]):
        process = isolated.start(*command)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        ends.append((process.returncode, errors))
    assert ends[0] == ends[1]


def test_programs_own_signal_handler_runs(isolated):
    isolated.write(
        "t.py",
        """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *a: sys.exit(42))
        print('ready', flush=True)
        time.sleep(30)
        """,
    )
    process = isolated.start("-m", "hermetic", "--no-network", "--", "./t.py")
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 42


def test_pickles_of_main_find_their_classes(isolated):
    done = isolated.script(
        "--no-network",
        """
        import pickle, sys
        class Thing: pass
        assert pickle.loads(pickle.dumps(Thing())).__class__ is Thing
        assert sys.modules["__main__"].Thing is Thing and Thing.__module__ == "__main__"
        print("ok")
        """,
    )
    assert done == (0, "ok\n", "")


def test_multiprocessing_finds_the_programs_functions(isolated):
    done = isolated.script(
        "--no-network",
        """
        import multiprocessing
        def double(x): return 2 * x
        if __name__ == "__main__":
            for method in multiprocessing.get_all_start_methods():
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(method, pool.map(double, [1, 2]))
        """,
    )
    assert done.code == 0, done.stderr
    assert done.stdout.count("[2, 4]") == 3


def test_binary_stdin_and_stdout_pass_untouched(isolated):
    isolated.write("t.py", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])")
    data = bytes(range(256))
    done = subprocess.run(
        [sys.executable, "-m", "hermetic", "--no-network", "--", "./t.py"],
        input=data,
        capture_output=True,
        env=isolated.environment(),
        cwd=isolated.folder,
    )
    assert (done.returncode, done.stdout) == (0, data[::-1])


def test_closed_standard_streams_do_no_harm(isolated):
    isolated.write(
        "t.py", "import os; os.write(1, b'ran') if 1 in [int(n) for n in os.listdir('/proc/self/fd')] else None"
    )
    done = isolated.run(["sh", "-c", f"{sys.executable} -m hermetic --no-network -- ./t.py <&- 2>&-"])
    assert done.code == 0


def test_folder_of_the_run_is_the_callers(isolated):
    isolated.write("deep/t.py", "import os; print(os.getcwd())")
    assert isolated.cli("--no-network", "--", "deep/t.py").stdout == f"{isolated.folder}\n"
    assert os.sep in str(isolated.folder)


def test_what_finalizers_raise_at_the_very_end_is_told_as_ever(isolated):
    """The interpreter tells it when it has emptied every module, hermetic's own included."""
    done = isolated.script(
        "--fs-readonly",
        """
        import sys
        class Late:
            def __del__(self):
                raise ValueError("late")
        for module in list(sys.modules.values()):
            module.kept_until_the_end = Late()
        """,
    )
    assert done.code == 0, done
    assert "ValueError: late" in done.stderr
    assert "hook" not in done.stderr
