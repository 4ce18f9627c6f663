"""What is measured: one function per subject; ROWS, at the end, gives them their names for the command line."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from place import alone
from rounds import Row, commands_by_turns, peak_memory, workers_by_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from place import Place

    Measure = Callable[["Place", "Scale"], list[Row]]

EVERYTHING = "--profile block-all"
DEPTHS = range(1, 10)
RSS = """\
import os, sys
pages = int(open("/proc/self/statm").read().split()[1])
os.write(int(sys.argv[1]), str(pages * 4096 / 1048576).encode())
"""


class Scale:
    """How often things are repeated."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.starts = 15 if quick else 60
        self.rounds = 7 if quick else 25
        self.programs = 2 if quick else 5

    def repetitions(self, full: int) -> int:
        """Per question to a worker."""
        return max(1, full // 5) if self.quick else full


def starting(options: str, target: float | None) -> Measure:
    """A hello-world script, from the shell to its end."""

    def measure(place: Place, scale: Scale) -> list[Row]:
        guarded = [place.hermetic, *alone(options), "--", place.script]
        commands = [[place.python, place.script], guarded]
        plain, took = commands_by_turns(commands, place.environment, scale.starts)
        shown = " ".join(["start-up: hermetic", *options.split(), "-- t.py"])
        return [Row(shown, plain, took, "ms", "difference", target)]

    return measure


def starting_foreign(place: Place, scale: Scale) -> list[Row]:
    """The same script in an environment of its own, where hermetic is not installed."""
    python = place.other_python()
    rows = []
    for options, target in (("--no-network", 30.0), (EVERYTHING, None)):
        guarded = [place.hermetic, *alone(options), "--", python, place.script]
        plain, took = commands_by_turns([[python, place.script], guarded], place.environment, scale.starts)
        shown = f"start-up: hermetic {options} -- OTHER/bin/python t.py"
        rows.append(Row(shown, plain, took, "ms", "difference", target))
    return rows


def child(place: Place, scale: Scale) -> list[Row]:
    """A Python child of a guarded program, from subprocess.run to its end."""
    rows = []
    for options, target in (("--no-network", 20.0), ("--fs-readonly", None)):
        commands = [place.plain_worker("start_child"), place.guarded_worker(options, "start_child")]
        plain, guarded = workers_by_turns(commands, place.environment, scale.starts, 1)
        shown = f"subprocess.run of a Python child, {options}"
        rows.append(Row(shown, plain / 1000, guarded / 1000, "ms", "difference", target))
    return rows


def importing(place: Place, scale: Scale) -> list[Row]:
    """``import hermetic``, in a process of its own."""
    commands = [
        [place.python, "-c", code] for code in ("pass", "import hermetic", "from hermetic import with_hermetic")
    ]
    plain, lazy, api = commands_by_turns(commands, place.environment, scale.starts)
    return [
        Row("import hermetic", plain, lazy, "ms", "difference", 6.0),
        Row("from hermetic import with_hermetic", plain, api, "ms", "difference", None),
    ]


def entering(place: Place, scale: Scale) -> list[Row]:
    """Enter + exit of all guards, after the first time."""
    commands = [place.plain_worker("blocks", "nested"), place.plain_worker("blocks", "none")]
    nested, none = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(1000))
    return [
        Row("enter + exit, all guards, nested", 0, nested, "us", "absolute", 10.0),
        Row("enter + exit, all guards, from none", 0, none, "us", "absolute", 40.0),
    ]


def entering_sockets(place: Place, scale: Scale) -> list[Row]:
    """The network guard alone, beside pytest-socket."""
    commands = [place.plain_worker("block_sockets", "hermetic")]
    if place.has("pytest-socket", "pytest_socket"):
        commands.append(place.plain_worker("block_sockets", "peer"))
    times = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(1000))
    rows = [Row("enter + exit, network alone, from none", 0, times[0], "us", "absolute", None)]
    rows += [Row("  pytest-socket: disable + enable", 0, peer, "us", "absolute", None) for peer in times[1:]]
    return rows


def compared(
    place: Place, scale: Scale, what: str, act: list[str], options: str, target: float, full: int
) -> list[Row]:
    """One act in a plain process, and under the command line."""
    commands = [place.plain_worker(*act), place.guarded_worker(options, *act)]
    plain, guarded = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(full))
    return [Row(what, plain, guarded, "us", "ratio", target)]


