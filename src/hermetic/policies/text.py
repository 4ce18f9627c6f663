"""Reading a policy file as text and as TOML, and finding the lines of what it says.

The file is somebody's: it may be a device, a link, huge, or no text at all.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING, Any

from _hermetic.extract import printable
from hermetic.policies.errors import PolicyFileError, at

if TYPE_CHECKING:
    from collections.abc import Iterator

# More than anybody writes by hand.
LARGEST = 1 << 20
MOST_DOTS = 500  # in a line, outside of strings
UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


def read_text(file: str) -> str:
    """The file's text. PolicyFileError."""
    try:
        # Without waiting: a fifo that nobody writes to would hold up the start for ever.
        number = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            kind = os.fstat(number).st_mode
            if not stat.S_ISREG(kind):
                what = "a directory" if stat.S_ISDIR(kind) else "no ordinary file"
                raise PolicyFileError(f"{at(file, 0)} is {what}")
            with open(number, "rb", closefd=False) as stream:
                data = stream.read(LARGEST + 1)
        finally:
            os.close(number)
    except OSError as error:
        raise PolicyFileError(f"{at(file, 0)} cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, PolicyFileError):
            raise
        raise PolicyFileError(f"{at(file, 0)} is no path: {error}") from None
    if len(data) > LARGEST:
        raise PolicyFileError(f"{at(file, 0)} is larger than {LARGEST >> 20} MiB")
    try:
        # Windows' editors begin UTF-8 with a mark, which most readers of TOML pass over, but not tomllib.
        return data.removeprefix(UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        if data.startswith(UTF16_MARKS):
            raise PolicyFileError(f"{at(file, 0)} is UTF-16; save it as UTF-8") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyFileError(f"{at(file, line)}: not UTF-8; save it as UTF-8") from None


def parse(file: str, text: str) -> dict[str, Any]:
    """The text as TOML. PolicyFileError with the line."""
    toml = toml_module(file)
    # Of a key with that many parts the reader keeps every beginning.
    for number, written in enumerate(text.split("\n"), 1):
        if written.count(".") > MOST_DOTS and STRING.sub("", written).count(".") > MOST_DOTS:
            raise PolicyFileError(f"{at(file, number)}: nested too deeply")
    try:
        found: dict[str, Any] = toml.loads(text)
    except toml.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        line = 0 if place is None else int(place[1] or text.count("\n") + 1)
        said = str(error) if place is None else str(error)[: place.start()]
        raise PolicyFileError(f"{at(file, line)}: not TOML: {printable(said)}") from None
    except RecursionError:
        raise PolicyFileError(f"{at(file, 0)}: nested too deeply") from None
    return found


def toml_module(file: str) -> Any:
    """The standard library's reader, or on 3.10 the one it was made from."""
    try:
        if sys.version_info >= (3, 11):
            import tomllib

            return tomllib
        import tomli  # type: ignore[import-not-found]  # an extra, and for 3.10 alone
    except ImportError:
        raise PolicyFileError(
            f"{at(file, 0)}: reading policy files on Python 3.10 needs tomli: pip install 'hermetic[toml]'"
        ) from None
    return tomli


# --- lines ---

HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
LONG = re.compile(r'"""|\'\'\'')

Path = tuple[Any, ...]
# As many keys as lead to anything that is understood, and some more.
MOST_KEYS = 8


class Lines:
    """Where in a text tables and keys stand. A path is the keys that lead there, numbers in lists of tables."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.places: dict[Path, int] = {}
        # By the line that a key stands in: what is written there, and from there on.
        self.strings: dict[int, dict[str, int]] = {}
        for number, path in self._found():
            for length in range(1, min(len(path), MOST_KEYS) + 1):
                self.places.setdefault(path[:length], number)

    def _found(self) -> Iterator[tuple[int, Path]]:
        table: Path = ()
        counts: dict[Path, int] = {}
        inside = False
        for number, line in enumerate(self.lines, 1):
            # What stands in a text of several lines is no key.
            quotes = len(LONG.findall(line))
            if inside:
                inside = quotes % 2 == 0
                continue
            inside = quotes % 2 == 1
            header, key = HEADER.match(line), KEY.match(line)
            if header is not None and "=" not in header[2]:
                table = parts(header[2])
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                yield number, table
            elif key is not None:
                yield number, (*table, *parts(key[1]))

    def of(self, path: Path) -> int:
        """The line of this path, or of what it stands in; 0 where neither is known."""
        path = path[:MOST_KEYS]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, 0)

    def of_item(self, path: Path, item: str) -> int:
        """The line of one string of a list."""
        first = self.of(path)
        if first and first not in self.strings:
            self.strings[first] = self._strings_from(first)
        plain = item.replace("\\", "\\\\").replace('"', '\\"')
        found = self.strings.get(first, {})
        return found.get(f'"{plain}"') or found.get(f"'{item}'") or first

    def _strings_from(self, first: int) -> dict[str, int]:
        """The strings, as they are written, from one line to the next key, each with its first line."""
        later = [number for number in self.places.values() if number > first]
        found: dict[str, int] = {}
        for number in range(first, min(later, default=len(self.lines) + 1)):
            for text in STRING.findall(self.lines[number - 1]):
                found.setdefault(text, number)
        return found


def parts(text: str) -> Path:
    return tuple(part.strip("\"'") for part in PART.findall(text))
