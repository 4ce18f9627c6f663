"""What is measured: the names for the command line, and the functions behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import calls
import processes
import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from place import Place
    from rounds import Row, Scale

    Measure = Callable[["Place", "Scale"], list[Row]]

ROWS: dict[str, Measure] = {
    "start-nothing": processes.starting("", None),
    "start-network": processes.starting("--no-network", 12.0),
    "start-readonly": processes.starting("--fs-readonly", None),
    "start-block-all": processes.starting(processes.EVERYTHING, 25.0),
    "start-foreign": processes.starting_foreign,
    "child": processes.child,
    "import": processes.importing,
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
    "memory": processes.memory,
    "black": programs.black,
    "black-process": programs.black_process,
    "pytest": programs.pytest_run,
    "kernel-start": processes.kernel_starting,
    "kernel-calls": calls.kernel_calls,
    "kernel-connect": calls.kernel_connecting,
    "pytest-inert": programs.pytest_inert,
    "pytest-memory": programs.pytest_memory,
}
