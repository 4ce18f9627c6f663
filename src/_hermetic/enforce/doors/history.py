"""Stand-ins for readline's functions that read files: their C originals read any, and announce nothing."""

from __future__ import annotations

import sys

from ...capabilities.filesystem.clibrary import included_path
from ...capabilities.filesystem.descriptors import fixed_path

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []

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


def read_init_file(setting: Setting, original: Any) -> Any:
    """For ``readline.read_init_file``: C would follow ``$include`` lines unseen."""
    return setting.bind(read_settings)


def read_settings(*args: Any) -> Any:
    if not args or args[0] is None:
        return BOX[0](*args)  # the user's own file, which importing readline has read
    with MODULES["_io"].open(fixed_path(args[0]), encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            MODULES["readline"].parse_and_bind(line.rstrip("\n"))
    return None


def parse_and_bind(setting: Setting, original: Any) -> Any:
    """For ``readline.parse_and_bind``, which knows ``$include`` too."""
    return setting.bind(parse_line)


def parse_line(*args: Any) -> Any:
    path = included_path(args[0]) if args else None
    if path is None:
        return BOX[0](*args)
    return MODULES["readline"].read_init_file(MODULES["os"].path.expanduser(path))
