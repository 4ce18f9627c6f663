"""The calls that CPython does not announce, as tables: what changes the disk, and what C reads by a name."""

from __future__ import annotations

from ...extract import always
from .clibrary import catalogue, catalogue_folder, default_file, first_file, second_file, shadow
from .filecalls import history, labelled, perf_map, shared_memory, tcl

WRITE, CHANGE = "filesystem.write", "filesystem.change"

# Where CPython announces nothing: (how the call is named, its names, capability, reader, example). None is ever
# allowed, so a policy for the whole process keeps none.
UNANNOUNCED = (
    ("os.mkfifo", ("os:mkfifo", "posix:mkfifo"), CHANGE, labelled, "import os; os.mkfifo('x')"),
    ("os.mknod", ("os:mknod", "posix:mknod"), CHANGE, labelled, "import os; os.mknod('x')"),
    # Another root folder would be another meaning for every path.
    ("os.chroot", ("os:chroot", "posix:chroot"), CHANGE, labelled, "import os; os.chroot('.')"),
    (
        "_posixshmem.shm_open",
        ("_posixshmem:shm_open",),
        WRITE,
        shared_memory,
        "import _posixshmem, os; _posixshmem.shm_open('/x', os.O_CREAT | os.O_RDWR)",
    ),
    (
        "_posixshmem.shm_unlink",
        ("_posixshmem:shm_unlink",),
        CHANGE,
        shared_memory,
        "import _posixshmem; _posixshmem.shm_unlink('/x')",
    ),
    (
        "readline.write_history_file",
        ("readline:write_history_file",),
        WRITE,
        history,
        "import readline; readline.write_history_file('x')",
    ),
    (
        "readline.append_history_file",
        ("readline:append_history_file",),
        WRITE,
        history,
        "import readline; readline.append_history_file(1, 'x')",
    ),
    ("dbm.gnu.open", ("_gdbm:open", "dbm.gnu:open"), WRITE, labelled, ""),
    ("dbm.ndbm.open", ("_dbm:open", "dbm.ndbm:open"), WRITE, labelled, ""),
    # From then on the interpreter appends to a file of its own at every new function.
    ("sys.activate_stack_trampoline", ("sys:activate_stack_trampoline",), WRITE, perf_map, ""),
    # A Tcl interpreter opens, renames and deletes files by commands of its own.
    ("_tkinter.create", ("_tkinter:create",), CHANGE, tcl, "import tkinter; tkinter.Tcl()"),
)

ON_THE_TYPE = "the C method called on `_ssl._SSLContext`, and a link swapped meanwhile, are the kernel layer's"
# What C reads by a name, where CPython announces nothing: (call, its names, reader, door, note).
UNANNOUNCED_READS = (
    ("readline.read_init_file", ("readline:read_init_file",), always, "history.read_init_file", ""),
    ("readline.parse_and_bind", ("readline:parse_and_bind",), always, "history.parse_and_bind", ""),
    (
        "ssl.SSLContext.load_verify_locations",
        ("ssl:SSLContext.load_verify_locations",),
        first_file,
        "certificates.verify_locations",
        ON_THE_TYPE,
    ),
    (
        "ssl.SSLContext.load_verify_locations",
        ("ssl:SSLContext.load_verify_locations",),
        second_file,
        "certificates.verify_locations",
        "",
    ),
    (
        "ssl.SSLContext.load_cert_chain",
        ("ssl:SSLContext.load_cert_chain",),
        first_file,
        "certificates.cert_chain",
        "",
    ),
    (
        "ssl.SSLContext.load_cert_chain",
        ("ssl:SSLContext.load_cert_chain",),
        second_file,
        "certificates.cert_chain",
        "",
    ),
    (
        "ssl.SSLContext.set_default_verify_paths",
        ("ssl:SSLContext.set_default_verify_paths",),
        default_file,
        "",
        "judged by `SSL_CERT_FILE`; the system's own store is always readable",
    ),
    (
        "locale.bindtextdomain",
        ("_locale:bindtextdomain", "locale:bindtextdomain"),
        catalogue_folder,
        "certificates.catalogue",
        "",
    ),
    ("locale.textdomain", ("_locale:textdomain", "locale:textdomain"), catalogue, "", ""),
    ("locale.dgettext", ("_locale:dgettext", "locale:dgettext"), catalogue, "", ""),
    ("locale.dcgettext", ("_locale:dcgettext", "locale:dcgettext"), catalogue, "", ""),
    ("spwd", ("spwd:getspnam", "spwd:getspall"), shadow, "", ""),
)
