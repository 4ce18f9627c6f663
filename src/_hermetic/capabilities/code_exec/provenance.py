"""Provenance: whether code about to be made is what the import system would find on disk.

A guard sees the bytes that are compiled or unmarshalled. Frames say who asks, and
a program can borrow the import system's frames (replace a function they call, write
their locals, run a callback inside them). So the bytes are compared with the file
they claim to come from, and whoever borrows a frame gets what an import would give.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from ...extract import exact_text
from ...paths import is_below
from ...pristine import (
    S_IFMT,
    S_IFREG,
    close_fd,
    file_links,
    file_mode,
    file_size,
    fstat,
    native,
    open_fd,
    stat,
)

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

try:
    from zlib import decompress as _inflate  # for zip archives on sys.path; a later zlib may be the program's
except ImportError:

    def _inflate(data: bytes, wbits: int) -> bytes:  # type: ignore[misc]  # an interpreter without zlib
        raise OSError("no zlib")


_read, _seek = native.read, native.lseek
_FLAGS = _os.O_RDONLY | getattr(_os, "O_CLOEXEC", 0) | getattr(_os, "O_BINARY", 0) | getattr(_os, "O_NONBLOCK", 0)
_SEP = _os.sep
_PYCACHE = "__pycache__"

SOURCE_SUFFIXES = (".py", ".pyw") if _sys.platform == "win32" else (".py",)
# Where cached bytecode lies when it does not lie beside its source; taken at start, the program may set another.
_prefix = _sys.pycache_prefix
CACHE_ROOTS: tuple[str, ...] = () if _prefix is None else (_os.path.abspath(_prefix),)
_version = f"python{_sys.version_info[0]}.{_sys.version_info[1]}"
# The interpreter's own library folders: the only ones from which bytecode without source is loaded.
LIBRARIES = tuple(
    _os.path.join(prefix, *below)
    for prefix in dict.fromkeys((_sys.base_prefix, _sys.base_exec_prefix, _sys.prefix, _sys.exec_prefix))
    for below in ((("Lib",),) if _sys.platform == "win32" else (("lib", _version), ("lib64", _version)))
)

# Decoders that C knows by heart. Any other name in a source file's first lines leads to the codec registry, where
# the program may have put a "decoder" that returns code of its own.
ENCODINGS = frozenset(
    {b"utf-8", b"utf8", b"utf-8-sig", b"latin-1", b"latin1", b"iso-8859-1", b"iso8859-1", b"ascii", b"us-ascii"}
)
_NAME = b"abcdefghijklmnopqrstuvwxyz0123456789-."


def read_file(path: str) -> bytes | None:
    """A regular file's content, by the operating system's own calls; None when there is none."""
    try:
        fd = open_fd(path, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        status = fstat(fd)
        if file_mode(status) & S_IFMT != S_IFREG:
            return None
        size = file_size(status)
        data = _read(fd, size + 1)
        while len(data) < size:
            more = _read(fd, size - len(data))
            if not more:
                break
            data += more
        return data
    except OSError:
        return None
    finally:
        close_fd(fd)


def has_plain_encoding(data: bytes) -> bool:
    """Whether C decodes this source by itself (PEP 263: a comment in the first two lines may name a codec)."""
    lines = data[:4096].replace(b"\r", b"\n").split(b"\n", 2)[:2]
    for line in lines:
        text = line.lstrip(b"\xef\xbb\xbf \t\f")
        at = text.find(b"coding")
        if text[:1] != b"#" or at < 0:
            continue
        rest = text[at + 6 :]
        if rest[:1] not in (b":", b"="):
            if b"coding:" in rest or b"coding=" in rest:
                return False
            continue
        name = rest[1:].lstrip(b" \t").lower().replace(b"_", b"-")
        if name[: len(name) - len(name.lstrip(_NAME))] not in ENCODINGS:
            return False
    return True


def is_source_file(path: object, data: bytes) -> bool:
    """Whether these bytes are the content of the Python source file they are named for."""
    name = exact_text(path)
    return name.endswith(SOURCE_SUFFIXES) and has_plain_encoding(data) and read_file(name) == data


def is_cached_file(path: str, data: bytes, sourceless: bool) -> bool:
    """Whether these bytes are the code in a bytecode file that the import system itself keeps."""
    if not path.endswith(".pyc"):
        return False
    if sourceless:
        if not is_below(path, LIBRARIES):
            return False
    elif path.rpartition(_SEP)[0].rpartition(_SEP)[2] != _PYCACHE and not is_below(path, CACHE_ROOTS):
        return False
    content = read_file(path)
    return content is not None and content[16:] == data


# These versions show carets below a traceback's line by parsing it, in C, in whatever frame prints it. A captured
# `compile` is announced alike, so that they do without: they show one kind of caret instead of two.
PARSES_TRACEBACKS = (3, 11) <= _sys.version_info[:2] <= (3, 12)


def is_shown_line(path: object, text: object) -> bool:
    """Whether a traceback may be showing this, which is a part of one line of the file it is named for. Nothing is
    allowed for that: a comment is one.
    """
    if not PARSES_TRACEBACKS or type(text) is not bytes or b"\n" in text:
        return False
    name = exact_text(path)
    # What looks like <string> names no file, and to look for one would be an act of the program's, as reading goes.
    content = None if name[:1] == "<" else read_file(name)
    return content is not None and text in content


# --- zip archives ---


def is_zip_source(path: object, entry: Any, data: bytes) -> bool:
    """Whether these bytes are a source file in a zip archive. entry: zipimport's table row, a claim to be verified."""
    name = exact_text(path)
    if not name.endswith(SOURCE_SUFFIXES) or type(entry) is not tuple or len(entry) != 8:
        return False
    for number in entry[1:5]:
        if type(number) is not int or number < 0:
            return False
    at = name.find(_SEP, 1)
    while at > 0:
        try:
            if file_mode(stat(name[:at])) & S_IFMT == S_IFREG:
                break
        except (OSError, ValueError):
            return False
        at = name.find(_SEP, at + 1)
    if at <= 0:
        return False
    content = zip_member(name[:at], name[at + 1 :].replace(_SEP, "/"), entry[1], entry[2], entry[4])
    if content is None or not has_plain_encoding(content):
        return False
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == data


def zip_member(archive: str, member: str, method: int, size: int, offset: int) -> bytes | None:
    """The content of a member whose local header must lie at this offset and bear this name."""
    try:
        fd = open_fd(archive, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        _seek(fd, offset, 0)
        header = _read(fd, 30)
        if len(header) != 30 or header[:4] != b"PK\x03\x04":
            return None
        name_size = int.from_bytes(header[26:28], "little")
        extra_size = int.from_bytes(header[28:30], "little")
        name = _read(fd, name_size + extra_size)[:name_size]
        if name != member.encode("utf-8", "surrogateescape"):
            return None
        found = fstat(fd)
        if not file_links(found):
            return None  # memory (memfd_create), or a removed file: who may write no file can make these
        data = _read(fd, min(size, file_size(found)))
        if len(data) != size:
            return None
        return data if method == 0 else _inflate(data, -15)
    except Exception:  # noqa: BLE001  # zlib's error has no name here, and a broken archive is no source
        return None
    finally:
        close_fd(fd)
