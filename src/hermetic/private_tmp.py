"""A temporary folder of one run, or of one block, and of nobody else; it goes when that ends."""

from __future__ import annotations

import os
from _thread import RLock

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# As tempfile looks for them; it is not loaded here, because a program would find it loaded.
VARIABLES, FOLDERS = ("TMPDIR", "TEMP", "TMP"), ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108  # names, tried in turn
NAME = "TMPDIR"
TRIES = 10
IS_WINDOWS = os.name == "nt"
# Opens a folder that may not be read, as Linux has it; elsewhere a mode can be changed without following a link.
HANDLE: int = getattr(os, "O_PATH", 0)


def variable(name: str) -> str | None:
    """A variable as children would get it, whatever the program may read."""
    if is_open():
        return os.environ.get(name)
    from _hermetic.start import childrens_variables  # loaded with the guard

    found = childrens_variables().get(os.environ.encodekey(name))
    return None if found is None else os.fsdecode(found)


def set_variable(name: str, value: str | None) -> None:
    """Set it, or take it away for None; where the program may not, for its children alone, who get it in any case."""
    data: Any = os.environ
    if not is_open():
        from _hermetic.start import childrens_variables  # as above

        data = childrens_variables()
        name, value = os.environ.encodekey(name), value and os.environ.encodevalue(value)
    if value is None:
        data.pop(name, None)
    else:
        data[name] = value


def is_open() -> bool:
    """Whether no guard is before the variables."""
    return type(getattr(os.environ, "_data", None)) is dict


def make() -> str:
    """Make the folder; returns its real path. OSError when there is no place for it."""
    wanted = [value for value in map(variable, VARIABLES) if value] + [*FOLDERS, os.getcwd()]
    failed: OSError | None = None
    for place in wanted:
        folder = os.path.join(os.path.realpath(place), f"hermetic-{os.urandom(8).hex()}")
        try:
            os.mkdir(folder, 0o700)
        except OSError as error:
            failed = failed or error
            continue
        return folder
    raise failed or OSError("no folder for temporary files")


def remove(folder: str) -> None:
    """Take the folder away with all that is in it, also what was made unreadable. Links in it are not followed."""
    from shutil import rmtree

    # Who was left behind finds nothing at the old name at once, and guards let it write at no other.
    gone = f"{folder}-ended"
    try:
        os.rename(folder, gone)
        folder = gone
    except OSError:
        pass  # Windows, where something in it is open; or it is gone already
    for _ in range(TRIES):  # a process that was left behind may still be writing
        if os.path.islink(folder) or os.path.isfile(folder):
            os.unlink(folder)  # what the program put in its place
        rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        if IS_WINDOWS:
            unlock_files(folder)
        else:
            unlock(folder)


def unlock(name: str, around: int | None = None) -> None:
    """Let a folder, and all below it, be read and changed again; around: a descriptor of the folder that it lies in.

    By descriptors, and never outside: a process that was left behind may put a link where a folder was.
    """
    opened = []
    try:
        if not HANDLE:
            os.chmod(name, 0o700, dir_fd=around, follow_symlinks=False)
        opened.append(os.open(name, HANDLE | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=around))
        if HANDLE:
            os.chmod(f"/proc/self/fd/{opened[0]}", 0o700)
        opened.append(os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=opened[0]))
        with os.scandir(opened[1]) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        for below in folders:
            unlock(below, opened[0])
    except (OSError, RecursionError):  # gone meanwhile, another user's, or deeper than can be followed
        pass
    finally:
        for descriptor in opened:
            os.close(descriptor)


def unlock_files(folder: str) -> None:
    """The same on Windows, where it is the file that does not let itself be removed."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                os.chmod(os.path.join(place, name), 0o700)
            except OSError:
                pass


def in_child() -> str:
    """Make a folder and return its path in a child, which runs the program.

    The parent waits for it, takes the folder away, and ends as it did. On Windows this same process does both.
    """
    folder = make()
    os.environ[NAME] = folder
    if not hasattr(os, "fork"):
        import atexit

        atexit.register(remove, folder)
        return folder
    from _hermetic.programs import waiting

    child = waiting.fork()
    if child == 0:
        return folder
    status = waiting.follow(child)
    remove(folder)
    waiting.end_as(status)


# The folders of this process, in the order in which they were made, each in the one before it; and those that have
# ended, and are still around another, or may not be removed at the moment.
_there: list[PrivateFolder] = []
_ended: list[str] = []
# The process that looks at these once more when it ends.
_looking: list[int] = []
_lock = RLock()


def forked() -> None:
    """What has ended is the parent's to take away: the folders around which it still is are in use there."""
    _ended.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):
    # A fork while another thread enters or leaves a block would find the lock taken, for ever.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=forked)


def folder_of(owner: object) -> PrivateFolder:
    """For a block that is entered. Whoever is in the same block at the same time, as in recursion, in another thread or
    task, has the same folder: nobody can tell which of them leaves."""
    with _lock:
        for folder in _there:
            if folder.owner is owner and not folder.stays:
                folder.entered += 1
                return folder
        return PrivateFolder(owner)


class PrivateFolder:
    """The folder of one block, named by ``TMPDIR`` and ``tempfile`` while it is there."""

    __slots__ = ("before", "entered", "owner", "path", "process", "stays")

    def __init__(self, owner: object = None) -> None:
        self.owner = owner
        self.entered = 1
        self.stays = False
        # A fork that comes to the block's end has nothing to take away from its parent.
        self.process = os.getpid()
        with _lock:
            self.path = make()
            self.before = variable(NAME)
            _there.append(self)
            set_variable(NAME, self.path)

    def end(self) -> None:
        """Give the names back and take the folder away, when everybody has left it."""
        with _lock:
            self.entered -= 1
            if self.entered:
                return
            _there.remove(self)
            for later in _there:
                if later.before == self.path:
                    later.before = self.before
            if variable(NAME) == self.path:
                set_variable(NAME, self.before)
            if self.process != os.getpid():
                return
            _ended.append(self.path)
        remove_ended()

    def keep(self) -> None:
        """Stay until the process ends, as a sealed policy does."""
        self.stays = True
        at_exit(self.end)


def remove_ended() -> None:
    """Take away what has ended, unless another folder lies in it. It may take a while, for which nobody waits."""
    with _lock:
        around = [path for path in _ended if any(one.path.startswith(os.path.join(path, "")) for one in _there)]
        going = [path for path in _ended if path not in around]
    for path in going:
        remove(path)
        if not os.path.lexists(path):
            with _lock:
                _ended[:] = [one for one in _ended if one != path]
    if _ended and os.getpid() not in _looking:  # another thread's block may forbid it
        _looking[:] = [os.getpid()]
        at_exit(remove_ended)


def at_exit(function: Callable[[], None]) -> None:
    """Call it when this process ends, and not when a fork of it does."""
    import atexit

    process = os.getpid()
    atexit.register(lambda: function() if process == os.getpid() else None)
