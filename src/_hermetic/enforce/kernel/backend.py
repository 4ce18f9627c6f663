"""The kernel layer's door: from policies to a receipt, by the backend of this system.

A backend confines the process that it runs in, for good, and says what it holds. Systems
without one are held by the guards alone, which is said in the same words.
"""

from __future__ import annotations

import marshal
import sys
from os import fsencode

from ...capabilities.confinement import ALLOW_NOTHING, MAY_IMPORT_BELOW, NO_VARIABLES, kernel_rules
from ...errors import BootstrapError
from ...pristine import native
from ...programs.target import OFF, REQUIRE
from .plan import GUARD_ONLY, HELD, IN_PART, Plan, Support, plan_for
from .receipts import Receipt, from_fields, receipt

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ...policy import Policy

    class Backend(Protocol):
        """What a system's module offers."""

        def probe(self) -> Support:
            """What this kernel offers this process. Nothing is put on."""

        def confine(
            self,
            asked: Plan,
            accept: Callable[[Receipt], None],
            command: tuple[bytes, list[bytes], list[bytes]] | None = None,
            network: tuple[Any, ...] = (),
            witnesses: tuple[int, int] = (-1, -1),
            waits: bool = False,
        ) -> Receipt:
            """Hold what can be held, for good; ``accept`` may raise before anything is put on.

            command: (path, words, variables) of the program that takes the place of this process. network: the
            family's rules, for whoever judges by them; witnesses, waits: see ``confine`` below.
            """


# sys.platform -> module of this package
BACKENDS = {"linux": "linux.backend"}


def backend() -> Backend | None:
    """The backend of this system, if there is one."""
    name = BACKENDS.get(sys.platform)
    if name is None:
        return None
    found: Any = __import__(f"{__package__}.{name}", None, None, ["confine"])
    return found  # type: ignore[no-any-return]  # a module that offers this


def confine(
    policy: Policy,
    rules: dict[str, tuple[Any, ...]],
    mode: str,
    witnesses: tuple[int, int] = (-1, -1),
    waits: bool = False,
) -> Receipt:
    """Hold a policy by the kernel as far as its mode says. BootstrapError when ``require`` cannot be kept.

    rules: the policy's, prepared where that says more. witnesses: descriptors where refusals are traced and reported
    that only the kernel layer sees, as far as it sees them; -1 for none. waits: whether this process may stay behind,
    to wait for a child that goes on in its place.
    """
    asked = plan_for(kernel_rules(rules, policy.sealed), mode == REQUIRE, mode == REQUIRE)
    if not asked.taken or policy.report_only or mode == OFF:
        return Receipt()
    accept = refuse_gaps if mode == REQUIRE else accept_gaps
    system = backend()
    if system is None:
        found = unsupported(asked)
        accept(found)
        return found
    try:
        return system.confine(asked, accept, None, rules.get("network", ALLOW_NOTHING), witnesses, waits)
    except OSError as error:
        raise BootstrapError(f"the kernel layer could not be put on: {error.strerror or error}") from error


def become(
    policy: Policy,
    rules: dict[str, tuple[Any, ...]],
    path: str,
    words: list[str],
    variables: dict[str, str],
    drops: bool,
    waits: bool,
    witnesses: tuple[int, int],
) -> None:
    """Replace this process by a program that only the kernel can hold. BootstrapError when it does not hold all of it.

    Returns where nothing is left for a kernel to hold. The variables are the program's environment already, as the
    policy leaves it. drops: see ``Plan``; witnesses, waits: see ``confine``.
    """
    # Modules are Python's; and the variables are gone already.
    wanted = [rule for rule in kernel_rules(rules) if rule[0] not in (MAY_IMPORT_BELOW, NO_VARIABLES)]
    asked = plan_for(wanted, True, drops)
    asked = asked.but(read=(*asked.read, path))  # under a root that it lies outside of, nobody could start it

    if policy.report_only:
        raise BootstrapError(f"{path} is not a Python program: what it does cannot be reported, only refused")

    def accept(found: Receipt) -> None:
        if any(row.state != HELD for row in found.rows):
            raise BootstrapError(
                f"{path} is not a Python program, and the kernel does not hold all that was taken away\n{table(found)}"
            )

    system = backend()
    command = (fsencode(path), [fsencode(word) for word in words], [fsencode(f"{n}={v}") for n, v in variables.items()])
    if system is None:
        accept(unsupported(asked))
        return
    try:
        system.confine(asked, accept, command, rules.get("network", ALLOW_NOTHING), witnesses, waits)
    except OSError as error:
        raise BootstrapError(f"cannot start {path}: {error.strerror or error}") from error


def tried(asked: Plan) -> Receipt:
    """What this machine holds of a plan, tried in a process that ends with it."""
    system = backend()
    if system is None:
        return unsupported(asked)
    heard, told = native.pipe()
    child = native.fork()
    if child == 0:
        try:
            native.write(told, marshal.dumps(system.confine(asked, accept_gaps, waits=True).fields()))
        except OSError as error:
            native.write(told, marshal.dumps(error.strerror or str(error)))
        finally:
            native._exit(0)
    native.close(told)
    data = b""
    while piece := native.read(heard, 65536):
        data += piece
    native.close(heard)
    try:
        native.waitpid(child, 0)
    except ChildProcessError:
        pass  # SIGCHLD is ignored
    found = marshal.loads(data) if data else "the trial ended early"
    if isinstance(found, str):
        plan, gaps = asked.within(Support(no_landlock=found, no_filters=found))
        return receipt(asked, plan, gaps, {}, {})
    return from_fields(found)


def unsupported(asked: Plan) -> Receipt:
    """The receipt of a system without a backend."""
    nothing = Support(no_landlock=f"no kernel layer on {sys.platform}", no_filters=f"no kernel layer on {sys.platform}")
    plan, gaps = asked.within(nothing)
    return receipt(asked, plan, gaps, {}, {})


def accept_gaps(found: Receipt) -> None:
    """What ``auto`` does: the guards hold what the kernel does not."""


def refuse_gaps(found: Receipt) -> None:
    """What ``require`` does."""
    if any(row.state in (IN_PART, GUARD_ONLY) for row in found.rows):
        raise BootstrapError("--kernel=require: this kernel does not hold all of it\n" + table(found))


def table(found: Receipt) -> str:
    """A receipt for people, one line a capability and one for each thing that is not held."""
    lines = []
    for row in found.rows:
        by = f"  ({', '.join(row.by)})" if row.by else ""
        lines.append(f"  {row.capability:<12} {row.state}{by}")
        lines += [f"      not held: {gap}" for gap in row.gaps]
        lines += [f"      left open: {text}" for text in row.open]
    return "\n".join(lines)