def reading(place: Place, scale: Scale) -> list[Row]:
    """open + read + close under ``--fs-readonly``, and in a block of the API."""
    path = place.write("small.bin", "x" * 100)
    rows = compared(
        place, scale, "open + read + close, --fs-readonly", ["open_binary", path], "--fs-readonly", 1.10, 5000
    )
    commands = [place.plain_worker("open_binary", path), place.plain_worker("block_open", path)]
    plain, guarded = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(5000))
    return [*rows, Row("open + read + close, block with fs_readonly", plain, guarded, "us", "ratio", 1.10)]


def reading_below(place: Place, scale: Scale) -> list[Row]:
    """open + read + close of 100 bytes of text under a root, at every depth."""
    root = os.path.join(place.folder, "root")
    rows = []
    for depth in DEPTHS:
        path = place.write(os.path.join("root", *(["folder"] * (depth - 1)), "text.txt"), "x" * 100)
        what = f"open + read + close, text, --fs-readonly=ROOT, depth {depth}"
        rows += compared(place, scale, what, ["open_text", path], f"--fs-readonly={root}", 2.0, 4000)
    return rows


def reading_listed(place: Place, scale: Scale) -> list[Row]:
    """open + read + close, and appending, where some paths may be written and others not be read."""
    root, secret = os.path.join(place.folder, "root"), os.path.join(place.folder, "secret")
    path = place.write("root/folder/text.txt", "x" * 100)
    options = f"--fs-readonly --allow-write={root} --deny-read={secret}"
    shown = "--fs-readonly --allow-write --deny-read"
    rows = compared(place, scale, f"open + read + close, text, {shown}", ["open_text", path], options, 1.5, 4000)
    commands = [place.plain_worker("append_text", path), place.guarded_worker(options, "append_text", path)]
    plain, guarded = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(2000))
    return [*rows, Row(f"open + append + close, text, {shown}", plain, guarded, "us", "ratio", 1.5)]


def deciding_paths(place: Place, scale: Scale) -> list[Row]:
    """One decision under a list of 1,000 folders, over one under a list of one."""
    rows = []
    for kind, what in (("allow", "a write that is allowed"), ("deny", "a read that is not denied")):
        commands = [place.plain_worker("decide_path", kind, count) for count in ("1", "1000")]
        one, many = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(50_000))
        rows.append(Row(f"decision, 1,000 paths over 1: {what}", one, many, "us", "ratio", 1.5))
    return rows


def imports(place: Place, scale: Scale) -> list[Row]:
    """A cached import."""
    rows = []
    for options in ("--deny-import=ctypes", "--block-native"):
        rows += compared(place, scale, f"cached import json, {options}", ["cached_import"], options, 1.1, 200_000)
    return rows


class Server:
    """Accepts and closes on a loopback port, so that a connect always succeeds."""

    def __enter__(self) -> str:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        threading.Thread(target=self.serve, daemon=True).start()
        return str(self.listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                self.listener.accept()[0].close()
            except OSError:
                return

    def __exit__(self, *exception: object) -> None:
        self.listener.close()


def connecting(place: Place, scale: Scale) -> list[Row]:
    """create_connection to loopback, beside pytest-socket."""
    options = "--no-network --allow-localhost"
    with Server() as port:
        commands = [
            place.plain_worker("connect", port),
            place.guarded_worker(options, "connect", port),
            place.plain_worker("block_connect", port),
        ]
        if place.has("pytest-socket", "pytest_socket"):
            commands.append(place.plain_worker("connect_peer", port))
        plain, *others = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(1000))
    names = (f"create_connection to loopback, {options}", "  in a block with allow_localhost", "  pytest-socket")
    targets = (1.15, 1.15, None)
    return [Row(name, plain, other, "us", "ratio", target) for name, other, target in zip(names, others, targets)]


def connecting_listed(place: Place, scale: Scale) -> list[Row]:
    """The same under lists of hosts: 1,000 entries beside one."""
    with Server() as port:
        one = f"--no-network --allow-host 127.0.0.1:{port}"
        names = " ".join(f"--allow-host h{n}.example.com:{n + 1}" for n in range(500))
        ranges = " ".join(f"--allow-host 10.{n // 256}.{n % 256}.0/24" for n in range(499))
        denied = " ".join(f"--deny-host 10.{n // 256}.{n % 256}.0/24" for n in range(1000))
        commands = [
            place.guarded_worker(options, "connect", port)
            for options in (one, f"{one} {names} {ranges}", "--deny-host 10.0.0.0/24", denied)
        ]
        times = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(1000))
    return [
        Row("create_connection, 1,000 --allow-host beside one", times[0], times[1], "us", "ratio", 1.5),
        Row("create_connection, 1,000 --deny-host beside one", times[2], times[3], "us", "ratio", 1.5),
    ]


