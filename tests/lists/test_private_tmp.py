"""--private-tmp: a temporary folder of one run or block, writable, named by TMPDIR and tempfile, and gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from path_attempts import PLACES, tried

ACTS = (
    "__import__('tempfile').NamedTemporaryFile()",
    "__import__('tempfile').TemporaryFile().write(b'x') and None",
    "__import__('shutil').rmtree(__import__('tempfile').mkdtemp())",
    "open(os.path.join(os.environ['TMPDIR'], 'x'), 'w+').write('x') and None",
    "os.mkdir(os.path.join(__import__('tempfile').gettempdir(), 'made'), 0o500)",
    "open('beside', 'w')",
)
LEAVE = """
import os, signal, sys, tempfile
made = tempfile.mkdtemp()
open(made + "/locked", "w").close()
os.symlink("/", made + "/link")
os.chmod(made, 0o500)
print(tempfile.gettempdir(), flush=True)
{end}
"""


def is_gone(done) -> bool:
    folder = Path(done.stdout.splitlines()[0])
    return folder.name.startswith("hermetic-") and not folder.exists()


@pytest.mark.parametrize("place", PLACES)
def test_temporary_files_work_and_nothing_else_is_written(isolated, place):
    lists = {"fs_readonly": True, "private_tmp": True}
    found = tried(isolated, place, ACTS, ["--fs-readonly", "--private-tmp"], lists)
    assert found == ["done"] * 5 + ["fs-readonly"]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", 0),
        ("sys.exit(7)", 7),
        ("os._exit(300 & 0xFF)", 44),
        ("raise ValueError", 1),
        ("open('/x', 'w')", 2),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5),
    ],
)
def test_the_folder_is_gone_however_the_run_ends(isolated, end, status):
    done = isolated.script("--fs-readonly --private-tmp", LEAVE.format(end=end))
    assert (done.code, is_gone(done)) == (status, True), done


def test_a_run_under_a_root_reads_what_it_wrote(isolated):
    isolated.write("root/keep", "")
    code = "import tempfile; f = tempfile.NamedTemporaryFile('w'); f.write('x'); f.flush(); print(open(f.name).read())"
    done = isolated.script(["--fs-readonly=root", "--private-tmp"], code)
    assert (done.code, done.stdout) == (0, "x\n"), done


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="arenas lie in the temporary folder")
@pytest.mark.parametrize("place", PLACES)
def test_values_and_arrays_are_shared_by_processes(isolated, place):
    """werkzeug's debugger counts in one. They are made in /dev/shm, whatever the temporary folder is."""
    acts = (
        "__import__('multiprocessing').Value('i', 1) and None",
        "__import__('multiprocessing').Array('i', 9) and None",
    )
    lists = {"fs_readonly": True, "private_tmp": True}
    assert tried(isolated, place, acts, ["--fs-readonly", "--private-tmp"], lists) == ["done"] * 2


def test_a_scrubbed_run_and_its_children_find_the_folder(isolated):
    code = """
        import subprocess, tempfile
        print(tempfile.gettempdir())
        print(subprocess.run(["sh", "-c", 'echo "$TMPDIR"'], capture_output=True, text=True).stdout, end="")
    """
    done = isolated.script("--fs-readonly --private-tmp --no-environment", code)
    mine, childs = done.stdout.splitlines()
    assert (done.code, mine, is_gone(done)) == (0, childs, True), done


def test_what_needs_a_socket_or_a_lock_in_a_file_works(isolated):
    code = """
        import multiprocessing
        def double(x): return 2 * x
        if __name__ == "__main__":
            for method in ("fork", "spawn", "forkserver"):
                context = multiprocessing.get_context(method)
                with context.Manager() as manager, context.Pool(1) as pool:
                    print(method, manager.dict(a=1)["a"], pool.map(double, [1]))
    """
    done = isolated.script("--fs-readonly --private-tmp", code)
    assert (done.code, done.stdout.split()) == (0, "fork 1 [2] spawn 1 [2] forkserver 1 [2]".split()), done


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_signals_reach_the_program_once(isolated, number):
    isolated.write(
        "target.py",
        f"""
        import signal, sys, tempfile, time
        counted = []
        signal.signal({int(number)}, lambda *_: counted.append(1))
        print(tempfile.gettempdir(), flush=True)
        deadline = time.monotonic() + 30
        while not counted and time.monotonic() < deadline: time.sleep(0.01)
        time.sleep(0.2)
        print(len(counted))
        """,
    )
    process = isolated.start("-m", "hermetic", "--fs-readonly", "--private-tmp", "--", "./target.py")
    folder = process.stdout.readline().strip()
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "1\n")
    assert not os.path.exists(folder)


