"""A program of another environment is guarded before its first line, or it does not run; whatever lies in the way.

Evidence is a listener on loopback that nobody reaches, and a module that is not imported.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from conftest import LAUNCHER, SOURCE, no_sitecustomize

# What may be named like something that the guards themselves need.
OURS = (
    "_hermetic",
    "hermetic",
    "errors",
    "policy",
    "entry",
    "start",
    "running",
    "model",
    "message",
    "startup",
    "programs",
)
STANDARD = (
    *("json", "marshal", "types", "argparse", "typing", "dataclasses", "traceback", "threading", "ipaddress"),
    *("gc", "sys", "builtins", "_frozen_importlib", "collections", "re", "socket", "subprocess", "enum", "ast"),
)
# Loaded by the interpreter itself on its way to any program, where they are not frozen into it.
EARLY = ("os", "posixpath", "genericpath", "stat", "codecs", "io", "abc", "site", "_collections_abc", "_sitebuiltins")
OPTIONS = "--no-network"


def knock(port: int) -> str:
    """Code that reaches the listener by a socket of C's, where nothing prevents it."""
    return (
        "import _socket\ns = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)\ns.settimeout(5)\ntry:\n"
        f"    s.connect(('127.0.0.1', {port}))\nfinally:\n    s.close()\n"
    )


def test_the_evidence_is_one(isolated, other, listener):
    port, reached = listener
    isolated.write("t.py", knock(port))
    assert isolated.run([other.python, "t.py"], bare=True).code == 0
    assert reached()


def is_refused(done) -> bool:
    """Stopped by a guard, or not started with one line."""
    if done.code == 2 and "network disabled: connect(" in done.stderr:
        return True
    return done.code == 1 and done.stderr.startswith("hermetic: error: ") and not done.stdout


FLAGS = ([], ["-I"], ["-E"], ["-S"], ["-s"], ["-IS"], ["-I", "-S", "-E", "-B"], ["-P"], ["-O"], ["-X", "importtime"])


