"""The core of hermetic: everything that runs inside a guarded process.

One rule holds for this package: it imports the standard library and itself, by
relative imports, and nothing else, so that it can be carried into an
interpreter in which hermetic is not installed.

PYTEST_DONT_REWRITE: pytest looks into packages that have plugins for assertions to explain.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader
from _imp import _fix_co_filename  # type: ignore[attr-defined]  # every CPython has it, for its own loader
from marshal import loads

try:
    import posix as native
except ImportError:  # Windows
    import nt as native  # type: ignore[no-redef]  # the same module under the other system's name

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

VERSION = "0.1.0"

# How the bytecode of a module is called, where it lies beside the source and is of the ordinary kind.
IS_ORDINARY = bool(sys.implementation.cache_tag) and sys.pycache_prefix is None and not sys.flags.optimize
SUFFIX = f".{sys.implementation.cache_tag}.pyc" if IS_ORDINARY else ""
# Longer than nearly every module's bytecode: a read costs less than asking for the length.
PIECE = 1 << 16
READ_BYTES = native.O_RDONLY | getattr(native, "O_CLOEXEC", 0) | getattr(native, "O_BINARY", 0)

# What a start loads, each after what it imports itself; a dot at the end marks a package.
SENDER = (
    *("errors", "model", "pristine", "programs.", "programs.target", "programs.commandline", "programs.executables"),
    *("capabilities.", "policy"),
)
HAND_OVER = ("programs.variables", "message", "startup.early", "running.", "running.carried")
RECEIVER = (*SENDER, "message", "startup.early", "startup.late", "running.", "running.carried")
# For a whole process.
_START = (
    *(*SENDER, "extract", "callers", "events", "running.", "running.status"),
    *("enforce.", "enforce.bind", "enforce.judge", "enforce.session", "enforce.lasting"),
    *("enforce.doors.", "running.reports", "enforce.audit", "enforce.fresh", "enforce.patches"),
    *("compiled", "asking", "start"),
)
BLOCK = (*_START, "enforce.journal", "enforce.forkservers", "blocks")
_RUN = (*_START, "paths", "running.source", "running.program", "running.ending", "running.run")
_EVERY_POLICY = (
    *("paths", "startup.searchpath", "capabilities.integrity.memory", "capabilities.integrity.files"),
    *("capabilities.integrity.requests", "capabilities.integrity."),
)
_CHILDREN = (
    *("startup.early", "message", "programs.variables", "programs.firstlines", "programs.library"),
    *("capabilities.processes.", "capabilities.processes.starting", "capabilities.processes.children"),
    "capabilities.processes.permitted",
    *("enforce.doors.permitted", "enforce.doors.actions", "enforce.doors.starters", "enforce.doors.children"),
)
_NETWORK = (
    *("capabilities.network.addresses", "capabilities.network.rules", "capabilities.network.plumbing"),
    *("capabilities.network.sockets", "capabilities.network.detours", "capabilities.network.unix"),
    *("capabilities.network.decisions", "capabilities.network.learning", "capabilities.network."),
)
_FAMILIES = {
    "network": (
        *(*_NETWORK, "capabilities.network.numeric"),
        *("enforce.doors.names", "enforce.doors.uuids", "running.sockets"),
    ),
    "subprocess": (
        *("capabilities.processes.", "capabilities.processes.starting", "capabilities.processes.denied"),
        "enforce.doors.browsers",
    ),
    "filesystem": (
        "sqlite",
        *("capabilities.filesystem.descriptors", "capabilities.filesystem.databases"),
        *("capabilities.filesystem.readable", "capabilities.filesystem.places", "capabilities.filesystem.lists"),
        *("capabilities.filesystem.told", "capabilities.filesystem.filecalls", "capabilities.filesystem.clibrary"),
        *("capabilities.filesystem.requests", "capabilities.filesystem.remedies"),
        *("capabilities.filesystem.unannounced", "capabilities.filesystem.decisions", "capabilities.filesystem."),
        *("enforce.doors.memory", "enforce.doors.uuids", "enforce.doors.connections", "enforce.doors.databases"),
    ),
    "environment": ("programs.variables", "capabilities.environment", "enforce.doors.environ"),
    "code_exec": (
        *("capabilities.code_exec.creation", "capabilities.code_exec.generated", "capabilities.code_exec.naming"),
        *("capabilities.code_exec.provenance", "capabilities.code_exec.", "enforce.doors.compile"),
    ),
    "imports": (
        *("capabilities.imports.loaded", "capabilities.imports.origins", "capabilities.imports.given"),
        *("sqlite", "capabilities.imports.interfaces", "capabilities.imports.libraries"),
        "capabilities.imports.",
        *("enforce.doors.modules", "enforce.doors.connections", "enforce.doors.tokenizers"),
    ),
    "interpreter": (
        *("capabilities.interpreter.import_state", "capabilities.interpreter.startup_files"),
        "capabilities.interpreter.",
        "enforce.doors.interpreter_state",
    ),
}


# The families that a kernel can hold, and what that takes.
HELD_BY_KERNEL = frozenset({"network", "subprocess", "filesystem", "imports"})
# In front of the name of one that it holds in part.
HELD_IN_PART = "in part: "
_KERNEL = (
    *("capabilities.confinement", "enforce.kernel.", "enforce.kernel.plan", "enforce.kernel.receipts"),
    *("enforce.kernel.backend", "kernel"),
)
_LINUX = (
    *("enforce.kernel.linux.", "enforce.kernel.linux.abi", "enforce.kernel.linux.syscalls"),
    *("paths", "enforce.kernel.linux.landlock", "enforce.kernel.linux.filters", "enforce.kernel.linux.backend"),
)
# Who judges beside the program: what starts it, ahead of everything else, and what it loads itself.
_AHEAD = ("enforce.kernel.linux.beside", "enforce.kernel.linux.ahead")
_SUPERVISOR = tuple(
    [f"enforce.kernel.linux.{name}" for name in ("asker", "interrupted", "clock", "outstanding", "judge", "supervisor")]
)
_PACKAGES = ("enforce.", "enforce.kernel.", "enforce.kernel.linux.", "enforce.kernel.linux.abi")
_JUDGING = ("extract", "events", "enforce.kernel.linux.syscalls", *_NETWORK)


# What of the kernel layer is done with once it is on, as far as it was loaded for that.
_layer: list[str] = []
_STAYING = ("paths", "enforce.kernel.", "enforce.kernel.linux.", "enforce.kernel.receipts")


def load_for(guards: Collection[str], kernel: bool = False, names: Iterable[str] = _RUN) -> None:
    """Load what a run, or what else these names are for, needs under these families.

    kernel: whether it is going to be asked to hold them.
    """
    load_at_once(__spec__, names)
    if kernel and not HELD_BY_KERNEL.isdisjoint(guards):
        layer = list(_KERNEL)
        if sys.platform == "linux":
            layer += _LINUX
            if not {"imports"}.issuperset(HELD_BY_KERNEL.intersection(guards)):  # alone, native code is the guards'
                layer.append(f"enforce.kernel.linux.frozen_{native.uname().machine}")
            if "network" in guards and f"{__name__}.{_AHEAD[0]}" not in sys.modules:
                layer += (*_AHEAD, *_SUPERVISOR)
        _layer.extend([name for name in layer if name not in _STAYING and f"{__name__}.{name}" not in sys.modules])
        load_at_once(__spec__, layer)
    for guard in guards:
        load_at_once(__spec__, (*_EVERY_POLICY, *_FAMILIES[guard]))
    if guards and "subprocess" not in guards:
        load_at_once(__spec__, _CHILDREN)


def let_layer_go() -> None:
    """Give back the room of what has put the kernel layer on: the guards are bound in it. Whoever needs it loads it
    again.
    """
    for name in _layer:
        parent, _, last = f"{__name__}.{name}".rpartition(".")
        module = sys.modules.pop(f"{parent}.{last}")
        vars(sys.modules[parent]).pop(last, None)
        # Its functions and its namespace hold one another, and the collector rests.
        vars(module).clear()
    _layer.clear()


def load_ahead() -> None:
    """Load what starts a supervisor early."""
    load_at_once(__spec__, (*_PACKAGES, *_AHEAD))


def load_for_judging() -> None:
    """Load what a supervisor needs that was started early."""
    load_at_once(__spec__, (*_JUDGING, *_SUPERVISOR))


def load_at_once(package: Any, names: Iterable[str]) -> None:
    """Load modules of a package of ours by their files; for a process of our own, which has no threads yet.

    The import system takes longer to find one of them than that one takes to run. What
    does not lie in plain files, or is missing above, is still left to it.
    """
    if type(package.loader) is not SourceFileLoader or package.origin is None:
        return
    folder, separator = package.origin[:-11], package.origin[-12]
    loaded = sys.modules
    orphans: list[str] = []
    for name in names:
        is_package = name[-1] == "."
        full = f"{package.name}.{name.removesuffix('.')}"
        if full not in loaded:
            path = folder + name.replace(".", separator) + ("__init__" if is_package else "")
            loader = SourceFileLoader(full, path + ".py")
            spec = ModuleSpec(full, loader, origin=path + ".py", is_package=is_package)
            spec.has_location = True
            if spec.submodule_search_locations is not None:
                spec.submodule_search_locations.append(path[:-9])
            code = None
            if SUFFIX:
                above, _, last = path.rpartition(separator)
                spec.cached = f"{above}{separator}__pycache__{separator}{last}{SUFFIX}"
                code = cached_code(path + ".py", spec.cached)
            loaded[full] = module = new_module(spec)
            # A package may give a name of its own to what one of its modules is called, so that comes first.
            for child in [child for child in orphans if child.rpartition(".")[0] == full]:
                setattr(module, child.rpartition(".")[2], loaded[child])
                orphans.remove(child)
            if code is None:
                loader.exec_module(module)
            else:
                exec(code, module.__dict__)
            parent, _, last = full.rpartition(".")
            if parent in loaded:
                setattr(loaded[parent], last, module)
            else:
                orphans.append(full)


def new_module(spec: ModuleSpec) -> Any:
    """As ``module_from_spec``, which asks the loader and the module for each of these first."""
    module: Any = type(sys)(spec.name)
    names = {"__loader__": spec.loader, "__package__": spec.parent, "__spec__": spec, "__file__": spec.origin}
    module.__dict__.update(names, __cached__=spec.cached)
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    return module


def cached_code(source: str, cached: str) -> Any:
    """The code of a module from its bytecode, where that is plainly up to date; None leaves it to the loader.

    As ``SourceFileLoader.get_code`` for the ordinary kind of file, which looks at each in twice as many system calls.
    """
    try:
        wanted = native.stat(source)
        descriptor = native.open(cached, READ_BYTES)
        try:
            data = piece = native.read(descriptor, PIECE)
            while len(piece) == PIECE:
                piece = native.read(descriptor, PIECE)
                data += piece
        finally:
            native.close(descriptor)
    except OSError:
        return None
    stamp = (int(wanted.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + (wanted.st_size & 0xFFFFFFFF).to_bytes(
        4, "little"
    )
    # The number of the format, flags (0: by time and size), time, size.
    if data[:16] != MAGIC_NUMBER + b"\0\0\0\0" + stamp:
        return None
    code = loads(data[16:])
    # Bytecode may have been made elsewhere, as by those who package; the guards know each other by these names.
    _fix_co_filename(code, source)
    return code
