"""System calls by what they are for, with their numbers by machine; for making filters, which most runs find made.

The numbers are the kernel's interface and never change (``asm/unistd.h``, ``linux/audit.h``); a test compares them
with the system's own headers.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIT_ARCH = (0xC000003E, 0xC00000B7)
# Numbers from here on belong to another calling convention (x32) of the same machine.
X32 = 0x40000000
NONE = -1

# --- system calls: (name, number on x86_64, number on aarch64) ---

# -1 where a machine does not have it.
# fmt: off

# Nothing that an ordinary program needs, and ways around any of the rules. EPERM.
FORBIDDEN = (
    ("bpf", 321, 280), ("perf_event_open", 298, 241), ("ptrace", 101, 117), ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271), ("process_madvise", 440, 440), ("kcmp", 312, 272), ("pidfd_getfd", 438, 438),
    ("userfaultfd", 323, 282), ("keyctl", 250, 219), ("add_key", 248, 217), ("request_key", 249, 218),
    ("mount", 165, 40), ("umount2", 166, 39), ("pivot_root", 155, 41), ("chroot", 161, 51), ("open_tree", 428, 428),
    ("open_tree_attr", 467, 467), ("move_mount", 429, 429), ("fsopen", 430, 430), ("fsconfig", 431, 431),
    ("fsmount", 432, 432), ("fspick", 433, 433), ("mount_setattr", 442, 442), ("setns", 308, 268),
    ("swapon", 167, 224), ("swapoff", 168, 225), ("reboot", 169, 142), ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294), ("init_module", 175, 105), ("finit_module", 313, 273),
    ("delete_module", 176, 106), ("syslog", 103, 116), ("acct", 163, 89), ("quotactl", 179, 60),
    ("quotactl_fd", 443, 443), ("settimeofday", 164, 170), ("clock_settime", 227, 112), ("clock_adjtime", 305, 266),
    ("adjtimex", 159, 171), ("sethostname", 170, 161), ("setdomainname", 171, 162), ("iopl", 172, -1),
    ("ioperm", 173, -1), ("modify_ldt", 154, -1), ("open_by_handle_at", 304, 265), ("vhangup", 153, 58),
    ("fanotify_init", 300, 262), ("fanotify_mark", 301, 263), ("lookup_dcookie", 212, 18), ("nfsservctl", 180, 42),
    ("uselib", 134, -1), ("ustat", 136, -1), ("sysfs", 139, -1), ("_sysctl", 156, -1),
    ("move_pages", 279, 239), ("migrate_pages", 256, 238), ("lsm_set_self_attr", 460, 460),
)
# Ways around filters, for which programs have others. ENOSYS.
ABSENT = (
    ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426), ("io_uring_register", 427, 427),
)
# Modes, owners, times, attributes: Landlock does not know them.
METADATA = (
    ("chmod", 90, -1), ("fchmod", 91, 52), ("fchmodat", 268, 53), ("fchmodat2", 452, 452), ("chown", 92, -1),
    ("fchown", 93, 55), ("lchown", 94, -1), ("fchownat", 260, 54), ("utime", 132, -1), ("utimes", 235, -1),
    ("utimensat", 280, 88), ("futimesat", 261, -1), ("setxattr", 188, 5), ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7), ("setxattrat", 463, 463), ("removexattr", 197, 14), ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16), ("removexattrat", 466, 466), ("file_setattr", 469, 469),
)
# Message queues are files: Landlock sees them opened, and neither made nor removed.
QUEUES = (("mq_open", 240, 180), ("mq_unlink", 241, 181))
# What lies beside a file's contents: Landlock sees files opened, and none of these. By a descriptor they stay.
ATTRIBUTES = (
    ("getxattr", 191, 8), ("lgetxattr", 192, 9), ("getxattrat", 464, 464), ("listxattr", 194, 11),
    ("llistxattr", 195, 12), ("listxattrat", 465, 465),
)
# What tells the names of files in a folder that cannot be listed, as something happens to them.
WATCHES = (("inotify_add_watch", 254, 27),)
# What processes share beside files, by a number that anybody may find: other programs' memory is written by it.
OBJECTS = (
    ("shmget", 29, 194), ("shmat", 30, 196), ("shmctl", 31, 195), ("semget", 64, 190), ("semop", 65, 193),
    ("semctl", 66, 191), ("semtimedop", 220, 192), ("msgget", 68, 186), ("msgsnd", 69, 189), ("msgrcv", 70, 188),
    ("msgctl", 71, 187),
)
# What changes a file system beside opening a file, where there is no Landlock.
CHANGES = (
    ("creat", 85, -1), ("mkdir", 83, -1), ("mkdirat", 258, 34), ("mknod", 133, -1), ("mknodat", 259, 33),
    ("rename", 82, -1), ("renameat", 264, 38), ("renameat2", 316, 276), ("link", 86, -1), ("linkat", 265, 37),
    ("symlink", 88, -1), ("symlinkat", 266, 36), ("unlink", 87, -1), ("unlinkat", 263, 35), ("rmdir", 84, -1),
    ("truncate", 76, 45),
)
# Starting processes. The last two start threads, too.
STARTS = (
    ("execve", 59, 221), ("execveat", 322, 281), ("fork", 57, -1), ("vfork", 58, -1), ("clone", 56, 220),
    ("clone3", 435, 435),
)
# Sockets.
NETWORK = (
    ("socket", 41, 198), ("socketpair", 53, 199), ("connect", 42, 203), ("bind", 49, 200), ("listen", 50, 201),
    ("sendto", 44, 206), ("sendmsg", 46, 211), ("sendmmsg", 307, 269), ("setsockopt", 54, 208),
    ("getsockopt", 55, 209),
)
# Memory that holds code.
MAPPINGS = (
    ("mmap", 9, 222), ("mprotect", 10, 226), ("pkey_mprotect", 329, 288), ("shmat", 30, 196),
    ("memfd_create", 319, 279),
)
# Judged by their arguments.
ARGUED = (
    ("unshare", 272, 97), ("personality", 135, 92), ("ioctl", 16, 29), ("prctl", 157, 167), ("seccomp", 317, 277),
    ("open", 2, -1), ("openat", 257, 56), ("openat2", 437, 437),
)
# fmt: on


def numbers(rows: Iterable[tuple[str, int, int]], machine: int) -> list[int]:
    """The numbers of these calls on one machine; what it does not have is left out."""
    return [row[2] if machine else row[1] for row in rows if (row[2] if machine else row[1]) != NONE]


def number(name: str, machine: int) -> int:
    """The number of one of the calls above; NONE where the machine does not have it."""
    for rows in (STARTS, NETWORK, MAPPINGS, ARGUED):
        for row in rows:
            if row[0] == name:
                return row[2] if machine else row[1]
    raise KeyError(name)
