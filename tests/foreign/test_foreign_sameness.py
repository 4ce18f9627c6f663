"""A program of another environment sees and does what it does in a plain run of its interpreter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from conftest import LAUNCHER, no_sitecustomize
from sameness import ENDS, FORMS, REPORT, prepare

OPTIONS = ["--no-network", "--deny-import=colorsys"]
SEES = REPORT.lstrip()


def both(isolated, words, options=OPTIONS, **how):
    """(a plain run, the same guarded)."""
    return isolated.run(words, bare=True, **how), isolated.foreign(options, *words, **how)


def same(isolated, words, **how):
    plain, guarded = both(isolated, words, **how)
    assert plain.code == 0, plain.stderr
    assert guarded.code == 0, guarded.stderr
    assert guarded.stderr == plain.stderr
    assert guarded.data == plain.data
    return guarded.data


@pytest.mark.parametrize("form", FORMS)
def test_program_sees_what_it_sees_in_a_plain_run(isolated, other, form):
    if form == "no first entry" and sys.version_info < (3, 11):
        pytest.skip("-P came with 3.11")
    prepare(isolated)
    seen = same(isolated, [other.python, *FORMS[form]], stdin=REPORT if form == "stdin form" else "input")
    assert seen["prefix"] == (str(other.folder) if form != "no site" else seen["prefix"])
    assert seen["executable"] == other.python


@pytest.mark.parametrize("name", ["python", "python3", "python{0}.{1}", "other/bin/python", "./other/bin/python3"])
def test_every_spelling_of_an_interpreter_is_that_one(isolated, other, name):
    prepare(isolated)
    path = {"PATH": f"{other.bin}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    seen = same(isolated, [name.format(*sys.version_info), "tool.py", "a"], env=path)
    assert seen["prefix"] == str(other.folder)


@pytest.mark.parametrize("first", ["one", "two"])
def test_environment_that_path_names_first_is_the_one(isolated, other, first):
    second = type(other)(isolated.folder / "two")
    prepare(isolated)
    for environment in (other, second):
        environment.install("tool_module.py", f"def main():\n    exec({REPORT!r}, globals())\n")
        environment.command("tool", "tool_module")
    folders = [other, second] if first == "one" else [second, other]
    path = {"PATH": os.pathsep.join([*(str(f.bin) for f in folders), "/usr/bin", "/bin"])}
    for words in (["tool", "a"], ["python", "tool.py"], ["python{}.{}".format(*sys.version_info), "tool.py"]):
        guarded = isolated.foreign(OPTIONS, *words, env=path)
        assert guarded.code == 0, guarded.stderr
        assert guarded.data["prefix"] == str(folders[0].folder)
        assert guarded.data == isolated.run(words, bare=True, env=path).data


SHEBANGS = [
    "{python}",
    "{python} -I",
    "{python} -E",
    "{python} -S",
    "{python} -Es",
    "/usr/bin/env python3",
    "/usr/bin/env -S python3 -I",
    "/usr/bin/env -S python3 -E -B",
    "/usr/bin/env -S python3 -S",
    "/usr/bin/env -S python3 -P",
    "/usr/bin/env -S A=1 PYTHONOPTIMIZE=2 python3 -W ignore -u",
]


@pytest.mark.parametrize("line", SHEBANGS)
def test_script_by_its_first_line(isolated, other, line):
    if "-P" in line and sys.version_info < (3, 11):
        pytest.skip("-P came with 3.11")
    isolated.write("tool", "#!" + line.format(python=other.python) + "\n" + SEES, mode=0o755)
    path = {"PATH": f"{other.bin}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    seen = same(isolated, ["./tool", "a", "-b"], env=path)
    assert seen["base_prefix"] == sys.base_prefix


@pytest.mark.parametrize(
    "line", ["{python}", "{python} -I", "{python} -E", "{python} -s", "/usr/bin/env -S python3 -IB"]
)
def test_console_script_of_another_environment(isolated, other, line):
    other.install("tool_module.py", f"def main():\n    exec({REPORT!r}, globals())\n    return 0\n")
    other.command("tool", "tool_module", line.format(python=other.python))
    path = {"PATH": f"{other.bin}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    same(isolated, ["tool", "a", "-b"], env=path)
    same(isolated, [str(other.bin / "tool"), "a", "-b"], env=path)
    same(isolated, ["other/bin/tool"], env=path)


@pytest.mark.parametrize("body", ENDS, ids=lambda body: body.replace("\n", "; ")[:50])
def test_status_and_output_are_those_of_a_plain_run(isolated, other, body):
    isolated.write("t.py", body)
    plain, guarded = both(isolated, [other.python, "./t.py"], ["--no-network"])
    assert guarded == plain


@pytest.mark.parametrize("name", ["PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PYTHONUTF8"])
def test_variables_mean_what_they_mean(isolated, other, name):
    isolated.write("tool.py", REPORT)
    isolated.write("startup.py", "print('started up')\n")
    value = {"PYTHONSTARTUP": "startup.py", "PYTHONWARNINGS": "error::UserWarning"}.get(name, "1")
    same(isolated, [other.python, "tool.py"], env={name: value})
    same(isolated, [other.python, "-m", "tool"], env={name: value, "PYTHONPATH": str(isolated.folder)})


ODD = {
    "no first line": (["-x", "t.py"], "@echo off\nimport sys\nprint(sys.argv, sys._getframe().f_lineno)\n1 / 0\n"),
    "no first line, module": (["-x", "-m", "t"], "print(1)\nprint(2)\n"),
    "one line, and not that": (["-x", "t.py"], "print(1)"),
    "all warnings are errors": (["-bb", "-X", "dev", "-W", "error", "t.py"], "import sys\nprint(sys.warnoptions)\n"),
    "encodings": (["-X", "warn_default_encoding", "-W", "error", "t.py"], "import sys\nprint(sys.flags)\n"),
    "from files": (["-X", "frozen_modules=off", "t.py"], "import os\nprint(os.__file__)\n"),
    "hashes": (["--check-hash-based-pycs", "never", "t.py"], "import _imp\nprint(_imp.check_hash_based_pycs)\n"),
    "memory": (["-X", "tracemalloc=3", "t.py"], "import tracemalloc\nprint(tracemalloc.get_traceback_limit())\n"),
    "not found": (["no/such.py", "a"], ""),
    "a module that is not there": (["-m", "no_such_module"], ""),
}


@pytest.mark.parametrize("case", ODD)
def test_rare_options_mean_what_they_mean(isolated, other, case):
    words, text = ODD[case]
    isolated.write("t.py", text)
    if case == "not found":
        done = isolated.foreign("--no-network", other.python, *words)
        assert (done.code, done.stderr) == (1, "hermetic: error: target not found: no/such.py\n")
        return
    plain, guarded = both(isolated, [other.python, *words], ["--no-network"])
    if case == "a module that is not there":
        assert (guarded.code, guarded.stderr) == (
            1,
            "hermetic: error: no module named no_such_module, or nothing in it to run\n",
        )
        return
    assert guarded == plain


def test_bytes_that_are_no_text_arrive(isolated, other):
    name = os.fsdecode(b"odd-\xff.py")
    isolated.write(name, "import sys\nprint(ascii([sys.argv, sys.orig_argv, __file__]))\n")
    plain, guarded = both(isolated, [other.python, name, os.fsdecode(b"\xfe\xff"), "\u00e9"])
    assert guarded == plain
    assert plain.code == 0, plain


@pytest.mark.parametrize("form", ["script", "code", "module", "stdin"])
def test_working_directory_that_was_removed(isolated, other, form):
    text = "import sys; print(sys.argv, sys.path)\n"
    script = isolated.write("t.py", text)
    other.install("t_module.py", text)
    words = {"script": [str(script), "a"], "code": ["-c", text], "module": ["-m", "t_module"], "stdin": ["-"]}[form]
    start = (
        "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); os.execv(sys.argv[1], sys.argv[1:])"
    )
    how = {"bare": True, "stdin": text}
    plain = isolated.python("-c", start, other.python, *words, **how)
    launcher = [sys.executable, "-c", LAUNCHER, "--no-network", "--"]
    guarded = isolated.python("-c", start, *launcher, other.python, *words, **how)
    assert guarded == plain
    assert plain.code == 0, plain


SAYS = "print({name!r}, __name__)\n"
# Ordinary ones: what installers put into an environment.
ORDINARY = """\
import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; print('line', enabled)
import sys, types, os; p = os.path.join(sys._getframe(1).f_locals['sitedir'], 'spaces'); m = sys.modules.setdefault('spaces', types.ModuleType('spaces')); m.__path__ = [p]
import finder
"""
FINDER = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "editable": print("asked for", name)
sys.meta_path.append(Finder())
sys.path.append("/nowhere/at/all")
"""