def deciding(place: Place, scale: Scale) -> list[Row]:
    """The decision alone, without a connection around it: the last of 1,000 hosts beside the only one."""
    rows = []
    for kind in ("name", "address", "range", "denied"):
        commands = [place.plain_worker("decide", kind, count) for count in ("1", "1000")]
        one, many = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(20_000))
        rows.append(Row(f"decision, 1,000 hosts beside one, {kind}", one, many, "us", "ratio", 1.5))
    return rows


def memory(place: Place, scale: Scale) -> list[Row]:
    """Resident memory of a hello-world process."""
    script = place.write("rss.py", RSS)

    def resident(command: list[str]) -> float:
        return float(place.output([*command, script, "1"]))

    rows = []
    for options in ("--no-network", EVERYTHING):
        plain, guarded = resident([place.python]), resident([place.hermetic, *alone(options), "--"])
        rows.append(Row(f"resident memory, {options}", plain, guarded, "MB", "difference", 4.0))
    return rows


def module_source(number: int, lines: int) -> str:
    """Python that looks written by hand, and that black has something to do with."""
    body = []
    for index in range(lines // 5):
        body += [
            f"def function_{number}_{index}(first, second = None, *others, **named):",
            f"    '''Add {index} to what was given.'''",
            f"    total = [first+{index},   second, *others, named.get('key_{index}', {{'a':1,'b':[1,2,3]}})]",
            f"    return [item for item in total if item is not None and item != {index}]",
            "",
        ]
    return "\n".join(body)


def tree(place: Place, scale: Scale) -> str:
    """A folder of generated modules."""
    for number in range(6 if scale.quick else 20):
        place.write(os.path.join("tree", f"module_{number}.py"), module_source(number, 250))
    return os.path.join(place.folder, "tree")


def black(place: Place, scale: Scale) -> list[Row]:
    """A whole program that uses nothing guarded, while guards hold and after the last block was left."""
    if not place.has("black", "black"):
        return []
    folder = tree(place, scale)
    commands = [
        place.plain_worker("format_tree", folder),
        place.guarded_worker("--no-network", "format_tree", folder),
        place.guarded_worker("--profile exec-deny", "format_tree", folder),
        place.plain_worker("after_blocks", folder),
    ]
    plain, *others = workers_by_turns(commands, place.environment, scale.programs, 1)
    names = ("black, --no-network", "black, --profile exec-deny", "black, after the last block was left")
    return [
        Row(name, plain / 1e6, other / 1e6, "s", "ratio", target)
        for name, other, target in zip(names, others, (1.10, 1.10, 1.05))
    ]


def black_process(place: Place, scale: Scale) -> list[Row]:
    """The same from the shell: one large module, start-up included."""
    if not place.has("black", "black"):
        return []
    big = place.write("big.py", "\n".join(module_source(n, 250) for n in range(4 if scale.quick else 16)))
    words = ["-m", "black", "--quiet", "--fast", "--diff", big]
    plain, guarded = commands_by_turns(
        [[place.python, *words], [place.hermetic, "--no-network", "--", place.python, *words]],
        place.environment,
        scale.programs,
    )
    return [Row("black from the shell, --no-network", plain, guarded, "ms", "ratio", 1.10)]


def suite_of(place: Place, count: int) -> list[str]:
    """A command that runs so many trivial tests, with no plugin but those that are asked for."""
    lines = ["import pytest", f"@pytest.mark.parametrize('n', range({count}))", "def test_it(n):", "    assert n >= 0"]
    suite = place.write(f"suite_{count}/test_many.py", "\n".join(lines) + "\n")
    words = ["-q", "-p", "no:cacheprovider", "--rootdir", os.path.dirname(suite), suite]
    return [place.python, "-m", "pytest", *words]


WITHOUT_PEER, WITHOUT_OURS = ["-p", "no:socket"], ["-p", "no:hermetic"]


def pytest_run(place: Place, scale: Scale) -> list[Row]:
    """A run of 2,000 small tests under the command line, and under the plugin, beside pytest-socket."""
    if not place.has("pytest", "pytest"):
        return []
    count = 400 if scale.quick else 2000
    words = suite_of(place, count)
    plain = [*words, *WITHOUT_PEER, *WITHOUT_OURS]
    commands = [
        plain,
        [place.hermetic, "--no-network", "--", *plain],
        [*words, *WITHOUT_PEER, "--hermetic", "net-hermetic"],
    ]
    names = [
        f"pytest, {count} tests, hermetic --no-network --",
        f"pytest, {count} tests, plugin, --hermetic net-hermetic",
        f"  pytest-socket, {count} tests, --disable-socket",
    ]
    if place.has("pytest-socket", "pytest_socket"):
        commands.append([*words, *WITHOUT_OURS, "--disable-socket"])
    took, *others = commands_by_turns(commands, place.environment, scale.programs * 2)
    rows = [Row(name, took, other, "ms", "ratio", t) for name, other, t in zip(names, others, (1.10, 1.03, None))]
    if len(others) > 2:
        rows.append(Row("  the plugin, against pytest-socket", others[2], others[1], "ms", "ratio", 1.0))
    return rows


def pytest_inert(place: Place, scale: Scale) -> list[Row]:
    """A run that asks the plugin for nothing."""
    if not place.has("pytest", "pytest"):
        return []
    words = [*suite_of(place, 1), *WITHOUT_PEER]
    plain, inert = commands_by_turns([[*words, *WITHOUT_OURS], words], place.environment, scale.starts)
    return [Row("pytest, 1 test, plugin that nothing asks for", plain, inert, "ms", "difference", 2.0)]


def pytest_memory(place: Place, scale: Scale) -> list[Row]:
    """The peak of resident memory of 2,000 small tests."""
    if not place.has("pytest", "pytest"):
        return []
    words = [*suite_of(place, 2000), *WITHOUT_PEER]
    plain, guarded = (
        peak_memory(command, place.environment)
        for command in ([*words, *WITHOUT_OURS], [*words, "--hermetic", "net-hermetic"])
    )
    return [Row("pytest, 2000 tests, plugin: memory", plain, guarded, "MB", "difference", 5.0)]


# --- the kernel layer, over the guards alone ---


def kernel_starting(place: Place, scale: Scale) -> list[Row]:
    """What confining oneself adds to a start, and what the supervisor adds."""
    rows = []
    for options, target in (("--no-subprocess", 1.5), ("--fs-readonly", 1.5), ("--no-network", 3.0)):
        commands = [
            [place.hermetic, f"--kernel={mode}", options, "--", place.script] for mode in ("off", "auto", "require")
        ]
        without, auto, require = commands_by_turns(commands, place.environment, scale.starts)
        rows.append(Row(f"start-up: kernel layer, {options}", without, auto, "ms", "difference", target))
        rows.append(Row(f"  with --kernel=require, {options}", without, require, "ms", "difference", None))
    return rows


def kernel_calls(place: Place, scale: Scale) -> list[Row]:
    """A system call that nothing is held of, and one end of a pair to the other."""
    rows = []
    for options in ("--kernel=require --no-subprocess --fs-readonly", "--kernel=require --no-network"):
        commands = [place.plain_worker("getppid"), place.guarded_worker(options, "getppid")]
        plain, held = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(200_000))
        rows.append(Row(f"getppid, {options}", plain * 1000, held * 1000, "ns", "difference", 60.0))
    commands = [place.plain_worker("send"), place.guarded_worker("--kernel=auto --no-network", "send")]
    plain, held = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(100_000))
    return [*rows, Row("send + recv, --kernel=auto --no-network", plain, held, "us", "ratio", 1.02)]


