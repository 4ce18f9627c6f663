"""Putting policies in force for a block: they live in the session, and are lifted when the block is left."""

from __future__ import annotations

import os
import sys

from . import events
from .capabilities import load_module
from .compiled import Compiled, new_probe, probe_entry
from .enforce import audit, forkservers, patches, session
from .enforce.journal import Journal
from .start import REPLACED, loader_changes, stand_ins

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

_hooked: list[bool] = []
# Memo of ``lacking``.
_lacking: dict[tuple[frozenset[tuple[str, str]], ...], frozenset[tuple[str, str]]] = {}
# What undoes the engagement of each block that has any.
_engaged: list[tuple[object, list[Any]]] = []
# Installations by the (guard, name) pairs they replace, kept for the next block.
_installed: list[tuple[frozenset[tuple[str, str]], Journal]] = []
# What each of these has among patches.STANDING, which is taken off it when another takes its place.
_standing: dict[object, tuple[Any, ...]] = {}
# Who is entering or leaving a block. A signal handler or a finalizer may come amid, in the same thread, and enter one
# itself: what is being replaced or put back is half done then, and is left alone. What it replaces is its own.
_within: list[object] = []
_amid: list[tuple[object, Journal]] = []
# Who wants what is replaced to stay replaced, inert, while nothing is in force: see ``keep_installed``.
_keepers: list[object] = []

if hasattr(os, "register_at_fork"):
    # A fork while another thread enters or leaves a block would find the lock taken, for ever, and things half done.
    os.register_at_fork(
        before=session.lock.acquire, after_in_parent=session.lock.release, after_in_child=session.lock.release
    )


def enter_block(token: object, compiled: Compiled) -> None:
    """Put a compiled policy in force until ``leave_block``."""
    with session.lock:
        is_amid = bool(_within)
        _within.append(token)
        try:
            if not _hooked:
                add_hook()
            put_in_force(token, compiled, is_amid)
        except BaseException:
            take_out(token, is_amid)
            raise
        finally:
            _within.pop()


def leave_block(token: object) -> None:
    """End what ``enter_block`` began under this token; the last one out restores everything."""
    with session.lock:
        is_amid = bool(_within)
        _within.append(token)
        try:
            take_out(token, is_amid)
        finally:
            _within.pop()


def add_hook() -> None:
    """Once for all blocks."""
    probe = new_probe()
    session.add(probe, {probe: (probe_entry(probe),)})
    try:
        audit.add_hook(audit.session_hook, probe)
    finally:
        session.remove(probe)
    _hooked.append(True)


def put_in_force(token: object, compiled: Compiled, is_amid: bool) -> None:
    """is_amid: see ``_within``."""
    tracing, report_only, _, watcher = compiled.modes
    if tracing or (report_only and watcher is None):
        events.open_trace()
    before = session.entered
    # Stand-ins do nothing without a policy, and a policy would judge that the class of what it guards is set.
    if is_amid:
        _amid.append((token, fresh_journal(compiled, compiled.patched, token)))
    else:
        install_for(compiled)
    session.add(token, compiled.table, compiled.carried, watcher)
    if forkservers.MODULE in sys.modules:
        forkservers.change(held_in(before), held_in(session.entered))
    undo = compiled.engage()
    if undo:
        _engaged.append((token, undo))


def take_out(token: object, is_amid: bool) -> None:
    """is_amid: see ``_within``."""
    for pair in [pair for pair in _engaged if pair[0] is token]:
        _engaged.remove(pair)
        for step in reversed(pair[1]):
            step()
    before = session.entered
    is_last = session.remove(token)
    if forkservers.MODULE in sys.modules:
        forkservers.change(held_in(before), held_in(session.entered))
    for own in [own for own in _amid if own[0] is token]:
        _amid.remove(own)
        own[1].undo()
        stand_no_more(token)
    if is_last and not is_amid:
        uninstall()


def held_in(entered: tuple[Any, ...]) -> tuple[bytes, ...]:
    """The policies that children are given, each once."""
    return tuple(dict.fromkeys([entry[2][0] for entry in entered if entry[2][0]]))


def keep_installed(token: object) -> None:
    """Until ``release_installed``, leave stand-ins where they are when the last block is left: without a policy they
    do what the original does. For whoever enters and leaves a policy many times."""
    with session.lock:
        _keepers.append(token)


def release_installed(token: object) -> None:
    """End what ``keep_installed`` began under this token; restores everything if nothing is in force."""
    with session.lock:
        _keepers[:] = [known for known in _keepers if known is not token]
        if not session.entered:
            uninstall()


def uninstall() -> None:
    """Restore every attribute and module that blocks have replaced, unless somebody keeps them."""
    while _installed and not _keepers:
        _installed.pop()[1].undo()


def lacking(patched: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """What of this is not replaced already."""
    key = (patched, REPLACED[0], *[names for names, _ in _installed])
    known = _lacking.get(key)
    if known is None:
        if len(_lacking) > 64:
            _lacking.clear()
        known = _lacking[key] = patched.difference(*key[1:])
    return known


def install_for(compiled: Compiled) -> None:
    """Patch what this policy needs and no earlier block has patched."""
    wanted = lacking(compiled.patched)
    if not wanted:
        return
    journal = session.JOURNALS.get(wanted)
    if journal is None or not journal.redo():
        journal = session.JOURNALS[wanted] = fresh_journal(compiled, wanted, wanted)
    _installed.append((wanted, journal))
    for refresh in journal.refresh:
        refresh()


def stand_no_more(key: object) -> None:
    """Whose stand-ins these were, has others, or none."""
    before = _standing.pop(key, None)
    patches.STANDING[:] = [made for made in patches.STANDING if made is not before]


def fresh_journal(compiled: Compiled, wanted: frozenset[tuple[str, str]], key: object) -> Journal:
    """Patch these names now, and note every change. key: whose they are."""
    memo: dict[Any, Any] = {}
    settings = compiled.settings(wanted, session.session_judge, session.session_after, memo, False, {})
    stand_no_more(key)
    changes, pending, apply = stand_ins(settings, memo, True)
    if pending:
        _standing[key] = patches.STANDING[-1]
    loaders = loader_changes(apply, memo, None) if pending else []
    for change in (*changes, *loaders):
        patches.put(*change)
    changes.extend(loaders)
    patches.install_now(pending, apply, {})
    if "children" in compiled.families:
        load_module("children").STARTING[:] = [*session.STARTERS, *session.ONWARD]
    refresh = [compiled.families[guard].refresh for guard in {guard for guard, _ in wanted}]
    return Journal(changes, tuple([one for one in refresh if one is not None]))
