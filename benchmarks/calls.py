"""What one call pays: entering a block, opening, importing, connecting, deciding."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from rounds import Row, workers_by_turns

if TYPE_CHECKING:
    from place import Place
    from rounds import Scale

DEPTHS = range(1, 10)
ALLOWING = "  a filter that allows everything"


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
    rows = []
    for what, act, floor in (("read", "open_text", "handle_text"), ("append", "append_text", "handle_append")):
        commands = [
            place.plain_worker(act, path),
            place.guarded_worker(options, act, path),
            place.plain_worker(floor, path),
        ]
        plain, guarded, least = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(4000))
        rows += [
            Row(f"open + {what} + close, text, {shown}", plain, guarded, "us", "ratio", 1.5),
            Row("  by a handle, with nobody who judges", plain, least, "us", "ratio", None),
        ]
    return rows


def decision(place: Place, scale: Scale, worker: str, kind: str, repetitions: int, what: str) -> Row:
    """One decision under a list of 1,000, over one under a list of one."""
    commands = [place.plain_worker(worker, kind, count) for count in ("1", "1000")]
    one, many = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(repetitions))
    return Row(f"decision, {what}", one, many, "us", "ratio", 1.5)


def deciding_paths(place: Place, scale: Scale) -> list[Row]:
    """The decision alone, without an opening around it."""
    kinds = (("allow", "a write that is allowed"), ("deny", "a read that is not denied"))
    return [decision(place, scale, "decide_path", kind, 50_000, f"1,000 paths over 1: {what}") for kind, what in kinds]


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
    kinds = ("name", "address", "range", "denied")
    return [decision(place, scale, "decide", kind, 20_000, f"1,000 hosts beside one, {kind}") for kind in kinds]


def kernel_calls(place: Place, scale: Scale) -> list[Row]:
    """A system call that nothing is held of, and one end of a pair to the other."""
    rows = []
    options = ("--kernel=require --no-subprocess --fs-readonly", "--kernel=require --no-network")
    commands = [place.plain_worker("getppid"), *[place.guarded_worker(given, "getppid") for given in options]]
    commands.append(place.plain_worker("filtered", "getppid"))
    plain, *others = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(200_000))
    for what, held, target in zip((*options, ALLOWING), others, (60.0, 60.0, None)):
        shown = what if target is None else f"getppid, {what}"
        rows.append(Row(shown, plain * 1000, held * 1000, "ns", "difference", target))
    commands = [
        place.plain_worker("send"),
        place.guarded_worker("--kernel=auto --no-network", "send"),
        place.plain_worker("filtered", "send"),
    ]
    plain, held, least = workers_by_turns(commands, place.environment, scale.rounds, scale.repetitions(100_000))
    rows.append(Row("send + recv, --kernel=auto --no-network", plain, held, "us", "ratio", 1.02))
    return [*rows, Row(ALLOWING, plain, least, "us", "ratio", None)]


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
