"""The supervisor above the program: where only those may look into a process who started it, as Yama has it on Ubuntu.

The process that was started stays behind, and waits; its child judges; a child of that is the program. What the program
starts stays below it for good: who loses a parent becomes the supervisor's child.

Who waits stands for the program: what signals come for it alone are handed on, it stops when the program stops, and it
ends as the program ends.
"""

from __future__ import annotations

import sys
from _signal import (  # type: ignore[import-not-found]  # what signal is made over: no program shall find that loaded
    SIG_BLOCK,
    SIG_DFL,
    SIG_SETMASK,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    getsignal,
    pthread_sigmask,
    signal,
    sigtimedwait,
    sigwaitinfo,
    valid_signals,
)
from _socket import MSG_DONTWAIT, MSG_NOSIGNAL, socket
from _thread import allocate_lock, start_new_thread
from errno import EAGAIN

from ....pristine import native
from . import abi
from .beside import Supervisor, private_pair, quiet
from .supervisor import DUMPABLE, prepared

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import NoReturn

    from .syscalls import Calls

ADOPTS = 36  # prctl: PR_SET_CHILD_SUBREAPER
# What the supervisor tells: the program's number, its wait status, the same where nothing of it is left; that it has
# seen to a signal.
PROGRAM, STATE, LAST, DONE = b"p", b"s", b"l", b"d"
# What it is told: a signal for the program, if the group has not got it; one that it sent itself.
SIGNAL, HEARD = b"s", b"h"
# A message is one of these, and two numbers.
KIND, WORD, WHOLE = 1, 4, 9


def begin(calls: Calls, machine: int) -> Supervisor:
    """Start the supervisor, and return in a child of it: this process returns only when there can be no other, by
    OSError.
    """
    ours, theirs = private_pair()
    upper, lower = private_pair()
    # Held back, signals do not get lost meanwhile; ignored, children would leave no status.
    ignored, held = getsignal(SIGCHLD), pthread_sigmask(SIG_BLOCK, valid_signals())
    signal(SIGCHLD, SIG_DFL)
    try:
        supervisor = native.fork()
        if supervisor:
            lower.close()
            told = upper.recv(WHOLE)
            if told[:KIND] == PROGRAM:
                stay_behind(calls, machine, upper, supervisor, word(told, 0))
            native.waitpid(supervisor, 0)
            raise OSError(EAGAIN, "no more processes")
        program = start_program(calls, machine, lower)
        if program:
            ours.close()
            supervise(theirs, Parent(lower, program))
    finally:
        signal(SIGCHLD, SIG_DFL if ignored is None else ignored)
        pthread_sigmask(SIG_SETMASK, held)
    for end in (upper, lower, theirs):
        end.close()
    return Supervisor(ours, 0)


def message(kind: bytes, number: int, other: int = 0) -> bytes:
    return kind + number.to_bytes(WORD, sys.byteorder) + other.to_bytes(WORD, sys.byteorder)


def word(data: bytes, which: int) -> int:
    at = KIND + which * WORD
    return int.from_bytes(data[at : at + WORD], sys.byteorder)


# --- the supervisor ---


def start_program(calls: Calls, machine: int, lower: socket) -> int:
    """The program, as a child of the supervisor; 0 in the program itself."""
    try:
        calls(abi.PRCTL[machine], ADOPTS, 1, 0, 0, 0)
        program = native.fork()
    except OSError:
        native._exit(1)
    if program:
        lower.send(message(PROGRAM, program))
    return program


def supervise(end: socket, parent: Parent) -> NoReturn:
    """The life of the supervisor; ends with the last process that is below it."""
    try:
        quiet((end.fileno(), parent.lower.fileno()))
        # First, and whether there is anything to judge or not: somebody waits for the program's end.
        start_new_thread(parent.see_children, ())
        start_new_thread(parent.hand_on, ())
        listening = prepared(end)
        if listening is not None:
            listening.until_the_end()
        forever = allocate_lock()
        with forever:
            forever.acquire()
    finally:
        native._exit(1)


