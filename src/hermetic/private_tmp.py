"""A temporary folder of one run, or of one block, and of nobody else; it goes when that ends."""

from __future__ import annotations

import os

# As tempfile looks for them; it is not loaded here, because a program would find it loaded.
VARIABLES, FOLDERS = ("TMPDIR", "TEMP", "TMP"), ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108  # names, tried in turn
NAME = "TMPDIR"
TRIES = 3


def make() -> str:
    """Make the folder; returns its real path. OSError when there is no place for it."""
    wanted = [value for value in map(os.environ.get, VARIABLES) if value] + [*FOLDERS, os.getcwd()]
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
    """Take the folder away with all that is in it, also what was made unwritable. Links in it are not followed."""
    from shutil import rmtree

    def unlock(function: object, path: str, error: object) -> None:
        """A folder that may not be changed keeps what is in it."""
        try:
            os.chmod(os.path.dirname(path), 0o700, follow_symlinks=os.chmod not in os.supports_follow_symlinks)
        except OSError:
            pass

    for _ in range(TRIES):  # a process that was left behind may still be writing
        if os.path.islink(folder) or os.path.isfile(folder):
            os.unlink(folder)  # what the program put in its place
        rmtree(folder, onerror=unlock)
        if not os.path.lexists(folder):
            return


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
    from hermetic import waiting

    child = waiting.fork()
    if child == 0:
        return folder
    status = waiting.follow(child)
    remove(folder)
    waiting.end_as(status)


class PrivateFolder:
    """The folder of one block, named by ``TMPDIR`` and ``tempfile`` while it is there."""

    __slots__ = ("before", "path", "stays")

    def __init__(self) -> None:
        self.stays = False
        self.path = make()
        self.before = os.environ.get(NAME)
        os.environ[NAME] = self.path

    def end(self) -> None:
        """Give the names back and take the folder away."""
        if os.environ.get(NAME) == self.path:
            if self.before is None:
                del os.environ[NAME]
            else:
                os.environ[NAME] = self.before
        remove(self.path)

    def keep(self) -> None:
        """Stay until the process ends, as a sealed policy does."""
        import atexit

        self.stays = True
        atexit.register(remove, self.path)
