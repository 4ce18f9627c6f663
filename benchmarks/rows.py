"""What is measured: the names for the command line, and the functions behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import calls
import programs
import starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from place import Place
    from rounds import Row, Scale

    Measure = Callable[["Place", "Scale"], list[Row]]

ROWS: dict[str, Measure] = {
    "start-nothing": starts.starting("", None),
    "start-network": starts.starting("--no-network", 12.0),
    "start-readonly": starts.starting("--fs-readonly", None),
    "start-block-all": starts.starting(starts.EVERYTHING, 25.0),
    "start-foreign": starts.starting_foreign,
    "child": starts.child,
    "import": starts.importing,
    "enter": calls.entering,
    "enter-sockets": calls.entering_sockets,
    "open": calls.reading,
    "open-root": calls.reading_below,
    "open-lists": calls.reading_listed,
    "decide-paths": calls.deciding_paths,
    "cached-import": calls.imports,
    "connect": calls.connecting,
    "connect-lists": calls.connecting_listed,
    "decide-lists": calls.deciding,
    "memory": starts.memory,
    "black": programs.black,
    "black-process": programs.black_process,
    "pytest": programs.pytest_run,
    "kernel-start": starts.kernel_starting,
    "kernel-calls": calls.kernel_calls,
    "kernel-connect": calls.kernel_connecting,
    "pytest-inert": programs.pytest_inert,
    "pytest-memory": programs.pytest_memory,
}