class Parent:
    """What the supervisor is beside: the program's parent, and a member of its process group."""

    def __init__(self, lower: socket, program: int) -> None:
        self.lower, self.program, self.above = lower, program, native.getppid()
        self.ended = False

    def see_children(self) -> None:
        """Tell what becomes of the program, and let go of what else ends; until nothing is left."""
        try:
            while True:
                child, status = native.waitpid(-1, native.WUNTRACED | native.WCONTINUED)
                if child == self.program:
                    self.ended = native.WIFEXITED(status) or native.WIFSIGNALED(status)
                    last = self.ended and self.is_alone()
                    self.tell(LAST if last else STATE, status)
                    if last:
                        break
        except ChildProcessError:
            pass
        finally:
            native._exit(0)

    def is_alone(self) -> bool:
        """Whether nothing is left that the program started."""
        try:
            while native.waitpid(-1, native.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        return False

    def tell(self, kind: bytes, status: int) -> None:
        """Let who waits know; it may have been stopped meanwhile."""
        if not self.answer(message(kind, status)):
            return
        if native.getppid() == self.above:
            native.kill(self.above, SIGCHLD)
            if not native.WIFSTOPPED(status):
                native.kill(self.above, SIGCONT)

    def answer(self, data: bytes) -> bool:
        """Send a message; whether anybody is there to get it."""
        try:
            self.lower.send(data, MSG_NOSIGNAL)
        except OSError:
            return False
        return True

    def hand_on(self) -> None:
        """Signals that came to who waits: for the program, unless the whole group got it; as this process can tell."""
        while data := self.heard():
            number, sender = word(data, 0), word(data, 1)
            found = sigtimedwait([number], 0)
            if data[:KIND] == SIGNAL and (found is None or found.si_pid != sender) and not self.ended:
                self.send(number)
            if data[:KIND] == SIGNAL:
                self.answer(message(DONE, number))
        if not self.ended:
            self.send(SIGKILL)  # nobody stands for it any more: only SIGKILL does that

    def heard(self) -> bytes:
        try:
            return self.lower.recv(WHOLE)
        except OSError:
            return b""

    def send(self, number: int) -> None:
        try:
            native.kill(self.program, number)
        except ProcessLookupError:
            pass  # it has ended just now


# --- who waits ---


def stay_behind(calls: Calls, machine: int, upper: socket, supervisor: int, program: int) -> NoReturn:
    """What is left for the process that was started."""
    try:
        calls(abi.PRCTL[machine], DUMPABLE, 0, 0, 0, 0)
        from ....programs.waiting import end_as, stop_as, wait_for  # loaded here, where no program finds it loaded

        quiet((upper.fileno(),))
        # If the supervisor dies, the program is ours to wait for.
        calls(abi.PRCTL[machine], ADOPTS, 1, 0, 0, 0)
        waited = valid_signals()
        # What the supervisor was told of, and has not seen to.
        left: list[int] = []
        states: list[tuple[bytes, int]] = []
        while True:
            told = sigwaitinfo(waited)
            heard, gone = news(upper)
            changes = [one for one in heard if one[0] != DONE]
            states += changes
            del left[: len(heard) - len(changes)]
            if told.si_signo != SIGCHLD:
                gone = not pass_on(upper, told.si_signo, told.si_pid, supervisor) or gone
                if told.si_pid != supervisor:
                    left.append(told.si_signo)
                if not gone:
                    continue
            for kind, status in states[-1:]:
                if kind == LAST:
                    native.waitpid(supervisor, 0)  # so that its times, and the program's, are those of our children
                if native.WIFEXITED(status) or native.WIFSIGNALED(status):
                    end_as(status)
                if native.WIFSTOPPED(status):
                    stop_as(status)
            states.clear()
            if gone:
                for number in left:
                    native.kill(program, number)
                end_as(wait_for(program))
    finally:
        native._exit(1)


def pass_on(upper: socket, number: int, sender: int, supervisor: int) -> bool:
    """Have the supervisor hand a signal on; whether it is there to do so."""
    try:
        # Whoever signals a group holds up those who change one: after this, all of the group have got it.
        native.setpgid(0, native.getpgrp())
    except OSError:
        pass  # the leader of a session may not; it has waited all the same
    try:
        # It may be gone, and the signal that says so would come here before the one that says who is.
        upper.send(message(HEARD if sender == supervisor else SIGNAL, number, sender), MSG_NOSIGNAL)
    except OSError:
        return False
    return True


def news(upper: socket) -> tuple[list[tuple[bytes, int]], bool]:
    """(what the supervisor told meanwhile, whether it is gone)."""
    found: list[tuple[bytes, int]] = []
    while True:
        try:
            told = upper.recv(WHOLE, MSG_DONTWAIT)
        except BlockingIOError:
            return found, False
        except OSError:
            return found, True
        if not told:
            return found, True
        found.append((told[:KIND], word(told, 0)))
