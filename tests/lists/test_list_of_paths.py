"""--allow-write, --deny-write, --deny-read, --allow-read: by where a path really leads, whatever it is called."""

from __future__ import annotations

import os

import pytest
from path_attempts import PLACES, tree, tried

# (act, how it ends): "done", the option that refuses it, or the name of an ordinary error.
WRITES = (
    ("open('open/new', 'w').write('x')", "done"),
    ("open('open/file', 'a').write('x')", "done"),
    ("open('open/file', 'r+').write('x')", "done"),
    ("open('open/file', 'x')", "FileExistsError"),
    ("open('open/sub/../new2', 'w')", "done"),
    ("open('open/to_new', 'w')", "done"),
    ("open(b'open/bytes', 'wb')", "done"),
    ("open(Path('open/path'), 'w')", "done"),
    ("open('open/no/folder', 'w')", "FileNotFoundError"),
    ("open('open/', 'w')", "IsADirectoryError"),
    ("open('round', 'w')", "fs-readonly"),
    ("os.open('open/os', os.O_CREAT | os.O_WRONLY)", "done"),
    ("os.open('os2', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('open', os.O_RDONLY))", "done"),
    ("os.open('os2', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('other', os.O_RDONLY))", "fs-readonly"),
    ("os.open('../other/os', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('open', os.O_RDONLY))", "fs-readonly"),
    ("os.open('open', os.O_TMPFILE | os.O_RDWR)", "done"),
    ("os.open('other', os.O_TMPFILE | os.O_RDWR)", "fs-readonly"),
    ("open('/dev/null', 'w').write('x')", "done"),
    ("open(b'/dev/null', 'ab')", "done"),
    ("os.open(os.devnull, os.O_RDWR)", "done"),
    ("open('/dev/../dev/null', 'w')", "done"),
    ("open('openly', 'w')", "fs-readonly"),
    ("open('open_evil', 'w')", "fs-readonly"),
    ("open('open/../other/new', 'w')", "fs-readonly"),
    ("open('other/new', 'w')", "fs-readonly"),
    ("open('open/to_other', 'w')", "fs-readonly"),
    ("open('open/to_nothing', 'w')", "fs-readonly"),
    ("open('open/to_nothing', 'x')", "FileExistsError"),
    ("open('open/to_folder/new', 'w')", "fs-readonly"),
    ("open('/proc/self/cwd/other/new', 'w')", "fs-readonly"),
    ("open('other/to_open', 'a')", "done"),
    ("open('open/shut/new', 'w')", "deny-write"),
    ("open('open/sub/../shut/file', 'a')", "deny-write"),
    ("__import__('io').FileIO('other/file', 'a')", "fs-readonly"),
    ("__import__('io').FileIO('open/file', 'a')", "done"),
    ("__import__('_io').open('open/to_other', 'a')", "fs-readonly"),
)
CHANGES = (
    ("os.mkdir('open/made')", "done"),
    ("os.mkdir('other/made')", "fs-readonly"),
    ("os.mkdir('open/shut/made')", "deny-write"),
    ("os.mkdir('open/to_folder/made')", "fs-readonly"),
    ("os.rename('open/file', 'open/moved')", "done"),
    ("os.rename('open/moved', 'other/moved')", "fs-readonly"),
    ("os.rename('other/file', 'open/moved')", "fs-readonly"),
    ("os.rename('open/shut/file', 'open/moved')", "deny-write"),
    ("os.rename('open/moved', 'open/shut/file')", "deny-write"),
    ("os.rename('open/shut', 'open/opened')", "deny-write"),
    ("os.replace('open', 'opened')", "fs-readonly"),
    ("os.link('open/moved', 'open/linked')", "done"),
    ("os.link('other/file', 'open/linked2')", "fs-readonly"),
    ("os.link('open/to_other', 'open/linked2')", "fs-readonly"),
    ("os.link('open/shut/file', 'open/linked2')", "deny-write"),
    ("os.symlink('../other/file', 'open/symbolic')", "done"),
    ("open('open/symbolic', 'w')", "fs-readonly"),
    ("os.symlink('x', 'other/symbolic')", "fs-readonly"),
    ("os.chmod('open/moved', 0o600)", "done"),
    ("os.chmod('other/file', 0o600)", "fs-readonly"),
    ("os.chmod('open/to_other', 0o600)", "fs-readonly"),
    ("os.utime('open/moved')", "done"),
    ("os.utime('open/shut/file')", "deny-write"),
    ("os.utime('open/to_other')", "fs-readonly"),
    ("os.truncate('open/moved', 0)", "done"),
    ("os.truncate('open/to_other', 0)", "fs-readonly"),
    ("os.fchmod(os.open('open/moved', os.O_RDONLY), 0o600)", "done"),
    ("os.fchmod(os.open('other/file', os.O_RDONLY), 0o600)", "fs-readonly"),
    ("os.mkfifo('open/fifo')", "done"),
    ("os.mkfifo('other/fifo')", "fs-readonly"),
    ("os.mkfifo('fifo', dir_fd=os.open('other', os.O_RDONLY))", "fs-readonly"),
    ("os.remove('open/to_other')", "done"),
    ("os.remove('other/file')", "fs-readonly"),
    ("os.rmdir('open/made')", "done"),
    ("__import__('shutil').copyfile('other/file', 'open/copied')", "done"),
    ("__import__('shutil').copyfile('open/copied', 'other/copied')", "fs-readonly"),
    ("__import__('shutil').move('open/copied', 'open/sub')", "done"),
    ("__import__('shutil').rmtree('open/sub')", "done"),
    ("__import__('tempfile').mkstemp(dir='open')", "done"),
    ("__import__('tempfile').mkdtemp(dir='other')", "fs-readonly"),
    ("__import__('tempfile').NamedTemporaryFile(dir='open')", "done"),
)
READS = (
    ("open('other/file').read()", "done"),
    ("open('openly')", "done"),
    ("open('secret/file')", "deny-read"),
    ("open('secret/nothing')", "deny-read"),
    ("open('other/../secret/file', 'rb')", "deny-read"),
    ("open('open/to_secret')", "deny-read"),
    ("open('/proc/self/cwd/secret/file')", "deny-read"),
    ("os.open('secret/file', os.O_RDONLY)", "deny-read"),
    ("os.open('file', os.O_RDONLY, dir_fd=os.open('secret', os.O_PATH))", "deny-read"),
    ("__import__('io').FileIO('secret/file')", "deny-read"),
    ("os.listdir('secret')", "deny-read"),
    ("os.scandir('secret')", "deny-read"),
    ("os.rename('secret', 'open/seen')", "fs-readonly"),
    ("os.link('secret/file', 'open/seen')", "fs-readonly"),
    ("os.stat('secret/file') and None", "done"),
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("acts", [WRITES, CHANGES, READS], ids=["writes", "changes", "reads"])
def test_what_counts_is_where_a_path_leads(isolated, place, acts):
    tree(isolated)
    found = tried(isolated, place, [act for act, _ in acts])
    assert dict(zip([act for act, _ in acts], found, strict=True)) == dict(acts)
    assert (isolated.folder / "other/file").read_text() == "other/file\n"
    assert (isolated.folder / "open/shut/file").read_text() == "open/shut/file\n"
    assert not (isolated.folder / "other/nothing").exists()


@pytest.mark.parametrize("place", PLACES)
def test_deny_lists_work_alone(isolated, place):
    tree(isolated)
    acts = ("open('other/new', 'w')", "open('open/shut/new', 'w')", "open('secret/file')", "os.mkdir('made')")
    acts += ("os.rename('open', 'opened')", "os.rename('secret', 'open/seen')", "os.link('secret/file', 'seen')")
    acts += ("os.rename('other', 'another')",)
    options = ["--deny-write", "open/shut", "--deny-read=secret"]
    lists = {"deny_write": ["open/shut"], "deny_read": ["secret"]}
    found = tried(isolated, place, acts, options, lists)
    assert found == ["done", "deny-write", "deny-read", "done", "deny-write", "deny-read", "deny-read", "done"]


@pytest.mark.parametrize("place", PLACES)
def test_reads_are_given_back_beside_a_root(isolated, place):
    tree(isolated)
    acts = ("open('open/file')", "open('other/file')", "os.listdir('secret')", "open('secret/file')", "open('openly')")
    options = ["--fs-readonly=open", "--allow-read", "secret", "--deny-read", "secret/file"]
    lists = {"fs_readonly": True, "fs_root": "open", "allow_read": ["secret"], "deny_read": ["secret/file"]}
    found = tried(isolated, place, acts, options, lists)
    assert found == ["done", "fs-readonly", "done", "deny-read", "fs-readonly"]


@pytest.mark.parametrize("place", PLACES)
def test_what_may_be_written_only_is_not_moved_to_where_it_can_be_read(isolated, place):
    tree(isolated)
    acts = ("open('other/new', 'w')", "open('other/new')", "open('other/both', 'w+')", "open('other/made', 'x+')")
    acts += ("os.rename('other/file', 'open/seen')", "os.link('other/file', 'open/seen')")
    acts += ("os.rename('other/file', 'other/renamed')",)
    options = ["--fs-readonly=open", "--allow-write", "other", "--allow-write", "open"]
    lists = {"fs_readonly": True, "fs_root": "open", "allow_write": ["other", "open"]}
    found = tried(isolated, place, acts, options, lists)
    assert found == ["done", "fs-readonly", "fs-readonly", "done", "fs-readonly", "fs-readonly", "done"]


def test_inner_block_cannot_give_a_path_back(isolated):
    tree(isolated)
    isolated.passes("""
        from hermetic import PolicyViolation, hermetic_blocker
        with hermetic_blocker(fs_readonly=True, allow_write=["open"]):
            with hermetic_blocker(fs_readonly=True, allow_write=["open/sub", "other"]):
                open("open/sub/new", "w").close()
                for path in ("open/file", "other/file"):
                    try:
                        open(path, "w")
                    except PolicyViolation:
                        continue
                    raise SystemExit(path)
            open("open/file", "w").close()
    """)


@pytest.mark.parametrize("entry", ["", "*.txt", "a,b", "~nobody-of-this-name/x", "{a,b}"])
@pytest.mark.parametrize("option", ["--allow-write", "--deny-read"])
def test_what_is_no_path_is_refused_at_the_start(isolated, option, entry):
    done = isolated.cli("--fs-readonly", f"{option}={entry}", "--", "python", "-c", "")
    assert (done.code, len(done.errors)) == (1, 1), done
    assert "Traceback" not in done.stderr


def test_a_path_with_such_a_name_is_taken_when_it_exists(isolated):
    isolated.write("a,b/keep", "")
    done = isolated.cli("--fs-readonly", "--allow-write", "a,b", "--", "python", "-c", "open('a,b/new', 'w')")
    assert done.code == 0, done


def test_a_folder_of_such_a_name_says_nothing_of_what_is_not_there_yet(isolated):
    isolated.write("$a,b/keep", "")
    for entry in ("$a,b/new", f"{isolated.folder}/$a,b/new"):
        done = isolated.cli("--fs-readonly", "--allow-write", entry, "--", "python", "-c", "open('$a,b/new', 'w')")
        assert done.code == 0, done
    done = isolated.cli("--fs-readonly", "--allow-write=$a,b/$x", "--", "python", "-c", "")
    assert "and variables are not understood" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--allow-write", "x"], "--allow-write needs --fs-readonly"),
        (["--fs-readonly", "--allow-read", "x"], "--allow-read needs --fs-readonly=ROOT"),
    ],
)
def test_an_allowance_alone_is_refused(isolated, options, message):
    done = isolated.cli(*options, "--", "python", "-c", "")
    assert (done.code, done.errors) == (1, [f"hermetic: error: {message} or must be left out (see hermetic --help)"])


