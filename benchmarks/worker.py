"""What is repeated inside a measured process: ``worker.py ACT [ARGUMENT...]``.

Reads a number of repetitions per line from stdin and answers with the time that one
of them took, in microseconds. The guards come from the command line that starts it,
or, for an act named ``block ...``, from a block around the repetitions.
"""

from __future__ import annotations

import os
import sys
import time


def open_binary(path: str):
    """open + read + close of a small file."""

    def act():
        with open(path, "rb") as file:
            file.read()

    return act


def open_text(path: str):
    """The same, as text."""

    def act():
        with open(path, encoding="utf-8") as file:
            file.read()

    return act


def cached_import():
    """An import statement whose module is loaded already."""
    import json  # noqa: F401  # the first time is not measured

    def act():
        pass

    return act


def connect(port: str):
    """create_connection to a loopback server, and close."""
    import socket

    address = ("127.0.0.1", int(port))

    def act():
        socket.create_connection(address).close()

    return act


def start_child():
    """A Python child that does nothing, to its end."""
    import subprocess

    command = [sys.executable, "-c", "pass"]

    def act():
        subprocess.run(command, check=True)

    return act


def format_tree(folder: str):
    """black over every file of a folder, in this process."""
    import black

    mode = black.Mode()
    sources = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            sources.append(file.read())

    def act():
        for source in sources:
            black.format_str(source, mode=mode)

    return act


def blocks(outer: str):
    """Enter and exit of every guard, inside another block or from none."""
    from hermetic import hermetic_blocker

    guards = hermetic_blocker(profile="block-all")

    def act():
        with guards:
            pass

    act()
    if outer == "nested":
        hermetic_blocker(profile="block-all").__enter__()
    return act


def after_blocks(folder: str):
    """black, once every block has been left."""
    from hermetic import hermetic_blocker

    with hermetic_blocker(profile="block-all"):
        pass
    return format_tree(folder)


def block_sockets(mode: str):
    """Enter and exit of the network guard alone; for the peer, its own pair of calls."""
    if mode == "peer":
        import pytest_socket

        def act():
            pytest_socket.disable_socket()
            pytest_socket.enable_socket()

        return act
    from hermetic import hermetic_blocker

    guards = hermetic_blocker(block_network=True)

    def act():
        with guards:
            pass

    return act


def bare_connect(port: str):
    """A socket, its connect, and close."""
    import socket

    address = ("127.0.0.1", int(port))

    def act():
        sock = socket.socket()
        sock.connect(address)
        sock.close()

    return act


def getppid():
    """The cheapest system call."""
    return os.getppid


def send():
    """One byte through a connected pair."""
    import asyncio

    # The pair that an event loop makes for itself is no network.
    loop = asyncio.new_event_loop()
    ours, theirs = loop._csock, loop._ssock

    def act():
        ours.send(b"x")
        theirs.recv(1)

    return act


def connect_peer(port: str):
    """connect under pytest-socket, which allows hosts by name."""
    import pytest_socket

    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    return connect(port)


def block_connect(port: str):
    """connect inside a block of the API."""
    from hermetic import hermetic_blocker

    hermetic_blocker(block_network=True, allow_localhost=True).__enter__()
    return connect(port)


def decide(kind: str, count: str):
    """One decision of the network's rules under a list of that many hosts, of which the last one counts."""
    from _hermetic.capabilities import network

    entry, target = {
        "name": ("h{}.example.com:443", (2, "h{}.example.com", 443, "connect", True)),
        "address": ("10.{}.0.1:443", (2, "10.{}.0.1", 443, "connect")),
        "range": ("10.{}.0.0/24:443", (2, "10.{}.0.9", 443, "connect")),
        "denied": ("10.{}.0.0/24", (2, "192.0.2.1", 443, "connect")),
    }[kind]
    numbers = [str(n) if kind == "name" else f"{n // 250}.{n % 250}" for n in range(int(count))]
    hosts = [entry.format(number).replace(".0.1:", ".1:").replace(".0.0/", ".0/") for number in numbers]
    lists = {"block": False, "deny_hosts": hosts} if kind == "denied" else {"allow_hosts": hosts}
    rules = network.prepare(network.make_rules(**lists))
    family, host, *rest = target
    aimed = (family, host.format(numbers[-1]).replace(".0.1", ".1").replace(".0.9", ".9"), *rest)
    decision = network.decide
    assert decision(rules, network.CONNECT, aimed, "") is None

    def act():
        decision(rules, "network.connect", aimed, "")

    return act


def decide_path(kind: str, count: str):
    """One decision of the file system's rules under a list of that many folders, of which the last one counts."""
    from _hermetic.capabilities import filesystem as files

    folders = [f"/none/folder/{number:04}" for number in range(int(count))]
    lists = {"allow": {"allow_write": folders}, "deny": {"readonly": False, "deny_read": folders}}[kind]
    rules = files.prepare(files.make_rules(**lists))
    place = f"{folders[-1] if kind == 'allow' else '/none/folder/zzzz'}/a/b/c.txt"
    aimed = (place, -1, (place,), (), "") if kind == "allow" else (place, place)
    capability, decision = files.WRITE if kind == "allow" else files.READ, files.decide
    assert decision(rules, capability, aimed, "") is None

    def act():
        decision(rules, capability, aimed, "open")

    return act


def filtered(name: str):
    """An act under a filter that allows everything: what any filter takes."""
    from floors import Calls

    act = ACTS[name]()
    Calls().allow_everything()
    return act


def handle_text(path: str):
    """open_text by a handle, without anybody who judges."""
    from floors import by_handle

    opens = by_handle(path)

    def act():
        with opens() as file:
            file.read()

    return act


def handle_append(path: str):
    """append_text by a handle, without anybody who judges."""
    from floors import by_handle

    opens = by_handle(path, "a")

    def act():
        with opens() as file:
            file.write("")

    return act


def append_text(path: str):
    """open to append + write + close of a small file."""

    def act():
        with open(path, "a", encoding="utf-8") as file:
            file.write("")

    return act


def block_open(path: str):
    """open + read + close inside a block of the API."""
    from hermetic import hermetic_blocker

    hermetic_blocker(fs_readonly=True).__enter__()
    return open_binary(path)


ACTS = {
    function.__name__: function
    for function in (
        open_binary,
        open_text,
        append_text,
        filtered,
        handle_text,
        handle_append,
        decide_path,
        cached_import,
        connect,
        start_child,
        format_tree,
        blocks,
        after_blocks,
        block_sockets,
        connect_peer,
        block_connect,
        block_open,
        decide,
        bare_connect,
        getppid,
        send,
    )
}


def main() -> None:
    act = ACTS[sys.argv[1]](*sys.argv[2:])
    clock = time.perf_counter
    act()
    for line in sys.stdin:
        repetitions = range(int(line))
        start = clock()
        for _ in repetitions:
            act()
        took = clock() - start
        print(took / len(repetitions) * 1e6, flush=True)


if __name__ == "__main__":
    main()