def test_who_dies_of_a_signal_has_a_parent_that_does(isolated):
    isolated.write("target.py", "import tempfile, time; print(tempfile.gettempdir(), flush=True); time.sleep(60)")
    process = isolated.start("-m", "hermetic", "--fs-readonly", "--private-tmp", "--", "./target.py")
    folder = process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert not os.path.exists(folder)


def test_a_reader_sees_the_end_of_what_the_program_closes(isolated):
    # The waiting parent holds no end of the pipe.
    isolated.write("target.py", "import os, time; os.write(1, b'said'); os.close(1); time.sleep(1.5)")
    process = isolated.start("-m", "hermetic", "--fs-readonly", "--private-tmp", "--", "./target.py")
    assert process.stdout.read() == "said"
    assert process.poll() is None
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_block_has_one_and_gives_back_what_was_there(isolated):
    isolated.passes("""
        import os, tempfile
        from hermetic import PolicyViolation, hermetic_blocker
        before, variable = tempfile.gettempdir(), os.environ["TMPDIR"]
        blocker = hermetic_blocker(fs_readonly=True, private_tmp=True)
        for _ in range(2):
            with blocker:
                mine = tempfile.gettempdir()
                assert mine == os.environ["TMPDIR"] != before
                open(mine + "/x", "w").close()
                with blocker:
                    assert tempfile.gettempdir() == mine
                    open(mine + "/x", "a").close()
                with hermetic_blocker(fs_readonly=True, private_tmp=True):
                    inner = tempfile.gettempdir()
                    assert inner != mine
                    open(inner + "/x", "w").close()
                    try:
                        open(mine + "/y", "w")
                    except PolicyViolation:
                        pass
                    else:
                        raise SystemExit("an inner block widened the outer one's list")
                assert not os.path.exists(inner)
                assert tempfile.gettempdir() == mine
            assert not os.path.exists(mine)
            assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (before, variable)
    """)


def test_a_block_before_tempfile_was_used_leaves_it_unused(isolated):
    isolated.passes("""
        import os
        from hermetic import hermetic_blocker
        with hermetic_blocker(fs_readonly=True, private_tmp=True):
            import tempfile
            mine = tempfile.gettempdir()
        assert not os.path.exists(mine)
        assert tempfile.gettempdir() == os.path.realpath(os.environ["TMPDIR"])
    """)


def test_a_sealed_block_keeps_it_to_the_end(isolated):
    done = isolated.passes("""
        import tempfile
        from hermetic import hermetic_blocker
        with hermetic_blocker(fs_readonly=True, private_tmp=True, sealed=True):
            pass
        open(tempfile.gettempdir() + "/x", "w").close()
        print(tempfile.gettempdir())
    """)
    assert is_gone(done)


def test_it_needs_something_to_relax(isolated):
    done = isolated.cli("--private-tmp", "--", "python", "-c", "")
    assert (done.code, done.errors) == (
        1,
        ["hermetic: error: --private-tmp needs --fs-readonly or must be left out (see hermetic --help)"],
    )


def test_nothing_is_made_for_a_target_that_is_not_found(isolated):
    assert isolated.cli("--fs-readonly", "--private-tmp", "--", "./nothing.py").code == 1


def test_a_machine_that_cannot_fork_removes_the_folder_at_the_end(isolated):
    isolated.passes("""
        import os
        from hermetic import private_tmp
        del os.fork
        folder = private_tmp.in_child()
        open(folder + "/x", "w").close()
        import atexit
        atexit._run_exitfuncs()
        assert not os.path.exists(folder)
    """)


