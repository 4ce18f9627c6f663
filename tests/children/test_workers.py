"""multiprocessing and concurrent.futures: workers work, and are guarded."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

PROGRAM = """
import concurrent.futures, multiprocessing, os, socket, sys
def double(n):
    return 2 * n
def attempt(n):
    try:
        import colorsys
    except ImportError as error:
        return str(error)
    return "free"
def main():
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print(pool.map(double, [1, 2]), set(pool.map(attempt, [1, 2])))
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print(list(pool.map(double, [3])), pool.submit(attempt, 1).result())
    queue = context.Queue()
    worker = context.Process(target=queue.put, args=(os.getpid(),))
    worker.start()
    print(queue.get() == os.getpid(), worker.join(), worker.exitcode)
if __name__ == "__main__":
    main()
"""
HELD = "[2, 4] {'import blocked: colorsys'}\n[6] import blocked: colorsys\nTrue None 0\n"
OPTIONS = ["--no-network", "--no-environment", "--block-native", "--no-interpreter-mutation", "--seal", "--fs-readonly"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("option", OPTIONS)
def test_pools_work_and_are_held(isolated, method, option):
    if (method, option) == ("forkserver", "--fs-readonly"):
        pytest.skip("listens on a socket in a folder, which that policy refuses")
    isolated.write("target.py", PROGRAM)
    done = isolated.cli("--deny-import", "colorsys", option, "--", "./target.py", method)
    assert (done.code, done.stdout, done.stderr) == (0, HELD, "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_a_block_are_held(isolated, method):
    body = PROGRAM.replace("    main()\n", "    with hermetic_blocker(deny_imports=['colorsys']):\n        main()\n")
    isolated.write("target.py", "from hermetic import hermetic_blocker\n" + body)
    assert isolated.python("target.py", method).stdout == HELD


@pytest.mark.parametrize("option", ["--no-network", "--seal", "--no-environment", "--report-only"])
def test_what_starts_and_ends_processes_is_handed_to_workers_by_its_name(isolated, option):
    code = """
    import multiprocessing, os, pickle
    if __name__ == "__main__":
        for function in (os.system, os.execv, os.execve, os.posix_spawn, os.posix_spawnp, os._exit):
            assert pickle.loads(pickle.dumps(function)) is function
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            print(pool.map(os.system, ["true"]))
        worker = context.Process(target=os._exit, args=(3,))
        worker.start()
        print(worker.join(), worker.exitcode)
    """
    done = isolated.script(f"--no-network {option}", code)
    assert (done.code, done.stdout) == (0, "[0]\nNone 3\n"), done.stderr


def test_a_worker_that_leaves_the_block_behind_stays_held(isolated):
    """What holds is what was in force when the worker was started."""
    isolated.write(
        "target.py",
        """
    import multiprocessing, sys
    from hermetic import hermetic_blocker
    def attempt(queue):
        try:
            import colorsys
            queue.put("free")
        except ImportError as error:
            queue.put(str(error))
    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        with hermetic_blocker(deny_imports=["colorsys"]):
            first = context.Process(target=attempt, args=(queue,))
            first.start()
        print(queue.get())
        second = context.Process(target=attempt, args=(queue,))
        second.start()
        print(queue.get())
        first.join(), second.join()
    """,
    )
    assert isolated.python("target.py").stdout == "import blocked: colorsys\nfree\n"


SERVERS = """
import multiprocessing, sys
from hermetic import hermetic_blocker
def attempt(queue):
    try:
        import colorsys
        queue.put("free")
    except ImportError as error:
        queue.put(str(error))
def work():
    queue = context.SimpleQueue()
    worker = context.Process(target=attempt, args=(queue,))
    worker.start()
    print(queue.get(), worker.join(), worker.exitcode)
    return worker
if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    work()
    first = multiprocessing.forkserver._forkserver._forkserver_pid
    slow = context.Process(target=__import__("time").sleep, args=(1,))
    slow.start()
    for _ in range(2):
        with hermetic_blocker(deny_imports=["colorsys"]):
            work()
            second = multiprocessing.forkserver._forkserver._forkserver_pid
            with hermetic_blocker(block_network=True, deny_imports=["wave"]):
                pass
    try:
        with hermetic_blocker(block_subprocess=True):
            work()
    except Exception as error:
        print(error)
    work()
    print(multiprocessing.forkserver._forkserver._forkserver_pid == first != second)
    print(slow.join(), slow.exitcode)
"""


def test_a_fork_server_of_before_serves_no_block(isolated):
    """Its workers would be under the policies of when it was started. Outside it goes on."""
    isolated.write("target.py", SERVERS)
    done = isolated.python("target.py")
    held, free = "import blocked: colorsys None 0", "free None 0"
    assert done.stdout.splitlines() == [
        *(free, held, held, "subprocess disabled: _posixsubprocess.fork_exec", free, "True", "None 0")
    ], done
