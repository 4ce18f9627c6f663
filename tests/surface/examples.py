"""What the rows' examples need to be run: which are harmless when they are not blocked, and why some rows have none."""

from __future__ import annotations

import os
import sqlite3
import sys
from importlib.util import find_spec

# Rows without an example, by family and first door. Each names where it is tested instead.
NO_EXAMPLE: dict[tuple[str, str], str] = {
    ("network", "_socket:getaddrinfo"): "remembers answers and refuses nothing: tests/policy/test_network.py",
    ("network", "_socket:gethostbyname"): "hands ASCII on and refuses nothing: tests/security/test_network_hosts.py",
    ("network", "_socket:gethostbyname_ex"): "as above",
    ("network", "_socket:gethostbyaddr"): "as above",
    ("network", "_socket:getnameinfo"): "answers what is no question: tests/policy/test_network_numbers.py",
    ("network", "socket:fromshare"): "Windows only",
    ("network", "_uuid:generate_time_safe"): "does without, refuses nothing: tests/security/test_uuids_made_by_c.py",
    ("network", "_tkinter:create"): "needs _tkinter, whose import is blocked before: tests/security",
    ("network", "os.putenv"): "judged where names may be looked up: tests/security/test_network_names_turned.py",
    ("network", "socket:socket.sendmsg"): "ancillary data: tests/security/test_network_source_routes.py",
    ("network", "os:setns"): "not before 3.12: tests/security/test_network_source_routes.py",
    ("network", "nis:match"): "gone since 3.13: tests/security/test_network_other_doors.py",
    ("integrity", "os:chroot"): "under a seal only: tests/security/test_own_files_where_guards_cannot_look.py",
    ("integrity", "os:setns"): "as above",
    ("integrity", "_signal:signal"): "refuses nothing: tests/security/test_seal_signal_handlers.py",
    ("integrity", "_signal:getsignal"): "as above",
    ("integrity", "fcntl.ioctl"): "under a seal: tests/security/test_seal_memory_by_address.py",
    ("integrity", "fcntl.fcntl"): "as above",
    ("filesystem", "os.putenv"): "where reading is restricted: tests/security/test_filesystem_variables_of_c.py",
    ("imports", "os:setns"): "not before 3.12: tests/security/test_native_libraries_put.py",
    ("subprocess", "_tkinter:create"): "needs _tkinter, whose import is blocked before: tests/security",
    ("filesystem", "_uuid:generate_time_safe"): "does without, refuses nothing: tests/security/test_uuids_made_by_c.py",
    ("filesystem", "uuid:_generate_time_safe"): "as above",
    ("filesystem", "_ssl:_test_decode_cert"): "reads under a root: tests/security",
    (
        "integrity",
        "sys.addaudithook",
    ): "CPython drops a refused hook in silence: tests/security/test_seal_audit_hooks.py",
    ("environment", "_imp:exec_builtin"): "puts guards on a fresh posix and refuses nothing: tests/security",
    ("environment", "os:_create_environ"): "3.14 and newer: tests/security/test_environment_around_the_class.py",
    ("environment", "subprocess.Popen"): "what a child inherits: tests/security",
    ("code_exec", "cpython.run_command"): "raised from C only: Py_RunMain and PyRun_* of the test modules",
    ("code_exec", "builtins:compile"): "a door of its own for what the compile event does not tell",
    ("code_exec", "types:coroutine"): "a door of its own, which copies flags and refuses nothing",
    ("subprocess", "webbrowser:UnixBrowser.open"): "finds no browser instead of refusing: tests/security",
    ("subprocess", "webbrowser:MacOSXOSAScript.open"): "macOS only",
    ("subprocess", "ctypes.util:_findLib_gcc"): "finds no compiler instead of refusing: tests/security",
    ("filesystem", "_dbm:open"): "not built here; tests/security where it is",
    ("filesystem", "_gdbm:open"): "not built here; tests/security where it is",
    ("filesystem", "builtins:open"): "reads under a root: tests/security",
    ("filesystem", "os:open"): "reads under a root: tests/security",
    ("filesystem", "open.read"): "reads under a root: tests/security",
    ("filesystem", "os.listdir"): "reads under a root: tests/security",
    ("filesystem", "os.getxattr"): "reads under a root: tests/security",
    ("filesystem", "sqlite3.connect"): "reads under a root: tests/security",
    ("filesystem", "_sqlite3:connect"): "as above",
    ("filesystem", "readline:read_history_file"): "reads under a root: tests/security",
    ("filesystem", "readline:read_init_file"): "reads under a root: tests/security",
    ("filesystem", "readline:parse_and_bind"): "reads under a root: tests/security",
    ("filesystem", "ssl:SSLContext.load_verify_locations"): "reads under a root: tests/security",
    ("filesystem", "ssl:SSLContext.load_cert_chain"): "reads under a root: tests/security",
    ("filesystem", "ssl:SSLContext.set_default_verify_paths"): "reads under a root: tests/security",
    ("filesystem", "_locale:bindtextdomain"): "reads under a root: tests/security",
    ("filesystem", "_locale:textdomain"): "reads under a root: tests/security",
    ("filesystem", "_locale:dgettext"): "reads under a root: tests/security",
    ("filesystem", "_locale:dcgettext"): "reads under a root: tests/security",
    ("filesystem", "spwd:getspnam"): "reads under a root: tests/security",
    **{
        ("filesystem", name): "judged by lists of paths, where there are any: tests/lists"
        for name in (
            *("os:mkfifo", "os:mknod", "_posixshmem:shm_open", "_posixshmem:shm_unlink"),
            *("readline:write_history_file", "readline:append_history_file"),
        )
    },
    **{
        ("subprocess", name): "judged by a list of programs, where there is one: tests/lists"
        for name in (
            *("_winapi.CreateProcess", "os.fork", "os.kill", "os.killpg", "os.startfile"),
            "os:_spawnvef",
        )
    },
    **{
        ("filesystem", f"os:{name}"): "tells whether a link is followed, and refuses nothing: tests/lists"
        for name in ("chmod", "chown", "utime", "setxattr", "removexattr", "chflags", "lchown", "lchmod", "lchflags")
    },
    ("filesystem", "os.chflags"): "BSD and macOS only",
    ("filesystem", "os:unshare"): "3.12 and newer: tests/security/test_filesystem_listed_paths.py",
    ("filesystem", "os:setns"): "3.12 and newer: tests/security/test_filesystem_listed_paths.py",
    ("filesystem", "sys:activate_stack_trampoline"): "3.12 and newer, and some builds only",
    ("filesystem", "tempfile:TemporaryFile"): "served from memory, never refused: tests/security",
    ("filesystem", "multiprocessing.heap:Arena.__init__"): "served from memory, never refused: tests/security",
    ("filesystem", "tempfile:_get_default_tempdir"): "answers without a try to write, never refused: tests/security",
    ("imports", "open"): "the import system's own reads: tests/security/test_imports*.py",
    ("imports", "exec"): "the import system's own execution: tests/security/test_imports*.py",
    ("imports", "ctypes.call_function"): "announced since 3.14: tests/security/test_native_interfaces.py",
    ("imports", "ctypes.dlopen"): "needs ctypes, whose import is blocked before",
    ("imports", "sqlite3.connect"): "a second construction, on 3.10: tests/security/test_native_sqlite_functions.py",
    ("imports", "_sqlite3:connect"): "asks, and refuses nothing: as above",
    ("imports", "sqlite3.load_extension"): "needs enable_load_extension, which is blocked before",
    ("imports", "_cffi_backend:load_library"): "cffi is not installed for tests",
    ("imports", "cffi.api:FFI.dlopen"): "cffi is not installed for tests",
    ("interpreter", "os:setns"): "not before 3.12: tests/security/test_interpreter_working_directory.py",
    ("interpreter", "import"): "a look-up on a changed path: tests/security",
    ("interpreter", "_frozen_importlib:_find_spec"): "a look-up on a changed path: tests/security",
    ("integrity", "sys.settrace"): "under a seal, on 3.10: tests/security/test_seal_frames.py",
    ("integrity", "sys.setprofile"): "under a seal, up to 3.11: as above",
    ("integrity", "sys.monitoring.register_callback"): "under a seal: as above",
    ("interpreter", "sys:settrace"): "settrace(None) is allowed; a door of its own: tests/security",
    ("interpreter", "sys.monitoring.register_callback"): "differs by version: tests/security",
    ("integrity", "cpython.PyInterpreterState_New"): "needs a module that another row refuses: tests/security",
    ("integrity", "sys.remote_exec"): "3.14 and newer: tests/security/test_other_processes_code.py",
    ("integrity", "import"): "modules that reach into others: tests/security",
    ("integrity", "object.__setattr__"): "needs a function of the guards: tests/security",
    ("integrity", "function.__new__"): "needs the code of a frame of the guards: tests/children",
    ("integrity", "object.__getattr__"): "needs an object of the guards: tests/security",
    (
        "children",
        "_posixsubprocess:fork_exec",
    ): "a child is started, or refused under --strict and --seal: tests/children",
    ("children", "posix:posix_spawn"): "the same: tests/children",
    ("children", "posix:posix_spawnp"): "the same: tests/children",
    ("children", "posix:execv"): "the same: tests/children",
    ("children", "posix:execve"): "the same: tests/children",
    ("children", "posix:system"): "the same: tests/children",
    ("children", "_winapi:CreateProcess"): "Windows only: tests/children",
    ("children", "os.exec"): "needs a reference that is older than the guards: tests/children",
    ("integrity", "gc.get_objects"): "only under a seal: tests/security",
}