DAEMON = """
import json, os, sys, tempfile, time
folder, log = tempfile.gettempdir(), sys.argv[1]
print(folder, flush=True)
below = os.path.join(folder, "below")
os.mkdir(below)
kept = os.open(below, os.O_RDONLY)
os.chdir(below)
if os.fork():
    os._exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
deadline = time.monotonic() + 30
while os.path.exists(folder) and time.monotonic() < deadline:
    try:
        open(f"x{time.monotonic()}", "w").close()
        open(f"{folder}/{time.monotonic()}", "w").close()
    except OSError:
        pass
found = []
for act in (
    lambda: open(folder + "/late", "w"),
    lambda: open("late", "w"),
    lambda: os.open("late", os.O_CREAT | os.O_WRONLY, dir_fd=kept),
    lambda: os.mkdir(folder),
    lambda: os.makedirs(folder + "/late"),
    lambda: os.symlink("/", folder),
    lambda: open(folder, "w"),
    lambda: tempfile.mkdtemp(),
):
    try:
        act()
        found.append("done")
    except OSError as error:
        found.append(getattr(error, "reason", type(error).__name__))
with open(log + "/new", "w") as file:
    json.dump(found, file)
os.replace(log + "/new", log + "/found")
"""


def test_a_daemon_finds_the_folder_gone_and_makes_it_not_anew(isolated):
    log = isolated.folder / "log"
    log.mkdir()
    isolated.write("target.py", DAEMON)
    done = isolated.cli(
        "--kernel=off", "--fs-readonly", "--private-tmp", "--allow-write=log", "--", "./target.py", str(log)
    )
    assert done.code == 0, done
    deadline = time.monotonic() + 30
    while not (log / "found").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    found = json.loads((log / "found").read_text())
    assert found[0] in ("FileNotFoundError", "fs-readonly")
    assert found[3:7] == ["fs-readonly"] * 4
    assert "done" not in found
    assert is_gone(done)
    assert not Path(done.stdout.split()[0] + "-ended").exists()


@pytest.mark.parametrize("place", ["run", "unset run", "block"])
def test_a_block_has_its_folder_where_variables_are_taken_away(isolated, place):
    code = """
        import contextlib, os, subprocess, sys, tempfile
        from hermetic import hermetic_blocker

        def childs():
            return subprocess.run(["sh", "-c", 'echo "$TMPDIR"; env'], capture_output=True, text=True).stdout.split()

        with hermetic_blocker(block_environment=True) if OUTER else contextlib.nullcontext():
            before = childs()[0]
            with hermetic_blocker(fs_readonly=True, private_tmp=True):
                with tempfile.NamedTemporaryFile() as file:
                    inside = childs()
                    assert os.path.dirname(file.name) == inside[0] == os.popen('echo "$TMPDIR"').read().strip()
                assert "SECRET=hidden" not in inside
            assert childs()[0] == before != inside[0]
        print("done")
    """.replace("OUTER", str(place == "block"))
    if place == "block":
        assert isolated.passes(code, env={"SECRET": "hidden"}).stdout == "done\n"
        return
    isolated.write("target.py", code)
    option = "--no-environment" if place == "run" else "--no-environment=unset"
    done = isolated.cli(option, "--", "./target.py", env={"SECRET": "hidden"})
    assert (done.code, done.stdout) == (0, "done\n"), done


AT_ONCE = """
import os, sys, tempfile, threading
from hermetic import hermetic_blocker, with_hermetic

KEYWORDS = dict(fs_readonly=True, private_tmp=True)
found = [{found}, os.environ.get("TMPDIR")]

def write():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    return tempfile.gettempdir()

def is_as_before():
    assert [tempfile.tempdir, os.environ.get("TMPDIR")] == found, (tempfile.tempdir, os.environ.get("TMPDIR"), found)
    assert not [folder for folder in folders if os.path.exists(folder)]
"""


@pytest.mark.parametrize("found", ["tempfile.tempdir", "tempfile.gettempdir()"], ids=["unused", "used"])
@pytest.mark.parametrize("other", ["block", "hermetic_blocker(**KEYWORDS)"], ids=["one", "two"])
def test_blocks_with_folders_are_left_in_any_order(isolated, found, other):
    isolated.passes(
        AT_ONCE.format(found=found)
        + f"""
block = hermetic_blocker(**KEYWORDS)
for first, second in ((0, 1), (1, 0)) * 2:
    folders = []
    entered = [block, {other}]
    for one in entered:
        one.__enter__()
        folders.append(write())
        open(os.path.join(folders[-1], "kept"), "w").close()
    assert (folders[0] == folders[1]) == (entered[0] is entered[1])
    entered[first].__exit__(None, None, None)
    assert write() == folders[second]
    open(os.path.join(folders[second], "kept"), "r+").close()
    entered[second].__exit__(None, None, None)
    is_as_before()
"""
    )


