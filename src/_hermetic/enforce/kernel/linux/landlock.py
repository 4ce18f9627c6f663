"""Landlock: below which paths a process and all its children may read and write.

What is handled and granted is worked out from a plan, as values; only ``restrict``
touches the kernel.
"""

from __future__ import annotations

import sys
from errno import E2BIG, ENOSYS, EOPNOTSUPP
from os import fsdecode, strerror

from ....capabilities.confinement import NO_MEMORY, NO_NETWORK, NO_READS, NO_STARTS, NO_WRITES
from ....paths import exists
from ....pristine import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, close_fd, file_mode, fstat, lstat, native, open_fd, stat
from ..plan import JUDGED
from . import abi

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from ..plan import Plan
    from .syscalls import Calls

    # (path, rights)
    Grant: TypeAlias = tuple[str, int]

WRITING = abi.WRITE | abi.REFER | abi.TRUNCATE | abi.IOCTL_DEV
MEMORY = abi.WRITE_FILE | abi.REFER
DEVICE = abi.WRITE_FILE | abi.TRUNCATE | abi.IOCTL_DEV
# What is written there is nowhere, or on the terminal.
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/pts")
# Semaphores are files for as long as they have a name: multiprocessing's locks, pools and queues.
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # where the C library puts them
SEMAPHORES = abi.WRITE_FILE | abi.READ_FILE | abi.MAKE_REG | abi.REMOVE_FILE
# What C reads on its own and no guard sees: user and host names, the loader's settings, the kernel's figures.
READ_BY_C = (
    *("/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/alternatives"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release"),
    *("/etc/timezone", "/etc/terminfo", "/usr/share/misc", "/usr/libexec"),
    *("/proc/sys/kernel", "/proc/sys/vm", "/proc/sys/fs", "/sys/kernel/mm/transparent_hugepage"),
    *("/dev/ptmx", "/dev/pts"),
)
READ_FOR_NAMES = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols"),
    *("/etc/hostname", "/run/systemd/resolve", "/run/NetworkManager"),
)
READ_BY_PROGRAMS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/share")
O_PATH, O_CLOEXEC = 0o10000000, 0o2000000
O_ACCMODE = 3
NOT_A_FILE = 77  # EBADFD: pipes, sockets and memory are never restricted
CREATE_VERSION = 1
# Half of what is asked may be on by then: it cannot be left to the guards any more.
TOO_MANY = "no run fits inside of so many others: the kernel takes 16 sets of Landlock's rules"
IN_ROOT = "it starts in /, and a rule cannot give back what it makes there: start it in a folder, or --kernel=require"


def handled(plan: Plan, version: int, stays: bool = True) -> tuple[int, int, int]:
    """(rights on files, rights on ports, scopes) that the plan takes away, of those that this ABI knows.

    stays: whether this process is not going to be replaced by the one program that may be started.
    """
    files = ports = scopes = 0
    if NO_WRITES in plan.taken:
        files |= WRITING
    if holds_memory_alone(plan):
        files |= MEMORY
    if NO_READS in plan.taken:
        files |= abi.READ
    if NO_STARTS in plan.taken:
        files |= abi.EXECUTE if stays else 0
        scopes |= abi.SCOPE_SIGNAL
    if NO_NETWORK in plan.taken:
        if plan.network == JUDGED:
            # A second fence: whoever judges connects for the program, from outside.
            ports |= abi.CONNECT_TCP | abi.BIND_TCP
            scopes |= abi.SCOPE_SIGNAL
        elif not plan.localhost and not plan.names:
            ports |= abi.CONNECT_TCP
        scopes |= abi.SCOPE_ABSTRACT
    known = abi.known(version)
    # A process below any rules looks into no other that is not. Were there none, what is held could be done by writing
    # another process's memory; so there is always one, and what takes nothing away is to be allowed to move files.
    if plan.taken and NO_WRITES not in plan.taken and (files & known[0] or not (ports & known[1] or scopes & known[2])):
        files |= abi.REFER
    return files & known[0], ports & known[1], scopes & known[2]


