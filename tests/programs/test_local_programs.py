"""Programs that stay on this machine, under the families that are not the network."""

from __future__ import annotations

import os
import sys

import pytest

from .conftest import program

pytestmark = pytest.mark.programs


def passes(isolated, options, *target, **how):
    done = isolated.cli(*options.split(), "--", *target, **how)
    assert done.code == 0, done.stdout + done.stderr
    assert "blocked action" not in done.stderr
    return done


# --- --fs-readonly ---


def test_black_checks_without_writing(isolated):
    isolated.write("good.py", "x = 1\n")
    isolated.write("bad.py", "x   =  1\n")
    assert (
        "1 file would be left unchanged"
        in passes(isolated, "--fs-readonly", program("black"), "--check", "good.py").stderr
    )
    done = isolated.cli("--fs-readonly", "--", program("black"), "--check", "bad.py")
    assert done.code == 1, done.stderr  # black's own


def test_black_that_must_write_fails_by_its_own_rules(isolated):
    isolated.write("bad.py", "x   =  1\n")
    done = isolated.cli("--fs-readonly", "--", program("black"), "bad.py")
    assert done.code != 0
    assert (isolated.folder / "bad.py").read_text() == "x   =  1\n"


def test_pip_lists(isolated):
    assert "pytest" in passes(isolated, "--fs-readonly", program("pip"), "list", "--disable-pip-version-check").stdout


def test_mypy_checks(isolated):
    isolated.write("good.py", "x: int = 1\n")
    # Its cache is what it would write; told to do without, it must not notice anything.
    done = passes(isolated, "--fs-readonly", program("mypy"), "--cache-dir=/dev/null", "good.py")
    assert "no issues found" in done.stdout


