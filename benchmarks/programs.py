"""What whole programs pay: black and pytest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rounds import Row, commands_by_turns, peak_memory, workers_by_turns

if TYPE_CHECKING:
    from place import Place
    from rounds import Scale


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


# The least of a guard that sees captured references and C: the interpreter tells a function what is done.
LEAST = """
import sys

def pytest_collection_finish():
    sys.addaudithook(lambda event, args: None)
"""


def suite_of(place: Place, count: int, conftest: str = "") -> list[str]:
    """A command that runs so many trivial tests, with no plugin but those that are asked for."""
    lines = ["import pytest", f"@pytest.mark.parametrize('n', range({count}))", "def test_it(n):", "    assert n >= 0"]
    folder = f"suite_{count}{'_with_conftest' if conftest else ''}"
    suite = place.write(f"{folder}/test_many.py", "\n".join(lines) + "\n")
    if conftest:
        place.write(f"{folder}/conftest.py", conftest)
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
        [*suite_of(place, count, LEAST), *WITHOUT_PEER, *WITHOUT_OURS],
    ]
    names = [
        f"pytest, {count} tests, hermetic --no-network --",
        f"pytest, {count} tests, plugin, --hermetic net-hermetic",
        "  an audit hook that does nothing",
        f"  pytest-socket, {count} tests, --disable-socket",
    ]
    if place.has("pytest-socket", "pytest_socket"):
        commands.append([*words, *WITHOUT_OURS, "--disable-socket"])
    took, *others = commands_by_turns(commands, place.environment, scale.programs * 2)
    rows = [Row(name, took, other, "ms", "ratio", t) for name, other, t in zip(names, others, (1.10, 1.03, None, None))]
    if len(others) > 3:
        rows.append(Row("  the plugin, against pytest-socket", others[3], others[1], "ms", "ratio", 1.0))
    return rows


def pytest_inert(place: Place, scale: Scale) -> list[Row]:
    """A run that asks the plugin for nothing, beside one without the plugin and one where it is not even installed."""
    if not place.has("pytest", "pytest"):
        return []
    words = [*suite_of(place, 1), *WITHOUT_PEER]
    commands = [[place.python_without(), *words[1:]], [*words, *WITHOUT_OURS], words]
    absent, plain, inert = commands_by_turns(commands, place.environment, scale.starts)
    return [
        Row("pytest, 1 test, plugin that nothing asks for", plain, inert, "ms", "difference", 2.0),
        Row("  over an environment without hermetic", absent, inert, "ms", "difference", None),
    ]


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
