"""What stays readable whatever the root: the interpreter, installed packages, and the system's public data.

Everything is resolved once, when the guards start, into tuples that do not
change. Not here, on purpose: ``/etc/passwd`` and other people's files, ``/proc/self/environ``,
``/proc/self/mem``.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import BYTECODE_SUFFIXES, SOURCE_SUFFIXES
from _imp import extension_suffixes

from ...callers import CORE, FACES
from ...paths import resolve
from ...startup import searchpath

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import TypeAlias

    Readable: TypeAlias = "tuple[tuple[str, ...], frozenset[str], tuple[str, ...]]"

# The kernel layer grants the same folders.
LIBRARIES = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/System/Library",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
)
LOCALES = ("/usr/share/locale", "/usr/share/i18n", "/etc/locale.alias", "/etc/locale.conf")
TIME = ("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo", "/var/db/timezone", "/etc/localtime")
CERTIFICATES = (
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    "/usr/share/crypto-policies",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/var/lib/ca-certificates",
)
# Where the mimetypes module looks.
MIME = (
    "/usr/share/mime",
    "/etc/mime.types",
    "/etc/httpd/mime.types",
    "/etc/httpd/conf/mime.types",
    "/etc/apache/mime.types",
    "/etc/apache2/mime.types",
    "/usr/local/etc/httpd/conf/mime.types",
    "/usr/local/etc/mime.types",
)
TERMINALS = ("/usr/share/terminfo", "/etc/terminfo", "/etc/inputrc")
MACHINE = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup")
DATA = LIBRARIES + LOCALES + TIME + CERTIFICATES + MIME + TERMINALS + MACHINE

# Files that are what they are called: no folder, never resolved.
FILES = frozenset(
    {
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/tty",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/uptime",
        "/proc/loadavg",
        "/proc/version",
        "/proc/filesystems",
    }
)
# Below /proc/PID of the program itself; neither its environment nor its memory. By "net/unix" a guard of ours tells
# whether a socket is open.
OWN_PROCESS = frozenset(
    {
        "cgroup",
        "cmdline",
        "comm",
        "fd",
        "io",
        "limits",
        "maps",
        "mountinfo",
        "mounts",
        "net/unix",
        "stat",
        "statm",
        "status",
        "task",
    }
)

RUNNING = "/proc/self/exe"
# File names that the import system reads.
SUFFIXES = tuple(dict.fromkeys((*SOURCE_SUFFIXES, *BYTECODE_SUFFIXES, *extension_suffixes())))
PACKAGES = ("site-packages", "dist-packages")


def readable(root: str) -> Readable:
    """(beginnings of paths below which all is readable, single paths, beginnings below which modules are).

    The root comes first: most reads are found there.
    """
    entries = path_entries()
    packages = [entry for entry in entries if entry.rpartition(os.sep)[2] in PACKAGES]
    # Who starts the program may have said where certificates are.
    named = [os.environ.get("SSL_CERT_FILE"), *os.environ.get("SSL_CERT_DIR", "").split(os.pathsep)]
    real = dict.fromkeys(
        [root, *real_paths([*interpreter_folders(), *packages, *installed_data(), *DATA, *filter(None, named)])]
    )
    single = {resolve(name) for name in interpreter_files()}
    return (
        tuple(beginning(path) for path in real if path == root or path != os.sep),
        # What lists packages looks into every entry, and opens it to see whether it is an archive.
        frozenset((*real, *FILES, *single, *entries)),
        tuple(dict.fromkeys(beginning(entry) for entry in entries if os.path.isdir(entry))),
    )


def readable_too(given: Readable) -> Readable:
    """The same in a child: what was found for the program that started it, and what this interpreter is made of.

    That program chooses the child's variables, path, working directory and name: these give nothing to read.
    """
    beginnings, single, sources = given
    real = dict.fromkeys(real_paths(interpreter_folders()))
    # The import system lists what is on the path.
    folders = [entry for entry in path_entries() if os.path.isdir(entry)]
    own = [resolve(name) for name in interpreter_files()]
    return (
        tuple(dict.fromkeys([*beginnings, *(beginning(path) for path in real if path != os.sep)])),
        frozenset((*single, *real, *own, *folders)),
        sources,
    )


def path_entries() -> list[str]:
    """The real paths of what modules are looked for in.

    Without what nobody can tell, as a working directory with a longer path than the system knows: whatever lies there
    cannot be judged, and is refused.
    """
    found = []
    for entry in dict.fromkeys(searchpath.coming()):
        try:
            found.append(resolve(entry or os.getcwd()))
        except OSError:
            continue
    return found


def real_paths(folders: list[str]) -> list[str]:
    """Of what there is of these."""
    return [resolve(folder) for folder in folders if os.path.lexists(folder)]


def beginning(folder: str) -> str:
    """How every path below a folder begins."""
    return folder if folder.endswith(os.sep) else folder + os.sep


def interpreter_folders() -> list[str]:
    """hermetic's own, the standard library, and where packages of this interpreter are installed."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefixes = dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix))
    below = [os.path.join(lib, name) for lib in dict.fromkeys(("lib", "lib64", sys.platlibdir))]
    if os.name == "nt":
        below = ["Lib", "DLLs"]
    return [
        CORE[:-1],
        FACES[:-1],
        os.path.dirname(os.__file__),
        *(os.path.join(prefix, lib) for prefix in prefixes for lib in below),
    ]


def installed_data() -> list[str]:
    """Where packages of this environment put what is no module, as the templates of Jupyter and their settings.

    Not for a child, whose environment the program chooses; and no link, which leads to what nobody installed. A base
    interpreter that lies in ~/.local shares its folder with everything that the user's programs keep.
    """
    prefix = resolve(sys.prefix)
    names = ("share",) if sys.prefix == sys.base_prefix else ("share", "etc")
    users = [os.environ.get("XDG_DATA_HOME"), os.path.join(os.path.expanduser("~"), ".local", "share")]
    kept = {resolve(folder) for folder in users if folder}
    folders = [os.path.join(prefix, name) for name in names]
    return [folder for folder in folders if folder not in kept and resolve(folder) == folder]


def interpreter_files() -> list[str]:
    """The interpreter itself, and the program: tracebacks show its lines."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    # What the interpreter is called, whoever starts it says.
    running = RUNNING if os.path.lexists(RUNNING) else sys.executable
    names = [running, os.path.join(sys.prefix, "pyvenv.cfg"), main, *searchpath.program()]
    return [name for name in names if isinstance(name, str) and name]
