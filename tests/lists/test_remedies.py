"""What a message says would allow an act does allow it: the remedy is put on the command line, and the act is done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses programs of Unix")
PROGRAM = """
import json, os, socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
try:
    ACT
except Exception as error:
    remedy = getattr(error, "remedy", None)
    print(json.dumps(["refused", remedy] if remedy else [type(error).__name__]))
else:
    print(json.dumps(["done"]))
"""
LISTED = "--no-subprocess --allow-run true"
# (options, act, what becomes of it in the end)
ACTS = [
    ("--fs-readonly", "open('st*r', 'w')", "done"),
    ("--fs-readonly", "open('below/a,b[1]', 'w')", "done"),
    ("--fs-readonly", "open('below/{0}/x', 'w')", "FileNotFoundError"),
    ("--fs-readonly --allow-write=top", "os.open('x', os.O_RDWR | os.O_CREAT, dir_fd=os.open('below', 0))", "done"),
    ("--fs-readonly=below", "open('top')", "done"),
    ("--fs-readonly=below", "open('to*p')", "FileNotFoundError"),
    # What is made beside an entry to be moved there, as pytest's cache and files that are replaced whole.
    ("--fs-readonly --allow-write=new", "__import__('tempfile').mkdtemp(dir='.')", "done"),
    ("--fs-readonly --allow-write=top", "__import__('tempfile').mkstemp(dir=os.getcwd())", "done"),
    # Files that are replaced whole are made in a folder that the program names: no folder of the run's own is one.
    *(
        (f"--fs-readonly{more}", f"__import__('tempfile').{maker}(dir='below')", "done")
        for maker in ("mkstemp", "mkdtemp", "NamedTemporaryFile")
        for more in ("", " --private-tmp", " --allow-write=below/new")
    ),
    ("--fs-readonly", "__import__('sqlite3').connect('below/a.db').execute('create table t (x)')", "done"),
    ("--no-network", "socket.socket().connect(('127.0.0.1', port))", "done"),
    ("--no-network", "socket.socket(socket.AF_UNIX).connect('./none.sock')", "FileNotFoundError"),
    ("--no-network", "socket.socket().bind(('0.0.0.0', 0))", None),
    ("--no-subprocess", "subprocess.run(['sleep', '0'])", "done"),
    ("--no-subprocess", "subprocess.run('true', shell=True)", "done"),
    ("--no-subprocess", "os.execvp('sleep', ['sleep', '0'])", None),
    (LISTED, "os.posix_spawnp('sleep', ['sleep', '0'], {})", "done"),
    (LISTED, "subprocess.run(['./tool'])", "done"),
    (LISTED, "subprocess.run(['./tool'], cwd='below')", "done"),
    (LISTED, "subprocess.run(['tool'], env={'PATH': os.getcwd() + '/below'}, executable='below/tool')", "done"),
    (LISTED, "subprocess.run(['below/true'])", "done"),
    (LISTED, "subprocess.run([sys.executable, '-c', ''])", "done"),
    ("--no-environment", "os.environ['HOME']", "done"),
    ("--no-environment", "os.environ.__setitem__('NEW', 'x')", "done"),
]


@pytest.mark.parametrize(("options", "act", "end"), ACTS, ids=[act for _, act, _ in ACTS])
def test_a_remedy_that_is_applied_helps(isolated, options, act, end):
    for name in ("tool", "below/tool", "below/true"):
        isolated.write(name, "#!/bin/sh\nexit 0\n", 0o755)
    isolated.write("top", "")
    refused, remedy = isolated.script(options, PROGRAM.replace("ACT", act)).data
    assert (refused, remedy[:8]) == ("refused", "--allow-"), remedy
    first = remedy.partition(", or ")[0].partition(" for ")[0].partition(" ")
    given = [*options.split(), *[word for word in (first[0], first[2]) if word]]
    done = isolated.cli(*given, "--", "./target.py")
    if end is None:
        assert done.code == 0 and "refused" not in done.stdout, done
    else:
        assert done.data == [end], done


@pytest.mark.parametrize("maker", ["mkstemp", "mkdtemp", "NamedTemporaryFile"])
@pytest.mark.parametrize(
    ("options", "begins"), [("", "--private-tmp, or a folder"), (" --private-tmp", "a temporary file")]
)
def test_everybodys_folder_is_not_to_be_given_back(isolated, maker, options, begins):
    act = f"__import__('tempfile').{maker}(dir='/tmp')"
    refused, remedy = isolated.script(f"--fs-readonly{options}", PROGRAM.replace("ACT", act)).data
    assert (refused, remedy[: len(begins)]) == ("refused", begins)


@pytest.mark.parametrize("options", ["--no-subprocess", LISTED])
@pytest.mark.parametrize("act", ["subprocess.run(['no-such-program'])", "os.execvp('no-such-program', ['x'])"])
def test_a_program_that_is_nowhere_is_not_to_be_listed(isolated, options, act):
    """matplotlib asks fc-list: that there is none is an error it copes with, as a word of a list it is one it cannot."""
    refused, remedy = isolated.script(options, PROGRAM.replace("ACT", act)).data
    assert (refused, remedy) == ("refused", "running without --no-subprocess")


MADE = {
    "a copy": "shutil.copy(shutil.which('true'), 'mine')",
    "a link": "os.symlink(sys.executable, 'mine')",
    "a script": "open('mine', 'w').write('#!/bin/sh\\n'); os.chmod('mine', 0o755)",
}


@pytest.mark.parametrize("options", ["--no-subprocess", LISTED])
@pytest.mark.parametrize("how", MADE)
def test_what_the_run_has_made_is_not_to_be_listed(isolated, options, how):
    """As python -m venv: the entry would be wrong in a clean folder, and out of date in any."""
    code = f"import os, shutil, sys; {MADE[how]}\n{PROGRAM}"
    refused, remedy = isolated.script(options, code.replace("ACT", "subprocess.run([os.path.abspath('mine')])")).data
    assert (refused, remedy.partition(":")[0]) == ("refused", "running without --no-subprocess")


def test_an_address_of_this_machine_may_be_named(isolated):
    code = """
        import json, socket
        server = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
        from hermetic import PolicyViolation, allowed, hermetic_blocker
        with hermetic_blocker(block_network=True, allow_hosts=[f"127.0.0.1:{port}"]):
            assert allowed("connect", f"localhost:{port}")
            for make in (socket.socket, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)):
                make().connect(("localhost", port))
            for name in ("localhost", "127.0.0.1"):
                assert not allowed("connect", f"{name}:{port - 1}")
                try:
                    socket.socket().connect((name, port - 1))
                except PolicyViolation:
                    continue
                raise SystemExit(name)
        print(json.dumps("done"))
    """
    assert isolated.passes(code).data == "done"


NAMES = [
    "a b",
    "it's",
    'say "x"',
    "c;d",
    "$x",
    "back\\slash",
    "new\nline",
    "\x1b[31m",
    "(x) & y",
    "caf\u00e9 x",
    "plain",
    "~x",
    "#y",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_what_is_shown_can_be_pasted(isolated, name):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    isolated.write(name, "")
    code = f"open({name!r}, 'w')"
    done = isolated.script("--fs-readonly", code)
    assert done.code == 2
    assert all(line.isprintable() for line in done.errors)
    remedy = done.errors[-1].removeprefix("  to allow it: ")
    shown = subprocess.run([bash, "-c", f"printf '%s\\0' {remedy}"], capture_output=True, check=True).stdout
    words = os.fsdecode(shown).split("\0")[:-1]
    assert words == ["--allow-write", str(isolated.folder.resolve() / name)]
    assert isolated.script(["--fs-readonly", *words], code).code == 0


@pytest.mark.skipif(not os.path.isdir("/tmp"), reason="no such folder")
def test_what_everybody_writes_to_is_not_given_back_for_an_entry_that_lies_there(isolated):
    act = "__import__('tempfile').mkdtemp(dir='/tmp')"
    options = "--fs-readonly --allow-write=/tmp/hermetic-not-there"
    refused, remedy = isolated.script(options, PROGRAM.replace("ACT", act)).data
    assert (refused, remedy.partition(",")[0]) == ("refused", "--private-tmp"), remedy


@pytest.mark.parametrize("act", ["import gc; gc.get_referrers(gc)", "import sys; sys.setprofile(print)"])
def test_what_only_a_seal_takes_away_is_refused_in_its_name(isolated, act):
    """hypothesis looks for referrers, profilers set a function: both work under the same policy without a seal."""
    done = isolated.script("--no-network --seal", act)
    assert (done.code, done.errors[-3], done.errors[-1]) == (
        2,
        "  blocked by: --seal",
        "  to allow it: running without --seal",
    )
    assert isolated.script("--no-network", act).code == 0


@pytest.mark.skipif(not hasattr(os, "chroot"), reason="no such call")
@pytest.mark.parametrize(
    ("options", "by", "remedy"),
    [
        (["--fs-readonly"], "--fs-readonly", "running without --fs-readonly"),
        (["--deny-read", "x"], "--deny-read", "running without --deny-read"),
        (["--deny-write", "x"], "--deny-write", "running without --deny-write"),
        (["--no-subprocess", "--allow-run", sys.executable], "any policy protects the guards themselves", "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_no_list_can_judge_is_refused_by_the_option_that_was_given(isolated, options, by, remedy):
    done = isolated.script(options, "import os; os.chroot('/')")
    assert done.errors[-3] == f"  blocked by: {by}", done.stderr
    assert done.errors[-1].startswith(f"  to allow it: {remedy}")


def test_a_message_names_what_lies_in_the_folder_that_was_meant(isolated):
    isolated.write("below/kept/secret", "")
    done = isolated.script(
        "--deny-read below/kept",
        """
import json, os, shutil
folder, here, found = os.open("below", os.O_RDONLY), os.getcwd(), []
os.chdir("/")
for act in (
    lambda: os.open("kept", os.O_RDONLY, dir_fd=folder),
    lambda: os.open("kept/secret", os.O_RDONLY, dir_fd=folder),
    lambda: shutil.rmtree(here + "/below"),
):
    try:
        act()
    except PermissionError as error:
        found.append([str(error), os.path.relpath(error.filename, here)])
print(json.dumps([here, found]))
""",
    )
    here, found = done.data
    assert [path for _, path in found] == ["below/kept", "below/kept/secret", "below/kept"]
    assert all(text == f"filesystem read denied: {here}/{path}" for text, path in found)