def test_entries_are_resolved_once(isolated):
    tree(isolated)
    (isolated.folder / "link").symlink_to("open")
    before = "os.remove('open/to_new'); os.rename('open/sub', 'open/gone')"
    acts = ("open('link/new', 'w')", "os.remove('link')", "open('other/file', 'w')")
    assert tried(isolated, "process", acts, ["--fs-readonly", "--allow-write=link"], before=before) == [
        "done",
        "fs-readonly",
        "fs-readonly",
    ]


def test_home_is_understood(isolated):
    done = isolated.cli("--fs-readonly", "--allow-write=~/made", "--", "python", "-c", "open('made', 'w')")
    assert (done.code, (isolated.folder / "made").exists()) == (0, True), done


def test_the_message_says_which_entry_and_what_would_allow_it(isolated):
    tree(isolated)
    done = isolated.script(["--fs-readonly", "--allow-write=open"], "open('open/to_other', 'w')")
    assert done.code == 2
    assert done.errors[-4] == f"hermetic: blocked action: filesystem readonly: {isolated.folder}/open/to_other"
    assert done.errors[-3] == "  blocked by: --fs-readonly"
    assert done.errors[-1] == f"  to allow it: --allow-write {isolated.folder}/other/file"
    done = isolated.script(["--deny-read=secret"], "open('secret/file')")
    assert done.errors[-4] == f"hermetic: blocked action: filesystem read denied: {isolated.folder}/secret/file"
    assert done.errors[-3] == "  blocked by: --deny-read"
    assert done.errors[-1] == f"  to allow it: leaving out --deny-read {isolated.folder}/secret"