# Examples that may really happen, so that --report-only can be tried with them. The others would reach the network,
# end or replace the process, or write where the interpreter or hermetic lives.
HARMLESS = frozenset(
    {
        "import socket; socket.socket().bind(('0.0.0.0', 0))",
        "import socket; socket.socketpair()",
        "import socket; socket.socket().listen()",
        "import socket; socket.fromfd(0, socket.AF_INET, socket.SOCK_STREAM)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
        "import signal; signal.pidfd_send_signal(0, 0)",
        "open('x', 'w')",
        "import os; os.mkdir('x')",
        "import os; os.remove('x')",
        "import os; os.replace('x', 'y')",
        "import os; os.chmod('x', 0o600)",
        "import os; os.mkfifo('x')",
        "import shutil; shutil.copyfile('x', 'y')",
        "import tempfile; tempfile.mkdtemp(dir='.')",
        "import tempfile; tempfile.mkstemp(dir='.')",
        "import sqlite3; sqlite3.connect('x.db')",
        "import os; os.environ['PATH']",
        "import os; os.environ['X'] = '1'",
        "import os; os.putenv('X', '1')",
        "open('/proc/self/environ')",
        "compile('1', 'x', 'eval')",
        "eval('1')",
        "exec('1')",
        "exec((lambda: 0).__code__)",
        "eval((lambda: 0).__code__)",
        "import marshal; marshal.loads(b'N')",
        "import io, marshal; marshal.load(io.BytesIO(b'N'))",
        "(lambda: 0).__code__.replace(co_name='x')",
        "import pickle; pickle.loads(b'cbuiltins\\nlen\\n.')",
        "import ctypes",
        "import os; os.chdir('/')",
        "import sys; sys.path.append('x')",
        "import sys; sys.settrace(print)",
        "import threading; threading.settrace(print)",
    }
)