def test_pytest_keeps_its_own_status(isolated):
    isolated.write("test_sample.py", "def test_good():\n    assert True\n\ndef test_bad():\n    assert False\n")
    command = (program("pytest"), "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "test_sample.py")
    done = isolated.cli("--fs-readonly", "--", *command)
    assert done.code == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout


ORDINARY_READONLY = {
    "devnull": "import subprocess; assert subprocess.run(['true'], stdout=subprocess.DEVNULL).returncode == 0",
    "os.open": "import os; assert isinstance(os.open('inside.txt', os.O_RDONLY), int)",
    "opener": "import os; open('inside.txt', opener=lambda p, f: os.open(p, f)).read()",
    "dir_fd": "import os; d = os.open('.', os.O_RDONLY); os.read(os.open('inside.txt', os.O_RDONLY, dir_fd=d), 1)",
    "own descriptors": "import os; r, w = os.pipe(); os.write(w, b'x'); assert os.read(r, 1) == b'x'",
    "temporary files in memory": "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x'); f.seek(0); assert f.read() == b'x'",
    "module without bytecode": "import fresh_module; assert fresh_module.X == 1",
}


@pytest.mark.parametrize("case", ORDINARY_READONLY)
def test_ordinary_code_on_a_readonly_disk(isolated, case):
    isolated.write("inside.txt", "inside")
    isolated.write("fresh_module.py", "X = 1")
    changes = {"PYTHONDONTWRITEBYTECODE": None}
    isolated.write("main.py", ORDINARY_READONLY[case])
    passes(isolated, "--fs-readonly", "python", "main.py", env=changes)
    assert not (isolated.folder / "__pycache__").exists()


BELOW_A_ROOT = {
    "certifi": "import certifi; open(certifi.where()).read()",
    "zoneinfo": "import zoneinfo; zoneinfo.ZoneInfo('UTC') if zoneinfo.available_timezones() else None",
    "mimetypes": "import mimetypes; assert mimetypes.guess_type('x.html')[0] == 'text/html'",
    "metadata": "import importlib.metadata as m; assert m.version('flask') and m.files('flask')",
    "urandom": "assert len(open('/dev/urandom', 'rb').read(4)) == 4",
    "flask template": "import flask\napp = flask.Flask('main')\n"
    "with app.app_context(): print(flask.render_template('page.html', name='you'))",
    "jinja package data": "import jinja2; jinja2.Environment().from_string('{{ 1 }}').render()",
}


@pytest.mark.parametrize("case", BELOW_A_ROOT)
def test_installed_data_stays_readable_below_a_root(isolated, case):
    isolated.write("templates/page.html", "hello {{ name }}")
    isolated.write("main.py", BELOW_A_ROOT[case])
    passes(isolated, f"--fs-readonly={isolated.folder}", "python", "main.py")


def test_root_of_everything_allows_all_reads(isolated):
    passes(isolated, "--fs-readonly=/", "python", "-c", "open('/etc/passwd').read()")


# --- --no-environment ---

WITHOUT_ENVIRONMENT = {
    "argparse": "import argparse; argparse.ArgumentParser(prog='x').format_help()",
    "tempfile": "import tempfile; tempfile.gettempdir()",
    "terminal size": "import shutil; shutil.get_terminal_size()",
    "expanduser": "import os; os.path.expanduser('~')",
    "ssl": "import ssl; ssl.create_default_context()",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "locale": "import locale; locale.getlocale()",
}
UNSET_ONLY = {
    "click": "import click\n@click.command()\ndef main(): click.echo('hi')\nmain([], standalone_mode=False)",
    "rich": "import rich; rich.print('hi')",
    "requests": "import requests; requests.Session().merge_environment_settings('http://x.test', {}, None, None, None)",
}


@pytest.mark.parametrize("case", WITHOUT_ENVIRONMENT)
def test_library_look_ups_go_on_without_an_environment(isolated, case):
    isolated.write("main.py", WITHOUT_ENVIRONMENT[case])
    passes(isolated, "--no-environment", "python", "main.py")


@pytest.mark.parametrize("case", [*WITHOUT_ENVIRONMENT, *UNSET_ONLY])
def test_everything_goes_on_with_unset_variables(isolated, case):
    isolated.write("main.py", {**WITHOUT_ENVIRONMENT, **UNSET_ONLY}[case])
    passes(isolated, "--no-environment=unset", "python", "main.py")


# --- --no-code-exec, --block-native, --no-interpreter-mutation, --no-subprocess ---

WITHOUT_DYNAMIC_CODE = {
    "namedtuple": "from collections import namedtuple; assert namedtuple('P', 'x y')(1, 2).y == 2",
    "dataclasses": "from dataclasses import dataclass\n@dataclass(order=True)\nclass D:\n    a: int = 1\nassert D() < D(2)",
    "typing": "import typing\nclass N(typing.NamedTuple):\n    a: 'int' = 1\nassert N().a == 1; typing.List['int']",
    "enum": "import enum; enum.Enum('E', 'A B').A",
    "literal_eval": "import ast; assert ast.literal_eval('[1]') == [1]",
    "source module": "import fresh_module; assert fresh_module.X == 1",
}


@pytest.mark.parametrize("case", WITHOUT_DYNAMIC_CODE)
def test_generated_code_of_the_library_goes_on(isolated, case):
    isolated.write("fresh_module.py", "X = 1")
    isolated.write("main.py", WITHOUT_DYNAMIC_CODE[case])
    passes(isolated, "--no-code-exec", "python", "main.py")


def test_python_m_works_without_dynamic_code(isolated):
    isolated.write("data.json", "[1]")
    passes(isolated, "--no-code-exec", "python", "-m", "json.tool", "data.json")


@pytest.mark.parametrize(
    "code",
    [
        "import attr\n@attr.s\nclass A:\n    x = attr.ib()",
        "import pydantic\nclass M(pydantic.BaseModel):\n    x: 'int'",
    ],
    ids=["attrs", "pydantic"],
)
def test_libraries_that_generate_code_say_what_blocked_them(isolated, code):
    isolated.write("main.py", code)
    done = isolated.cli("--no-code-exec", "--", "python", "main.py")
    assert done.code == 2, done.stderr
    assert "hermetic: blocked action: dynamic code execution disabled: " in done.stderr


WITHOUT_NATIVE = {
    "json": "import json; json.dumps({'a': 1})",
    "datetime": "import datetime; datetime.datetime.now()",
    "random": "import random; random.random()",
    "hashlib": "import hashlib; hashlib.sha256(b'').hexdigest()",
    "decimal": "import decimal; decimal.Decimal(1) / 3",
    "optional accelerator": "try:\n    from markupsafe import _speedups\nexcept ImportError:\n    pass\n"
    "import markupsafe; assert markupsafe.escape('<') == '&lt;'",
}


@pytest.mark.parametrize("case", WITHOUT_NATIVE)
def test_standard_extensions_go_on_without_native_code(isolated, case):
    isolated.write("main.py", WITHOUT_NATIVE[case])
    passes(isolated, "--block-native", "python", "main.py")


def test_packages_import_without_interpreter_mutation(isolated):
    passes(
        isolated, "--no-interpreter-mutation", "python", "-c", "import flask, requests, asyncio, sys; list(sys.path)"
    )


WITHOUT_PROCESSES = {
    "subclass of Popen": "import subprocess\nclass P(subprocess.Popen): pass\nsubprocess.Popen[bytes]; "
    "assert not isinstance(1, subprocess.Popen)",
    "platform": "import platform; platform.platform(); platform.processor()",
    "uuid": "import uuid; uuid.uuid1()",
    "threads": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(2) as pool: assert list(pool.map(abs, [-1])) == [1]",
}


@pytest.mark.parametrize("case", WITHOUT_PROCESSES)
def test_libraries_go_on_without_processes(isolated, case):
    isolated.write("main.py", WITHOUT_PROCESSES[case])
    passes(isolated, "--no-subprocess", "python", "main.py")


@pytest.mark.parametrize("option", ["", "--fs-readonly", "--seal --fs-readonly"])
def test_a_library_is_looked_for_without_a_compiler(isolated, option):
    """trio looks for pthread in its first thread. A compiler would be asked by way of a temporary file."""
    compiler = isolated.write("bin/gcc", "#!/bin/sh\n", 0o755)
    code = "import ctypes.util; print(ctypes.util.find_library('no-such-library'), ctypes.util._findLib_gcc.__name__)"
    isolated.write("main.py", code)
    path = f"{compiler.parent}{os.pathsep}{os.environ['PATH']}"
    done = passes(isolated, f"--no-subprocess {option}", sys.executable, "main.py", env={"PATH": path})
    assert done.stdout == "None _findLib_gcc\n"


# --- everything ---


def test_hello_world_runs_under_block_all(isolated):
    isolated.write("hello.py", "print('hello')")
    assert passes(isolated, "--profile block-all", "python", "hello.py").stdout == "hello\n"


def test_violation_runs_atexit_and_leaves_nothing(isolated):
    code = "import atexit\natexit.register(print, 'bye')\nopen('new.txt', 'w')\n"
    done = isolated.script("--profile block-all", code)
    assert (done.code, done.stdout) == (2, "bye\n"), done.stderr
    assert sorted(p.name for p in isolated.folder.iterdir()) == ["target.py"]
