"""Modes, owners, times and attributes, where some folder may be written: a filter cannot see where a file lies.

Whoever asks has the call made for it: the file is opened once, without reading or writing
it, its real path is compared with the folders, and the change is made on what was opened.
What a link or a thread changes meanwhile changes nothing. It is made with the rights of
the one who asked.
"""

from __future__ import annotations

from errno import EFAULT, ENAMETOOLONG, ENOENT, EOPNOTSUPP, EPERM, ERANGE

from ....pristine import S_IFLNK, S_IFMT, close_fd, file_mode, fstat, native, open_fd, readlink
from . import abi, tables
from .asker import leader_of, rights_of
from .judge import O_PATH, tell

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from .asker import Rights
    from .judge import Answer, Judge

    # (thread, arguments) -> what makes the change to a handle; the program's memory has been read by then
    Act: TypeAlias = "Callable[[int, list[int]], Callable[[int], object]]"

GUARD, REASON, REMEDY = "filesystem", "fs-readonly", "--allow-write "
O_NOFOLLOW = native.O_NOFOLLOW
HERE, NO_FOLLOWING, EMPTY = 0xFFFFFF9C, 0x100, 0x1000  # AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
WORD, LONG = 0xFFFFFFFF, 8
PAGE, LONGEST_PATH, LONGEST_NAME, LONGEST_VALUE = 4096, 4096, 255, 65536
CAPABILITY_VERSION = 0x20080522
# What a process is called by others, where it speaks of itself.
OWN_NAMES = ((b"/proc/self", b"/proc/%d"), (b"/proc/thread-self", b"/proc/%d"), (b"/dev/fd", b"/proc/%d/fd"))