def test_threads_in_one_block_have_one_folder(isolated):
    isolated.passes(
        AT_ONCE.format(found="tempfile.gettempdir()")
        + """
both, left = threading.Barrier(2, timeout=30), threading.Event()
results = []

@with_hermetic(**KEYWORDS)
def guarded(is_last):
    name = os.path.join(write(), str(is_last))
    open(name, "w").close()
    both.wait()
    if is_last:
        assert left.wait(30)
        assert os.path.exists(name)
        assert write() == os.path.dirname(name)
    return os.path.dirname(name)

def run(is_last):
    try:
        results.append(guarded(is_last))
    except BaseException as error:
        results.append(repr(error))
    left.set()

threads = [threading.Thread(target=run, args=(is_last,)) for is_last in (False, True)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert results[0] == results[1], results
folders = results
is_as_before()
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("sealed", [False, True])
def test_a_fork_that_leaves_the_block_leaves_the_folder(isolated, sealed):
    isolated.passes(
        AT_ONCE.format(found="tempfile.gettempdir()")
        + f"""
with hermetic_blocker(**KEYWORDS, sealed={sealed}):
    folders = [write()]
    child = os.fork()
    if not child:
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert write() == folders[0]
{"" if sealed else "is_as_before()"}
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_while_another_thread_takes_a_folder_away_can_enter_a_block(isolated):
    isolated.passes(
        AT_ONCE.format(found="tempfile.gettempdir()")
        + """
import shutil, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
removes, go_on, waited = threading.Event(), threading.Event(), []
def remove(*args, original=shutil.rmtree, **keywords):
    if threading.current_thread() is thread:
        removes.set()
        waited.append(go_on.wait(20))
    return original(*args, **keywords)
shutil.rmtree = remove

def guarded():
    with hermetic_blocker(**KEYWORDS):
        return write()

thread = threading.Thread(target=guarded)
thread.start()
assert removes.wait(20)
guarded()
assert not waited  # nor does another thread wait
child = os.fork()
if not child:
    guarded()
    os._exit(7)
end = time.monotonic() + 10
while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
    time.sleep(0.002)
if ended == (0, 0):
    os.kill(child, 9)
    os.waitpid(child, 0)
go_on.set()
thread.join()
assert os.waitstatus_to_exitcode(ended[1]) == 7, ended
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_takes_no_folder_away_in_which_its_parent_is(isolated):
    isolated.passes(
        AT_ONCE.format(found="tempfile.gettempdir()")
        + """
outer, inner = hermetic_blocker(**KEYWORDS), hermetic_blocker(**KEYWORDS)
outer.__enter__()
inner.__enter__()
folders = [write()]
outer.__exit__(None, None, None)
child = os.fork()
if not child:
    inner.__exit__(None, None, None)
    with hermetic_blocker(**KEYWORDS):
        write()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert write() == folders[0]
inner.__exit__(None, None, None)
is_as_before()
"""
    )


def test_a_folder_that_another_block_keeps_from_going_goes_at_the_end(isolated):
    done = isolated.passes(
        AT_ONCE.format(found="tempfile.gettempdir()")
        + """
block, other = hermetic_blocker(**KEYWORDS), hermetic_blocker(fs_readonly=True)
block.__enter__()
print(write())
other.__enter__()
block.__exit__(None, None, None)
other.__exit__(None, None, None)
"""
    )
    assert is_gone(done)


def test_a_place_that_the_program_chose_meanwhile_stays(isolated):
    isolated.passes(
        """
    import os
    from hermetic import hermetic_blocker
    with hermetic_blocker(fs_readonly=True, private_tmp=True):
        os.environ["TMPDIR"] = "/chosen"
    assert os.environ["TMPDIR"] == "/chosen"
    """
    )
