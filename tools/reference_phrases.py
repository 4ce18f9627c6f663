"""What the reference pages say that no table of the code holds; the generator checks that each phrase exists."""

from __future__ import annotations

# guard -> (title, what it is about)
FAMILY_TITLES = {
    "network": ("Network", "`--no-network`. Whom the program may look up, connect to and listen as."),
    "subprocess": ("Subprocess", "`--no-subprocess`. Starting programs, signalling them, typing into the terminal."),
    "filesystem": ("Filesystem", "`--fs-readonly[=ROOT]`. Writes of every kind; with a root, reads outside it."),
    "environment": ("Environment", "`--no-environment`. Environment variables, and the other places they can be read."),
    "code_exec": ("Dynamic code", "`--no-code-exec`. Turning text or data into running code."),
    "imports": (
        "Imports and native code",
        "`--deny-import`, `--block-native`. Modules by name, and code outside Python.",
    ),
    "interpreter": ("Interpreter", "`--no-interpreter-mutation`. Working directory, import paths and hooks, tracing."),
    "children": (
        "Children",
        "In force with every policy that lets a program start processes. Violations name the guard `subprocess`.",
    ),
    "integrity": (
        "Integrity",
        "In force with every policy: what would undo the guards themselves. Violations name the guard `interpreter`.",
    ),
}

EXIT_CODES = (
    ("the target's own", "it ran to its end; also when a guard blocked an act and the target coped"),
    (
        "2",
        "a guard blocked an act and the target failed of it: nothing handled the exception, or something caught it and "
        "the target then ended with a non-zero status",
    ),
    (
        "1",
        "hermetic itself failed: usage, target not found, an interpreter that is not CPython 3.10 or newer, guards "
        "that could not be started",
    ),
)

VIOLATION, FILESYSTEM, IMPORT = "PolicyViolation", "FilesystemViolation", "ImportViolation"
# (phrase, guard, what the target is, class, meaning, what would allow it)
PHRASES = (
    (
        "network disabled",
        "network",
        "host, or none",
        VIOLATION,
        "A name look-up (`DNS(HOST)`), `connect(HOST)`, `create_connection(HOST)`, `sendto(HOST)`, `bind(HOST)`, "
        "`join(HOST)`, `socketpair`, `fromfd` or `TLS` under `--no-network`.",
        "`--allow-domain D` for a name and what is below it, `--allow-localhost` for loopback. Cloud metadata services "
        "are always denied.",
    ),
    (
        "subprocess disabled",
        "subprocess",
        "the program's name, never its arguments",
        VIOLATION,
        "Starting a process by any door, or signalling another one, under `--no-subprocess`. Under any policy, a "
        "Python child that cannot be guarded; under `--seal` and `--strict`, a child that is not Python.",
        "`--allow-run PROGRAM` for a program that `--no-subprocess` takes away, or running without it; running without "
        "`--seal` or `--strict`; for a child, a start that hermetic can read.",
    ),
    (
        "filesystem readonly",
        "filesystem",
        "path",
        FILESYSTEM,
        "Opening a file for writing under `--fs-readonly`, or at or below a `--deny-write` path. It is also a "
        "`PermissionError` with `EACCES`, because "
        "programs treat a read-only disk as an ordinary condition. Shared memory and named semaphores are files below "
        "`/dev/shm`. hermetic's own files cannot be written under any policy.",
        "`--allow-write PATH`, for a file or a folder; `--private-tmp` for temporary files. Where several lie in one "
        "folder, a last line proposes it, unless it is a project, a home or where something is imported or run from.",
    ),
    (
        "filesystem mutation disabled",
        "filesystem",
        "path",
        FILESYSTEM,
        "A change that is no open: `CALL(PATH)` such as `os.remove`, `os.rename`, `os.mkdir`, `os.chmod`. "
        "Both ends of a move and of a link are judged.",
        "`--allow-write PATH` for the path that the message names.",
    ),
    (
        "read outside sandbox root",
        "filesystem",
        "path",
        FILESYSTEM,
        "Reading a file, or listing a directory, that is not below ROOT once links are followed, under "
        "`--fs-readonly=ROOT`.",
        "`--allow-read PATH`, or a ROOT that contains the file.",
    ),
    (
        "filesystem read denied",
        "filesystem",
        "path",
        FILESYSTEM,
        "Reading a file, or listing a directory, at or below a `--deny-read` path, by whatever name.",
        "leaving that `--deny-read` out: nothing else gives it back.",
    ),
    (
        "environment disabled",
        "environment",
        "the variable's name",
        VIOLATION,
        "The program's own code reads an environment variable under `--no-environment`.",
        "`--allow-env NAME`, or `--no-environment=unset`, under which readers see no variable instead of failing.",
    ),
    (
        "environment mutation disabled",
        "environment",
        "the variable's name",
        VIOLATION,
        "Setting or removing an environment variable under `--no-environment`.",
        "`--allow-env NAME`.",
    ),
    (
        "import blocked",
        "imports",
        "the module's name",
        IMPORT,
        "Importing a module that `--deny-import` names, or one below it. It is also an `ImportError`, because programs "
        "treat a missing module as an ordinary condition.",
        "running without that `--deny-import`.",
    ),
    (
        "native import blocked",
        "imports",
        "the module's name",
        IMPORT,
        "Loading an extension module that is not the standard library's own under `--block-native`.",
        "running without `--block-native`.",
    ),
    (
        "native interface blocked",
        "imports",
        "the call",
        IMPORT,
        "Using `ctypes`, `cffi` or another way to native code that was loaded before, under `--block-native`.",
        "running without `--block-native`.",
    ),
    (
        "dynamic code execution disabled",
        "code_exec",
        "the call",
        VIOLATION,
        "`eval`, `exec`, `compile`, `runpy`, code objects, `marshal.loads` or a pickle that names globals, under "
        "`--no-code-exec`. Imports and `ast.literal_eval` work.",
        "running without `--no-code-exec`.",
    ),
    (
        "interpreter mutation disabled",
        "interpreter",
        "what would change",
        VIOLATION,
        "`os.chdir`, `sys.path` and the import hooks, tracing and monitoring hooks, under `--no-interpreter-mutation`; "
        "sub-interpreters, process memory and the guards' own objects under every policy.",
        "running without `--no-interpreter-mutation`; for the guards themselves, nothing.",
    ),
)