def grants(plan: Plan, writable: Iterable[str] = (), stays: bool = True) -> Iterator[Grant]:
    """The paths that stay open. writable: files that descriptors of this process are open for writing on. stays: as
    for ``handled``.
    """
    if NO_WRITES in plan.taken:
        yield from [(standing_folder(path), WRITING) for path in plan.write]
        yield from [(path, DEVICE) for path in DEVICES]
        # Opening /dev/stdout again gives nothing that the descriptor does not.
        yield from [(path, abi.WRITE_FILE | abi.TRUNCATE) for path in writable]
        if leaves_semaphores(plan):
            yield SHARED_MEMORY, SEMAPHORES
    if holds_memory_alone(plan):
        yield from beside_memory()
    elif NO_WRITES not in plan.taken:
        yield "/", abi.REFER  # which any rules for files take away
    if NO_READS in plan.taken:
        may_start = NO_STARTS not in plan.taken or not stays
        # The link /proc/self binds to this process; children have others.
        own = ("/proc",) if may_start else ("/proc/self",)
        programs = (*READ_BY_PROGRAMS, sys.prefix, sys.base_prefix) if may_start else ()
        names = READ_FOR_NAMES if NO_NETWORK not in plan.taken or plan.localhost or plan.names else ()
        for path in (*plan.read, *plan.modules, *READ_BY_C, *own, *programs, *names):
            yield path, abi.READ


def holds_memory_alone(plan: Plan) -> bool:
    """Whether memory is kept from being written, and files are not."""
    return NO_MEMORY in plan.taken and NO_WRITES not in plan.taken


def keeps_memory_apart(plan: Plan) -> bool:
    """Whether memory takes rules of its own, beside those that give writing back in some folders."""
    return NO_MEMORY in plan.taken and NO_WRITES in plan.taken and bool(plan.write)


def beside_memory() -> Iterator[Grant]:
    """All that may be written where nothing but the memory of processes is taken away: what lies in no procfs.

    A rule gives back all that is below a folder, so each folder around a procfs is given back in pieces. What is made
    there later is not among them.
    """
    yield "/", abi.REFER
    places = procfs_places()
    around = ["/"]
    while around:
        folder = around.pop()
        for name in native.listdir(folder):
            path = folder.rstrip("/") + "/" + name
            if path in places or is_link(path):
                continue  # where a link leads is given back by its own name
            if [place for place in places if place.startswith(path + "/")]:
                around.append(path)
            else:
                yield path, abi.WRITE_FILE


def is_link(path: str) -> bool:
    try:
        return file_mode(lstat(path)) & S_IFMT == S_IFLNK
    except OSError:
        return True  # gone meanwhile


def procfs_places(mounts: str = "/proc/self/mountinfo") -> list[str]:
    """Where procfs is mounted, as this process sees it."""
    with open(mounts, "rb") as file:
        lines = file.read().splitlines()
    # ... root, place, options, any more fields, a hyphen, kind, ... (proc_pid_mountinfo(5)).
    split = [line.split(b" - ") for line in lines]
    found = []
    for fields in split:
        if fields[1].split()[0] == b"proc":
            place = fields[0].split()[4]
            for written, meant in ESCAPES:
                place = place.replace(written, meant)
            found.append(fsdecode(place))
    return found


def standing_folder(path: str) -> str:
    """A folder by which what lies at a path can be made, moved and taken away: itself, or the nearest one around it.

    Never the root of everything: then there is no rule, and the path cannot be written.
    """
    given = path
    while path not in ("", "/"):
        try:
            if file_mode(stat(path)) & S_IFMT != S_IFREG:
                return path
        except OSError:
            pass
        path = path.rpartition("/")[0]
    return given


def with_unmade(plan: Plan) -> Plan:
    """The plan, with writing left to the guards where a rule could only give all of it back: what is still to be made
    in the root folder.
    """
    unmade = [path for path in plan.write if standing_folder(path) == path and not exists(path or "/")]
    return plan.but(limits=(*plan.limits, *[(NO_WRITES, False, f"{path} {UNMADE}") for path in unmade]))


