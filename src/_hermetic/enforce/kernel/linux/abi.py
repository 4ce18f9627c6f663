"""Numbers of the Linux kernel that every run needs: what Landlock knows by ABI, a few system calls by machine.

Nothing is decided here. The numbers are the kernel's interface and never change;
a test compares them with the system's own headers. Sources: ``linux/landlock.h``,
``asm/unistd.h`` of both machines.
"""

from __future__ import annotations

# --- Landlock ---

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_FILE, MAKE_REG = 1 << 5, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
READ = READ_FILE | READ_DIR
# WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, _DIR, _REG, _SOCK, _FIFO, _BLOCK, _SYM
WRITE = 0x1FF2
# What a rule for something that is no folder may name.
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT, SCOPE_SIGNAL = 1, 2

# The ABI that brought each of these: (rights on files, rights on ports, scopes).
BY_ABI = (
    (0, 0, 0),
    (EXECUTE | READ | WRITE, 0, 0),
    (REFER, 0, 0),
    (TRUNCATE, 0, 0),
    (0, BIND_TCP | CONNECT_TCP, 0),
    (IOCTL_DEV, 0, 0),
    (0, 0, SCOPE_ABSTRACT | SCOPE_SIGNAL),
)


def known(abi: int) -> tuple[int, int, int]:
    """(rights on files, rights on ports, scopes) that an ABI knows."""
    files = ports = scopes = 0
    for more in BY_ABI[: abi + 1]:
        files, ports, scopes = files | more[0], ports | more[1], scopes | more[2]
    return files, ports, scopes


# The same on every machine.
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
BY_PATH = 1  # the kind of rule

# --- machines ---

X86_64, AARCH64 = 0, 1
MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}
SECCOMP, PRCTL, CAPGET, CAPSET, OPENAT, SOCKET = (317, 277), (157, 167), (125, 90), (126, 91), (257, 56), (41, 198)
TIMERFD_CREATE, TIMERFD_SETTIME, PPOLL = (283, 85), (286, 86), (271, 73)
EPOLL_CREATE1, EPOLL_CTL, EPOLL_PWAIT = (291, 20), (233, 21), (281, 22)
PIDFD_OPEN, PIDFD_GETFD, PROCESS_VM_READV = (434, 434), (438, 438), (310, 270)
SETXATTR, FCHOWNAT, UTIMENSAT = (188, 5), (260, 54), (280, 88)
SETFSUID, SETFSGID, SETGROUPS = (122, 151), (123, 152), (116, 159)
PRLIMIT, GETPPID, EXECVE, FCHMOD = (302, 261), (110, 173), (59, 221), (91, 52)
# What the kernel tells of a call that is to be judged, and what it is told, in bytes.
NOTICE, ANSWER = 80, 24
MMAP, MPROTECT, CONNECT, BIND, LISTEN = (9, 222), (10, 226), (42, 203), (49, 200), (50, 201)
