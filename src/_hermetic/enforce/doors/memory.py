"""Stand-ins that keep in memory what would be kept on disk: temporary files without a name.

A memfd is a file that lies nowhere; it is read, written, truncated, mapped and
handed to children like any other.
"""

from __future__ import annotations

import sys

from ...extract import argument
from ...pristine import close_fd, native

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
KEY = ""
JUDGE: Any = None
BOX: list[Any] = []

MODULES = sys.modules
make_memory_file: Any = getattr(native, "memfd_create", None)
set_length: Any = getattr(native, "ftruncate", None)
may_access, W_OK, X_OK = native.access, native.W_OK, native.X_OK
FILE_NAMES = frozenset({"mode", "buffering", "encoding", "newline", "suffix", "prefix", "dir", "errors"})


def temporary_file(setting: Setting, original: Any) -> Any:
    """For ``tempfile.TemporaryFile``, and so for SpooledTemporaryFile when it rolls over."""
    return setting.bind(open_in_memory)


def open_in_memory(*args: Any, **kwargs: Any) -> Any:
    if len(args) > 7 or not FILE_NAMES.issuperset(kwargs) or JUDGE(KEY, args, kwargs) is None:
        return BOX[0](*args, **kwargs)
    number = make_memory_file("temporary")
    try:
        return MODULES["_io"].open(
            number,
            argument(args, kwargs, 0, "mode", "w+b"),
            argument(args, kwargs, 1, "buffering", -1),
            argument(args, kwargs, 2, "encoding", None),
            kwargs.get("errors"),
            argument(args, kwargs, 3, "newline", None),
        )
    except BaseException:
        close_fd(number)
        raise


def arena(setting: Setting, original: Any) -> Any:
    """For ``multiprocessing.heap.Arena.__init__``: the memory behind Value and Array."""
    return setting.bind(make_arena)


def make_arena(self: Any, size: int, *descriptor: Any, **kwargs: Any) -> None:
    if descriptor or kwargs or JUDGE(KEY, (), None) is None:
        BOX[0](self, size, *descriptor, **kwargs)
        return
    number = make_memory_file("arena")
    MODULES["multiprocessing.util"].Finalize(self, close_fd, (number,))
    set_length(number, size)
    BOX[0](self, size, number)


def temporary_folder(setting: Setting, original: Any) -> Any:
    """For ``tempfile._get_default_tempdir``, which tries every candidate by writing to it."""
    return setting.bind(first_folder)


def first_folder(*args: Any, **kwargs: Any) -> Any:
    found = JUDGE(KEY, args, kwargs)
    if type(found) is str:
        return found
    if found is not None:
        for folder in args[0] if args and args[0] else MODULES["tempfile"]._candidate_tempdir_list():
            if may_access(folder, W_OK | X_OK):
                return folder
    return BOX[0](*args, **kwargs)