def test_start_up_files_of_the_interpreter_need_an_entry_of_their_own(isolated, other):
    site = other.site
    acts = (
        f"open('{site}/plain.py', 'w')",
        f"open('{site}/x.pth', 'w')",
        f"open('{site}/sitecustomize.py', 'w')",
        f"os.mkdir('{site}/usercustomize')",
        f"os.symlink('/tmp/x', '{site}/y.pth')",
        f"os.rename('{site}/plain.py', '{site}/z.pth')",
        f"os.rename('{site}', '{site}-moved')",
        f"open('{other.folder}/pyvenv.cfg', 'a')",
        f"open('{site}/own.pth', 'w')",
    )
    code = "import json, os\nfound = []\n"
    for act in acts:
        code += f"try:\n    {act}\n    found.append('done')\nexcept OSError as e: found.append(str(e.reason))\n"
    isolated.write("target.py", code + "print(json.dumps(found))")
    options = ["--fs-readonly", f"--allow-write={other.folder}", f"--allow-write={site}/own.pth"]
    done = isolated.foreign(options, other.python, "./target.py")
    assert done.data == ["done", *["fs-readonly"] * 7, "done"], done


def test_other_interpreters_packages_are_ordinary_files(isolated, other):
    act = f"open('{other.site}/x.pth', 'w')"
    assert tried(isolated, "process", [act], ["--fs-readonly", f"--allow-write={other.folder}"]) == ["done"]