@pytest.mark.parametrize("flags", FLAGS, ids="".join)
@pytest.mark.parametrize("form", ["script", "module", "code", "stdin", "shebang", "env"])
def test_interpreter_options_change_nothing(isolated, other, listener, flags, form):
    if "-P" in flags and sys.version_info < (3, 11):
        pytest.skip("-P came with 3.11")
    port, reached = listener
    text = knock(port)
    isolated.write("t.py", text)
    other.install("target_module.py", text)
    isolated.write("tool", f"#!{other.python} {' '.join(flags)}\n{text}", mode=0o755)
    isolated.write("envtool", f"#!/usr/bin/env -S python3 {' '.join(flags)}\n{text}", mode=0o755)
    words = {
        "script": [other.python, *flags, "t.py"],
        "module": [other.python, *flags, "-m", "target_module"],
        "code": [other.python, *flags, "-c", text],
        "stdin": [other.python, *flags, "-"],
        "shebang": ["./tool"],
        "env": ["./envtool"],
    }[form]
    path = {"PATH": f"{other.bin}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    done = isolated.foreign(OPTIONS, *words, stdin=text if form == "stdin" else "", env=path)
    assert not reached()
    # Without site there is no module of site-packages to run.
    assert is_refused(done) or ("S" in "".join(flags) and form == "module" and done.code == 1), done


@pytest.mark.parametrize("where", ["PYTHONPATH", "working directory", "script folder", "PYTHONPATH is ."])
@pytest.mark.parametrize("safe", [None, "1"], ids=["", "PYTHONSAFEPATH"])
def test_modules_named_like_others_run_under_the_guards(isolated, other, listener, where, safe):
    port, reached = listener
    folder = {"PYTHONPATH": "planted", "script folder": "beside"}.get(where, ".")
    for name in (*OURS, *STANDARD):
        isolated.write(f"{folder}/{name}.py", f"print('planted {name}', flush=True)\n{knock(port)}")
    script = "beside/t.py" if where == "script folder" else "elsewhere/t.py"
    imports = "".join(f"try:\n    import {name}\nexcept BaseException: pass\n" for name in (*OURS, *STANDARD))
    isolated.write(script, imports + knock(port))
    isolated.write("mod.py", imports + knock(port))
    env = {"PYTHONSAFEPATH": safe}
    if where.startswith("PYTHONPATH"):
        env["PYTHONPATH"] = str(isolated.folder / folder) if where == "PYTHONPATH" else "."
    for words in (
        [script],
        ["-I", script],
        ["-E", script],
        ["-m", "mod"],
        ["-c", imports + knock(port)],
        ["-S", script],
    ):
        done = isolated.foreign(OPTIONS, other.python, *words, env=env)
        assert not reached(), (words, done)
        assert done.code in (1, 2), (words, done)
        assert is_refused(done) or "mod" in words, (words, done)
        if "-I" in words or "-E" in words:
            assert "planted" not in done.stdout or (where == "script folder" and "-E" in words)


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize("flags", [[], ["-S"]], ids="".join)
def test_modules_that_every_start_loads(isolated, other, listener, name, flags):
    """What is frozen into the interpreter is not replaced; what it loads before any program is as much its own as
    ``sitecustomize`` (docs/explanation/threat-model.md), and the program after it is guarded all the same."""
    port, reached = listener
    isolated.write(f"planted/{name}.py", f"import sys\nsys.stdout and print('planted', flush=True)\n{knock(port)}")
    isolated.write("t.py", f"import {name}\nprint('the program')\n" + knock(port))
    how = {"bare": True, "env": {"PYTHONPATH": str(isolated.folder / "planted")}}
    isolated.run([sys.executable, "-c", "pass"], **how)
    isolated.run([other.python, *flags, "-c", "pass"], **how)
    loaded_by_itself = False
    while reached():
        loaded_by_itself = True
    how.pop("bare")
    done = isolated.foreign(OPTIONS, other.python, *flags, "t.py", **how)
    assert done.code != 0, done
    assert not reached() or loaded_by_itself, done
    assert is_refused(done) or done.code == 1, done
    if "the program" in done.stdout:
        assert done.code == 2, done


@no_sitecustomize
@pytest.mark.parametrize("flags", [[], ["-I"], ["-E", "-s"]], ids="".join)
@pytest.mark.parametrize(
    "options", ["--no-network", "--no-network --no-interpreter-mutation --seal", "--profile=block-all --seal"]
)
def test_start_up_files_run_under_the_guards(isolated, other, listener, options, flags):
    """What an installer has put there is no more the target's interpreter than the target is."""
    port, reached = listener
    quiet = knock(port).replace("finally:", "except BaseException: print('held', flush=True)\nfinally:")
    other.install("sitecustomize.py", quiet)
    other.install("evil.py", quiet)
    (other.site / "evil.pth").write_text("import evil\n")
    isolated.write("t.py", "print('ran')\n")
    assert isolated.run([other.python, *flags, "t.py"], bare=True).stdout == "ran\n"
    assert reached()
    while reached():
        pass
    done = isolated.foreign(options, other.python, *flags, "t.py")
    assert not reached(), done
    assert (done.code, done.stdout) == (0, "held\nheld\nran\n"), done


def test_startup_variable_runs_nothing_unguarded(isolated, other, listener):
    port, reached = listener
    isolated.write("startup.py", knock(port))
    isolated.write("t.py", knock(port))
    for words in (["t.py"], ["-i", "t.py"], ["-"], ["-i"], []):
        done = isolated.foreign(OPTIONS, other.python, *words, env={"PYTHONSTARTUP": "startup.py"}, stdin=knock(port))
        assert not reached()
        assert "network disabled" in done.stderr, (words, done)


# --- the core itself ---


def copied(isolated) -> Path:
    folder = isolated.folder / "copy"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def by_copy(folder: Path, isolated, *words, **how):
    """The command line of a copy of the source."""
    return isolated.python("-c", LAUNCHER.replace(str(SOURCE), str(folder)), *words, bare=True, **how)


CORE = sorted(str(p.relative_to(SOURCE)) for p in SOURCE.glob("_hermetic/**/*.py"))
DAMAGES = {
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "empty": lambda path: path.write_text(""),
    "half": lambda path: path.write_text(path.read_text()[: len(path.read_text()) // 2]),
    "broken": lambda path: path.write_text("def (:\n"),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 4),
    "raises": lambda path: path.write_text("raise RuntimeError('damaged')\n"),
}
# What the receiving end alone loads, so that the damage is not already the sender's.
RECEIVED = ("entry", "start", "running/run", "running/status", "events", "enforce/audit", "enforce/judge", "enforce/patches",
            "enforce/bind", "enforce/session", "capabilities/network/__init__", "capabilities/network/sockets",
            "capabilities/integrity/files", "extract", "callers", "paths")  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", RECEIVED)
def test_damaged_core_starts_nothing(isolated, other, listener, damage, name):
    port, reached = listener
    folder = copied(isolated)
    isolated.write("t.py", "print('ran')\n" + knock(port))
    DAMAGES[damage](folder / "_hermetic" / f"{name}.py")
    done = by_copy(folder, isolated, "--no-network", "--", other.python, "t.py")
    assert not reached(), done
    assert "ran" not in done.stdout, done
    assert done.code != 0, done


def test_whole_copy_of_the_core_works(isolated, other):
    isolated.write("t.py", "print('ran')\n")
    done = by_copy(copied(isolated), isolated, "--no-network", "--", other.python, "t.py")
    assert (done.code, done.stdout) == (0, "ran\n"), done.stderr


def test_core_of_another_version_starts_nothing(isolated, other, listener):
    """The sender has loaded its half; the receiving half was replaced meanwhile, as an upgrade does."""
    port, reached = listener
    folder = copied(isolated)
    isolated.write("t.py", "print('ran')\n" + knock(port))
    start = (
        f"import sys; sys.path[0] = {str(folder)!r}\nimport _hermetic\nfrom hermetic.__main__ import program\n"
        f"from pathlib import Path\npath = Path({str(folder)!r}, '_hermetic', '__init__.py')\n"
        "path.write_text(path.read_text().replace('VERSION = \"', 'VERSION = \"9'))\nsys.exit(program())"
    )
    done = isolated.python("-c", start, "--no-network", "--", other.python, "t.py", bare=True)
    assert done.code == 1, done
    assert not reached()
    assert done.stdout == ""
    assert done.stderr.startswith("hermetic: error: hermetic 0"), done.stderr
    assert "started the core of 9" in done.stderr


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("sitecustomize.py", marks=no_sitecustomize),
        "some.pth",
        pytest.param("a block", marks=no_sitecustomize),
    ],
)
def test_core_that_a_start_up_file_has_loaded_is_not_the_one(isolated, other, listener, way):
    """An older hermetic, say, in which this call is not refused yet."""
    port, reached = listener
    shutil.copytree(SOURCE, other.site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    load = "import hermetic, hermetic.errors, hermetic.blocker, _hermetic.start, _hermetic.running.run"
    block = "; hermetic.blocker.hermetic_blocker(fs_readonly=True).__enter__()"
    other.install("some.pth" if way == "some.pth" else "sitecustomize.py", load + block * (way == "a block") + "\n")
    if way != "a block":
        for name in ("start_policies", "start_session"):
            text = (other.site / "_hermetic" / "start.py").read_text()
            (other.site / "_hermetic" / "start.py").write_text(text + f"\n\ndef {name}(*a, **k):\n    pass\n")
    text = "import sys, hermetic.errors\nprint('ran')\ntry:\n    open('x', 'w')\nexcept Exception as error:\n    print(error)\n"
    caught = "try:\n" + "".join(f"    {line}\n" for line in knock(port).splitlines())
    caught += "except hermetic.errors.PolicyViolation as error:\n    print('caught', error.guard)\n"
    isolated.write("t.py", text + caught)
    done = isolated.foreign(OPTIONS, other.python, "t.py")
    assert not reached(), done
    assert done.code == 0, done
    kept = [line for line in done.stdout.splitlines() if line.startswith("filesystem readonly")]
    assert done.stdout.splitlines() == ["ran", *kept, "caught network"], done
    assert len(kept) == (way == "a block")


@pytest.mark.skipif(os.getuid() == 0, reason="an administrator reads everything")
def test_unreadable_core_starts_nothing(isolated, other):
    folder = copied(isolated)
    isolated.write("t.py", "print('ran')\n")
    (folder / "_hermetic" / "entry.py").chmod(0)
    done = by_copy(folder, isolated, "--no-network", "--", other.python, "t.py")
    assert done.code != 0
    assert done.stdout == ""


def test_stale_bytecode_of_the_core_is_not_believed(isolated, other, listener):
    port, reached = listener
    folder = copied(isolated)
    isolated.write("t.py", knock(port))
    cache = {"PYTHONDONTWRITEBYTECODE": None}
    assert by_copy(folder, isolated, "--no-network", "--", other.python, "t.py", env=cache).code == 2
    for path in folder.glob("_hermetic/**/*.pyc"):
        path.write_bytes(path.read_bytes()[:40])
    done = by_copy(folder, isolated, "--no-network", "--", other.python, "t.py", env=cache)
    assert not reached()
    assert done.code in (1, 2), done


# --- temporary folders ---


@pytest.mark.parametrize("kind", ["missing", "read-only", "a file", "full"])
def test_temporary_folder_is_not_needed(isolated, other, listener, kind):
    port, reached = listener
    place = isolated.folder / "temporary"
    if kind == "read-only":
        place.mkdir(mode=0o555)
    elif kind == "a file":
        place.write_text("")
    if kind == "full":
        place = Path("/dev/full")
    isolated.write("t.py", "print('ran')\n" + knock(port))
    temporary = {name: str(place) for name in ("TMPDIR", "TEMP", "TMP")}
    done = isolated.foreign("--no-network --trace", other.python, "-B", "t.py", env=temporary)
    assert not reached()
    assert (done.code, done.stdout) == (2, "ran\n"), done.stderr


def test_full_disk_below_everything_does_not_matter(isolated, other, listener):
    """No file can be grown: what needed one would fail."""
    port, reached = listener
    isolated.write("t.py", "print('ran')\n" + knock(port))
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); os.execv(sys.argv[1], sys.argv[1:])"
    words = [sys.executable, "-c", LAUNCHER, "--no-network", "--", other.python, "t.py"]
    done = isolated.python("-c", limit, *words, bare=True)
    assert not reached()
    assert (done.code, done.stdout) == (2, "ran\n"), done.stderr


