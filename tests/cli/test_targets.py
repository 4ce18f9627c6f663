"""What a target is: a callable, a console script, an executable or a path, a module; in this order."""

from __future__ import annotations

import os
import sys
import zipapp
from pathlib import Path

import pytest

import hermetic

SAY = "import sys; print('ran', sys.argv[1:], __name__)\n"
BLOCKED = "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)\n"


def bin_folder(isolated, **files: str) -> dict[str, str | None]:
    """Executable files on PATH."""
    for name, text in files.items():
        isolated.write(f"bin/{name}", text, mode=0o755)
    here = Path(sys.executable).parent
    return {"PATH": os.pathsep.join([str(isolated.folder / "bin"), str(here), "/usr/bin", "/bin"])}


# --- form 1: pkg.module:attr ---


def test_reference_calls_the_attribute(isolated):
    isolated.write("pkg/__init__.py", "")
    isolated.write("pkg/mod.py", "import sys\ndef main():\n    print('called', sys.argv[1:], __name__)\n    return 7\n")
    done = isolated.cli("--no-network", "--", "pkg.mod:main", "a", "--b")
    assert (done.code, done.stdout) == (7, "called ['a', '--b'] pkg.mod\n"), done.stderr


def test_reference_follows_dots(isolated):
    isolated.write(
        "mod.py", "class A:\n    class B:\n        @staticmethod\n        def go():\n            print('deep')\n"
    )
    assert isolated.cli("--no-network", "--", "mod:A.B.go").stdout == "deep\n"


def test_reference_to_something_not_callable_runs_the_module(isolated):
    isolated.write("mod.py", "value = 1\nif __name__ == '__main__':\n    print('as main')\n")
    done = isolated.cli("--no-network", "--", "mod:value")
    assert (done.code, done.stdout) == (0, "as main\n"), done.stderr


def test_reference_whose_module_needs_a_missing_one_shows_the_traceback(isolated):
    isolated.write("mod.py", "import missing_helper\n")
    done = isolated.cli("--no-network", "--", "mod:main")
    assert done.code == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("No module named 'missing_helper'\n")


def test_drive_letter_is_a_path(isolated):
    assert "target not found" in isolated.cli("--no-network", "--", "C:\\tool.py").stderr


def test_reference_wins_over_a_file_of_that_name(isolated):
    isolated.write("mod.py", "def main():\n    print('callable')\n")
    isolated.write("mod:main", SAY)
    assert isolated.cli("--no-network", "--", "mod:main").stdout == "callable\n"


# --- form 2: console scripts ---