@no_sitecustomize
@pytest.mark.parametrize(
    "options", [OPTIONS, ["--no-environment"], ["--no-interpreter-mutation"], ["--profile=block-all"]], ids="-".join
)
def test_start_up_files_of_the_target_run_once_and_first(isolated, other, options):
    for name in ("sitecustomize", "tool_module"):
        other.install(f"{name}.py", SAYS.format(name=name))
    other.install("tool_module.py", TOOL)
    other.install("finder.py", FINDER)
    other.install("spaces/inside.py", "")
    (other.site / "some.pth").write_text(str(isolated.folder) + "\n" + ORDINARY + "/nowhere\n")
    tool = str(other.command("tool", "tool_module"))
    plain = isolated.run([tool], bare=True)
    guarded = isolated.foreign(options, tool)
    assert guarded.stdout.splitlines() == plain.stdout.splitlines()
    assert guarded == plain
    assert plain.stdout.splitlines().count("sitecustomize sitecustomize") == 1, plain
    assert "line True" in plain.stdout.splitlines()
    assert "asked for editable" in plain.stdout


TOOL = """
print(__name__)
def main():
    import sys
    import spaces.inside
    print(sys.path, sys.prefix, sys.flags, isinstance(sys.flags, tuple), tuple(sys.flags))
    print([getattr(finder, '__name__', None) or type(finder).__name__ for finder in sys.meta_path])
    print(sys.flags.no_site, sys.flags[6], type(sys.flags).__name__, spaces.inside.__file__)
    try:
        import editable
    except ImportError as error:
        print(error)
"""
START = "open({log!r}, 'a').write({name!r} + ' ' + __name__ + '\\n')\n"