def kernel_connecting(place: Place, scale: Scale) -> list[Row]:
    """connect() itself, judged by the supervisor."""
    with Server() as port:
        commands = [place.plain_worker("bare_connect", port)]
        commands += [
            place.guarded_worker(f"--no-network --allow-localhost --kernel={mode}", "bare_connect", port)
            for mode in ("off", "require")
        ]
        plain, guards, judged = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(1000))
    return [
        Row("socket + connect + close, guards alone", plain, guards, "us", "difference", None),
        Row("  judged by the supervisor", plain, judged, "us", "difference", 60.0),
    ]


ROWS: dict[str, Measure] = {
    "start-nothing": starting("", None),
    "start-network": starting("--no-network", 12.0),
    "start-readonly": starting("--fs-readonly", None),
    "start-block-all": starting(EVERYTHING, 25.0),
    "start-foreign": starting_foreign,
    "child": child,
    "import": importing,
    "enter": entering,
    "enter-sockets": entering_sockets,
    "open": reading,
    "open-root": reading_below,
    "open-lists": reading_listed,
    "decide-paths": deciding_paths,
    "cached-import": imports,
    "connect": connecting,
    "connect-lists": connecting_listed,
    "decide-lists": deciding,
    "memory": memory,
    "black": black,
    "black-process": black_process,
    "pytest": pytest_run,
    "kernel-start": kernel_starting,
    "kernel-calls": kernel_calls,
    "kernel-connect": kernel_connecting,
    "pytest-inert": pytest_inert,
    "pytest-memory": pytest_memory,
}
