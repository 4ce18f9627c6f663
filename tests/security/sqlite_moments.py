"""Connections of SQLite that are used while they are made, for programs that have an ``attempt(connection)``."""

from __future__ import annotations

# The collector runs at each allocation, also of C's, and calls back.
COLLECTOR = """
class Own(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        act = lambda *_: attempt(self)
        gc.callbacks.append(act)
        gc.set_threshold(1)
        super().__init__(*args, **kwargs)
        gc.set_threshold(1000)
        gc.callbacks.remove(act)
"""
