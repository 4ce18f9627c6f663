"""Connections of SQLite: what the families that guard them, and the stand-ins, have in common."""

from __future__ import annotations

import sys as _sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# The code by whose frames guards know the makers of connections (enforce/doors/connections.py): of all, and of those
# whose connections come without what calls any address. Blocks know the lists, others what was in them.
CONNECTORS: list[Any] = []
CLOSERS: list[Any] = []
SQLITE_CONNECT = ("_sqlite3:connect", "sqlite3.dbapi2:connect", "sqlite3:connect")
# Whether a connection that is made anew stays usable when that is refused at its end, so that it is at its beginning.
STAYS_USABLE = _sys.version_info < (3, 11)
BEGINNING_NOTE = "on 3.10, where a second construction leaves the connection usable that is refused by the row above"
