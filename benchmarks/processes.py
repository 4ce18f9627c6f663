"""What a process pays: from the shell to its end, for a child, for an import, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from place import BENCHMARKS, alone
from rounds import Row, commands_by_turns, workers_by_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from place import Place
    from rounds import Scale

    Measure = Callable[["Place", "Scale"], list[Row]]

EVERYTHING = "--profile block-all"
# Functions of ``floors``, and what they are the floor of.
FLOORS = {
    "confine": "  a process that loads _ctypes and confines itself, no more",
    "confine_beside": "  the same with a process beside it that loads _ctypes, no more",
}
RSS = """\
import os, sys
pages = int(open("/proc/self/statm").read().split()[1])
os.write(int(sys.argv[1]), str(pages * 4096 / 1048576).encode())
"""


def starting(options: str, target: float | None) -> Measure:
    """A hello-world script, from the shell to its end."""

    def measure(place: Place, scale: Scale) -> list[Row]:
        scripts = place.console_scripts()
        guarded = [[script, *alone(options), "--", place.script] for script in scripts.values()]
        plain, *took = commands_by_turns([[place.python, place.script], *guarded], place.environment, scale.starts)
        shown = " ".join(["start-up: hermetic", *options.split(), "-- t.py"])
        return [Row(note or shown, plain, time, "ms", "difference", target) for note, time in zip(scripts, took)]

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


def memory(place: Place, scale: Scale) -> list[Row]:
    """Resident memory of a hello-world process."""
    script = place.write("rss.py", RSS)

    def resident(command: list[str]) -> float:
        return float(place.output([*command, script, "1"]))

    rows = []
    for options in ("--no-network", EVERYTHING):
        plain = resident([place.python])
        for note, starter in place.console_scripts().items():
            guarded = resident([starter, *alone(options), "--"])
            rows.append(Row(note or f"resident memory, {options}", plain, guarded, "MB", "difference", 4.0))
    return rows


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
    begin = f"import sys; sys.path.append({BENCHMARKS!r}); import floors"
    commands = [[place.python, "-c", f"{begin}{then}"] for then in ("", *[f"; floors.{name}()" for name in FLOORS])]
    plain, *others = commands_by_turns(commands, place.environment, scale.starts)
    return rows + [Row(what, plain, took, "ms", "difference", None) for what, took in zip(FLOORS.values(), others)]