# Examples whose door this interpreter, build or machine may lack.
AVAILABLE = {
    "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)": hasattr(
        sqlite3.Connection, "enable_load_extension"
    ),
    "import os; os.chroot('/')": hasattr(os, "chroot"),
    "import tkinter; tkinter.Tcl()": find_spec("tkinter") is not None,
    "import readline; readline.read_history_file('/proc/self/environ')": sys.platform == "linux",
}

# The documented first lines (docs/reference/errors.md), by guard.
PHRASES = {
    "network": r"network disabled: ((DNS|connect|create_connection|sendto|bind|join)\(.*\)|socketpair|fromfd|fromshare|TLS|socket|Tcl|syslog|source route|interface)",
    "subprocess": r"subprocess disabled: [\w.]+",
    "filesystem": r"(filesystem readonly: .+|filesystem mutation disabled: .+\(.*\)|read outside sandbox root: .+|filesystem read denied: .+)",
    "environment": r"environment (mutation )?disabled: .+",
    "imports": r"(import blocked|native import blocked|native interface blocked): .+",
    "code_exec": r"dynamic code execution disabled: .+",
    "interpreter": r"interpreter mutation disabled: .+",
}

# What to restrict so that a family's rows hold.
SETTINGS = {
    "network": {"block_network": True},
    "subprocess": {"block_subprocess": True},
    "filesystem": {"fs_readonly": True, "fs_root": "root"},
    "environment": {"block_environment": True},
    "code_exec": {"block_code_exec": True},
    "imports": {"block_native": True, "deny_imports": ["colorsys", "__hello__"]},
    "interpreter": {"block_interpreter_mutation": True},
    "integrity": {"block_network": True},
}