def test_processes_secrets_need_an_entry_of_their_own(isolated):
    tree(isolated)
    acts = ("open('/proc/self/environ')", f"open('/proc/{os.getppid()}/environ')", "open('/proc/version')")
    options = ["--fs-readonly=open", "--allow-read=/proc"]
    assert tried(isolated, "process", acts, options) == ["fs-readonly", "fs-readonly", "done"]
    options.append("--allow-read=/proc/self/environ")
    assert tried(isolated, "process", acts, options) == ["done", "fs-readonly", "done"]


def test_caches_are_written_where_writing_is_not_taken_away(isolated):
    isolated.write("secret/kept", "")
    isolated.write("module.py", "x = 1")
    isolated.write("secret/hidden.py", "x = 1")
    code = "import sys, module; sys.path.insert(0, 'secret'); import hidden; print(hidden.x)"
    done = isolated.script(["--deny-write=secret", "--strict"], code, env={"PYTHONDONTWRITEBYTECODE": None})
    assert (done.code, done.stdout) == (0, "1\n"), done
    assert [path.name[:6] for path in (isolated.folder / "__pycache__").iterdir()] == ["module"]
    assert not (isolated.folder / "secret/__pycache__").exists()


def test_a_root_may_begin_at_the_home_folder(isolated):
    (isolated.folder / "inside").mkdir()
    isolated.write("inside/x", "in")
    isolated.write("outside", "out")
    isolated.write("target.py", "print(open('inside/x').read())\nopen('outside')\n")
    done = isolated.cli("--fs-readonly=~/inside", "--", "./target.py", env={"HOME": str(isolated.folder)})
    assert (done.stdout, done.code) == ("in\n", 2), done
    assert f"read outside sandbox root: {isolated.folder / 'outside'}" in done.stderr
    unknown = isolated.cli("--fs-readonly=~nobody-of-this-name", "--", "./target.py")
    assert (unknown.code, unknown.errors[0]) == (
        1,
        "hermetic: error: there is no such home folder: '~nobody-of-this-name' (see hermetic --help)",
    )