# --- what was carried ---


def test_denied_import_prints_nothing(isolated, other):
    other.install("noisy.py", "print('imported')\n")
    for flags in ([], ["-I"], ["-E"], ["-B", "-u"]):
        done = isolated.foreign("--deny-import=noisy", other.python, *flags, "-c", "import noisy")
        assert done.code == 2, done
        assert done.stdout == ""
        assert "import blocked: noisy" in done.stderr


@pytest.mark.parametrize("text", ["", "zz", "00", "e900000000", "7" * 40, "\u00e9"])
def test_message_that_is_none_starts_nothing(isolated, other, text):
    isolated.write("t.py", "print('ran')\n")
    done = isolated.run([other.python, str(SOURCE / "_hermetic" / "entry.py"), text, "t.py"], bare=True)
    assert done.code != 0
    assert done.stdout == ""


@pytest.mark.parametrize("count", [0, 1])
def test_entry_without_its_words_starts_nothing(isolated, other, count):
    done = isolated.run([other.python, str(SOURCE / "_hermetic" / "entry.py"), *["00"] * count], bare=True)
    assert done.code != 0
    assert done.stdout == ""


def test_policy_that_is_too_long_is_refused(isolated, other):
    isolated.write("t.py", "print('ran')\n")
    names = [f"--deny-import=m{'x' * 60}{number}" for number in range(1200)]
    done = isolated.foreign(names, other.python, "t.py")
    assert (done.code, done.stdout) == (1, ""), done
    assert done.stderr == "hermetic: error: the policy is too long to be handed over\n"