def test_users_start_up_file_runs_once_and_first(isolated):
    # A user's folder belongs to no virtual environment: the base interpreter's it is.
    base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
    log = isolated.folder / "log"
    text = START.format(log=str(log), name="usercustomize")
    isolated.write("user/lib/python%d.%d/site-packages/usercustomize.py" % sys.version_info[:2], text)
    isolated.write("tool.py", START.format(log=str(log), name="target"))
    user = {"PYTHONUSERBASE": str(isolated.folder / "user"), "PYTHONNOUSERSITE": None}
    for words in ([base, "tool.py"], [base, "-B", "tool.py"]):
        assert isolated.foreign("--no-network", *words, env=user).code == 0
        assert log.read_text().splitlines() == ["usercustomize usercustomize", "target __main__"]
        log.unlink()
        assert isolated.foreign("--no-network", words[0], "-s", "tool.py", env=user).code == 0
        assert log.read_text().splitlines() == ["target __main__"]
        log.unlink()


def begin(isolated, *words):
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, "--no-network", "--", *words],
        env=isolated.environment(bare=True),
        cwd=isolated.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_target_is_the_process_that_was_started(isolated, other):
    isolated.write("t.py", "import os, sys\nprint(os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0))\n")
    process = begin(isolated, other.python, "-B", "t.py")
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert list(map(int, said.split())) == [process.pid, os.getpid(), os.getpgrp(), os.getsid(0)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGUSR1])
@pytest.mark.parametrize("handled", [False, True])
def test_signals_reach_the_target(isolated, other, number, handled):
    if handled and number == signal.SIGKILL:
        pytest.skip("nothing handles it")
    # Not by print: the signal may come while the first one is still writing.
    handler = f"signal.signal({int(number)}, lambda *a: (os.write(1, b'handled'), sys.exit(7)))" if handled else ""
    isolated.write("t.py", f"import os, signal, sys, time\n{handler}\nprint('ready', flush=True)\ntime.sleep(30)\n")
    plain, guarded = (
        subprocess.Popen(
            [other.python, "t.py"],
            cwd=isolated.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ),
        begin(isolated, other.python, "t.py"),
    )
    ended = []
    for process in (plain, guarded):
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(number)
        said, errors = process.communicate(timeout=60)
        ended.append((process.returncode, said, errors))
    assert ended[0] == ended[1]


def test_target_has_the_terminal(isolated, other):
    import pty

    isolated.write(
        "t.py",
        "import json, os, sys\nprint(json.dumps([s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)] + "
        "[os.ttyname(0) == os.ttyname(1), os.tcgetpgrp(0) == os.getpgrp(), input()]), flush=True)\n",
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(isolated.folder)
        os.execve(
            sys.executable,
            [sys.executable, "-c", LAUNCHER, "--no-network", "--", other.python, "t.py"],
            isolated.environment(bare=True),
        )
    os.write(terminal, b"typed\n")
    said = b""
    while True:
        try:
            if not (part := os.read(terminal, 4096)):
                break
        except OSError:
            break
        said += part
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    os.close(terminal)
    assert json.loads(said.decode().splitlines()[-1]) == [True, True, True, True, True, "typed"]


def test_hermetic_is_not_in_the_other_environment(isolated, other):
    """What the tests of this folder rest on."""
    code = "import importlib.util as u, sys; print(u.find_spec('hermetic'), sys.prefix, [p for p in sys.path if 'src' in p])"
    done = isolated.foreign("--no-network", other.python, "-c", code)
    assert done.stdout == f"None {other.folder} []\n", done.stderr
