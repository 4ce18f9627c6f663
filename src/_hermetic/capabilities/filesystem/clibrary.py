"""Files that C libraries read by a name they are given: certificates, message catalogues, readline's settings.

CPython announces none of these. The system's own (the default store of
certificates, the locale's catalogues, who is a user) stay: they are not the program's choice.
"""

from __future__ import annotations

import os as _os

from ...extract import TEXT_OR_BYTES, argument, at_start, exact_text, is_a, newly_set
from ...pristine import ENCODING, ENCODING_ERRORS, IS_WINDOWS
from .descriptors import path_text
from .filecalls import reading_of

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from .filecalls import Reading

SHADOW = "/etc/shadow"
# By these OpenSSL finds its default store, as it is asked to; the second is a list.
CERTIFICATE_FILE, CERTIFICATE_FOLDERS = "SSL_CERT_FILE", "SSL_CERT_DIR"
CERTIFICATE_VARIABLES = at_start((CERTIFICATE_FILE, CERTIFICATE_FOLDERS))
BETWEEN_FOLDERS = _os.pathsep
# What os.environ was made from; emptied where the environment is taken away, and then C has no such variable.
DATA: Any = getattr(_os.environ, "_data", {})


def reading(path: Any) -> Reading | None:
    return None if path is None else reading_of(path_text(path), None)


def first_file(args: Any, kwargs: Any) -> Reading | None:
    """load_verify_locations(cafile, ...), load_cert_chain(certfile, ...)."""
    path = argument(args, kwargs, 1, "cafile", None)
    return reading(argument(args, kwargs, 1, "certfile", None) if path is None else path)


def only_file(args: Any, kwargs: Any) -> Reading | None:
    """_ssl._test_decode_cert(path), which shows a certificate as it is."""
    path = argument(args, kwargs, 0, "path", None)
    return reading(path) if is_a(path, TEXT_OR_BYTES) else (path, None)  # a PathLike may tell C something else


def second_file(args: Any, kwargs: Any) -> Reading | None:
    """load_verify_locations(..., capath), load_cert_chain(..., keyfile)."""
    path = argument(args, kwargs, 2, "capath", None)
    return reading(argument(args, kwargs, 2, "keyfile", None) if path is None else path)


def default_file(args: Any, kwargs: Any) -> Reading | None:
    """set_default_verify_paths(): the program may have said where they are."""
    return reading(variable(CERTIFICATE_FILE))


def default_folder(args: Any, kwargs: Any) -> Reading | None:
    value = variable(CERTIFICATE_FOLDERS)
    return None if value is None or is_list(value) else reading(value)


def default_folders(args: Any, kwargs: Any) -> tuple[str, Any] | None:
    """The same, of a list, whose folders were judged as those of the start."""
    value = variable(CERTIFICATE_FOLDERS)
    if value is None or not is_list(value):
        return None
    as_c_has_it = str.encode(exact_text(value), ENCODING, ENCODING_ERRORS)
    name = newly_set((CERTIFICATE_FOLDERS, as_c_has_it), CERTIFICATE_VARIABLES)
    return None if name is None else (name, value)


def variable(name: str) -> Any:
    """What os.environ has by this name."""
    for key in (name, name.encode()):
        value = dict.get(DATA, key)
        if is_a(value, TEXT_OR_BYTES):
            return value
    return None


def is_list(value: Any) -> bool:
    return BETWEEN_FOLDERS in exact_text(value)


def certificate_variable(args: Any, kwargs: Any) -> Reading | None:
    """os.putenv(name, value) of the default store, which os.environ need not have: judged as it is set."""
    name = newly_set(args, CERTIFICATE_VARIABLES)
    return None if name is None or not args[1] or is_unclear(name, args[1]) else reading(args[1])


def unclear_variable(args: Any, kwargs: Any) -> tuple[str, Any] | None:
    """The same, of what may be another place when C reads it, or several."""
    name = newly_set(args, CERTIFICATE_VARIABLES)
    return (name, args[1]) if name is not None and args[1] and is_unclear(name, args[1]) else None


def is_unclear(name: str, value: Any) -> bool:
    text = exact_text(value)
    is_absolute = text[1:2] == ":" if IS_WINDOWS else text[:1] == "/"
    return not is_absolute or (name == CERTIFICATE_FOLDERS and is_list(text))


def catalogue_folder(args: Any, kwargs: Any) -> Reading | None:
    """bindtextdomain(domain, folder). The domain is a part of the file's path."""
    return catalogue(args, kwargs) or (reading(args[1]) if len(args) > 1 else None)


def catalogue(args: Any, kwargs: Any) -> Reading | None:
    """textdomain(domain), dgettext(domain, message), dcgettext(domain, message, category)."""
    domain = args[0] if args else None
    if domain is None or "/" not in exact_text(domain):
        return None
    return domain, None


# Variables that name a text file, which a library shows line by line as it complains of it, or acts by: of the host's
# settings and names (glibc), of keys (readline). It is read later, so a path that may be read says nothing.
FILE_VARIABLES = at_start(("RESOLV_HOST_CONF", "HOSTALIASES", "INPUTRC"))


def file_variable(args: Any, kwargs: Any) -> tuple[str, Any] | None:
    """os.putenv(name, value). What was there at the start may be put back."""
    name = newly_set(args, FILE_VARIABLES)
    return None if name is None else (name, args[1])


def shadow(args: Any, kwargs: Any) -> Reading:
    return reading_of(SHADOW, None)


def included_path(line: Any) -> str | None:
    """The file of a ``$include`` line, as readline takes it apart."""
    text = exact_text(line).lstrip(BLANKS)
    if text[:1] != "$":
        return None
    words = text[1:].split(None, 1)
    return words[1].rstrip() if len(words) == 2 and words[0].lower() == "include" else None


BLANKS = " \t"
