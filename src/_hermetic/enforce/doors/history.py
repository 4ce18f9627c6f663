"""Stand-in for ``readline.read_history_file``, whose C original reads any file and announces nothing."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None

MODULES = sys.modules
DEFAULT = "~/.history"


def read_history(setting: Setting, original: Any) -> Any:
    """The same in Python: what ``open`` may read is read, and no original is needed."""
    return setting.bind(read_lines)


def read_lines(*args: Any) -> None:
    path = args[0] if args and args[0] is not None else MODULES["os"].path.expanduser(DEFAULT)
    with MODULES["_io"].open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            MODULES["readline"].add_history(line.rstrip("\n"))
