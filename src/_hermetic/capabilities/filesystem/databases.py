"""What opening an SQLite database does to the disk, told from its name alone.

The event shows the name and hides whether it is a URI. So a URI counts only in a
form that is harmless both ways: ``file:/...``, which as a plain name would lie in
a folder called ``file:`` that does not exist. The stand-in for ``connect``
brings other URIs into this form.
"""

from __future__ import annotations

from ...paths import lexists
from ...pristine import ENCODING, ENCODING_ERRORS, FULL, close_fd, getcwd, native, open_fd, read_fd
from .descriptors import path_text

MEMORY, READ_ONLY, WRITTEN = "memory", "read-only", "written"
# Parameters that do not change what is opened; vfs does, and an unknown one may.
HARMLESS = frozenset({"mode", "cache", "immutable", "nolock", "psow"})
PLAIN_FOLDER = "file:"
OPENING = native.O_RDONLY | getattr(native, "O_NONBLOCK", 0) | getattr(native, "O_CLOEXEC", 0)
# The file format's two version bytes are 2 in WAL mode, where readers write beside the database.
VERSIONS, WAL = slice(18, 20), b"\2"


def database_use(database: object) -> tuple[str, str]:
    """(one of the three words above, path or name)."""
    name = path_text(database)
    if name == ":memory:":
        return MEMORY, name
    path, fields = parse_uri(name)
    if path is None or plain_folder_exists():
        return WRITTEN, name
    modes = [value for key, value in fields if key == "mode"]
    if not modes or [key for key, _ in fields if key not in HARMLESS]:
        return WRITTEN, path
    if [value for value in modes if value != "memory"] == []:
        return MEMORY, path
    if [value for value in modes if value != "ro"] or not (is_immutable(fields) or not in_wal_mode(path)):
        return WRITTEN, path
    return READ_ONLY, path


def database_names(name: str) -> tuple[str, ...] | None:
    """Every path that SQLite may take from this name: nobody says whether it is a URI. None for one nobody can tell."""
    if not name.startswith("file:"):
        return (name,)
    if "%00" in name:
        return None
    path, _ = parse_uri(anchored_uri(name, getcwd()))
    if path is None or "\0" in path:
        return None
    return (path,) if name.startswith("file:/") and not plain_folder_exists() else (path, name)


def parse_uri(name: str) -> tuple[str | None, list[tuple[str, str]]]:
    """Path and parameters as SQLite reads them; no path for what is no URI of the form ``file:/...``."""
    if not name.startswith("file:/") or "%00" in name:
        return None, []
    rest, _, query = name[5:].partition("#")[0].partition("?")
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if not slash or host not in ("", "localhost"):
            return None, []
        rest = slash + path
    fields = []
    for field in query.split("&"):
        key, _, value = field.partition("=")
        if key:
            fields.append((unquoted(key), unquoted(value)))
    return unquoted(rest), fields


def unquoted(text: str) -> str:
    """With ``%XX`` as what they stand for, one byte each."""
    first, *rest = text.split("%")
    done = bytearray(first.encode(ENCODING, ENCODING_ERRORS))
    for part in rest:
        if len(part) > 1 and part[0] in HEXADECIMAL and part[1] in HEXADECIMAL:
            done.append(int(part[:2], 16))
            part = part[2:]
        else:
            done += b"%"
        done += part.encode(ENCODING, ENCODING_ERRORS)
    return done.decode(ENCODING, ENCODING_ERRORS)


HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def name_in_statement(text: str) -> str:
    """A name from inside of a statement as a path: there SQLite has UTF-8, whatever files are named in."""
    return text.encode("utf-8", "surrogateescape").decode(ENCODING, ENCODING_ERRORS)


def plain_folder_exists() -> bool:
    """Whether a URI taken for a plain name would lie in a folder that exists."""
    return lexists(PLAIN_FOLDER)


def is_immutable(fields: list[tuple[str, str]]) -> bool:
    """Whether SQLite may take it that nobody changes the file, and so needs no files beside it."""
    values = [value for key, value in fields if key == "immutable"]
    return values != [] and [value for value in values if value != "1"] == []


def in_wal_mode(path: str) -> bool:
    """Whether a reader of this database would write; a file that cannot be read is not in that mode."""
    try:
        number = open_fd(path, OPENING)
    except OSError as error:
        if error.errno in FULL:
            raise  # SQLite may find room again
        return False
    try:
        return WAL in read_fd(number, 20)[VERSIONS]
    finally:
        close_fd(number)


def anchored_uri(uri: str, folder: str) -> str:
    """The same URI in the form that the guard can judge. folder: the working directory, or empty."""
    if not uri.startswith("file:") or uri.startswith("file:/"):
        return uri
    end = min([uri.find(mark) for mark in "?#" if mark in uri] or [len(uri)])
    path, tail = uri[5:end], uri[end:]
    if path == ":memory:":
        return "file:/:memory:?mode=memory" + ("&" + tail[1:] if tail.startswith("?") else tail)
    if "mode=memory" in tail:
        return f"file:/{path}{tail}"
    for mark, code in (("%", "%25"), ("?", "%3f"), ("#", "%23")):
        folder = folder.replace(mark, code)
    return f"file:{folder}/{path}{tail}"