@pytest.mark.parametrize("place", (*PLACES, "child"))
def test_history_is_written_where_the_list_lets_it(isolated, place):
    """The library behind readline opens the file itself, and announces nothing."""
    pytest.importorskip("readline")
    tree(isolated)
    acts = {
        "readline.write_history_file('open/history')": "done",
        "readline.write_history_file('openly')": "fs-readonly",
        "readline.write_history_file('open/shut/history')": "deny-write",
        "readline.append_history_file(1, 'open/history')": "done",
        "readline.append_history_file(1, 'other/file')": "fs-readonly",
        "readline.append_history_file(1, 'open/shut/file')": "deny-write",
    }
    assert tried(isolated, place, acts, before="import readline; readline.add_history('x')") == [*acts.values()]


@pytest.mark.parametrize("place", (*PLACES, "child"))
@pytest.mark.parametrize("allowed", ["open", "/dev/shm"])
def test_shared_memory_is_a_file_of_its_folder(isolated, place, allowed):
    """C finds the place of what it is given the name of."""
    pytest.importorskip("_posixshmem")
    tree(isolated)
    name = f"/hermetic-{os.getpid()}-{place}"
    acts = [
        f"os.close(_posixshmem.shm_open({name!r}, os.O_CREAT | os.O_RDWR, 0o600))",
        f"_posixshmem.shm_unlink({name!r})",
    ]
    found = tried(
        isolated,
        place,
        acts,
        ["--fs-readonly", "--allow-write", allowed],
        {"fs_readonly": True, "allow_write": [allowed]},
        "import _posixshmem",
    )
    assert found == (["fs-readonly"] * 2 if allowed == "open" else ["done"] * 2)


FORKED = """
def forked(act):
    child = os.fork()
    if not child:
        try:
            act().close()
            os._exit(0)
        except BaseException as error:
            os._exit(3 if getattr(error, "guard", None) else 4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("place", PLACES)
def test_a_fork_opens_by_its_own_descriptors(isolated, place):
    """What is opened is named by a number, which in the parent is nothing, or another file."""
    tree(isolated)
    acts = [
        "forked(lambda: open('open/file'))",
        "forked(lambda: open('open/file', 'w'))",
        "forked(lambda: open('open/n', 'x'))",
    ]
    assert tried(isolated, place, acts, before=FORKED) == ["done"] * 3
