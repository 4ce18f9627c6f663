"""What each family asks of a kernel, in words that belong to no system.

A rule is a pair: what is taken away or given back, and where. A family's share is a
pure function from its rules; ``enforce/kernel/plan.py`` gathers the shares, and a
backend translates them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    # (what, path, name or empty)
    KernelRule: TypeAlias = tuple[str, str]

# Taken away, each with what it is called in reports.
NO_NETWORK, NO_STARTS, NO_WRITES, NO_READS = "network", "processes", "file writes", "file reads"
NO_NATIVE = "native code"
# With a seal: nobody writes the memory in which the guards are.
NO_MEMORY = "memory"
TAKEN = (NO_NETWORK, NO_STARTS, NO_WRITES, NO_READS, NO_NATIVE, NO_MEMORY)
# Taken away, and known to the interpreter alone: no kernel can hold them.
NO_IMPORTS, NO_VARIABLES, NO_CODE = "imports by name", "environment", "dynamic code"
NO_MUTATION = "interpreter state"
BEYOND = (NO_VARIABLES, NO_CODE, NO_IMPORTS, NO_MUTATION)
# Taken away only in parts that a kernel cannot tell apart, with the reason: (LEFT + capability) is the guards' alone,
# (PARTLY + capability) is held except for that.
LEFT, PARTLY = "left to the guards: ", "in part: "
# Given back. The first needs somebody who judges each address, the second is a name and all below it.
MAY_USE_LOOPBACK, MAY_USE_NAME = "may use loopback", "may use the name"
MAY_WRITE_BELOW, MAY_READ_BELOW = "may write below", "may read below"
# A folder of modules: Python reads them, so all that lies in it can be read.
MAY_IMPORT_BELOW = "may import below"
MAY_LOAD = "may load"


# Places in the rules of the families, which say more of them (network/rules.py, filesystem/lists.py); a process that
# only hands a policy to the kernel loads neither.
BLOCK, LOCALHOST, DOMAINS, ALLOWED, DENIED, PRIVATE, SOCKETS = range(7)
# The rules of the network that allow nothing of it.
ALLOW_NOTHING: tuple[Any, ...] = (True, False, frozenset(), frozenset(), frozenset(), False, frozenset())
ROOT, BEGINNINGS, SINGLE, SOURCES, READONLY, READS, WRITES, NO_READING, NO_WRITING, PROTECTED = range(10)


def network(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    """(whether all is denied, allow_localhost, domains, lists of hosts, ..., Unix sockets)."""
    found = [(NO_NETWORK, "")]
    if not rules[BLOCK]:
        return (*found, (LEFT + NO_NETWORK, "what is denied where all else is allowed"))
    if rules[SOCKETS]:
        return (*found, (LEFT + NO_NETWORK, "a list of Unix sockets"))
    if rules[ALLOWED]:
        # Whoever judges addresses judges by the same lists.
        found.append((MAY_USE_NAME, "a list of hosts"))
    if rules[LOCALHOST] or [entry for entry in rules[ALLOWED] if is_address(entry)]:
        found.append((MAY_USE_LOOPBACK, ""))
    return (*found, *[(MAY_USE_NAME, name) for name in sorted(rules[DOMAINS])])


def is_address(entry: str) -> bool:
    """Whether an entry of a list of hosts is more than a name: an address, a range, or ``localhost``, which is two.

    A name alone never leads to loopback, and is reached as an allowed domain is.
    """
    host = entry.partition(":")[0].rstrip(".")
    is_name = entry.count(":") <= 1 and "/" not in host and not host.rpartition(".")[2].isdecimal()
    return not is_name or host.lower() == "localhost"


def processes(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    """(programs that may be run, ...)."""
    if any(rules):
        return (NO_STARTS, ""), (LEFT + NO_STARTS, "a list of programs: what may start one may start any")
    return ((NO_STARTS, ""),)


def filesystem(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    """See the places above. Prepared or not: beginnings, single paths and modules' folders are empty before."""
    found: list[KernelRule] = []
    if rules[READONLY]:
        found += [(NO_WRITES, ""), *[(MAY_WRITE_BELOW, path or "/") for path in sorted(rules[WRITES][0])]]
        if rules[WRITES][0] and (rules[NO_WRITING][0] or rules[PROTECTED][0]):
            found.append((PARTLY + NO_WRITES, "what is denied below a folder that is given back"))
    elif rules[NO_WRITING][0]:
        found += [(NO_WRITES, ""), (LEFT + NO_WRITES, "a kernel gives back below a folder, and denies nothing there")]
    if rules[ROOT] is not None:
        folders = [beginning[:-1] or beginning for beginning in rules[SOURCES]]
        single = sorted(rules[SINGLE].difference(folders))
        given = [path[:-1] or path for path in rules[BEGINNINGS]]
        read = (rules[ROOT], *given, *single, *[path or "/" for path in sorted(rules[READS][0])])
        found += [(NO_READS, ""), *[(MAY_READ_BELOW, path) for path in read]]
        found += [(MAY_IMPORT_BELOW, path) for path in folders]
        if rules[NO_READING][0]:
            found.append((PARTLY + NO_READS, "what is denied below the root"))
    elif rules[NO_READING][0]:
        found += [(NO_READS, ""), (LEFT + NO_READS, "a kernel gives back below a folder, and denies nothing there")]
    return tuple(found)


def imports(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    """(denied names, whether native code is blocked, ..., packages whose native code is given back)."""
    found = [(NO_IMPORTS, "")] if rules[0] else []
    if rules[1]:
        found += [(NO_NATIVE, ""), *[(MAY_LOAD, name) for name in sorted(rules[3])]]
    return tuple(found)


def environment(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    return ((NO_VARIABLES, ""),)


def code_exec(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    return ((NO_CODE, ""),)


def interpreter(rules: tuple[Any, ...]) -> tuple[KernelRule, ...]:
    return ((NO_MUTATION, ""),)


SHARES: dict[str, Callable[[tuple[Any, ...]], tuple[KernelRule, ...]]] = {
    "network": network,
    "subprocess": processes,
    "filesystem": filesystem,
    "imports": imports,
    "environment": environment,
    "code_exec": code_exec,
    "interpreter": interpreter,
}
# The family that takes each away.
FAMILY_OF = {
    NO_NETWORK: "network",
    NO_STARTS: "subprocess",
    NO_WRITES: "filesystem",
    NO_READS: "filesystem",
    NO_NATIVE: "imports",
    NO_MEMORY: "integrity",
    NO_IMPORTS: "imports",
    NO_VARIABLES: "environment",
    NO_CODE: "code_exec",
    NO_MUTATION: "interpreter",
}


def kernel_rules(rules: dict[str, tuple[Any, ...]], sealed: bool = False) -> tuple[KernelRule, ...]:
    """What the families of a policy ask for, and its seal."""
    found: list[KernelRule] = [(NO_MEMORY, "")] if sealed else []
    for guard, share in SHARES.items():
        if guard in rules:
            found += share(rules[guard])
    return tuple(found)