class Metadata:
    """Answers for those calls. writable: the folders below which they are allowed."""

    def __init__(self, judge: Judge, writable: tuple[str, ...]) -> None:
        self.judge, self.calls, self.machine = judge, judge.calls, judge.machine
        self.roots = tuple([path.rstrip("/").encode("utf-8", "surrogateescape") for path in writable])
        self.own = rights_of(native.getpid())
        self.tested = False

    def answers(self) -> dict[int, Answer]:
        """An answer for every call, by its number here."""
        named = {row[0]: row[2] if self.machine else row[1] for row in tables.METADATA}
        # (call, where the file is: which argument is a folder, which a path, which the flags, first argument of the
        # change, the change); -1 for none. A call without a path names a descriptor in the place of the folder.
        rows: tuple[tuple[str, int, int, int, int, Act], ...] = (
            ("chmod", -1, 0, -1, 1, self.mode),
            ("fchmod", 0, -1, -1, 1, self.mode),
            ("fchmodat", 0, 1, -1, 2, self.mode),
            ("fchmodat2", 0, 1, 3, 2, self.mode),
            ("chown", -1, 0, -1, 1, self.owner),
            ("fchown", 0, -1, -1, 1, self.owner),
            ("lchown", -1, 0, LINK, 1, self.owner),
            ("fchownat", 0, 1, 4, 2, self.owner),
            ("utime", -1, 0, -1, 1, self.seconds),
            ("utimes", -1, 0, -1, 1, self.microseconds),
            ("futimesat", 0, 1, -1, 2, self.microseconds),
            ("utimensat", 0, 1, 3, 2, self.nanoseconds),
            ("setxattr", -1, 0, -1, 1, self.set_attribute),
            ("lsetxattr", -1, 0, LINK, 1, self.set_attribute),
            ("fsetxattr", 0, -1, -1, 1, self.set_attribute),
            ("removexattr", -1, 0, -1, 1, self.remove_attribute),
            ("lremovexattr", -1, 0, LINK, 1, self.remove_attribute),
            ("fremovexattr", 0, -1, -1, 1, self.remove_attribute),
        )
        return {named[row[0]]: self.answer_of(*row) for row in rows if named[row[0]] != tables.NONE}

    def answer_of(self, call: str, folder: int, path: int, flags: int, first: int, act: Act) -> Answer:
        def answer(name: bytes, thread: int, words: list[int]) -> tuple[int, int]:
            how = NO_FOLLOWING if flags == LINK else words[flags] & WORD if flags >= 0 else 0
            # For times, a path that is not given is the descriptor itself; an empty one is where that is asked for.
            given = path >= 0 and (words[path] or not call.startswith(("utimensat", "futimesat")))
            named = self.text(thread, words[path], LONGEST_PATH) if given else b""
            if given and not named and not how & EMPTY:
                return ENOENT, 0
            if not named and folder >= 0 and words[folder] & WORD == HERE and not given:
                return EFAULT, 0
            change = act(thread, words[first:])
            theirs = rights_of(thread)
            if theirs[:3] != self.own[:3] and self.own[0]:
                return EPERM, 0
            base = self.base(thread, words[folder] & WORD if folder >= 0 else HERE, named)
            handle = -1
            try:
                self.take(theirs, self.own)
                handle = self.opened(base, thread, named, how)
                if not self.judge.is_valid(name) or self.is_refused(call, handle):
                    return EPERM, 0
                change(handle)
            finally:
                self.take(self.own, theirs)
                for descriptor in {handle, base} - {-1}:
                    close_fd(descriptor)
            return 0, 0

        return answer

    # --- where the file is ---

    def base(self, thread: int, folder: int, path: bytes) -> int:
        """The folder that a path begins at, or the file that a descriptor is of; -1 where the path is whole."""
        if path[:1] == b"/":
            return -1
        place = b"/proc/%d/cwd" % thread if folder == HERE else b"/proc/%d/fd/%d" % (thread, folder)
        return open_fd(place, O_PATH | native.O_CLOEXEC)

    def opened(self, base: int, thread: int, path: bytes, how: int) -> int:
        """A handle of the file that is meant, as the program finds it."""
        flags = O_PATH | native.O_CLOEXEC | (O_NOFOLLOW if how & NO_FOLLOWING else 0)
        if path[:1] == b"/":
            return open_fd(spoken_of(path, thread), flags)
        return open_fd(path, flags, dir_fd=base) if path else base

    def is_refused(self, call: str, handle: int) -> bool:
        """Whether the file lies in none of the folders; told to whoever wants to know."""
        real = readlink(b"/proc/self/fd/%d" % handle)
        for root in self.roots:
            if real == root or real.startswith(root + b"/"):
                return False
        shown = real.decode("utf-8", "surrogateescape")
        if self.tested:
            message = f"filesystem mutation disabled: {call}({shown})"
            tell((GUARD, message, REASON, REMEDY + shown, call, None, shown, ""))
        self.tested = True  # as for addresses, the first is the self-test's
        return True

    def text(self, thread: int, address: int, longest: int) -> bytes:
        """Text of C's, page by page: what lies behind it may not be there."""
        found = b""
        while len(found) <= longest:
            piece = self.judge.read(thread, address, PAGE - address % PAGE)
            end = piece.find(b"\0")
            if end >= 0:
                return found + piece[:end]
            found += piece
            address += len(piece)
        raise OSError(ENAMETOOLONG, "a longer text")

    # --- with whose rights ---

    def take(self, rights: Rights, before: Rights) -> None:
        """Have this thread, and no other, open and change files with these rights."""
        if rights == before:
            return
        if rights[:3] != before[:3]:
            self.take_capabilities(self.own[3])
            groups = b"".join([group.to_bytes(4, "little") for group in rights[2]])
            self.calls(abi.SETGROUPS[self.machine], len(rights[2]), groups or None)
            self.calls.fails(abi.SETFSGID[self.machine], rights[1])  # these two return what was before
            self.calls.fails(abi.SETFSUID[self.machine], rights[0])
        self.take_capabilities(rights[3])

    def take_capabilities(self, effective: int) -> None:
        head, data = CAPABILITY_VERSION.to_bytes(8, "little"), bytes(24)
        self.calls(abi.CAPGET[self.machine], head, data)
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 24, 4)]
        words[0], words[3] = effective & WORD & words[1], effective >> 32 & words[4]
        self.calls(abi.CAPSET[self.machine], head, b"".join([word.to_bytes(4, "little") for word in words]))

    # --- the changes ---

    def mode(self, thread: int, words: list[int]) -> Callable[[int], object]:
        return lambda handle: native.chmod(name_of(handle), words[0] & 0o7777)

    def owner(self, thread: int, words: list[int]) -> Callable[[int], object]:
        user, group = words[0] & WORD, words[1] & WORD
        return lambda handle: self.calls(abi.FCHOWNAT[self.machine], handle, b"\0", user, group, EMPTY)

    def seconds(self, thread: int, words: list[int]) -> Callable[[int], object]:
        return self.times(thread, words[0], 1, 0)

    def microseconds(self, thread: int, words: list[int]) -> Callable[[int], object]:
        return self.times(thread, words[0], 2, 1000)

    def nanoseconds(self, thread: int, words: list[int]) -> Callable[[int], object]:
        return self.times(thread, words[0], 2, 1)

    def times(self, thread: int, address: int, size: int, unit: int) -> Callable[[int], object]:
        """Two times of so many words each; no address for the present one. unit: of the second word, in nanoseconds."""
        times = None
        if address:
            times = self.judge.read(thread, address, 2 * size * LONG)
            if unit != 1:
                parts = [times[at : at + LONG] for at in range(0, len(times), LONG)]
                numbers = [int.from_bytes(part, "little", signed=True) for part in parts]
                smaller = [numbers[1] * unit, numbers[3] * unit] if size == 2 else [0, 0]
                pairs = (numbers[0], smaller[0], numbers[size], smaller[1])
                times = b"".join([number.to_bytes(LONG, "little", signed=True) for number in pairs])
        return lambda handle: self.calls(abi.UTIMENSAT[self.machine], handle, b"\0", times, EMPTY)

    def set_attribute(self, thread: int, words: list[int]) -> Callable[[int], object]:
        name, size = self.text(thread, words[0], LONGEST_NAME), words[2]
        if size > LONGEST_VALUE:
            raise OSError(ERANGE, "a longer value")
        value = self.judge.read(thread, words[1], size) if size else b""
        return lambda handle: native.setxattr(name_of(handle), name, value, words[3] & WORD)

    def remove_attribute(self, thread: int, words: list[int]) -> Callable[[int], object]:
        name = self.text(thread, words[0], LONGEST_NAME)
        return lambda handle: native.removexattr(name_of(handle), name)


LINK = 99  # in the place of flags: the call never follows a link


def name_of(handle: int) -> bytes:
    """A handle as a path: some calls take none otherwise. Of a link itself they change nothing."""
    if file_mode(fstat(handle)) & S_IFMT == S_IFLNK:
        raise OSError(EOPNOTSUPP, "a link")
    return b"/proc/self/fd/%d" % handle


def spoken_of(path: bytes, thread: int) -> bytes:
    """An absolute path, with what a program calls itself by as others call it."""
    for own, other in OWN_NAMES:
        if path == own or path.startswith(own + b"/"):
            number = thread if own == b"/proc/thread-self" else leader_of(thread)
            return other % number + path[len(own) :]
    return path
