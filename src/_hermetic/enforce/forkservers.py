"""multiprocessing's fork servers: whoever forks a worker runs under the policies that hold where it is asked for.

A server forks its workers under the policies that held when it was started. So there is one for each set of
policies of blocks that is in force, and none that is older than a policy of the whole process.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# The module that has the server. Where it is not loaded there is none, and nothing here to do.
MODULE, STATE = "multiprocessing.forkserver", "_forkserver_"
# Those that are not the current one, by the policies of blocks under which they were started.
_others: dict[tuple[bytes, ...], dict[str, Any]] = {}


def current() -> tuple[Any, dict[str, Any]]:
    """The server, and what of it changes with the process that serves; None where there is none."""
    server = getattr(sys.modules.get(MODULE), "_forkserver", None)  # none while it is being imported, too
    known = {} if server is None else vars(server)
    return server, {name: value for name, value in known.items() if name.startswith(STATE)}


def change(old: tuple[bytes, ...], new: tuple[bytes, ...]) -> None:
    """Have workers forked by a server that runs under the new policies, which multiprocessing starts at need.

    old: the policies until now. Their server stays, as it alone can tell how its workers end.
    """
    server, state = current()
    if old == new or server is None:
        return
    _others[old] = state
    vars(server).update(_others.pop(new, dict.fromkeys(state)))


def leave() -> None:
    """Have no more workers forked by a server that runs without the policies of now: they are not its own."""
    _others.clear()
    server, state = current()
    if server is not None:
        vars(server).update(dict.fromkeys(state))
