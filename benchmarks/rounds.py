"""Measuring by turns: A B A B ..., so that whatever else the machine does falls on both alike.

Medians of rounds are compared, never single timings, and a row is always held
against a plain run of the same call, on the same machine, in the same minute.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

WARM_UP = 2  # rounds that are not counted: they fill the file cache and write bytecode


class Row(NamedTuple):
    """One line of the table.

    plain, guarded: medians in ``unit``. kind: ``ratio`` compares by division,
    ``difference`` by subtraction, ``absolute`` takes ``guarded`` alone. target: the
    most that may come out, or None for a row that only informs.
    """

    what: str
    plain: float
    guarded: float
    unit: str
    kind: str
    target: float | None

    @property
    def result(self) -> float:
        """What is held against the target."""
        if self.kind == "ratio":
            return self.guarded / self.plain
        return self.guarded - self.plain if self.kind == "difference" else self.guarded

    def cells(self) -> tuple[str, ...]:
        """The row as text, one item per column."""
        shape = {"ratio": "{:.2f}x", "difference": "{:+.2f} " + self.unit, "absolute": "{:.2f} " + self.unit}[self.kind]
        plain = "-" if self.kind == "absolute" else f"{self.plain:.2f} {self.unit}"
        met = "" if self.target is None else "met" if self.result <= self.target else "NOT MET"
        target = "-" if self.target is None else shape.format(self.target)
        return self.what, plain, f"{self.guarded:.2f} {self.unit}", shape.format(self.result), target, met


def table(rows: list[Row]) -> str:
    """The rows in columns."""
    lines = [("what", "plain", "guarded", "result", "target", ""), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


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


def wall_time(command: list[str], environment: dict[str, str]) -> float:
    """Milliseconds from starting a command to its end; RuntimeError with its output when it fails."""
    start = time.perf_counter()
    # posix_spawn, and no pipes: what subprocess adds is noise of the size that is measured.
    action = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn(command[0], command, environment, file_actions=[action])
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - start) * 1000
    if status:
        raise RuntimeError(f"status {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return took


def peak_memory(command: list[str], environment: dict[str, str]) -> float:
    """The most megabytes that a command held at once. Linux counts in kilobytes, macOS in bytes."""
    pid = os.posix_spawn(command[0], command, environment, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"status {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def commands_by_turns(commands: list[list[str]], environment: dict[str, str], rounds: int) -> list[float]:
    """The median wall time of each command, in milliseconds."""
    times: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + WARM_UP):
        for command, taken in zip(commands, times):
            took = wall_time(command, environment)
            if number >= WARM_UP:
                taken.append(took)
    return [statistics.median(taken) for taken in times]


class Worker:
    """A process that repeats one act whenever it is asked, and answers what one repetition took."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.command = command
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, repetitions: int) -> float:
        """The answer to one question, in the worker's own unit."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{repetitions}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"status {self.process.wait()}: {' '.join(self.command)}")
        return float(answer)

    def close(self) -> None:
        """End the worker."""
        assert self.process.stdin is not None and self.process.stdout is not None
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        self.process.wait()


def workers_by_turns(
    commands: list[list[str]], environment: dict[str, str], rounds: int, repetitions: int
) -> list[float]:
    """The median answer of a worker for each command; all of them live at once and take turns."""
    workers: list[Worker] = []
    try:
        workers += [Worker(command, environment) for command in commands]
        answers = [[worker.ask(repetitions) for worker in workers] for _ in range(rounds + WARM_UP)]
    finally:
        for worker in workers:
            worker.close()
    return [statistics.median(column) for column in zip(*answers[WARM_UP:])]