WRAPPER = """\
#!{python}
# -*- coding: utf-8 -*-
import re
import sys
from tool_module import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


def test_console_script_on_path(isolated):
    env = bin_folder(isolated, tool=WRAPPER.format(python=sys.executable))
    isolated.write(
        "lib/tool_module.py", "import sys\ndef main():\n    print(sys.argv, sys.path[0])\n    return 'failed'\n"
    )
    env["PYTHONPATH"] = str(isolated.folder / "lib")
    path = str(isolated.folder / "bin" / "tool")
    done = isolated.cli("--no-network", "--", "tool", "x", env=env)
    assert (done.code, done.stderr) == (1, "failed\n")
    assert done.stdout == f"{[path, 'x']} {isolated.folder / 'bin'}\n"


def test_entry_point_without_a_file(isolated):
    isolated.python("-m", "venv", "--without-pip", "env")
    (packages,) = (isolated.folder / "env" / "lib").glob("python*/site-packages")
    place = packages.relative_to(isolated.folder)
    isolated.write(f"{place}/tool_module.py", "import sys\ndef main():\n    print('entry', sys.argv)\n")
    isolated.write(f"{place}/tool-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1\n")
    isolated.write(f"{place}/tool-1.dist-info/entry_points.txt", "[console_scripts]\nonly-entry = tool_module:main\n")
    python = str(isolated.folder / "env" / "bin" / "python")
    folder = str(Path(hermetic.__file__).parent.parent)
    done = isolated.run([python, "-m", "hermetic", "--no-network", "--", "only-entry", "a"], env={"PYTHONPATH": folder})
    assert (done.code, done.stdout) == (0, "entry ['only-entry', 'a']\n"), done.stderr


# --- form 3: executables and paths ---

SHEBANGS = {
    "absolute": "#!{python}\n",
    "absolute with option": "#!{python} -B\n",
    "spaces": "#! {python}  \n",
    "env": "#!/usr/bin/env python\n",
    "env with version": "#!/usr/bin/env python{version}\n",
    "env -S": "#!/usr/bin/env -S python -B -u\n",
    "env -S joined": "#!/usr/bin/env -Spython -B\n",
    "env with variables": "#!/usr/bin/env -S A=1 python\n",
    "installer's two lines": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    "installer's two lines, unquoted": "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
    "isolated": "#!{python} -I\n",
    "no environment": "#!{python} -E\n",
    "no site": "#!{python} -S\n",
    "all three": "#!{python} -IES\n",
    "carriage return": "#!{python}\r\n",
}


def shebang(form: str) -> str:
    version = f"{sys.version_info[0]}"
    return SHEBANGS[form].format(python=sys.executable, version=version)


@pytest.mark.parametrize("form", SHEBANGS)
def test_script_with_a_python_shebang_runs_guarded(isolated, form):
    isolated.write("tool", shebang(form) + SAY + BLOCKED, mode=0o755)
    done = isolated.cli("--no-network", "--", "./tool", "a")
    assert (done.code, done.stdout) == (2, "ran ['a'] __main__\n"), done.stderr
    assert "hermetic: blocked action: network disabled: create_connection(192.0.2.1)" in done.stderr


@pytest.mark.parametrize("name", ["plain.py", "plain.pyw"])
def test_python_file_without_execute_bit(isolated, name):
    isolated.write(name, SAY, mode=0o644)
    assert isolated.cli("--no-network", "--", f"./{name}", "a").stdout == "ran ['a'] __main__\n"
    assert isolated.cli("--no-network", "--", name, "a").stdout == "ran ['a'] __main__\n"


def test_name_of_an_existing_file_is_that_file_not_a_command(isolated):
    env = bin_folder(isolated, tool="#!" + sys.executable + "\nprint('command')\n")
    isolated.write("tool", "#!" + sys.executable + "\nprint('file')\n")
    assert isolated.cli("--no-network", "--", "tool", env=env).stdout == "file\n"


def test_symbolic_link_to_a_script(isolated):
    isolated.write("real/tool.py", "import sys; print(sys.argv[0], sys.path[0])")
    (isolated.folder / "link.py").symlink_to("real/tool.py")
    plain = isolated.python("link.py")
    done = isolated.cli("--no-network", "--", sys.executable, "link.py")
    assert done.stdout == plain.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["python", "-c", BLOCKED],
        ["python", "-m", "blocked"],
        ["python", "blocked.py"],
        ["python", "-"],
        ["python", "-I", "-c", BLOCKED],
        ["python", "-E", "blocked.py"],
        ["python", "-S", "blocked.py"],
        ["python", "-IS", "-c", BLOCKED],
        ["python", "-O", "-B", "-W", "ignore", "-X", "utf8", "-u", "blocked.py"],
        ["python", "-OOBu", "-Wignore", "-Xutf8", "-c", BLOCKED],
        ["python", "-Bc", BLOCKED],
        ["python", "-c" + BLOCKED],
        ["python", "--check-hash-based-pycs", "always", "blocked.py"],
        [f"python{sys.version_info[0]}", "blocked.py"],
        [sys.executable, "blocked.py"],
        ["blocked.py"],
        ["./blocked.py"],
        ["blocked"],
        ["blocked:main"],
        ["folder"],
    ],
    ids=lambda words: " ".join(words)[:40].replace("\n", ";"),
)
def test_every_way_to_name_a_program_is_guarded(isolated, words):
    isolated.write(
        "blocked.py",
        "def main():\n    import socket\n    socket.create_connection(('192.0.2.1', 80), 1)\n"
        "if __name__ == '__main__':\n    main()\n",
    )
    isolated.write("folder/__main__.py", BLOCKED)
    done = isolated.cli("--no-network", "--", *words, stdin=BLOCKED)
    assert done.code == 2, done
    assert "hermetic: blocked action: network disabled: create_connection(192.0.2.1)" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no first lines")
@pytest.mark.parametrize("inside", ["tool/__main__.py", "tool/__init__.py"])
def test_a_folder_of_a_commands_name_does_not_hide_it(isolated, inside):
    """As in a checkout of the program."""
    isolated.write(inside, "print('folder')\n")
    isolated.write("bin/tool", f"#!{sys.executable}\nprint('command')\n", mode=0o755)
    path = f"{isolated.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    assert isolated.cli("--no-network", "--", "tool", env={"PATH": path}).stdout == "command\n"
    named = isolated.cli("--no-network", "--", "./tool", env={"PATH": path})
    assert named.stdout == ("folder\n" if "main" in inside else ""), named


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no env")
@pytest.mark.parametrize("words", ["A=1", "A=0 A=1 B=2", "A=1 PYTHONPATH=lib", "-- A=1 /usr/bin/env B=2", ""])
def test_env_starts_a_python_program_that_is_guarded(isolated, words):
    """The program itself is: whatever the kernel holds, and with the variables that are set for it."""
    isolated.write("lib/beside.py", "")
    code = "import os, sys; print([os.getenv(name) for name in 'AB'], 'lib' in sys.path[1], sys.argv)\n"
    isolated.write("show.py", code + BLOCKED)
    command = ["env", *words.split(), "python", "show.py", "a"]
    env = bin_folder(isolated)
    plain = isolated.cli("--", *command, env=env)
    done = isolated.cli("--no-network", "--no-code-exec", "--kernel=off", "--", *command, env=env)
    assert (done.code, done.stdout) == (2, plain.stdout), done
    assert ("None" in done.stdout.partition(",")[0]) is (words == "") and done.stdout.endswith("['show.py', 'a']\n")
    assert done.errors[-4] == "hermetic: blocked action: network disabled: create_connection(192.0.2.1)"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no env")
@pytest.mark.parametrize(
    "words",
    ["-i python show.py", "-C . python show.py", "A=1 no-such-program", "A=1 python no-such-file", "A=1 sh -c :"],
)
def test_what_only_env_can_tell_is_held_as_any_other_program_is(isolated, words):
    done = isolated.cli("--no-code-exec", "--", "env", *words.split(), env=bin_folder(isolated))
    assert done.code == 1
    assert "/env is not a Python program, and the kernel does not hold all that was taken away" in done.stderr


@pytest.mark.parametrize("option", ["--version", "-V", "-h"])
def test_informative_options_of_python_only_inform(isolated, option):
    plain = isolated.python(option)
    assert isolated.cli("--no-network", "--", sys.executable, option)[:2] == plain[:2]


@pytest.mark.parametrize("words", [["-i", "t.py"], ["-i", "-c", "x = 1"], ["-ic", "x = 1"], ["-i"]], ids=" ".join)
def test_interactive_session_is_guarded(isolated, words):
    isolated.write("t.py", "x = 1\n")
    typed = "print('typed', __name__, globals().get('x'))\nimport socket\nsocket.gethostbyname('example.com')\n"
    plain = isolated.python(*words, stdin=typed)
    done = isolated.cli("--no-network", "--", "python", *words, stdin=typed)
    assert done.stdout == plain.stdout != ""
    assert "PolicyViolation: network disabled: DNS(example.com)" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no first lines")
@pytest.mark.parametrize("options", ["--no-network", "--profile block-all"])
def test_a_zipped_program_with_a_first_line_runs(isolated, options):
    """As zipapp, shiv and pex make them."""
    isolated.write("app/__main__.py", "import sys\nprint('zipped', sys.argv, __file__)\n")
    zipapp.create_archive(isolated.folder / "app", isolated.folder / "app.pyz", interpreter=sys.executable)
    plain = isolated.run(["./app.pyz", "a"])
    assert plain.code == 0
    assert isolated.cli(*options.split(), "--", "./app.pyz", "a") == plain


def test_a_script_that_begins_as_an_archive_does_runs(isolated):
    isolated.write("PK.py", "PK = 1\nprint('ran')\n")
    assert isolated.cli("--no-network", "--", "./PK.py").stdout == "ran\n"


@pytest.mark.parametrize("text", ["#!/bin/sh\necho ran\n", "\x7fELF rest", "no shebang\n", "#!/no/such/program\n", ""])
def test_program_that_is_not_python_is_refused_where_nothing_holds_it(isolated, text):
    isolated.write("tool", text, mode=0o755)
    done = isolated.cli("--no-network", "--kernel=off", "--", "./tool")
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1)
    assert "not a Python program" in done.stderr


@pytest.mark.parametrize("name", ["python", "python3.12", "black"])
def test_shim_of_a_version_manager_is_refused_with_the_way_on(isolated, name):
    shim = '#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexec "/opt/pyenv/libexec/pyenv" exec "$program" "$@"\n'
    done = isolated.cli("--no-network", "--", name, "x.py", env=bin_folder(isolated, **{name: shim}))
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1)
    assert f"name the program itself: `pyenv which {name}` tells it" in done.stderr


def test_script_called_python_is_refused_with_the_way_on(isolated):
    done = isolated.cli("--no-network", "--", "python", env=bin_folder(isolated, python="#!/bin/sh\nexec true\n"))
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1)
    assert "name the program itself: by its own path" in done.stderr


def test_interpreter_that_does_not_exist_is_named(isolated):
    isolated.write("tool", "#!/no/such/python3\n" + SAY, mode=0o755)
    done = isolated.cli("--no-network", "--", "./tool")
    assert (done.code, len(done.errors)) == (1, 1)
    assert "/no/such/python3" in done.stderr


def test_folder_without_main_is_refused(isolated):
    (isolated.folder / "empty").mkdir()
    done = isolated.cli("--no-network", "--", "./empty")
    assert (done.code, len(done.errors)) == (1, 1)


# --- form 4: modules ---


def test_module_name_runs_as_with_m(isolated):
    isolated.write("sub/__init__.py", "")
    isolated.write("sub/pkg/__init__.py", "")
    isolated.write("sub/pkg/__main__.py", SAY)
    isolated.write("one.py", SAY)
    assert isolated.cli("--no-network", "--", "sub.pkg", "a").stdout == "ran ['a'] __main__\n"
    assert isolated.cli("--no-network", "--", "one", "a").stdout == "ran ['a'] __main__\n"
    assert isolated.cli("--no-network", "--", "json.tool", stdin="[1]").stdout == "[\n    1\n]\n"


def test_module_that_is_a_package_without_main_is_one_line(isolated):
    done = isolated.cli("--no-network", "--", "json")
    assert (done.code, len(done.errors)) == (1, 1), done.stderr
