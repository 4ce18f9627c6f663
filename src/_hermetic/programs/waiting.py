"""A parent that only waits: it hands signals on to the one child it has, and then ends as that child ended."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

# Sent by the kernel: the terminal tells the whole process group, and so the child, by itself.
FROM_KERNEL = 0x80
# What is not handed on: not to be caught, or about this process alone.
OWN = frozenset(
    {signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT, signal.SIGKILL, signal.SIGSTOP}
    if hasattr(signal, "SIGCHLD")
    else ()
)
# Where the sender cannot be told, these come from a terminal.
FROM_TERMINAL = frozenset({signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)})


def fork() -> int:
    """Fork with all signals held back in the parent: 0 in the child, which has its own mask again."""
    handed_on = [number for number in signal.valid_signals() if number not in OWN]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*handed_on, signal.SIGCHLD])
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def follow(child: int, kept: Iterable[int] = ()) -> int:
    """Wait for a child that ``fork`` made, and hand it what signals come. Returns its wait status.

    kept: descriptors that stay open here.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would leave no status
    release_descriptors(kept)
    return wait_for(child)


def wait_for(child: int) -> int:
    """The same, for a process that holds all signals back and nothing open."""
    waited = [int(number) for number in signal.valid_signals() if number not in OWN] + [int(signal.SIGCHLD)]
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        number, handed_on = next_signal(waited)
        if handed_on:
            try:
                os.kill(child, number)
            except ProcessLookupError:
                pass  # it has ended just now


def next_signal(waited: list[int]) -> tuple[int, bool]:
    """(the next signal, whether the child has not got it by itself)."""
    if hasattr(signal, "sigwaitinfo"):
        told = signal.sigwaitinfo(waited)
        return told.si_signo, told.si_signo != signal.SIGCHLD and told.si_code != FROM_KERNEL
    number = signal.sigwait(waited)
    return number, number != signal.SIGCHLD and number not in FROM_TERMINAL


def release_descriptors(kept: Iterable[int]) -> None:
    """Hold nothing open that the child may close: a reader at the other end waits for the last of them."""
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") > 0 else 1024)


def stop_as(status: int) -> None:
    """Stop this process, which holds all signals back, as a child with this wait status stopped."""
    number = os.WSTOPSIG(status)
    if number != signal.SIGSTOP:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])


def end_as(status: int) -> NoReturn:
    """End this process as a child with this wait status ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child has left its own
            signal.signal(number, signal.SIG_DFL)
        except (ImportError, OSError, ValueError):
            pass  # SIGKILL needs no handler
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