UNMADE = "is not there yet, and a rule for the root folder would give back everything (make it before the start)"
MADE_BEFORE = "a folder that is made before the start is held by itself"
SHOWN = 3
# How the kernel writes what separates fields, and at last the sign that it writes them with (mangle_path).
ESCAPES = ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\"))


def with_places(asked: Plan) -> Plan:
    """The plan, with what only a look at the paths tells."""
    limits = asked.limits
    if holds_memory_alone(asked) and not asked.whole and makes_files_in_root():
        limits = (*limits, (NO_MEMORY, False, IN_ROOT))
    return asked.but(around=taken_around(asked), limits=limits)


def makes_files_in_root() -> bool:
    """Whether the program works in the folder around everything, and may make files there: no rule gives those back."""
    try:
        return native.getcwd() == "/" and native.access("/", native.W_OK)
    except OSError:
        return False


def taken_around(plan: Plan) -> str:
    """Which paths a rule can give back only with the folder around them; empty for none."""
    found = [path for path in plan.write if standing_folder(path) != path]
    text = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
    return f"{text} ({MADE_BEFORE})" if [path for path in found if not exists(path or "/")] else text


def leaves_semaphores(plan: Plan) -> bool:
    """Whether /dev/shm stays open: always, unless everything shall be held."""
    return NO_WRITES in plan.taken and not plan.whole


def open_for_writing() -> list[str]:
    """Names of this process's descriptors that may write to files which lie on a disk."""
    found = []
    for name in native.listdir("/proc/self/fd"):
        try:
            if file_mode(fstat(int(name))) & S_IFMT == S_IFREG and flags_of(name) & O_ACCMODE:
                found.append("/proc/self/fd/" + name)
        except (OSError, ValueError):
            pass  # the listing's own descriptor
    return found


def flags_of(name: str) -> int:
    """How a descriptor was opened."""
    descriptor = open_fd("/proc/self/fdinfo/" + name, native.O_RDONLY | O_CLOEXEC)
    try:
        return int(native.read(descriptor, 200).split(b"flags:")[1].split()[0], 8)
    finally:
        close_fd(descriptor)


def version_of(calls: Calls) -> tuple[int, str]:
    """(ABI or 0, why there is none)."""
    try:
        return calls(abi.LANDLOCK_CREATE, None, 0, CREATE_VERSION), ""
    except OSError as error:
        why = {ENOSYS: "not in this kernel, or hidden by a container", EOPNOTSUPP: "not enabled at boot (lsm=)"}
        return 0, "Landlock is " + why.get(error.errno or 0, f"refused here ({error.strerror})")


def restrict(calls: Calls, taken: tuple[int, int, int], given: Iterable[Grant]) -> None:
    """Put the rules on for this thread and all it starts. It must not gain privileges any more. OSError."""
    files, ports, scopes = taken
    attributes = b"".join([int.to_bytes(value, 8, "little") for value in taken])
    # Older kernels know a shorter record; what is not asked for is left off.
    size = 24 if scopes else 16 if ports else 8
    ruleset = calls(abi.LANDLOCK_CREATE, attributes[:size], size, 0)
    try:
        for path, rights in given:
            if rights & files:
                allow(calls, ruleset, path, rights & files)
        error_number = calls.fails(abi.LANDLOCK_RESTRICT, ruleset, 0)
        if error_number:
            raise OSError(error_number, TOO_MANY if error_number == E2BIG else strerror(error_number))
    finally:
        close_fd(ruleset)


def allow(calls: Calls, ruleset: int, path: str, rights: int) -> None:
    """One rule. What does not exist, or cannot be restricted, needs none."""
    try:
        descriptor = open_fd(path, O_PATH | O_CLOEXEC)
    except OSError:
        return
    try:
        if file_mode(fstat(descriptor)) & S_IFMT != S_IFDIR:
            rights &= abi.OF_FILES
        if rights:
            record = int.to_bytes(rights, 8, "little") + int.to_bytes(descriptor, 4, "little")
            error_number = calls.fails(abi.LANDLOCK_ADD, ruleset, abi.BY_PATH, record, 0)
            if error_number not in (0, NOT_A_FILE):
                raise OSError(error_number, "a rule was refused", path)
    finally:
        close_fd(descriptor)