# (public module, its file, public names in the order of the page)
PUBLIC = (
    ("hermetic", "hermetic/blocker.py", ("hermetic_blocker", "with_hermetic", "BlockConfig")),
    ("hermetic.allowances", "hermetic/allowances.py", ("allowed", "current_policy", "CurrentPolicy")),
    ("hermetic.locking", "hermetic/locking.py", ("lock",)),
    (
        "hermetic.errors",
        "_hermetic/errors.py",
        ("HermeticError", "PolicyViolation", "FilesystemViolation", "ImportViolation", "BootstrapError"),
    ),
    ("hermetic.profiles", "hermetic/profiles.py", ("GuardConfig", "PROFILES", "apply_profile")),
    ("hermetic.cli", "hermetic/cli.py", ("main", "build_parser", "parse_hermetic_args")),
    ("hermetic.runner", "hermetic/runner.py", ("run", "config_to_flags")),
    ("hermetic.bootstrap", "hermetic/bootstrap.py", ("write_sitecustomize",)),
    ("hermetic.resolver", "hermetic/resolver.py", ("TargetSpec", "resolve", "invoke_inprocess")),
    ("hermetic.guards", "hermetic/guards/__init__.py", ("install_all", "uninstall_all")),
    ("hermetic.guards.network", "hermetic/guards/network.py", ("install", "uninstall")),
    ("hermetic.guards.subprocess_guard", "hermetic/guards/subprocess_guard.py", ("install", "uninstall")),
    ("hermetic.guards.filesystem", "hermetic/guards/filesystem.py", ("install", "uninstall")),
    ("hermetic.guards.environment", "hermetic/guards/environment.py", ("install", "uninstall")),
    ("hermetic.guards.code_exec", "hermetic/guards/code_exec.py", ("install", "uninstall")),
    ("hermetic.guards.imports_guard", "hermetic/guards/imports_guard.py", ("install", "uninstall")),
    ("hermetic.guards.interpreter", "hermetic/guards/interpreter.py", ("install", "uninstall")),
)
